//! The public API, by noun. Each test is in a scope of its own, as if it were alone in the process.
//!
//! Without the feature `runtime` a scope does not reach the workers of a runtime: with `async`, the
//! tests need it.
#![cfg(all(feature = "testing", any(feature = "runtime", not(feature = "async"))))]

#[cfg(all(feature = "async", feature = "context"))]
mod actions;
#[cfg(all(feature = "async", feature = "context"))]
mod arm;
#[path = "../common/mod.rs"]
mod common;
mod config;
#[cfg(all(feature = "async", feature = "context"))]
mod context;
#[cfg(all(feature = "async", feature = "context"))]
mod counts;
mod errors;
#[cfg(feature = "async")]
mod failpoint_support;
#[cfg(feature = "async")]
mod futures;
mod grammar;
#[cfg(all(feature = "async", feature = "context"))]
mod inventory;
#[cfg(all(feature = "async", feature = "context"))]
mod release;
#[cfg(feature = "async")]
mod sites;
#[cfg(all(feature = "async", feature = "context"))]
mod spec;
#[cfg(all(feature = "async", feature = "context"))]
mod wait_for;
#[cfg(all(feature = "async", feature = "context"))]
mod waiting_async;
mod waiting_blocking;
#[cfg(feature = "async")]
mod waiting_remove_all;
