//! Configuring one name in a table of many.

use neon_failpoint::{compat, configure_failpoint, remove_failpoint};

use super::{Others, Row};
use neon_failpoint_benches::measure::{Effort, in_turns};
use neon_failpoint_benches::report::Limit::AtMost;
use neon_failpoint_benches::report::Line;
use std::time::{Duration, Instant};

pub(super) const CONFIGURE: Row = Row {
    name: "configure",
    about: "ns to configure a name that is there, and one that is new",
    run: configure,
};

fn configure(effort: Effort) -> Result<Vec<Line>, String> {
    let count = effort.size(1_000);
    let new: Vec<String> = (0..count)
        .map(|i| format!("wal-segment-{i}-sync"))
        .collect();
    let mut lines = Vec::new();
    for others in [0, 100, 10_000] {
        let _others = Others::configure(others)?;
        // With other names present: each in turn, in an order that no cache predicts.
        let there: Vec<String> = match others {
            0 => vec![new[0].clone(); count],
            n => (0..count)
                .map(|i| format!("bench-other-{}", i * 7_919 % n))
                .collect(),
        };
        for (work, names, is_new) in [
            ("a new name", &new, true),
            ("a name that is there", &there, false),
        ] {
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
            let columns: [&mut dyn FnMut() -> Duration; 3] = [
                &mut || {
                    round(&|name| configure_failpoint(name, "off").is_ok(), &|name| {
                        remove_failpoint(name)
                    })
                },
                &mut || {
                    round(&|name| compat::cfg(name, "off").is_ok(), &|name| {
                        compat::remove(name)
                    })
                },
                &mut || {
                    round(&|name| fail::cfg(name, "off").is_ok(), &|name| {
                        fail::remove(name)
                    })
                },
            ];
            let values = in_turns(effort.rounds(51), columns).map(|time| time / count as f64);
            let [ours, compat, fail] = values;
            lines.push(
                Line::new(work, Some(others), "ns")
                    .columns(["ours", "compat", "fail"].into_iter().zip(values))
                    .bar("times fail's", ours.max(compat) / fail, AtMost(5.0)),
            );
        }
        for name in &new {
            remove_failpoint(name);
            fail::remove(name);
        }
    }
    Ok(lines)
}
