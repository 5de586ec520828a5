//! What a row found, as text for people and JSON for the charts.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One line of measurements: the same work at one size, by each column.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Line {
    /// What was done.
    pub work: String,
    /// How many names or waiters there were, if the work has such a size.
    pub size: Option<usize>,
    /// The unit of the values.
    pub unit: String,
    /// The columns by name.
    pub values: Vec<(String, f64)>,
    /// What is demanded of them.
    pub bars: Vec<Bar>,
}

/// A demand on a line.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Bar {
    /// What is compared.
    pub what: String,
    /// The value that was measured.
    pub value: f64,
    /// What is allowed.
    pub limit: Limit,
    /// Whether the value is the same in every run: a miss then counts for smoke, too.
    pub exact: bool,
}

/// The side of a demand.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Limit {
    /// Not more than this.
    AtMost(f64),
    /// Not less than this.
    AtLeast(f64),
}

impl Line {
    /// A line without demands.
    pub fn new(work: impl Into<String>, size: Option<usize>, unit: &str) -> Self {
        Self {
            work: work.into(),
            size,
            unit: unit.to_owned(),
            values: Vec::new(),
            bars: Vec::new(),
        }
    }

    /// Adds columns.
    pub fn columns<'a>(mut self, values: impl IntoIterator<Item = (&'a str, f64)>) -> Self {
        self.values.extend(
            values
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value)),
        );
        self
    }

    /// Demands that a value that differs from run to run keeps within `limit`.
    pub fn bar(self, what: impl Into<String>, value: f64, limit: Limit) -> Self {
        self.demand(what.into(), value, limit, false)
    }

    /// Demands that a value that is the same in every run keeps within `limit`.
    pub fn exact_bar(self, what: impl Into<String>, value: f64, limit: Limit) -> Self {
        self.demand(what.into(), value, limit, true)
    }

    fn demand(mut self, what: String, value: f64, limit: Limit, exact: bool) -> Self {
        self.bars.push(Bar {
            what,
            value,
            limit,
            exact,
        });
        self
    }
}

impl Bar {
    /// Whether the demand is met. A value that could not be measured does not meet it.
    pub fn is_met(&self) -> bool {
        match self.limit {
            Limit::AtMost(limit) => self.value <= limit,
            Limit::AtLeast(limit) => self.value >= limit,
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.size.map(|n| n.to_string()).unwrap_or_default();
        write!(f, "  {:<34} {size:>7}", self.work)?;
        for (name, value) in &self.values {
            write!(f, "  {name} {}", Number(*value))?;
        }
        if !self.values.is_empty() {
            write!(f, "  {}", self.unit)?;
        }
        for bar in &self.bars {
            let mark = if bar.is_met() { "ok  " } else { "MISS" };
            write!(f, "\n      {mark} {bar}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (side, limit) = match self.limit {
            Limit::AtMost(limit) => ("at most", limit),
            Limit::AtLeast(limit) => ("at least", limit),
        };
        let (value, limit) = (Number(self.value), Number(limit));
        write!(f, "{}: {value} ({side} {limit})", self.what)
    }
}

/// A number, formatted with about three digits.
struct Number(f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.abs() {
            n if n >= 100.0 || (n >= 1.0 && n.fract() == 0.0) => write!(f, "{:.0}", self.0),
            n if n >= 10.0 => write!(f, "{:.1}", self.0),
            _ => write!(f, "{:.2}", self.0),
        }
    }
}
