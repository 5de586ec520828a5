//! Hits by the rules of the `fail` crate: see [`compat`](crate::compat).
//!
//! They do not check whether failpoints are compiled in: the macros do that, and `eval` works in
//! any build.

use crate::engine::site::{Rules, Spot};
use crate::hit::blocking::armed;
use crate::hit::evaluate::NoClosure;
#[cfg(feature = "async")]
use crate::hit::in_place::{InPlace, Place};

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
    armed(spot, None).map(f)
}

/// `fail_point!` with only a name.
#[inline]
#[track_caller]
pub fn compat_unit<'a>(spot: impl Spot<'a>) {
    if !spot.is_idle(Rules::Fail) {
        armed::<NoClosure<true>>(spot, None);
    }
}

/// `async_fail_point!` with a closure: what is to be awaited, if anything.
#[cfg(feature = "async")]
#[inline]
#[track_caller]
pub fn compat_begin<P: Place>(place: P) -> Option<InPlace<Option<String>, P::Held>> {
    place.begin()
}

/// `async_fail_point!` with only a name: what is to be awaited, if anything.
#[cfg(feature = "async")]
#[inline]
#[track_caller]
pub fn compat_begin_unit<P: Place>(place: P) -> Option<InPlace<NoClosure<true>, P::Held>> {
    place.begin()
}
