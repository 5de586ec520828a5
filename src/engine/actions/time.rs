//! How long a `sleep` or a `delay` takes: always the same time, or one that is drawn from a range.
//!
//! ```text
//! time  = end | end ".." end                      both ends of a range are included
//! end   = number ["ms" | "s"]                     milliseconds without a unit
//! ```

use std::fmt;
use std::num::IntErrorKind;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::draws::Bits;

/// A time from `least` to `most` milliseconds.
#[derive(Clone)]
pub(crate) struct Time {
    least: u64,
    most: u64,
    /// What it is drawn from, once it belongs to a point and the ends differ.
    bits: Option<Arc<Bits>>,
}

impl Time {
    /// That many milliseconds, always.
    pub(crate) const fn exactly(millis: u64) -> Self {
        Self {
            least: millis,
            most: millis,
            bits: None,
        }
    }

    /// Returns what is wrong with a text that is no time, and what would be right.
    pub(super) fn parse(text: &str) -> Result<Self, (&'static str, String)> {
        let Some((least, most)) = text.split_once("..") else {
            return end(text).map(|end| Self::exactly(end.millis));
        };
        let (least, most) = (end(least)?, end(most)?);
        if least.has_unit != most.has_unit {
            let both = "a unit at both ends, as in 10ms..2s, or milliseconds at both, as in 10..50";
            return Err(("a range with a unit at one end", both.to_owned()));
        }
        if least.millis > most.millis {
            let (least, most) = (least.millis, most.millis);
            let expected = format!("the shorter time first: {most}..{least}");
            return Err(("a range that ends before it begins", expected));
        }
        Ok(Self {
            least: least.millis,
            most: most.millis,
            bits: None,
        })
    }

    /// Whether it is another time at each hit.
    pub(crate) fn is_drawn(&self) -> bool {
        self.least < self.most
    }

    /// Draws it from `bits` from now on.
    pub(crate) fn draw_from(&mut self, bits: Bits) {
        self.bits = Some(Arc::new(bits));
    }

    /// Returns the time of one hit; this draws, if there is something to draw.
    pub(crate) fn of_this_hit(&self) -> Duration {
        let drawn = self.bits.as_deref().map_or(0, Bits::next);
        // The high word of a product is as even a choice among that many as the bits allow.
        let choices = u128::from(self.most - self.least) + 1;
        let more = (u128::from(drawn) * choices) >> 64;
        Duration::from_millis(self.least + more as u64)
    }
}

struct End {
    millis: u64,
    has_unit: bool,
}

fn end(text: &str) -> Result<End, (&'static str, String)> {
    let (number, factor) = match text.strip_suffix("ms") {
        Some(number) => (number, 1),
        None => match text.strip_suffix('s') {
            Some(number) => (number, 1_000),
            None => (text, 1),
        },
    };
    let too_large = || {
        let expected = format!("at most {} milliseconds", u64::MAX);
        ("too long a time", expected)
    };
    let has_unit = number.len() < text.len();
    match number.parse::<u64>() {
        Ok(number) => match number.checked_mul(factor) {
            Some(millis) => Ok(End { millis, has_unit }),
            None => Err(too_large()),
        },
        Err(e) if *e.kind() == IntErrorKind::PosOverflow => Err(too_large()),
        Err(_) => {
            let expected = "a whole number of milliseconds, as 100 or 100ms, or of seconds, as 2s, \
                            or a range of them, as 10..50";
            Err(("bad time", expected.to_owned()))
        }
    }
}

/// Two are equal if they are drawn from the same range.
impl PartialEq for Time {
    fn eq(&self, other: &Self) -> bool {
        (self.least, self.most) == (other.least, other.most)
    }
}

/// Formats in milliseconds, as text that parses back to the same time.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.least)?;
        if self.is_drawn() {
            write!(f, "..{}", self.most)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Time({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::draws::{Draws, random};

    fn drawn(text: &str, hits: usize) -> Vec<u64> {
        let draws = Draws::new();
        draws.set_seed(3);
        let mut time = Time::parse(text).unwrap();
        if time.is_drawn() {
            time.draw_from(draws.times("a", &[true], random).remove(0).unwrap());
        }
        (0..hits)
            .map(|_| time.of_this_hit().as_millis() as u64)
            .collect()
    }

    #[test]
    fn every_time_of_a_range_is_drawn_both_ends_included_and_no_other() {
        let times = drawn("10..13", 4_000);
        for time in 10..=13 {
            let share = times.iter().filter(|t| **t == time).count();
            // Six standard deviations of a quarter of 4,000 are 164.
            assert!(share.abs_diff(1_000) < 164, "{time}: {share}");
        }
        assert!(times.iter().all(|t| (10..=13).contains(t)));
        assert_eq!(drawn("7..7", 3), [7, 7, 7]);
    }

    #[test]
    fn the_widest_range_is_no_overflow() {
        let all = format!("0..{}", u64::MAX);
        let times = drawn(&all, 1_000);
        let small = times.iter().filter(|t| **t < u64::MAX / 2).count();
        assert!(small.abs_diff(500) < 95, "{small}");
        assert_eq!(drawn(&format!("{0}..{0}", u64::MAX), 1), [u64::MAX]);
    }
}
