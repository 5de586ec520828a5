//! Text to alternatives: the native grammar.
//!
//! ```text
//! entries      = [entry] { ";" [entry] }          FAILPOINTS
//! entry        = name "=" alternatives
//! alternatives = alternative { "->" alternative }
//! alternative  = ["when(" matcher { "," matcher } ")"] [percent "%"] [count "*"] task ["(" argument ")"]
//! matcher      = key "=" regex                    both plain or "quoted"
//! ```
//!
//! White space matters only inside an argument and in quotes, and is allowed around entries, names,
//! alternatives, keys and expressions. Every parenthesis in an argument needs its partner inside
//! it; between the two, `->`, `;` and `,` are ordinary text. The same goes for a plain expression:
//! one with an unmatched parenthesis, as in `\(`, needs quotes. The reader goes over the text once
//! and never recurses, so no input makes it deep or slow.

use std::num::IntErrorKind;

use super::{Alternative, TASKS, Task};
use crate::context::Matcher;
use crate::error::{Problem, Syntax};

/// Parses the actions of one failpoint.
#[cfg(test)]
pub(crate) fn actions(text: &str) -> Result<Vec<Alternative>, Problem> {
    actions_without(text, &[])
}

/// Parses the actions of one failpoint. A task that is `refused` is an error.
pub(crate) fn actions_without(
    text: &str,
    refused: &'static [&str],
) -> Result<Vec<Alternative>, Problem> {
    let mut reader = Reader {
        text,
        at: 0,
        end: None,
        refused,
    };
    let alternatives = reader.alternatives()?;
    Ok(alternatives)
}

/// One entry of FAILPOINTS.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) name: &'a str,
    pub(crate) actions: &'a str,
    pub(crate) alternatives: Vec<Alternative>,
}

/// What is wrong with which entry of FAILPOINTS.
#[derive(Debug)]
pub(crate) struct EntryProblem {
    /// Counted from 1; empty entries are not counted.
    pub(crate) number: usize,
    pub(crate) name: Option<String>,
    pub(crate) problem: Problem,
}

/// Parses the value of FAILPOINTS. Positions count from its first byte.
pub(crate) fn entries(text: &str) -> Result<Vec<Entry<'_>>, EntryProblem> {
    let mut reader = Reader {
        text,
        at: 0,
        end: Some(';'),
        refused: &[],
    };
    let mut entries: Vec<Entry<'_>> = Vec::new();
    loop {
        reader.skip_space();
        if reader.eat(";") {
            continue;
        }
        if reader.rest().is_empty() {
            return Ok(entries);
        }
        let number = entries.len() + 1;
        let start = reader.at;
        let until = reader.until(&['=', ';']);
        let name = until.trim();
        let problem = |name: &str, problem| EntryProblem {
            number,
            name: (!name.is_empty()).then(|| name.to_owned()),
            problem,
        };
        if !reader.eat("=") {
            let error = syntax("an entry without `=`", name, start, "name=actions");
            return Err(problem("", error));
        }
        if name.is_empty() {
            return Err(problem("", Problem::EmptyName));
        }
        let start = reader.at;
        let alternatives = reader.alternatives().map_err(|e| problem(name, e))?;
        let actions = text[start..reader.at].trim();
        entries.push(Entry {
            name,
            actions,
            alternatives,
        });
    }
}

/// Creates an error at `position`, without suggestions for what `word` was meant to be.
#[cold]
#[inline(never)]
fn syntax(what: &'static str, word: &str, position: usize, expected: &str) -> Problem {
    Problem::Syntax(Syntax {
        what,
        word: word.to_owned(),
        position,
        expected: expected.to_owned(),
        candidates: &[],
    })
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// What ends the alternatives, if it is not the end of the text.
    end: Option<char>,
    /// Tasks that the source of the text may not use.
    refused: &'static [&'static str],
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        self.at += if found { token.len() } else { 0 };
        found
    }

    fn skip_space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// Takes what comes before the first of `ends`, or else all the rest.
    fn until(&mut self, ends: &[char]) -> &'a str {
        let rest = self.rest();
        let taken = &rest[..rest.find(ends).unwrap_or(rest.len())];
        self.at += taken.len();
        taken
    }

    /// Whether the alternatives end here.
    fn at_end(&self) -> bool {
        let next = self.rest().chars().next();
        next.is_none() || next == self.end
    }

    fn alternatives(&mut self) -> Result<Vec<Alternative>, Problem> {
        self.skip_space();
        if self.at_end() {
            return Err(Problem::EmptyActions);
        }
        let mut alternatives = Vec::new();
        loop {
            self.skip_space();
            alternatives.push(self.alternative()?);
            self.skip_space();
            if self.at_end() {
                return Ok(alternatives);
            }
            if !self.eat("->") {
                let start = self.at;
                let end = self.end;
                let word = self.until(end.as_slice());
                let expected = "`->` and another alternative, or the end";
                return Err(syntax("unexpected text", word.trim_end(), start, expected));
            }
        }
    }

    fn alternative(&mut self) -> Result<Alternative, Problem> {
        let matchers = self.when()?;
        self.skip_space();
        let (head, start) = (self.head(), self.at);
        self.at += head.len();

        let (percent, rest) = match head.split_once('%') {
            Some((number, rest)) => (Some(percent(number, start)?), rest),
            None => (None, head),
        };
        let (count, word) = match rest.split_once('*') {
            Some((number, word)) => {
                let position = start + head.len() - rest.len();
                let number = whole_number(number, position, "count", usize::MAX as u64)?;
                (Some(number), word)
            }
            None => (None, rest),
        };
        let position = start + head.len() - word.len();
        let argument = self.argument()?;
        let mut alternative = Alternative {
            matchers: Vec::new(),
            percent,
            count: count.map(|n| n as usize),
            task: task(word, position, argument)?,
        };
        if self.refused.contains(&word) {
            let refused = self.refused.join(" and ");
            let expected = format!("another one: {refused} are refused here");
            return Err(syntax("refused task", word, position, &expected));
        }
        alternative.demand(&matchers);
        Ok(alternative)
    }

    /// Returns what comes before the argument: conditions and the task's word.
    fn head(&self) -> &'a str {
        let rest = self.rest();
        // One scan that stops at the first of them: a chain is read once, not once per alternative.
        let ends = |(i, c): (usize, char)| {
            c == '(' || Some(c) == self.end || (c == '-' && rest[i..].starts_with("->"))
        };
        let end = rest.char_indices().find(|at| ends(*at));
        let end = end.map_or(rest.len(), |(i, _)| i);
        let head = &rest[..end];
        // A space before a parenthesis belongs to the word, and makes it unknown.
        if rest[end..].starts_with('(') {
            head
        } else {
            head.trim_end()
        }
    }

    /// Takes `(..)`, if it is next, and returns its content with its position.
    fn argument(&mut self) -> Result<Option<(&'a str, usize)>, Problem> {
        let open = self.at;
        if !self.eat("(") {
            return Ok(None);
        }
        let mut depth = 1;
        for (i, c) in self.rest().char_indices() {
            depth = match c {
                '(' => depth + 1,
                ')' => depth - 1,
                _ => depth,
            };
            if depth == 0 {
                let argument = &self.rest()[..i];
                self.at += i + 1;
                return Ok(Some((argument, open + 1)));
            }
        }
        Err(syntax(
            "unclosed parenthesis",
            &self.text[open..],
            open,
            "a closing `)` for it",
        ))
    }

    fn when(&mut self) -> Result<Vec<Matcher>, Problem> {
        let mut matchers = Vec::new();
        let open = self.at;
        if !self.eat("when(") {
            return Ok(matchers);
        }
        loop {
            self.skip_space();
            let key_start = self.at;
            let key = if self.rest().starts_with('"') {
                self.quoted()?
            } else {
                self.until(&['=', ',', ')']).trim_end().to_owned()
            };
            self.skip_space();
            if key.is_empty() || !self.eat("=") {
                let what = "a matcher without a key and `=`";
                let word = &self.text[key_start..self.at];
                return Err(syntax(what, word, key_start, "key=regex or key=\"regex\""));
            }
            self.skip_space();
            let start = self.at;
            let regex = if self.rest().starts_with('"') {
                self.quoted()?
            } else {
                self.plain_regex().to_owned()
            };
            let matcher = Matcher::new(key, regex).map_err(|e| in_text(e, key_start, start))?;
            matchers.push(matcher);
            self.skip_space();
            if self.eat(")") {
                return Ok(matchers);
            }
            if self.rest().is_empty() {
                let open = open + "when".len();
                let word = &self.text[open..];
                return Err(syntax(
                    "unclosed parenthesis",
                    word,
                    open,
                    "a closing `)` for it",
                ));
            }
            if !self.eat(",") {
                let word = self.until(&[',', ')']);
                let start = self.at - word.len();
                return Err(syntax("unexpected text", word, start, "`,` or `)`"));
            }
        }
    }

    /// Takes text in quotes, in which `\"` is the only escape.
    fn quoted(&mut self) -> Result<String, Problem> {
        let open = self.at;
        self.at += 1;
        let mut value = String::new();
        loop {
            value.push_str(self.until(&['"', '\\']));
            if self.eat("\"") {
                return Ok(value);
            } else if self.eat("\\\"") {
                value.push('"');
            } else if self.eat("\\") {
                value.push('\\');
            } else {
                let word = &self.text[open..];
                return Err(syntax(
                    "unclosed quote",
                    word,
                    open,
                    "a closing `\"` for it",
                ));
            }
        }
    }

    /// Takes an expression without quotes: up to the `,` or `)` outside its own parentheses.
    fn plain_regex(&mut self) -> &'a str {
        let rest = self.rest();
        let mut depth = 0_usize;
        let mut end = rest.len();
        for (i, c) in rest.char_indices() {
            match c {
                '(' => depth += 1,
                ',' | ')' if depth == 0 => {
                    end = i;
                    break;
                }
                ')' => depth -= 1,
                _ => {}
            }
        }
        self.at += end;
        rest[..end].trim_end()
    }
}

/// Adds the position to the problem of a matcher in a text.
fn in_text(problem: Problem, key_start: usize, regex_start: usize) -> Problem {
    match problem {
        Problem::Key {
            key,
            what,
            expected,
        } => syntax(what, &key, key_start, expected),
        Problem::Regex { regex, reason, .. } => syntax(
            "invalid regular expression",
            &regex,
            regex_start,
            &format!("a valid one ({reason})"),
        ),
        other => other,
    }
}

fn percent(text: &str, position: usize) -> Result<f64, Problem> {
    const EXPECTED: &str = "a number from 0 to 100 before `%`";
    match text.parse::<f64>() {
        // More than 100 is accepted because `fail` accepts it: it means always.
        Ok(percent) if percent.is_finite() && percent >= 0.0 => Ok(percent),
        _ => Err(syntax("bad percentage", text, position, EXPECTED)),
    }
}

fn whole_number(
    text: &str,
    position: usize,
    unit: &'static str,
    most: u64,
) -> Result<u64, Problem> {
    let bad = |what| {
        let expected = format!("a {unit}: a whole number from 0 to {most}");
        Err(syntax(what, text, position, &expected))
    };
    match text.parse::<u64>() {
        Ok(number) if number <= most => Ok(number),
        Err(e) if *e.kind() != IntErrorKind::PosOverflow => bad("bad number"),
        _ => bad("too large a number"),
    }
}

fn task(word: &str, position: usize, argument: Option<(&str, usize)>) -> Result<Task, Problem> {
    let text = || argument.map(|(text, _)| text.to_owned());
    let millis = || match argument {
        Some((text, at)) => whole_number(text, at, "time in milliseconds", u64::MAX),
        None => Err(syntax(
            "no time for",
            word,
            position,
            &format!("{word}(N) with N in milliseconds"),
        )),
    };
    Ok(match word {
        "off" => Task::Off,
        "return" => Task::Return(text()),
        "sleep" => Task::Sleep(millis()?),
        "pause" => Task::Pause,
        "panic" => Task::Panic(text()),
        "print" => Task::Print(text()),
        "yield" => Task::Yield,
        "delay" => Task::Delay(millis()?),
        "exit" => Task::Exit,
        _ => {
            return Err(Problem::Syntax(Syntax {
                what: if word.is_empty() {
                    "no task"
                } else {
                    "unknown task"
                },
                word: word.to_owned(),
                position,
                expected: format!("one of {}", TASKS.join(", ")),
                candidates: TASKS,
            }));
        }
    })
}
