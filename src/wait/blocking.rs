//! Waiting with a thread.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::entry::HitDetails;
use super::{End, Entry, Released};
use crate::context::FailpointContext;
use crate::point::Point;
use crate::sync::lock;

/// Blocks the thread until its wait is ended or `limit` has elapsed.
///
/// All threads of a point wait on one condition variable, so that one system call wakes them,
/// however many there are. `std::thread::park` would not do: it would swallow an `unpark` that the
/// program meant for itself.
pub(crate) fn block(
    point: &Arc<Point>,
    context: Option<&FailpointContext>,
    limit: Option<Duration>,
) {
    let since = Instant::now();
    let details = HitDetails::of_thread(context);
    // A limit beyond what the clock can express never elapses.
    let deadline = limit.and_then(|limit| since.checked_add(limit));
    let waiters = &point.waiters;
    let mut list = lock(&waiters.list);
    // I3: `retired` and the entry below are one step.
    if list.retired {
        drop(list);
        return super::ended(point, since, End::Reconfigured, false);
    }
    let key = list.entries.push(Entry {
        waker: None,
        since,
        details,
    });
    let mut released = Released::default();
    list.take_paused(&mut released);
    if !released.is_empty() {
        // Others' code runs only while the lock is not held (I5).
        drop(list);
        let woken = catch_unwind(AssertUnwindSafe(|| released.wake()));
        list = lock(&waiters.list);
        if let Err(panic) = woken {
            let left = list.entries.remove(key);
            list.entries.take_mark(key);
            drop(list);
            drop(left);
            resume_unwind(panic);
        }
    }
    // The wait is over once the entry is gone.
    let end = loop {
        if list.entries.get_mut(key).is_none() {
            break match list.entries.take_mark(key) {
                true => End::Released,
                false => End::Reconfigured,
            };
        }
        list = match deadline {
            None => waiters
                .threads
                .wait(list)
                .unwrap_or_else(|e| e.into_inner()),
            Some(deadline) => {
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    list.entries.remove(key);
                    break End::Elapsed;
                }
                let waited = waiters.threads.wait_timeout(list, left);
                waited.unwrap_or_else(|e| e.into_inner()).0
            }
        };
    };
    drop(list);
    super::ended(point, since, end, end != End::Elapsed);
}
