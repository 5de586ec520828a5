//! Hits by the rules of the `fail` crate: see [`compat`](crate::compat).
//!
//! They do not check whether failpoints are compiled in: the macros do that, and `eval` works in
//! any build.

use super::blocking::{hit_by, run_armed};
#[cfg(feature = "async")]
use super::future::{Begun, begin_by};
use super::{Rules, Target};
#[cfg(feature = "async")]
use crate::wait::Waiting;

/// A blocking hit: `Some`, with the argument of the `return`, if it returns.
#[inline]
#[track_caller]
fn hit_compat(target: Target<'_>) -> Option<Option<String>> {
    hit_by(target, None, Rules::Fail)
}

/// `fail_point!` with a closure: the closure's result, if it was called.
#[inline]
#[track_caller]
pub fn compat_eval<R>(target: Target<'_>, f: impl FnOnce(Option<String>) -> R) -> Option<R> {
    hit_compat(target).map(f)
}

/// `fail_point!` with only a name.
#[inline]
#[track_caller]
pub fn compat_unit(target: Target<'_>) {
    if !target.is_idle(Rules::Fail) {
        armed_unit(target);
    }
}

/// Out of line with all it needs, so that an idle call site has no stack frame for it.
#[cold]
#[track_caller]
fn armed_unit(target: Target<'_>) {
    if run_armed(&target, None, Rules::Fail, &mut None) {
        not_supported(target.name());
    }
}

/// `async_fail_point!` with a closure, up to the await.
#[cfg(feature = "async")]
#[inline]
pub fn compat_begin(target: Target<'_>) -> Begun<'static> {
    begin_by(target, None, None, Rules::Fail)
}

/// `async_fail_point!` with only a name, up to the await.
#[cfg(feature = "async")]
#[inline]
#[track_caller]
pub fn compat_begin_unit(target: Target<'_>) -> Option<Waiting<'static>> {
    match compat_begin(target) {
        Begun::Continue => None,
        Begun::Wait(waiting) => Some(waiting),
        Begun::Return(_) => not_supported(target.name()),
    }
}

#[cold]
#[track_caller]
fn not_supported(name: &str) -> ! {
    panic!("Return is not supported for the fail point \"{name}\"")
}
