//! Which alternative a hit takes.

use super::{Alternative, Task};
use crate::context::FailpointContext;
use crate::draws::Draw;
use crate::sync::{AtomicUsize, Ordering};

/// An alternative at work: what it says, and how often it was chosen so far.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Rule {
    alternative: Alternative,
    /// Present exactly if the alternative has a percentage below 100.
    draw: Option<Draw>,
    /// Incremented with AcqRel, so that a hit and an observer that waits for it see each other: see
    /// [`wait`](crate::wait). Otherwise the number orders nothing but itself.
    fired: AtomicUsize,
    /// Keeps what is allocated after a rule, which hits may read, off the cache line that they all
    /// write: otherwise a hit that runs beside others fetches the line twice (the row `armed2` of
    /// the benchmarks).
    _apart: [u64; 7],
}

impl Rule {
    pub(crate) fn new(alternative: Alternative, draw: Option<Draw>) -> Self {
        Self {
            alternative,
            draw,
            fired: AtomicUsize::new(0),
            _apart: [0; 7],
        }
    }

    pub(crate) fn alternative(&self) -> &Alternative {
        &self.alternative
    }

    pub(crate) fn task(&self) -> &Task {
        &self.alternative.task
    }

    pub(crate) fn draws(&self) -> bool {
        self.draw.is_some()
    }

    pub(crate) fn fired(&self) -> usize {
        self.fired.load(Ordering::Relaxed)
    }

    /// [`fired`](Self::fired), ordered with the hits.
    pub(crate) fn fired_until_now(&self) -> usize {
        self.fired.fetch_add(0, Ordering::AcqRel)
    }

    /// Whether this hit takes the alternative; if so, it is counted.
    ///
    /// I6: the context and the draw come before the count, so that a hit that they reject uses up
    /// none; and the count is taken by a compare-and-swap that never exceeds the limit, so that
    /// `n*` fires exactly `n` times.
    #[inline]
    pub(crate) fn take(&self, context: Option<&FailpointContext>) -> bool {
        let Alternative {
            matchers, count, ..
        } = &self.alternative;
        if count.is_some_and(|n| self.fired() >= n) {
            // Spent: as in `fail`, such an alternative no longer draws.
            return false;
        }
        if !matchers.is_empty() {
            let Some(context) = context else { return false };
            if !matchers.iter().all(|m| m.matches(context)) {
                return false;
            }
        }
        if self.draw.as_ref().is_some_and(|draw| !draw.next()) {
            return false;
        }
        match count {
            None => {
                self.fired.fetch_add(1, Ordering::AcqRel);
                true
            }
            Some(n) => self
                .fired
                .fetch_update(Ordering::AcqRel, Ordering::Relaxed, |fired| {
                    (fired < *n).then_some(fired + 1)
                })
                .is_ok(),
        }
    }
}
