//! What the explorer decides at a step, and a schedule as text.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// A place that hits come from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub(super) name: Arc<str>,
    pub(super) file: &'static str,
    pub(super) line: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at {}:{}", self.name, self.file, self.line)
    }
}

/// The places of one exploration, by their numbers.
#[derive(Debug, Default)]
pub(super) struct Places {
    list: Vec<Place>,
    numbers: HashMap<(&'static str, u32), Vec<u32>>,
}

impl Places {
    pub(super) fn number(&mut self, name: &str, file: &'static str, line: u32) -> u32 {
        let here = self.numbers.entry((file, line)).or_default();
        let known = here.iter().find(|n| &*self.list[**n as usize].name == name);
        if let Some(number) = known {
            return *number;
        }
        let number = self.list.len() as u32;
        here.push(number);
        self.list.push(Place {
            name: name.into(),
            file,
            line,
        });
        number
    }

    pub(super) fn get(&self, number: u32) -> &Place {
        &self.list[number as usize]
    }
}

/// What was done with a hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It went on.
    Go,
    /// It returned.
    Fault,
    /// A future around it was dropped: the innermost that may be, or one further out.
    Cancel(u8),
    /// It cannot wait, and could have returned.
    Pass,
    /// It cannot wait, and returned.
    FaultAtOnce,
}

impl Kind {
    pub(super) fn is_fault(self) -> bool {
        matches!(self, Self::Fault | Self::FaultAtOnce)
    }

    pub(super) fn is_cancellation(self) -> bool {
        matches!(self, Self::Cancel(_))
    }

    /// Returns what is done with the hit if neither a fault nor a cancellation is.
    pub(super) fn alone(self) -> Self {
        match self {
            Self::Go | Self::Fault | Self::Cancel(_) => Self::Go,
            Self::Pass | Self::FaultAtOnce => Self::Pass,
        }
    }
}

/// One step of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pick {
    pub(super) task: u32,
    pub(super) kind: Kind,
    /// The number of its place. A schedule that comes as text has no places.
    pub(super) place: Option<u32>,
}

impl Pick {
    /// Whether it is the same step, as far as is known.
    pub(super) fn is_the_step_of(&self, other: &Self) -> bool {
        let is_same_place = match (self.place, other.place) {
            (Some(a), Some(b)) => a == b,
            _ => true,
        };
        (self.task, self.kind) == (other.task, other.kind) && is_same_place
    }
}

impl fmt::Display for Pick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.task)?;
        match self.kind {
            Kind::Go => Ok(()),
            Kind::Fault => f.write_str("f"),
            Kind::Cancel(0) => f.write_str("c"),
            Kind::Cancel(further_out) => write!(f, "c{further_out}"),
            Kind::Pass => f.write_str("p"),
            Kind::FaultAtOnce => f.write_str("r"),
        }
    }
}

fn parse_pick(word: &str) -> Option<Pick> {
    let digits = word.find(|c: char| !c.is_ascii_digit());
    let (task, kind) = word.split_at(digits.unwrap_or(word.len()));
    let kind = match kind {
        "" => Kind::Go,
        "f" => Kind::Fault,
        "c" => Kind::Cancel(0),
        "p" => Kind::Pass,
        "r" => Kind::FaultAtOnce,
        _ => match kind.strip_prefix('c')?.parse().ok()? {
            0 => return None,
            further_out => Kind::Cancel(further_out),
        },
    };
    Some(Pick {
        task: task.parse().ok()?,
        kind,
        place: None,
    })
}

/// Writes a schedule: the task of each step, `3*1` for three steps of task 1, a letter for what was
/// done if the task did not just go on.
pub(super) fn write(picks: &[Pick]) -> String {
    let is_same = |a: &Pick, b: &Pick| (a.task, a.kind) == (b.task, b.kind);
    let words = picks.chunk_by(is_same).map(|same| match same.len() {
        1 => same[0].to_string(),
        n => format!("{n}*{}", same[0]),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// As many steps as a schedule may have.
const MOST: usize = 1_000_000;

/// Reads a schedule. An error is the word that is none.
pub(super) fn parse(text: &str) -> Result<Vec<Pick>, String> {
    let mut picks = Vec::new();
    for word in text.split_whitespace() {
        let (times, pick) = match word.split_once('*') {
            Some((times, pick)) => (times.parse().ok().filter(|n| *n > 0), pick),
            None => (Some(1), word),
        };
        let steps = times.zip(parse_pick(pick));
        let Some((times, pick)) = steps.filter(|(n, _)| *n <= MOST - picks.len()) else {
            return Err(word.to_owned());
        };
        picks.extend(std::iter::repeat_n(pick, times));
    }
    Ok(picks)
}

const CRASH: &str = "crash";

/// Writes the schedule of a crash at that hit.
pub(super) fn write_crash(hit: usize) -> String {
    format!("{CRASH} {hit}")
}

/// Returns the number of the hit in the schedule of a crash; `None` if it is another one.
pub(super) fn parse_crash(schedule: &str) -> Option<Result<usize, String>> {
    let number = schedule.trim().strip_prefix(CRASH)?.trim();
    let parsed = number.parse().ok().filter(|n| *n > 0);
    Some(parsed.ok_or_else(|| {
        format!(
            "{number:?} is no number of a hit; expected what a failure gave, such as \"crash 3\""
        )
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_is_the_same_after_it_was_written_and_read() {
        let kinds = [
            Kind::Go,
            Kind::Fault,
            Kind::Cancel(0),
            Kind::Cancel(2),
            Kind::Pass,
            Kind::FaultAtOnce,
        ];
        let picks: Vec<Pick> = (0..40)
            .map(|n| Pick {
                task: n / 7,
                kind: kinds[n as usize / 3 % kinds.len()],
                place: None,
            })
            .collect();
        assert_eq!(parse(&write(&picks)), Ok(picks));
        assert_eq!(parse(""), Ok(Vec::new()));
    }

    #[test]
    fn what_is_no_schedule_names_the_word() {
        for (text, word) in [
            ("1 x", "x"),
            ("1 0*2", "0*2"),
            ("3*", "3*"),
            ("*1", "*1"),
            ("2q", "2q"),
            ("1c0", "1c0"),
            ("-1", "-1"),
            ("99999999999999999999", "99999999999999999999"),
            ("9*1 1000000*1", "1000000*1"),
        ] {
            assert_eq!(parse(text), Err(word.to_owned()), "{text}");
        }
    }
}
