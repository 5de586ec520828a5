//! The threads of `spawn_blocking` in a run.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::engine::sync::unpoisoned;

/// The threads of `spawn_blocking`. They end as soon as they have nothing to do, so one that is there
/// may be at work.
#[derive(Default)]
pub(super) struct Blocking {
    threads: Mutex<Threads>,
    fewer: Condvar,
}

#[derive(Default)]
struct Threads {
    /// How many there are.
    count: usize,
    /// How many of them have begun: one at a time, so that their work ends in the order in which it was
    /// given to them.
    begun: usize,
}

impl Blocking {
    pub(super) fn add(&self) {
        unpoisoned(self.threads.lock()).count += 1;
    }

    /// Waits until no other is at work; not for ever, because that one may wait for this. Returns whether
    /// none is.
    pub(super) fn begin(&self, patience: Duration) -> bool {
        let mut threads = self.wait(patience, |threads| threads.begun > 0);
        threads.begun += 1;
        threads.begun == 1
    }

    pub(super) fn remove(&self) {
        let mut threads = unpoisoned(self.threads.lock());
        threads.count = threads.count.saturating_sub(1);
        threads.begun = threads.begun.saturating_sub(1);
        drop(threads);
        self.fewer.notify_all();
    }

    /// Whether there is none within `time`.
    pub(super) fn is_none(&self, time: Duration) -> bool {
        self.are_at_most(0, time)
    }

    pub(super) fn are_at_most(&self, most: usize, time: Duration) -> bool {
        self.wait(time, |threads| threads.count > most).count <= most
    }

    fn wait(&self, time: Duration, lasts: impl Fn(&Threads) -> bool) -> MutexGuard<'_, Threads> {
        let threads = unpoisoned(self.threads.lock());
        let waited = self
            .fewer
            .wait_timeout_while(threads, time, |threads| lasts(threads));
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}
