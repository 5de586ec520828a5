//! Proves what a cancellation does to a wait, and what it leaves: a hit that is spent.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use super::HOUR;
use crate::common::{
    Runtime, WAITS, assert_stats, info, on_both_runtimes, poll_once, until_waiting_async, waiters,
};
use neon_failpoint::FailpointResult::{Cancelled, Continue, Return};
use neon_failpoint::{
    FailpointContext, configure_failpoint, configure_failpoint_callback, failpoint,
    failpoint_with_cancellation, isolate, pausable_failpoint, remove_failpoint, sleep_millis_async,
};
use tokio_util::sync::CancellationToken;

#[test]
fn cancellation_ends_a_wait_and_leaves_the_hit_spent() {
    let _alone = isolate();
    on_both_runtimes("a waiting task is cancelled", |runtime| async move {
        for action in WAITS {
            let name: Arc<str> = format!("cancelled-{runtime:?}-{action}").into();
            configure_failpoint(&*name, format!("1*{action}")).unwrap();
            let token = CancellationToken::new();
            let task = tokio::spawn({
                let (name, token) = (name.clone(), token.clone());
                async move { failpoint_with_cancellation(&name, None, &token).await }
            });
            until_waiting_async(&name, 1).await;
            token.cancel();
            assert_eq!(task.await.unwrap(), Cancelled, "{name}");
            assert_stats(&name, (1, 1, 0));
            // I6: the one time of `1*` is gone.
            assert_eq!(failpoint(&name, None).await, Continue);
            assert_stats(&name, (2, 1, 0));
            remove_failpoint(&*name);
        }
    });
}

#[test]
fn every_macro_with_a_token_is_cancelled() {
    let _alone = isolate();
    let token = CancellationToken::new();
    let context = FailpointContext::new();
    let mut by_site = pin!(failpoint!("macro-cancelled-1", cancel = &token));
    let mut with_context = pin!(failpoint!("macro-cancelled-2", &context, cancel = &token));
    let mut pausable = pin!(pausable_failpoint!("macro-cancelled-3", &token));
    let mut millis = pin!(sleep_millis_async!("macro-cancelled-4", &token));
    let names: Vec<String> = (1..=4).map(|i| format!("macro-cancelled-{i}")).collect();
    for name in &names {
        configure_failpoint(name, "pause").unwrap();
    }
    assert!(poll_once(by_site.as_mut()).is_pending());
    assert!(poll_once(with_context.as_mut()).is_pending());
    assert!(poll_once(pausable.as_mut()).is_pending());
    assert!(poll_once(millis.as_mut()).is_pending());
    for name in &names {
        assert_stats(name, (1, 1, 1));
    }
    token.cancel();
    assert_eq!(poll_once(by_site), Poll::Ready(Cancelled));
    assert_eq!(poll_once(with_context), Poll::Ready(Cancelled));
    assert_eq!(poll_once(pausable), Poll::Ready(Err(())));
    assert_eq!(poll_once(millis), Poll::Ready(()));
    for name in &names {
        // Not only once the futures are dropped, which is at the end of this test.
        assert_stats(name, (1, 1, 0));
    }
}

#[test]
fn a_token_cancelled_before_the_hit_matters_only_where_the_action_waits() {
    let _alone = isolate();
    Runtime::CurrentThread.run("no hit waits", || async {
        let token = CancellationToken::new();
        token.cancel();
        let cases = [
            (Some("pause"), Cancelled),
            (Some("sleep(3600000)"), Cancelled),
            (Some("sleep(0)"), Cancelled),
            (Some("1*off->pause"), Continue),
            (Some("return(x)"), Return("x".to_owned())),
            (Some("return"), Return(String::new())),
            (Some("off"), Continue),
            (Some("print(cancelled before)"), Continue),
            (Some("yield"), Continue),
            (Some("delay(0)"), Continue),
            (Some("when(no=match)pause"), Continue),
            (Some("0%pause"), Continue),
            (Some("0*pause"), Continue),
            (None, Continue),
        ];
        for (i, (actions, expected)) in cases.into_iter().enumerate() {
            let name = format!("cancelled-before-{i}");
            if let Some(actions) = actions {
                configure_failpoint(&name, actions).unwrap();
            }
            let result = failpoint_with_cancellation(&name, None, &token).await;
            assert_eq!(result, expected, "{actions:?}");
            if actions.is_some() {
                assert_eq!(info(&name).unwrap().hits(), 1, "{actions:?}");
                assert_eq!(waiters(&name), 0, "{actions:?}");
            }
        }
        let calls = Arc::new(AtomicUsize::new(0));
        let count = calls.clone();
        configure_failpoint_callback("cancelled-before-callback", move || {
            count.fetch_add(1, Ordering::SeqCst);
        })
        .unwrap();
        let hit = failpoint_with_cancellation("cancelled-before-callback", None, &token);
        assert_eq!(hit.await, Continue);
        assert_eq!(calls.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn cancellation_and_release_ready_at_one_poll_is_cancelled() {
    let _alone = isolate();
    for release_first in [true, false] {
        let name = format!("both-ready-{release_first}");
        configure_failpoint(&name, "pause").unwrap();
        let token = CancellationToken::new();
        let mut hit = pin!(failpoint_with_cancellation(&name, None, &token));
        assert!(poll_once(hit.as_mut()).is_pending());
        if release_first {
            remove_failpoint(&name);
            token.cancel();
        } else {
            token.cancel();
            remove_failpoint(&name);
        }
        assert_eq!(poll_once(hit.as_mut()), Poll::Ready(Cancelled));
        assert_eq!(poll_once(hit), Poll::Ready(Continue), "polled after ready");
    }
}

#[tokio::test(start_paused = true)]
async fn cancellation_and_the_end_of_a_sleep_ready_at_one_poll_is_cancelled() {
    let _alone = isolate();
    let name = "both-ready-sleep";
    configure_failpoint(name, "sleep(1000)").unwrap();
    let token = CancellationToken::new();
    let mut hit = pin!(failpoint_with_cancellation(name, None, &token));
    assert!(poll_once(hit.as_mut()).is_pending());
    tokio::time::advance(HOUR).await;
    token.cancel();
    assert_eq!(poll_once(hit), Poll::Ready(Cancelled));
    assert_stats(name, (1, 1, 0));
}

#[test]
fn a_release_seen_before_the_cancellation_is_continue() {
    let _alone = isolate();
    let name = "release-then-cancel";
    configure_failpoint(name, "pause").unwrap();
    let token = CancellationToken::new();
    let mut hit = pin!(failpoint_with_cancellation(name, None, &token));
    assert!(poll_once(hit.as_mut()).is_pending());
    remove_failpoint(name);
    assert_eq!(poll_once(hit.as_mut()), Poll::Ready(Continue));
    token.cancel();
    assert_eq!(poll_once(hit), Poll::Ready(Continue), "polled after ready");
}
