//! How a hit waits at a point, as a task ([`Waiter`]) or as a thread ([`block`]).
//!
//! It enters the point's list, and its wait is over once its entry was taken out: by whoever
//! releases it, or by retirement. Tasks are then woken one by one, and threads all at once; a
//! spurious wake-up finds the entry still there. I3 and I5 are what this file keeps.

// Without `async` no task waits.
#![cfg_attr(not(feature = "async"), allow(dead_code))]

use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use crate::engine::context::FailpointContext;
use crate::engine::inside::Inside;
use crate::engine::point::Point;
use crate::engine::report;
use crate::engine::sync::{Ordering, lock, wait_until};
use crate::engine::trie::Named;
use crate::engine::unwind::in_destructor;
use crate::engine::waiters::{Details, Entry, HitDetails, News, Who};
use crate::engine::wakeups::Wakeups;
use crate::engine::watch;

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Released by a call, while the point stays as it is.
    Released,
    /// The point was reconfigured or removed.
    Reconfigured,
    /// Its time limit was reached.
    Elapsed,
    Cancelled,
    /// The future was dropped.
    Dropped,
}

impl End {
    /// Whether an earlier retirement takes precedence over this end. (Cancellation takes precedence
    /// over a retirement.)
    fn comes_last(self) -> bool {
        matches!(self, End::Elapsed | End::Dropped)
    }

    /// Returns its word in the event `wait ended`.
    fn why(self) -> &'static str {
        match self {
            End::Released => "released",
            End::Reconfigured => "reconfigured",
            End::Elapsed => "elapsed",
            End::Cancelled => "cancelled",
            End::Dropped => "dropped",
        }
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
    report::wait_ended(point.name(), end.why(), waited);
}

/// Tells of a waiter that entered. Called without a lock: it runs others' code.
fn tell(point: &Arc<Point>, News { observers, watch }: News) {
    if watch {
        let _inside = Inside::enter();
        watch::over(point);
    }
    Wakeups::of_observers(observers).wake();
}

/// One task's wait at a point.
///
/// Dropping it leaves the list.
pub(crate) struct Waiter {
    point: Arc<Point>,
    stay: Stay,
}

enum Stay {
    /// Not in the list yet.
    Arriving {
        since: Instant,
        details: Details,
        paused_at: Option<&'static Location<'static>>,
    },
    Entered {
        key: u64,
        since: Instant,
    },
    Over,
}

impl Waiter {
    /// Creates the waiter of a hit with these details: of a `pause`, with its call site, or of a sleep.
    pub(crate) fn new(
        point: Arc<Point>,
        details: Details,
        paused_at: Option<&'static Location<'static>>,
    ) -> Self {
        let stay = Stay::Arriving {
            since: Instant::now(),
            details,
            paused_at,
        };
        Self { point, stay }
    }

    /// The name of the point.
    pub(crate) fn name(&self) -> &str {
        self.point.name()
    }

    /// Ready once the wait is over. Until then, `waker` is the one to be woken.
    pub(crate) fn poll(&mut self, waker: &Waker) -> Poll<End> {
        // Acquire: pairs with the Release in `retire`.
        if self.point.waiters.retired.load(Ordering::Acquire) {
            return self.ready(End::Reconfigured);
        }
        // Cloned before the lock is taken; a leftover is dropped after it is released (I5).
        let mut spare = matches!(self.stay, Stay::Arriving { .. }).then(|| waker.clone());
        let mut news = News::default();
        let poll = loop {
            match self.look(waker, &mut spare, &mut news) {
                Some(poll) => break poll,
                None => spare = Some(waker.clone()),
            }
        };
        tell(&self.point, news);
        match poll {
            Poll::Ready(end) => self.ready(end),
            Poll::Pending => Poll::Pending,
        }
    }

    fn ready(&mut self, end: End) -> Poll<End> {
        self.over(end, true);
        Poll::Ready(end)
    }

    /// Ends the wait, once; see [`ended`].
    fn over(&mut self, end: End, is_counted: bool) {
        let since = match std::mem::replace(&mut self.stay, Stay::Over) {
            Stay::Entered { since, .. } => since,
            Stay::Arriving { since, .. } => since,
            Stay::Over => return,
        };
        ended(&self.point, since, end, is_counted);
    }

    /// Checks under the lock whether the wait is over, and if not, stores the waker. Returns `None`
    /// if it needs a clone of the waker in `spare`.
    fn look(
        &mut self,
        waker: &Waker,
        spare: &mut Option<Waker>,
        news: &mut News,
    ) -> Option<Poll<End>> {
        let mut list = lock(&self.point.waiters.list);
        match &mut self.stay {
            Stay::Over => return Some(Poll::Ready(End::Reconfigured)),
            // I3: `retired` and the entry below are one step.
            Stay::Arriving { .. } if list.retired => {}
            Stay::Arriving {
                since,
                details,
                paused_at,
            } => {
                let since = *since;
                let entry = Entry {
                    who: Who::Task(spare.take()?),
                    since,
                    details: details.take(),
                    paused_at: *paused_at,
                };
                let key;
                (key, *news) = list.enter(entry);
                self.stay = Stay::Entered { key, since };
                return Some(Poll::Pending);
            }
            Stay::Entered { key, .. } => match list.entries.get_mut(*key) {
                None => {}
                Some(entry) => {
                    match &mut entry.who {
                        Who::Task(w) if !w.will_wake(waker) => {
                            *spare = Some(std::mem::replace(w, spare.take()?));
                        }
                        Who::Task(_) | Who::Thread(_) => {}
                    }
                    return Some(Poll::Pending);
                }
            },
        }
        let end = match self.stay {
            Stay::Entered { key, .. } if list.entries.take_mark(key) => End::Released,
            _ => End::Reconfigured,
        };
        Some(Poll::Ready(end))
    }

    /// Leaves the list early. Returns `false` if the waiter was released before.
    pub(crate) fn leave(&mut self, end: End) -> bool {
        let Stay::Entered { key, .. } = self.stay else {
            self.over(end, false);
            return true;
        };
        let mut list = lock(&self.point.waiters.list);
        let left = list.entries.remove(key);
        let was_released = left.is_none() && list.entries.take_mark(key);
        drop(list);
        let end = match left {
            _ if was_released => End::Released,
            // Its point was retired before.
            None if end.comes_last() => End::Reconfigured,
            _ => end,
        };
        let is_counted = left.is_none();
        // The waker's destructor runs after the lock is released (I5).
        drop(left);
        self.over(end, is_counted);
        !was_released
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        if matches!(self.stay, Stay::Entered { .. }) {
            // The waker's destructor and subscribers are a user's code.
            in_destructor(|| self.leave(End::Dropped));
        }
    }
}

/// Blocks the thread, whose hit is at `place`, until its wait is ended or `limit` has elapsed.
///
/// All threads of a point wait on one condition variable, so that one system call wakes them,
/// however many there are. `std::thread::park` would not do: it would swallow an `unpark` that the
/// program meant for itself.
pub(crate) fn block(
    point: &Arc<Point>,
    context: Option<&FailpointContext>,
    limit: Option<Duration>,
    place: &'static Location<'static>,
) {
    let since = Instant::now();
    let inside = Inside::enter();
    let details = HitDetails::of_thread(context);
    let thread = thread::current();
    // A limit beyond what the clock can express never elapses.
    let deadline = limit.and_then(|limit| since.checked_add(limit));
    let waiters = &point.waiters;
    let mut list = lock(&waiters.list);
    drop(inside);
    // I3: `retired` and the entry below are one step.
    if list.retired {
        drop(list);
        return ended(point, since, End::Reconfigured, false);
    }
    let (key, news) = list.enter(Entry {
        who: Who::Thread(thread),
        since,
        details,
        paused_at: limit.is_none().then_some(place),
    });
    if news.watch || !news.observers.is_empty() {
        // Others' code runs only while the lock is not held (I5).
        drop(list);
        let woken = catch_unwind(AssertUnwindSafe(|| tell(point, news)));
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
    let mut left = None;
    let end = loop {
        if list.entries.get_mut(key).is_none() {
            break match list.entries.take_mark(key) {
                true => End::Released,
                false => End::Reconfigured,
            };
        }
        match wait_until(&waiters.threads, list, deadline) {
            Ok(woken) => list = woken,
            Err(late) => {
                list = late;
                left = list.entries.remove(key);
                break End::Elapsed;
            }
        }
    };
    drop(list);
    let inside = Inside::enter();
    drop(left);
    drop(inside);
    ended(point, since, end, end != End::Elapsed);
}

#[cfg(all(test, not(neon_failpoint_loom)))]
mod tests {
    use super::*;
    use crate::engine::actions::chain;
    use crate::engine::actions::matcher::Memory;
    use crate::engine::point::Made;
    use crate::engine::scope::Home;

    fn paused_point() -> Arc<Point> {
        let alternatives = chain::parse("pause", false, &mut Memory::of_a_call()).unwrap();
        Point::new(
            Home::GLOBAL,
            Made::configured(),
            "p".into(),
            alternatives,
            None,
            Vec::new(),
        )
    }

    #[test]
    fn a_thread_whose_time_is_up_is_not_there_any_more() {
        let point = paused_point();
        block(&point, None, Some(Duration::ZERO), Location::caller());
        assert!(point.waiters.infos().is_empty());
        let mut wakeups = Wakeups::default();
        assert_eq!(wakeups.release(&point, 1, &[]), 0);
        wakeups.wake();
    }

    #[test]
    fn a_thread_that_is_woken_for_nothing_waits_on() {
        let point = paused_point();
        let limit = Duration::from_millis(100);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                let start = Instant::now();
                block(&point, None, Some(limit), Location::caller());
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
        let mut wakeups = Wakeups::default();
        wakeups.retire(&point);
        wakeups.wake();
        // Held from here on: a poll that needs the lock would hang.
        let (is_ready, ready) = std::sync::mpsc::channel();
        let _held = lock(&point.waiters.list);
        std::thread::spawn(move || is_ready.send(waiter.poll(Waker::noop()).is_ready()));
        assert_eq!(ready.recv_timeout(Duration::from_secs(60)), Ok(true));
    }
}
