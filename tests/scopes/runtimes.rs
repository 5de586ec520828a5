//! Proves that a test in a tokio runtime is isolated with all that runs there, and a runtime that the
//! test builds with what is attached to it.

use std::thread;

use tokio::runtime::Builder;
use tokio::task::{JoinSet, LocalSet, block_in_place, spawn_blocking, spawn_local};

use crate::armed;
use crate::common::{Runtime, hit, spawn_task, value, within_deadline};
use neon_failpoint::FailpointResult::{self, Continue};
use neon_failpoint::{
    InScope, Scope, arm, configure_failpoint, fail_point, failpoint, isolate, remove_failpoint,
};

/// Hits `name` in every way that a runtime runs code, each once, and returns what they saw.
async fn everywhere(name: &'static str, is_multi_thread: bool) -> Vec<FailpointResult> {
    let mut seen = vec![failpoint(name, None).await];
    seen.push(spawn_task(failpoint(name, None)).await.unwrap());
    seen.push(
        spawn_task(async move {
            tokio::task::yield_now().await;
            let inner = spawn_task(async move { failpoint(name, None).await });
            inner.await.unwrap()
        })
        .await
        .unwrap(),
    );
    seen.push(spawn_blocking(move || hit(name)).await.unwrap());
    let from_there = spawn_blocking(move || spawn_task(failpoint(name, None)));
    seen.push(from_there.await.unwrap().await.unwrap());
    let mut set = JoinSet::new();
    set.spawn(failpoint(name, None));
    set.spawn_blocking(move || hit(name));
    seen.extend(set.join_all().await);
    let local = LocalSet::new();
    let in_it = async {
        spawn_local(async move {
            (
                failpoint(name, None).await,
                spawn_local(failpoint(name, None)).await,
            )
        })
        .await
        .unwrap()
    };
    let (one, two) = local.run_until(in_it).await;
    seen.extend([one, two.unwrap()]);
    tokio::select! {
        biased;
        () = std::future::pending() => unreachable!(),
        result = failpoint(name, None) => seen.push(result),
    }
    if is_multi_thread {
        seen.push(block_in_place(|| hit(name)));
        let in_task = spawn_task(async move { block_in_place(|| hit(name)) });
        seen.push(in_task.await.unwrap());
    }
    let dyn_future: std::pin::Pin<Box<dyn Future<Output = _> + Send>> =
        Box::pin(failpoint(name, None));
    seen.push(spawn_task(dyn_future).await.unwrap());
    seen
}

async fn is_alone(text: &str, is_multi_thread: bool) {
    let name = "scopes-everywhere";
    let alone = isolate();
    let point = armed(name, text);
    let seen = everywhere(name, is_multi_thread).await;
    assert_eq!(seen, vec![value(text); seen.len()]);
    assert_eq!(point.hits(), seen.len());
    drop(point);
    let seen = everywhere(name, is_multi_thread).await;
    assert_eq!(seen, vec![Continue; seen.len()]);
    configure_failpoint(name, "return(end)").unwrap();
    drop(alone);
    let seen = everywhere(name, is_multi_thread).await;
    assert_eq!(seen, vec![Continue; seen.len()]);
}

#[tokio::test]
async fn a_test_on_one_thread_is_isolated() {
    is_alone("current", false).await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_test_with_a_paused_clock_is_isolated() {
    is_alone("paused", false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_on_several_threads_is_isolated() {
    is_alone("multi", true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_test_on_several_threads_is_isolated() {
    is_alone("multi-too", true).await;
}

/// Without its own `isolate` the second test would see the first one's points.
#[test]
fn two_runtimes_do_not_see_each_others_points_and_neither_does_a_third() {
    within_deadline("two runtimes", || {
        let meet = std::sync::Arc::new(std::sync::Barrier::new(3));
        let tests = [(Runtime::CurrentThread, "a"), (Runtime::MultiThread, "b")];
        let tests = tests.map(|(runtime, text)| {
            let meet = meet.clone();
            thread::spawn(move || {
                runtime.build().block_on(async move {
                    let _alone = isolate();
                    let _point = armed("scopes-two-runtimes", text);
                    meet.wait();
                    let multi = matches!(runtime, Runtime::MultiThread);
                    let seen = everywhere("scopes-two-runtimes", multi).await;
                    assert_eq!(seen, vec![value(text); seen.len()]);
                    meet.wait();
                });
            })
        });
        meet.wait();
        let seen = Runtime::MultiThread
            .build()
            .block_on(everywhere("scopes-two-runtimes", true));
        assert_eq!(seen, vec![Continue; seen.len()]);
        meet.wait();
        for test in tests {
            test.join().unwrap();
        }
    });
}

#[test]
fn a_runtime_is_in_the_newest_scope_attached_to_it_in_whatever_order_they_are_detached() {
    let name = "scopes-attach-order";
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .unwrap();
    let seen = || {
        let seen = [
            runtime.block_on(async { spawn_task(failpoint(name, None)).await.unwrap() }),
            runtime.block_on(failpoint(name, None)),
            runtime
                .block_on(async { spawn_blocking(|| hit("scopes-attach-order")).await.unwrap() }),
        ];
        assert!(seen.iter().all(|one| *one == seen[0]), "{seen:?}");
        seen[0].clone()
    };
    let scopes = ["a", "b"].map(|text| {
        let scope = Scope::new();
        scope.run(|| configure_failpoint(name, format!("return({text})")).unwrap());
        scope
    });
    assert_eq!(seen(), Continue);
    let a = scopes[0].attach(runtime.handle());
    assert_eq!(seen(), value("a"));
    let b = scopes[1].attach(runtime.handle());
    assert_eq!(seen(), value("b"));
    drop(a);
    assert_eq!(seen(), value("b"));
    let a = scopes[0].attach(runtime.handle());
    assert_eq!(seen(), value("a"));
    drop(a);
    assert_eq!(seen(), value("b"));
    // The same one twice.
    let again = scopes[1].attach(runtime.handle());
    drop(b);
    assert_eq!(seen(), value("b"));
    drop(again);
    assert_eq!(seen(), Continue);
}

#[test]
fn what_is_attached_reaches_its_runtime_only_and_holds_the_scope_open() {
    let name = "scopes-attach-one";
    let build = || {
        Builder::new_multi_thread()
            .worker_threads(1)
            .build()
            .unwrap()
    };
    let (one, other) = (build(), build());
    let scope = Scope::new();
    scope.run(|| configure_failpoint(name, "return(one)").unwrap());
    let attached = scope.attach(one.handle());
    drop(scope);
    let in_task = |runtime: &tokio::runtime::Runtime| {
        runtime.block_on(async { spawn_task(failpoint(name, None)).await.unwrap() })
    };
    assert_eq!(in_task(&one), value("one"));
    assert_eq!(in_task(&other), Continue);
    assert_eq!(hit(name), Continue);
    // By name, too.
    one.block_on(async { configure_failpoint(name, "return(again)").unwrap() });
    assert_eq!(in_task(&one), value("again"));
    drop(attached);
    assert_eq!(in_task(&one), Continue);
}

#[test]
fn an_entry_and_a_futures_scope_come_before_what_is_attached() {
    let name = "scopes-attach-beaten";
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .unwrap();
    let scopes = ["attached", "entered", "around"].map(|text| {
        let scope = Scope::new();
        scope.run(|| configure_failpoint(name, format!("return({text})")).unwrap());
        scope
    });
    let [attached, entered, around] = &scopes;
    // Attached last, and beaten all the same.
    let _entered = entered.enter();
    let _attached = attached.attach(runtime.handle());
    assert_eq!(runtime.block_on(failpoint(name, None)), value("entered"));
    let task = runtime.spawn(failpoint(name, None));
    assert_eq!(runtime.block_on(task).unwrap(), value("attached"));
    let task = runtime.spawn(failpoint(name, None).in_scope(around));
    assert_eq!(runtime.block_on(task).unwrap(), value("around"));
    let future = failpoint(name, None).in_scope(around);
    assert_eq!(runtime.block_on(future), value("around"));
    // Inside the future an entry is newer; a task that it spawns is not inside it.
    let (inner, spawned) = runtime.block_on(
        async {
            let inner = entered.run(|| hit(name));
            (inner, spawn_task(failpoint(name, None)).await.unwrap())
        }
        .in_scope(around),
    );
    assert_eq!((inner, spawned), (value("entered"), value("attached")));
}

#[tokio::test]
async fn a_scope_entered_inside_a_future_ends_there() {
    let name = "scopes-enter-in-a-future";
    let scope = Scope::new();
    scope.run(|| configure_failpoint(name, "return(in)").unwrap());
    for _ in 0..3 {
        let entered = scope.enter();
        assert_eq!(hit(name), value("in"));
        drop(entered);
        tokio::task::yield_now().await;
        assert_eq!(failpoint(name, None).await, Continue);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_in_a_task_a_blocking_thread_and_a_local_set_is_seen_and_released_by_the_test() {
    let _alone = isolate();
    async fn step() -> u32 {
        fail_point!("scopes-pause-everywhere");
        1
    }
    let point = arm("scopes-pause-everywhere", "pause").unwrap().must_fire();
    let task = spawn_task(step());
    let blocking = spawn_blocking(|| hit("scopes-pause-everywhere"));
    let local = LocalSet::new();
    let in_it = local.spawn_local(step());
    let test = async {
        point.wait_until_paused(3).await.unwrap();
        assert_eq!(point.release_all(), 3);
        assert_eq!((task.await.unwrap(), in_it.await.unwrap()), (1, 1));
        assert_eq!(blocking.await.unwrap(), Continue);
    };
    local.run_until(test).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn isolation_nests_inside_a_runtime_and_workers_follow() {
    let name = "scopes-nested-runtime";
    let task = || async move { spawn_task(failpoint(name, None)).await.unwrap() };
    let outer = isolate();
    let _outer = armed(name, "outer");
    assert_eq!(task().await, value("outer"));
    let inner = isolate();
    assert_eq!(task().await, value("outer"));
    configure_failpoint(name, "return(inner)").unwrap();
    assert_eq!(task().await, value("inner"));
    remove_failpoint(name);
    assert_eq!(task().await, value("outer"));
    drop(outer);
    assert_eq!(task().await, Continue);
    configure_failpoint(name, "return(inner)").unwrap();
    assert_eq!(task().await, value("inner"));
    drop(inner);
    assert_eq!(task().await, Continue);
}
