//! What a text that the grammar refuses was probably meant to be.
//!
//! Nothing here accepts anything: it finds a better error than that a word is unknown. It looks at
//! what stands before the first letter (conditions), at the word that begins there, and at what
//! comes after that.

use super::action::{self, Action, Argument, Row};
use super::conditions;
use super::reader::syntax;
use super::time::Time;
use crate::error::{Problem, Syntax};

const WHEN_FIRST: &str = "`when(..)` once, and first";

/// An alternative up to its parenthesis, if it has one.
pub(super) struct Head<'a> {
    pub(super) text: &'a str,
    /// Its first byte in the whole text.
    pub(super) at: usize,
    /// Whether a parenthesis is next.
    pub(super) opens: bool,
    /// Whether it is of FAILPOINTS, where `;` and a name begin another entry.
    pub(super) in_env: bool,
}

impl Head<'_> {
    /// Returns the error of a head whose order or whose signs are wrong, if they are.
    pub(super) fn problem(&self) -> Option<Problem> {
        let first = self.text.chars().next()?;
        if is_quote(first) {
            let expected = "the actions without quotes around them";
            return Some(syntax(
                "unexpected quote",
                &first.to_string(),
                self.at,
                expected,
            ));
        }
        if let Some(entry) = entry(self.text) {
            return Some(another_entry(entry, self.at));
        }
        let (before, rest) = self.text.split_at(self.text.find(char::is_alphabetic)?);
        let (word, after) = word(rest);
        let at = self.at + before.len();
        if word.eq_ignore_ascii_case("when") {
            return Some(self.when(before, word, at, after));
        }
        let row = meant(word)?;
        if !before.is_empty() && !conditions::are_right(before) {
            return self.conditions_of(before, row);
        }
        self.after(row, after, at + word.len())
    }

    fn when(&self, before: &str, word: &str, at: usize, after: &str) -> Problem {
        let before = before.trim();
        let expected = match conditions::meant(before) {
            Some(before) => format!("{WHEN_FIRST}: when(..){}", short(&before)),
            None if word != "when" => "`when(key=regex)`, in lower case".to_owned(),
            None if self.opens && !after.is_empty() => "`when(` without white space".to_owned(),
            None if !self.opens => "`when(key=regex)`".to_owned(),
            // The first was read.
            None => format!("{WHEN_FIRST}: when(..,..) with a comma between its matchers"),
        };
        syntax("misplaced", word, at, &expected)
    }

    /// The error of conditions before `row`'s word that are none as they stand.
    fn conditions_of(&self, before: &str, row: &Row) -> Option<Problem> {
        let word = row.word;
        if let Some(number) = conditions::number(before) {
            let count = format!("{number}*{word} for at most {number} times");
            let percent = format!("{number}%{word} for {number} percent of the hits");
            let is_percent = number.parse::<f64>().is_ok_and(|percent| percent <= 100.0);
            let expected = match (number.parse::<usize>().is_ok(), is_percent) {
                _ if number.len() > 20 => return None,
                (true, true) => format!("{count}, or {percent}"),
                (true, false) => count,
                (false, true) => percent,
                (false, false) => return None,
            };
            let what = "a number without `*` or `%`";
            return Some(syntax(what, before.trim_end(), self.at, &expected));
        }
        let what = "misplaced conditions";
        let expected = match conditions::meant(before) {
            Some(right) => format!(
                "the percentage first, then the count, then the action, without white space: \
                 {}{word}",
                short(&right)
            ),
            None if ['%', '*'].iter().any(|c| before.matches(*c).count() > 1) => {
                format!("one percentage at most, and then one count at most: 50%5*{word}")
            }
            None if !before.contains(|c: char| c.is_numeric() || matches!(c, '%' | '*')) => {
                let expected = format!("{word} with nothing but conditions before it");
                let before = before.trim_end();
                return Some(syntax("unexpected text", before, self.at, &expected));
            }
            None => return None,
        };
        Some(syntax(what, before.trim_end(), self.at, &expected))
    }

    /// The error of what comes `after` the word of `row`, at byte `at`.
    fn after(&self, row: &Row, after: &str, at: usize) -> Option<Problem> {
        if after.is_empty() {
            return None;
        }
        let separator = &after[..after.find(char::is_alphanumeric).unwrap_or(after.len())];
        let tail = &after[separator.len()..];
        if tail.is_empty() && separator.trim().is_empty() {
            let expected = format!("{}(..) without white space", row.word);
            return Some(syntax("unexpected white space", "", at, &expected));
        }
        if let Some(problem) = self.junction(Some(row), after, at) {
            return Some(problem);
        }
        // An argument, in whatever somebody put it.
        let spaces = after.len() - after.trim_start().len();
        let argument = after
            .trim_matches(|c: char| c.is_whitespace() || is_quote(c) || "=:,[]{}()<>".contains(c));
        let (at, text) = (at + spaces, after.trim());
        let word = row.word;
        let expected = match &row.argument {
            Argument::Nothing(_) => return Some(needless(row, text, argument, at)),
            // Only what would be accepted is proposed.
            Argument::Time(_) => match Time::parse(argument.trim_start_matches('-')) {
                Ok(_) => format!("{word}({})", short(argument.trim_start_matches('-'))),
                Err((_, expected)) => format!("{word}(..) with {expected}"),
            },
            Argument::Status(_) => match argument.parse::<u8>() {
                Ok(status) => format!("{word}({status})"),
                Err(_) => format!("{word}(status)"),
            },
            Argument::Text(_) if self.opens => format!("{word}({}..)", short(argument)),
            Argument::Text(_) => format!("{word}({})", short(argument)),
        };
        let what = "an argument without parentheses";
        Some(syntax(what, text, at, &expected))
    }

    /// The error of text at byte `at` after an alternative that it does not belong to, if it is the
    /// next alternative, the next entry, conditions, or only a sign. `row` is that of the action
    /// before it, unless that had an argument in parentheses.
    pub(super) fn junction(&self, row: Option<&Row>, text: &str, at: usize) -> Option<Problem> {
        let end = text.find(char::is_alphanumeric).unwrap_or(text.len());
        let (separator, tail) = text.split_at(end);
        let sign = separator.trim();
        // What is underlined: the sign, or, where only white space is, what comes after it.
        let underlined = |what, expected: &str| {
            let (word, from) = match sign {
                "" => (tail, separator.len()),
                sign => (sign, separator.len() - separator.trim_start().len()),
            };
            Some(syntax(what, word, at + from, expected))
        };
        if let Some(right) = conditions::meant(text) {
            let word = row.map_or("..", |row| row.word);
            let expected = format!("conditions before the action: {}{word}", short(&right));
            return underlined("misplaced conditions", &expected);
        }
        let takes_text = row.is_some_and(|row| !matches!(row.argument, Argument::Nothing(_)));
        if let Some(entry) = entry(tail).filter(|_| self.in_env || !sign.is_empty() || !takes_text)
        {
            if sign.is_empty() {
                return Some(another_entry(entry, at + separator.len()));
            }
            return underlined(
                "unexpected text",
                "`;` before the next entry of FAILPOINTS, or `->` before the next alternative",
            );
        }
        let (next, _) = word(tail);
        if next.eq_ignore_ascii_case("when") && sign.is_empty() {
            let expected = format!("{WHEN_FIRST}, before the action");
            return Some(syntax("misplaced", next, at + separator.len(), &expected));
        }
        if Row::of(next).is_some() || begins_alternative(tail) {
            let mut expected = "`->` between two alternatives".to_owned();
            if sign == ";" {
                expected += "; `;` is between entries of FAILPOINTS";
            } else if takes_text && sign.is_empty() {
                expected += ", or an argument in parentheses";
            }
            return underlined("unexpected text", &expected);
        }
        if tail.is_empty() && !sign.is_empty() {
            let mut expected = "`->` and another alternative, or the end".to_owned();
            if sign.starts_with(';') {
                expected += "; `;` is between entries of FAILPOINTS";
            }
            return underlined("unexpected text", &expected);
        }
        None
    }
}

/// The error of a word without a row, with what it may have been meant to be. `before` is the text
/// up to it, `argument` what it has in parentheses.
pub(super) fn unknown(word: &str, before: &str, argument: Option<&str>, rest: &str) -> Problem {
    let what = match word {
        "" if before.trim_end().ends_with("->") => "no action after `->`",
        "" if rest.starts_with("->") => "no action before `->`",
        "" => "no action",
        _ => "unknown action",
    };
    let row = Row::meant(word);
    let is_capital = row.is_some_and(|row| word.eq_ignore_ascii_case(row.word));
    let case = if is_capital { ", in lower case" } else { "" };
    let words = action::words(|_| true).join(", ");
    Problem::Syntax(Syntax {
        what,
        word: word.to_owned(),
        position: before.len(),
        expected: format!("one of {words}{case}"),
        meant: row.map(|row| {
            let sleep = argument.and_then(|argument| sleep(row, argument));
            sleep.unwrap_or_else(|| row.word.into())
        }),
    })
}

/// The error of a `text` at byte `at`, with this argument, for an action that has none.
pub(super) fn needless(row: &Row, text: &str, argument: &str, at: usize) -> Problem {
    Problem::Syntax(Syntax {
        what: "unexpected argument",
        word: text.to_owned(),
        position: at,
        expected: format!("`{}` alone: it has none", row.word),
        meant: sleep(row, argument),
    })
}

/// Returns what was meant by a pause for a time.
fn sleep(row: &Row, argument: &str) -> Option<Box<str>> {
    let pauses = matches!(row.argument, Argument::Nothing(make) if make() == Action::Pause);
    let time = Time::parse(argument.trim()).ok().filter(|_| pauses)?;
    Some(Action::Sleep(time).to_string().into())
}

/// What is expected of an entry of FAILPOINTS that is only this text.
pub(super) fn entry_without_name(text: &str) -> &'static str {
    let (first, _) = word(text.trim_start_matches(|c: char| !c.is_alphabetic()));
    if Row::of(first).is_some() || first == "when" {
        "name=actions, or `->` instead of `;` between the alternatives of one failpoint"
    } else {
        "name=actions"
    }
}

fn another_entry(entry: &str, at: usize) -> Problem {
    let expected = "an action; `;` begins the next entry of FAILPOINTS, and a call has the name \
                    apart";
    syntax("unexpected name", entry, at, expected)
}

/// Returns `name=`, if a text begins with that, and it is not rather an action with an argument.
fn entry(text: &str) -> Option<&str> {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':' | '/');
    let (name, rest) = text.split_at(text.find(|c| !is_part(c))?);
    let actions = rest.trim_start().strip_prefix('=')?;
    let (first, more) = word(name);
    // As in `sleep-here=off` and `errors=return`, unlike `sleep=5`.
    let is_action = more.is_empty() && meant(first).is_some() && !begins_alternative(actions);
    let is_name = name.contains(char::is_alphabetic) && !is_action;
    is_name.then(|| &text[..text.len() - actions.len()])
}

/// Splits a text after the word that it begins with.
fn word(text: &str) -> (&str, &str) {
    let is_part = |c: char| c.is_alphabetic() || c == '_';
    text.split_at(text.find(|c| !is_part(c)).unwrap_or(text.len()))
}

/// Returns the row that a word in a longer text was meant to be. A short one is likely to be
/// something else.
fn meant(word: &str) -> Option<&'static Row> {
    let lower = word.to_ascii_lowercase();
    Row::of(&lower).or_else(|| Row::meant(word).filter(|_| word.len() > 3))
}

/// Whether a text begins as an alternative does: with conditions and an action, with `when`, or with
/// an action that has nothing after it but an argument.
fn begins_alternative(text: &str) -> bool {
    let text = text.trim_start();
    let letters = text.find(char::is_alphabetic).unwrap_or(text.len());
    let (before, rest) = text.split_at(letters);
    let (word, rest) = word(rest);
    let is_action = meant(word).is_some();
    word.eq_ignore_ascii_case("when")
        || match before {
            "" => {
                is_action
                    && rest
                        .trim_start()
                        .chars()
                        .next()
                        .is_none_or(|c| !c.is_alphanumeric())
            }
            before => is_action && conditions::are_right(before),
        }
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\'' | '`' | '“' | '”' | '‘' | '’')
}

/// A user's text as a part of what is expected, on one line and not too long.
fn short(text: &str) -> String {
    if text.len() <= 30 && !text.contains(|c: char| c.is_control()) {
        text.to_owned()
    } else {
        "..".to_owned()
    }
}
