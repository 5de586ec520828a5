//! Releasing some of the waiters of a point.

use super::{Details, Entries, Entry, Waiters};
use crate::context::FailpointContext;
use crate::sync::lock;

/// The least and the most entries to examine each time the lock is taken.
const AT_ONCE: std::ops::RangeInclusive<usize> = 64..=1024;

/// What decides whether a waiter is released, copied so as to be examined without the lock:
/// matchers are a user's expressions, and a token has a lock of its own.
struct Candidate {
    key: u64,
    details: Details,
}

impl Candidate {
    fn new(key: u64, entry: &Entry) -> Self {
        Self {
            key,
            details: entry.details.clone(),
        }
    }

    /// Whether to release the waiter: it was not cancelled before, and its context matches.
    fn is_chosen(&self, matches: impl Fn(Option<&FailpointContext>) -> bool) -> bool {
        match &self.details {
            None => matches(None),
            Some(hit) => !hit.is_cancelled() && matches(hit.context()),
        }
    }
}

impl Waiters {
    /// Releases the first `most` of the present waiters whose context `matches`, and returns them
    /// for the caller to wake.
    ///
    /// A waiter in the returned entries ends with `Continue`, even if its token is cancelled before
    /// it looks; one that was cancelled before is not among them.
    pub(super) fn release(
        &self,
        most: usize,
        matches: impl Fn(Option<&FailpointContext>) -> bool,
    ) -> Entries {
        let mut released = Entries::default();
        let mut keys = 0..lock(&self.list).entries.next_key();
        while released.len() < most {
            let at_once = (most - released.len()).clamp(*AT_ONCE.start(), *AT_ONCE.end());
            let candidates: Vec<Candidate> = {
                let list = lock(&self.list);
                let entries = list.entries.range(keys.clone()).take(at_once);
                entries.map(|(key, e)| Candidate::new(key, e)).collect()
            };
            let Some(last) = candidates.last() else {
                break;
            };
            keys.start = last.key + 1;
            let chosen: Vec<u64> = candidates
                .iter()
                .filter(|candidate| candidate.is_chosen(&matches))
                .map(|c| c.key)
                .collect();
            let mut list = lock(&self.list);
            let mut left = chosen
                .into_iter()
                .filter_map(|key| list.entries.release(key));
            let wanted = most - released.len();
            for entry in left.by_ref().take(wanted) {
                released.push(entry);
            }
        }
        released
    }
}
