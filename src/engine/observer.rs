//! Waiting for what happens at a point: for hits, or for waiters.
//!
//! An observer is in the point's list, under the same lock as the waiters. What it waits for is
//! level-triggered:
//!
//! - **Waiters.** A waiter that enters the list counts the entries, under the lock; so does an
//!   observer when it enters. Whichever is second sees both.
//! - **Hits.** A hit adds one to a counter and then reads `wake_at`; an observer writes `wake_at`
//!   and then reads the counters, by adding zero to them. Both touch the counter with a
//!   read-modify-write, so one of them is second: either the observer sees the hit, or the hit has
//!   acquired `wake_at` and sees the observer. Two hits on different counters of one point see each
//!   other in the same way. So a hit takes the lock only when its number is one that an observer
//!   waits for (I1), and no hit wakes an observer early. For hits that fire it is the same, with
//!   `fired_at` and their counters.
//!
//! An observer whose goal is reached is taken out of the list: the goal counts as met, whatever
//! happens next. Retirement leaves observers in the list and wakes them to look at what is
//! configured now.

use std::sync::Arc;
use std::task::{Poll, Waker};

use crate::engine::point::Point;
use crate::engine::sync::lock;
use crate::engine::unwind::in_destructor;
use crate::engine::waiters::Goal;
use crate::engine::wakeups::Wakeups;

/// Wakes the observers of `point` that wait for no more hits than there were.
#[cold]
pub(crate) fn tell_observers(point: &Point) {
    let counts = point.counts_until_now();
    // Observers that wait for more are not worth the lock (I1).
    if point.waiters.is_met_by(counts) {
        Wakeups::of_observers(point.waiters.take_hit(counts)).wake();
    }
}

/// One observer of a point. Dropping it leaves the list.
pub(crate) struct Observer {
    point: Arc<Point>,
    goal: Goal,
    /// Its key while it is in the list.
    key: Option<u64>,
}

impl Observer {
    pub(crate) fn new(point: Arc<Point>, goal: Goal) -> Self {
        Self {
            point,
            goal,
            key: None,
        }
    }

    pub(crate) fn point(&self) -> &Arc<Point> {
        &self.point
    }

    /// Ready once the goal was reached. Until then, `waker` is the one to be woken, also when the
    /// point is retired.
    pub(crate) fn poll(&mut self, waker: &Waker) -> Poll<()> {
        // Cloned before the lock is taken, dropped after it is released (I5).
        let waker = waker.clone();
        let waiters = &self.point.waiters;
        let mut list = lock(&waiters.list);
        let old = match self.key {
            None => {
                self.key = Some(list.observers.enter(self.goal, waker));
                waiters.lower_wake_at(self.goal);
                None
            }
            Some(key) => match list.observers.get_mut(key) {
                Some(observed) => observed.waker.replace(waker),
                None => {
                    drop(list);
                    self.key = None;
                    return Poll::Ready(());
                }
            },
        };
        let is_met = match self.goal {
            Goal::Hits(n) => self.point.counts_until_now().hits >= n,
            Goal::Fired(n) => self.point.counts_until_now().fired >= n,
            Goal::Paused(n) => list.entries.len() >= n,
        };
        drop(list);
        drop(old);
        if is_met {
            self.leave();
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    fn leave(&mut self) {
        if let Some(key) = self.key.take() {
            let waiters = &self.point.waiters;
            let mut list = lock(&waiters.list);
            let left = list.observers.remove(key);
            if waiters.is_least(self.goal) {
                waiters.raise_wake_at(&list);
            }
            drop(list);
            drop(left);
        }
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        // The waker's destructor is a user's code.
        in_destructor(|| self.leave());
    }
}
