//! A runtime that shuts down with tasks at failpoints, in each way in which one can: nothing of them is
//! left, and the points go on.

use std::pin::Pin;
use std::time::Duration;

use crate::common::race::alone;
use crate::common::{actions, info, observers, spawn, until, value, waiters, within_deadline};
use neon_failpoint::FailpointResult::Continue;
use neon_failpoint::{
    InScope, Scope, Wait, configure_failpoint, fail_point, fail_point_sync, failpoint,
    failpoint_blocking, failpoint_with_cancellation, list_failpoints, pausable_failpoint,
    remove_all_failpoints, remove_failpoint, sleep_millis_async, wait_for_hits, wait_until_fired,
    wait_until_paused,
};
use tokio::runtime::{Builder, Runtime as Tokio};
use tokio_util::sync::CancellationToken;

const PAUSE: &str = "shutdown-pause";
const SLEEP: &str = "shutdown-sleep";
const BLOCKED: &str = "shutdown-blocked";

/// Tasks that wait, each in a way of its own.
fn tasks(scope: &Scope) -> Vec<Pin<Box<dyn Future<Output = ()> + Send>>> {
    let observe = |wait: Wait| async move { drop(wait.within(Duration::MAX).await) };
    vec![
        Box::pin(async { drop(failpoint(PAUSE, None).await) }),
        Box::pin(async { drop(failpoint!("shutdown-sleep").await) }),
        Box::pin(async {
            let token = CancellationToken::new();
            drop(failpoint_with_cancellation(PAUSE, None, &token).await);
        }),
        Box::pin(async { fail_point!("shutdown-pause") }),
        Box::pin(async {
            let token = CancellationToken::new();
            let _ = pausable_failpoint!("shutdown-pause", &token).await;
        }),
        Box::pin(async {
            let token = CancellationToken::new();
            sleep_millis_async!("shutdown-millis", &token).await;
        }),
        Box::pin(async { drop(failpoint(PAUSE, None).await) }.in_scope(scope)),
        Box::pin(observe(wait_for_hits(PAUSE, 1_000))),
        Box::pin(observe(wait_until_fired(PAUSE, 1_000))),
        Box::pin(observe(wait_until_paused(PAUSE, 1_000))),
    ]
}

/// How a runtime is shut down.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Shutdown {
    Drop,
    Background,
    Timeout,
}

impl Shutdown {
    fn of(self, runtime: Tokio) {
        match self {
            Shutdown::Drop => drop(runtime),
            Shutdown::Background => runtime.shutdown_background(),
            Shutdown::Timeout => runtime.shutdown_timeout(Duration::from_millis(1)),
        }
    }
}

/// Nobody waits anywhere, and a point can be configured, hit and removed.
#[track_caller]
fn assert_clean(what: &str) {
    for point in list_failpoints() {
        let left = (point.waiters().len(), point.observers());
        assert_eq!(left, (0, 0), "{what}: {point:?}");
    }
    configure_failpoint(PAUSE, "return(again)").unwrap();
    assert_eq!(failpoint_blocking(PAUSE, None), value("again"), "{what}");
    remove_failpoint(PAUSE);
    assert_eq!(failpoint_blocking(PAUSE, None), Continue, "{what}");
}

fn shut_down(builder: &mut Builder, shutdown: Shutdown, blocks: bool) {
    let what = format!("{shutdown:?}, {blocks}");
    let runtime = builder.enable_time().build().unwrap();
    let scope = Scope::new();
    scope.run(|| configure_failpoint(PAUSE, "pause").unwrap());
    for (name, actions) in [
        (PAUSE, "pause"),
        (SLEEP, "sleep(3600000)"),
        ("shutdown-millis", "return(3600000)"),
        (BLOCKED, "pause"),
    ] {
        configure_failpoint(name, actions).unwrap();
    }
    let tasks = tasks(&scope).into_iter();
    let mut tasks: Vec<_> = tasks.map(|task| runtime.spawn(task)).collect();
    if blocks {
        tasks.push(runtime.spawn_blocking(|| drop(failpoint_blocking(BLOCKED, None))));
        tasks.push(runtime.spawn_blocking(|| fail_point_sync!("shutdown-blocked")));
    }
    let blocked = if blocks { 2 } else { 0 };
    let has_all = || {
        let all = [PAUSE, SLEEP, "shutdown-millis", BLOCKED].map(waiters);
        all == [4, 1, 1, blocked] && scope.run(|| waiters(PAUSE)) == 1 && observers(PAUSE) == 3
    };
    // A runtime with one thread runs only inside of this.
    runtime.block_on(async { crate::common::until_async("all wait", has_all).await });
    // A runtime that is dropped waits for the threads that it has blocked.
    let frees = spawn(move || {
        if blocks && shutdown == Shutdown::Drop {
            until("the tasks are gone", || waiters(PAUSE) == 0);
            remove_failpoint(BLOCKED);
        }
    });
    shutdown.of(runtime);
    frees.join().unwrap();
    // In the background it may take a while.
    until("the tasks are gone", || {
        tasks[..10].iter().all(|task| task.is_finished())
    });
    assert_eq!(scope.run(|| waiters(PAUSE)), 0, "{what}");
    assert_eq!(
        (waiters(PAUSE), observers(PAUSE), waiters(SLEEP)),
        (0, 0, 0),
        "{what}"
    );
    if blocks && shutdown != Shutdown::Drop {
        // The threads outlive their runtime, and stand where they stood.
        assert_eq!(waiters(BLOCKED), 2, "{what}");
        assert_eq!(actions(BLOCKED).unwrap(), "pause");
        remove_failpoint(BLOCKED);
        until("they have gone on", || {
            tasks.iter().all(|task| task.is_finished())
        });
    }
    assert_eq!(info(PAUSE).unwrap().hits(), 4, "{what}");
    assert_clean(&what);
    remove_all_failpoints();
}

#[test]
fn a_runtime_that_shuts_down_leaves_nothing_at_the_points_where_its_tasks_were() {
    let _alone = alone("shutdowns");
    for shutdown in [Shutdown::Drop, Shutdown::Background, Shutdown::Timeout] {
        for blocks in [false, true] {
            let what = format!("{shutdown:?}, {blocks}");
            within_deadline(&what, move || {
                shut_down(&mut Builder::new_current_thread(), shutdown, blocks);
                shut_down(
                    Builder::new_multi_thread().worker_threads(2),
                    shutdown,
                    blocks,
                );
            });
        }
    }
}
