//! Proves that a wait ends with the task that was to reach its goal, and what the error says.

use std::future::{Future, poll_fn, ready};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use super::HOUR;
use crate::common::{
    Counter, Runtime, assert_says, hit, now, observers, on_both_runtimes, panic_of, poll_once,
    poll_with, spawn, until, within_deadline,
};
use neon_failpoint::FailpointResult::Continue;
use neon_failpoint::{
    Armed, Error, Wait, arm, configure_failpoint, failpoint, isolate, remove_failpoint,
    wait_for_hits, wait_until_fired, wait_until_paused,
};

/// One wait of each kind, on the guard and by name, for what has not happened.
fn waits(guard: &Armed) -> [Wait; 6] {
    let name = guard.name();
    [
        guard.wait_for_hits(2),
        guard.wait_until_fired(2),
        guard.wait_until_paused(2),
        wait_for_hits(name, 2),
        wait_until_fired(name, 2),
        wait_until_paused(name, 2),
    ]
}

#[track_caller]
fn assert_ended_first(result: Result<(), Error>, name: &str) {
    let error = result.unwrap_err();
    assert_says(&error, &[name, "the task ended first", "of 2", "hits 1"]);
    assert!(!error.is_timeout() && !error.is_removed() && !error.is_not_configured());
}

#[test]
fn a_task_that_ends_early_ends_the_wait_at_once_whatever_it_ends_with() {
    let _alone = isolate();
    on_both_runtimes("a task that ends", |runtime| async move {
        let name = format!("wait-unless-{runtime:?}");
        let guard = arm(&name, "off").unwrap();
        assert_eq!(hit(&name), Continue);
        for i in 0..waits(&guard).len() {
            let wait = || waits(&guard).into_iter().nth(i).unwrap().within(HOUR);
            let mut fails = tokio::spawn(async { Err::<(), _>("an early error") });
            assert_ended_first(wait().unless(&mut fails).await, &name);
            let mut panics = tokio::spawn(async { panic!("as the test wants it") });
            assert_ended_first(wait().unless(&mut panics).await, &name);
            let mut aborted = tokio::spawn(std::future::pending::<()>());
            aborted.abort();
            assert_ended_first(wait().unless(&mut aborted).await, &name);
            let mut blocking = tokio::task::spawn_blocking(|| 7);
            assert_ended_first(wait().unless(&mut blocking).await, &name);
            // Other futures: not Unpin, of references, of a set of tasks.
            let text = String::from("borrowed");
            let borrows = async {
                tokio::task::yield_now().await;
                text.len()
            };
            assert_ended_first(wait().unless(borrows).await, &name);
            let mut set = tokio::task::JoinSet::from_iter([async {}]);
            assert_ended_first(wait().unless(set.join_next()).await, &name);
        }
        assert_eq!(observers(&name), 0);
    });
}

#[test]
fn a_task_that_gets_there_goes_on_and_its_handle_too() {
    let _alone = isolate();
    on_both_runtimes("a task that arrives", |runtime| async move {
        let name = format!("wait-unless-there-{runtime:?}");
        let guard = arm(&name, "1*off->pause").unwrap();
        let mut task = tokio::spawn({
            let name = name.clone();
            async move {
                let _ = failpoint(&name, None).await;
                let _ = failpoint(&name, None).await;
                "its output"
            }
        });
        guard.wait_until_paused(1).unless(&mut task).await.unwrap();
        guard.wait_for_hits(2).unless(&mut task).await.unwrap();
        guard.wait_until_fired(2).unless(&mut task).await.unwrap();
        assert_eq!(guard.release_one(), 1);
        assert_eq!(task.await.unwrap(), "its output");
    });
}

#[test]
fn a_goal_that_was_reached_first_is_reached_and_the_task_is_not_asked() {
    let _alone = isolate();
    let name = "wait-unless-reached";
    let guard = arm(name, "off").unwrap();
    assert_eq!(hit(name), Continue);
    let asked = AtomicBool::new(false);
    let task = || {
        poll_fn(|_| {
            asked.store(true, Ordering::Relaxed);
            Poll::Ready(())
        })
    };
    now(guard.wait_for_hits(1).unless(task())).unwrap();
    now(guard.wait_until_fired(1).unless(task())).unwrap();
    assert!(!asked.into_inner());
    // What a task does in its last moment counts.
    let last = poll_fn(|_| Poll::Ready(hit(name)));
    now(guard.wait_for_hits(2).unless(last)).unwrap();
    let last = poll_fn(|_| Poll::Ready(hit(name)));
    now(guard.wait_until_fired(3).unless(last)).unwrap();
}

#[test]
fn a_task_changes_nothing_about_the_other_ends() {
    let _alone = isolate();
    let name = "wait-unless-ends";
    let asked = ready(());
    let error = now(wait_until_paused(name, 1).unless(asked)).unwrap_err();
    assert!(error.is_not_configured(), "{error}");
    Runtime::PausedClock.run("a deadline", move || async move {
        let guard = arm(name, "off").unwrap();
        let never = std::future::pending::<()>;
        let start = tokio::time::Instant::now();
        let wait = guard.wait_until_paused(1).within(HOUR).unless(never());
        let error = wait.within(Duration::from_secs(5)).await.unwrap_err();
        assert!(error.is_timeout(), "{error}");
        assert_eq!(start.elapsed().as_secs(), 5);
        // By name, because a guard that is gone is no point that was removed.
        drop(guard);
        configure_failpoint(name, "off").unwrap();
        let mut wait = pin!(wait_for_hits(name, 1).unless(never()));
        assert!(poll_once(wait.as_mut()).is_pending());
        remove_failpoint(name);
        assert!(wait.await.unwrap_err().is_removed());
    });
}

#[test]
fn a_wait_that_is_over_stays_over_and_one_that_is_dropped_leaves_nothing() {
    let _alone = isolate();
    let name = "wait-unless-over";
    let guard = arm(name, "off").unwrap();
    let (counter, waker) = Counter::new();
    let (send, receive) = tokio::sync::oneshot::channel::<()>();
    let mut wait = Box::pin(guard.wait_for_hits(1).within(Duration::MAX).unless(receive));
    assert!(poll_with(wait.as_mut(), &waker).is_pending());
    assert_eq!(observers(name), 1);
    send.send(()).unwrap();
    assert_eq!(counter.woken(), 1);
    for _ in 0..2 {
        let Poll::Ready(Err(error)) = poll_with(wait.as_mut(), &waker) else {
            panic!("it is not over");
        };
        assert_says(&error, &["the task ended first"]);
    }
    drop(wait);
    let (send, receive) = tokio::sync::oneshot::channel::<()>();
    let mut wait = Box::pin(guard.wait_for_hits(1).within(Duration::MAX).unless(receive));
    assert!(poll_with(wait.as_mut(), &waker).is_pending());
    drop(wait);
    assert_eq!(observers(name), 0);
    assert!(send.is_closed());
    assert_eq!(Arc::strong_count(&counter), 2);
    drop(waker);
    assert_eq!(Arc::strong_count(&counter), 1);
}

#[test]
fn a_panic_of_the_future_passes_through() {
    let _alone = isolate();
    let name = "wait-unless-panics";
    let guard = arm(name, "off").unwrap();
    let panics = || poll_fn(|_| -> Poll<()> { panic!("of the future") });
    let text = panic_of(|| now(guard.wait_for_hits(1).unless(panics())));
    assert_eq!(text, "of the future");
    assert_eq!(observers(name), 0);
}

#[test]
fn a_thread_that_waits_is_woken_by_the_end_of_the_task() {
    let _alone = isolate();
    within_deadline("a blocking wait", || {
        let name = "wait-unless-blocking";
        let guard = arm(name, "off").unwrap();
        let (send, receive) = tokio::sync::oneshot::channel::<()>();
        let wait = guard.wait_until_paused(1).within(HOUR).unless(receive);
        let blocked = spawn(move || wait.blocking());
        until("it waits", || observers(name) == 1);
        drop(send);
        let error = blocked.join().unwrap().unwrap_err();
        assert_says(&error, &["the task ended first", "0 of 1 waited at it"]);
        // The handle of a task, outside of its runtime.
        let runtime = Runtime::MultiThread.build();
        let start = Instant::now();
        let mut task = runtime.spawn(async {});
        let wait = guard.wait_until_paused(1).within(HOUR).unless(&mut task);
        assert_says(&wait.blocking().unwrap_err(), &["the task ended first"]);
        assert!(start.elapsed() < HOUR);
    });
}

#[test]
fn a_wait_is_as_free_as_its_task() {
    fn is_send<T: Send + Unpin + Future>(_: &T) {}
    let _alone = isolate();
    let guard = arm("wait-unless-send", "off").unwrap();
    is_send(&guard.wait_for_hits(1).unless(async { "not Unpin" }));
    let wait = guard.wait_for_hits(1).unless(ready(std::ptr::null::<u8>()));
    assert!(format!("{wait:?}").contains("wait-unless-send"));
}
