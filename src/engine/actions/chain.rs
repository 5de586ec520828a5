//! A chain of alternatives: as data, as text, and from text by the native grammar.
//!
//! ```text
//! entries      = [entry] { ";" [entry] }          FAILPOINTS
//! entry        = name "=" alternatives
//! alternatives = alternative { "->" alternative }
//! alternative  = [when] [percent "%"] [count "*"] action ["(" argument ")"]
//! ```
//!
//! White space is allowed around entries, names, alternatives, keys and expressions. Every
//! parenthesis in an argument needs its partner inside it; between the two, `->`, `;` and `,` are
//! ordinary text. ([`matcher`] says what ends a plain expression.) The parser goes over the text
//! once and never recurses, so no input makes it deep or slow. What it refuses, [`advice`] looks at
//! once more.

use std::fmt;

use super::action::{self, Action, Argument, Row};
use super::advice::{self, Head};
use super::conditions;
use super::matcher::{self, Matcher, Memory};
use super::reader::{Reader, syntax};
use super::time::Time;
use crate::error::Problem;

/// `when(..)p%n*action(argument)`: one alternative, as plain data.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Alternative {
    /// All of them must match. Sorted by key.
    pub(crate) matchers: Vec<Matcher>,
    /// At least 0; `None`, and 100 or more, means always.
    pub(crate) percent: Option<f64>,
    /// How often it may fire.
    pub(crate) count: Option<usize>,
    pub(crate) action: Action,
}

impl Alternative {
    /// Creates an alternative that always does `action`.
    pub(crate) fn always(action: Action) -> Self {
        Self {
            matchers: Vec::new(),
            percent: None,
            count: None,
            action,
        }
    }
}

/// Formats as text that parses back to the same alternative.
impl fmt::Display for Alternative {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        matcher::write(&self.matchers, f)?;
        if let Some(percent) = self.percent {
            write!(f, "{percent}%")?;
        }
        if let Some(count) = self.count {
            write!(f, "{count}*")?;
        }
        write!(f, "{}", self.action)
    }
}

/// Writes a whole configuration.
pub(crate) fn write<'a>(alternatives: impl Iterator<Item = &'a Alternative>) -> String {
    let texts: Vec<String> = alternatives.map(Alternative::to_string).collect();
    texts.join("->")
}

/// Parses the actions of one failpoint. With `refuses_harm` those that may end the thread or the
/// process are an error.
pub(crate) fn parse(
    text: &str,
    refuses_harm: bool,
    memory: &mut Memory,
) -> Result<Vec<Alternative>, Problem> {
    let mut parser = Parser {
        reader: Reader::new(text),
        end: None,
        refuses_harm,
        memory,
    };
    parser.alternatives()
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
    let mut parser = Parser {
        reader: Reader::new(text),
        end: Some(';'),
        refuses_harm: false,
        memory: &mut Memory::of_a_call(),
    };
    let mut entries: Vec<Entry<'_>> = Vec::new();
    loop {
        let reader = &mut parser.reader;
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
            let expected = advice::entry_without_name(name);
            let error = syntax("an entry without `=`", name, start, expected);
            return Err(problem("", error));
        }
        if name.is_empty() {
            return Err(problem("", Problem::EmptyName));
        }
        let start = reader.at;
        let alternatives = parser.alternatives().map_err(|e| problem(name, e))?;
        let actions = text[start..parser.reader.at].trim();
        entries.push(Entry {
            name,
            actions,
            alternatives,
        });
    }
}

struct Parser<'a, 'm> {
    reader: Reader<'a>,
    /// What ends the alternatives, if it is not the end of the text.
    end: Option<char>,
    refuses_harm: bool,
    memory: &'m mut Memory,
}

impl<'a> Parser<'a, '_> {
    /// Whether the alternatives end here.
    fn at_end(&self) -> bool {
        let next = self.reader.rest().chars().next();
        next.is_none() || next == self.end
    }

    fn alternatives(&mut self) -> Result<Vec<Alternative>, Problem> {
        self.reader.skip_space();
        if self.at_end() {
            return Err(Problem::EmptyActions);
        }
        let mut alternatives = Vec::new();
        loop {
            self.reader.skip_space();
            alternatives.push(self.alternative()?);
            self.reader.skip_space();
            if self.at_end() {
                return Ok(alternatives);
            }
            if !self.reader.eat("->") {
                let start = self.reader.at;
                let end = self.end;
                let word = self.reader.until(end.as_slice()).trim_end();
                let advice = self.head_of(word, start).junction(None, word, start);
                let expected = "`->` and another alternative, or the end";
                let otherwise = || syntax("unexpected text", word, start, expected);
                return Err(advice.unwrap_or_else(otherwise));
            }
        }
    }

    fn alternative(&mut self) -> Result<Alternative, Problem> {
        let matchers = matcher::when(&mut self.reader, self.memory)?;
        self.reader.skip_space();
        let (head, start) = (self.head(), self.reader.at);
        self.reader.at += head.len();

        let conditions = conditions::read(head, start)
            .map_err(|problem| self.head_of(head, start).problem().unwrap_or(problem))?;
        let word = conditions.word;
        let position = start + head.len() - word.len();
        let row = Row::of(word).ok_or_else(|| self.unknown(head, word, position))?;
        let argument = self.argument()?;
        let alternative = Alternative {
            matchers,
            percent: conditions.percent,
            count: conditions.count,
            action: make(row, position, argument)?,
        };
        if self.refuses_harm && row.is_harmful {
            let refused = action::words(|row| row.is_harmful).join(" and ");
            let expected = format!("another one: {refused} are refused here");
            return Err(syntax("refused action", word, position, &expected));
        }
        Ok(alternative)
    }

    /// Returns what is known of a part of an alternative, for advice.
    fn head_of(&self, text: &'a str, at: usize) -> Head<'a> {
        Head {
            text,
            at,
            opens: self.reader.text[at + text.len()..].starts_with('('),
            in_env: self.end.is_some(),
        }
    }

    /// The error of a `word` without a row, at the end of `head`.
    #[cold]
    fn unknown(&mut self, head: &'a str, word: &str, position: usize) -> Problem {
        let advice = self.head_of(head, self.reader.at - head.len()).problem();
        advice.unwrap_or_else(|| {
            let before = &self.reader.text[..position];
            let rest = self.reader.rest();
            let argument = self.argument().ok().flatten().map(|(text, _)| text);
            advice::unknown(word, before, argument, rest)
        })
    }

    /// Returns what comes before the argument: conditions and the action's word.
    fn head(&self) -> &'a str {
        let rest = self.reader.rest();
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
        let open = self.reader.at;
        if !self.reader.eat("(") {
            return Ok(None);
        }
        let mut depth = 1;
        for (i, c) in self.reader.rest().char_indices() {
            depth = match c {
                '(' => depth + 1,
                ')' => depth - 1,
                _ => depth,
            };
            if depth == 0 {
                let argument = &self.reader.rest()[..i];
                self.reader.at += i + 1;
                return Ok(Some((argument, open + 1)));
            }
        }
        Err(self.reader.unclosed("unclosed parenthesis", open, ')'))
    }
}

/// Makes the action of `row`, whose word is at byte `position`.
fn make(row: &Row, position: usize, argument: Option<(&str, usize)>) -> Result<Action, Problem> {
    match (&row.argument, argument) {
        (Argument::Text(action), argument) => Ok(action(argument.map(|(text, _)| text.to_owned()))),
        (Argument::Time(action), Some((text, at))) => match Time::parse(text) {
            Ok(time) => Ok(action(time)),
            Err((what, expected)) => Err(syntax(what, text, at, &expected)),
        },
        (Argument::Time(_), None) => {
            let expected = format!("{}(N) with N in milliseconds", row.word);
            Err(syntax("no time for", row.word, position, &expected))
        }
        (Argument::Nothing(action), argument) => match argument {
            Some((text, at)) if !text.trim().is_empty() => {
                Err(advice::needless(row, text, text, at))
            }
            _ => Ok(action()),
        },
        (Argument::Status(action), argument) => match argument {
            Some((text, at)) if !text.trim().is_empty() => match text.parse() {
                Ok(status) => Ok(action(status)),
                Err(_) => {
                    let expected = format!("a whole number from 0 to {}", u8::MAX);
                    Err(syntax("bad exit status", text, at, &expected))
                }
            },
            _ => Ok(action(1)),
        },
    }
}
