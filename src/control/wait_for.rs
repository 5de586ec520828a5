//! Waiting, in a test, for what the code under test does at a point.

use std::fmt;
use std::future::{Future, Pending};
use std::pin::Pin;
use std::sync::Arc;
#[cfg(feature = "async")]
use std::task::ready;
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use crate::control::list;
use crate::control::release::not_configured;
use crate::engine::env;
use crate::engine::guards::GuardKey;
use crate::engine::layers::Disturbance;
use crate::engine::name::hash;
use crate::engine::observer::Observer;
use crate::engine::point::Point;
use crate::engine::scope::Home;
use crate::engine::suggest;
use crate::engine::sync::{Condvar, Mutex, lock, wait_until};
use crate::engine::table::Registry;
#[cfg(feature = "async")]
use crate::engine::timer::Timer;
use crate::engine::waiters::Goal;
use crate::engine::watch;
use crate::error::{Error, Problem};

/// Waits until the failpoint `name` has been hit `n` times.
///
/// The returned [`Wait`] does nothing until it is awaited, or [blocks the thread](Wait::blocking).
/// Hits count from when the point was configured, so those before the call are not missed. Every
/// hit counts, also one that no alternative takes. It counts before its action is done: before
/// releasing waiters, use [`wait_until_paused`] instead.
///
/// The point is that of the [scope](crate::Scope) of the caller.
///
/// If the point is reconfigured meanwhile, the wait continues and the count begins again. So it
/// does if the name is removed, and configured again before the waiting task is polled.
///
/// # Errors
///
/// If `name` is not configured, at once; if it is removed during the wait; and if the
/// [deadline](set_wait_deadline) passes: that error lists every configured point with its hits,
/// what matchers turned away, and its waiters. Each says what became of a guard, and where that was
/// armed: `let _ = arm(..)` drops it at once. A build without the feature `testing` has nothing to
/// wait for, and says so.
///
#[cfg_attr(feature = "async", doc = "```")]
#[cfg_attr(not(feature = "async"), doc = "```ignore")]
/// # #[tokio::main]
/// # async fn main() -> Result<(), neon_failpoint::Error> {
/// # if !neon_failpoint::has_failpoints() { return Ok(()) }
/// use neon_failpoint::{configure_failpoint, fail_point, wait_for_hits};
///
/// configure_failpoint("wait-doc", "off")?;
/// tokio::spawn(async {
///     loop {
///         fail_point!("wait-doc");
///         tokio::task::yield_now().await;
///     }
/// });
/// wait_for_hits("wait-doc", 3).await?;
/// # Ok(())
/// # }
/// ```
pub fn wait_for_hits(name: impl AsRef<str>, n: usize) -> Wait {
    Wait::new(Watched::here(name.as_ref()), Goal::Hits(n), None)
}

/// Waits until the failpoint `name` has `n` waiters, by a `pause` or a `sleep`.
///
/// As [`wait_for_hits`], but for tasks and threads that wait at the same time: one that has gone on does
/// not count any more. (A `sleep` of
/// [`compat`](crate::compat)'s blocking macro does not count: nothing ends it early.)
///
/// ```
/// # if !neon_failpoint::has_failpoints() { return }
/// use neon_failpoint::{configure_failpoint, fail_point_sync, remove_failpoint};
/// use neon_failpoint::wait_until_paused;
///
/// configure_failpoint("paused-doc", "pause").unwrap();
/// let thread = std::thread::spawn(|| fail_point_sync!("paused-doc"));
/// wait_until_paused("paused-doc", 1).blocking().unwrap();
/// assert!(!thread.is_finished());
/// remove_failpoint("paused-doc");
/// thread.join().unwrap();
/// ```
pub fn wait_until_paused(name: impl AsRef<str>, n: usize) -> Wait {
    Wait::new(Watched::here(name.as_ref()), Goal::Paused(n), None)
}

/// Waits until the failpoint `name` has fired `n` times.
///
/// As [`wait_for_hits`], but only hits that chose an alternative count, `off` included: not those that
/// matchers, a percentage or a count turned away. A hit counts before its action is done.
///
/// A test that returns its errors with `?` ends with this wait, on its guard, rather than with
/// [`must_fire`](crate::Armed::must_fire), which would panic over the error.
///
/// ```
/// # if !neon_failpoint::has_failpoints() || !cfg!(feature = "context") { return }
/// use neon_failpoint::{arm, fail_point_with_context_sync, failpoint_context, wait_until_fired};
///
/// let _point = arm("wait-fired-doc", "when(tenant=t-2)off").unwrap();
/// let thread = std::thread::spawn(|| {
///     for tenant in ["t-1", "t-2"] {
///         let context = failpoint_context! { "tenant" => tenant };
///         fail_point_with_context_sync!("wait-fired-doc", &context);
///     }
/// });
/// wait_until_fired("wait-fired-doc", 1).blocking().unwrap();
/// # thread.join().unwrap();
/// ```
pub fn wait_until_fired(name: impl AsRef<str>, n: usize) -> Wait {
    Wait::new(Watched::here(name.as_ref()), Goal::Fired(n), None)
}

/// Sets the deadline of every [`Wait`] that has no other, and the time after which a hang is explained,
/// from now on.
///
/// Initially it is that of the environment variable `FAILPOINTS_WAIT_DEADLINE`, a number with `ms`, `s` or
/// `min` (without a unit it is milliseconds), or else 30 seconds. [`Duration::MAX`], or `off` in the
/// variable, means never. [`Armed::with_deadline`](crate::Armed::with_deadline) sets the deadline of a
/// guard's waits, [`Wait::within`] that of one.
///
/// A task or thread that stands at a `pause` for longer than this, in real time, is named on standard
/// error, once: the point, the call site, since when, its context, where the point was armed or
/// configured, and what lets it go. Of many that are late at one time at one point, the first five are
/// named and the others counted. A `sleep` ends by itself, and is not named; nor is anybody if the deadline
/// is zero. This holds for [`compat`](crate::compat), too. A thread of this crate looks after it only while
/// somebody is paused of whom nothing was said. A bad value of the variable is an error as that of
/// `FAILPOINTS` is: see [`init`](crate::init).
///
/// ```
/// neon_failpoint::set_wait_deadline(std::time::Duration::from_secs(10));
/// ```
pub fn set_wait_deadline(deadline: Duration) {
    watch::set_deadline(deadline);
}

/// Returns the deadline of waits that have no other.
pub(crate) fn wait_deadline() -> Duration {
    watch::deadline()
}

/// A wait for something to happen at a failpoint.
///
/// It is returned by [`wait_for_hits`], [`wait_until_fired`], [`wait_until_paused`] and the methods of
/// [`Armed`](crate::Armed), to be awaited or to [block the thread](Self::blocking). The deadline
/// counts from the first poll, in real time, or by tokio's clock where that is paused or was advanced; for
/// a [`blocking`](Self::blocking) wait always in real time. The task is woken once, when the goal is reached or the point is reconfigured or removed;
/// the only timer is that of the deadline.
///
/// A paused tokio clock advances when the runtime has nothing else to do, so a wait for what no
/// task is going to do ends at once. The runtime does not know of plain threads either: wait for
/// those with [`blocking`](Self::blocking).
///
/// # Errors
///
/// Those of [`wait_for_hits`], and with [`unless`](Self::unless) that the task ended first.
///
/// # Cancel safety
///
/// Dropping it leaves nothing behind. What it waited for is not used up: another wait finds it. A future
/// that was given to [`unless`](Self::unless) is dropped with it, where it was; a task behind a
/// `&mut JoinHandle` goes on.
///
/// ```
/// # if !neon_failpoint::has_failpoints() { return }
/// use neon_failpoint::{Wait, arm};
/// use std::time::Duration;
///
/// let point = arm("wait-type-doc", "off").unwrap();
/// let wait: Wait = point.wait_for_hits(1).within(Duration::from_secs(5));
/// neon_failpoint::fail_point_sync!("wait-type-doc");
/// wait.blocking().unwrap();
/// ```
#[must_use = "a wait does nothing unless you `.await` it or call `blocking`"]
pub struct Wait<F = Pending<()>> {
    watched: Watched,
    goal: Goal,
    /// `None` means the process's deadline.
    limit: Option<Duration>,
    observer: Option<Observer>,
    task: Task<F>,
    #[cfg(feature = "async")]
    timer: Option<Timer>,
}

/// What ends a wait when it ends.
enum Task<F> {
    Nothing,
    Runs(Pin<Box<F>>),
    Ended,
}

impl Wait {
    pub(crate) fn new(watched: Watched, goal: Goal, limit: Option<Duration>) -> Self {
        Self {
            watched,
            goal,
            limit,
            observer: None,
            task: Task::Nothing,
            #[cfg(feature = "async")]
            timer: None,
        }
    }

    /// Ends the wait with an error when `task` ends before the goal is reached.
    ///
    /// `task` is the future of what is to reach the goal: the handle of a spawned task (`&mut task`, so
    /// that it can be awaited later), or any other future. Without this a test whose task fails before
    /// the point waits until the deadline. `task` is polled with the wait, [`blocking`](Self::blocking)
    /// included; a thread is no future, and its end is not seen.
    ///
    /// After the error `task` has ended, and its output is dropped: a handle must not be awaited again.
    /// What it did before it ended counts. If it ends in the moment in which it reaches the goal of a
    /// wait for hits, the wait is over without an error, and the handle may have been polled to its end
    /// all the same; a task that is paused cannot do that.
    ///
    #[cfg_attr(feature = "async", doc = "```")]
    #[cfg_attr(not(feature = "async"), doc = "```ignore")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// # if !neon_failpoint::has_failpoints() { return }
    /// use neon_failpoint::{arm, fail_point};
    ///
    /// async fn commit(is_valid: bool) -> Result<(), &'static str> {
    ///     if !is_valid {
    ///         return Err("not valid");
    ///     }
    ///     fail_point!("unless-doc");
    ///     Ok(())
    /// }
    ///
    /// let point = arm("unless-doc", "pause").unwrap();
    /// let mut task = tokio::spawn(commit(false));
    /// let error = point.wait_until_paused(1).unless(&mut task).await.unwrap_err();
    /// assert!(error.to_string().contains("the task ended first"));
    ///
    /// let mut task = tokio::spawn(commit(true));
    /// point.wait_until_paused(1).unless(&mut task).await.unwrap();
    /// assert_eq!(point.release_one(), 1);
    /// assert_eq!(task.await.unwrap(), Ok(()));
    /// # }
    /// ```
    pub fn unless<F: Future>(self, task: F) -> Wait<F> {
        Wait {
            watched: self.watched,
            goal: self.goal,
            limit: self.limit,
            observer: self.observer,
            task: Task::Runs(Box::pin(task)),
            #[cfg(feature = "async")]
            timer: self.timer,
        }
    }
}

impl<F> Wait<F> {
    /// Sets the deadline of this wait, counted from its first poll.
    ///
    /// ```
    /// # if !neon_failpoint::has_failpoints() { return }
    /// use neon_failpoint::{arm, wait_for_hits};
    /// use std::time::Duration;
    ///
    /// let _point = arm("within-doc", "off").unwrap();
    /// let wait = wait_for_hits("within-doc", 1).within(Duration::from_millis(1));
    /// assert!(wait.blocking().unwrap_err().to_string().contains("within 1ms"));
    /// ```
    pub fn within(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        #[cfg(feature = "async")]
        {
            self.timer = None;
        }
        self
    }

    /// Blocks the thread until the goal is reached.
    ///
    /// For plain threads. In a task it stops the runtime's thread, and with it, on a runtime with
    /// one thread, the task that it waits for.
    ///
    /// # Errors
    ///
    /// Those of [`wait_for_hits`].
    ///
    /// ```
    /// # if !neon_failpoint::has_failpoints() { return }
    /// let point = neon_failpoint::arm("blocking-wait-doc", "pause").unwrap();
    /// let thread = std::thread::spawn(|| neon_failpoint::fail_point_sync!("blocking-wait-doc"));
    /// point.wait_until_paused(1).blocking().unwrap();
    /// assert_eq!(point.release_one(), 1);
    /// thread.join().unwrap();
    /// ```
    pub fn blocking(mut self) -> Result<(), Error>
    where
        F: Future,
    {
        let start = Instant::now();
        let signal = Arc::new(Signal::default());
        let waker = Waker::from(signal.clone());
        loop {
            if let Poll::Ready(result) = self.look_at_both(&waker) {
                return result;
            }
            // A limit beyond what the clock can express never elapses.
            let deadline = start.checked_add(self.limit());
            if !signal.wait_until(deadline) {
                return Err(self.too_late());
            }
        }
    }

    fn limit(&self) -> Duration {
        self.limit.unwrap_or_else(wait_deadline)
    }

    /// [`look`](Self::look), and at the task, if there is one.
    fn look_at_both(&mut self, waker: &Waker) -> Poll<Result<(), Error>>
    where
        F: Future,
    {
        // In this order: a task that ends after it was found unfinished is not polled to its end if it has
        // reached the goal.
        if let Poll::Ready(result) = self.look(waker) {
            return Poll::Ready(result);
        }
        match &mut self.task {
            Task::Nothing => return Poll::Pending,
            Task::Runs(task) => {
                let mut cx = Context::from_waker(waker);
                if task.as_mut().poll(&mut cx).is_pending() {
                    return Poll::Pending;
                }
                self.task = Task::Ended;
            }
            Task::Ended => {}
        }
        match self.look(waker) {
            Poll::Pending => Poll::Ready(Err(self.task_ended())),
            ready => ready,
        }
    }

    /// Ready once the goal is reached or out of reach. Until then, `waker` is woken when there is
    /// something new to look at.
    pub(super) fn look(&mut self, waker: &Waker) -> Poll<Result<(), Error>> {
        env::read_once();
        // Fixed from the first poll on.
        self.limit = Some(self.limit());
        loop {
            let present = match &mut self.observer {
                None => self.watched.find(),
                Some(observer) => {
                    if observer.poll(waker).is_ready() {
                        return Poll::Ready(Ok(()));
                    }
                    // Checked after it entered the list: if this is still the point, its retirement
                    // is yet to come, and finds the observer there.
                    match self.watched.find() {
                        Some(point) if Arc::ptr_eq(&point, observer.point()) => {
                            return Poll::Pending;
                        }
                        other => other,
                    }
                }
            };
            self.observer = match present {
                Some(point) => Some(Observer::new(point, self.goal)),
                None if self.observer.is_none() => {
                    return Poll::Ready(Err(self.watched.not_configured()));
                }
                None => return Poll::Ready(Err(self.watched.removed())),
            };
        }
    }

    /// Says so if the deadline was not in real time.
    fn whose_clock(&self) -> &'static str {
        #[cfg(feature = "async")]
        if self.timer.as_ref().is_some_and(Timer::is_virtual) {
            return "by tokio's clock, which is paused or was advanced: it goes on as soon as the \
                    runtime has nothing else to do; ";
        }
        ""
    }

    #[cold]
    fn too_late(&self) -> Error {
        let (came, state) = self.reached();
        let problem = Problem::Deadline {
            came,
            limit: self.limit(),
            state: format!("{}{state}", self.whose_clock()),
        };
        Error::of_point(&self.watched.name, problem)
    }

    #[cold]
    fn task_ended(&self) -> Error {
        let (came, state) = self.reached();
        Error::of_point(&self.watched.name, Problem::TaskEnded { came, state })
    }

    /// Describes how much of the goal was reached, and what there is to know about that.
    fn reached(&self) -> (String, String) {
        let point = self.watched.find();
        let came = match self.goal {
            Goal::Hits(n) => {
                let hits = point.as_ref().map_or(0, |point| point.hits());
                format!("{hits} of {n} hits came")
            }
            Goal::Fired(n) => {
                let fired = point.as_ref().map_or(0, |point| point.fired());
                format!("{fired} of {n} hits fired")
            }
            Goal::Paused(n) => {
                let waiters = point.as_ref().map_or(0, |point| point.waiters.count());
                format!("{waiters} of {n} waited at it")
            }
        };
        let never_hit = point.filter(|point| point.hits() == 0);
        let since = never_hit.map_or(String::new(), |point| {
            format!(
                "no hit came since it was {}, and a task that passed before does not count; ",
                point.made()
            )
        });
        let (hint, all) = (self.watched.hint(), list::report(&self.watched.home));
        (came, format!("{since}{hint}; what is configured:{all}"))
    }
}

/// Needs the feature `async`.
#[cfg(feature = "async")]
impl<F: Future> Future for Wait<F> {
    type Output = Result<(), Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let this = self.get_mut();
        if let Poll::Ready(result) = this.look_at_both(cx.waker()) {
            return Poll::Ready(result);
        }
        let limit = this.limit();
        if limit == Duration::MAX {
            return Poll::Pending;
        }
        let timer = this.timer.get_or_insert_with(|| Timer::new(limit));
        ready!(Pin::new(timer).poll(cx));
        Poll::Ready(Err(this.too_late()))
    }
}

impl<F> fmt::Debug for Wait<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait")
            .field("name", &self.watched.name)
            .field("goal", &self.goal)
            .field("limit", &self.limit())
            .finish_non_exhaustive()
    }
}

/// The point whose hits or waiters are waited for.
pub(crate) struct Watched {
    home: Home,
    name: Box<str>,
    hash: u64,
    /// The guard whose layer it is, on top or not; `None` means the topmost.
    guard: Option<GuardKey>,
}

impl Watched {
    /// The point of that name in this thread's scope.
    fn here(name: &str) -> Self {
        Self::name(&Registry::global().home(), name)
    }

    pub(crate) fn name(home: &Home, name: &str) -> Self {
        Self {
            home: home.clone(),
            name: name.into(),
            hash: hash(name),
            guard: None,
        }
    }

    pub(crate) fn layer(guard: &GuardKey) -> Self {
        Self {
            home: guard.home.clone(),
            name: guard.name.clone(),
            hash: guard.hash,
            guard: Some(guard.clone()),
        }
    }

    /// Returns possible reasons why the goal was not reached.
    pub(crate) fn hint(&self) -> String {
        if let Some((disturbance, _)) = self.disturbance() {
            return disturbance.into();
        }
        let (own, top) = (
            self.find(),
            Registry::global().find(&self.home, self.hash, &self.name),
        );
        let mut hints = Vec::new();
        hints.extend(own.as_ref().and_then(|own| own.about_turned_away()));
        hints.extend(self.change());
        hints.push(match (&own, top) {
            (Some(own), Some(top)) if !Arc::ptr_eq(own, &top) => {
                "a newer guard of the same name is on top".to_owned()
            }
            _ => suggest::about(&self.name, own.as_ref().is_some_and(|own| own.hits() > 0)),
        });
        if own.is_some_and(|own| own.draws()) {
            let seed = Registry::global().seed(&self.home);
            hints.push(format!("it draws from seed {seed}"));
        }
        hints.join("; ")
    }

    /// Describes, for people, how another than its guard changed what is watched, or what became of its
    /// guard.
    pub(crate) fn change(&self) -> Option<String> {
        match &self.guard {
            Some(guard) => {
                let change = Registry::global().change(guard)?;
                Some(format!("it was {change}"))
            }
            None => Registry::global().about_guard_of(&self.home, &self.name),
        }
    }

    /// Returns how another thread came in the way of the guard, if one did, and whether that ended
    /// waits.
    pub(crate) fn disturbance(&self) -> Option<(Box<str>, bool)> {
        let Disturbance { cause, ended_waits } =
            Registry::global().disturbance(self.guard.as_ref()?)?;
        let what = match ended_waits {
            true => "its waits were ended when it was",
            false => "hits have gone elsewhere since it was",
        };
        let text = format!(
            "{what} {cause}; tests in one process need a scope each: `let _alone = \
             neon_failpoint::isolate();`"
        );
        Some((text.into(), ended_waits))
    }

    /// Returns the error for a point that is not there.
    fn not_configured(&self) -> Error {
        match self.guard {
            Some(_) if !self.home.is_ended() => Error::of_point(
                &self.name,
                self.disturbed(false)
                    .unwrap_or_else(|| Problem::Ended(self.about_end())),
            ),
            _ => not_configured(&self.home, &self.name),
        }
    }

    /// Describes, for people, how its configuration ended.
    fn about_end(&self) -> Option<String> {
        match &self.guard {
            Some(guard) => Registry::global().about_end(guard),
            None => Registry::global().about_guard_of(&self.home, &self.name),
        }
    }

    fn disturbed(&self, was_there: bool) -> Option<Problem> {
        let (how, _) = self.disturbance()?;
        Some(Problem::Disturbed { how, was_there })
    }

    /// Returns the error for a point that was there when the wait began.
    fn removed(&self) -> Error {
        let problem = match self.home.is_ended() {
            true => Problem::ScopeEnded,
            false => self
                .disturbed(true)
                .unwrap_or_else(|| Problem::Removed(self.about_end())),
        };
        Error::of_point(&self.name, problem)
    }

    fn find(&self) -> Option<Arc<Point>> {
        let registry = Registry::global();
        match &self.guard {
            Some(guard) => registry.layer(guard),
            None => registry.find(&self.home, self.hash, &self.name),
        }
    }
}

/// A thread's waker.
#[derive(Default)]
struct Signal {
    woken: Mutex<bool>,
    changed: Condvar,
}

impl Signal {
    /// Waits until woken; returns `false` if `deadline` passes first.
    fn wait_until(&self, deadline: Option<Instant>) -> bool {
        let mut woken = lock(&self.woken);
        while !*woken {
            match wait_until(&self.changed, woken, deadline) {
                Ok(again) => woken = again,
                Err(_) => return false,
            }
        }
        *woken = false;
        true
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        *lock(&self.woken) = true;
        self.changed.notify_one();
    }
}
