//! The shim beside `fail`: the same source compiles with both, and Cargo puts one in the other's place.

mod common;
#[cfg(feature = "failpoints")]
mod forms;
mod patch;
mod upstream;
