//! Proves that a future is in its scope wherever it is polled and dropped: by hand, by another
//! executor, on another thread, and inside other scopes.

use std::pin::pin;
use std::task::Poll;
use std::thread;

use crate::armed;
use crate::common::{block_on, hit, now, panic_of, poll_once, value, waiting};
use neon_failpoint::FailpointResult::Continue;
use neon_failpoint::{InScope, Scope, arm, configure_failpoint, failpoint, isolate};

fn scope_with(name: &str, text: &str) -> Scope {
    let scope = Scope::new();
    scope.run(|| configure_failpoint(name, format!("return({text})")).unwrap());
    scope
}

#[test]
fn a_future_in_a_scope_is_there_on_every_executor_and_thread() {
    let name = "scopes-executor";
    let scope = scope_with(name, "in");
    let hits = || async move {
        let first = failpoint(name, None).await;
        let mut yielded = false;
        std::future::poll_fn(|cx| {
            cx.waker().wake_by_ref();
            match std::mem::replace(&mut yielded, true) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        })
        .await;
        [first, failpoint(name, None).await, hit(name)]
    };
    let all = [(); 3].map(|()| value("in"));
    assert_eq!(block_on(hits().in_scope(&scope)), all);
    assert_eq!(block_on(hits()), [Continue, Continue, Continue]);
    let future = hits().in_scope(&scope);
    assert_eq!(thread::spawn(|| block_on(future)).join().unwrap(), all);
    // Half of it here, half of it there.
    let mut future = Box::pin(hits().in_scope(&scope));
    assert!(poll_once(future.as_mut()).is_pending());
    assert_eq!(hit(name), Continue, "a poll that is over leaves the scope");
    assert_eq!(thread::spawn(move || now(future)).join().unwrap(), all);
}

#[test]
fn a_future_in_the_current_scope_takes_it_along_and_stays_as_it_is_where_there_is_none() {
    let name = "scopes-in-current";
    let scope = scope_with(name, "mine");
    let mine = scope.run(|| failpoint(name, None).in_current_scope());
    let none = failpoint(name, None).in_current_scope();
    let text = format!("{mine:?} {none:?}");
    assert!(text.starts_with("Scoped { scope: Some(Scope("), "{text}");
    thread::spawn(move || {
        assert_eq!(now(mine), value("mine"));
        let _alone = isolate();
        let _point = armed("scopes-in-current", "theirs");
        assert_eq!(now(none), value("theirs"));
    })
    .join()
    .unwrap();
}

#[test]
fn the_scope_nearest_to_the_hit_counts() {
    let name = "scopes-nearest";
    let (a, b) = (scope_with(name, "a"), scope_with(name, "b"));
    let future = || failpoint(name, None);
    assert_eq!(now(future().in_scope(&a).in_scope(&b)), value("a"));
    assert_eq!(b.run(|| now(future().in_scope(&a))), value("a"));
    let enters = async {
        let inside = b.run(|| hit(name));
        (inside, failpoint(name, None).await)
    };
    assert_eq!(now(enters.in_scope(&a)), (value("b"), value("a")));
    // It is the poll that hits, not the call.
    let made_in_a = a.run(|| failpoint(name, None));
    assert_eq!(b.run(|| now(made_in_a)), value("b"));
}

#[test]
fn a_future_that_is_dropped_at_a_pause_leaves_the_list_and_its_destructors_run_in_the_scope() {
    let name = "scopes-dropped";
    struct Hits(std::sync::mpsc::Sender<neon_failpoint::FailpointResult>);
    impl Drop for Hits {
        fn drop(&mut self) {
            self.0.send(hit("scopes-dropped-destructor")).unwrap();
        }
    }
    let scope = scope_with("scopes-dropped-destructor", "in");
    let point = scope.run(|| arm(name, "pause")).unwrap();
    let (told, seen) = std::sync::mpsc::channel();
    let hits = Hits(told.clone());
    let paused = waiting(
        async move {
            let _hits = hits;
            failpoint(name, None).await
        }
        .in_scope(&scope),
    );
    assert_eq!(point.waiters().len(), 1);
    drop(paused);
    assert_eq!((point.waiters().len(), point.hits()), (0, 1));
    assert_eq!(seen.recv().unwrap(), value("in"));
    // Never polled, and dropped by another thread.
    let hits = Hits(told);
    let future = async move { drop(hits) }.in_scope(&scope);
    thread::spawn(move || drop(future)).join().unwrap();
    assert_eq!(seen.recv().unwrap(), value("in"));
    assert!(Scope::current().is_none());
}

#[test]
fn a_future_that_panics_leaves_the_scope_when_it_is_polled_and_when_it_is_dropped() {
    struct Panics;
    impl Drop for Panics {
        fn drop(&mut self) {
            panic!("in the destructor");
        }
    }
    let scope = Scope::new();
    let text = panic_of(|| now(async { panic!("at the poll") }.in_scope(&scope)));
    assert_eq!(text, "at the poll");
    assert!(Scope::current().is_none());
    let captured = Panics;
    let future = async move { std::mem::forget(captured) }.in_scope(&scope);
    assert_eq!(panic_of(move || drop(future)), "in the destructor");
    assert!(Scope::current().is_none());
}

#[test]
fn a_future_holds_its_scope_open_until_it_is_dropped() {
    let name = "scopes-held-by-a-future";
    let scope = scope_with(name, "kept");
    let again = scope.clone();
    let mut future = pin!(async { again.run(|| hit(name)) }.in_scope(&scope));
    drop(scope);
    assert_eq!(poll_once(future.as_mut()), Poll::Ready(value("kept")));
}

#[test]
fn a_task_paused_in_a_scope_is_released_from_a_thread_of_that_scope_without_a_runtime() {
    let name = "scopes-without-a-runtime";
    let scope = Scope::new();
    let point = scope.run(|| arm(name, "pause")).unwrap();
    let future = failpoint(name, None).in_scope(&scope);
    let thread = thread::spawn(|| block_on(future));
    point.wait_until_paused(1).blocking().unwrap();
    assert!(neon_failpoint::release_failpoint(name, 1).is_err());
    assert_eq!(
        scope
            .run(|| neon_failpoint::release_failpoint(name, 1))
            .unwrap(),
        1
    );
    assert_eq!(thread.join().unwrap(), Continue);
}
