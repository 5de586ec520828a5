//! Waiting with a thread.

use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::{Duration, Instant};

use super::Waiter;
use crate::sync::{Condvar, Mutex, lock};

/// Blocks the thread until the waiter is let go, or `limit` is over.
///
/// It waits on a condition variable of its own, not by `std::thread::park`: that
/// would swallow an `unpark` which the program meant for itself.
pub(crate) fn block(mut waiter: Waiter, limit: Option<Duration>) {
    // A limit beyond what the clock can express is never over.
    let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
    let signal = Arc::new(Signal::new());
    let waker = Waker::from(signal.clone());
    while waiter.poll(&waker).is_pending() {
        if !signal.wait(deadline) {
            return;
        }
    }
}

#[derive(Debug)]
struct Signal {
    given: Mutex<bool>,
    condvar: Condvar,
}

impl Signal {
    fn new() -> Self {
        Self {
            given: Mutex::new(false),
            condvar: Condvar::new(),
        }
    }

    /// Waits until the signal is given and takes it; `false` when time is up.
    fn wait(&self, deadline: Option<Instant>) -> bool {
        let mut given = lock(&self.given);
        while !*given {
            given = match deadline {
                None => self.condvar.wait(given).unwrap_or_else(|e| e.into_inner()),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return false;
                    }
                    let waited = self.condvar.wait_timeout(given, left);
                    waited.unwrap_or_else(|e| e.into_inner()).0
                }
            };
        }
        *given = false;
        true
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        *lock(&self.given) = true;
        self.condvar.notify_one();
    }
}
