//! Configuring one name in a table of many.

use neon_failpoint::{configure_failpoint, remove_failpoint};

use super::{Others, Row};
use neon_failpoint_benches::measure::{Effort, in_turns};
use neon_failpoint_benches::report::Limit::AtMost;
use neon_failpoint_benches::report::Line;
use std::time::Instant;

pub(super) const CONFIGURE: Row = Row {
    name: "configure",
    about: "ns to configure a name that is there, and one that is new",
    run: configure,
};

fn configure(effort: Effort) -> Result<Vec<Line>, String> {
    let count = effort.size(200);
    let names: Vec<String> = (0..count).map(|i| format!("bench-new-{i}")).collect();
    let ours = |name: &str| configure_failpoint(name, "off").is_ok();
    let theirs = |name: &str| fail::cfg(name, "off").is_ok();
    let mut lines = Vec::new();
    for others in [0, 100, 10_000] {
        let _others = Others::configure(others)?;
        for is_new in [true, false] {
            let round = |configure: &dyn Fn(&str) -> bool, remove: &dyn Fn(&str)| {
                let start = Instant::now();
                let all = names.iter().all(|name| configure(name));
                let time = start.elapsed();
                assert!(all, "the actions are valid");
                if is_new {
                    names.iter().for_each(|name| remove(name));
                }
                time
            };
            let columns: [&mut dyn FnMut() -> std::time::Duration; 2] = [
                &mut || round(&ours, &|name| remove_failpoint(name)),
                &mut || round(&theirs, &|name| fail::remove(name)),
            ];
            let values = in_turns(effort.rounds(51), columns).map(|time| time / count as f64);
            let [ours, fail] = values;
            let work = if is_new { "a new name" } else { "a name that is there" };
            lines.push(
                Line::new(work, Some(others), "ns")
                    .columns(["ours", "fail"].into_iter().zip(values))
                    .bar("times fail's", ours / fail, AtMost(5.0)),
            );
        }
        for name in &names {
            remove_failpoint(name);
            fail::remove(name);
        }
    }
    Ok(lines)
}
