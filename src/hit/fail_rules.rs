//! Hits by the rules of the `fail` crate: see [`compat`](crate::compat).
//!
//! They do not check whether failpoints are compiled in: the macros do that, and `eval` works in
//! any build.

use crate::engine::site::{Rules, Spot};
use crate::hit::blocking::{armed_unit, armed_value};
#[cfg(feature = "async")]
use crate::hit::future::{InPlace, Reached, begin_by, begin_unit_by};

/// `fail_point!` with a closure: the closure's result, if it was called.
#[inline]
#[track_caller]
pub fn compat_eval<'a, R>(spot: impl Spot<'a>, f: impl FnOnce(Option<String>) -> R) -> Option<R> {
    if spot.is_idle(Rules::Fail) {
        return None;
    }
    armed_call(spot, f)
}

/// With the closure's code: where closures are alike, the compiler makes one of them.
#[cold]
#[inline(never)]
#[track_caller]
fn armed_call<'a, R>(spot: impl Spot<'a>, f: impl FnOnce(Option<String>) -> R) -> Option<R> {
    armed_value(spot, None, Rules::Fail).map(f)
}

/// `fail_point!` with only a name.
#[inline]
#[track_caller]
pub fn compat_unit<'a>(spot: impl Spot<'a>) {
    if !spot.is_idle(Rules::Fail) {
        armed_unit(spot, None, Rules::Fail);
    }
}

/// `async_fail_point!` with a closure, up to the await.
#[cfg(feature = "async")]
#[inline]
#[track_caller]
pub fn compat_begin<'a>(spot: impl Spot<'a>) -> Reached<Option<String>> {
    begin_by(spot, None, Rules::Fail)
}

/// `async_fail_point!` with only a name, up to the await.
#[cfg(feature = "async")]
#[inline]
#[track_caller]
pub fn compat_begin_unit<'a>(spot: impl Spot<'a>) -> Option<InPlace<()>> {
    begin_unit_by(spot, None, Rules::Fail)
}
