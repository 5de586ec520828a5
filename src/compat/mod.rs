//! The API of the `fail` crate, version 0.5.1, on this crate's table.
//!
//! A project that uses `fail` replaces the dependency with the package in `migration/fail`, which
//! re-exports this module, and changes no code. Points that are configured here act on native call
//! sites and vice versa, each by its own rules: a hit through this module prints to `log` with the
//! target `fail`, sleeps for all its milliseconds, and panics with `fail`'s messages. Functions,
//! macro and types do what `fail` 0.5.1 documents, error and panic texts included.
//! ```
//! use neon_failpoint::compat::{self as fail, fail_point};
//!
//! fn read() -> u64 {
//!     fail_point!("compat-doc", |value| value.map_or(2, |v| v.parse().unwrap()));
//!     0
//! }
//!
//! # if !fail::has_failpoints() { return }
//! let scenario = fail::FailScenario::setup();
//! fail::cfg("compat-doc", "return(100)").unwrap();
//! assert_eq!(read(), 100);
//! scenario.teardown();
//! assert_eq!(read(), 0);
//! ```
//!
//! # Where it differs
//!
//! Only where `fail` 0.5.1 is broken:
//!
//! | what | `fail` | here | why |
//! |---|---|---|---|
//! | a bad value of FAILPOINTS | `setup` panics, and every later call panics too | `setup` panics with the same message; nothing of the value is configured, and the registry stays usable | the panic poisons `fail`'s lock for good |
//! | a negative or NaN percentage | accepted; a hit panics if it is negative, and fires if it is NaN | an error of [`cfg`](cfg()) | the mistake is reported where it is made |
//! | a second [`FailScenario::setup`] on one thread | deadlock | a panic that says so | a test that hangs explains nothing |
//! | releasing many paused threads | every hit in the process waits meanwhile | no hit waits | `fail` holds the registry's lock over a busy wait |
//! | a `pause` of 30 seconds | silence | standard error says so, once: see [`set_wait_deadline`](crate::set_wait_deadline) | a test that hangs explains nothing |
//! | an armed point in the global allocator | what a hit allocates itself hits again | it does not; what a logger, a callback or a panic allocates does | recursion without end |
//!
//! For the same reason as in the row of paused threads, a callback that was replaced or removed may
//! call this module when what it captured is dropped; in `fail` that deadlocks.
//!
//! # The environment
//!
//! Nothing here reads FAILPOINTS except [`FailScenario::setup`], as in `fail`. A scenario counts as
//! the one reading: afterwards no native call reads it again. It reads by `fail`'s grammar, even
//! after a native [`init`](crate::init): in that grammar `x=exit` is a panic, and a name keeps the
//! spaces around it.
//!
//! # Async code
//!
//! [`fail_point!`] blocks its thread, as `fail`'s does. If that thread is polling a tokio task, a
//! `pause`, a `sleep`, or a `delay` of more than 10 milliseconds logs a warning, once for each call
//! site, with its file and line (feature `async`): [`async_fail_point!`] takes the same arguments
//! and awaits. Threads that may block, such as those of `spawn_blocking`, cause no warning.
//!
//! This module and the crate's root each have a macro `fail_point!`. Glob imports of both are
//! ambiguous, an error or a warning depending on the compiler: import one of them by name.

pub(crate) mod fail_api;
// `fail_api` has the functions and the guard, over `fail_grammar`; `scenario` has `FailScenario`.
mod fail_grammar;
pub(crate) mod scenario;

pub use fail_api::{FailGuard, cfg, cfg_callback, eval, has_failpoints, list, remove};
pub use scenario::FailScenario;

#[doc(inline)]
#[cfg(feature = "testing")]
pub use crate::__compat_fail_point as fail_point;
#[doc(inline)]
#[cfg(not(feature = "testing"))]
pub use crate::__compat_no_fail_point as fail_point;

#[doc(inline)]
#[cfg(all(feature = "async", feature = "testing"))]
pub use crate::__compat_async_fail_point as async_fail_point;
#[doc(inline)]
#[cfg(all(feature = "async", not(feature = "testing")))]
pub use crate::__compat_no_fail_point as async_fail_point;
