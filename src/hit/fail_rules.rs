//! Hits by the rules of the `fail` crate: see [`compat`](crate::compat).
//!
//! They do not check whether failpoints are compiled in: the macros do that, and `eval` works in
//! any build.

use crate::engine::site::{Rules, Target};
use crate::hit::blocking::{armed_unit, hit_by};
#[cfg(feature = "async")]
use crate::hit::future::{Begun, Waiting, begin_by, begin_unit_by};

/// `fail_point!` with a closure: the closure's result, if it was called.
#[inline]
#[track_caller]
pub fn compat_eval<R>(target: Target<'_>, f: impl FnOnce(Option<String>) -> R) -> Option<R> {
    hit_by(target, None, Rules::Fail).map(f)
}

/// `fail_point!` with only a name.
#[inline]
#[track_caller]
pub fn compat_unit(target: Target<'_>) {
    if !target.is_idle(Rules::Fail) {
        armed_unit(target, None, Rules::Fail);
    }
}

/// `async_fail_point!` with a closure, up to the await.
#[cfg(feature = "async")]
#[inline]
#[track_caller]
pub fn compat_begin(target: Target<'_>) -> Begun<'static> {
    begin_by(target, None, Rules::Fail, true)
}

/// `async_fail_point!` with only a name, up to the await.
#[cfg(feature = "async")]
#[inline]
#[track_caller]
pub fn compat_begin_unit(target: Target<'_>) -> Option<Waiting<'static>> {
    begin_unit_by(target, None, Rules::Fail)
}
