//! Guards: configurations for as long as a test needs them.

use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use crate::config::{self, after_configuring};
use crate::error::Error;
use crate::point::Point;
use crate::release;
use crate::suggest;
use crate::table::Registry;
use crate::trie::Named;
use crate::unwind::in_destructor;
use crate::wait::{Goal, WaiterInfo};
use crate::wait_for::{Wait, Watched};

/// Configures the failpoint `name` to do `actions` until the guard is dropped.
///
/// Dropping it lets go who waits at the point, and gives back what was configured there
/// before: the same configuration, with what was left of its counts. Who waited under that one
/// went on when the guard took its place, as with any new configuration.
///
/// Guards of one name nest. Dropped in another order than they came, each takes its own
/// configuration with it and leaves that of the youngest that is alive. The youngest has the
/// name alone, whatever its matchers: two tests in one process need two names. Whoever configures or
/// removes the name by other means, [`configure_failpoint`](crate::configure_failpoint) or
/// another API, changes what the youngest guard has put there, and that ends with the guard.
/// [`remove_all_failpoints`](crate::remove_all_failpoints) and the scenarios of
/// [`compat`](crate::compat) end all guards: then there is nothing to give back.
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

/// [`arm`] for hits whose context matches, as
/// [`configure_failpoint_with_context`](crate::configure_failpoint_with_context) has it.
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

/// [`arm`] with a function to call at every hit, as
/// [`configure_failpoint_callback`](crate::configure_failpoint_callback) has it.
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

/// A configuration that ends when this is dropped: see [`arm`]. (`let _ = arm(..)` drops it at
/// once; give it a name.)
///
/// What it says and does is about that configuration, also while a younger guard of the same
/// name is on top of it: then nobody hits it.
#[derive(Debug)]
#[must_use = "the configuration ends when the guard is dropped"]
pub struct Armed {
    name: Box<str>,
    hash: u64,
    guard: u64,
    deadline: Option<Duration>,
    must_fire: bool,
    armed_at: &'static Location<'static>,
}

impl Armed {
    #[track_caller]
    fn new(point: Arc<Point>) -> Self {
        let (guard, replaced) = Registry::global().arm(&point);
        // First, so that the guard is dropped if the rest panics.
        let armed = Self {
            name: point.name().into(),
            hash: point.hash(),
            guard,
            deadline: None,
            must_fire: false,
            armed_at: Location::caller(),
        };
        let points = std::slice::from_ref(&point);
        replaced.finish(points);
        after_configuring(points, [&point]);
        armed
    }

    /// Demands that the point fires before the guard is dropped. Otherwise dropping it panics,
    /// unless the thread is panicking already, with the call sites of that name or the compiled-in
    /// names that are like it: a test that relies on a point that is not hit any more does not
    /// pass.
    ///
    /// It fires when an alternative is chosen, `off` included, whether the guard's first
    /// configuration chose it or a later one in its place. Where a test returns an error before
    /// that, this panic is all that is seen of it: `unwrap` what comes before the point.
    ///
    /// ```should_panic
    /// # if !neon_failpoint::has_failpoints() { panic!() }
    /// let point = neon_failpoint::arm("must-fire-doc", "return").unwrap().must_fire();
    /// // Nothing hits it.
    /// ```
    pub fn must_fire(mut self) -> Self {
        self.must_fire = true;
        self
    }

    /// Sets for how long the waits of this guard wait, in the place of
    /// [the process's deadline](crate::set_wait_deadline).
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// The name of the failpoint.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How often the point was hit since it was configured, by [`arm`] or later in its place;
    /// 0 if it was removed.
    pub fn hits(&self) -> usize {
        self.point().map_or(0, |point| point.hits())
    }

    /// How often an alternative was chosen since then, `off` included.
    pub fn fired(&self) -> usize {
        self.point().map_or(0, |point| point.fired())
    }

    /// Who waits at the point, in the order of arrival.
    pub fn waiters(&self) -> Vec<WaiterInfo> {
        self.point()
            .map_or_else(Vec::new, |point| point.waiters.infos())
    }

    /// Configures the point anew, for as long as the guard lives. Who waits at it goes on, and
    /// counts begin again.
    ///
    /// # Errors
    ///
    /// Those of [`configure_failpoint`](crate::configure_failpoint).
    pub fn configure(&self, actions: impl AsRef<str>) -> Result<(), Error> {
        self.rearm(config::point(self.name().to_owned(), actions.as_ref(), [])?);
        Ok(())
    }

    /// [`configure`](Self::configure) for hits whose context matches.
    ///
    /// # Errors
    ///
    /// Those of [`configure_failpoint_with_context`](crate::configure_failpoint_with_context).
    pub fn configure_with_context<K, V>(
        &self,
        actions: impl AsRef<str>,
        matchers: impl IntoIterator<Item = (K, V)>,
    ) -> Result<(), Error>
    where
        K: Into<String>,
        V: Into<String>,
    {
        let matchers = config::pairs(matchers);
        let point = config::point(self.name().to_owned(), actions.as_ref(), matchers)?;
        self.rearm(point);
        Ok(())
    }

    /// [`configure`](Self::configure) with a function to call at every hit.
    ///
    /// # Errors
    ///
    /// Those of [`configure_failpoint_callback`](crate::configure_failpoint_callback).
    pub fn configure_callback(
        &self,
        callback: impl Fn() + Send + Sync + 'static,
    ) -> Result<(), Error> {
        self.rearm(config::callback_point(self.name().to_owned(), callback)?);
        Ok(())
    }

    fn rearm(&self, point: Arc<Point>) {
        Registry::global().rearm(self.guard, &point);
        after_configuring(&[point], []);
    }

    /// Waits until the point was hit `n` times: see [`wait_for_hits`](crate::wait_for_hits).
    pub fn wait_for_hits(&self, n: usize) -> Wait {
        self.wait(Goal::Hits(n))
    }

    /// Waits until `n` tasks or threads wait at the point: see
    /// [`wait_until_paused`](crate::wait_until_paused).
    pub fn wait_until_paused(&self, n: usize) -> Wait {
        self.wait(Goal::Paused(n))
    }

    fn wait(&self, goal: Goal) -> Wait {
        let watched = Watched::layer(&self.name, self.hash, self.guard);
        Wait::new(watched, goal, self.deadline)
    }

    /// Lets the first go who waits at the point; the others wait on. How many went: 1 or 0.
    pub fn release_one(&self) -> usize {
        self.release(1)
    }

    /// Lets the first `n` go who wait at the point, in the order of arrival; the others wait
    /// on. How many went.
    ///
    /// Who went goes on with [`Continue`](crate::FailpointResult::Continue). Who was cancelled
    /// or dropped before does not count.
    pub fn release(&self, n: usize) -> usize {
        self.point()
            .map_or(0, |point| release::some(&point, n, &[]))
    }

    /// Lets everybody go who waits at the point now, and leaves the point as it is. How many
    /// went.
    pub fn release_all(&self) -> usize {
        self.release(usize::MAX)
    }

    /// Lets those go whose hit had a context that matches, as in
    /// [`arm_with_context`]; the others wait on. How many went.
    ///
    /// # Errors
    ///
    /// An empty key; an invalid regular expression; a build without the feature `context`.
    /// Then nobody went.
    pub fn release_matching<K, V>(
        &self,
        matchers: impl IntoIterator<Item = (K, V)>,
    ) -> Result<usize, Error>
    where
        K: Into<String>,
        V: Into<String>,
    {
        let matchers = config::matchers(&self.name, config::pairs(matchers))?;
        let point = self.point();
        Ok(point.map_or(0, |point| release::some(&point, usize::MAX, &matchers)))
    }

    fn point(&self) -> Option<Arc<Point>> {
        Registry::global().layer(&self.name, self.hash, self.guard)
    }

    /// Why a point that had to fire is not known to have done so.
    fn why_not(&self) -> String {
        let (name, place) = (self.name(), self.armed_at);
        let about = suggest::about(name);
        format!("failpoint {name:?}, armed at {place}, was to fire and did not; {about}")
    }
}

impl Drop for Armed {
    fn drop(&mut self) {
        let disarm = || Registry::global().disarm(&self.name, self.hash, self.guard);
        let fired = in_destructor(disarm).unwrap_or_default();
        if self.must_fire && !fired && !std::thread::panicking() {
            panic!("{}", self.why_not());
        }
    }
}
