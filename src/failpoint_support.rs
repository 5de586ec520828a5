//! The API of Neon's `utils::failpoint_support` on this crate's table.
//!
//! A project that has that module, or one like it, replaces all of it with one line, and its call
//! sites stay as they are:
//!
//! ```
//! mod failpoint_support {
//!     pub use neon_failpoint::failpoint_support::implicit_await::*;
//! }
//! ```
//!
//! If `#[macro_export]` put the macros at that crate's root as well, for
//! `utils::pausable_failpoint!(..)`, its `lib.rs` re-exports them from there:
//! `pub use failpoint_support::{pausable_failpoint, sleep_millis_async};`.
//!
//! The macros of [`implicit_await`] await inside. Those of this module itself leave the `.await` to
//! the caller, and are those of the crate's root.
//!
//! A point that pauses or sleeps logs it, at info level, through `tracing`, target
//! `neon_failpoint`: `at failpoint NAME`, `failpoint "NAME": sleeping for 250ms`,
//! `failpoint "NAME": sleep done`. Unlike Neon's macros, these log only if the point is configured
//! and fires.

use std::sync::Arc;

use crate::compat::fail_api;
use crate::compat::scenario::{self, FailScenario};
use crate::control::config;
use crate::engine::point::Point;
use crate::engine::scope::Home;
use crate::engine::site::ENABLED;
use crate::engine::table::Registry;

#[doc(inline)]
pub use crate::{pausable_failpoint, sleep_millis_async};

/// [`failpoint_support`](self) for call sites as in Neon's code: the macros await inside.
///
/// `pausable_failpoint!("name", &cancel)?` and `sleep_millis_async!("name");` need no `.await` of
/// the caller. Without a token the first is `()`.
pub mod implicit_await {
    #[doc(inline)]
    pub use super::{apply_failpoint, init};

    #[doc(inline)]
    pub use crate::{
        __implicit_pausable_failpoint as pausable_failpoint,
        __implicit_sleep_millis_async as sleep_millis_async,
    };
}

/// Begins a [`FailScenario`] with the failpoints of the environment variable `FAILPOINTS`.
///
/// As [`FailScenario::setup`], but each entry `name=actions` follows [`apply_failpoint`]'s rules,
/// so that `exit` and `when(..)` work; a `;` still always ends an entry. Keep the scenario for as
/// long as the process needs failpoints: dropping it clears them all.
///
/// # Panics
///
/// If an entry is wrong: the message has its number and what would be right, and nothing is
/// configured. If `FAILPOINTS_SEED` is not a number. If this thread has a scenario already. In a
/// build without the feature `testing`, if `FAILPOINTS` has an entry: a run that was meant to
/// inject faults must not continue without them.
///
/// ```
/// let scenario = neon_failpoint::failpoint_support::init();
/// // FAILPOINTS="before-upload=exit;after-upload=return(5)" took effect.
/// # drop(scenario);
/// ```
#[track_caller]
pub fn init() -> FailScenario<'static> {
    FailScenario::begin("failpoint_support::init", |home| {
        let failpoints = scenario::variable();
        let entries = scenario::entries(&failpoints).zip(1..);
        entries
            .map(|(entry, number)| startup(home, entry, number))
            .collect()
    })
}

/// Returns the point of one entry of FAILPOINTS.
fn startup(home: &Home, entry: &str, number: usize) -> Arc<Point> {
    let Some((name, actions)) = entry.split_once('=') else {
        panic!("FAILPOINTS: entry {number}, {entry:?}, has no actions; try \"{entry}=return\"");
    };
    point(home, name, actions)
        .unwrap_or_else(|e| panic!("FAILPOINTS: entry {number}, {entry:?}: {e}"))
}

/// Configures the failpoint `name` to do `actions`.
///
/// Actions that [`compat::cfg`](crate::compat::cfg()) accepts mean what they mean there; others are
/// read by the native [grammar](crate#actions), so that `exit` and `when(..)` work.
///
/// # Errors
///
/// If neither accepts the actions: the error has the point, the word and the position. In a build
/// without the feature `testing`: the error names it. The earlier configuration stays.
///
/// ```
/// # if !neon_failpoint::has_failpoints() || !cfg!(feature = "context") { return }
/// use neon_failpoint::failpoint_support::apply_failpoint;
///
/// apply_failpoint("apply-doc", "when(tenant=test_.*)exit").unwrap();
/// let error = apply_failpoint("apply-doc", "2*exti").unwrap_err();
/// assert!(error.contains("unknown action \"exti\" at byte 2"), "{error}");
/// # neon_failpoint::remove_failpoint("apply-doc");
/// ```
#[track_caller]
pub fn apply_failpoint(name: &str, actions: &str) -> Result<(), String> {
    fail_api::put(point(&Registry::global().home(), name, actions)?)
}

fn point(home: &Home, name: &str, actions: &str) -> Result<Arc<Point>, String> {
    let native = || config::point(home, name.to_owned(), actions, []).map_err(|e| e.to_string());
    match fail_api::point(home, name, actions) {
        Ok(point) if ENABLED => Ok(point),
        _ => native(),
    }
}
