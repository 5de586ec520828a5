//! Waiting with a task.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Sleep;
use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};

use super::{End, Waiter};
use crate::context::FailpointContext;
use crate::hit::FailpointResult;
use crate::point::Point;
use crate::report;

/// The future of a hit that waits.
///
/// It is one pointer, to what is allocated only when an action waits, so that the futures of call
/// sites stay small. Dropping it leaves the point's list.
#[derive(Debug)]
pub struct Waiting<'a>(Box<Kind<'a>>);

#[derive(Debug)]
enum Kind<'a> {
    /// Gives the executor's other tasks one turn.
    Yield { given: bool },
    /// Waits at a point.
    Point {
        waiter: Waiter,
        limit: Option<Pin<Box<Sleep>>>,
        cancelled: Option<Pin<Box<WaitForCancellationFuture<'a>>>>,
        /// Whether the end of the wait is logged.
        says_end: bool,
    },
}

impl<'a> Waiting<'a> {
    /// Lets other tasks run once.
    pub(crate) fn yield_now() -> Self {
        Self(Box::new(Kind::Yield { given: false }))
    }

    /// Waits until the waiter's wait is ended, `limit` has elapsed, or `cancel` is cancelled.
    pub(crate) fn new(
        point: Arc<Point>,
        context: Option<&FailpointContext>,
        limit: Option<Duration>,
        cancel: Option<&'a CancellationToken>,
        says_end: bool,
    ) -> Self {
        let waiter = Waiter::new(point, context, cancel);
        Self(Box::new(Kind::Point {
            waiter,
            limit: limit.map(|limit| Box::pin(tokio::time::sleep(limit))),
            cancelled: cancel.map(|cancel| Box::pin(cancel.cancelled())),
            says_end,
        }))
    }
}

impl Future for Waiting<'_> {
    type Output = FailpointResult;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<FailpointResult> {
        match &mut *self.get_mut().0 {
            Kind::Yield { given: true } => Poll::Ready(FailpointResult::Continue),
            Kind::Yield { given } => {
                *given = true;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Kind::Point {
                waiter,
                limit,
                cancelled,
                says_end,
            } => {
                // Cancellation first: if both are ready at one poll, it wins.
                let result = if is_ready(cancelled, cx) && waiter.leave(End::Cancelled) {
                    FailpointResult::Cancelled
                } else if waiter.poll(cx.waker()).is_ready() {
                    FailpointResult::Continue
                } else if is_ready(limit, cx) {
                    waiter.leave(End::Elapsed);
                    FailpointResult::Continue
                } else {
                    return Poll::Pending;
                };
                if *says_end {
                    report::slept(waiter.name());
                }
                Poll::Ready(result)
            }
        }
    }
}

/// Polls an optional future; `None` is never ready.
fn is_ready<F: Future>(future: &mut Option<Pin<Box<F>>>, cx: &mut Context<'_>) -> bool {
    match future {
        Some(future) => future.as_mut().poll(cx).is_ready(),
        None => false,
    }
}
