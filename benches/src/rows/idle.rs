//! A call site with a literal name under which nothing is configured.

use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use neon_failpoint::{compat, fail_point, fail_point_sync};

use super::{Others, Row, parallel};
use neon_failpoint_benches::measure::{Effort, in_turns, per_call};
use neon_failpoint_benches::report::Limit::{AtLeast, AtMost};
use neon_failpoint_benches::report::Line;

/// How many other names are configured.
const SIZES: [usize; 3] = [0, 100, 10_000];

/// What `fail` added to a plain function with 100 names, in ns, when the demands in ns were set:
/// they are scaled by what it adds here.
const FAIL_ADDED: f64 = 21.0;

/// Smaller differences are noise.
const RESOLUTION: f64 = 0.1;

/// A function with a hit in it, or without one.
pub(super) type Hit = fn(usize) -> usize;

pub(super) const SYNC: Row = Row {
    name: "idle",
    about: "ns per idle hit of a literal site, in a synchronous function",
    run: sync,
};

pub(super) const TWO_THREADS: Row = Row {
    name: "idle2",
    about: "the same from 2 threads: throughput per thread, as a part of one thread's",
    run: two_threads,
};

pub(super) const ASYNC: Row = Row {
    name: "idle_async",
    about: "ns per idle hit in a loop inside one future",
    run: in_futures,
};

#[inline(never)]
pub(super) fn plain(x: usize) -> usize {
    black_box(x).wrapping_add(1)
}

#[inline(never)]
fn load_and_branch(x: usize) -> usize {
    static SWITCH: AtomicUsize = AtomicUsize::new(0);
    if SWITCH.load(Ordering::Relaxed) != 0 {
        return 0;
    }
    black_box(x).wrapping_add(1)
}

#[inline(never)]
fn native(x: usize) -> usize {
    fail_point_sync!("bench-idle");
    black_box(x).wrapping_add(1)
}

#[inline(never)]
fn native_closure(x: usize) -> usize {
    fail_point_sync!("bench-idle-closure", |_| 0);
    black_box(x).wrapping_add(1)
}

#[inline(never)]
fn by_compat(x: usize) -> usize {
    compat::fail_point!("bench-idle-compat");
    black_box(x).wrapping_add(1)
}

#[inline(never)]
fn by_fail(x: usize) -> usize {
    fail::fail_point!("bench-idle");
    black_box(x).wrapping_add(1)
}

#[inline(never)]
fn by_parallel(x: usize) -> usize {
    fail_parallel::fail_point!(parallel(), "bench-idle");
    black_box(x).wrapping_add(1)
}

pub(super) fn looped(hit: Hit) -> impl FnMut(usize) {
    move |n| {
        for i in 0..n {
            black_box(hit(i));
        }
    }
}

fn sync(effort: Effort) -> Result<Vec<Line>, String> {
    let mut lines = Vec::new();
    for names in SIZES {
        let _others = Others::configure(names)?;
        let values = per_call(
            effort,
            100_000,
            [
                &mut looped(plain),
                &mut looped(load_and_branch),
                &mut looped(native),
                &mut looped(native_closure),
                &mut looped(by_compat),
                &mut looped(by_fail),
                &mut looped(by_parallel),
            ],
        );
        let columns = [
            "plain",
            "load+branch",
            "ours",
            "with closure",
            "compat",
            "fail",
            "fail-parallel",
        ];
        let line = Line::new("other names", Some(names), "ns");
        lines.push(line.columns(columns.into_iter().zip(values)));
    }
    Ok(demand(
        lines,
        &["ours", "with closure", "compat"],
        1.0,
        true,
    ))
}

/// Demands on an idle site: what it adds in ns, and as a fraction of what `fail` adds.
fn demand(mut lines: Vec<Line>, ours: &[&str], most: f64, ratio: bool) -> Vec<Line> {
    let scale = added(&lines[1], "fail") / FAIL_ADDED;
    for line in &mut lines {
        let worst = ours.iter().map(|c| added(line, c)).fold(f64::MIN, f64::max);
        let what = "ns added by the slowest of ours";
        let mut demanded = line.clone().bar(what, worst, AtMost(most * scale));
        if ratio && line.size != Some(0) {
            let times = added(line, "fail") / worst.max(RESOLUTION);
            demanded = demanded.bar("times what ours adds, fail adds", times, AtLeast(15.0));
        }
        *line = demanded;
    }
    lines
}

fn added(line: &Line, column: &str) -> f64 {
    let of = |column| line.values.iter().find(|(name, _)| name == column);
    match (of(column), of("plain")) {
        (Some((_, value)), Some((_, plain))) => value - plain,
        _ => f64::NAN,
    }
}

/// Returns how long threads take for `n` hits each, all at the same time, with one thread for each
/// of `hits`.
pub(super) fn at_once(n: usize, hits: &[Hit]) -> Duration {
    let threads = hits.len();
    // They spin while they wait for each other: one that slept would start late.
    let ready = AtomicUsize::new(0);
    let times = std::thread::scope(|scope| {
        let ready = &ready;
        let run = |hit: Hit| {
            move || {
                ready.fetch_add(1, Ordering::AcqRel);
                while ready.load(Ordering::Acquire) < threads {
                    std::hint::spin_loop();
                }
                let begun = Instant::now();
                looped(hit)(n);
                begun.elapsed()
            }
        };
        let threads: Vec<_> = hits.iter().map(|hit| scope.spawn(run(*hit))).collect();
        let times = threads.into_iter().map(|t| t.join().unwrap_or_default());
        times.sum::<Duration>()
    });
    times / threads as u32
}

fn two_threads(effort: Effort) -> Result<Vec<Line>, String> {
    let n = effort.size(2_000_000);
    let columns: [(&str, Hit); 4] = [
        ("plain", plain),
        ("ours", native),
        ("compat", by_compat),
        ("fail", by_fail),
    ];
    let mut lines = Vec::new();
    for names in SIZES {
        let _others = Others::configure(names)?;
        let mut scaling = Vec::new();
        for (column, hit) in columns {
            let [one, two] = in_turns(
                effort.rounds(31),
                [1, 2].map(|threads| move || at_once(n, &[hit; 2][..threads])),
            );
            scaling.push((column, one / two));
        }
        let of = |column| {
            scaling
                .iter()
                .find(|(c, _)| *c == column)
                .map_or(0.0, |c| c.1)
        };
        // A machine with fewer than two free cores slows every column down.
        let floor = of("plain").min(1.0);
        let ours = of("ours").min(of("compat")) / floor;
        lines.push(
            Line::new("other names", Some(names), "of one thread's")
                .columns(scaling.iter().copied())
                .bar("ours as a part of the plain function's", ours, AtLeast(0.9)),
        );
    }
    Ok(lines)
}

fn in_futures(effort: Effort) -> Result<Vec<Line>, String> {
    let mut lines = Vec::new();
    for names in SIZES {
        let _others = Others::configure(names)?;
        let values = per_call(
            effort,
            100_000,
            [
                &mut |n| {
                    run(async {
                        for i in 0..n {
                            black_box(i);
                        }
                    })
                },
                &mut |n| {
                    run(async {
                        for i in 0..n {
                            fail_point!("bench-idle-async");
                            black_box(i);
                        }
                    })
                },
                &mut |n| {
                    run(async {
                        for i in 0..n {
                            compat::async_fail_point!("bench-idle-async-compat");
                            black_box(i);
                        }
                    })
                },
                &mut |n| {
                    run(async {
                        for i in 0..n {
                            fail::fail_point!("bench-idle-async");
                            black_box(i);
                        }
                    })
                },
                &mut |n| {
                    run(async {
                        for i in 0..n {
                            fail_parallel::fail_point_async!(parallel(), "bench-idle-async");
                            black_box(i);
                        }
                    })
                },
            ],
        );
        let columns = ["plain", "ours", "compat", "fail", "fail-parallel"];
        let line = Line::new("other names", Some(names), "ns");
        lines.push(line.columns(columns.into_iter().zip(values)));
    }
    Ok(demand(lines, &["ours", "compat"], 1.5, false))
}

/// Runs a future that never waits.
pub(super) fn run<T>(future: impl Future<Output = T>) -> T {
    use std::task::{Context, Poll, Waker};
    let mut future = std::pin::pin!(future);
    loop {
        let poll = future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        if let Poll::Ready(value) = poll {
            return value;
        }
    }
}
