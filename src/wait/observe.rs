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
//!   waits for (I1), and no hit wakes an observer early.
//!
//! An observer whose goal is reached is taken out of the list: the goal counts as met, whatever
//! happens next. Retirement leaves observers in the list and wakes them to look at what is
//! configured now.

#[cfg(all(test, neon_failpoint_loom))]
mod models;

use std::sync::Arc;
use std::task::{Poll, Waker};

use super::{List, Released, Waiters};
use crate::point::Point;
use crate::sync::{Ordering, lock};
use crate::unwind::in_destructor;

/// What an observer waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// This many hits since the point was configured.
    Hits(usize),
    /// This many waiters.
    Paused(usize),
}

/// The observers of one point.
#[derive(Debug, Default)]
pub(super) struct Observers {
    next_key: u64,
    /// Sorted by key.
    list: Vec<Listed>,
}

#[derive(Debug)]
struct Listed {
    key: u64,
    goal: Goal,
    /// `None` if it was woken and has not looked yet.
    waker: Option<Waker>,
}

impl Observers {
    fn enter(&mut self, goal: Goal, waker: Waker) -> u64 {
        let key = self.next_key;
        self.next_key += 1;
        let waker = Some(waker);
        self.list.push(Listed { key, goal, waker });
        key
    }

    fn position(&self, key: u64) -> Option<usize> {
        self.list
            .binary_search_by_key(&key, |listed| listed.key)
            .ok()
    }

    fn get_mut(&mut self, key: u64) -> Option<&mut Listed> {
        let at = self.position(key)?;
        Some(&mut self.list[at])
    }

    fn remove(&mut self, key: u64) -> Option<Listed> {
        let at = self.position(key)?;
        Some(self.list.remove(at))
    }

    /// Takes the wakers, and leaves their observers in the list.
    pub(super) fn take_wakers(&mut self, wakers: &mut Vec<Waker>) {
        wakers.extend(self.list.iter_mut().filter_map(|l| l.waker.take()));
    }

    /// Takes out the observers whose goal is met.
    fn take_met(&mut self, is_met: impl Fn(Goal) -> bool, wakers: &mut Vec<Waker>) {
        self.list.retain_mut(|listed| {
            let is_met = is_met(listed.goal);
            if is_met {
                wakers.extend(listed.waker.take());
            }
            !is_met
        });
    }

    fn least_hits(&self) -> usize {
        let hits = self.list.iter().filter_map(|listed| match listed.goal {
            Goal::Hits(hits) => Some(hits),
            Goal::Paused(_) => None,
        });
        hits.min().unwrap_or(usize::MAX)
    }
}

impl List {
    /// Takes out the observers that waited for this many waiters. Called when a waiter enters.
    pub(super) fn take_paused(&mut self, released: &mut Released) {
        if !self.observers.list.is_empty() {
            let paused = self.entries.len();
            let is_met = |goal| matches!(goal, Goal::Paused(n) if n <= paused);
            self.observers.take_met(is_met, &mut released.wakers);
        }
    }
}

impl Waiters {
    /// Returns the least number of hits that an observer waits for.
    #[inline]
    pub(crate) fn wake_at(&self) -> usize {
        // Relaxed: the caller has touched the counter before, see above.
        self.wake_at.load(Ordering::Relaxed)
    }

    /// Returns the number of observers.
    pub(crate) fn observers(&self) -> usize {
        lock(&self.list).observers.list.len()
    }

    /// Takes out the observers that waited for at most `hits` hits, to be woken.
    pub(crate) fn take_hit(&self, hits: usize, released: &mut Released) {
        let mut list = lock(&self.list);
        let is_met = |goal| matches!(goal, Goal::Hits(n) if n <= hits);
        list.observers.take_met(is_met, &mut released.wakers);
        self.raise_wake_at(&list);
    }

    /// Lowers `wake_at` for an observer that enters, under the list's lock.
    fn lower_wake_at(&self, goal: Goal) {
        match goal {
            // Relaxed: the counters are touched after this, see above.
            Goal::Hits(n) if n < self.wake_at() => self.wake_at.store(n, Ordering::Relaxed),
            Goal::Hits(_) | Goal::Paused(_) => {}
        }
    }

    /// Raises `wake_at` after observers have left, under the list's lock.
    fn raise_wake_at(&self, list: &List) {
        // Relaxed: a hit that still sees the old number takes the lock for nothing.
        let least = list.observers.least_hits();
        self.wake_at.store(least, Ordering::Relaxed);
    }
}

/// One observer of a point. Dropping it leaves the list.
#[derive(Debug)]
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
                Some(listed) => listed.waker.replace(waker),
                None => {
                    drop(list);
                    self.key = None;
                    return Poll::Ready(());
                }
            },
        };
        let is_met = match self.goal {
            Goal::Hits(n) => self.point.hits_until_now() >= n,
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
            if self.goal == Goal::Hits(waiters.wake_at()) {
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
