//! Hits of synchronous code.

use super::{ENABLED, FailpointResult, OnReturn, Step, Target, evaluate, no_closure};
use crate::context::FailpointContext;
use crate::wait::{Waiter, block};

/// Hits the failpoint `name` from synchronous code.
///
/// Every action works as in [`failpoint`](crate::failpoint()), but it is the thread
/// that waits: `pause` until the point is reconfigured or removed, `sleep(N)` for N
/// milliseconds of real time or until then, whichever is first. The answer is never
/// [`FailpointResult::Cancelled`].
///
/// In async code use [`failpoint`](crate::failpoint()): a blocked thread of a runtime
/// runs no other task, and a blocked `spawn_blocking` holds up the runtime's
/// shutdown until its point is reconfigured or removed.
///
/// # Panics
///
/// Where the point is configured to `panic`, with the message of `fail` 0.5.1.
///
/// # Examples
///
/// ```
/// use neon_failpoint::{FailpointResult, configure_failpoint, failpoint_blocking};
///
/// fn load() -> Result<u32, String> {
///     if let FailpointResult::Return(reason) = failpoint_blocking("blocking-doc", None) {
///         return Err(reason);
///     }
///     Ok(7)
/// }
///
/// # if !neon_failpoint::has_failpoints() { return }
/// configure_failpoint("blocking-doc", "1*return(disk full)").unwrap();
/// assert_eq!(load(), Err("disk full".to_owned()));
/// assert_eq!(load(), Ok(7));
/// ```
pub fn failpoint_blocking(name: &str, context: Option<&FailpointContext>) -> FailpointResult {
    match hit_blocking(Target::Name(name), context) {
        Some(value) => FailpointResult::Return(value),
        None => FailpointResult::Continue,
    }
}

/// A blocking hit of a macro: the value to return, if there is one.
#[inline]
pub fn hit_blocking(target: Target<'_>, context: Option<&FailpointContext>) -> Option<String> {
    if !ENABLED || target.is_idle() {
        return None;
    }
    armed(target, context)
}

/// A blocking hit of a macro without a closure.
#[inline]
#[track_caller]
pub fn hit_blocking_unit(target: Target<'_>, context: Option<&FailpointContext>) {
    if hit_blocking(target, context).is_some() {
        no_closure(target.name());
    }
}

#[cold]
fn armed(target: Target<'_>, context: Option<&FailpointContext>) -> Option<String> {
    match evaluate(target, context, OnReturn::Return) {
        Step::Continue => {}
        Step::Return(value) => return Some(value.unwrap_or_default()),
        Step::Yield => std::thread::yield_now(),
        Step::Wait { point, limit } => block(Waiter::new(point, true, context), limit),
    }
    None
}
