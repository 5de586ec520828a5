//! Every macro that a user calls: one static, one call.
//!
//! `native` has this crate's own, `fail` those of `compat`, `implicit` those of Neon that await inside,
//! and `no_async` the errors of builds without the feature `async`. `live` has the static of a call site
//! and what the native macros do with it, `empty` what is left of both in a build without `testing`.
//! What they expand to is in `private`, which is `neon_failpoint::__private` outside; nothing else
//! here has logic. Imports `hit`, and what of [`engine`](crate::engine) an expansion names.

#[cfg(not(feature = "testing"))]
mod empty;
mod fail;
mod implicit;
#[cfg(feature = "testing")]
mod live;
mod native;
#[cfg(not(feature = "async"))]
mod no_async;
pub mod private;
