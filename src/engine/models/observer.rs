//! Models of observers against hits and waiters, and of releases.

use std::sync::Arc;

use loom::thread;

use crate::engine::models::harness::{
    Flag, deadlocks, explore, explore_most, point, wait_as_thread, wake,
};
use crate::engine::observer::{Observer, tell_observers};
use crate::engine::point::Point;
use crate::engine::sync::Ordering;
use crate::engine::table::Registry;
use crate::engine::wait::{End, Waiter};
use crate::engine::waiters::Goal;
use crate::engine::wakeups::Wakeups;

fn tell(point: &Point) {
    if point.is_watched() {
        tell_observers(point);
    }
}

fn observe(point: &Arc<Point>, goal: Goal) {
    let (flag, waker) = Flag::new();
    let mut observer = Observer::new(point.clone(), goal);
    while observer.poll(&waker).is_pending() {
        flag.wait();
    }
}

/// An observer and two hits, each counted by a counter of its own.
fn two_hits(goal: Goal, tell: fn(&Point), observe: fn(&Arc<Point>, Goal)) {
    explore_most(move || {
        let point = point(&Registry::new(), "p", "off");
        let taken = thread::spawn({
            let point = point.clone();
            move || {
                let _ = point.pick(None);
                tell(&point);
            }
        });
        let skipped = thread::spawn({
            let point = point.clone();
            move || {
                point.skip();
                tell(&point);
            }
        });
        observe(&point, goal);
        taken.join().unwrap();
        skipped.join().unwrap();
        assert!(!point.is_watched(), "it is still observed");
    });
}

#[test]
fn an_observer_misses_no_hit() {
    two_hits(Goal::Hits(2), tell, observe);
}

#[test]
fn an_observer_misses_no_hit_that_fires() {
    two_hits(Goal::Fired(1), tell, observe);
}

#[test]
fn caught_counting_with_plain_loads() {
    deadlocks(|| {
        two_hits(
            Goal::Hits(2),
            |point| {
                let wake_at = point.waiters.wake_at();
                if wake_at != usize::MAX && point.hits() >= wake_at {
                    tell_observers(point);
                }
            },
            observe,
        );
    });
}

#[test]
fn caught_looking_at_the_counters_before_saying_so() {
    deadlocks(|| {
        two_hits(Goal::Hits(2), tell, |point, goal| {
            let hits = point.counts_until_now().hits;
            let (flag, waker) = Flag::new();
            let mut observer = Observer::new(point.clone(), goal);
            if hits < 2 {
                // Enters the list as usual, but relies on what it saw before.
                let _ = observer.poll(&waker);
                point.waiters.wake_at.store(2, Ordering::Relaxed);
                flag.wait();
            }
        });
    });
}

#[test]
fn an_observer_misses_no_waiter() {
    explore(|| {
        let point = point(&Registry::new(), "p", "pause");
        let thread = thread::spawn({
            let point = point.clone();
            move || wait_as_thread(&point)
        });
        observe(&point, Goal::Paused(1));
        wake(|wakeups| assert_eq!(wakeups.release(&point, 1, &[]), 1));
        thread.join().unwrap();
    });
}

/// Exactly one of the two gets the waiter.
#[test]
fn who_is_cancelled_is_wakeups_or_leaves_but_not_both() {
    explore(|| {
        let point = point(&Registry::new(), "p", "pause");
        let mut waiter = Waiter::new(point.clone(), None, None);
        let (_, waker) = Flag::new();
        assert!(waiter.poll(&waker).is_pending());
        let leaving = thread::spawn(move || waiter.leave(End::Dropped));
        let mut wakeups = Wakeups::default();
        let count = wakeups.release(&point, 1, &[]);
        wakeups.wake();
        let left = leaving.join().unwrap();
        assert_eq!(usize::from(left) + count, 1);
    });
}

/// A thread that waits while a guard suspends and resumes its point continues, or waits under the
/// resumed configuration until that ends.
#[test]
fn no_wait_outlives_a_point_that_is_suspended_and_resumed() {
    explore(|| {
        let point = point(&Registry::new(), "p", "pause");
        let thread = thread::spawn({
            let point = point.clone();
            move || wait_as_thread(&point)
        });
        wake(|wakeups| drop(wakeups.suspend(&point)));
        point.waiters.resume();
        wake(|wakeups| wakeups.retire(&point));
        thread.join().unwrap();
        assert!(point.waiters.infos().is_empty());
    });
}
