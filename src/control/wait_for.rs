//! Waiting, in a test, for what the code under test does at a point.

use std::fmt;
use std::sync::Arc;
use std::task::{Poll, Wake, Waker};
use std::time::{Duration, Instant};
#[cfg(feature = "async")]
use std::{
    future::Future,
    pin::Pin,
    task::{Context, ready},
};

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
use crate::engine::sync::{Condvar, Mutex, lock, unpoisoned, wait_until};
use crate::engine::table::Registry;
#[cfg(feature = "async")]
use crate::engine::timer::Timer;
use crate::engine::waiters::Goal;
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
/// [deadline](set_wait_deadline) passes: that error lists every configured point with its hits and
/// its waiters. A build without the feature `testing` has nothing to wait for, and says so.
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
/// As [`wait_for_hits`], but for tasks and threads that wait at the same time. (A `sleep` of
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

static DEADLINE: std::sync::Mutex<Duration> = std::sync::Mutex::new(Duration::from_secs(30));

/// Sets the deadline of every [`Wait`] that has no other, from now on.
///
/// Initially it is 30 seconds. [`Armed::with_deadline`](crate::Armed::with_deadline) sets it for a
/// guard, [`Wait::within`] for one wait.
///
/// ```
/// neon_failpoint::set_wait_deadline(std::time::Duration::from_secs(10));
/// ```
pub fn set_wait_deadline(deadline: Duration) {
    *unpoisoned(DEADLINE.lock()) = deadline;
}

/// Returns the deadline of waits that have no other.
pub(crate) fn wait_deadline() -> Duration {
    *unpoisoned(DEADLINE.lock())
}

/// A wait for something to happen at a failpoint.
///
/// It is returned by [`wait_for_hits`], [`wait_until_paused`] and the methods of
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
/// Those of [`wait_for_hits`].
///
/// # Cancel safety
///
/// Dropping it leaves nothing behind. What it waited for is not used up: another wait finds it.
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
pub struct Wait {
    watched: Watched,
    goal: Goal,
    /// `None` means the process's deadline.
    limit: Option<Duration>,
    observer: Option<Observer>,
    #[cfg(feature = "async")]
    timer: Option<Timer>,
}

impl Wait {
    pub(crate) fn new(watched: Watched, goal: Goal, limit: Option<Duration>) -> Self {
        Self {
            watched,
            goal,
            limit,
            observer: None,
            #[cfg(feature = "async")]
            timer: None,
        }
    }

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
    /// point.release_one();
    /// thread.join().unwrap();
    /// ```
    pub fn blocking(mut self) -> Result<(), Error> {
        let start = Instant::now();
        let signal = Arc::new(Signal::default());
        let waker = Waker::from(signal.clone());
        loop {
            if let Poll::Ready(result) = self.look(&waker) {
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
        let point = self.watched.find();
        let came = match self.goal {
            Goal::Hits(n) => {
                let hits = point.map_or(0, |point| point.hits());
                format!("{hits} of {n} hits came")
            }
            Goal::Paused(n) => {
                let waiters = point.map_or(0, |point| point.waiters.count());
                format!("{waiters} of {n} waited at it")
            }
        };
        let problem = Problem::Deadline {
            came,
            limit: self.limit(),
            state: format!(
                "{}{}; what is configured:{}",
                self.whose_clock(),
                self.watched.hint(),
                list::report(&self.watched.home)
            ),
        };
        Error::of_point(&self.watched.name, problem)
    }
}

#[cfg(feature = "async")]
impl Future for Wait {
    type Output = Result<(), Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let this = self.get_mut();
        if let Poll::Ready(result) = this.look(cx.waker()) {
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

impl fmt::Debug for Wait {
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
        let mut hint = match (&own, top) {
            (Some(own), Some(top)) if !Arc::ptr_eq(own, &top) => {
                "a newer guard of the same name is on top".to_owned()
            }
            _ => suggest::about(&self.name, own.as_ref().is_some_and(|own| own.hits() > 0)),
        };
        if own.is_some_and(|own| own.draws()) {
            let seed = Registry::global().seed(&self.home);
            hint += &format!("; it draws from seed {seed}");
        }
        hint
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
            Some(_) if !self.home.is_ended() => {
                let disturbance = self.disturbance().map(|(text, _)| text);
                Error::of_point(&self.name, Problem::Ended(disturbance))
            }
            _ => not_configured(&self.home, &self.name),
        }
    }

    /// Returns the error for a point that was there when the wait began.
    fn removed(&self) -> Error {
        let problem = match self.home.is_ended() {
            true => Problem::ScopeEnded,
            false => Problem::Removed(self.disturbance().map(|(text, _)| text)),
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
