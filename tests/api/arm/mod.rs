//! Proves what a guard gives back when it is dropped, whom that wakes, how guards of one
//! name nest, and when `must_fire` panics.

mod dropping;
mod given_back;
mod model;
mod must_fire;
mod nesting;
mod threads;
mod waiters;

use crate::common::info;

/// Text, matchers, hits and fired.
type Shown = (String, Vec<(String, String)>, usize, usize);

fn shown(name: &str) -> Option<Shown> {
    let point = info(name)?;
    let text = point.actions()?.to_owned();
    Some((text, point.matchers().to_vec(), point.hits(), point.fired()))
}
