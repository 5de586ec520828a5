//! What is known of one waiter.

use std::fmt;
use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

#[cfg(feature = "async")]
use tokio_util::sync::CancellationToken;

use crate::context::FailpointContext;

/// A waiter in the list. Small: letting a hundred thousand go is a matter of memory.
#[derive(Debug)]
pub(super) struct Entry {
    /// `None` is a thread, which waits on the condition variable of the point.
    pub(super) waker: Option<Waker>,
    pub(super) since: Instant,
    pub(super) details: Details,
}

impl Entry {
    /// Whether a thread is blocked; otherwise a task awaits.
    pub(super) fn is_thread(&self) -> bool {
        self.waker.is_none()
    }
}

/// What few hits have, so the others pay one word for it.
pub(super) type Details = Option<Arc<HitDetails>>;

/// What a hit had beside its name.
pub(super) struct HitDetails {
    context: Option<FailpointContext>,
    /// A waiter whose token is cancelled is not released any more.
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

    /// Whether its token is cancelled. It takes a lock that is not ours.
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

/// One task or thread that waits at a failpoint.
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

/// `a task for 1.500 s with tenant="t-1"`, for people.
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
