//! What a paused or sleeping hit waits on.
//!
//! Each [`Point`] has one list of [`Waiters`]. A hit that waits enters it, whether it is
//! a task, with its waker and by `Waiter::poll`, or a thread, by [`block`]. Either is let
//! go by taking its entry out of the list; then tasks are woken one by one, and threads
//! all at once.
//!
//! What holds here (the numbers are those of the crate's design):
//!
//! - **I1** The waiters are a list, in the order of their arrival, each with its
//!   kind, the time it began to wait and its context, so that the first, some, or
//!   those of a context can be let go. Who goes is who is not in the list any more,
//!   whoever else was woken to look.
//! - **I3** Retirement is level-triggered. Looking at `retired` and entering the
//!   list is one step under the list's lock, and so is setting `retired` and taking
//!   the list: a waiter is either in the list that is taken, or it sees `retired`.
//!   There is no order of events in which a wake-up is lost.
//! - **I5** The wakers are a user's code. They are cloned, woken and dropped only
//!   while no lock is held.

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

/// Those who wait at one point.
#[derive(Debug)]
pub(crate) struct Waiters {
    list: Mutex<List>,
    /// The list's `retired`, for those who need not look into the list: who was let go
    /// together with everybody else goes on without its lock. It stays `false` where a mark of a
    /// release has yet to be found.
    retired: AtomicBool,
    /// Where threads wait, with the list's lock.
    threads: Condvar,
    /// The least number of hits that an observer waits for, or `usize::MAX`: see
    /// [`observe`].
    wake_at: AtomicUsize,
}

#[derive(Debug, Default)]
struct List {
    retired: bool,
    /// An entry that is gone was let go: its waiter sees that when it looks next.
    entries: Entries,
    observers: Observers,
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Let go, and the point stays as it was.
    Released,
    /// The point was configured anew or removed.
    Reconfigured,
    /// Its time was over.
    Elapsed,
    #[cfg(feature = "async")]
    Cancelled,
    /// The future was dropped.
    #[cfg(feature = "async")]
    Dropped,
}

impl End {
    /// Whether a wait that was let go before ended by that. (Cancellation wins over it.)
    #[cfg(feature = "async")]
    fn comes_last(self) -> bool {
        matches!(self, End::Elapsed | End::Dropped)
    }
}

/// Reports that a wait at `point` is over, which began at `since`, and adds it to the point's
/// delay, unless it `is_counted`: whoever takes an entry out of the list to let its waiter go
/// counts it.
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

    /// Lets everybody go, now and from now on. Observers are added to `released`, for the
    /// caller to wake once it holds no lock (I5), with the entries that are returned.
    fn retire(&self, released: &mut Released) -> Entries {
        let mut list = lock(&self.list);
        list.retired = true;
        // Who was released before has to find its mark.
        if !list.entries.has_marks() {
            // Release: pairs with the Acquire in `Waiter::poll`. Who goes on finds what was
            // published before the retirement (I2).
            self.retired.store(true, Ordering::Release);
        }
        list.observers.take_wakers(&mut released.wakers);
        list.entries.take()
    }

    /// Has waiters wait again, after [`retire`](Self::retire).
    pub(crate) fn resume(&self) {
        let mut list = lock(&self.list);
        list.retired = false;
        // Relaxed: who still sees the retirement goes on, as somebody that came before.
        self.retired.store(false, Ordering::Relaxed);
    }

    /// Has the threads look whether they were let go.
    fn notify_threads(&self) {
        self.threads.notify_all();
    }

    /// How many wait.
    pub(crate) fn count(&self) -> usize {
        lock(&self.list).entries.len()
    }

    /// Who waits, in the order of arrival.
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
        // Held by somebody else: who needs it hangs, so nobody may.
        let (is_ready, ready) = std::sync::mpsc::channel();
        let _held = lock(&point.waiters.list);
        std::thread::spawn(move || is_ready.send(waiter.poll(Waker::noop()).is_ready()));
        assert_eq!(ready.recv_timeout(Duration::from_secs(60)), Ok(true));
    }
}
