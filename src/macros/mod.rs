//! Every macro that a user calls: one static, one call.
//!
//! `native` has this crate's own and the static of a call site, `fail` those of `compat`, `implicit`
//! those of Neon that await inside, and `no_async` the errors of builds without the feature `async`.
//! What they expand to is in `private`, which is `neon_failpoint::__private` outside; nothing else
//! here has logic. Imports `hit`, and what of [`engine`](crate::engine) an expansion names.

mod fail;
mod implicit;
mod native;
#[cfg(not(feature = "async"))]
mod no_async;
pub mod private;
