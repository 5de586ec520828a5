//! Proves what the inventory lists: what is compiled in with what is configured, what was
//! counted in all, and who waits since when and with which context.

mod call_sites;
mod delay;
mod totals;
mod turned_away;
mod waiters;

use crate::common::listed;

/// All hits and all that fired under the name.
fn totals(name: &str) -> (usize, usize) {
    let totals = listed(name).totals();
    (totals.hits, totals.fired)
}
