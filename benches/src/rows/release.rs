//! Releasing paused tasks.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use neon_failpoint::{configure_failpoint, fail_point, remove_failpoint};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;

use super::{Row, child, parallel};
use neon_failpoint_benches::measure::{Effort, in_turns};
use neon_failpoint_benches::report::Limit::AtMost;
use neon_failpoint_benches::report::Line;

pub(super) const RELEASE: Row = Row {
    name: "release",
    about: "ms from letting paused tasks go until the last of them has ended",
    run: release,
};

pub(super) const MEMORY: Row = Row {
    name: "memory",
    about: "bytes on the heap per paused task",
    run: memory,
};

/// Starts `tasks` tasks that wait, and returns the time from `go` until all have ended.
fn time<F: Future<Output = ()> + Send + 'static>(
    runtime: &Runtime,
    tasks: usize,
    wait: impl Fn() -> F,
    go: impl Fn(),
) -> Duration {
    let [begun, ended] = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
    let all_ended = Arc::new(Notify::new());
    runtime.block_on(async {
        for _ in 0..tasks {
            let (begun, ended, all_ended) = (begun.clone(), ended.clone(), all_ended.clone());
            let wait = wait();
            tokio::spawn(async move {
                begun.fetch_add(1, Ordering::Relaxed);
                wait.await;
                if ended.fetch_add(1, Ordering::AcqRel) + 1 == tasks {
                    all_ended.notify_one();
                }
            });
        }
        // With a single thread, a task that has begun is waiting.
        while begun.load(Ordering::Relaxed) < tasks {
            tokio::task::yield_now().await;
        }
        let start = Instant::now();
        go();
        all_ended.notified().await;
        start.elapsed()
    })
}

async fn pause() {
    fail_point!("bench-release");
}

async fn pause_parallel() {
    fail_parallel::fail_point_async!(parallel(), "bench-release");
}

/// How long each column takes for `tasks` tasks, in ns.
pub(super) fn columns(effort: Effort, tasks: usize, rounds: usize) -> Result<[f64; 3], String> {
    let runtime = Builder::new_current_thread()
        .enable_time()
        .build()
        .map_err(|e| format!("no runtime: {e}"))?;
    let by_notify: &mut dyn FnMut() -> Duration = &mut || {
        let notify = Arc::new(Notify::new());
        let wait = || {
            let notify = notify.clone();
            async move { notify.notified().await }
        };
        time(&runtime, tasks, wait, || notify.notify_waiters())
    };
    let by_ours: &mut dyn FnMut() -> Duration = &mut || {
        let configured = configure_failpoint("bench-release", "pause");
        assert!(configured.is_ok(), "the actions are valid");
        time(&runtime, tasks, pause, || {
            remove_failpoint("bench-release");
        })
    };
    let by_parallel: &mut dyn FnMut() -> Duration = &mut || {
        let configured = fail_parallel::cfg(parallel(), "bench-release", "pause");
        assert!(configured.is_ok(), "the actions are valid");
        time(&runtime, tasks, pause_parallel, || {
            fail_parallel::remove(parallel(), "bench-release");
        })
    };
    Ok(in_turns(
        effort.rounds(rounds),
        [by_notify, by_ours, by_parallel],
    ))
}

fn release(effort: Effort) -> Result<Vec<Line>, String> {
    let mut lines = Vec::new();
    for (tasks, rounds) in [(1_000, 101), (10_000, 31), (100_000, 9)] {
        let tasks = effort.size(tasks);
        let values = columns(effort, tasks, rounds)?.map(|ns| ns / 1e6);
        let [notify, ours, _] = values;
        lines.push(
            Line::new("paused tasks", Some(tasks), "ms")
                .columns(["Notify", "ours", "fail-parallel"].into_iter().zip(values))
                .bar("times Notify", ours / notify, AtMost(1.5)),
        );
    }
    Ok(lines)
}

fn memory(effort: Effort) -> Result<Vec<Line>, String> {
    let tasks = effort.size(10_000);
    let names = ["Notify", "ours", "fail-parallel"];
    let mut values = [f64::NAN; 3];
    for (value, column) in values.iter_mut().zip(["notify", "ours", "parallel"]) {
        *value = child("bench_heap", &["paused", column, &tasks.to_string()])?;
    }
    let [notify, ours, _] = values;
    let line = Line::new("paused tasks", Some(tasks), "bytes")
        .columns(names.into_iter().zip(values))
        .exact_bar("more than Notify", ours - notify, AtMost(250.0));
    Ok(vec![line])
}
