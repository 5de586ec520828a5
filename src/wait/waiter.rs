//! A task that waits.

use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Instant;

use tokio_util::sync::CancellationToken;

use super::entry::HitDetails;
use super::{Details, End, Entry, Released};
use crate::context::FailpointContext;
use crate::point::Point;
use crate::sync::{Ordering, lock};
use crate::trie::Named;
use crate::unwind::in_destructor;

/// One task's wait at a point.
///
/// Dropping it leaves the list.
#[derive(Debug)]
pub(crate) struct Waiter {
    point: Arc<Point>,
    stay: Stay,
}

#[derive(Debug)]
enum Stay {
    /// Not in the list yet.
    Arriving {
        since: Instant,
        details: Details,
    },
    Listed {
        key: u64,
        since: Instant,
    },
    Over,
}

impl Waiter {
    /// Creates the waiter of a hit with this context and token.
    pub(crate) fn new(
        point: Arc<Point>,
        context: Option<&FailpointContext>,
        cancel: Option<&CancellationToken>,
    ) -> Self {
        Self {
            point,
            stay: Stay::Arriving {
                since: Instant::now(),
                details: HitDetails::of_task(context, cancel),
            },
        }
    }

    /// The name of the point.
    pub(crate) fn name(&self) -> &str {
        self.point.name()
    }

    /// Ready once the wait is over. Until then, `waker` is the one to be woken.
    pub(crate) fn poll(&mut self, waker: &Waker) -> Poll<End> {
        // Acquire: pairs with the Release in `retire`.
        if self.point.waiters.retired.load(Ordering::Acquire) {
            return self.ready(End::Reconfigured);
        }
        // Cloned before the lock is taken; a leftover is dropped after it is released (I5).
        let mut spare = matches!(self.stay, Stay::Arriving { .. }).then(|| waker.clone());
        let mut released = Released::default();
        let poll = loop {
            match self.look(waker, &mut spare, &mut released) {
                Some(poll) => break poll,
                None => spare = Some(waker.clone()),
            }
        };
        released.wake();
        match poll {
            Poll::Ready(end) => self.ready(end),
            Poll::Pending => Poll::Pending,
        }
    }

    fn ready(&mut self, end: End) -> Poll<End> {
        self.over(end, true);
        Poll::Ready(end)
    }

    /// Ends the wait, once; see [`ended`](super::ended).
    fn over(&mut self, end: End, is_counted: bool) {
        let since = match std::mem::replace(&mut self.stay, Stay::Over) {
            Stay::Listed { since, .. } => since,
            Stay::Arriving { since, .. } => since,
            Stay::Over => return,
        };
        super::ended(&self.point, since, end, is_counted);
    }

    /// Checks under the lock whether the wait is over, and if not, stores the waker. Returns `None`
    /// if it needs a clone of the waker in `spare`.
    fn look(
        &mut self,
        waker: &Waker,
        spare: &mut Option<Waker>,
        released: &mut Released,
    ) -> Option<Poll<End>> {
        let mut list = lock(&self.point.waiters.list);
        match &mut self.stay {
            Stay::Over => return Some(Poll::Ready(End::Reconfigured)),
            // I3: `retired` and the entry below are one step.
            Stay::Arriving { .. } if list.retired => {}
            Stay::Arriving { since, details } => {
                let since = *since;
                let entry = Entry {
                    waker: Some(spare.take()?),
                    since,
                    details: details.take(),
                };
                let key = list.entries.push(entry);
                list.take_paused(released);
                self.stay = Stay::Listed { key, since };
                return Some(Poll::Pending);
            }
            Stay::Listed { key, .. } => match list.entries.get_mut(*key) {
                None => {}
                Some(Entry { waker: Some(w), .. }) if w.will_wake(waker) => {
                    return Some(Poll::Pending);
                }
                Some(entry) => {
                    *spare = entry.waker.replace(spare.take()?);
                    return Some(Poll::Pending);
                }
            },
        }
        let end = match self.stay {
            Stay::Listed { key, .. } if list.entries.take_mark(key) => End::Released,
            _ => End::Reconfigured,
        };
        Some(Poll::Ready(end))
    }

    /// Leaves the list early. Returns `false` if the waiter was [released](super::release) before.
    pub(crate) fn leave(&mut self, end: End) -> bool {
        let Stay::Listed { key, .. } = self.stay else {
            self.over(end, false);
            return true;
        };
        let mut list = lock(&self.point.waiters.list);
        let left = list.entries.remove(key);
        let was_released = left.is_none() && list.entries.take_mark(key);
        drop(list);
        let end = match left {
            _ if was_released => End::Released,
            // Its point was retired before.
            None if end.comes_last() => End::Reconfigured,
            _ => end,
        };
        let is_counted = left.is_none();
        // The waker's destructor runs after the lock is released (I5).
        drop(left);
        self.over(end, is_counted);
        !was_released
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        if matches!(self.stay, Stay::Listed { .. }) {
            // The waker's destructor and subscribers are a user's code.
            in_destructor(|| self.leave(End::Dropped));
        }
    }
}
