//! What is left to do for waiters that were let go.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use super::Entries;
use crate::action::Function;
use crate::context::FailpointContext;
use crate::point::Point;

/// Waiters that were let go and have yet to be woken, and callbacks that are to be
/// dropped with them.
#[derive(Debug, Default)]
#[must_use = "who was let go sleeps on until it is woken"]
pub(crate) struct Released {
    lists: Vec<Entries>,
    /// Of observers.
    pub(super) wakers: Vec<Waker>,
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
        self.add(point, entries);
        count
    }

    /// Adds waiters of `point` that were taken out of its list, and counts their waits.
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
        // To notify nobody is a system call, too.
        if has_threads {
            self.points.push(point.clone());
        }
    }

    /// Ends the work of `point` for now, and returns the callback that it has to have again
    /// when it goes on.
    pub(crate) fn suspend(&mut self, point: &Arc<Point>) -> Option<Function> {
        let entries = point.waiters.retire(self);
        self.add(point, entries);
        point.take_callback()
    }

    /// Whether there is nobody to wake.
    pub(super) fn is_empty(&self) -> bool {
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
