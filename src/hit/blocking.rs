//! Hits of synchronous code.

use crate::engine::context::FailpointContext;
#[cfg(feature = "explore")]
use crate::engine::director::{self, Verdict};
use crate::engine::site::{ENABLED, Returns, Rules, Spot, Target};
use crate::engine::wait::block;
#[cfg(feature = "explore")]
use crate::hit::evaluate::arrival;
use crate::hit::evaluate::{
    Argument, FailpointResult, NoClosure, Step, burn, evaluate, no_closure,
};

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
        Some(value) => FailpointResult::Return(value),
        None => FailpointResult::Continue,
    }
}

/// Hits a failpoint for a blocking macro: `Some`, with the argument of the `return`, if it returns.
#[inline]
#[track_caller]
pub fn hit_blocking<'a>(spot: impl Spot<'a>, context: Option<&FailpointContext>) -> Option<String> {
    if !ENABLED || spot.is_idle(Rules::Native) {
        return None;
    }
    armed(spot, context)
}

/// Hits a failpoint for a blocking macro without a closure.
#[inline]
#[track_caller]
pub fn hit_blocking_unit<'a>(spot: impl Spot<'a>, context: Option<&FailpointContext>) {
    if ENABLED && !spot.is_idle(Rules::Native) {
        armed::<NoClosure<false>>(spot, context);
    }
}

/// Out of line with all it needs, so that an idle call site has no stack frame for it.
#[cold]
#[inline(never)]
#[track_caller]
pub(super) fn armed<'a, V: Argument>(
    spot: impl Spot<'a>,
    context: Option<&FailpointContext>,
) -> Option<V> {
    let mut value = None;
    if run_armed(&spot.into(), context, V::RULES, V::RETURNS, &mut value) {
        return V::from_argument(value);
    }
    None
}

/// Returns whether the hit returns, and sets `value` to the argument of the `return`.
#[inline(never)]
#[track_caller]
fn run_armed(
    target: &Target<'_>,
    context: Option<&FailpointContext>,
    rules: Rules,
    returns: Returns,
    value: &mut Option<String>,
) -> bool {
    let step = evaluate(target, context, rules, value);
    if matches!(step, Step::Return) && returns == Returns::Panics {
        no_closure(target.name(), rules);
    }
    #[cfg(feature = "explore")]
    if let Some(director) = director::of(target.name()) {
        let can_return = returns == Returns::Value && !matches!(step, Step::Return);
        match director.pass(&arrival(target, context, can_return)) {
            Verdict::Continue => {}
            Verdict::Return(fault) => {
                *value = fault;
                return true;
            }
        }
    }
    #[cfg(feature = "async")]
    {
        let place = std::panic::Location::caller();
        crate::hit::blocked_task::warn_before(&step, target.name(), rules, place);
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
        Step::Wait { point, limit } => block(&point, context, limit, target.call_site()),
    }
    false
}
