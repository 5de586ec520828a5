//! Whether answers are the same.

use crate::process::Answers;
use crate::quiet::is_skipped;
use crate::script::{Script, Stated};
use std::collections::BTreeMap;

/// How many standard deviations two frequencies may differ by: those of equal probabilities differ
/// by more once in 500 million comparisons.
pub const DEVIATIONS: f64 = 6.0;

/// What a step answered on each side, and whether that is as expected.
#[derive(Clone, Debug)]
pub struct Row {
    /// The step's line in the script.
    pub line: usize,
    /// The answer of the real crate.
    pub real: String,
    /// The answer of its replacement.
    pub ours: String,
    /// What the author of the script stated.
    pub stated: Option<Stated>,
    /// Whether the answers are the same, or those that the author states.
    pub good: bool,
}

/// Compares the answers to a script, step by step.
pub fn compare(script: &Script, real: &Answers, ours: &Answers) -> Vec<Row> {
    let count = script
        .steps
        .len()
        .max(real.answers.len())
        .max(ours.answers.len());
    let last_line = script.steps.last().map_or(1, |step| step.line);
    let rows = (0..count).map(|index| {
        let step = script.steps.get(index);
        let answer = |side: &Answers| side.answers.get(index).cloned();
        let (real, ours) = (answer(real), answer(ours));
        let stated = step.and_then(|step| step.stated.clone());
        let good = match &stated {
            Some(Stated::Both(both)) => is_as_stated(&real, both) && is_as_stated(&ours, both),
            Some(Stated::Each {
                real: stated_real,
                ours: stated_ours,
            }) => is_as_stated(&real, stated_real) && is_as_stated(&ours, stated_ours),
            None => real
                .as_ref()
                .zip(ours.as_ref())
                .is_none_or(|(real, ours)| same(real, ours)),
        };
        let shown = |answer: Option<String>| answer.unwrap_or_else(|| "-".to_owned());
        let line = step.map_or(last_line, |step| step.line);
        Row {
            line,
            real: shown(real),
            ours: shown(ours),
            stated,
            good,
        }
    });
    rows.collect()
}

/// Whether a side gave the stated answer; one that hung before gives none, and passes.
fn is_as_stated(answer: &Option<String>, stated: &str) -> bool {
    answer.as_ref().is_none_or(|answer| same(answer, stated))
}

/// Whether two answers mean the same.
pub fn same(one: &str, other: &str) -> bool {
    if one == other || is_skipped(one) || is_skipped(other) {
        return true;
    }
    match (Sample::read(one), Sample::read(other)) {
        (Some(one), Some(other)) => one.is_like(&other),
        _ => false,
    }
}

/// `of 100: 30 times returned "1" and 70 times went on`, or with `30%`.
struct Sample<'a> {
    hits: f64,
    shares: BTreeMap<&'a str, Share>,
}

/// How often something happened, or should happen, as a fraction.
#[derive(Clone, Copy)]
struct Share {
    part: f64,
    exact: bool,
}

impl<'a> Sample<'a> {
    fn read(answer: &'a str) -> Option<Self> {
        let (hits, outcomes) = answer.strip_prefix("of ")?.split_once(": ")?;
        let hits: f64 = hits.parse().ok()?;
        let share = |outcome: &'a str| {
            let (number, what) = outcome.split_once(' ')?;
            let share = |part, exact| Some((what, Share { part, exact }));
            if number == "once" {
                return share(1.0 / hits, false);
            }
            if let Some(percent) = number.strip_suffix('%') {
                return share(percent.parse::<f64>().ok()? / 100.0, true);
            }
            let what = what.strip_prefix("times ")?;
            let part = number.parse::<f64>().ok()? / hits;
            Some((what, Share { part, exact: false }))
        };
        let shares = outcomes.split(" and ").map(share).collect::<Option<_>>()?;
        Some(Self { hits, shares })
    }

    fn is_like(&self, other: &Self) -> bool {
        let outcomes = self.shares.keys().chain(other.shares.keys());
        outcomes
            .into_iter()
            .all(|outcome| self.has_as_often(other, outcome))
    }

    fn has_as_often(&self, other: &Self, outcome: &str) -> bool {
        let (one, two) = (self.share(outcome), other.share(outcome));
        // The variance of the shares' difference if both have one cause.
        let variance = match (one.exact, two.exact) {
            (true, true) => 0.0,
            (true, false) => one.part * (1.0 - one.part) / other.hits,
            (false, true) => two.part * (1.0 - two.part) / self.hits,
            (false, false) => {
                let hits = self.hits + other.hits;
                let common = (one.part * self.hits + two.part * other.hits) / hits;
                common * (1.0 - common) * (1.0 / self.hits + 1.0 / other.hits)
            }
        };
        (one.part - two.part).abs() <= DEVIATIONS * variance.sqrt() + f64::EPSILON
    }

    fn share(&self, outcome: &str) -> Share {
        let exact = self.shares.values().any(|share| share.exact);
        self.shares
            .get(outcome)
            .copied()
            .unwrap_or(Share { part: 0.0, exact })
    }
}
