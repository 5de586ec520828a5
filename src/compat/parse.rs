//! The grammar of `fail` 0.5.1, with its error texts.
//!
//! It differs from the native one in what it accepts, not in what that means: no `when(..)`, no
//! `exit`, no `->` in an argument, but unmatched parentheses.

use std::fmt::Display;

use crate::action::{Alternative, Task};

/// Parses `action[->action...]`.
pub(super) fn actions(text: &str) -> Result<Vec<Alternative>, String> {
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
    let owned = argument.map(str::to_owned);
    let millis = || match argument {
        None => Err("sleep require timeout".to_owned()),
        Some(millis) => millis.parse().map_err(failed("timeout")),
    };
    let task = match word {
        "off" => Task::Off,
        "return" => Task::Return(owned),
        "sleep" => Task::Sleep(millis()?),
        "panic" => Task::Panic(owned),
        "print" => Task::Print(owned),
        "pause" => Task::Pause,
        "yield" => Task::Yield,
        "delay" => Task::Delay(millis()?),
        _ => return Err(format!("unrecognized command {word:?}")),
    };
    Ok(Alternative {
        matchers: Vec::new(),
        percent,
        count,
        task,
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
