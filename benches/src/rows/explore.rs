//! The explorer, beside loom and shuttle: the same small program, written for each.

use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use neon_failpoint::explore::Explorer;
use neon_failpoint::fail_point;
use tokio::runtime::Builder;

use super::{Row, child};
use neon_failpoint_benches::measure::{Effort, in_turns};
use neon_failpoint_benches::report::Limit::{AtLeast, AtMost};
use neon_failpoint_benches::report::Line;

pub(super) const EXPLORE: Row = Row {
    name: "explore",
    about: "a lost update, 2 tasks of 3 failpoints: runs a second, and the time to the bug",
    run: explore,
};

pub(super) const MEMORY: Row = Row {
    name: "explored",
    about: "bytes on the heap that 100,000 runs have added",
    run: memory,
};

async fn increment(counter: Arc<AtomicU32>) {
    fail_point!("bench-explore-begin");
    let value = counter.load(SeqCst);
    fail_point!("bench-explore-between");
    counter.store(value + 1, SeqCst);
    fail_point!("bench-explore-end");
}

async fn ours(fails: bool) {
    let counter = Arc::new(AtomicU32::new(0));
    let tasks = [1, 2].map(|_| tokio::spawn(increment(counter.clone())));
    for task in tasks {
        assert!(task.await.is_ok());
    }
    assert!(!fails || counter.load(SeqCst) == 2);
}

/// The same for loom, which explores every order of the operations on its atomics.
fn by_loom(fails: bool) {
    static SCHEDULES: AtomicUsize = AtomicUsize::new(0);
    SCHEDULES.fetch_add(1, SeqCst);
    let counter = loom::sync::Arc::new(loom::sync::atomic::AtomicU32::new(0));
    let threads = [1, 2].map(|_| {
        let counter = counter.clone();
        loom::thread::spawn(move || {
            loom::thread::yield_now();
            let value = counter.load(SeqCst);
            counter.store(value + 1, SeqCst);
        })
    });
    for thread in threads {
        assert!(thread.join().is_ok());
    }
    assert!(!fails || counter.load(SeqCst) == 2);
}

/// The same for shuttle.
fn by_shuttle(fails: bool) {
    let counter = Arc::new(shuttle::sync::atomic::AtomicU32::new(0));
    let threads = [1, 2].map(|_| {
        let counter = counter.clone();
        shuttle::thread::spawn(move || {
            let value = counter.load(SeqCst);
            counter.store(value + 1, SeqCst);
        })
    });
    for thread in threads {
        assert!(thread.join().is_ok());
    }
    assert!(!fails || counter.load(SeqCst) == 2);
}

/// Time for each time that `scenario` is called.
fn each(all: impl FnOnce(Arc<dyn Fn() + Send + Sync>)) -> Duration {
    let count = Arc::new(AtomicU32::new(0));
    let counts = count.clone();
    let start = Instant::now();
    all(Arc::new(move || {
        counts.fetch_add(1, SeqCst);
    }));
    start.elapsed() / count.load(SeqCst).max(1)
}

fn failing(run: impl FnOnce()) -> Duration {
    let start = Instant::now();
    let failed = catch_unwind(AssertUnwindSafe(run));
    let time = start.elapsed();
    assert!(failed.is_err(), "the bug is found");
    time
}

fn explore(effort: Effort) -> Result<Vec<Line>, String> {
    let runs = effort.size(2_000);
    let floor: &mut dyn FnMut() -> Duration = &mut || {
        let start = Instant::now();
        for _ in 0..runs {
            let mut builder = Builder::new_current_thread();
            let runtime = builder.enable_all().start_paused(true).build();
            assert!(
                runtime.is_ok_and(|r| r.block_on(async { tokio::spawn(async {}).await }).is_ok())
            );
        }
        start.elapsed() / runs as u32
    };
    let by_ours: &mut dyn FnMut() -> Duration = &mut || {
        let start = Instant::now();
        let mut done = 0;
        while done < runs {
            let report = Explorer::new().preemptions(usize::MAX).run(|| ours(false));
            assert_eq!(report.runs(), 20);
            done += report.runs();
        }
        start.elapsed() / done as u32
    };
    let [floor, our_run] = in_turns(effort.rounds(31), [floor, by_ours]);
    let a_second = |ns: f64| 1e9 / ns;

    let dfs = || shuttle::scheduler::DfsScheduler::new(None, false);
    let schedules: [&mut dyn FnMut() -> Duration; 3] = [
        &mut || {
            each(|count| {
                let report = Explorer::new().preemptions(usize::MAX).run(|| async {
                    count();
                    ours(false).await;
                });
                assert!(report.is_complete());
            })
        },
        &mut || {
            each(|count| {
                loom::model(move || {
                    count();
                    by_loom(false);
                })
            })
        },
        &mut || {
            each(|count| {
                let runner = shuttle::Runner::new(dfs(), shuttle::Config::new());
                runner.run(move || {
                    count();
                    by_shuttle(false);
                });
            })
        },
    ];
    let [ours_one, loom_one, shuttle_one] = in_turns(effort.rounds(31), schedules);

    // Each prints the panic that it finds.
    let hook = take_hook();
    set_hook(Box::new(|_| {}));
    let bug: [&mut dyn FnMut() -> Duration; 3] = [
        &mut || failing(|| Explorer::new().check(|| ours(true))),
        &mut || failing(|| loom::model(|| by_loom(true))),
        &mut || {
            failing(|| {
                shuttle::Runner::new(dfs(), shuttle::Config::new()).run(|| by_shuttle(true));
            })
        },
    ];
    let times = in_turns(effort.rounds(31), bug).map(|ns| ns / 1e3);
    set_hook(hook);
    let names = ["ours", "loom", "shuttle"];
    Ok(vec![
        Line::new("runs, and bare runtimes", None, "a second")
            .columns([("ours", a_second(our_run)), ("runtime", a_second(floor))])
            .bar("runs a second", a_second(our_run), AtLeast(10_000.0))
            .bar("times a bare runtime", our_run / floor, AtMost(5.0)),
        Line::new("schedules", None, "a second").columns(
            names
                .into_iter()
                .zip([ours_one, loom_one, shuttle_one].map(a_second)),
        ),
        Line::new("time to the bug", None, "us")
            .columns(names.into_iter().zip(times))
            .bar("times loom", times[0] / times[1], AtMost(1.0)),
    ])
}

fn memory(effort: Effort) -> Result<Vec<Line>, String> {
    let runs = effort.size(100_000);
    let bytes = child("bench_heap", &["explored", "ours", &runs.to_string()])?;
    Ok(vec![
        Line::new("runs", Some(runs), "bytes")
            .columns([("ours", bytes)])
            .bar("bytes for each run", bytes / runs as f64, AtMost(100.0)),
    ])
}
