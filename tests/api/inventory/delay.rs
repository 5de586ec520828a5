//! Proves which waits, sleeps and busy time are counted as delay, and when.

use std::thread;
use std::time::{Duration, Instant};

use crate::common::crew::Crew;
use crate::common::{listed, now, poll_once, waiting};
use neon_failpoint::FailpointResult::{Cancelled, Continue};
use neon_failpoint::{
    Armed, arm, compat, configure_failpoint, failpoint, failpoint_with_cancellation, isolate,
    remove_failpoint,
};
use tokio_util::sync::CancellationToken;

const MILLIS: Duration = Duration::from_millis(1);

/// Not a way to wait for somebody: what is measured is time.
fn some_time() {
    let start = Instant::now();
    while start.elapsed() < 3 * MILLIS {
        thread::yield_now();
    }
}

#[test]
fn a_delay_counts_waits_sleeps_and_busy_time_once_they_are_over() {
    let _alone = isolate();
    Crew::each("delays", |crew| async move {
        let name = crew.name("inventory-delay");
        let guard = arm(&name, "1*sleep(5)->1*delay(5)->1*pause->off").unwrap();
        assert_eq!(delay(&name), Duration::ZERO);
        assert_eq!(crew.hit(&name).result().await, Continue);
        let slept = delay(&name);
        assert!((5 * MILLIS..5_000 * MILLIS).contains(&slept), "{slept:?}");
        assert_eq!(crew.hit(&name).result().await, Continue);
        let burnt = delay(&name) - slept;
        assert!((5 * MILLIS..5_000 * MILLIS).contains(&burnt), "{burnt:?}");
        let paused = crew.hit(&name);
        crew.wait(guard.wait_until_paused(1)).await.unwrap();
        some_time();
        assert_eq!(delay(&name), slept + burnt, "not before it is over");
        assert_eq!(guard.release_all(), 1);
        assert_eq!(paused.result().await, Continue);
        let waited = delay(&name) - slept - burnt;
        assert!((3 * MILLIS..5_000 * MILLIS).contains(&waited), "{waited:?}");
        let all = delay(&name);
        assert_eq!(crew.hit(&name).result().await, Continue);
        guard.configure("off").unwrap();
        assert_eq!(delay(&name), all);
    });
}

#[test]
fn a_delay_counts_waits_that_were_cancelled_or_dropped() {
    let _alone = isolate();
    let name = "inventory-delay-cancelled";
    let guard = arm(name, "pause").unwrap();
    let token = CancellationToken::new();
    let mut cancelled = Box::pin(failpoint_with_cancellation(name, None, &token));
    assert!(poll_once(cancelled.as_mut()).is_pending());
    some_time();
    token.cancel();
    assert_eq!(now(cancelled), Cancelled);
    let first = delay(name);
    assert!(first >= 3 * MILLIS, "{first:?}");
    let dropped = waiting(failpoint(name, None));
    some_time();
    drop(dropped);
    assert!(delay(name) >= first + 3 * MILLIS);
    // Released, and dropped before it looked: counted once.
    let second = delay(name);
    let dropped = waiting(failpoint(name, None));
    some_time();
    assert_eq!(guard.release_one(), 1);
    let third = delay(name);
    assert!(third >= second + 3 * MILLIS);
    some_time();
    drop(dropped);
    assert_eq!(delay(name), third);
    // Let go with everybody else, and cancelled before it looked: counted once, too.
    let token = CancellationToken::new();
    let mut cancelled = Box::pin(failpoint_with_cancellation(name, None, &token));
    assert!(poll_once(cancelled.as_mut()).is_pending());
    some_time();
    guard.configure("pause").unwrap();
    let fourth = delay(name);
    assert!(fourth >= third + 3 * MILLIS);
    token.cancel();
    some_time();
    assert_eq!(now(cancelled), Cancelled);
    assert_eq!(delay(name), fourth);
}

/// That is how most of them end.
#[test]
fn a_delay_counts_waits_that_the_next_configuration_ended() {
    let _alone = isolate();
    Crew::each("delays that were ended", |crew| async move {
        type Change = fn(&Armed);
        let changes: [(&str, Change); 3] = [
            ("guard", |guard| guard.configure("off").unwrap()),
            ("plain", |guard| {
                configure_failpoint(guard.name(), "off").unwrap()
            }),
            ("younger", |guard| drop(arm(guard.name(), "off").unwrap())),
        ];
        for (what, change) in changes {
            let name = crew.name(&format!("inventory-delay-{what}"));
            let guard = arm(&name, "pause").unwrap();
            let paused = crew.hit(&name);
            crew.wait(guard.wait_until_paused(1)).await.unwrap();
            some_time();
            change(&guard);
            assert_eq!(paused.result().await, Continue);
            let waited = delay(&name);
            assert!(waited >= 3 * MILLIS, "{what}: {waited:?}");
        }
        // And one that a guard ended when it was dropped, over a base that stays.
        let name = crew.name("inventory-delay-dropped");
        configure_failpoint(&name, "off").unwrap();
        let guard = arm(&name, "pause").unwrap();
        let paused = crew.hit(&name);
        crew.wait(guard.wait_until_paused(1)).await.unwrap();
        some_time();
        drop(guard);
        assert_eq!(paused.result().await, Continue);
        let waited = delay(&name);
        remove_failpoint(&name);
        assert!(waited >= 3 * MILLIS, "a guard that was dropped: {waited:?}");
    });
}

#[test]
fn a_sleep_of_compat_counts_as_a_delay() {
    let _alone = isolate();
    let name = "inventory-delay-compat";
    compat::cfg(name, "sleep(4)").unwrap();
    assert_eq!(compat::eval(name, |_| ()), None);
    let slept = delay(name);
    assert!((4 * MILLIS..5_000 * MILLIS).contains(&slept), "{slept:?}");
    remove_failpoint(name);
}

fn delay(name: &str) -> Duration {
    listed(name).totals().delay
}
