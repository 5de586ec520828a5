//! Hits of async code: the futures that a caller holds, and what a hit waits for.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};

use crate::engine::context::FailpointContext;
#[cfg(feature = "explore")]
use crate::engine::director::{self, Stop, Verdict};
use crate::engine::report;
use crate::engine::site::{ENABLED, Returns, Rules, Spot, Target};
use crate::engine::timer::Timer;
use crate::engine::wait::{End as Why, Waiter};
use crate::engine::waiters::HitDetails;
#[cfg(feature = "explore")]
use crate::hit::evaluate::arrival;
use crate::hit::evaluate::{FailpointResult, Step, burn, evaluate, no_closure};

/// Hits the failpoint `name`.
///
/// Nothing happens until the future is polled. The first poll evaluates the point once: if it is
/// not configured, or no alternative fires, the future is ready with `Continue`, without an
/// allocation. Matchers look at `context`.
///
/// | action | what the future does |
/// |---|---|
/// | `pause` | waits until it is released or the point is reconfigured or removed |
/// | `sleep(N)` | waits N milliseconds, or until then; of a range, a time that is drawn |
/// | `return`, `return(value)` | [`FailpointResult::Return`] |
/// | `yield` | lets other tasks run once |
/// | `delay(N)` | keeps the thread busy for N milliseconds |
/// | `print`, `panic`, `exit`, a callback | runs at once, inside the poll |
///
/// A wait that ends early gives `Continue`: a new configuration applies to later hits only.
///
/// The future is `Send`, and `'static` if its arguments are.
///
/// # Panics
///
/// If the point is configured to `panic`.
///
/// # Cancel safety
///
/// Dropping the future before its first poll leaves everything as it was. Dropping it while it
/// waits removes the waiter from the point's list; the hit, its draw and its count stay spent, as
/// if it had continued.
///
/// # Runtimes, tokio's paused clock, and shutdown
///
/// It needs no runtime: a `sleep` is timed by a thread of this crate, which is there only while
/// something sleeps. Where tokio's clock is paused, or was advanced, `sleep` follows that clock. A
/// task at a `pause` counts as idle: with nothing else to do, the clock advances. A runtime that
/// shuts down drops its waiting tasks, and with them their waiters.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// # if !neon_failpoint::has_failpoints() { return }
/// use neon_failpoint::{FailpointResult, configure_failpoint, failpoint};
///
/// configure_failpoint("failpoint-doc", "return(42)").unwrap();
/// let result = failpoint("failpoint-doc", None).await;
/// assert_eq!(result, FailpointResult::Return("42".to_owned()));
/// # }
/// ```
pub fn failpoint<'a>(name: &'a str, context: Option<&'a FailpointContext>) -> FailpointFuture<'a> {
    FailpointFuture::new(Target::Name(name), context, None, Rules::Native)
}

/// Hits the failpoint `name`; a wait ends with `Cancelled` when `cancel` is cancelled.
///
/// As [`failpoint`](crate::failpoint()); see there for everything else. The token matters only if
/// the action would wait (`pause` and `sleep`): one that was cancelled before gives `Cancelled`
/// there, and has no effect on any other action or on an idle point. If the wait also ends by
/// itself at the same poll, or because the point is reconfigured or removed, the result is
/// `Cancelled`; a waiter that was [released](crate::release_failpoint) before gives `Continue`. The
/// hit stays spent.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// # if !neon_failpoint::has_failpoints() { return }
/// use neon_failpoint::{FailpointResult, configure_failpoint, failpoint_with_cancellation};
/// use tokio_util::sync::CancellationToken;
///
/// configure_failpoint("cancellation-doc", "pause").unwrap();
/// let cancel = CancellationToken::new();
/// let (result, ()) = tokio::join!(
///     failpoint_with_cancellation("cancellation-doc", None, &cancel),
///     async { cancel.cancel() },
/// );
/// assert_eq!(result, FailpointResult::Cancelled);
/// # }
/// ```
pub fn failpoint_with_cancellation<'a>(
    name: &'a str,
    context: Option<&'a FailpointContext>,
    cancel: &'a CancellationToken,
) -> FailpointFuture<'a> {
    FailpointFuture::new(Target::Name(name), context, Some(cancel), Rules::Native)
}

/// The future of [`failpoint`](crate::failpoint()), [`failpoint_with_cancellation`] and
/// [`failpoint!`](crate::failpoint!).
///
/// See [`failpoint`](crate::failpoint()) for what dropping it does. Polled again after completion,
/// it is ready with `Continue`.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct FailpointFuture<'a> {
    state: State<'a>,
}

enum State<'a> {
    Hit {
        target: Target<'a>,
        context: Option<&'a FailpointContext>,
        cancel: Option<&'a CancellationToken>,
        /// Taken before the action runs: if that panics, another poll must not hit again.
        rules: Option<Rules>,
    },
    Waiting(Waiting<'a>),
    /// With the result that is yet to be returned.
    Over(FailpointResult),
}

/// The outcome of a poll.
enum Progress {
    Pending,
    Continue,
    /// [`State::Over`] has the result.
    Over,
}

impl<'a> FailpointFuture<'a> {
    #[inline]
    fn new(
        target: Target<'a>,
        context: Option<&'a FailpointContext>,
        cancel: Option<&'a CancellationToken>,
        rules: Rules,
    ) -> Self {
        let state = State::Hit {
            target,
            context,
            cancel,
            rules: Some(rules),
        };
        Self { state }
    }
}

impl Future for FailpointFuture<'_> {
    type Output = FailpointResult;

    #[inline]
    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<FailpointResult> {
        let this = self.get_mut();
        match &mut this.state {
            // The target is examined in place: copying as one word what was written as two stalls
            // the processor for longer than an idle hit takes.
            State::Hit { target, rules, .. }
                if !ENABLED || rules.is_none_or(|rules| target.is_idle(rules)) =>
            {
                *rules = None;
                Poll::Ready(FailpointResult::Continue)
            }
            // Returned in a register: a result that goes through memory is slower than a whole
            // lookup.
            _ => match this.advance(cx) {
                Progress::Pending => Poll::Pending,
                Progress::Continue => Poll::Ready(FailpointResult::Continue),
                Progress::Over => Poll::Ready(this.take_result()),
            },
        }
    }
}

impl FailpointFuture<'_> {
    #[cold]
    #[track_caller]
    fn advance(&mut self, cx: &mut Context<'_>) -> Progress {
        if let State::Hit {
            target,
            context,
            cancel,
            rules,
        } = &mut self.state
        {
            let Some(rules) = rules.take() else {
                return Progress::Continue;
            };
            let returns = match rules {
                Rules::Native | Rules::Fail => Returns::Value,
                Rules::Pausable => Returns::Nothing,
                Rules::Millis => Returns::Millis,
            };
            match begin_armed(target, *context, *cancel, rules, returns) {
                Begun::Continue => return Progress::Continue,
                Begun::Return(value) => {
                    self.state = State::Over(End::Return(value).into());
                    return Progress::Over;
                }
                Begun::Wait(waiting) => self.state = State::Waiting(waiting),
            }
        }
        let State::Waiting(waiting) = &mut self.state else {
            return Progress::Over;
        };
        match Pin::new(waiting).poll(cx) {
            Poll::Pending => Progress::Pending,
            Poll::Ready(result) => {
                self.state = State::Over(result.into());
                Progress::Over
            }
        }
    }

    #[cold]
    fn take_result(&mut self) -> FailpointResult {
        match &mut self.state {
            State::Over(result) => std::mem::replace(result, FailpointResult::Continue),
            State::Hit { .. } | State::Waiting(_) => FailpointResult::Continue,
        }
    }
}

impl fmt::Debug for FailpointFuture<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Hit { rules: None, .. } | State::Over(_) => "(done)",
            State::Hit { target, .. } => target.name(),
            State::Waiting(_) => "(waiting)",
        };
        f.debug_tuple("FailpointFuture").field(&state).finish()
    }
}

/// A hit that was evaluated.
pub(super) enum Begun<'a> {
    Continue,
    /// With the argument of the `return`.
    Return(Option<String>),
    Wait(Waiting<'a>),
}

#[inline]
#[track_caller]
pub(super) fn begin_armed<'a>(
    target: &Target<'_>,
    context: Option<&FailpointContext>,
    cancel: Option<&'a CancellationToken>,
    rules: Rules,
    returns: Returns,
) -> Begun<'a> {
    let mut value = None;
    let step = evaluate(target, context, rules, &mut value);
    if matches!(rules, Rules::Pausable | Rules::Millis) {
        announce(target, rules, &step);
    }
    let begun = match step {
        Step::Continue => Begun::Continue,
        Step::Delay { point, time } => {
            burn(&point, time);
            Begun::Continue
        }
        Step::Return if returns == Returns::Panics => no_closure(target.name(), rules),
        Step::Return => Begun::Return(value),
        Step::Yield => Begun::Wait(Waiting::yield_now()),
        Step::Wait { point, limit } => {
            let says_end = rules == Rules::Millis && limit.is_some();
            // No closure: it would not know its caller.
            let place = target.call_site();
            let paused_at = limit.is_none().then_some(place);
            // A sleep of `fail` is in real time, everywhere; but an exploration knows only its own clock.
            let limit = match rules {
                Rules::Fail if !is_explored(target) => limit.map(Timer::real),
                _ => limit.map(Timer::new),
            };
            let waiter = Waiter::new(point, HitDetails::of_task(context, cancel), paused_at);
            Begun::Wait(Waiting::new(waiter, limit, cancel, says_end))
        }
    };
    #[cfg(feature = "explore")]
    {
        let can_return = returns == Returns::Value && !matches!(begun, Begun::Return(_));
        if let Some(stop) = Stop::at(&arrival(target, context, can_return)) {
            return Begun::Wait(Waiting::stopped(stop, begun));
        }
    }
    begun
}

#[cfg(feature = "explore")]
fn is_explored(target: &Target<'_>) -> bool {
    director::of(target.name()).is_some()
}

#[cfg(not(feature = "explore"))]
fn is_explored(_: &Target<'_>) -> bool {
    false
}

/// The future of a hit that waits.
///
/// It is one pointer, to what is allocated only when an action waits, so that the futures of call
/// sites stay small. Dropping it leaves the point's list.
pub(super) struct Waiting<'a>(Box<Kind<'a>>);

enum Kind<'a> {
    /// Ends so at once.
    Over(End),
    /// Gives the executor's other tasks one turn.
    Yield { given: bool },
    /// Waits at a point.
    Point {
        waiter: Waiter,
        limit: Option<Timer>,
        cancelled: Option<Pin<Box<WaitForCancellationFuture<'a>>>>,
        /// Whether the end of the wait is logged.
        says_end: bool,
    },
    /// An exploration says when it goes on; then it does what it had begun.
    #[cfg(feature = "explore")]
    Stopped { stop: Stop, then: Begun<'a> },
}

/// How a wait is over.
#[derive(Debug)]
pub(super) enum End {
    /// Continue.
    Continue,
    /// Return, with the argument of the `return`: an exploration decides that so late, and a macro that
    /// hits before its await learns it there.
    Return(Option<String>),
    /// Its token was cancelled.
    Cancelled,
}

impl From<End> for FailpointResult {
    fn from(end: End) -> Self {
        match end {
            End::Continue => Self::Continue,
            End::Return(value) => Self::Return(value.unwrap_or_default()),
            End::Cancelled => Self::Cancelled,
        }
    }
}

impl<'a> Waiting<'a> {
    /// Ends as `end` says.
    pub(super) fn over(end: End) -> Self {
        Self(Box::new(Kind::Over(end)))
    }

    /// Lets other tasks run once.
    fn yield_now() -> Self {
        Self(Box::new(Kind::Yield { given: false }))
    }

    /// Waits until the waiter's wait is ended, `limit` has elapsed, or `cancel` is cancelled.
    fn new(
        waiter: Waiter,
        limit: Option<Timer>,
        cancel: Option<&'a CancellationToken>,
        says_end: bool,
    ) -> Self {
        Self(Box::new(Kind::Point {
            waiter,
            limit,
            cancelled: cancel.map(|cancel| Box::pin(cancel.cancelled())),
            says_end,
        }))
    }

    /// Waits until an exploration lets it go, then goes on as `then` says.
    #[cfg(feature = "explore")]
    fn stopped(stop: Stop, then: Begun<'a>) -> Self {
        Self(Box::new(Kind::Stopped { stop, then }))
    }
}

impl Future for Waiting<'_> {
    type Output = End;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<End> {
        let this = self.get_mut();
        match &mut *this.0 {
            #[cfg(feature = "explore")]
            Kind::Stopped { stop, then } => {
                match (
                    ready!(stop.poll(cx.waker())),
                    std::mem::replace(then, Begun::Continue),
                ) {
                    (Verdict::Return(value), _) => Poll::Ready(End::Return(value)),
                    (Verdict::Continue, Begun::Continue) => Poll::Ready(End::Continue),
                    (Verdict::Continue, Begun::Return(value)) => Poll::Ready(End::Return(value)),
                    (Verdict::Continue, Begun::Wait(waiting)) => {
                        *this = waiting;
                        Pin::new(this).poll(cx)
                    }
                }
            }
            Kind::Over(end) => Poll::Ready(std::mem::replace(end, End::Continue)),
            Kind::Yield { given: true } => Poll::Ready(End::Continue),
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
                let end = if is_ready(cancelled, cx) && waiter.leave(Why::Cancelled) {
                    End::Cancelled
                } else if waiter.poll(cx.waker()).is_ready() {
                    End::Continue
                } else if is_ready(limit, cx) {
                    waiter.leave(Why::Elapsed);
                    End::Continue
                } else {
                    return Poll::Pending;
                };
                if *says_end {
                    report::slept(waiter.name());
                }
                Poll::Ready(end)
            }
        }
    }
}

/// Polls an optional future; `None` is never ready.
fn is_ready<F: Future + Unpin>(future: &mut Option<F>, cx: &mut Context<'_>) -> bool {
    match future {
        Some(future) => Pin::new(future).poll(cx).is_ready(),
        None => false,
    }
}

/// Logs what is left to do, as Neon's macros did: its tests wait for these lines. What is done at
/// once was logged by [`evaluate`].
#[cold]
fn announce(target: &Target<'_>, rules: Rules, step: &Step) {
    match step {
        Step::Wait {
            limit: Some(limit), ..
        } if rules == Rules::Millis => report::sleeping(target.name(), *limit),
        Step::Wait { .. } => report::at(target.name()),
        Step::Return | Step::Yield | Step::Delay { .. } if rules == Rules::Pausable => {
            report::at(target.name());
        }
        Step::Continue | Step::Return | Step::Yield | Step::Delay { .. } => {}
    }
}

/// The future of [`failpoint!`](crate::failpoint!).
#[inline]
pub fn hit<'a>(
    spot: impl Spot<'a>,
    context: Option<&'a FailpointContext>,
    cancel: Option<&'a CancellationToken>,
) -> FailpointFuture<'a> {
    FailpointFuture::new(spot.into(), context, cancel, Rules::Native)
}

/// The future of [`pausable_failpoint!`](crate::pausable_failpoint!): `Err(())` if the token ended
/// the wait, else `Ok(())`.
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct PausableFuture<'a>(FailpointFuture<'a>);

impl Future for PausableFuture<'_> {
    type Output = Result<(), ()>;

    #[inline]
    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), ()>> {
        match ready!(Pin::new(&mut self.0).poll(cx)) {
            FailpointResult::Cancelled => Poll::Ready(Err(())),
            FailpointResult::Continue | FailpointResult::Return(_) => Poll::Ready(Ok(())),
        }
    }
}

/// Creates a [`PausableFuture`].
#[inline]
pub fn pausable<'a>(
    spot: impl Spot<'a>,
    cancel: Option<&'a CancellationToken>,
) -> PausableFuture<'a> {
    PausableFuture(FailpointFuture::new(
        spot.into(),
        None,
        cancel,
        Rules::Pausable,
    ))
}

/// The future of [`sleep_millis_async!`](crate::sleep_millis_async!).
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct MillisFuture<'a>(FailpointFuture<'a>);

impl Future for MillisFuture<'_> {
    type Output = ();

    #[inline]
    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(cx).map(drop)
    }
}

/// Creates a [`MillisFuture`].
#[inline]
pub fn sleep_millis<'a>(
    spot: impl Spot<'a>,
    cancel: Option<&'a CancellationToken>,
) -> MillisFuture<'a> {
    MillisFuture(FailpointFuture::new(
        spot.into(),
        None,
        cancel,
        Rules::Millis,
    ))
}
