//! A chain of alternatives: as data, as text, and from text by the native grammar.
//!
//! ```text
//! entries      = [entry] { ";" [entry] }          FAILPOINTS
//! entry        = name "=" alternatives
//! alternatives = alternative { "->" alternative }
//! alternative  = [when] [percent "%"] [count "*"] action ["(" argument ")"]
//! ```
//!
//! White space matters only inside an argument and in quotes, and is allowed around entries, names,
//! alternatives, keys and expressions. Every parenthesis in an argument needs its partner inside
//! it; between the two, `->`, `;` and `,` are ordinary text. The same goes for a plain expression:
//! one with an unmatched parenthesis, as in `\(`, needs quotes. The parser goes over the text once
//! and never recurses, so no input makes it deep or slow.

use std::fmt;
use std::num::IntErrorKind;

use super::action::{self, Action, Argument, Row};
use super::matcher::{self, Matcher, Memory};
use super::reader::{Reader, syntax};
use crate::engine::name::distance;
use crate::error::{Problem, Syntax};

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
            let error = syntax("an entry without `=`", name, start, "name=actions");
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
                let word = self.reader.until(end.as_slice());
                let expected = "`->` and another alternative, or the end";
                return Err(syntax("unexpected text", word.trim_end(), start, expected));
            }
        }
    }

    fn alternative(&mut self) -> Result<Alternative, Problem> {
        let matchers = matcher::when(&mut self.reader, self.memory)?;
        self.reader.skip_space();
        let (head, start) = (self.head(), self.reader.at);
        self.reader.at += head.len();

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
        let row = Row::of(word).ok_or_else(|| unknown(word, position))?;
        let alternative = Alternative {
            matchers,
            percent,
            count: count.map(|n| n as usize),
            action: make(row, position, argument)?,
        };
        if self.refuses_harm && row.is_harmful {
            let refused = action::words(|row| row.is_harmful).join(" and ");
            let expected = format!("another one: {refused} are refused here");
            return Err(syntax("refused task", word, position, &expected));
        }
        Ok(alternative)
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

/// Makes the action of `row`.
fn make(row: &Row, position: usize, argument: Option<(&str, usize)>) -> Result<Action, Problem> {
    match (&row.argument, argument) {
        (Argument::Nothing(action), _) => Ok(action()),
        (Argument::Text(action), argument) => Ok(action(argument.map(|(text, _)| text.to_owned()))),
        (Argument::Millis(action), Some((text, at))) => {
            whole_number(text, at, "time in milliseconds", u64::MAX).map(action)
        }
        (Argument::Millis(_), None) => {
            let expected = format!("{}(N) with N in milliseconds", row.word);
            Err(syntax("no time for", row.word, position, &expected))
        }
    }
}

/// The error of a word without a row, with the one that it may have been meant to be.
fn unknown(word: &str, position: usize) -> Problem {
    let words = action::words(|_| true);
    let distances = words.iter().map(|known| (distance(word, known), *known));
    let nearest = distances.min_by_key(|(distance, _)| *distance);
    Problem::Syntax(Syntax {
        what: if word.is_empty() {
            "no task"
        } else {
            "unknown task"
        },
        word: word.to_owned(),
        position,
        expected: format!("one of {}", words.join(", ")),
        meant: nearest
            .filter(|(distance, _)| *distance <= 2)
            .map(|(_, known)| known),
    })
}
