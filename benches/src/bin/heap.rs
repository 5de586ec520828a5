//! Measurements of the heap, which need an allocator of their own: `bench_heap paused COLUMN TASKS`
//! prints the bytes per paused task, `bench_heap hits COLUMN` the allocations of a thousand hits,
//! `bench_heap explored ours RUNS` the most bytes that so many runs have added after the first hundredth.

use std::alloc::{GlobalAlloc, Layout, System};
use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Waker};

use fail_parallel::FailPointRegistry;
use neon_failpoint::explore::Explorer;
use neon_failpoint::{
    configure_failpoint, configure_failpoint_with_context, fail_point, fail_point_sync,
    fail_point_with_context_sync, failpoint, failpoint_context,
};
use tokio::sync::Notify;

/// The system's allocator, which counts.
struct Counting;

static BYTES: AtomicIsize = AtomicIsize::new(0);
static CALLS: AtomicIsize = AtomicIsize::new(0);

fn count(bytes: isize) {
    BYTES.fetch_add(bytes, Relaxed);
    CALLS.fetch_add(1, Relaxed);
}

// SAFETY: everything is passed on to `System`, and counting does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as isize - layout.size() as isize);
        // SAFETY: the caller keeps the contract.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        BYTES.fetch_sub(layout.size() as isize, Relaxed);
        // SAFETY: the caller keeps the contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let measured = match arguments[..] {
        ["paused", column, tasks] => tasks.parse().ok().and_then(|n| paused(column, n)),
        ["hits", column] => hits(column),
        ["explored", "ours", runs] => runs.parse().ok().map(explored),
        _ => None,
    };
    match measured {
        Some(measured) => {
            println!("{measured}");
            ExitCode::SUCCESS
        }
        None => {
            eprintln!("usage: bench_heap paused COLUMN TASKS | hits COLUMN | explored ours RUNS");
            ExitCode::from(2)
        }
    }
}

/// The most bytes that an exploration has added after the first hundredth of its runs, as its scenario
/// begins.
fn explored(runs: usize) -> f64 {
    let (count, first, most) = (
        AtomicUsize::new(0),
        AtomicIsize::new(0),
        AtomicIsize::new(0),
    );
    let report = Explorer::new()
        .preemptions(usize::MAX)
        .max_runs(runs)
        .run(|| {
            let bytes = BYTES.load(Relaxed);
            if count.fetch_add(1, Relaxed) == runs / 100 {
                first.store(bytes, Relaxed);
                most.store(0, Relaxed);
            }
            most.fetch_max(bytes - first.load(Relaxed), Relaxed);
            async {
                let work = || async {
                    for _ in 0..4 {
                        fail_point!("heap-explored");
                    }
                };
                tokio::join!(work(), work(), work(), work());
            }
        });
    assert_eq!(report.runs(), runs);
    most.into_inner() as f64
}

/// Bytes per task of `tasks` tasks that wait.
fn paused(column: &str, tasks: usize) -> Option<f64> {
    let notify = Arc::new(Notify::new());
    let registry = Arc::new(FailPointRegistry::new());
    configure_failpoint("heap", "pause").ok()?;
    fail_parallel::cfg(registry.clone(), "heap", "pause").ok()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .ok()?;
    static BEGUN: AtomicUsize = AtomicUsize::new(0);
    let begin = || BEGUN.fetch_add(1, Relaxed);
    let bytes = runtime.block_on(async {
        let before = BYTES.load(Relaxed);
        for _ in 0..tasks {
            match column {
                "notify" => {
                    let notify = notify.clone();
                    tokio::spawn(async move {
                        begin();
                        notify.notified().await;
                    });
                }
                "ours" => {
                    tokio::spawn(async move {
                        begin();
                        fail_point!("heap");
                    });
                }
                "parallel" => {
                    let registry = registry.clone();
                    tokio::spawn(async move {
                        begin();
                        fail_parallel::fail_point_async!(registry.clone(), "heap");
                    });
                }
                _ => return None,
            }
        }
        // With a single thread, tasks that have begun are waiting by the time this is polled.
        while BEGUN.load(Relaxed) < tasks {
            tokio::task::yield_now().await;
        }
        Some(BYTES.load(Relaxed) - before)
    })?;
    Some(bytes as f64 / tasks as f64)
}

/// Allocations of a thousand hits, after a first one.
fn hits(column: &str) -> Option<f64> {
    let context = failpoint_context! { "shard" => "4", "tenant" => "t-1" };
    configure_failpoint("heap-off", "off").ok()?;
    let matchers = [("shard", "[0-9]+"), ("tenant", "x.*")];
    configure_failpoint_with_context("heap-context", "off", matchers).ok()?;
    let name = black_box("heap-run-time");
    let mut once: Box<dyn FnMut()> = match column {
        "idle" => Box::new(|| fail_point_sync!("heap-idle")),
        "idle async" => Box::new(|| poll(async { fail_point!("heap-idle") })),
        "by name" => Box::new(|| poll(async { drop(failpoint(name, None).await) })),
        "off" => Box::new(|| fail_point_sync!("heap-off")),
        "context" => Box::new(|| fail_point_with_context_sync!("heap-context", &context)),
        _ => return None,
    };
    once();
    let before = CALLS.load(Relaxed);
    (0..1_000).for_each(|_| once());
    Some((CALLS.load(Relaxed) - before) as f64)
}

/// Polls a future that never waits.
fn poll(future: impl Future<Output = ()>) {
    let ready = pin!(future).poll(&mut Context::from_waker(Waker::noop()));
    assert!(ready.is_ready(), "nothing waits");
}
