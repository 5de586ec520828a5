//! What a paused or sleeping hit waits on.
//!
//! Each [`Point`] has one list of [`Waiters`]. A hit that waits enters it, whether it is
//! a task, with its waker and by [`Waiter::poll`], or a thread, by [`block`]. Either is let
//! go by taking its entry out of the list; then tasks are woken one by one, and threads
//! all at once.
//!
//! What holds here (the numbers are those of the crate's design):
//!
//! - **I1** The waiters are a list, in the order of their arrival, each with its
//!   kind, the time it began to wait and its context, so that the first, some, or
//!   those of a context can be let go; there is no broadcast.
//! - **I3** Retirement is level-triggered. Looking at `retired` and entering the
//!   list is one step under the list's lock, and so is setting `retired` and taking
//!   the list: a waiter is either in the list that is taken, or it sees `retired`.
//!   There is no order of events in which a wake-up is lost.
//! - **I5** The wakers are a user's code. They are cloned, woken and dropped only
//!   while no lock is held.

mod blocking;
mod entries;
#[cfg(feature = "async")]
mod future;
#[cfg(all(test, neon_failpoint_loom))]
mod models;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Instant;

use crate::action::Function;
use crate::context::FailpointContext;
use crate::point::Point;
use crate::sync::{AtomicBool, Condvar, Mutex, Ordering, lock};
pub(crate) use blocking::block;
use entries::Entries;
#[cfg(feature = "async")]
pub(crate) use future::Waiting;

/// Those who wait at one point.
#[derive(Debug)]
pub(crate) struct Waiters {
    list: Mutex<List>,
    /// The list's `retired`, for those who need not change the list: who was let go
    /// together with everybody else goes on without its lock.
    retired: AtomicBool,
    /// Where threads wait, with the list's lock.
    threads: Condvar,
}

#[derive(Debug, Default)]
struct List {
    retired: bool,
    /// How many threads wait: to notify nobody is a system call, too.
    blocked: usize,
    /// An entry that is gone was let go: its waiter sees that at its next poll.
    entries: Entries,
}

#[derive(Debug)]
struct Entry {
    waker: Waker,
    info: WaiterInfo,
}

/// One task or thread that waits at a failpoint.
#[derive(Clone, Debug)]
pub struct WaiterInfo {
    blocking: bool,
    since: Instant,
    context: Option<Box<FailpointContext>>,
}

impl WaiterInfo {
    fn new(blocking: bool, context: Option<&FailpointContext>) -> Self {
        Self {
            blocking,
            since: Instant::now(),
            context: context.map(|c| Box::new(c.clone())),
        }
    }

    /// Whether a thread is blocked; otherwise a task awaits.
    pub fn is_blocking(&self) -> bool {
        self.blocking
    }

    /// When it began to wait.
    pub fn since(&self) -> Instant {
        self.since
    }

    /// The context of its hit, if the call site gave one.
    pub fn context(&self) -> Option<&FailpointContext> {
        self.context.as_deref()
    }
}

impl Waiters {
    pub(crate) fn new() -> Self {
        Self {
            list: Mutex::new(List::default()),
            retired: AtomicBool::new(false),
            threads: Condvar::new(),
        }
    }

    /// Lets everybody go, now and from now on. The tasks to wake are added to `released`,
    /// for the caller to wake once it holds no lock (I5). Whether there are threads to
    /// wake, too, by [`notify_threads`](Self::notify_threads).
    pub(crate) fn retire(&self, released: &mut Released) -> bool {
        let mut list = lock(&self.list);
        list.retired = true;
        // Release: pairs with the Acquire in `Waiter::poll`. Who goes on finds what was
        // published before the retirement (I2).
        self.retired.store(true, Ordering::Release);
        if !list.entries.is_empty() {
            released.lists.push(std::mem::take(&mut list.entries));
        }
        list.blocked > 0
    }

    /// Has the threads look whether they were let go.
    fn notify_threads(&self) {
        self.threads.notify_all();
    }

    /// Who waits, in the order of arrival.
    pub(crate) fn infos(&self) -> Vec<WaiterInfo> {
        let list = lock(&self.list);
        list.entries.iter().map(|e| e.info.clone()).collect()
    }
}

/// Waiters that were let go and have yet to be woken, and callbacks that are to be
/// dropped with them.
#[derive(Debug, Default)]
#[must_use = "who was let go sleeps on until it is woken"]
pub(crate) struct Released {
    lists: Vec<Entries>,
    /// Those at which threads wait.
    points: Vec<Arc<Point>>,
    callbacks: Vec<Function>,
}

impl Released {
    /// Ends the work of `point`.
    pub(crate) fn retire(&mut self, point: &Arc<Point>) {
        if point.waiters.retire(self) {
            self.points.push(point.clone());
        }
        self.callbacks.extend(point.take_callback());
    }

    /// Wakes all of them. A waker that panics does so after the last one was woken.
    pub(crate) fn wake(self) {
        for point in self.points {
            point.waiters.notify_threads();
        }
        let mut panicked = None;
        for entry in self.lists.into_iter().flat_map(Entries::into_iter) {
            let woken = catch_unwind(AssertUnwindSafe(|| entry.waker.wake()));
            panicked = panicked.or(woken.err());
        }
        if let Some(panic) = panicked {
            resume_unwind(panic);
        }
    }
}

/// One task's stay at a point.
///
/// Dropping it leaves the list: nothing of it remains.
#[derive(Debug)]
pub(crate) struct Waiter {
    point: Arc<Point>,
    stay: Stay,
}

#[derive(Debug)]
enum Stay {
    /// Not in the list yet.
    Arriving(Option<WaiterInfo>),
    Listed {
        key: usize,
    },
    Over,
}

impl Waiter {
    pub(crate) fn new(point: Arc<Point>, context: Option<&FailpointContext>) -> Self {
        let info = WaiterInfo::new(false, context);
        Self {
            point,
            stay: Stay::Arriving(Some(info)),
        }
    }

    /// Ready once the waiter was let go. Until then `waker` is the one that is woken.
    pub(crate) fn poll(&mut self, waker: &Waker) -> Poll<()> {
        // Acquire: pairs with the Release in `retire`.
        if self.point.waiters.retired.load(Ordering::Acquire) {
            self.stay = Stay::Over;
            return Poll::Ready(());
        }
        // Cloned before the lock is taken; what is left over is dropped after it is
        // released (I5).
        let mut spare = matches!(self.stay, Stay::Arriving(_)).then(|| waker.clone());
        loop {
            match self.look(waker, &mut spare) {
                Some(poll) => return poll,
                None => spare = Some(waker.clone()),
            }
        }
    }

    /// One look under the lock: was it let go, and if not, who is to be woken? `None`
    /// asks for a clone of the waker in `spare`.
    fn look(&mut self, waker: &Waker, spare: &mut Option<Waker>) -> Option<Poll<()>> {
        let mut list = lock(&self.point.waiters.list);
        match &mut self.stay {
            Stay::Over => return Some(Poll::Ready(())),
            // I3: `retired` and the entry below are one step.
            Stay::Arriving(_) if list.retired => {}
            Stay::Arriving(info) => {
                let waker = spare.take()?;
                let info = info.take()?;
                let key = list.entries.push(Entry { waker, info });
                self.stay = Stay::Listed { key };
                return Some(Poll::Pending);
            }
            Stay::Listed { key } => match list.entries.get_mut(*key) {
                None => {}
                Some(entry) if entry.waker.will_wake(waker) => return Some(Poll::Pending),
                Some(entry) => {
                    *spare = Some(std::mem::replace(&mut entry.waker, spare.take()?));
                    return Some(Poll::Pending);
                }
            },
        }
        self.stay = Stay::Over;
        Some(Poll::Ready(()))
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        if let Stay::Listed { key } = self.stay {
            let left = lock(&self.point.waiters.list).entries.remove(key);
            // The lock is released: now the waker may run its destructor (I5).
            drop(left);
        }
    }
}
