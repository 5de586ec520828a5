//! What the tests of guards, waits, releases and the inventory share: locks on the table, and hits
//! by tasks of either runtime or by plain threads, so that one body tests all.

// Each test file is a crate of its own and uses some of these.
#![allow(dead_code)]

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::task::{Wake, Waker};
use std::thread;

use neon_failpoint::{
    Error, FailpointContext, FailpointResult, Wait, failpoint, failpoint_blocking,
    remove_all_failpoints,
};

use super::common::{Runtime, block_on, until, until_async, within_deadline};

static TABLE: RwLock<()> = RwLock::new(());

/// For a test that leaves the others' names alone.
pub(crate) fn shared() -> RwLockReadGuard<'static, ()> {
    TABLE.read().unwrap_or_else(PoisonError::into_inner)
}

/// For a test that needs the table to itself. It begins empty.
pub(crate) fn alone() -> RwLockWriteGuard<'static, ()> {
    let table = TABLE.write().unwrap_or_else(PoisonError::into_inner);
    remove_all_failpoints();
    table
}

/// What makes the hits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Crew {
    CurrentThread,
    MultiThread,
    Threads,
}

impl Crew {
    /// Runs `test` with each crew, one after the other.
    #[track_caller]
    pub(crate) fn each<F: Future<Output = ()>>(
        what: &str,
        test: impl Fn(Crew) -> F + Clone + Send + 'static,
    ) {
        for crew in [Crew::CurrentThread, Crew::MultiThread, Crew::Threads] {
            let test = test.clone();
            within_deadline(&format!("{what}, {crew:?}"), move || match crew {
                Crew::CurrentThread => Runtime::CurrentThread.build().block_on(test(crew)),
                // In a task: the thread of `block_on` is not one of the runtime's.
                Crew::MultiThread => Runtime::MultiThread.build().block_on(test(crew)),
                Crew::Threads => block_on(test(crew)),
            });
        }
    }

    /// A name for this crew's share of a test.
    pub(crate) fn name(self, name: &str) -> String {
        format!("{name}-{self:?}")
    }

    /// Starts a task or thread that hits `name`, once.
    pub(crate) fn hit(self, name: &str) -> Hit {
        self.hit_with(name, None)
    }

    pub(crate) fn hit_with(self, name: &str, context: Option<FailpointContext>) -> Hit {
        let name = name.to_owned();
        match self {
            Crew::Threads => {
                let hit = move || failpoint_blocking(&name, context.as_ref());
                Hit::Thread(thread::spawn(hit))
            }
            Crew::CurrentThread | Crew::MultiThread => {
                let hit = async move { failpoint(&name, context.as_ref()).await };
                Hit::Task(tokio::spawn(hit))
            }
        }
    }

    /// Waits as this crew does.
    pub(crate) async fn wait(self, wait: Wait) -> Result<(), Error> {
        match self {
            Crew::Threads => wait.blocking(),
            Crew::CurrentThread | Crew::MultiThread => wait.await,
        }
    }

    pub(crate) async fn until(self, what: &str, holds: impl FnMut() -> bool) {
        match self {
            Crew::Threads => until(what, holds),
            Crew::CurrentThread | Crew::MultiThread => until_async(what, holds).await,
        }
    }
}

/// A task or thread that hits.
pub(crate) enum Hit {
    Task(tokio::task::JoinHandle<FailpointResult>),
    Thread(thread::JoinHandle<FailpointResult>),
}

impl Hit {
    pub(crate) async fn result(self) -> FailpointResult {
        match self {
            Hit::Task(task) => task.await.unwrap(),
            Hit::Thread(thread) => thread.join().unwrap(),
        }
    }

    pub(crate) fn is_finished(&self) -> bool {
        match self {
            Hit::Task(task) => task.is_finished(),
            Hit::Thread(thread) => thread.is_finished(),
        }
    }
}

/// Returns the message that `f` panics with, or that dropping its result does.
#[track_caller]
pub(crate) fn panic_of<T>(f: impl FnOnce() -> T) -> String {
    let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(f()))) else {
        panic!("it did not panic");
    };
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => (*panic.downcast::<&str>().unwrap()).to_owned(),
    }
}

/// A waker that runs a function.
pub(crate) struct Calling<F>(F);

impl<F: Fn() + Send + Sync + 'static> Calling<F> {
    pub(crate) fn waker(f: F) -> Waker {
        Waker::from(Arc::new(Self(f)))
    }
}

impl<F: Fn() + Send + Sync + 'static> Wake for Calling<F> {
    fn wake(self: Arc<Self>) {
        self.0();
    }
}
