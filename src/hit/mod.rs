//! What reaching a failpoint does: runs the action that the point picked.
//!
//! Imports [`engine`](crate::engine) and `error`. A macro, or a function that hits by name, comes in
//! through `future` (a task waits), `in_place` (it does, at a macro that awaits), `blocking` (a thread does)
//! or `fail_rules` (either, by the rules of `fail`); all go through `evaluate`. `blocked_task` warns of a thread that should not block.

#[cfg(feature = "async")]
mod blocked_task;
mod blocking;
mod evaluate;
mod fail_rules;
#[cfg(feature = "async")]
mod future;
#[cfg(feature = "async")]
mod in_place;

pub use blocking::{failpoint_blocking, hit_blocking, hit_blocking_unit};
pub use evaluate::{FailpointResult, is_armed};
#[cfg(feature = "async")]
pub use fail_rules::{compat_begin, compat_begin_unit};
pub use fail_rules::{compat_eval, compat_unit};
#[cfg(feature = "async")]
pub use future::{
    FailpointFuture, MillisFuture, PausableFuture, failpoint, failpoint_with_cancellation, hit,
    pausable, sleep_millis,
};
#[cfg(feature = "async")]
pub use in_place::{InPlace, begin, begin_unit, begin_unit_with, begin_with};
