//! What stands before an action's word: `p%`, then `n*`.

use std::num::IntErrorKind;

use super::reader::syntax;
use crate::error::Problem;

/// The conditions before a word, and the word.
pub(super) struct Conditions<'a> {
    /// At least 0.
    pub(super) percent: Option<f64>,
    pub(super) count: Option<usize>,
    pub(super) word: &'a str,
}

/// Reads a text at byte `at`.
pub(super) fn read(text: &str, at: usize) -> Result<Conditions<'_>, Problem> {
    let (percent, rest) = match text.split_once('%') {
        Some((number, rest)) => (Some(percentage(number, at)?), rest),
        None => (None, text),
    };
    let (count, word) = match rest.split_once('*') {
        Some((number, word)) => {
            let at = at + text.len() - rest.len();
            (Some(maximum(number, at)?), word)
        }
        None => (None, rest),
    };
    Ok(Conditions {
        percent,
        count,
        word,
    })
}

fn percentage(text: &str, at: usize) -> Result<f64, Problem> {
    match text.parse::<f64>() {
        // More than 100 is accepted because `fail` accepts it: it means always.
        Ok(percent) if percent.is_finite() && percent >= 0.0 => Ok(percent),
        _ => {
            let expected = "a number from 0 to 100 before `%`";
            Err(syntax("bad percentage", text, at, expected))
        }
    }
}

fn maximum(text: &str, at: usize) -> Result<usize, Problem> {
    let bad = |what| {
        let expected = format!("a count: a whole number from 0 to {}", usize::MAX);
        Err(syntax(what, text, at, &expected))
    };
    match text.parse::<usize>() {
        Ok(number) => Ok(number),
        Err(e) if *e.kind() != IntErrorKind::PosOverflow => bad("bad number"),
        Err(_) => bad("too large a number"),
    }
}

/// Whether a text is made of conditions alone, as they have to be.
pub(super) fn are_right(text: &str) -> bool {
    read(text, 0).is_ok_and(|conditions| conditions.word.is_empty())
}

/// Returns the conditions that a text was meant to be: its numbers and signs in the right order,
/// without white space. `None` if that is none, or a number has no sign.
pub(super) fn meant(text: &str) -> Option<String> {
    let (mut percent, mut count) = (None, None);
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (number, sign);
        (number, rest) = leading_number(rest);
        // In either order: `50%`, `%50`.
        sign = rest.chars().next()?;
        rest = rest[sign.len_utf8()..].trim_start();
        let number = if number.is_empty() {
            let number;
            (number, rest) = leading_number(rest);
            number
        } else {
            number
        };
        let slot = match sign {
            '%' => &mut percent,
            '*' => &mut count,
            _ => return None,
        };
        if number.is_empty() || slot.replace(number).is_some() {
            return None;
        }
    }
    let part = |number: Option<&str>, sign| number.map_or(String::new(), |n| format!("{n}{sign}"));
    let text = part(percent, '%') + &part(count, '*');
    (!text.is_empty() && are_right(&text)).then_some(text)
}

/// Returns the number that a text begins with, and what comes after it and white space.
fn leading_number(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.');
    let (number, rest) = text.split_at(end.unwrap_or(text.len()));
    (number, rest.trim_start())
}

/// Returns the only number of a text that has nothing else in it.
pub(super) fn number(text: &str) -> Option<&str> {
    let (number, rest) = leading_number(text.trim_start());
    (rest.is_empty() && number.parse::<f64>().is_ok()).then_some(number)
}
