//! What is known of one waiter.

use std::fmt;
use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

#[cfg(feature = "async")]
use tokio_util::sync::CancellationToken;

use crate::context::FailpointContext;

/// A waiter in the list. Small, because releasing 100,000 waiters is bound by memory.
#[derive(Debug)]
pub(super) struct Entry {
    /// `None` for a thread, which waits on the point's condition variable.
    pub(super) waker: Option<Waker>,
    pub(super) since: Instant,
    pub(super) details: Details,
}

impl Entry {
    /// Whether this is a blocked thread, rather than a task.
    pub(super) fn is_thread(&self) -> bool {
        self.waker.is_none()
    }
}

/// What few hits have; for all others it costs one word.
pub(super) type Details = Option<Arc<HitDetails>>;

/// What a hit has besides its name.
pub(super) struct HitDetails {
    context: Option<FailpointContext>,
    /// A waiter whose token is cancelled can no longer be released.
    #[cfg(feature = "async")]
    cancel: Option<CancellationToken>,
}

impl HitDetails {
    pub(super) fn of_thread(context: Option<&FailpointContext>) -> Details {
        context.map(|context| {
            Arc::new(Self {
                context: Some(context.clone()),
                #[cfg(feature = "async")]
                cancel: None,
            })
        })
    }

    #[cfg(feature = "async")]
    pub(super) fn of_task(
        context: Option<&FailpointContext>,
        cancel: Option<&CancellationToken>,
    ) -> Details {
        (context.is_some() || cancel.is_some()).then(|| {
            Arc::new(Self {
                context: context.cloned(),
                cancel: cancel.cloned(),
            })
        })
    }

    pub(super) fn context(&self) -> Option<&FailpointContext> {
        self.context.as_ref()
    }

    /// Whether the token is cancelled. Takes a lock that is not ours.
    pub(super) fn is_cancelled(&self) -> bool {
        #[cfg(feature = "async")]
        return self.cancel.as_ref().is_some_and(|c| c.is_cancelled());
        #[cfg(not(feature = "async"))]
        return false;
    }
}

impl fmt::Debug for HitDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.context, f)
    }
}

/// A task or thread that waits at a failpoint.
///
/// ```
/// # if !neon_failpoint::has_failpoints() { return }
/// use neon_failpoint::{arm, fail_point_with_context_sync, failpoint_context};
///
/// let point = arm("waiter-doc", "pause").unwrap();
/// let thread = std::thread::spawn(|| {
///     let context = failpoint_context! { "tenant" => "t-1" };
///     fail_point_with_context_sync!("waiter-doc", &context);
/// });
/// point.wait_until_paused(1).blocking().unwrap();
/// let [waiter] = &point.waiters()[..] else { panic!("one waits") };
/// assert!(waiter.is_blocking());
/// assert_eq!(waiter.context().unwrap().get("tenant"), Some("t-1"));
/// println!("{waiter}, since {:?}", waiter.since());
/// # drop(point);
/// # thread.join().unwrap();
/// ```
#[derive(Clone)]
pub struct WaiterInfo {
    blocking: bool,
    since: Instant,
    details: Details,
}

impl WaiterInfo {
    pub(super) fn of(entry: &Entry) -> Self {
        Self {
            blocking: entry.is_thread(),
            since: entry.since,
            details: entry.details.clone(),
        }
    }

    /// Returns whether this is a blocked thread; otherwise it is a task.
    pub fn is_blocking(&self) -> bool {
        self.blocking
    }

    /// Returns when it began to wait, in real time, also under a paused tokio clock.
    pub fn since(&self) -> Instant {
        self.since
    }

    /// Returns the context of its hit, if the call site gave one.
    pub fn context(&self) -> Option<&FailpointContext> {
        self.details.as_ref()?.context()
    }
}

impl fmt::Debug for WaiterInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaiterInfo")
            .field("blocking", &self.blocking)
            .field("since", &self.since)
            .field("context", &self.context())
            .finish()
    }
}

/// Formats for people, as in `a task for 1.500 s with tenant="t-1"`.
impl fmt::Display for WaiterInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = if self.blocking { "a thread" } else { "a task" };
        let millis = self.since.elapsed().as_millis();
        write!(f, "{who} for {}.{:03} s", millis / 1000, millis % 1000)?;
        match self.context() {
            Some(context) => write!(f, " with {context}"),
            None => Ok(()),
        }
    }
}
