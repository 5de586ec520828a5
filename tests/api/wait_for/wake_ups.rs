//! Proves that each wait is woken once, by what it waits for, and that no wake-up is lost.

use std::sync::{Arc, Barrier};

use super::ByHand;
use crate::common::crew::Crew;
use crate::common::{
    Counter, Runtime, block_on, hit, now, on_both_runtimes, poll_once, rounds, spawn,
    within_deadline,
};
use neon_failpoint::FailpointResult::Continue;
use neon_failpoint::{arm, failpoint, isolate, wait_for_hits, wait_until_paused};

#[test]
fn nobody_is_woken_before_what_it_waits_for_and_then_once() {
    let _alone = isolate();
    let name = "wait-wakes";
    let guard = arm(name, "9*off->pause").unwrap();
    let mut hits: Vec<_> = [3, 1, 2, 12, 3]
        .map(|n| (n, ByHand::new(guard.wait_for_hits(n))))
        .into();
    let mut paused: Vec<_> = [2, 1, 3, 2]
        .map(|n| (n, ByHand::new(guard.wait_until_paused(n))))
        .into();
    for (_, wait) in hits.iter_mut().chain(&mut paused) {
        wait.assert_pending();
    }
    let mut waiting = Vec::new();
    for count in 1..=12_usize {
        let mut hit = Box::pin(failpoint(name, None));
        if poll_once(hit.as_mut()).is_pending() {
            waiting.push(hit);
        }
        assert_eq!(waiting.len(), count.saturating_sub(9));
        for (n, wait) in &hits {
            wait.assert_woken(usize::from(*n <= count));
        }
        for (n, wait) in &paused {
            wait.assert_woken(usize::from(*n <= waiting.len()));
        }
        // Who looks unasked changes nothing.
        for (n, wait) in &mut hits {
            if *n > count {
                wait.assert_pending();
            }
        }
    }
    // Once and for all, though some have gone since.
    let _ = guard.release_all();
    for (_, wait) in hits.iter_mut().chain(&mut paused) {
        wait.assert_woken(1);
        wait.result().unwrap();
    }
    assert_eq!(waiting.into_iter().map(now).count(), 3);
}

#[test]
fn another_waker_takes_the_place_of_the_first() {
    let _alone = isolate();
    let guard = arm("wait-wakers", "off").unwrap();
    let mut wait = ByHand::new(guard.wait_for_hits(1));
    wait.assert_pending();
    let (first, first_waker) = (wait.counter.clone(), wait.waker.clone());
    (wait.counter, wait.waker) = Counter::new();
    wait.assert_pending();
    assert_eq!(hit("wait-wakers"), Continue);
    assert_eq!((first.woken(), wait.counter.woken()), (0, 1));
    drop(first_waker);
    assert_eq!(Arc::strong_count(&first), 1);
    wait.result().unwrap();
}

#[test]
fn two_hundred_waits_are_answered_by_one_hit() {
    let _alone = isolate();
    on_both_runtimes("two hundred waits", |runtime| async move {
        let name = format!("wait-200-{runtime:?}");
        let guard = arm(&name, "pause").unwrap();
        let tasks: Vec<_> = (0..200)
            .map(|i| {
                let wait = match i % 4 {
                    0 => guard.wait_for_hits(1),
                    1 => guard.wait_until_paused(1),
                    2 => wait_for_hits(&name, 1),
                    _ => wait_until_paused(&name, 1),
                };
                tokio::spawn(wait)
            })
            .collect();
        let blocked: Vec<_> = (0..8)
            .map(|_| {
                let wait = guard.wait_for_hits(1);
                spawn(|| wait.blocking())
            })
            .collect();
        let hit = Crew::MultiThread.hit(&name);
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        for thread in blocked {
            thread.join().unwrap().unwrap();
        }
        assert_eq!(guard.release_all(), 1);
        assert_eq!(hit.result().await, Continue);
    });
}

/// Each round a new count and new waits; a wake-up that is lost hangs.
#[test]
fn no_wake_up_is_lost_between_threads_that_hit_and_threads_that_wait() {
    let _alone = isolate();
    within_deadline("no wake-up is lost", || {
        let name = "wait-race";
        let guard = Arc::new(arm(name, "2*off->0*off").unwrap());
        let gate = Arc::new(Barrier::new(4));
        let rounds = rounds();
        let hitters = [0, 1].map(|_| {
            let gate = gate.clone();
            spawn(move || {
                for _ in 0..rounds {
                    gate.wait();
                    assert_eq!([hit(name), hit(name)], [Continue, Continue]);
                    gate.wait();
                }
            })
        });
        let waiter = {
            let (gate, guard) = (gate.clone(), guard.clone());
            spawn(move || {
                for round in 0..rounds {
                    gate.wait();
                    match round % 2 {
                        0 => guard.wait_for_hits(1 + round % 4).blocking().unwrap(),
                        _ => wait_for_hits(name, 4).blocking().unwrap(),
                    }
                    gate.wait();
                }
            })
        };
        let runtime = Runtime::CurrentThread.build();
        for _ in 0..rounds {
            guard.configure("2*off->0*off").unwrap();
            gate.wait();
            runtime.block_on(guard.wait_for_hits(4)).unwrap();
            gate.wait();
        }
        hitters.into_iter().for_each(|h| h.join().unwrap());
        waiter.join().unwrap();
    });
}

#[test]
fn no_wake_up_is_lost_between_those_who_come_to_wait_and_who_waits_for_them() {
    let _alone = isolate();
    within_deadline("nobody who stands there is missed", || {
        let name = "wait-race-paused";
        let guard = arm(name, "pause").unwrap();
        let gate = Arc::new(Barrier::new(3));
        let rounds = rounds();
        let thread = {
            let gate = gate.clone();
            spawn(move || {
                for _ in 0..rounds {
                    gate.wait();
                    assert_eq!(hit(name), Continue);
                    gate.wait();
                }
            })
        };
        let task = {
            let gate = gate.clone();
            spawn(move || {
                for _ in 0..rounds {
                    gate.wait();
                    assert_eq!(block_on(failpoint(name, None)), Continue);
                    gate.wait();
                }
            })
        };
        let runtime = Runtime::CurrentThread.build();
        for round in 0..rounds {
            gate.wait();
            match round % 3 {
                0 => guard.wait_until_paused(2).blocking().unwrap(),
                1 => runtime.block_on(guard.wait_until_paused(2)).unwrap(),
                _ => runtime.block_on(wait_until_paused(name, 2)).unwrap(),
            }
            assert_eq!(guard.release_all(), 2);
            gate.wait();
        }
        thread.join().unwrap();
        task.join().unwrap();
    });
}
