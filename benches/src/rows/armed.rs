//! A hit of a configured point.

use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};

use neon_failpoint::{compat, configure_failpoint, fail_point_sync};

use super::idle::{Hit, at_once, looped};
use super::{Row, parallel};
use neon_failpoint_benches::measure::{Effort, in_turns, per_call};
use neon_failpoint_benches::report::Limit::AtLeast;
use neon_failpoint_benches::report::Line;

pub(super) const ARMED: Row = Row {
    name: "armed",
    about: "ns per hit of a configured point",
    run: armed,
};

pub(super) const TWO_THREADS: Row = Row {
    name: "armed2",
    about: "the same from 2 threads: throughput per thread, as a part of one thread's",
    run: two_threads,
};

/// What is configured, how many times as fast as `fail` it must be, and the least that it has to
/// count: hits, and draws if there is a percentage.
const ACTIONS: [(&str, f64, Hit); 3] = [
    ("off", 2.0, count),
    ("return(42)", 1.5, count),
    ("1%return", 1.5, count_twice),
];

#[inline(never)]
fn native(x: usize) -> usize {
    fail_point_sync!("bench-armed", |value| value.len());
    black_box(x).wrapping_add(1)
}

/// Another point, which shares nothing with the first.
#[inline(never)]
fn apart(x: usize) -> usize {
    fail_point_sync!("bench-armed-apart", |value| value.len());
    black_box(x).wrapping_add(1)
}

#[inline(never)]
fn by_compat(x: usize) -> usize {
    compat::fail_point!("bench-armed", |value| value.map_or(0, |v| v.len()));
    black_box(x).wrapping_add(1)
}

#[inline(never)]
fn by_fail(x: usize) -> usize {
    fail::fail_point!("bench-armed", |value| value.map_or(0, |v| v.len()));
    black_box(x).wrapping_add(1)
}

#[inline(never)]
fn by_parallel(x: usize) -> usize {
    fail_parallel::fail_point!(parallel(), "bench-armed", |value| value
        .map_or(0, |v| v.len()));
    black_box(x).wrapping_add(1)
}

/// The minimum that counting a hit costs.
#[inline(never)]
fn count(x: usize) -> usize {
    static HITS: Counter = Counter(AtomicUsize::new(0));
    HITS.0.fetch_add(1, Ordering::Relaxed);
    black_box(x).wrapping_add(1)
}

#[inline(never)]
fn count_twice(x: usize) -> usize {
    static DRAWS: Counter = Counter(AtomicUsize::new(0));
    DRAWS.0.fetch_add(1, Ordering::Relaxed);
    count(x)
}

/// On a cache line of its own.
#[repr(align(128))]
struct Counter(AtomicUsize);

fn configure(actions: &str) -> Result<(), String> {
    for name in ["bench-armed", "bench-armed-apart"] {
        configure_failpoint(name, actions).map_err(|e| e.to_string())?;
    }
    fail::cfg("bench-armed", actions)?;
    fail_parallel::cfg(parallel(), "bench-armed", actions)
}

fn remove() {
    neon_failpoint::remove_failpoint("bench-armed");
    neon_failpoint::remove_failpoint("bench-armed-apart");
    fail::remove("bench-armed");
    fail_parallel::remove(parallel(), "bench-armed");
}

fn armed(effort: Effort) -> Result<Vec<Line>, String> {
    let mut lines = Vec::new();
    for (actions, times, count) in ACTIONS {
        configure(actions)?;
        let values = per_call(
            effort,
            20_000,
            [
                &mut looped(count),
                &mut looped(native),
                &mut looped(by_compat),
                &mut looped(by_fail),
                &mut looped(by_parallel),
            ],
        );
        let [_, ours, compat, fail, _] = values;
        let columns = ["count", "ours", "compat", "fail", "fail-parallel"];
        lines.push(
            Line::new(actions, None, "ns")
                .columns(columns.into_iter().zip(values))
                .bar("times as fast as fail", fail / ours, AtLeast(times))
                .bar(
                    "compat: times as fast as fail",
                    fail / compat,
                    AtLeast(times),
                ),
        );
    }
    remove();
    Ok(lines)
}

fn two_threads(effort: Effort) -> Result<Vec<Line>, String> {
    let n = effort.size(500_000);
    let mut lines = Vec::new();
    for (actions, _, count) in ACTIONS {
        // What two processors lose because they share an execution unit, they also lose at separate
        // points; what they lose by counting, they also lose at a bare counter.
        let columns: [(&str, [Hit; 2]); 4] = [
            ("count", [count; 2]),
            ("apart", [native, apart]),
            ("ours", [native; 2]),
            ("fail", [by_fail; 2]),
        ];
        configure(actions)?;
        // All in turns: a disturbance of the machine affects every column.
        let runs = [0, 1, 2, 3, 4, 5, 6, 7].map(|i: usize| {
            let (_, hits) = columns[i / 2];
            move || at_once(n, &hits[..i % 2 + 1])
        });
        let times = in_turns(effort.rounds(41), runs);
        let scaling = [0, 1, 2, 3].map(|i| (columns[i].0, times[2 * i] / times[2 * i + 1]));
        let [(_, count), (_, apart), (_, ours), _] = scaling;
        lines.push(
            Line::new(actions, None, "of one thread's")
                .columns(scaling)
                .bar(
                    "ours, as a part of the lesser of count's and apart's",
                    ours / count.min(apart),
                    AtLeast(0.9),
                ),
        );
    }
    remove();
    Ok(lines)
}
