//! Waiting with a thread.

use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use super::{Entry, WaiterInfo};
use crate::context::FailpointContext;
use crate::point::Point;
use crate::sync::lock;

/// Blocks the thread until it is let go, or `limit` is over.
///
/// All threads of a point wait on one condition variable, so that one system call wakes
/// them, however many they are. Not by `std::thread::park`: that would swallow an
/// `unpark` which the program meant for itself.
pub(crate) fn block(
    point: &Arc<Point>,
    context: Option<&FailpointContext>,
    limit: Option<Duration>,
) {
    let info = WaiterInfo::new(true, context);
    // A limit beyond what the clock can express is never over.
    let deadline = limit.and_then(|limit| info.since.checked_add(limit));
    let waker = Waker::noop().clone();
    let waiters = &point.waiters;
    let mut list = lock(&waiters.list);
    // I3: `retired` and the entry below are one step.
    if list.retired {
        return;
    }
    let key = list.entries.push(Entry { waker, info });
    list.blocked += 1;
    // An entry that is gone was let go.
    while list.entries.get_mut(key).is_some() {
        list = match deadline {
            None => waiters
                .threads
                .wait(list)
                .unwrap_or_else(|e| e.into_inner()),
            Some(deadline) => {
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    list.entries.remove(key);
                    break;
                }
                let waited = waiters.threads.wait_timeout(list, left);
                waited.unwrap_or_else(|e| e.into_inner()).0
            }
        };
    }
    list.blocked -= 1;
}
