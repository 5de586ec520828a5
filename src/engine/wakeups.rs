//! What remains to be done for waiters whose waits were ended.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use crate::engine::actions::action::CallbackFn;
use crate::engine::actions::matcher::Matcher;
use crate::engine::point::Point;
use crate::engine::waiters::Entries;

/// Waiters taken out of their lists and yet to be woken, and callbacks to be dropped after that.
#[derive(Default)]
#[must_use = "who was let go sleeps on until it is woken"]
pub(crate) struct Wakeups {
    lists: Vec<Entries>,
    /// Those of observers.
    wakers: Vec<Waker>,
    /// The points whose threads are to be notified.
    points: Vec<Arc<Point>>,
    callbacks: Vec<CallbackFn>,
}

impl Wakeups {
    /// Observers that were taken out of their list.
    pub(super) fn of_observers(wakers: Vec<Waker>) -> Self {
        Self {
            wakers,
            ..Self::default()
        }
    }

    /// Retires `point`.
    pub(crate) fn retire(&mut self, point: &Arc<Point>) {
        let callback = self.suspend(point);
        self.callbacks.extend(callback);
        #[cfg(feature = "http")]
        point.end_lifetime();
    }

    /// Releases the first `most` waiters of `point` whose contexts satisfy `matchers`, and returns
    /// their number.
    pub(crate) fn release(
        &mut self,
        point: &Arc<Point>,
        most: usize,
        matchers: &[Matcher],
    ) -> usize {
        let entries = point.waiters.take_first(most, matchers);
        let count = entries.len();
        self.add(point, entries);
        count
    }

    /// Adds waiters that were taken out of the list of `point`, and counts their waits.
    pub(super) fn add(&mut self, point: &Arc<Point>, entries: Entries) {
        if entries.is_empty() {
            return;
        }
        let now = Instant::now();
        let mut waited = Duration::ZERO;
        let mut has_threads = false;
        for entry in entries.iter() {
            waited += now.saturating_duration_since(entry.since);
            has_threads |= entry.is_thread();
        }
        point.add_delay(waited);
        self.lists.push(entries);
        // Notifying is a system call even if no thread waits.
        if has_threads {
            self.points.push(point.clone());
        }
    }

    /// Retires `point` for now, and returns the callback to put back when it is resumed.
    pub(crate) fn suspend(&mut self, point: &Arc<Point>) -> Option<CallbackFn> {
        let entries = point.waiters.retire(&mut self.wakers);
        self.add(point, entries);
        point.take_callback()
    }

    /// Drops `callback` once everything was woken.
    pub(crate) fn drop_later(&mut self, callback: Option<CallbackFn>) {
        self.callbacks.extend(callback);
    }

    /// Wakes everything, then drops the callbacks. If a user's wakers or destructors panic, the
    /// first panic is resumed after all of that.
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
                // Leaked: its own destructor could panic, and the remaining waiters would not be
                // woken.
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
