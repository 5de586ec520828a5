//! Proves what a wait needs of a runtime, and what the shutdown of one leaves of it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;

use super::HOUR;
use crate::common::crew::spawn_hit;
use crate::common::{
    Runtime, WAITS, assert_stats, block_on, poll_once, spawn, until, until_waiting,
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

/// I8 names this panic as tokio's.
#[test]
fn a_sleep_without_a_timer_panics_and_leaves_no_waiter() {
    let _alone = isolate();
    let name = "no-timer";
    configure_failpoint(name, "sleep(3600000)").unwrap();
    let mut hit = Box::pin(failpoint(name, None));
    let poll = AssertUnwindSafe(|| poll_once(hit.as_mut()));
    let panic = catch_unwind(poll).map(drop).unwrap_err();
    let message = panic.downcast_ref::<&str>().copied().map(str::to_owned);
    let message = message.or_else(|| panic.downcast_ref::<String>().cloned());
    assert!(message.unwrap().contains("no reactor running"));
    assert_stats(name, (1, 1, 0));
    assert_eq!(poll_once(hit.as_mut()), Poll::Ready(Continue));
    assert_stats(name, (1, 1, 0));
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
