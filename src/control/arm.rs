//! Guards: configurations for as long as a test needs them.

use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use crate::control::config::{self, scope_ended};
use crate::control::release::release_first;
use crate::control::wait_for::{Wait, Watched};
use crate::engine::actions::matcher::{Matcher, Memory};
use crate::engine::guards::GuardKey;
use crate::engine::layers::Cause;
use crate::engine::point::{Made, Point};
use crate::engine::report;
use crate::engine::suggest::announce;
use crate::engine::table::{Ended, Registry};
use crate::engine::unwind::in_destructor;
use crate::engine::waiters::{Goal, WaiterInfo};
use crate::error::{Error, times};

/// Configures the failpoint `name` to do `actions` until the guard is dropped.
///
/// Dropping the guard ends all waits at the point and restores the configuration that was there
/// before, with what was left of its counts. Waiters of that configuration continued when the guard
/// replaced it, as with any new configuration.
///
/// Guards of one name nest. If they are dropped in a different order, each removes its own
/// configuration only, and the newest one alive stays in effect. The newest has the name to itself,
/// whatever its matchers: tests in one process begin with [`isolate`](crate::isolate()). If, outside of
/// scopes, another thread arms or configures the name and so ends waits at this guard's point, the
/// guard says so: its releases and its drop log it, its waits have it in their errors, and
/// [`must_fire`](Armed::must_fire) fails the test. Configuring or removing the name
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
    let home = Registry::global().home();
    Armed::new(config::point(
        &home,
        Made::armed(),
        name.into(),
        actions.as_ref(),
        [],
    )?)
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
    let home = Registry::global().home();
    let matchers = config::pairs(matchers);
    Armed::new(config::point(
        &home,
        Made::armed(),
        name.into(),
        actions.as_ref(),
        matchers,
    )?)
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
    let home = Registry::global().home();
    Armed::new(config::callback_point(
        &home,
        Made::armed(),
        name.into(),
        callback,
    )?)
}

/// A configuration that ends when this guard is dropped: see [`arm`](crate::arm()).
///
/// `let _ = arm(..)` drops it at once; give it a name. Its methods act on its own configuration,
/// even while a newer guard of the same name is on top of it; meanwhile nothing hits it.
///
/// # Panics
///
/// Dropping it panics if the waker of a waiter or the destructor of a callback does, after all are
/// woken, and where [`must_fire`](Self::must_fire) demands it; but never while the thread is
/// panicking already.
///
/// ```
/// # if !neon_failpoint::has_failpoints() { return }
/// use neon_failpoint::{arm, fail_point_sync};
///
/// fn tries() -> u32 {
///     fail_point_sync!("armed-doc", |tries| tries.parse().unwrap());
///     1
/// }
///
/// let outer = arm("armed-doc", "return(2)").unwrap();
/// let inner = arm("armed-doc", "return(3)").unwrap();
/// assert_eq!((tries(), inner.fired()), (3, 1));
/// drop(inner);
/// assert_eq!((tries(), outer.fired()), (2, 1));
/// drop(outer);
/// assert_eq!(tries(), 1);
/// ```
#[derive(Debug)]
#[must_use = "the configuration ends when the guard is dropped"]
pub struct Armed {
    key: GuardKey,
    deadline: Option<Duration>,
    must_fire: bool,
    armed_at: &'static Location<'static>,
}

impl Armed {
    #[track_caller]
    fn new(point: Arc<Point>) -> Result<Self, Error> {
        let armed = Registry::global().arm(&point, Cause::here("armed"));
        let (key, replaced) = armed.map_err(|Ended| scope_ended(&point))?;
        // First, so that the guard is dropped if the rest panics.
        let armed = Self {
            key,
            deadline: None,
            must_fire: false,
            armed_at: Location::caller(),
        };
        let points = std::slice::from_ref(&point);
        replaced.finish(points);
        announce(points, [&point]);
        Ok(armed)
    }

    /// Makes dropping the guard panic if the point did not fire.
    ///
    /// So a test that relies on a point that is no longer hit does not pass. The message says what
    /// is known: how often the point was hit, where its call sites are, or which similar names are
    /// compiled in. A thread that is panicking already does not panic again.
    ///
    /// The point fires when an alternative is chosen, `off` included, by the guard's first
    /// configuration or by a later one in its place. Keep the guard in the
    /// test itself: tokio keeps the panic of a spawned task until its handle is awaited.
    ///
    /// # In a test that returns errors
    ///
    /// A destructor cannot see that a `?` is under way, and a panic takes the place of the error. The
    /// panic says an error of this crate that is still there. Any other error is lost, so `unwrap` it
    /// before the point, or end the test with [`wait_until_fired`](Self::wait_until_fired) in place of
    /// `must_fire`: then an early `?` ends the test with its own error.
    ///
    #[cfg_attr(feature = "async", doc = "```")]
    #[cfg_attr(not(feature = "async"), doc = "```ignore")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # if !neon_failpoint::has_failpoints() { return Ok(()) }
    /// # async fn prepare() -> Result<(), std::io::Error> { Ok(()) }
    /// # async fn save() { neon_failpoint::fail_point!("must-fire-error-doc") }
    /// let point = neon_failpoint::arm("must-fire-error-doc", "off")?;
    /// prepare().await?;
    /// save().await;
    /// point.wait_until_fired(1).await?;
    /// # Ok(())
    /// # }
    /// ```
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

    /// Sets the deadline of this guard's waits, instead of [the
    /// process's](crate::set_wait_deadline).
    ///
    /// ```
    /// # if !neon_failpoint::has_failpoints() { return }
    /// use std::time::Duration;
    ///
    /// let point = neon_failpoint::arm("deadline-doc", "pause").unwrap();
    /// let point = point.with_deadline(Duration::from_millis(1));
    /// assert!(point.wait_until_paused(1).blocking().unwrap_err().is_timeout());
    /// ```
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Returns the name of the failpoint.
    pub fn name(&self) -> &str {
        &self.key.name
    }

    /// Returns the number of hits since the point was configured, by [`arm`](crate::arm()) or later
    /// in its place; 0 if it was removed.
    pub fn hits(&self) -> usize {
        self.point().map_or(0, |point| point.hits())
    }

    /// Returns how often an alternative fired since the point was configured, `off` included.
    ///
    /// ```
    /// # if !neon_failpoint::has_failpoints() { return }
    /// let point = neon_failpoint::arm("fired-doc", "1*off").unwrap();
    /// for _ in 0..3 {
    ///     neon_failpoint::fail_point_sync!("fired-doc");
    /// }
    /// assert_eq!((point.hits(), point.fired()), (3, 1));
    /// ```
    pub fn fired(&self) -> usize {
        self.point().map_or(0, |point| point.fired())
    }

    /// Returns the waiters of the point, in order of arrival: see [`WaiterInfo`].
    pub fn waiters(&self) -> Vec<WaiterInfo> {
        self.point()
            .map_or_else(Vec::new, |point| point.waiters.infos())
    }

    /// Reconfigures the point, for as long as the guard lives.
    ///
    /// Its waiters continue, and its counts begin again.
    ///
    /// # Errors
    ///
    /// Those of [`configure_failpoint`](crate::configure_failpoint).
    ///
    /// # Panics
    ///
    /// As [`configure_failpoint`](crate::configure_failpoint).
    ///
    /// ```
    /// # if !neon_failpoint::has_failpoints() { return }
    /// let point = neon_failpoint::arm("configure-doc", "off").unwrap();
    /// neon_failpoint::fail_point_sync!("configure-doc");
    /// point.configure("3*off").unwrap();
    /// assert_eq!(point.hits(), 0);
    /// ```
    #[track_caller]
    pub fn configure(&self, actions: impl AsRef<str>) -> Result<(), Error> {
        self.rearm(config::point(
            &self.key.home,
            Made::armed(),
            self.name().to_owned(),
            actions.as_ref(),
            [],
        )?)
    }

    /// [`configure`](Self::configure) for hits whose context matches.
    ///
    /// # Errors
    ///
    /// Those of [`configure_failpoint_with_context`](crate::configure_failpoint_with_context).
    ///
    /// # Panics
    ///
    /// As [`configure_failpoint`](crate::configure_failpoint).
    ///
    /// ```
    /// # if !neon_failpoint::has_failpoints() || !cfg!(feature = "context") { return }
    /// let point = neon_failpoint::arm("configure-context-doc", "off").unwrap();
    /// point.configure_with_context("pause", [("tenant", "t-1")]).unwrap();
    /// ```
    #[track_caller]
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
        let name = self.name().to_owned();
        self.rearm(config::point(
            &self.key.home,
            Made::armed(),
            name,
            actions.as_ref(),
            matchers,
        )?)
    }

    /// [`configure`](Self::configure) with a function to call at every hit.
    ///
    /// # Errors
    ///
    /// Those of [`configure_failpoint_callback`](crate::configure_failpoint_callback).
    ///
    /// # Panics
    ///
    /// As [`configure_failpoint`](crate::configure_failpoint).
    ///
    /// ```
    /// # if !neon_failpoint::has_failpoints() { return }
    /// let point = neon_failpoint::arm("configure-callback-doc", "off").unwrap();
    /// point.configure_callback(|| println!("hit")).unwrap();
    /// ```
    #[track_caller]
    pub fn configure_callback(
        &self,
        callback: impl Fn() + Send + Sync + 'static,
    ) -> Result<(), Error> {
        self.rearm(config::callback_point(
            &self.key.home,
            Made::armed(),
            self.name().to_owned(),
            callback,
        )?)
    }

    #[track_caller]
    fn rearm(&self, point: Arc<Point>) -> Result<(), Error> {
        let rearmed = Registry::global().rearm(&self.key, &point, Cause::here("armed"));
        rearmed.map_err(|Ended| scope_ended(&point))?;
        announce(&[point], []);
        Ok(())
    }

    /// Waits until the point was hit `n` times: see [`wait_for_hits`](crate::wait_for_hits).
    ///
    /// ```
    /// # if !neon_failpoint::has_failpoints() { return }
    /// let point = neon_failpoint::arm("guard-hits-doc", "off").unwrap();
    /// let thread = std::thread::spawn(|| neon_failpoint::fail_point_sync!("guard-hits-doc"));
    /// point.wait_for_hits(1).blocking().unwrap();
    /// thread.join().unwrap();
    /// ```
    pub fn wait_for_hits(&self, n: usize) -> Wait {
        self.wait(Goal::Hits(n))
    }

    /// Waits until the point fired `n` times: see [`wait_until_fired`](crate::wait_until_fired).
    ///
    /// ```
    /// # if !neon_failpoint::has_failpoints() { return }
    /// let point = neon_failpoint::arm("guard-fired-doc", "1*off").unwrap();
    /// let thread = std::thread::spawn(|| neon_failpoint::fail_point_sync!("guard-fired-doc"));
    /// point.wait_until_fired(1).blocking().unwrap();
    /// thread.join().unwrap();
    /// ```
    pub fn wait_until_fired(&self, n: usize) -> Wait {
        self.wait(Goal::Fired(n))
    }

    /// Waits until `n` tasks or threads wait at the point: see
    /// [`wait_until_paused`](crate::wait_until_paused).
    ///
    /// ```
    /// # if !neon_failpoint::has_failpoints() { return }
    /// let point = neon_failpoint::arm("guard-paused-doc", "pause").unwrap();
    /// let thread = std::thread::spawn(|| neon_failpoint::fail_point_sync!("guard-paused-doc"));
    /// point.wait_until_paused(1).blocking().unwrap();
    /// assert!(!thread.is_finished());
    /// drop(point);
    /// thread.join().unwrap();
    /// ```
    pub fn wait_until_paused(&self, n: usize) -> Wait {
        self.wait(Goal::Paused(n))
    }

    fn wait(&self, goal: Goal) -> Wait {
        Wait::new(self.watched(), goal, self.deadline)
    }

    fn watched(&self) -> Watched {
        Watched::layer(&self.key)
    }

    /// Releases the first waiter of the point, and returns the number released: 1 or 0.
    ///
    /// As [`release`](Self::release).
    #[must_use = "0 means that nobody waited there yet: wait for it first, by `wait_until_paused`"]
    pub fn release_one(&self) -> usize {
        self.release(1)
    }

    /// Releases the first `n` waiters of the point, in order of arrival.
    ///
    /// Returns the number of waiters released; the others keep waiting. A released waiter ends with
    /// [`Continue`](crate::FailpointResult::Continue). A waiter that was cancelled or dropped
    /// before does not count.
    ///
    /// # Panics
    ///
    /// If the waker of a task does, after all are woken.
    ///
    /// ```
    /// # if !neon_failpoint::has_failpoints() { return }
    /// let point = neon_failpoint::arm("guard-release-doc", "pause").unwrap();
    /// let hit = || neon_failpoint::fail_point_sync!("guard-release-doc");
    /// let threads = [(); 3].map(|()| std::thread::spawn(hit));
    /// point.wait_until_paused(3).blocking().unwrap();
    /// assert_eq!(point.release(2), 2);
    /// assert_eq!(point.waiters().len(), 1);
    /// assert_eq!(point.release_all(), 1);
    /// # for thread in threads { thread.join().unwrap() }
    /// ```
    #[must_use = "0 means that nobody waited there yet: wait for it first, by `wait_until_paused`"]
    pub fn release(&self, n: usize) -> usize {
        self.release_first(n, &[])
    }

    /// Releases all present waiters of the point, and returns their number.
    ///
    /// The point stays as it is. Otherwise as [`release`](Self::release).
    #[must_use = "0 means that nobody waited there yet: wait for it first, by `wait_until_paused`"]
    pub fn release_all(&self) -> usize {
        self.release(usize::MAX)
    }

    /// Releases the waiters whose hits had a matching context, and returns their number.
    ///
    /// The matchers are as in [`arm_with_context`](crate::arm_with_context); the other waiters keep
    /// waiting.
    ///
    /// # Errors
    ///
    /// If a key is empty, a regular expression is invalid, or the build lacks the feature
    /// `context`. Then no waiter is released.
    ///
    /// # Panics
    ///
    /// If the waker of a task does, after all are woken.
    ///
    /// ```
    /// # if !neon_failpoint::has_failpoints() || !cfg!(feature = "context") { return }
    /// use neon_failpoint::{arm, fail_point_with_context_sync, failpoint_context};
    ///
    /// let point = arm("guard-matching-doc", "pause").unwrap();
    /// let threads = ["t-1", "t-2"].map(|tenant| {
    ///     std::thread::spawn(move || {
    ///         let context = failpoint_context! { "tenant" => tenant };
    ///         fail_point_with_context_sync!("guard-matching-doc", &context);
    ///     })
    /// });
    /// point.wait_until_paused(2).blocking().unwrap();
    /// assert_eq!(point.release_matching([("tenant", "t-2")]).unwrap(), 1);
    /// let [waiter] = &point.waiters()[..] else { panic!("one is left") };
    /// assert_eq!(waiter.context().unwrap().get("tenant"), Some("t-1"));
    /// drop(point);
    /// # for thread in threads { thread.join().unwrap() }
    /// ```
    pub fn release_matching<K, V>(
        &self,
        matchers: impl IntoIterator<Item = (K, V)>,
    ) -> Result<usize, Error>
    where
        K: Into<String>,
        V: Into<String>,
    {
        let matchers = config::pairs(matchers);
        let matchers = config::matchers(self.name(), matchers, &mut Memory::of_a_call())?;
        Ok(self.release_first(usize::MAX, &matchers))
    }

    fn release_first(&self, n: usize, matchers: &[Matcher]) -> usize {
        let point = self.point();
        let released = point.map_or(0, |point| release_first(&point, n, matchers));
        match self.watched().disturbance() {
            Some((disturbance, ended_waits)) if ended_waits || released == 0 => {
                report::disturbed(&self.whole(&disturbance));
            }
            _ => {}
        }
        released
    }

    /// Adds name and place to what there is to say.
    fn whole(&self, text: &str) -> String {
        format!(
            "failpoint {:?}, armed at {}: {text}",
            self.name(),
            self.armed_at
        )
    }

    fn point(&self) -> Option<Arc<Point>> {
        Registry::global().layer(&self.key)
    }

    /// Says that a point that had to fire did not, and what is known about it. Called before the
    /// guard's layer is removed.
    fn why_not(&self) -> String {
        let about = self.watched().hint();
        let was_hit = match self.point() {
            Some(point) if point.hits() > 0 => {
                let (hits, actions) = (times(point.hits()), point.actions());
                format!("; it was hit {hits}, and no alternative of {actions:?} took a hit")
            }
            Some(point) => match point.made() {
                Made::Armed(place) if place == self.armed_at => {
                    "; it was not reached since".to_owned()
                }
                // The hint says how it was changed.
                _ if self.watched().change().is_some() => {
                    "; it was not reached with the actions that it has now".to_owned()
                }
                made => format!("; it was not reached since it was {made}"),
            },
            // What was counted went with it.
            None => String::new(),
        };
        let error = hidden_error().unwrap_or_else(|| {
            "if the test returned an error, this panic has taken its place: see `Armed::must_fire`"
                .to_owned()
        });
        let (name, place) = (self.name(), self.armed_at);
        format!(
            "failpoint {name:?}, armed at {place}, was to fire and did not{was_hit}; {about}; {error}"
        )
    }
}

/// Says an error that may be what a panic now takes the place of. A destructor cannot see which error a
/// function is about to return; what it can see is whether one of ours is still there.
fn hidden_error() -> Option<String> {
    let error = Error::take_latest()?;
    Some(format!("the test may be returning this error: {error}"))
}

impl Drop for Armed {
    fn drop(&mut self) {
        let disarm = || Registry::global().disarm(&self.key);
        let demands = self.must_fire && !std::thread::panicking();
        let disturbance = self
            .watched()
            .disturbance()
            .filter(|(_, ended_waits)| *ended_waits);
        let disturbance = disturbance.map(|(text, _)| self.whole(&text));
        // What there is to say takes a while to find, and is gone with the layer.
        let has_to_say = demands && !Registry::global().has_fired(&self.key);
        let why_not = has_to_say.then(|| self.why_not());
        let fired = in_destructor(disarm);
        match (disturbance, why_not) {
            (Some(disturbance), _) if demands => match hidden_error() {
                Some(error) => panic!("{disturbance}; {error}"),
                None => panic!("{disturbance}"),
            },
            (Some(disturbance), _) => drop(in_destructor(|| report::disturbed(&disturbance))),
            // A hit may have come since.
            (None, Some(why_not)) if fired == Some(false) => panic!("{why_not}"),
            (None, _) => {}
        }
    }
}
