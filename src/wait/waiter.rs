//! A task that waits.

use std::sync::Arc;
use std::task::{Poll, Waker};

use super::{Entry, WaiterInfo};
use crate::context::FailpointContext;
use crate::point::Point;
use crate::sync::{Ordering, lock};
use crate::trie::Named;

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
        key: u64,
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

    /// The name of the point.
    pub(crate) fn name(&self) -> &str {
        self.point.name()
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
