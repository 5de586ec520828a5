//! Alarms: sleeping without a runtime, and when to look at who waits.
//!
//! An async sleep has to work wherever its future is polled: on tokio, on a runtime of tokio's whose
//! timers are off, inside another executor's `block_on` on a thread of tokio's, where nobody drives
//! tokio's timers, and on executors that have none. So a sleep in real time waits for a thread of our
//! own, which is there only while somebody sleeps. Only where tokio's clock is not the real one, paused
//! or advanced by a test, the sleep is tokio's.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex};
use std::task::Waker;
use std::thread;
use std::time::{Duration, Instant};

#[cfg(feature = "async")]
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use crate::engine::sync::{held, wait_for};
use crate::engine::unwind::caught;
#[cfg(feature = "async")]
use crate::engine::unwind::in_destructor;

/// How long the thread stays at most when the last alarm was forgotten.
const LINGER: Duration = Duration::from_millis(100);

/// A future that is ready once its time is up. Dropping it forgets the time.
#[cfg(feature = "async")]
pub(crate) enum Timer {
    Real(Alarm),
    Tokio(Pin<Box<tokio::time::Sleep>>),
}

#[cfg(feature = "async")]
impl Timer {
    /// Counts `time` from now by tokio's clock, if it is paused or was advanced, else in real time.
    pub(crate) fn new(time: Duration) -> Self {
        match has_clock_of_its_own() {
            true => Self::Tokio(Box::pin(tokio::time::sleep(time))),
            false => Self::real(time),
        }
    }

    /// Counts `time` from now in real time.
    pub(crate) fn real(time: Duration) -> Self {
        Self::Real(Alarm {
            // A time beyond what the clock can express never comes.
            deadline: Instant::now().checked_add(time),
            key: None,
        })
    }

    /// Whether it follows tokio's clock rather than the real one.
    pub(crate) fn is_virtual(&self) -> bool {
        matches!(self, Self::Tokio(_))
    }
}

/// Whether tokio's clock is not the real one here. Where it is, or where there is no runtime, it gives
/// what the standard library does, to the nanosecond.
#[cfg(feature = "async")]
fn has_clock_of_its_own() -> bool {
    let before = Instant::now();
    let now = tokio::time::Instant::now().into_std();
    !(before..=Instant::now()).contains(&now)
}

#[cfg(feature = "async")]
impl Future for Timer {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match self.get_mut() {
            Self::Real(alarm) => alarm.poll(cx.waker()),
            Self::Tokio(sleep) => sleep.as_mut().poll(cx),
        }
    }
}

/// A time at which a waker is to be woken.
#[cfg(feature = "async")]
pub(crate) struct Alarm {
    deadline: Option<Instant>,
    /// Its key among the [`Alarms`], while it is there.
    key: Option<Key>,
}

/// Ordered by time; the number tells alarms of one time apart.
type Key = (Instant, u64);

/// All alarms of the process, and the process whose thread wakes them, if it is there: after a `fork` the
/// child has the alarms, and not the thread.
struct Alarms {
    wakers: BTreeMap<Key, Waker>,
    runs_in: Option<u32>,
}

static ALARMS: Mutex<Alarms> = Mutex::new(Alarms {
    wakers: BTreeMap::new(),
    runs_in: None,
});
static CHANGED: Condvar = Condvar::new();

fn key(deadline: Instant) -> Key {
    static NUMBERS: AtomicU64 = AtomicU64::new(0);
    (deadline, NUMBERS.fetch_add(1, Ordering::Relaxed))
}

/// Has `waker` woken once `time` is over; `false` if there is no thread to do it.
pub(crate) fn wake_in(time: Duration, waker: Waker) -> bool {
    // A time beyond what the clock can express never comes.
    let deadline = Instant::now().checked_add(time);
    deadline.is_none_or(|deadline| insert(key(deadline), waker).is_ok())
}

/// Adds an alarm, or replaces its waker; an error if there is no thread to wake it.
fn insert(key: Key, waker: Waker) -> std::io::Result<()> {
    let mut alarms = held(ALARMS.lock());
    let first = alarms.wakers.first_key_value();
    let is_first = first.is_none_or(|(first, _)| key < *first);
    let old = alarms.wakers.insert(key, waker);
    let starts = alarms.needs_thread();
    drop(alarms);
    // A user's code, as in what follows (I5).
    drop(old);
    if starts {
        if let Err(e) = start() {
            let waker = held(ALARMS.lock()).wakers.remove(&key);
            drop(waker);
            return Err(e);
        }
    } else if is_first {
        CHANGED.notify_one();
    }
    Ok(())
}

impl Alarms {
    /// Whether there is no thread; then the caller [starts](start) it.
    fn needs_thread(&mut self) -> bool {
        let this = Some(std::process::id());
        std::mem::replace(&mut self.runs_in, this) != this
    }
}

fn start() -> std::io::Result<()> {
    let named = thread::Builder::new().name("neon_failpoint timer".to_owned());
    let started = named.spawn(run);
    if started.is_err() {
        held(ALARMS.lock()).runs_in = None;
    }
    started.map(drop)
}

/// Starts the thread for the alarms that a `fork` left without one.
pub(crate) fn go_on() {
    let mut alarms = held(ALARMS.lock());
    let starts = !alarms.wakers.is_empty() && alarms.needs_thread();
    drop(alarms);
    if starts {
        // Without a thread the next alarm tries again.
        let _ = start();
    }
}

#[cfg(feature = "async")]
impl Alarm {
    /// Wakes `waker` `time` from now, in real time, unless it is dropped before; an error if there is no
    /// thread to do that.
    #[cfg(feature = "http")]
    pub(crate) fn set(time: Duration, waker: Waker) -> std::io::Result<Self> {
        let mut alarm = Self {
            deadline: Instant::now().checked_add(time),
            key: None,
        };
        if let Some(deadline) = alarm.deadline {
            let key = key(deadline);
            insert(key, waker)?;
            alarm.key = Some(key);
        }
        Ok(alarm)
    }

    /// Returns how long it is until its time; `None` if that never comes.
    #[cfg(feature = "http")]
    pub(crate) fn left(&self) -> Option<Duration> {
        let deadline = self.deadline?;
        Some(deadline.saturating_duration_since(Instant::now()))
    }

    fn poll(&mut self, by: &Waker) -> Poll<()> {
        let Some(deadline) = self.deadline else {
            return Poll::Pending;
        };
        if deadline <= Instant::now() {
            self.forget();
            return Poll::Ready(());
        }
        // Cloned before the lock is taken, dropped after it is released (I5).
        let waker = by.clone();
        let key = *self.key.get_or_insert_with(|| key(deadline));
        if insert(key, waker).is_err() {
            // Without a thread whoever polls has to look at the clock.
            self.key = None;
            by.wake_by_ref();
        }
        Poll::Pending
    }

    fn take(&mut self) -> Option<Waker> {
        let key = self.key.take()?;
        held(ALARMS.lock()).wakers.remove(&key)
    }

    fn forget(&mut self) {
        if self.key.is_some() {
            // The waker's destructor is a user's code, and runs after the lock is released (I5).
            in_destructor(|| drop(self.take()));
        }
    }
}

#[cfg(feature = "async")]
impl Drop for Alarm {
    fn drop(&mut self) {
        self.forget();
    }
}

/// Wakes alarms at their times, until there are none.
fn run() {
    let mut alarms = held(ALARMS.lock());
    loop {
        let now = Instant::now();
        let mut due = Vec::new();
        while let Some(first) = alarms.wakers.first_entry().filter(|e| e.key().0 <= now) {
            due.push(first.remove());
        }
        if !due.is_empty() {
            drop(alarms);
            for waker in due {
                // A waker that panics keeps no other from being woken.
                caught(|| waker.wake());
            }
            alarms = held(ALARMS.lock());
            continue;
        }
        alarms = match alarms.wakers.first_key_value() {
            None => {
                alarms.runs_in = None;
                return;
            }
            Some(((first, _), _)) => {
                // Nobody says that an alarm was forgotten.
                let left = (*first - now).min(LINGER);
                wait_for(&CHANGED, alarms, left)
            }
        };
    }
}
