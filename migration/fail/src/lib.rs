//! The `fail` crate's API on [`neon_failpoint`]'s table.
//!
//! A project that depends on `fail` 0.5 uses this package instead and changes no code. It gets
//! [`neon_failpoint::compat`], which documents where and why it differs. Points configured here act
//! on native call sites of the same build and vice versa.
//!
//! | feature | what it does |
//! |---|---|
//! | `failpoints` | `fail_point!` has code; without it the macro is empty, whatever features other crates of the build enable on `neon_failpoint` |
//! | `async` | `async_fail_point!`, the same macro for async code; brings tokio |
//! | `runtime` | [`isolate`] reaches all of a tokio runtime, and `Scope::attach` is there; brings tokio 1.49 or later |
//!
//! Beyond `fail`'s API it has the scopes of neon_failpoint: a test that begins with [`isolate`] is as if
//! it were alone in its process, so that tests need no `--test-threads 1`.
//!
//! ```
//! # #[macro_use] extern crate fail;
//! # fn main() {
//! fn answer() -> u64 {
//!     fail_point!("shim-doc", |value| value.map_or(2, |v| v.parse().unwrap()));
//!     42
//! }
//!
//! fail::cfg("shim-doc", "1*return(7)").unwrap();
//! let first = if fail::has_failpoints() { 7 } else { 42 };
//! assert_eq!((answer(), answer()), (first, 42));
//! # }
//! ```

#![forbid(unsafe_code)]

// One by one: later additions to `compat` are not part of `fail`.
pub use neon_failpoint::compat::{FailGuard, FailScenario, cfg, cfg_callback, list, remove};

#[doc(hidden)]
pub use neon_failpoint::compat::eval;

#[doc(no_inline)]
#[cfg(feature = "runtime")]
pub use neon_failpoint::Attached;
#[doc(no_inline)]
pub use neon_failpoint::{Entered, InScope, Isolated, Scope, Scoped, isolate};

#[doc(inline)]
#[cfg(feature = "failpoints")]
pub use neon_failpoint::__compat_fail_point as fail_point;
#[doc(inline)]
#[cfg(not(feature = "failpoints"))]
pub use neon_failpoint::__compat_no_fail_point as fail_point;

#[doc(inline)]
#[cfg(all(feature = "async", feature = "failpoints"))]
pub use neon_failpoint::__compat_async_fail_point as async_fail_point;
#[doc(inline)]
#[cfg(all(feature = "async", not(feature = "failpoints")))]
pub use neon_failpoint::__compat_no_fail_point as async_fail_point;

/// Returns whether `fail_point!` has code: this package's own feature `failpoints`.
pub const fn has_failpoints() -> bool {
    cfg!(feature = "failpoints")
}
