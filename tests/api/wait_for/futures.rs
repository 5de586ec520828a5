//! Proves what the future of a wait is, and that nothing is left of one that is dropped.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use super::ByHand;
use crate::common::crew::Crew;
use crate::common::{hit, now, on_both_runtimes, poll_once};
use neon_failpoint::FailpointResult::Continue;
use neon_failpoint::{arm, failpoint, isolate, wait_for_hits};

#[test]
fn a_wait_that_is_dropped_leaves_nothing_and_uses_nothing_up() {
    let _alone = isolate();
    let name = "wait-dropped";
    let guard = arm(name, "pause").unwrap();
    let mut kept = ByHand::new(guard.wait_for_hits(1));
    kept.assert_pending();
    for wait in [guard.wait_for_hits(1), guard.wait_until_paused(1)] {
        let mut wait = ByHand::new(wait);
        wait.assert_pending();
        let counter = wait.counter.clone();
        drop(wait);
        assert_eq!(Arc::strong_count(&counter), 1);
    }
    // Before it was ever polled, and after it was answered.
    drop(guard.wait_for_hits(1));
    let mut waiting = pin!(failpoint(name, None));
    assert!(poll_once(waiting.as_mut()).is_pending());
    let mut answered = ByHand::new(guard.wait_until_paused(1));
    answered.result().unwrap();
    let counter = answered.counter.clone();
    drop(answered);
    assert_eq!(Arc::strong_count(&counter), 1);
    kept.result().unwrap();
    guard.wait_until_paused(1).blocking().unwrap();
    // Through a timeout, on both runtimes.
    on_both_runtimes("a timeout", |runtime| async move {
        let name = format!("wait-timeout-{runtime:?}");
        let guard = arm(&name, "off").unwrap();
        for _ in 0..3 {
            let wait = guard.wait_for_hits(1);
            let early = tokio::time::timeout(Duration::from_millis(1), wait).await;
            assert!(early.is_err());
        }
        assert_eq!(Crew::MultiThread.hit(&name).result().await, Continue);
        guard.wait_for_hits(1).await.unwrap();
    });
    drop(guard);
    assert_eq!(now(waiting), Continue);
}

#[test]
fn a_wait_may_be_polled_again_after_it_was_ready() {
    let _alone = isolate();
    let guard = arm("wait-again", "off").unwrap();
    let mut wait = ByHand::new(guard.wait_for_hits(1));
    assert_eq!(hit("wait-again"), Continue);
    wait.result().unwrap();
    wait.result().unwrap();
    let counter = wait.counter.clone();
    drop(wait);
    assert_eq!(Arc::strong_count(&counter), 1);
    let mut over = ByHand::new(guard.wait_for_hits(2).within(Duration::ZERO));
    over.runtime
        .block_on(async { assert!(over.wait.as_mut().await.is_err()) });
    assert!(over.result().is_err());
}

#[test]
fn a_wait_is_send_and_borrows_nothing() {
    fn check<T: Send + 'static>(_: &T) {}
    let _alone = isolate();
    let guard = arm("wait-send", "off").unwrap();
    let wait = {
        let name = String::from("wait-send");
        wait_for_hits(&name, 1)
    };
    check(&wait);
    check(&guard.wait_until_paused(1));
    assert!(format!("{wait:?}").contains("wait-send"));
}
