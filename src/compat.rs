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
//!
//! For the same reason as in the last row, a callback that was replaced or removed may call this
//! module when what it captured is dropped; in `fail` that deadlocks.
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

mod parse;
pub(crate) mod scenario;

use std::sync::Arc;

use crate::action::{Alternative, Callback, Task};
use crate::hit::{ENABLED, Target, compat_eval};
use crate::name::hash;
use crate::point::Point;
use crate::table::Registry;
use crate::trie::Named;
use crate::unwind::in_destructor;
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

/// Returns whether failpoints are compiled into call sites: the feature `testing`.
///
/// ```
/// if neon_failpoint::compat::has_failpoints() {
///     println!("a test may rely on them");
/// }
/// ```
pub const fn has_failpoints() -> bool {
    ENABLED
}

/// Returns the configured failpoints as pairs of name and actions, sorted by name.
///
/// The actions are the text as it was configured, or `callback` for a callback.
///
/// ```
/// use neon_failpoint::compat::{cfg, list};
///
/// cfg("compat-list-doc", "10%return(x)").unwrap();
/// assert!(list().contains(&("compat-list-doc".to_owned(), "10%return(x)".to_owned())));
/// ```
pub fn list() -> Vec<(String, String)> {
    let points = Registry::global().points();
    points
        .iter()
        .map(|p| (p.name().to_owned(), p.text()))
        .collect()
}

#[doc(hidden)]
#[track_caller]
pub fn eval<R, F: FnOnce(Option<String>) -> R>(name: &str, f: F) -> Option<R> {
    compat_eval(Target::Name(name), f)
}

/// Configures the failpoint `name` to do `actions`, a chain `action[->action...]` of
/// `[p%][cnt*]task[(arg)]`.
///
/// The tasks are `off`, `return(arg)`, `sleep(milliseconds)`, `panic(msg)`, `print(msg)`, `pause`,
/// `yield` and `delay(milliseconds)`. An earlier configuration is replaced, and its waiters
/// continue. This works without the feature `testing`, too, but then no macro looks.
///
/// # Errors
///
/// If the actions are not of that form, in `fail`'s words; the earlier configuration stays.
///
/// ```
/// use neon_failpoint::compat::{cfg, list};
///
/// cfg("compat-cfg-doc", "20%3*print(still alive!)->panic").unwrap();
/// let error = cfg("compat-cfg-doc", "retrun").unwrap_err();
/// assert_eq!(error, r#"unrecognized command "retrun""#);
/// ```
pub fn cfg<S: Into<String>>(name: S, actions: &str) -> Result<(), String> {
    put(point(name.into(), actions)?);
    Ok(())
}

/// Configures the failpoint `name` to call `f` at every hit, inside the hit.
///
/// The callback may configure or remove failpoints, including its own.
///
/// # Errors
///
/// None; the type is `fail`'s.
///
/// ```
/// use neon_failpoint::compat::{cfg_callback, eval};
/// use std::sync::atomic::{AtomicBool, Ordering};
///
/// static CALLED: AtomicBool = AtomicBool::new(false);
/// cfg_callback("compat-callback-doc", || CALLED.store(true, Ordering::Relaxed)).unwrap();
/// assert_eq!(eval("compat-callback-doc", |_| ()), None);
/// assert!(CALLED.load(Ordering::Relaxed));
/// ```
pub fn cfg_callback<S, F>(name: S, f: F) -> Result<(), String>
where
    S: Into<String>,
    F: Fn() + Send + Sync + 'static,
{
    let always = Alternative::always(Task::Callback(Callback::new(f)));
    let draws = &Registry::global().draws;
    put(Point::new(name.into(), vec![always], None, draws));
    Ok(())
}

/// Removes the failpoint `name`, if it is configured. Its waiters continue.
///
/// ```
/// use neon_failpoint::compat::{cfg, list, remove};
///
/// cfg("compat-remove-doc", "pause").unwrap();
/// remove("compat-remove-doc");
/// assert!(list().is_empty());
/// ```
pub fn remove<S: AsRef<str>>(name: S) {
    Registry::global().remove(hash(name.as_ref()), name.as_ref());
}

/// A configuration that is removed when this is dropped.
///
/// Dropping it removes whatever is configured under the name by then, and restores nothing.
///
/// ```
/// use neon_failpoint::compat::{FailGuard, list};
///
/// let guard = FailGuard::new("compat-guard-doc", "off").unwrap();
/// assert_eq!(list(), [("compat-guard-doc".to_owned(), "off".to_owned())]);
/// drop(guard);
/// assert!(list().is_empty());
/// ```
#[derive(Debug)]
pub struct FailGuard(String);

impl FailGuard {
    /// Configures a failpoint as [`cfg`](cfg()) does, for as long as the guard lives.
    ///
    /// # Errors
    ///
    /// Those of [`cfg`](cfg()).
    ///
    /// ```
    /// use neon_failpoint::compat::{FailGuard, eval};
    ///
    /// let guard = FailGuard::new("compat-guard-new-doc", "return(5)").unwrap();
    /// assert_eq!(eval("compat-guard-new-doc", |value| value), Some(Some("5".to_owned())));
    /// drop(guard);
    /// assert_eq!(eval("compat-guard-new-doc", |value| value), None);
    /// ```
    pub fn new<S: Into<String>>(name: S, actions: &str) -> Result<FailGuard, String> {
        let name = name.into();
        cfg(&name, actions)?;
        Ok(FailGuard(name))
    }

    /// Configures a failpoint as [`cfg_callback`] does, for as long as the guard lives.
    ///
    /// # Errors
    ///
    /// None; the type is `fail`'s.
    ///
    /// ```
    /// use neon_failpoint::compat::{FailGuard, eval};
    ///
    /// let _guard = FailGuard::with_callback("compat-guard-callback-doc", || println!("hit"));
    /// eval("compat-guard-callback-doc", |_| ());
    /// ```
    pub fn with_callback<S, F>(name: S, f: F) -> Result<FailGuard, String>
    where
        S: Into<String>,
        F: Fn() + Send + Sync + 'static,
    {
        let name = name.into();
        cfg_callback(&name, f)?;
        Ok(FailGuard(name))
    }
}

impl Drop for FailGuard {
    fn drop(&mut self) {
        in_destructor(|| remove(&self.0));
    }
}

pub(crate) fn point(name: impl Into<Box<str>>, actions: &str) -> Result<Arc<Point>, String> {
    let alternatives = parse::actions(actions)?;
    let draws = &Registry::global().draws;
    Ok(Point::new(name, alternatives, Some(actions.into()), draws))
}

pub(crate) fn put(point: Arc<Point>) {
    Registry::global().put(&[point]);
}
