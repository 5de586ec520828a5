//! What a paused or sleeping hit waits on.
//!
//! Each [`Point`] has one list of [`Waiters`]. A hit that waits enters it, as a task by
//! `Waiter::poll` with its waker, or as a thread by [`block`]. Its wait is ended by taking its
//! entry out of the list; tasks are then woken one by one, and threads all at once.
//!
//! Invariants (numbered as in the crate's design):
//!
//! - **I1** The waiters are a list in order of arrival. Each entry has its kind, the time it began
//!   to wait and its context, so that the first few, or those with a matching context, can be
//!   released. A waiter may continue exactly when its entry has been removed; a spurious wake-up
//!   re-checks this.
//! - **I3** Retirement is level-triggered. Checking `retired` and entering the list is one step
//!   under the list's lock, and so is setting `retired` and taking the list: a waiter is either in
//!   the list that is taken, or it sees `retired`. No order of events loses a wake-up.
//! - **I5** Wakers are a user's code. They are cloned, woken and dropped only while no lock is
//!   held.

mod blocking;
mod entries;
mod entry;
#[cfg(feature = "async")]
mod future;
#[cfg(all(test, neon_failpoint_loom))]
mod models;
mod observe;
mod release;
mod released;
#[cfg(feature = "async")]
mod waiter;

use std::time::Instant;

use crate::point::Point;
use crate::report;
use crate::sync::{AtomicBool, AtomicUsize, Condvar, Mutex, Ordering, lock};
pub(crate) use blocking::block;
use entries::Entries;
pub use entry::WaiterInfo;
use entry::{Details, Entry};
#[cfg(feature = "async")]
pub(crate) use future::Waiting;
use observe::Observers;
pub(crate) use observe::{Goal, Observer};
pub(crate) use released::Released;
#[cfg(feature = "async")]
pub(crate) use waiter::Waiter;

/// The waiters of one point.
#[derive(Debug)]
pub(crate) struct Waiters {
    list: Mutex<List>,
    /// A copy of the list's `retired`, so that waiters continue after a retirement without taking
    /// the lock. It stays `false` if the mark of a release was yet to be found then.
    retired: AtomicBool,
    /// What threads wait on, with the list's lock.
    threads: Condvar,
    /// The least number of hits that an observer waits for, or `usize::MAX`: see [`observe`].
    wake_at: AtomicUsize,
}

#[derive(Debug, Default)]
struct List {
    retired: bool,
    /// The wait of a missing entry is over: its waiter sees that when it next looks.
    entries: Entries,
    observers: Observers,
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Released by a call, while the point stays as it is.
    Released,
    /// The point was reconfigured or removed.
    Reconfigured,
    /// Its time limit was reached.
    Elapsed,
    #[cfg(feature = "async")]
    Cancelled,
    /// The future was dropped.
    #[cfg(feature = "async")]
    Dropped,
}

impl End {
    /// Whether an earlier retirement takes precedence over this end. (Cancellation takes precedence
    /// over a retirement.)
    #[cfg(feature = "async")]
    fn comes_last(self) -> bool {
        matches!(self, End::Elapsed | End::Dropped)
    }
}

/// Reports the end of a wait at `point` that began at `since`.
///
/// The wait is added to the point's delay, unless it `is_counted`: whatever takes an entry out of
/// the list to let its waiter continue has counted it.
fn ended(point: &Point, since: Instant, end: End, is_counted: bool) {
    if is_counted && !report::may_hear_events() {
        return;
    }
    let waited = since.elapsed();
    if !is_counted {
        point.add_delay(waited);
    }
    report::wait_ended(point, end, waited);
}

impl Waiters {
    pub(crate) fn new() -> Self {
        Self {
            list: Mutex::new(List::default()),
            retired: AtomicBool::new(false),
            threads: Condvar::new(),
            wake_at: AtomicUsize::new(usize::MAX),
        }
    }

    /// Ends all waits, now and from now on. The wakers of observers are added to `released`; the
    /// caller wakes them and the returned entries once it holds no lock (I5).
    fn retire(&self, released: &mut Released) -> Entries {
        let mut list = lock(&self.list);
        list.retired = true;
        // A waiter that was released before has to find its mark.
        if !list.entries.has_marks() {
            // Release: pairs with the Acquire in `Waiter::poll`. A waiter that continues finds what
            // was published before the retirement (I2).
            self.retired.store(true, Ordering::Release);
        }
        list.observers.take_wakers(&mut released.wakers);
        list.entries.take()
    }

    /// Undoes [`retire`](Self::retire): later waiters wait again.
    pub(crate) fn resume(&self) {
        let mut list = lock(&self.list);
        list.retired = false;
        // Relaxed: a waiter that still sees the retirement continues as if it had come before this.
        self.retired.store(false, Ordering::Relaxed);
    }

    /// Makes the threads check whether their waits are over.
    fn notify_threads(&self) {
        self.threads.notify_all();
    }

    /// Returns the number of waiters.
    pub(crate) fn count(&self) -> usize {
        lock(&self.list).entries.len()
    }

    /// Returns the waiters, in order of arrival.
    pub(crate) fn infos(&self) -> Vec<WaiterInfo> {
        let list = lock(&self.list);
        list.entries.iter().map(WaiterInfo::of).collect()
    }
}

#[cfg(all(test, not(neon_failpoint_loom)))]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::action::parse;
    use crate::table::Registry;

    fn paused_point() -> Arc<Point> {
        let alternatives = parse::actions("pause").unwrap();
        Point::new("p", alternatives, None, &Registry::new().draws)
    }

    #[test]
    fn a_thread_whose_time_is_up_is_not_there_any_more() {
        let point = paused_point();
        block(&point, None, Some(Duration::ZERO));
        assert!(point.waiters.infos().is_empty());
        let mut released = Released::default();
        released.retire(&point);
        assert!(released.is_empty());
    }

    #[test]
    fn a_thread_that_is_woken_for_nothing_waits_on() {
        let point = paused_point();
        let limit = Duration::from_millis(100);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                let start = Instant::now();
                block(&point, None, Some(limit));
                start.elapsed()
            });
            while !waiting.is_finished() {
                point.waiters.notify_threads();
                std::thread::yield_now();
            }
            assert!(waiting.join().unwrap() >= limit);
        });
    }

    #[cfg(feature = "async")]
    #[test]
    fn a_task_that_was_let_go_needs_no_lock_to_go_on() {
        use std::task::Waker;

        let point = paused_point();
        let mut waiter = Waiter::new(point.clone(), None, None);
        assert!(waiter.poll(Waker::noop()).is_pending());
        let mut released = Released::default();
        released.retire(&point);
        released.wake();
        // Held from here on: a poll that needs the lock would hang.
        let (is_ready, ready) = std::sync::mpsc::channel();
        let _held = lock(&point.waiters.list);
        std::thread::spawn(move || is_ready.send(waiter.poll(Waker::noop()).is_ready()));
        assert_eq!(ready.recv_timeout(Duration::from_secs(60)), Ok(true));
    }
}
