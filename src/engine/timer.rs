//! Sleeping without a runtime.
//!
//! An async sleep has to work wherever its future is polled: on tokio, on a runtime of tokio's whose
//! timers are off, inside another executor's `block_on` on a thread of tokio's, where nobody drives
//! tokio's timers, and on executors that have none. So a sleep in real time waits for a thread of our
//! own, which is there only while somebody sleeps. Only where tokio's clock is not the real one, paused
//! or advanced by a test, the sleep is tokio's.

use std::collections::BTreeMap;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Condvar, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use crate::engine::sync::unpoisoned;
use crate::engine::unwind::in_destructor;

/// A future that is ready once its time is up. Dropping it forgets the time.
pub(crate) enum Timer {
    Real(Alarm),
    Tokio(Pin<Box<tokio::time::Sleep>>),
}

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
fn has_clock_of_its_own() -> bool {
    let before = Instant::now();
    let now = tokio::time::Instant::now().into_std();
    !(before..=Instant::now()).contains(&now)
}

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
pub(crate) struct Alarm {
    deadline: Option<Instant>,
    /// Its key among the [`Alarms`], while it is there.
    key: Option<Key>,
}

/// Ordered by time; the number tells alarms of one time apart.
type Key = (Instant, u64);

/// All alarms of the process, and whether the thread that wakes them is there.
struct Alarms {
    next: u64,
    wakers: BTreeMap<Key, Waker>,
    is_running: bool,
}

static ALARMS: Mutex<Alarms> = Mutex::new(Alarms {
    next: 0,
    wakers: BTreeMap::new(),
    is_running: false,
});
static CHANGED: Condvar = Condvar::new();

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
            alarm.register(deadline, waker)?;
        }
        Ok(alarm)
    }

    /// Returns how long it is until its time; `None` if that never comes.
    #[cfg(feature = "http")]
    pub(crate) fn left(&self) -> Option<Duration> {
        let deadline = self.deadline?;
        Some(deadline.saturating_duration_since(Instant::now()))
    }

    fn poll(&mut self, waker: &Waker) -> Poll<()> {
        let Some(deadline) = self.deadline else {
            return Poll::Pending;
        };
        if deadline <= Instant::now() {
            self.forget();
            return Poll::Ready(());
        }
        // Cloned before the lock is taken, dropped after it is released (I5).
        if self.register(deadline, waker.clone()).is_err() {
            // Without a thread whoever polls has to look at the clock.
            waker.wake_by_ref();
        }
        Poll::Pending
    }

    /// Has `waker` woken at `deadline`; an error if there is no thread to do that.
    fn register(&mut self, deadline: Instant, waker: Waker) -> std::io::Result<()> {
        let mut alarms = unpoisoned(ALARMS.lock());
        let key = *self.key.get_or_insert_with(|| {
            alarms.next += 1;
            (deadline, alarms.next)
        });
        let is_first = alarms
            .wakers
            .first_key_value()
            .is_none_or(|(first, _)| key < *first);
        let old = alarms.wakers.insert(key, waker);
        let starts = !std::mem::replace(&mut alarms.is_running, true);
        drop(alarms);
        drop(old);
        if starts {
            let named = thread::Builder::new().name("neon_failpoint timer".to_owned());
            if let Err(e) = named.spawn(run) {
                unpoisoned(ALARMS.lock()).is_running = false;
                self.forget();
                return Err(e);
            }
        } else if is_first {
            CHANGED.notify_one();
        }
        Ok(())
    }

    fn take(&mut self) -> Option<Waker> {
        let key = self.key.take()?;
        let mut alarms = unpoisoned(ALARMS.lock());
        let waker = alarms.wakers.remove(&key);
        if waker.is_some() && alarms.wakers.is_empty() {
            // The thread need not stay until the time of an alarm that was dropped.
            CHANGED.notify_one();
        }
        waker
    }

    fn forget(&mut self) {
        if self.key.is_some() {
            // The waker's destructor is a user's code, and runs after the lock is released (I5).
            in_destructor(|| drop(self.take()));
        }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.forget();
    }
}

/// Wakes alarms at their times, until there are none.
fn run() {
    let mut alarms = unpoisoned(ALARMS.lock());
    loop {
        let now = Instant::now();
        let mut due = Vec::new();
        while let Some(first) = alarms.wakers.first_entry().filter(|e| e.key().0 <= now) {
            due.push(first.remove());
        }
        if !due.is_empty() {
            drop(alarms);
            for waker in due {
                // A waker that panics keeps no other from being woken. Leaked: the destructor of the
                // panic's payload could panic, too.
                let woken = catch_unwind(AssertUnwindSafe(|| waker.wake()));
                woken.unwrap_or_else(std::mem::forget);
            }
            alarms = unpoisoned(ALARMS.lock());
            continue;
        }
        alarms = match alarms.wakers.first_key_value() {
            None => {
                alarms.is_running = false;
                return;
            }
            Some(((first, _), _)) => {
                let left = *first - now;
                unpoisoned(CHANGED.wait_timeout(alarms, left)).0
            }
        };
    }
}
