//! The primitives that hits and writers share, so that loom can replace them.
//!
//! Everything that takes part in the protocol of [`table`](crate::table) and [`wait`](crate::wait)
//! comes from here. Under `--cfg neon_failpoint_loom` the models run on the shipping types with
//! loom's primitives below them; arc-swap, which loom does not see, is replaced by a loom atomic
//! with the index of the present value among all that there ever were.

use std::ops::{Deref, DerefMut};
use std::sync::{LockResult, PoisonError};
use std::time::{Duration, Instant};

use crate::engine::inside::Inside;

pub(crate) use imp::{
    AtomicBool, AtomicU32, AtomicUsize, Condvar, Mutex, MutexGuard, Ordering, Snapshot,
};

/// Locks `mutex`; a panic of an earlier holder does not poison it.
///
/// No code of a user runs while one of our locks is held (I5), so a panic under one could only be
/// our own, and what the lock guards is replaced as a whole: there is no half-done state to protect
/// against.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> Locked<MutexGuard<'_, T>> {
    held(mutex.lock())
}

/// [`lock`] for what any of the standard library's locks gives, where something is allocated meanwhile.
pub(crate) fn held<G>(locked: LockResult<G>) -> Locked<G> {
    Locked {
        guard: unpoisoned(locked),
        inside: Inside::enter(),
    }
}

/// A lock that is held, and its thread [inside](super::inside).
pub(crate) struct Locked<G> {
    guard: G,
    inside: Inside,
}

impl<G: Deref> Deref for Locked<G> {
    type Target = G::Target;

    #[inline]
    fn deref(&self) -> &G::Target {
        &self.guard
    }
}

impl<G: DerefMut> DerefMut for Locked<G> {
    #[inline]
    fn deref_mut(&mut self) -> &mut G::Target {
        &mut self.guard
    }
}

/// [`held`] for where nothing is.
pub(crate) fn unpoisoned<G>(locked: LockResult<G>) -> G {
    locked.unwrap_or_else(PoisonError::into_inner)
}

/// Waits until `condvar` is notified, perhaps for nothing. An error means that `deadline` has
/// passed.
pub(crate) fn wait_until<'a, T>(
    condvar: &Condvar,
    locked: Locked<MutexGuard<'a, T>>,
    deadline: Option<Instant>,
) -> Result<Locked<MutexGuard<'a, T>>, Locked<MutexGuard<'a, T>>> {
    let Locked { guard, inside } = locked;
    let Some(deadline) = deadline else {
        let guard = unpoisoned(condvar.wait(guard));
        return Ok(Locked { guard, inside });
    };
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(Locked { guard, inside });
    }
    let (guard, _) = unpoisoned(condvar.wait_timeout(guard, left));
    Ok(Locked { guard, inside })
}

/// Waits until the standard library's `condvar` is notified, perhaps for nothing, or `time` is over.
pub(crate) fn wait_for<'a, T>(
    condvar: &std::sync::Condvar,
    locked: Locked<std::sync::MutexGuard<'a, T>>,
    time: Duration,
) -> Locked<std::sync::MutexGuard<'a, T>> {
    let Locked { guard, inside } = locked;
    let (guard, _) = unpoisoned(condvar.wait_timeout(guard, time));
    Locked { guard, inside }
}

/// Defines a constructor that is `const` if the primitives allow it.
macro_rules! const_unless_loom {
    ($(#[$doc:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),*) -> $ret:ty $body:block) => {
        #[cfg(not(all(test, neon_failpoint_loom)))]
        $(#[$doc])*
        $vis const fn $name($($arg: $ty),*) -> $ret $body

        #[cfg(all(test, neon_failpoint_loom))]
        $(#[$doc])*
        $vis fn $name($($arg: $ty),*) -> $ret $body
    };
}
pub(crate) use const_unless_loom;

#[cfg(not(all(test, neon_failpoint_loom)))]
mod imp {
    use std::ops::Deref;
    use std::sync::Arc;

    use arc_swap::ArcSwapOption;

    pub(crate) use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
    pub(crate) use std::sync::{Condvar, Mutex, MutexGuard};

    /// A shared pointer that is read without a lock and replaced as a whole.
    pub(crate) struct Snapshot<T>(ArcSwapOption<T>);

    impl<T> Snapshot<T> {
        pub(crate) const fn empty() -> Self {
            Self(ArcSwapOption::const_empty())
        }

        /// Returns the present value. The load acquires: it pairs with `replace`.
        #[inline]
        pub(crate) fn load(&self) -> impl Deref<Target = Option<Arc<T>>> {
            self.0.load()
        }

        /// Publishes `next` and returns the previous value.
        pub(crate) fn replace(&self, next: Option<Arc<T>>) -> Option<Arc<T>> {
            self.0.swap(next)
        }
    }
}

#[cfg(all(test, neon_failpoint_loom))]
mod imp {
    use std::ops::Deref;
    use std::sync::Arc;

    pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
    pub(crate) use loom::sync::{Condvar, Mutex, MutexGuard};

    /// Every value there was, and the index of the present one: unlike behind a mutex, a load may
    /// see an old one if nothing orders it.
    pub(crate) struct Snapshot<T> {
        all: std::sync::Mutex<Vec<Option<Arc<T>>>>,
        present: AtomicUsize,
    }

    impl<T> Snapshot<T> {
        pub(crate) fn empty() -> Self {
            Self {
                all: std::sync::Mutex::new(vec![None]),
                present: AtomicUsize::new(0),
            }
        }

        fn all(&self) -> std::sync::MutexGuard<'_, Vec<Option<Arc<T>>>> {
            super::unpoisoned(self.all.lock())
        }

        pub(crate) fn load(&self) -> impl Deref<Target = Option<Arc<T>>> {
            let present = self.present.load(Ordering::Acquire);
            Box::new(self.all()[present].clone())
        }

        pub(crate) fn replace(&self, next: Option<Arc<T>>) -> Option<Arc<T>> {
            let at = {
                let mut all = self.all();
                all.push(next);
                all.len() - 1
            };
            let before = self.present.swap(at, Ordering::AcqRel);
            self.all()[before].clone()
        }
    }
}
