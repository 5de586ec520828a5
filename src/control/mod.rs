//! What a test calls: to configure, to arm, to wait, to release, to look around.
//!
//! Imports [`engine`](crate::engine) and `error`. `config` writes the table, `release` lets waiters
//! go, `list` shows what there is, `wait_for` waits for it and lists it when its time is up; `arm` is a
//! guard over all of these. `scope` says where they act.

mod arm;
pub(crate) mod config;
pub(crate) mod list;
pub(crate) mod release;
mod scope;
pub(crate) mod wait_for;
#[cfg(all(test, neon_failpoint_loom))]
mod wait_models;

pub use arm::{Armed, arm, arm_callback, arm_with_context};
pub use config::{
    FailpointConfig, configure_failpoint, configure_failpoint_callback,
    configure_failpoint_with_context, configure_failpoints, has_failpoints, remove_all_failpoints,
    remove_failpoint, seed, set_seed,
};
pub use list::{CallSite, FailpointInfo, FailpointTotals, Origin, list_failpoints};
pub use release::{release_failpoint, release_failpoint_matching};
#[cfg(feature = "runtime")]
pub use scope::Attached;
pub use scope::{Entered, InScope, Isolated, Scope, Scoped, isolate};
pub use wait_for::{Wait, set_wait_deadline, wait_for_hits, wait_until_fired, wait_until_paused};
