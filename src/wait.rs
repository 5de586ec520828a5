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
#[cfg(feature = "async")]
mod waiter;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use crate::action::Function;
use crate::context::FailpointContext;
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
    /// How many threads wait: to notify nobody is a system call, too.
    blocked: usize,
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

/// Counts a wait at `point` that began at `since`, and says that it is over. Those who were
/// let go are counted by who lets them go, together.
fn ended(point: &Point, since: Instant, end: End) {
    let is_counted = matches!(end, End::Released | End::Reconfigured);
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
    /// caller to wake once it holds no lock (I5), with the entries that are returned. Whether
    /// there are threads to wake, too, by [`notify_threads`](Self::notify_threads).
    fn retire(&self, released: &mut Released) -> (Entries, bool) {
        let mut list = lock(&self.list);
        list.retired = true;
        // Who was released before has to find its mark.
        if !list.entries.has_marks() {
            // Release: pairs with the Acquire in `Waiter::poll`. Who goes on finds what was
            // published before the retirement (I2).
            self.retired.store(true, Ordering::Release);
        }
        list.observers.take_wakers(&mut released.wakers);
        (list.entries.take(), list.blocked > 0)
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

/// Waiters that were let go and have yet to be woken, and callbacks that are to be
/// dropped with them.
#[derive(Debug, Default)]
#[must_use = "who was let go sleeps on until it is woken"]
pub(crate) struct Released {
    lists: Vec<Entries>,
    /// Of observers.
    wakers: Vec<Waker>,
    /// Those at which threads wait.
    points: Vec<Arc<Point>>,
    callbacks: Vec<Function>,
}

impl Released {
    /// Ends the work of `point`.
    pub(crate) fn retire(&mut self, point: &Arc<Point>) {
        let callback = self.suspend(point);
        self.callbacks.extend(callback);
    }

    /// Lets some go: see [`Waiters::release`].
    pub(crate) fn some(
        &mut self,
        point: &Arc<Point>,
        most: usize,
        matches: impl Fn(Option<&FailpointContext>) -> bool,
    ) -> usize {
        let entries = point.waiters.release(most, matches);
        let count = entries.len();
        self.add(point, entries, point.waiters.has_threads());
        count
    }

    fn add(&mut self, point: &Arc<Point>, entries: Entries, has_threads: bool) {
        if !entries.is_empty() {
            let now = Instant::now();
            let mut waited = Duration::ZERO;
            for entry in entries.iter() {
                waited += now.saturating_duration_since(entry.since);
            }
            point.add_delay(waited);
            self.lists.push(entries);
        }
        if has_threads {
            self.points.push(point.clone());
        }
    }

    /// Ends the work of `point` for now, and returns the callback that it has to have again
    /// when it goes on.
    pub(crate) fn suspend(&mut self, point: &Arc<Point>) -> Option<Function> {
        let (entries, has_threads) = point.waiters.retire(self);
        self.add(point, entries, has_threads);
        point.take_callback()
    }

    /// Whether there is nobody to wake.
    fn is_empty(&self) -> bool {
        self.wakers.is_empty()
            && self.lists.is_empty()
            && self.points.is_empty()
            && self.callbacks.is_empty()
    }

    pub(crate) fn extend(&mut self, more: Self) {
        self.lists.extend(more.lists);
        self.wakers.extend(more.wakers);
        self.points.extend(more.points);
        self.callbacks.extend(more.callbacks);
    }

    /// Drops a callback after everybody was woken.
    pub(crate) fn drop_later(&mut self, callback: Option<Function>) {
        self.callbacks.extend(callback);
    }

    /// Wakes all of them, then drops the callbacks. What panics of that, wakers and
    /// destructors of users, does so after all was done.
    pub(crate) fn wake(self) {
        for point in self.points {
            point.waiters.notify_threads();
        }
        let mut panicked = None;
        let mut run = |work: &mut dyn FnMut()| {
            let Err(panic) = catch_unwind(AssertUnwindSafe(work)) else {
                return;
            };
            match panicked {
                None => panicked = Some(panic),
                // Leaked: its own destructor could panic, and who comes after would sleep on.
                Some(_) => std::mem::forget(panic),
            }
        };
        let mut wake = |waker: Waker| {
            let mut waker = Some(waker);
            run(&mut || {
                if let Some(waker) = waker.take() {
                    waker.wake();
                }
            });
        };
        for entry in self.lists.into_iter().flat_map(Entries::into_iter) {
            if let Some(waker) = entry.waker {
                wake(waker);
            }
        }
        self.wakers.into_iter().for_each(wake);
        for callback in self.callbacks {
            let mut callback = Some(callback);
            run(&mut || drop(callback.take()));
        }
        if let Some(panic) = panicked {
            resume_unwind(panic);
        }
    }
}

#[cfg(all(test, not(neon_failpoint_loom)))]
mod tests {
    use super::*;
    use crate::action::parse;
    use crate::table::Registry;

    fn paused_point() -> Arc<Point> {
        let alternatives = parse::actions("pause").unwrap();
        Point::new("p", alternatives, None, &Registry::new().draws)
    }

    #[test]
    fn a_thread_whose_time_is_up_is_not_counted_any_more() {
        let point = paused_point();
        block(&point, None, Some(Duration::ZERO));
        assert_eq!(lock(&point.waiters.list).blocked, 0);
        assert!(point.waiters.infos().is_empty());
        let (entries, has_threads) = point.waiters.retire(&mut Released::default());
        assert_eq!((entries.len(), has_threads), (0, false));
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
