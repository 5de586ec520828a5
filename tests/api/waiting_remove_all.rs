//! Proves that `remove_all_failpoints` lets everybody go who waits, at whatever point.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use crate::common::crew::spawn_hit;
use crate::common::{
    WAITS, assert_stats, now, on_both_runtimes, poll_once, spawn, until, until_async,
    until_waiting, until_waiting_async, waiters, within_deadline,
};
use neon_failpoint::FailpointResult::{Continue, Return};
use neon_failpoint::{
    configure_failpoint, configure_failpoint_callback, failpoint, failpoint_blocking, isolate,
    list_failpoints, remove_all_failpoints,
};

/// The removed configurations are over: nothing is listed, and the next hit continues.
#[track_caller]
fn assert_all_gone(names: &[String]) {
    assert!(list_failpoints().iter().all(|p| !p.is_configured()));
    for name in names {
        assert_eq!(now(failpoint(name, None)), Continue);
        assert_eq!(failpoint_blocking(name, None), Continue);
        // Nothing of the past is in a new configuration.
        configure_failpoint(name, "return(new)").unwrap();
        assert_stats(name, (0, 0, 0));
        assert_eq!(now(failpoint(name, None)), Return("new".to_owned()));
    }
    remove_all_failpoints();
}

fn configure_all(what: &str) -> Vec<String> {
    let names: Vec<String> = WAITS.iter().map(|wait| format!("{what}-{wait}")).collect();
    for (name, wait) in names.iter().zip(WAITS) {
        configure_failpoint(name, wait).unwrap();
    }
    names
}

#[test]
fn remove_all_lets_every_waiting_task_go_on() {
    let _alone = isolate();
    on_both_runtimes("all tasks are let go", |_| async {
        let names = configure_all("task");
        let mut tasks = Vec::new();
        for name in names.iter().chain(&names) {
            let name = name.clone();
            tasks.push(tokio::spawn(async move { failpoint(&name, None).await }));
        }
        until_async("all wait", || names.iter().all(|n| waiters(n) == 2)).await;
        remove_all_failpoints();
        for task in tasks {
            assert_eq!(task.await.unwrap(), Continue);
        }
        assert_all_gone(&names);
    });
}

#[test]
fn remove_all_lets_every_blocked_thread_go_on() {
    let _alone = isolate();
    within_deadline("all threads are let go", || {
        let names = configure_all("thread");
        let mut threads = Vec::new();
        for name in names.iter().chain(&names) {
            let name = name.clone();
            threads.push(spawn(move || failpoint_blocking(&name, None)));
        }
        until("all wait", || names.iter().all(|n| waiters(n) == 2));
        remove_all_failpoints();
        for thread in threads {
            assert_eq!(thread.join().unwrap(), Continue);
        }
        assert_all_gone(&names);
    });
}

#[test]
fn remove_all_lets_tasks_and_threads_at_one_point_go_on() {
    let _alone = isolate();
    on_both_runtimes("all are let go", |_| async {
        let name = "mixed";
        configure_failpoint(name, "pause").unwrap();
        let task = spawn_hit(name);
        let thread = tokio::task::spawn_blocking(move || failpoint_blocking(name, None));
        until_waiting_async(name, 2).await;
        remove_all_failpoints();
        assert_eq!(task.await.unwrap(), Continue);
        assert_eq!(thread.await.unwrap(), Continue);
        assert_all_gone(&[name.to_owned()]);
    });
}

#[test]
fn remove_all_from_inside_a_callback_removes_that_callback_too() {
    let _alone = isolate();
    within_deadline("remove_all inside a hit", || {
        let name = "callback";
        configure_failpoint("paused", "pause").unwrap();
        configure_failpoint_callback(name, remove_all_failpoints).unwrap();
        let thread = spawn(|| failpoint_blocking("paused", None));
        until_waiting("paused", 1);
        assert_eq!(failpoint_blocking(name, None), Continue);
        assert_eq!(thread.join().unwrap(), Continue);
        assert_all_gone(&[name.to_owned(), "paused".to_owned()]);
    });
}

/// I5: no lock of ours is held while a waker is woken.
#[test]
fn a_waker_may_remove_all() {
    struct RemovesAll;
    impl Wake for RemovesAll {
        fn wake(self: Arc<Self>) {
            configure_failpoint("of-the-waker", "off").unwrap();
            remove_all_failpoints();
        }
    }
    let _alone = isolate();
    within_deadline("a waker that removes all", || {
        configure_failpoint("paused", "pause").unwrap();
        let waker = Waker::from(Arc::new(RemovesAll));
        let mut hit = pin!(failpoint("paused", None));
        let poll = hit.as_mut().poll(&mut Context::from_waker(&waker));
        assert!(poll.is_pending());
        remove_all_failpoints();
        assert_eq!(poll_once(hit), Poll::Ready(Continue));
        assert_all_gone(&["paused".to_owned()]);
    });
}

#[test]
fn an_idle_hit_of_an_empty_table_is_over_once_it_was_polled() {
    let _alone = isolate();
    let mut idle = pin!(failpoint("remove-all-idle", None));
    assert_eq!(poll_once(idle.as_mut()), Poll::Ready(Continue));
    configure_failpoint("remove-all-idle", "return").unwrap();
    assert_eq!(poll_once(idle), Poll::Ready(Continue));
    assert_stats("remove-all-idle", (0, 0, 0));
}

/// Panics when it is dropped.
struct PanicsWhenDropped;

impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        panic!("the destructor's own panic");
    }
}

#[test]
fn panics_of_several_destructors_are_one_panic_after_everybody_was_woken() {
    let _alone = isolate();
    for name in ["remove-all-panics-1", "remove-all-panics-2"] {
        let captured = PanicsWhenDropped;
        let callback = move || {
            let _ = &captured;
        };
        configure_failpoint_callback(name, callback).unwrap();
    }
    configure_failpoint("remove-all-woken", "pause").unwrap();
    let hit = spawn(|| failpoint_blocking("remove-all-woken", None));
    until_waiting("remove-all-woken", 1);
    let panicked = std::panic::catch_unwind(remove_all_failpoints);
    let panicked = panicked.unwrap_err();
    assert_eq!(
        panicked.downcast_ref::<&str>(),
        Some(&"the destructor's own panic")
    );
    within_deadline("the thread goes on", move || {
        assert_eq!(hit.join().unwrap(), Continue);
    });
    assert!(list_failpoints().iter().all(|p| !p.is_configured()));
}
