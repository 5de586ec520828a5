//! Proves what is left of a hit that is dropped, aborted or timed out: no waiter, and a hit that is
//! spent if it was polled.

use std::pin::pin;
use std::time::Duration;

use crate::common::crew::spawn_hit;
use crate::common::{
    Runtime, WAITS, assert_stats, now, on_both_runtimes, poll_once, until_waiting_async,
};
use neon_failpoint::FailpointResult::Continue;
use neon_failpoint::{
    FailpointContext, configure_failpoint, fail_point, failpoint, failpoint_with_cancellation,
    isolate, pausable_failpoint, sleep_millis_async,
};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn a_waiting_future_that_is_dropped_leaves_the_list_and_the_hit_spent() {
    let _alone = isolate();
    for action in WAITS {
        let name = format!("dropped-{action}");
        configure_failpoint(&name, format!("1*{action}->off")).unwrap();
        let mut hit = Box::pin(failpoint(&name, None));
        assert!(poll_once(hit.as_mut()).is_pending());
        assert_stats(&name, (1, 1, 1));
        drop(hit);
        assert_stats(&name, (1, 1, 0));
        // The next alternative's turn: I6, the one time of `1*` is gone.
        assert_eq!(now(failpoint(&name, None)), Continue);
        assert_stats(&name, (2, 2, 0));
    }
}

#[test]
fn a_task_that_is_aborted_while_it_waits_leaves_no_waiter() {
    let _alone = isolate();
    on_both_runtimes("an aborted task ends", |runtime| async move {
        for action in WAITS {
            let name = format!("aborted-{runtime:?}-{action}");
            configure_failpoint(&name, action).unwrap();
            let task = spawn_hit(&name);
            until_waiting_async(&name, 1).await;
            task.abort();
            assert!(task.await.unwrap_err().is_cancelled());
            assert_stats(&name, (1, 1, 0));
        }
    });
}

#[test]
fn a_future_that_is_never_polled_spends_nothing() {
    let _alone = isolate();
    let (name, token) = ("never-polled", CancellationToken::new());
    configure_failpoint(name, "1*pause").unwrap();
    let context = FailpointContext::new();
    drop(failpoint(name, None));
    drop(failpoint_with_cancellation(name, Some(&context), &token));
    drop(failpoint!("never-polled"));
    drop(failpoint!("never-polled", &context));
    drop(pausable_failpoint!("never-polled"));
    drop(sleep_millis_async!("never-polled", &token));
    drop(async { fail_point!("never-polled") });
    assert_stats(name, (0, 0, 0));
    // I6: the one time of `1*` is still there.
    assert!(poll_once(pin!(failpoint(name, None))).is_pending());
    assert_stats(name, (1, 1, 0));
}

#[test]
fn a_timeout_ends_a_wait_and_leaves_the_hit_spent() {
    let _alone = isolate();
    for (runtime, limit) in [
        (Runtime::CurrentThread, Duration::from_millis(2)),
        (Runtime::MultiThread, Duration::from_millis(2)),
        (Runtime::PausedClock, Duration::from_secs(60)),
    ] {
        runtime.run("a timeout ends the wait", move || async move {
            for action in WAITS {
                let name = format!("timed-out-{runtime:?}-{action}");
                configure_failpoint(&name, action).unwrap();
                assert!(timeout(limit, failpoint(&name, None)).await.is_err());
                assert_stats(&name, (1, 1, 0));
            }
        });
    }
}
