//! The grammar of `fail` 0.5.1, with its error texts.
//!
//! It differs from the native one in what it accepts, not in what that means: no `when(..)`, no
//! `exit`, no unit or range of times, no `->` in an argument, but unmatched parentheses, and an
//! argument that is ignored where an action takes none.

use std::fmt::Display;

use crate::engine::actions::action::{Argument, Row};
use crate::engine::actions::chain::Alternative;
use crate::engine::actions::time::Time;

/// Parses `action[->action...]`.
pub(super) fn parse(text: &str) -> Result<Vec<Alternative>, String> {
    text.split("->").map(action).collect()
}

/// Parses `[p%][cnt*]task[(arg)]`.
fn action(text: &str) -> Result<Alternative, String> {
    let text = text.trim();
    let (head, argument) = match text.split_once('(') {
        None => (text, None),
        Some((head, rest)) => match rest.strip_suffix(')') {
            None => return Err("parentheses do not match".to_owned()),
            argument => (head, argument),
        },
    };
    let (percent, head) = match head.split_once('%') {
        None => (None, head),
        Some((number, head)) => (Some(percent(number)?), head),
    };
    let (count, word) = match head.split_once('*') {
        None => (None, head),
        Some((number, word)) => {
            let count = number.parse().map_err(failed("count"))?;
            (Some(count), word)
        }
    };
    let unknown = || format!("unrecognized command {word:?}");
    let row = Row::of(word)
        .filter(|row| row.in_fail)
        .ok_or_else(unknown)?;
    let action = match &row.argument {
        Argument::Nothing(action) => action(),
        Argument::Text(action) => action(argument.map(str::to_owned)),
        Argument::Time(action) => {
            let millis = argument.ok_or("sleep require timeout")?;
            let millis = millis.parse().map_err(failed("timeout"))?;
            action(Time::exactly(millis))
        }
        Argument::Status(_) => return Err(unknown()),
    };
    Ok(Alternative {
        matchers: Vec::new(),
        percent,
        count,
        action,
    })
}

fn percent(number: &str) -> Result<f64, String> {
    let percent: f64 = number.parse().map_err(failed("frequency"))?;
    if percent >= 0.0 {
        // Infinity means always; the native grammar would not accept it back.
        Ok(percent.min(f64::MAX))
    } else {
        Err(failed("frequency")("not a number from 0 up"))
    }
}

fn failed<E: Display>(what: &str) -> impl Fn(E) -> String {
    move |error| format!("failed to parse {what}: {error}")
}
