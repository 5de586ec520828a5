//! Hits by tasks of either runtime or by plain threads, so that one test body covers all.

use std::future::Future;
use std::thread;

use neon_failpoint::{
    Error, FailpointContext, FailpointResult, Wait, failpoint, failpoint_blocking,
};

use super::{Runtime, block_on, spawn, until, until_async, within_deadline};

/// A task that hits `name`, once.
pub(crate) fn spawn_hit(name: &str) -> tokio::task::JoinHandle<FailpointResult> {
    let name = name.to_owned();
    tokio::spawn(async move { failpoint(&name, None).await })
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
                Hit::Thread(spawn(hit))
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
