//! `fail`'s functions, and its guard.

use std::fmt;
use std::sync::Arc;

use crate::compat::fail_grammar;
use crate::engine::actions::action::{Action, Callback};
use crate::engine::actions::chain::Alternative;
use crate::engine::layers::Cause;
use crate::engine::name::hash;
use crate::engine::point::{Made, Point};
use crate::engine::scope::Home;
use crate::engine::site::{ENABLED, Target};
use crate::engine::table::{Ended, Registry};
use crate::engine::trie::Named;
use crate::engine::unwind::in_destructor;
use crate::hit::compat_eval;

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
    let registry = Registry::global();
    let points = registry.points(&registry.home());
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
#[track_caller]
pub fn cfg<S: Into<String>>(name: S, actions: &str) -> Result<(), String> {
    let home = Registry::global().home();
    put(point(&home, Made::configured(), name.into(), actions)?)
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
#[track_caller]
pub fn cfg_callback<S, F>(name: S, f: F) -> Result<(), String>
where
    S: Into<String>,
    F: Fn() + Send + Sync + 'static,
{
    let always = Alternative::always(Action::Callback(Callback::new(f)));
    let registry = Registry::global();
    put(registry.point(
        &registry.home(),
        Made::configured(),
        name.into(),
        vec![always],
        None,
    ))
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
#[track_caller]
pub fn remove<S: AsRef<str>>(name: S) {
    remove_from(
        &Registry::global().home(),
        name.as_ref(),
        Cause::here("removed"),
    );
}

fn remove_from(home: &Home, name: &str, cause: Cause) {
    Registry::global().remove(home, hash(name), name, Some(cause));
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
pub struct FailGuard {
    name: String,
    home: Home,
    made_at: Cause,
}

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
    #[track_caller]
    pub fn new<S: Into<String>>(name: S, actions: &str) -> Result<FailGuard, String> {
        let name = name.into();
        cfg(&name, actions)?;
        Ok(Self::of(name))
    }

    #[track_caller]
    fn of(name: String) -> Self {
        Self {
            name,
            home: Registry::global().home(),
            made_at: Cause::here("removed by a guard made"),
        }
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
    #[track_caller]
    pub fn with_callback<S, F>(name: S, f: F) -> Result<FailGuard, String>
    where
        S: Into<String>,
        F: Fn() + Send + Sync + 'static,
    {
        let name = name.into();
        cfg_callback(&name, f)?;
        Ok(Self::of(name))
    }
}

impl fmt::Debug for FailGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FailGuard").field(&self.name).finish()
    }
}

impl Drop for FailGuard {
    fn drop(&mut self) {
        in_destructor(|| remove_from(&self.home, &self.name, self.made_at));
    }
}

pub(crate) fn point(
    home: &Home,
    made: Made,
    name: impl Into<Box<str>>,
    actions: &str,
) -> Result<Arc<Point>, String> {
    let alternatives = fail_grammar::parse(actions)?;
    Ok(Registry::global().point(home, made, name, alternatives, Some(actions.into())))
}

#[track_caller]
pub(crate) fn put(point: Arc<Point>) -> Result<(), String> {
    match Registry::global().put(&[point], Some(Cause::here("configured"))) {
        Ok(_) => Ok(()),
        Err(Ended) => Err("the scope has ended".to_owned()),
    }
}
