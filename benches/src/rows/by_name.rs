//! A hit of a name that exists only at run time and is not configured.

use std::hint::black_box;

use neon_failpoint::{FailpointResult, fail_point_sync, failpoint};

use super::idle::run;
use super::{Others, Row, parallel};
use neon_failpoint_benches::measure::{Effort, per_call};
use neon_failpoint_benches::report::Limit::{AtLeast, AtMost};
use neon_failpoint_benches::report::Line;

pub(super) const BY_NAME: Row = Row {
    name: "by_name",
    about: "ns per hit of a run-time name that is not configured",
    run: by_name,
};

fn by_name(effort: Effort) -> Result<Vec<Line>, String> {
    let mut lines = Vec::new();
    let mut empty = f64::NAN;
    // One name again and again, and more names than any small table holds.
    for (work, count) in [("one name", 1), ("1,000 names in turn", 1_000)] {
        let names: Vec<String> = (0..count).map(|i| format!("bench-run-time-{i}")).collect();
        let names: Vec<&str> = black_box(names.iter().map(String::as_str).collect());
        for others in [0, 100, 10_000] {
            let _others = Others::configure(others)?;
            let turns = |n| names.iter().copied().cycle().take(n);
            let values = per_call(
                effort,
                50_000,
                [
                    &mut |n| turns(n).for_each(|name| fail_point_sync!(name)),
                    &mut |n| {
                        run(async {
                            for name in turns(n) {
                                let result = failpoint(name, None).await;
                                black_box(matches!(result, FailpointResult::Continue));
                            }
                        })
                    },
                    &mut |n| turns(n).for_each(|name| fail::fail_point!(name)),
                    &mut |n| {
                        turns(n).for_each(|name| fail_parallel::fail_point!(parallel(), name));
                    },
                ],
            );
            let [sync, future, fail, _] = values;
            let columns = ["ours", "ours, future", "fail", "fail-parallel"];
            let mut line =
                Line::new(work, Some(others), "ns").columns(columns.into_iter().zip(values));
            if count == 1 {
                if others == 0 {
                    empty = fail;
                }
                let worst = sync.max(future);
                line = line.bar(
                    "the slower of ours, as a part of fail's with an empty table",
                    worst / empty,
                    AtMost(1.0),
                );
                if others > 0 {
                    let times = fail / worst;
                    line = line.bar("times as fast as fail", times, AtLeast(1.5));
                }
            }
            lines.push(line);
        }
    }
    Ok(lines)
}
