//! What several test files share: waiting for a condition, polling by hand, and the
//! ways to end a configuration.

// Each test file is a crate of its own and uses some of these.
#![allow(dead_code)]

#[cfg(feature = "async")]
pub(crate) mod events;

use std::future::Future;
use std::io::Write;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use neon_failpoint::{
    FailpointInfo, FailpointResult, configure_failpoint, configure_failpoint_callback,
    configure_failpoints, failpoint_blocking, list_failpoints, remove_failpoint,
};

/// Far beyond what any test needs: one that takes this long hangs.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// Actions that wait for longer than any test runs; the last one for longer than a clock can
/// express (I8).
pub(crate) const WAITS: [&str; 3] = ["pause", "sleep(3600000)", "sleep(18446744073709551615)"];

/// The point, if it is configured.
pub(crate) fn info(name: &str) -> Option<FailpointInfo> {
    let mut points = list_failpoints().into_iter();
    points.find(|p| p.name() == name && p.is_configured())
}

/// Returns the number of waiters of `name` under its present configuration.
pub(crate) fn waiters(name: &str) -> usize {
    info(name).map_or(0, |point| point.waiters().len())
}

/// Asserts hits, fired and the number of waiters of a configured point.
#[track_caller]
pub(crate) fn assert_stats(name: &str, expected: (usize, usize, usize)) {
    let point = info(name).unwrap_or_else(|| panic!("{name:?} is not configured"));
    let stats = (point.hits(), point.fired(), point.waiters().len());
    assert_eq!(stats, expected, "(hits, fired, waiters) of {name:?}");
}

/// Yields to other threads until `holds`.
#[track_caller]
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !holds() {
        assert!(Instant::now() < deadline, "still not so: {what}");
        thread::yield_now();
    }
}

/// Yields to other tasks until `holds`. A paused tokio clock does not advance meanwhile.
pub(crate) async fn until_async(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !holds() {
        assert!(Instant::now() < deadline, "still not so: {what}");
        tokio::task::yield_now().await;
    }
}

/// Runs `test` on a thread of its own. If it does not end, the process is aborted: the test may
/// hold a lock of the table, and then nothing else would end either.
#[track_caller]
pub(crate) fn within_deadline<T: Send + 'static>(
    what: &str,
    test: impl FnOnce() -> T + Send + 'static,
) -> T {
    let (done, result) = channel();
    let thread = thread::spawn(move || done.send(test()).unwrap());
    match result.recv_timeout(DEADLINE) {
        Ok(result) => result,
        Err(RecvTimeoutError::Timeout) => {
            // Not `eprintln!`, which the harness would swallow.
            let test = thread::current().name().map(str::to_owned);
            let _ = writeln!(std::io::stderr(), "{test:?} hangs: {what}");
            std::process::abort();
        }
        Err(RecvTimeoutError::Disconnected) => {
            std::panic::resume_unwind(thread.join().unwrap_err())
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Runtime {
    CurrentThread,
    MultiThread,
    /// On a current thread.
    PausedClock,
}

impl Runtime {
    pub(crate) fn build(self) -> tokio::runtime::Runtime {
        let mut builder = match self {
            Runtime::MultiThread => tokio::runtime::Builder::new_multi_thread(),
            Runtime::CurrentThread | Runtime::PausedClock => {
                tokio::runtime::Builder::new_current_thread()
            }
        };
        builder.worker_threads(2).enable_time();
        builder.start_paused(matches!(self, Runtime::PausedClock));
        builder.build().unwrap()
    }

    /// Runs `test` to its end; `what` names it if it hangs.
    #[track_caller]
    pub(crate) fn run<F: Future<Output = ()>>(
        self,
        what: &str,
        test: impl FnOnce() -> F + Send + 'static,
    ) {
        within_deadline(what, move || self.build().block_on(test()));
    }
}

/// Runs `test` on a current-thread and on a multi-thread runtime, one after the other.
#[track_caller]
pub(crate) fn on_both_runtimes<F: Future<Output = ()>>(
    what: &str,
    test: impl Fn(Runtime) -> F + Clone + Send + 'static,
) {
    for runtime in [Runtime::CurrentThread, Runtime::MultiThread] {
        let test = test.clone();
        runtime.run(what, move || test(runtime));
    }
}

/// Polls once, with a waker that does nothing.
pub(crate) fn poll_once<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Returns the output of a future that is ready at its first poll.
#[track_caller]
pub(crate) fn now<F: Future>(future: F) -> F::Output {
    match poll_once(pin!(future)) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future is not ready at its first poll"),
    }
}

/// Polls a future to its end on this thread alone, without a runtime.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

/// A waker that counts how often it is woken.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicUsize);

impl Counter {
    pub(crate) fn new() -> (Arc<Self>, Waker) {
        let counter = Arc::new(Self::default());
        let waker = Waker::from(counter.clone());
        (counter, waker)
    }

    pub(crate) fn woken(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A way to end the configuration of a point that has waiters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum End {
    /// Another configuration, of this point alone.
    Configure,
    Batch,
    /// A callback replaces the actions.
    ToCallback,
    /// The callback of another point configures this one.
    InsideCallback,
    Remove,
}

impl End {
    pub(crate) const ALL: [End; 5] = [
        End::Configure,
        End::Batch,
        End::ToCallback,
        End::InsideCallback,
        End::Remove,
    ];

    /// Ends the present configuration of `name`.
    pub(crate) fn apply(self, name: &str) -> Ended {
        let calls = Arc::new(AtomicUsize::new(0));
        let other = format!("{name}-other");
        match self {
            End::Configure => configure_failpoint(name, "return(new)").unwrap(),
            End::Batch => {
                configure_failpoints([(other.as_str(), "off"), (name, "return(new)")]).unwrap();
            }
            End::ToCallback => {
                let calls = calls.clone();
                let count = move || {
                    calls.fetch_add(1, Ordering::SeqCst);
                };
                configure_failpoint_callback(name, count).unwrap();
            }
            End::InsideCallback => {
                let name = name.to_owned();
                let configure = move || configure_failpoint(&name, "return(new)").unwrap();
                configure_failpoint_callback(&other, configure).unwrap();
                assert_eq!(failpoint_blocking(&other, None), FailpointResult::Continue);
            }
            End::Remove => remove_failpoint(name),
        }
        remove_failpoint(&other);
        Ended { end: self, calls }
    }
}

/// What remains to be checked once the waiters have continued.
pub(crate) struct Ended {
    end: End,
    calls: Arc<AtomicUsize>,
}

impl Ended {
    /// Asserts that the new configuration was not applied to the former waiters, but is to the next
    /// hit, which `hit` makes.
    #[track_caller]
    pub(crate) fn assert_for_later_hits_only(
        self,
        name: &str,
        hit: impl FnOnce() -> FailpointResult,
    ) {
        let is_removed = self.end == End::Remove;
        assert_eq!(info(name).is_none(), is_removed);
        if !is_removed {
            assert_stats(name, (0, 0, 0));
        }
        assert_eq!(self.calls.load(Ordering::SeqCst), 0);
        let (next, calls) = match self.end {
            End::Configure | End::Batch | End::InsideCallback => {
                (FailpointResult::Return("new".to_owned()), 0)
            }
            End::ToCallback => (FailpointResult::Continue, 1),
            End::Remove => (FailpointResult::Continue, 0),
        };
        assert_eq!(hit(), next, "the next hit of {name:?}");
        assert_eq!(self.calls.load(Ordering::SeqCst), calls);
        if !is_removed {
            assert_stats(name, (1, 1, 0));
        }
        remove_failpoint(name);
    }
}
