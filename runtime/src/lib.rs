//! Which tokio runtime a thread belongs to: a part of `neon_failpoint`, behind its feature `runtime`.
//!
//! ```
//! assert_eq!(neon_failpoint_runtime::current(), None);
//! ```

#![forbid(unsafe_code)]

pub use tokio::runtime::{Handle, Id};

/// Returns the runtime that this thread works for: as a worker, inside `block_on` or `enter`, or for
/// `spawn_blocking`.
pub fn current() -> Option<Id> {
    Handle::try_current().ok().map(|handle| handle.id())
}
