//! How times are taken: all columns of a line in turns, and the median round counts.
//!
//! The machines that this runs on are noisy and differ in speed, so numbers of different runs
//! cannot be compared: a line's columns alternate, round by round, and what is judged is the ratio
//! between them.

use std::time::{Duration, Instant};

/// How long to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// Long enough for a median to be steady.
    Full,
    /// Once, to see that it runs.
    Smoke,
}

impl Effort {
    /// `full`, or only `1` for smoke.
    pub fn rounds(self, full: usize) -> usize {
        match self {
            Effort::Full => full,
            Effort::Smoke => 1,
        }
    }

    /// `full`, or a hundredth of it for smoke.
    pub fn size(self, full: usize) -> usize {
        match self {
            Effort::Full => full,
            Effort::Smoke => (full / 100).max(1),
        }
    }
}

/// Nanoseconds per call of each column. A column is called with the number of calls to
/// make.
pub fn per_call<const N: usize>(
    effort: Effort,
    calls: usize,
    columns: [&mut dyn FnMut(usize); N],
) -> [f64; N] {
    let calls = effort.size(calls);
    let columns = columns.map(|column| {
        move || {
            let start = Instant::now();
            column(calls);
            start.elapsed()
        }
    });
    in_turns(effort.rounds(101), columns).map(|time| time / calls as f64)
}

/// Nanoseconds that each column reports for a round.
pub fn in_turns<const N: usize>(
    rounds: usize,
    mut columns: [impl FnMut() -> Duration; N],
) -> [f64; N] {
    let mut samples = [const { Vec::new() }; N];
    // The first round warms caches and is not counted.
    for round in 0..=rounds {
        for (column, samples) in columns.iter_mut().zip(&mut samples) {
            let time = column();
            if round > 0 || rounds == 1 {
                samples.push(time.as_nanos() as f64);
            }
        }
    }
    samples.map(median)
}

/// The value in the middle.
pub fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().unwrap_or(f64::NAN)
}
