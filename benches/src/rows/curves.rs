//! How cost grows: what the charts draw.

use std::hint::black_box;

use neon_failpoint::fail_point_sync;

use super::{Others, Row, parallel, release};
use neon_failpoint_benches::measure::{Effort, per_call};
use neon_failpoint_benches::report::Line;

/// From one to a hundred thousand.
const SIZES: [usize; 6] = [1, 10, 100, 1_000, 10_000, 100_000];

pub(super) const NAMES: Row = Row {
    name: "names",
    about: "ns per idle hit by the number of configured names",
    run: names,
};

pub(super) const WAITERS: Row = Row {
    name: "waiters",
    about: "µs to let paused tasks go by their number",
    run: waiters,
};

fn names(effort: Effort) -> Result<Vec<Line>, String> {
    let name = black_box("bench-curve-run-time");
    let mut lines = Vec::new();
    for size in SIZES.map(|n| n.min(effort.size(1_000_000))) {
        let _others = Others::configure(size)?;
        let values = per_call(
            effort,
            20_000,
            [
                &mut |n| (0..n).for_each(|_| fail_point_sync!("bench-curve")),
                &mut |n| (0..n).for_each(|_| fail_point_sync!(name)),
                &mut |n| (0..n).for_each(|_| fail::fail_point!("bench-curve")),
                &mut |n| {
                    (0..n).for_each(|_| fail_parallel::fail_point!(parallel(), "bench-curve"));
                },
            ],
        );
        let columns = ["ours", "ours, run-time name", "fail", "fail-parallel"];
        let line = Line::new("idle hit", Some(size), "ns");
        lines.push(line.columns(columns.into_iter().zip(values)));
    }
    Ok(lines)
}

fn waiters(effort: Effort) -> Result<Vec<Line>, String> {
    let mut lines = Vec::new();
    for (size, rounds) in SIZES.into_iter().zip([201, 201, 201, 51, 21, 5]) {
        let size = size.min(effort.size(1_000_000));
        let values = release::columns(effort, size, rounds)?.map(|ns| ns / 1e3);
        let columns = ["Notify", "ours", "fail-parallel"];
        let line = Line::new("release", Some(size), "µs");
        lines.push(line.columns(columns.into_iter().zip(values)));
    }
    Ok(lines)
}
