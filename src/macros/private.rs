//! What the macros expand to. Not part of the public API: it may change in any release.

use crate::engine::context::FailpointContext;
pub use crate::engine::env::configure_entries;
pub use crate::engine::listed::*;
pub use crate::engine::site::{Returns, Site, SiteKind, Spot, Target};
pub use crate::hit::{
    FailpointResult, compat_eval, compat_unit, hit_blocking, hit_blocking_unit, is_armed,
};
#[cfg(feature = "async")]
pub use crate::hit::{
    InPlace, MillisFuture, PausableFuture, begin, begin_unit, begin_unit_with, begin_with,
    compat_begin, compat_begin_unit, hit, pausable, sleep_millis,
};
#[cfg(feature = "testing")]
pub use linkme;
#[cfg(feature = "async")]
use std::task::Poll;

/// The future of a macro in a build without failpoints: ready, and of no size if `result` has none.
#[cfg(feature = "async")]
pub fn ready<R>(result: impl Fn() -> R) -> impl Future<Output = R> {
    std::future::poll_fn(move |_| Poll::Ready(result()))
}

/// Calls the closure of a macro with the argument of the `return`.
///
/// The closure's parameter gets its type here, so that `|value|` needs none; its result has the
/// type that the enclosing function needs.
#[inline]
pub fn call<V, R>(value: V, closure: impl FnOnce(V) -> R) -> R {
    closure(value)
}

/// [`call`] in a build without failpoints, where it is checked and never run.
#[inline]
pub fn check_call<R>(closure: impl FnOnce(String) -> R) -> R {
    closure(String::new())
}

/// A name that exists only at run time, as `&str` or something that derefs to it.
#[inline]
pub fn by_name(name: &str) -> Target<'_> {
    Target::Name(name)
}

/// Checks the type of a macro's name in a build without failpoints.
#[inline]
pub fn check_target(_: Target<'_>) {}

/// Gives a macro's context its type, so that something that derefs to it will do.
#[inline]
pub fn context(context: &FailpointContext) -> Option<&FailpointContext> {
    Some(context)
}

/// Gives a macro's token its type, so that something that derefs to it will do.
#[cfg(feature = "async")]
#[inline]
pub fn token(
    cancel: &tokio_util::sync::CancellationToken,
) -> Option<&tokio_util::sync::CancellationToken> {
    Some(cancel)
}
