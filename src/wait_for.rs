//! Waiting, in a test, for what the code under test does at a point.

#[cfg(all(test, neon_failpoint_loom))]
mod models;

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Poll, Wake, Waker};
use std::time::{Duration, Instant};
#[cfg(feature = "async")]
use std::{
    future::Future,
    pin::Pin,
    task::{Context, ready},
};

use crate::env;
use crate::error::{Error, Problem};
use crate::list;
use crate::name::hash;
use crate::point::Point;
use crate::release::not_configured;
use crate::suggest;
use crate::table::Registry;
use crate::wait::{Goal, Observer};

/// Waits until the failpoint `name` was hit `n` times.
///
/// What is returned does nothing until it is awaited, or
/// [blocks the thread](Wait::blocking). Hits count from when the point was configured, so one
/// that came before the call is not missed. A hit counts before its action is done: to release
/// who comes, wait by [`wait_until_paused`].
///
/// If the point is configured anew meanwhile, the wait goes on and the count begins again.
///
/// # Errors
///
/// A name that is not configured, at once; one that is removed during the wait; and when the
/// [deadline](set_wait_deadline) has passed: then the error lists every configured point, how
/// often it was hit, and who waits there.
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
    Wait::new(Watched::name(name.as_ref()), Goal::Hits(n), None)
}

/// Waits until `n` tasks or threads wait at the failpoint `name`, by a `pause` or a `sleep`.
///
/// As [`wait_for_hits`], for who stands at the point at one time. (A `sleep` of
/// [`compat`](crate::compat)'s blocking macro does not count: nothing ends it.)
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
    Wait::new(Watched::name(name.as_ref()), Goal::Paused(n), None)
}

static DEADLINE: Mutex<Duration> = Mutex::new(Duration::from_secs(30));

/// Sets for how long a [`Wait`] waits that says nothing else, from now on. At first it is
/// 30 seconds.
///
/// [`Armed::with_deadline`](crate::Armed::with_deadline) sets it for a guard,
/// [`Wait::within`] for one wait.
///
/// ```
/// neon_failpoint::set_wait_deadline(std::time::Duration::from_secs(10));
/// ```
pub fn set_wait_deadline(deadline: Duration) {
    *DEADLINE.lock().unwrap_or_else(PoisonError::into_inner) = deadline;
}

/// For how long a wait waits that says nothing else.
pub(crate) fn wait_deadline() -> Duration {
    *DEADLINE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A wait for something to happen at a failpoint: a future, or by [`blocking`](Self::blocking)
/// a call.
///
/// From [`wait_for_hits`], [`wait_until_paused`] and the methods of
/// [`Armed`](crate::Armed). The deadline counts from the first poll, by tokio's clock; with a
/// [`blocking`](Self::blocking) wait by real time. The task is woken once, when it is so, or
/// when the point is configured anew or removed; there is no timer but the deadline's.
///
/// A paused tokio clock moves on when the runtime has nothing else to do, so there a wait for
/// what no task is going to do ends at once. It takes a plain thread that is still to come for
/// nothing, too: wait for that by [`blocking`](Self::blocking).
///
/// # Errors
///
/// Those of [`wait_for_hits`].
///
/// # Panics
///
/// Where there is no tokio timer and it does not hold at the first poll, with tokio's message.
///
/// # Cancel safety
///
/// Dropping it leaves nothing behind. What it waited for is not used up: another wait finds it.
#[must_use = "a wait does nothing unless you `.await` it or call `blocking`"]
pub struct Wait {
    watched: Watched,
    goal: Goal,
    /// `None` is the process's.
    limit: Option<Duration>,
    observer: Option<Observer>,
    #[cfg(feature = "async")]
    timer: Option<Pin<Box<tokio::time::Sleep>>>,
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

    /// Sets for how long it waits, from its first poll.
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
        self
    }

    /// Blocks the thread until it is so.
    ///
    /// # Errors
    ///
    /// Those of [`wait_for_hits`].
    pub fn blocking(mut self) -> Result<(), Error> {
        let start = Instant::now();
        let signal = Arc::new(Signal::default());
        let waker = Waker::from(signal.clone());
        loop {
            if let Poll::Ready(result) = self.look(&waker) {
                return result;
            }
            // A limit beyond what the clock can express is never over.
            let deadline = start.checked_add(self.limit());
            if !signal.wait_until(deadline) {
                return Err(self.too_late());
            }
        }
    }

    fn limit(&self) -> Duration {
        self.limit.unwrap_or_else(wait_deadline)
    }

    /// Ready once it is so, or cannot be any more. Until then `waker` is woken when there is
    /// something new.
    fn look(&mut self, waker: &Waker) -> Poll<Result<(), Error>> {
        env::read_once();
        // From here on it stays as it is.
        self.limit = Some(self.limit());
        loop {
            let present = match &mut self.observer {
                None => self.watched.find(),
                Some(observer) => {
                    if observer.poll(waker).is_ready() {
                        return Poll::Ready(Ok(()));
                    }
                    // After it entered the list: if this is still the point, then its
                    // retirement is yet to come, and finds the observer there.
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
                    return Poll::Ready(Err(not_configured(&self.watched.name)));
                }
                None => {
                    let removed = Error::of_point(&self.watched.name, Problem::Removed);
                    return Poll::Ready(Err(removed));
                }
            };
        }
    }

    #[cold]
    fn too_late(&self) -> Error {
        let came = self.watched.find().map_or(0, |point| match self.goal {
            Goal::Hits(_) => point.hits(),
            Goal::Paused(_) => point.waiters.count(),
        });
        let problem = Problem::Deadline {
            goal: self.goal,
            came,
            limit: self.limit(),
            state: format!(
                "{}; what is configured:{}",
                self.watched.hint(),
                list::report()
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
        let timer = this
            .timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        ready!(timer.as_mut().poll(cx));
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

/// Whose hits and waiters are waited for.
pub(crate) struct Watched {
    name: Box<str>,
    hash: u64,
    /// The guard, if it is its layer, on top or not.
    guard: Option<u64>,
}

impl Watched {
    fn name(name: &str) -> Self {
        Self {
            name: name.into(),
            hash: hash(name),
            guard: None,
        }
    }

    pub(crate) fn layer(name: &str, hash: u64, guard: u64) -> Self {
        Self {
            name: name.into(),
            hash,
            guard: Some(guard),
        }
    }

    /// Why nothing may have come.
    fn hint(&self) -> String {
        let top = Registry::global().find(self.hash, &self.name);
        match (self.find(), top) {
            (Some(own), Some(top)) if !Arc::ptr_eq(&own, &top) => {
                "a younger guard of the same name is on top".to_owned()
            }
            _ => suggest::about(&self.name),
        }
    }

    fn find(&self) -> Option<Arc<Point>> {
        let registry = Registry::global();
        match self.guard {
            Some(guard) => registry.layer(&self.name, self.hash, guard),
            None => registry.find(self.hash, &self.name),
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
    /// `false` if it was not woken until then.
    fn wait_until(&self, deadline: Option<Instant>) -> bool {
        let mut woken = self.woken.lock().unwrap_or_else(PoisonError::into_inner);
        while !*woken {
            woken = match deadline {
                None => self
                    .changed
                    .wait(woken)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return false;
                    }
                    let waited = self.changed.wait_timeout(woken, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        *woken = false;
        true
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        *self.woken.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_one();
    }
}
