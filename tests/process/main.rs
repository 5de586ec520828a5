//! What belongs to the process, whatever scopes there are: its environment, its seed, the deadline of its
//! waits, the end of its threads. The tests take turns, or run in a child.
#![cfg(feature = "testing")]

#[path = "../common/mod.rs"]
mod common;
#[cfg(all(feature = "async", feature = "context"))]
mod deadlines;
mod determinism;
mod env;
#[cfg(all(target_os = "linux", feature = "async"))]
mod fork;
mod hangs;
#[cfg(all(feature = "async", feature = "context"))]
mod heard;
#[cfg(all(feature = "async", feature = "context"))]
mod list;
mod run_time_names;
#[cfg(all(feature = "async", feature = "context"))]
mod thread_ends;
