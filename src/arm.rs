//! Guards: configurations for as long as a test needs them.

mod guard;

use crate::config;
use crate::error::Error;
pub use guard::Armed;

/// Configures the failpoint `name` to do `actions` until the guard is dropped.
///
/// Dropping the guard ends all waits at the point and restores the configuration that was there
/// before, with what was left of its counts. Waiters of that configuration continued when the guard
/// replaced it, as with any new configuration.
///
/// Guards of one name nest. If they are dropped in a different order, each removes its own
/// configuration only, and the newest one alive stays in effect. The newest has the name to itself,
/// whatever its matchers: two tests in one process need two names. Configuring or removing the name
/// by other means, such as [`configure_failpoint`](crate::configure_failpoint), changes what the
/// newest guard has configured, and that change ends with the guard.
/// [`remove_all_failpoints`](crate::remove_all_failpoints) and the scenarios of
/// [`compat`](crate::compat) end all guards, which then have nothing to restore.
///
/// # Errors
///
/// Those of [`configure_failpoint`](crate::configure_failpoint).
///
/// # Examples
///
#[cfg_attr(feature = "async", doc = "```")]
#[cfg_attr(not(feature = "async"), doc = "```ignore")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), neon_failpoint::Error> {
/// # if !neon_failpoint::has_failpoints() { return Ok(()) }
/// use neon_failpoint::{arm, fail_point};
///
/// async fn commit() -> &'static str {
///     fail_point!("arm-doc");
///     "committed"
/// }
///
/// let point = arm("arm-doc", "pause")?.must_fire();
/// let task = tokio::spawn(commit());
/// point.wait_until_paused(1).await?;
/// assert!(!task.is_finished());
/// assert_eq!(point.release_one(), 1);
/// assert_eq!(task.await.unwrap(), "committed");
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn arm(name: impl Into<String>, actions: impl AsRef<str>) -> Result<Armed, Error> {
    let point = config::point(name.into(), actions.as_ref(), [])?;
    Ok(Armed::new(point))
}

/// [`arm`] for hits whose context matches.
///
/// The matchers are as in
/// [`configure_failpoint_with_context`](crate::configure_failpoint_with_context).
///
/// # Errors
///
/// Those of [`configure_failpoint_with_context`](crate::configure_failpoint_with_context).
///
/// ```
/// # if !neon_failpoint::has_failpoints() || !cfg!(feature = "context") { return }
/// use neon_failpoint::{arm_with_context, fail_point_with_context_sync, failpoint_context};
///
/// fn upload(tenant: &str) -> bool {
///     let context = failpoint_context! { "tenant" => tenant };
///     fail_point_with_context_sync!("arm-context-doc", &context, |_| false);
///     true
/// }
///
/// let point = arm_with_context("arm-context-doc", "return", [("tenant", "t-1")]).unwrap();
/// assert_eq!((upload("t-1"), upload("t-2")), (false, true));
/// assert_eq!((point.hits(), point.fired()), (2, 1));
/// ```
#[track_caller]
pub fn arm_with_context<K, V>(
    name: impl Into<String>,
    actions: impl AsRef<str>,
    matchers: impl IntoIterator<Item = (K, V)>,
) -> Result<Armed, Error>
where
    K: Into<String>,
    V: Into<String>,
{
    let point = config::point(name.into(), actions.as_ref(), config::pairs(matchers))?;
    Ok(Armed::new(point))
}

/// [`arm`] with a function to call at every hit.
///
/// The callback is as in [`configure_failpoint_callback`](crate::configure_failpoint_callback).
///
/// # Errors
///
/// Those of [`configure_failpoint_callback`](crate::configure_failpoint_callback).
///
/// ```
/// # if !neon_failpoint::has_failpoints() { return }
/// use neon_failpoint::{arm_callback, fail_point_sync};
///
/// let point = arm_callback("arm-callback-doc", || println!("hit")).unwrap();
/// fail_point_sync!("arm-callback-doc");
/// assert_eq!(point.hits(), 1);
/// ```
#[track_caller]
pub fn arm_callback(
    name: impl Into<String>,
    callback: impl Fn() + Send + Sync + 'static,
) -> Result<Armed, Error> {
    let point = config::callback_point(name.into(), callback)?;
    Ok(Armed::new(point))
}
