//! Failpoints for async Rust.
#![forbid(unsafe_code)]

mod action;
mod config;
mod context;
mod draws;
mod env;
mod error;
mod hit;
mod macros;
#[cfg(all(test, neon_failpoint_loom))]
mod model;
mod name;
mod point;
mod report;
mod site;
mod sync;
mod table;
mod trie;
mod wait;

#[doc(hidden)]
pub mod __private;

pub use config::{
    FailpointConfig, FailpointInfo, configure_failpoint, configure_failpoint_callback,
    configure_failpoint_with_context, configure_failpoints, has_failpoints, list_failpoints,
    remove_all_failpoints, remove_failpoint, set_seed,
};
pub use context::FailpointContext;
pub use env::init;
pub use error::Error;
#[cfg(feature = "async")]
pub use hit::{FailpointFuture, failpoint, failpoint_with_cancellation};
pub use hit::{FailpointResult, failpoint_blocking};
pub use wait::WaiterInfo;
