//! Proves what a wait needs of a runtime, and what the shutdown of one leaves of it.

use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::task::{Poll, Wake, Waker};
use std::time::{Duration, Instant};

use super::HOUR;
use crate::common::crew::spawn_hit;
use crate::common::{
    Runtime, WAITS, assert_stats, block_on, poll_once, poll_with, spawn, until, until_waiting,
    until_waiting_async, waiters, within_deadline,
};
use neon_failpoint::FailpointResult::{Cancelled, Continue};
use neon_failpoint::{
    configure_failpoint, failpoint, failpoint_with_cancellation, isolate, remove_failpoint,
};
use tokio_util::sync::CancellationToken;

#[test]
fn a_pause_needs_no_runtime() {
    let _alone = isolate();
    within_deadline("a pause without a runtime", || {
        assert!(tokio::runtime::Handle::try_current().is_err());
        let (name, token) = ("no-runtime", CancellationToken::new());
        let hits = || {
            let token = token.clone();
            let paused = spawn(move || block_on(failpoint(name, None)));
            let cancelled =
                spawn(move || block_on(failpoint_with_cancellation(name, None, &token)));
            until_waiting(name, 2);
            (paused, cancelled)
        };
        configure_failpoint(name, "pause").unwrap();
        let (paused, cancelled) = hits();
        token.cancel();
        assert_eq!(cancelled.join().unwrap(), Cancelled);
        assert_stats(name, (2, 2, 1));
        configure_failpoint(name, "yield").unwrap();
        assert_eq!(paused.join().unwrap(), Continue);
        assert_eq!(block_on(failpoint(name, None)), Continue);
        assert_stats(name, (1, 1, 0));
    });
}

/// On an executor that has no timer, on a runtime whose timers are off, and inside another executor
/// on a thread of tokio's, where nobody drives tokio's timers.
#[test]
fn a_sleep_needs_no_timer_of_a_runtime() {
    let _alone = isolate();
    let name = "no-timer";
    configure_failpoint(name, "sleep(20)").unwrap();
    let without = tokio::runtime::Builder::new_current_thread().build();
    let with = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    let (without, with) = (without.unwrap(), with.unwrap());
    within_deadline("sleeps without a runtime's timer", move || {
        let start = Instant::now();
        let hit = || failpoint(name, None);
        assert_eq!(block_on(hit()), Continue);
        assert_eq!(without.block_on(hit()), Continue);
        assert_eq!(with.block_on(async { block_on(hit()) }), Continue);
        async fn compat(name: &str) {
            neon_failpoint::compat::async_fail_point!(name);
        }
        block_on(compat(name));
        assert!(start.elapsed() >= Duration::from_millis(80));
        assert_stats(name, (4, 4, 0));
    });
}

#[test]
fn many_sleeps_end_in_the_order_of_their_times_and_those_that_are_dropped_never() {
    struct Ended {
        index: usize,
        order: Sender<usize>,
    }
    impl Wake for Ended {
        fn wake(self: Arc<Self>) {
            self.order.send(self.index).unwrap();
        }
    }
    let _alone = isolate();
    within_deadline("many sleeps", || {
        let (order, ended) = channel();
        let sleep = |index: usize, millis: u64| {
            let name = format!("sleep-of-{millis}");
            configure_failpoint(name.as_str(), format!("sleep({millis})")).unwrap();
            let mut hit = Box::pin(async move { failpoint(&name, None).await });
            let order = order.clone();
            let waker = Waker::from(Arc::new(Ended { index, order }));
            let time = Duration::from_millis(millis);
            let earliest = Instant::now() + time;
            assert!(poll_with(hit.as_mut(), &waker).is_pending());
            (hit, earliest..Instant::now() + time)
        };
        let sleeps = [sleep(0, 60), sleep(1, 20), sleep(2, 40)];
        configure_failpoint("sleep-dropped", "sleep(3600000)").unwrap();
        let mut dropped = Box::pin(failpoint("sleep-dropped", None));
        assert!(poll_once(dropped.as_mut()).is_pending());
        drop(dropped);
        assert_eq!(waiters("sleep-dropped"), 0);

        let order = sleeps.each_ref().map(|_| ended.recv().unwrap());
        // What began late, on a busy machine, may end late.
        let times = order.map(|index| &sleeps[index].1);
        let in_order = |of: &[&Range<Instant>]| of[0].start <= of[1].end;
        assert!(times.windows(2).all(in_order), "{order:?} {times:?}");
        for (mut hit, _) in sleeps {
            assert_eq!(poll_once(hit.as_mut()), Poll::Ready(Continue));
        }
    });
}

/// `fail`'s sleep is in real time, and a native one by the clock of the runtime.
#[test]
fn under_a_paused_clock_a_sleep_of_compat_takes_its_time() {
    let _alone = isolate();
    Runtime::PausedClock.run("a paused clock", || async {
        configure_failpoint("paused-compat", "sleep(50)").unwrap();
        let (start, paused) = (Instant::now(), tokio::time::Instant::now());
        neon_failpoint::compat::async_fail_point!("paused-compat");
        assert!(start.elapsed() >= Duration::from_millis(50));
        assert_eq!(paused.elapsed(), Duration::ZERO);
    });
}

#[test]
fn a_sleep_follows_the_paused_clock() {
    let _alone = isolate();
    Runtime::PausedClock.run("the clock moves on", || async {
        let name = "paused-clock-sleep";
        configure_failpoint(name, "sleep(3600000)").unwrap();
        let start = tokio::time::Instant::now();
        assert_eq!(failpoint(name, None).await, Continue);
        assert_eq!(start.elapsed(), HOUR);
        assert_stats(name, (1, 1, 0));

        let task = spawn_hit(name);
        until_waiting_async(name, 1).await;
        remove_failpoint(name);
        assert_eq!(task.await.unwrap(), Continue);
        assert_eq!(start.elapsed(), HOUR, "ended early, the clock did not move");
    });
}

#[test]
fn a_pause_counts_as_idle_for_the_paused_clock() {
    let _alone = isolate();
    Runtime::PausedClock.run("the clock moves on", || async {
        let name = "paused-clock-pause";
        configure_failpoint(name, "pause").unwrap();
        let task = spawn_hit(name);
        let start = tokio::time::Instant::now();
        tokio::time::sleep(24 * HOUR).await;
        assert_eq!(start.elapsed(), 24 * HOUR);
        assert_stats(name, (1, 1, 1));
        remove_failpoint(name);
        assert_eq!(task.await.unwrap(), Continue);
    });
}

#[test]
fn the_shutdown_of_a_runtime_leaves_no_waiter() {
    let _alone = isolate();
    for kind in [Runtime::CurrentThread, Runtime::MultiThread] {
        for action in WAITS {
            for in_background in [false, true] {
                let name = format!("shutdown-{kind:?}-{action}-{in_background}");
                within_deadline("the runtime shuts down", move || {
                    let runtime = kind.build();
                    configure_failpoint(&name, action).unwrap();
                    runtime.block_on(async {
                        for _ in 0..10 {
                            drop(spawn_hit(&name));
                        }
                        until_waiting_async(&name, 10).await;
                    });
                    if in_background {
                        runtime.shutdown_background();
                        until("nobody waits", || waiters(&name) == 0);
                    } else {
                        drop(runtime);
                    }
                    assert_stats(&name, (10, 10, 0));
                });
            }
        }
    }
}
