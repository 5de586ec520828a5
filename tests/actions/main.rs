//! Every action through every way to hit a failpoint, and callbacks and subscribers
//! that use the library from inside a hit (I5).
//!
//! Shares the global table: every test has names of its own. What ends a process, or
//! needs a fresh one, runs in a child: this executable again, with a variable set.
#![cfg(all(feature = "testing", feature = "async", feature = "context"))]

mod callbacks;
#[path = "../common/mod.rs"]
mod common;
mod ends_of_hits;
mod every_action;
mod loggers;
mod ways;
