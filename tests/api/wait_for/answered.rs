//! Proves what answers a wait: hits and waiters that were there before it, and those that come later.

use std::pin::pin;
use std::time::Duration;

use super::ByHand;
use crate::common::crew::Crew;
use crate::common::{WAITS, assert_says, block_on, hit, now, panic_of, poll_once, waiters};
use neon_failpoint::FailpointResult::{Cancelled, Continue};
use neon_failpoint::{
    Wait, arm, arm_callback, compat, fail_point, fail_point_sync, failpoint, failpoint_blocking,
    failpoint_context, failpoint_with_cancellation, isolate, wait_for_hits, wait_until_paused,
};
use tokio_util::sync::CancellationToken;

#[test]
fn hits_from_before_the_call_count_from_when_the_point_was_armed() {
    let _alone = isolate();
    Crew::each("hits from before", |crew| async move {
        let name = crew.name("wait-before");
        let guard = arm(&name, "1*off->0*off").unwrap();
        for n in 0..=3 {
            for m in 0..=n {
                crew.wait(guard.wait_for_hits(m)).await.unwrap();
                crew.wait(wait_for_hits(&name, m)).await.unwrap();
            }
            let early = wait_for_hits(&name, n + 1).within(Duration::ZERO);
            assert_says(&crew.wait(early).await.unwrap_err(), &["hits"]);
            assert_eq!(crew.hit(&name).result().await, Continue);
        }
    });
}

#[test]
fn who_stands_there_already_counts() {
    let _alone = isolate();
    Crew::each("who stands there", |crew| async move {
        for waits in WAITS {
            let name = crew.name(&format!("wait-there-{waits}"));
            let guard = arm(&name, waits).unwrap();
            let hits: Vec<_> = (0..3).map(|_| crew.hit(&name)).collect();
            crew.until("all wait", || waiters(&name) == 3).await;
            for n in 0..=3 {
                crew.wait(guard.wait_until_paused(n)).await.unwrap();
                crew.wait(wait_until_paused(&name, n)).await.unwrap();
            }
            // And who has gone does not.
            assert_eq!(guard.release_one(), 1);
            let gone = guard.wait_until_paused(3).within(Duration::ZERO);
            assert!(crew.wait(gone).await.is_err());
            drop(guard);
            for hit in hits {
                assert_eq!(hit.result().await, Continue);
            }
        }
    });
}

#[test]
fn a_wait_is_answered_by_whoever_comes_later() {
    let _alone = isolate();
    Crew::each("who comes later", |crew| async move {
        let name = crew.name("wait-later");
        let guard = arm(&name, "pause").unwrap();
        let (hits, paused) = (guard.wait_for_hits(2), guard.wait_until_paused(3));
        let hitters: Vec<_> = (0..3).map(|_| crew.hit(&name)).collect();
        crew.wait(hits).await.unwrap();
        crew.wait(paused).await.unwrap();
        assert_eq!((guard.hits(), waiters(&name)), (3, 3));
        drop(guard);
        for hit in hitters {
            assert_eq!(hit.result().await, Continue);
        }
    });
}

#[test]
fn zero_is_reached_where_the_point_is_configured_and_only_there() {
    let _alone = isolate();
    let waits: [fn() -> Wait; 2] = [
        || wait_for_hits("wait-zero", 0),
        || wait_until_paused("wait-zero", 0),
    ];
    for wait in waits {
        assert!(wait().blocking().is_err());
        assert!(now(wait()).is_err());
        let _guard = arm("wait-zero", "off").unwrap();
        wait().blocking().unwrap();
        now(wait()).unwrap();
        wait().within(Duration::ZERO).blocking().unwrap();
    }
}

#[test]
fn a_hit_counts_whichever_way_it_came_and_whatever_it_did() {
    let _alone = isolate();
    let name = "wait-ways";
    let guard = arm(name, "1*return(a)->1*off->0*panic->1*yield->1*print").unwrap();
    let mut wait = ByHand::new(guard.wait_for_hits(7));
    wait.assert_pending();
    let site = || fail_point_sync!("wait-ways", |_| ());
    site();
    assert_eq!(hit(name), Continue);
    assert_eq!(block_on(failpoint(name, None)), Continue);
    block_on(async { fail_point!("wait-ways", |_| ()) });
    assert_eq!(compat::eval(name, |_| ()), None);
    compat::fail_point!("wait-ways");
    wait.assert_woken(0);
    wait.assert_pending();
    let context = failpoint_context! { "k" => "v" };
    assert_eq!(failpoint_blocking(name, Some(&context)), Continue);
    wait.assert_woken(1);
    wait.result().unwrap();
    assert_eq!((guard.hits(), guard.fired()), (7, 4));
    // A panic is a hit as well, and one that waits counts before its wait is over.
    guard.configure("1*panic->pause").unwrap();
    panic_of(|| hit(name));
    guard.wait_for_hits(1).blocking().unwrap();
    let mut waiting = pin!(failpoint(name, None));
    assert!(poll_once(waiting.as_mut()).is_pending());
    guard.wait_for_hits(2).blocking().unwrap();
}

#[test]
fn who_was_cancelled_or_dropped_does_not_stand_there_any_more() {
    let _alone = isolate();
    let guard = arm("wait-cancelled", "pause").unwrap();
    let mut wait = ByHand::new(guard.wait_until_paused(2));
    wait.assert_pending();
    let cancel = CancellationToken::new();
    let mut cancelled = Box::pin(failpoint_with_cancellation("wait-cancelled", None, &cancel));
    assert!(poll_once(cancelled.as_mut()).is_pending());
    cancel.cancel();
    assert_eq!(now(cancelled), Cancelled);
    let mut dropped = Box::pin(failpoint("wait-cancelled", None));
    assert!(poll_once(dropped.as_mut()).is_pending());
    drop(dropped);
    wait.assert_pending();
    wait.assert_woken(0);
    let mut both = [0, 1].map(|_| Box::pin(failpoint("wait-cancelled", None)));
    for hit in &mut both {
        assert!(poll_once(hit.as_mut()).is_pending());
    }
    wait.assert_woken(1);
    wait.result().unwrap();
    let calls = arm_callback("wait-cancelled", || {}).unwrap();
    assert!(both.into_iter().all(|hit| now(hit) == Continue));
    drop((calls, guard));
}
