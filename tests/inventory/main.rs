//! Proves what the inventory lists: what is compiled in with what is configured, what was
//! counted in all, and who waits since when and with which context. Shares the global table:
//! every test has names of its own; those that remove everything run alone.
#![cfg(all(feature = "testing", feature = "async", feature = "context"))]

mod call_sites;
#[path = "../common/mod.rs"]
mod common;
mod delay;
mod totals;
mod waiters;

use neon_failpoint::{FailpointInfo, list_failpoints};

fn listed(name: &str) -> FailpointInfo {
    let points = list_failpoints();
    let point = points.into_iter().find(|p| p.name() == name);
    point.unwrap_or_else(|| panic!("{name:?} is not listed"))
}

/// All hits and all that fired under the name.
fn totals(name: &str) -> (usize, usize) {
    let totals = listed(name).totals();
    (totals.hits, totals.fired)
}
