//! Waiting for what others do at a point: to hit it, or to stand at it.
//!
//! An observer is in the point's list, under the same lock as those who wait there. What it
//! waits for is level-triggered:
//!
//! - **Standing.** Who enters the list counts who is in it, under the lock; so does the
//!   observer when it enters. One of them is second and sees both.
//! - **Hits.** A hit adds one to a counter and then reads `wake_at`; the observer writes
//!   `wake_at` and then reads the counters, by adding nothing to them. Both touch the counter by
//!   a read-modify-write, so one of them is second: an observer sees the hit, or the hit has
//!   acquired `wake_at` and sees the observer. Two hits at two counters of one point find each
//!   other in the same way. So a hit takes the lock only when its number is one that somebody
//!   waits for (I1), and nobody is woken before.
//!
//! An observer whose goal is reached is taken out of the list: it was met, whatever happens
//! next. Retirement leaves observers in the list and wakes them, so that they look what is
//! there now.

#[cfg(all(test, neon_failpoint_loom))]
mod models;

use std::sync::Arc;
use std::task::{Poll, Waker};

use super::{List, Released, Waiters};
use crate::point::Point;
use crate::sync::{Ordering, lock};

/// What an observer waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// So many hits since the point was configured.
    Hits(usize),
    /// So many who wait at it.
    Paused(usize),
}

/// The observers of one point.
#[derive(Debug, Default)]
pub(super) struct Observers {
    next_key: u64,
    list: Vec<Listed>,
}

#[derive(Debug)]
struct Listed {
    key: u64,
    goal: Goal,
    /// `None` where it was woken and has not looked yet.
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

    fn get_mut(&mut self, key: u64) -> Option<&mut Listed> {
        self.list.iter_mut().find(|listed| listed.key == key)
    }

    fn remove(&mut self, key: u64) -> Option<Listed> {
        let at = self.list.iter().position(|listed| listed.key == key)?;
        Some(self.list.swap_remove(at))
    }

    /// Hands the wakers over, and leaves who has them in the list.
    pub(super) fn take_wakers(&mut self, wakers: &mut Vec<Waker>) {
        wakers.extend(self.list.iter_mut().filter_map(|l| l.waker.take()));
    }

    /// Takes those out who are met.
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
    /// Takes out who waited for as many to stand here as do. Called by who enters.
    pub(super) fn take_paused(&mut self, released: &mut Released) {
        if !self.observers.list.is_empty() {
            let paused = self.entries.len();
            let is_met = |goal| matches!(goal, Goal::Paused(n) if n <= paused);
            self.observers.take_met(is_met, &mut released.wakers);
        }
    }
}

impl Waiters {
    /// The least number of hits that somebody waits for.
    #[inline]
    pub(crate) fn wake_at(&self) -> usize {
        // Relaxed: who reads it has touched the counter before, see above.
        self.wake_at.load(Ordering::Relaxed)
    }

    /// How many wait for something to happen here.
    pub(crate) fn observers(&self) -> usize {
        lock(&self.list).observers.list.len()
    }

    /// Takes out who waited for `hits` hits, to be woken.
    pub(crate) fn take_hit(&self, hits: usize, released: &mut Released) {
        let mut list = lock(&self.list);
        let is_met = |goal| matches!(goal, Goal::Hits(n) if n <= hits);
        list.observers.take_met(is_met, &mut released.wakers);
        self.set_wake_at(&list);
    }

    /// Under the list's lock.
    fn set_wake_at(&self, list: &List) {
        // Relaxed: the counters are touched after this, see above.
        let least = list.observers.least_hits();
        self.wake_at.store(least, Ordering::Relaxed);
    }
}

/// One observer's stay at a point. Dropping it leaves the list.
#[derive(Debug)]
pub(crate) struct Observer {
    point: Arc<Point>,
    goal: Goal,
    /// Its key, if it is in the list.
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

    /// Ready once the goal was reached. Until then `waker` is the one that is woken, also
    /// when the point is retired.
    pub(crate) fn poll(&mut self, waker: &Waker) -> Poll<()> {
        // Cloned before the lock is taken, dropped after it is released (I5).
        let waker = waker.clone();
        let waiters = &self.point.waiters;
        let mut list = lock(&waiters.list);
        let old = match self.key {
            None => {
                self.key = Some(list.observers.enter(self.goal, waker));
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
        waiters.set_wake_at(&list);
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
            waiters.set_wake_at(&list);
            drop(list);
            drop(left);
        }
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        self.leave();
    }
}
