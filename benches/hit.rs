//! What a hit costs where nothing is configured under its name, beside `fail` 0.5.1
//! in the same run.
//!
//! `cargo bench --features testing --bench hit`. All columns of a row are timed in
//! turns, many short rounds each, and the median round counts: these are numbers to
//! compare within one run, not across machines. With `--test` (as CI runs it) every
//! column runs once, for smoke.

use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use neon_failpoint::{configure_failpoints, fail_point, fail_point_sync, failpoint};

/// Hits per round, and rounds per column.
#[derive(Clone, Copy)]
struct Effort {
    hits: u32,
    rounds: usize,
}

/// Nanoseconds per call of each column, the columns taking turns.
fn measure<const N: usize>(effort: Effort, mut columns: [&mut dyn FnMut(u32); N]) -> [f64; N] {
    let mut samples = [const { Vec::new() }; N];
    for _ in 0..effort.rounds {
        for (column, samples) in columns.iter_mut().zip(&mut samples) {
            let start = Instant::now();
            column(effort.hits);
            samples.push(start.elapsed().as_nanos() as f64 / f64::from(effort.hits));
        }
    }
    samples.map(|mut samples| {
        samples.sort_by(f64::total_cmp);
        samples[samples.len() / 2]
    })
}

/// Runs a future that never waits.
fn run<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    match future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("nothing is configured under the benchmark's names"),
    }
}

#[inline(never)]
fn plain(x: u32) -> u32 {
    black_box(x).wrapping_add(1)
}

#[inline(never)]
fn ours(x: u32) -> u32 {
    fail_point_sync!("bench-idle");
    black_box(x).wrapping_add(1)
}

#[inline(never)]
fn theirs(x: u32) -> u32 {
    fail::fail_point!("bench-idle");
    black_box(x).wrapping_add(1)
}

fn main() {
    let smoke = std::env::args().any(|a| a == "--test");
    let effort = if smoke {
        Effort {
            hits: 1_000,
            rounds: 1,
        }
    } else {
        Effort {
            hits: 100_000,
            rounds: 101,
        }
    };
    println!(
        "median ns per hit of a name that is not configured; (+) is what it adds to a plain function"
    );
    let runtime_name = black_box("bench-run-time-name");
    let mut configured = 0;
    for names in [0, 100, 10_000] {
        let more = || (configured..names).map(|i| format!("bench-other-{i}"));
        configure_failpoints(more().map(|n| (n, "off"))).expect("valid actions");
        for name in more() {
            fail::cfg(name, "off").expect("valid actions");
        }
        configured = names;

        let [plain_ns, ours_ns, fail_ns] = measure(
            effort,
            [
                &mut |n| {
                    for i in 0..n {
                        black_box(plain(i));
                    }
                },
                &mut |n| {
                    for i in 0..n {
                        black_box(ours(i));
                    }
                },
                &mut |n| {
                    for i in 0..n {
                        black_box(theirs(i));
                    }
                },
            ],
        );
        println!("\nother names: {names}");
        println!(
            "  literal site, sync   plain {plain_ns:6.2}   ours {ours_ns:6.2} ({:+.2})   fail {fail_ns:6.2} ({:+.2})",
            ours_ns - plain_ns,
            fail_ns - plain_ns
        );

        let [ours_ns, async_ns, fail_ns] = measure(
            effort,
            [
                &mut |n| {
                    for _ in 0..n {
                        fail_point_sync!(runtime_name);
                    }
                },
                &mut |n| {
                    for _ in 0..n {
                        let _ = black_box(run(failpoint(runtime_name, None)));
                    }
                },
                &mut |n| {
                    for _ in 0..n {
                        fail::fail_point!(runtime_name);
                    }
                },
            ],
        );
        println!(
            "  by name              ours {ours_ns:6.2}   ours, async {async_ns:6.2}   fail {fail_ns:6.2}   ratio fail/ours {:.1}",
            fail_ns / ours_ns
        );

        let [plain_ns, ours_ns, fail_ns] = measure(
            effort,
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
                            fail::fail_point!("bench-idle-async");
                            black_box(i);
                        }
                    })
                },
            ],
        );
        println!(
            "  literal site, async  plain {plain_ns:6.2}   ours {ours_ns:6.2} ({:+.2})   fail {fail_ns:6.2} ({:+.2})",
            ours_ns - plain_ns,
            fail_ns - plain_ns
        );
    }
}
