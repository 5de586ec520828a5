//! Proves that a test in a scope is as if it were alone: whatever thread, runtime or executor makes
//! the hits, whatever acts by name, and until the scope ends. Tests that act outside of all scopes
//! have names of their own.
#![cfg(all(
    feature = "testing",
    feature = "async",
    feature = "context",
    feature = "runtime"
))]

mod by_name;
mod cluster;
#[path = "../common/mod.rs"]
mod common;
mod draws;
mod elsewhere;
mod ends;
mod executors;
mod fail_api;
mod fail_parallel;
#[cfg(feature = "http")]
mod http;
mod interference;
mod last_moments;
mod many;
mod model;
mod panics;
mod runtimes;
mod scenarios;
mod shadowing;
mod store;
mod threads;

use neon_failpoint::{Armed, arm};

/// Arms `name` to return `text`, in the scope of the caller.
fn armed(name: &str, text: &str) -> Armed {
    arm(name, format!("return({text})")).unwrap()
}
