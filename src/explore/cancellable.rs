//! Futures that the explorer may drop.

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use crate::engine::sync::unpoisoned;

/// Lets the explorer drop `future` while it stands at a failpoint inside it: see
/// [`Explorer::cancellations`](crate::explore::Explorer::cancellations).
///
/// It stands for whatever drops a future at any await: a timeout, `select!`, `JoinHandle::abort`, a
/// client that goes away. The result is `None` if the future was dropped, else `Some` with its output.
/// Where nothing is explored it is always `Some`. Failpoints of a task that `future` spawns are not
/// inside it.
///
/// # Cancel safety
///
/// Dropping it drops `future`.
///
/// # Examples
///
/// ```
/// # if !neon_failpoint::has_failpoints() { return }
/// use neon_failpoint::explore::{Explorer, cancellable};
/// use neon_failpoint::fail_point;
/// use tokio::sync::Semaphore;
///
/// async fn with_permit(semaphore: &Semaphore) {
///     semaphore.acquire().await.unwrap().forget();
///     fail_point!("cancellable-doc");
///     semaphore.add_permits(1); // A guard would have given it back.
/// }
///
/// let report = Explorer::new().cancellations(1).run(|| async {
///     let semaphore = Semaphore::new(1);
///     cancellable(with_permit(&semaphore)).await;
///     assert_eq!(semaphore.available_permits(), 1, "a permit is lost");
/// });
/// assert!(report.failure().unwrap().message().contains("a permit is lost"));
/// ```
pub fn cancellable<F: Future>(future: F) -> Cancellable<F> {
    Cancellable {
        future: Some(Box::pin(future)),
        order: None,
    }
}

/// The future of [`cancellable`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Cancellable<F> {
    /// `None` once it is over.
    future: Option<Pin<Box<F>>>,
    /// There once it was polled.
    order: Option<Arc<Order>>,
}

/// An order to drop a future.
#[derive(Debug, Default)]
pub(super) struct Order {
    is_given: AtomicBool,
    /// Of the last poll.
    waker: Mutex<Option<Waker>>,
}

impl Order {
    /// Has the future dropped at its next poll, and returns the waker that leads to it.
    pub(super) fn give(&self) -> Option<Waker> {
        self.is_given.store(true, Ordering::SeqCst);
        unpoisoned(self.waker.lock()).take()
    }
}

thread_local! {
    /// The futures that are being polled, the innermost last.
    static AROUND: RefCell<Vec<Arc<Order>>> = const { RefCell::new(Vec::new()) };
}

/// Returns what may be dropped around the hit that is being polled, the innermost first.
pub(super) fn around() -> Vec<Arc<Order>> {
    AROUND.with(|around| around.borrow().iter().rev().cloned().collect())
}

/// One poll inside; also where that panics.
struct Inside;

impl Inside {
    fn new(order: &Arc<Order>) -> Self {
        AROUND.with(|around| around.borrow_mut().push(order.clone()));
        Self
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        AROUND.with(|around| around.borrow_mut().pop());
    }
}

impl<F: Future> Future for Cancellable<F> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<F::Output>> {
        let this = self.get_mut();
        let Some(future) = &mut this.future else {
            return Poll::Ready(None);
        };
        let order = this.order.get_or_insert_with(Arc::default);
        // Cloned and dropped outside of the lock (I5).
        let waker = Some(cx.waker().clone());
        let _old = std::mem::replace(&mut *unpoisoned(order.waker.lock()), waker);
        let output = if order.is_given.load(Ordering::SeqCst) {
            Poll::Ready(None)
        } else {
            let _inside = Inside::new(order);
            future.as_mut().poll(cx).map(Some)
        };
        if output.is_ready() {
            this.future = None;
        }
        output
    }
}

impl<F> fmt::Debug for Cancellable<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_over = self.future.is_none();
        f.debug_struct("Cancellable")
            .field("is_over", &is_over)
            .finish_non_exhaustive()
    }
}
