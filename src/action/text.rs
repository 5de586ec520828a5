//! Alternatives as text that parses back to the same alternatives.

use std::fmt::{self, Display, Formatter};

use super::{Alternative, Task};

/// Writes a whole configuration: the alternatives joined by `->`.
pub(crate) fn write<'a>(alternatives: impl Iterator<Item = &'a Alternative>) -> String {
    let texts: Vec<String> = alternatives.map(Alternative::to_string).collect();
    texts.join("->")
}

impl Display for Alternative {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (i, matcher) in self.matchers.iter().enumerate() {
            f.write_str(if i == 0 { "when(" } else { "," })?;
            write!(f, "{matcher}")?;
        }
        if !self.matchers.is_empty() {
            f.write_str(")")?;
        }
        if let Some(percent) = self.percent {
            write!(f, "{percent}%")?;
        }
        if let Some(count) = self.count {
            write!(f, "{count}*")?;
        }
        write!(f, "{}", self.task)
    }
}

impl Display for Task {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Task::Off => f.write_str("off"),
            Task::Return(value) => with_argument(f, "return", value),
            Task::Sleep(millis) => write!(f, "sleep({millis})"),
            Task::Pause => f.write_str("pause"),
            Task::Panic(message) => with_argument(f, "panic", message),
            Task::Print(message) => with_argument(f, "print", message),
            Task::Yield => f.write_str("yield"),
            Task::Delay(millis) => write!(f, "delay({millis})"),
            Task::Exit => f.write_str("exit"),
            // Not a task of the grammar: a function has no text.
            Task::Callback(_) => f.write_str("callback"),
        }
    }
}

fn with_argument(f: &mut Formatter<'_>, word: &str, argument: &Option<String>) -> fmt::Result {
    match argument {
        None => f.write_str(word),
        Some(argument) => write!(f, "{word}({argument})"),
    }
}
