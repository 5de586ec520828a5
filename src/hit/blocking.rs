//! Hits of synchronous code.

use crate::engine::context::FailpointContext;
#[cfg(feature = "explore")]
use crate::engine::director::{self, Verdict};
use crate::engine::site::{ENABLED, Rules, Target};
use crate::engine::wait::block;
#[cfg(feature = "explore")]
use crate::hit::evaluate::arrival;
use crate::hit::evaluate::{FailpointResult, Step, burn, evaluate, no_closure};

/// Hits the failpoint `name` from synchronous code.
///
/// Every action works as in [`failpoint`](crate::failpoint()), but it is the thread that waits:
/// `pause` until it is released or the point is reconfigured or removed, `sleep(N)` for N
/// milliseconds of real time or until then, whichever is first. The result is never
/// [`FailpointResult::Cancelled`].
///
/// In async code use [`failpoint`](crate::failpoint()): a blocked runtime thread runs no other
/// task, and a blocked `spawn_blocking` holds up the runtime's shutdown until its wait ends.
///
/// # Panics
///
/// If the point is configured to `panic`: `failpoint NAME panic`, and for `panic(boom)`
/// `boom (failpoint "NAME")`, at the place of the call.
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
#[track_caller]
pub fn failpoint_blocking(name: &str, context: Option<&FailpointContext>) -> FailpointResult {
    match hit_blocking(Target::Name(name), context) {
        Some(value) => FailpointResult::Return(value.unwrap_or_default()),
        None => FailpointResult::Continue,
    }
}

/// Hits a failpoint for a blocking macro: `Some`, with the argument of the `return`, if it returns.
#[inline]
#[track_caller]
pub fn hit_blocking(
    target: Target<'_>,
    context: Option<&FailpointContext>,
) -> Option<Option<String>> {
    if !ENABLED {
        return None;
    }
    hit_by(target, context, Rules::Native)
}

/// Hits a failpoint for a blocking macro without a closure.
#[inline]
#[track_caller]
pub fn hit_blocking_unit(target: Target<'_>, context: Option<&FailpointContext>) {
    if ENABLED && !target.is_idle(Rules::Native) {
        armed_unit(target, context, Rules::Native);
    }
}

/// Out of line with all it needs, so that an idle call site has no stack frame for it.
#[cold]
#[track_caller]
pub(super) fn armed_unit(target: Target<'_>, context: Option<&FailpointContext>, rules: Rules) {
    if run_armed(&target, context, rules, None) {
        no_closure(target.name(), rules);
    }
}

#[inline]
#[track_caller]
pub(super) fn hit_by(
    target: Target<'_>,
    context: Option<&FailpointContext>,
    rules: Rules,
) -> Option<Option<String>> {
    if target.is_idle(rules) {
        return None;
    }
    let mut value = None;
    armed_value(target, context, rules, &mut value).then_some(value)
}

/// Takes its arguments by value, so that an idle call site writes nothing to its stack.
#[cold]
#[track_caller]
fn armed_value(
    target: Target<'_>,
    context: Option<&FailpointContext>,
    rules: Rules,
    value: &mut Option<String>,
) -> bool {
    run_armed(&target, context, rules, Some(value))
}

/// Returns whether the hit returns, and sets `value` to the argument of the `return`. Without a place
/// for that the site cannot return.
#[inline(never)]
#[track_caller]
pub(super) fn run_armed(
    target: &Target<'_>,
    context: Option<&FailpointContext>,
    rules: Rules,
    value: Option<&mut Option<String>>,
) -> bool {
    #[cfg(feature = "explore")]
    let can_return = value.is_some();
    let mut nowhere = None;
    let value = value.unwrap_or(&mut nowhere);
    let step = evaluate(target, context, rules, value);
    #[cfg(feature = "explore")]
    if let Some(director) = director::of(target.name()) {
        let can_return = can_return && !matches!(step, Step::Return);
        match director.pass(&arrival(target, context, can_return)) {
            Verdict::Continue => {}
            Verdict::Return(fault) => {
                *value = fault;
                return true;
            }
        }
    }
    #[cfg(feature = "async")]
    if rules == Rules::Fail {
        crate::hit::blocked_task::warn_before(&step, target.name(), std::panic::Location::caller());
    }
    match step {
        Step::Continue => {}
        Step::Return => return true,
        Step::Yield => std::thread::yield_now(),
        Step::Delay { point, time } => burn(&point, time),
        // By the rules of `fail` a sleep lasts, whatever happens to its point.
        Step::Wait {
            point,
            limit: Some(limit),
        } if rules == Rules::Fail => {
            std::thread::sleep(limit);
            point.add_delay(limit);
        }
        Step::Wait { point, limit } => block(&point, context, limit),
    }
    false
}
