//! What several tests share: hits and what is listed of a point, waiting for a condition,
//! runtimes, and polling by hand. The submodules each have one more noun.

// Each test binary is a crate of its own, includes all of this, and uses a part of it.
#![allow(dead_code)]

pub(crate) mod child;
#[cfg(feature = "async")]
pub(crate) mod crew;
pub(crate) mod end;
#[cfg(feature = "async")]
pub(crate) mod events;
#[cfg(feature = "http")]
pub(crate) mod http;
pub(crate) mod loggers;
#[cfg(feature = "async")]
pub(crate) mod race;
pub(crate) mod table;

use std::future::Future;
use std::io::Write;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

use neon_failpoint::{FailpointInfo, FailpointResult, Scope, failpoint_blocking, list_failpoints};

/// The number in an environment variable.
pub(crate) fn number(variable: &str) -> Option<u64> {
    let number = std::env::var(variable).ok()?;
    Some(
        number
            .parse()
            .unwrap_or_else(|_| panic!("{variable} is a number")),
    )
}

/// How many rounds a test of a race has: what `NEON_FAILPOINT_ROUNDS` asks for, or 2,500.
pub(crate) fn rounds() -> usize {
    number("NEON_FAILPOINT_ROUNDS").unwrap_or(2_500) as usize
}

/// Far beyond what any test needs: one that takes this long hangs.
pub(crate) const DEADLINE: Duration = Duration::from_secs(240);

/// Actions that wait for longer than any test runs; the last one for longer than a clock can
/// express (I8).
pub(crate) const WAITS: [&str; 3] = ["pause", "sleep(3600000)", "sleep(18446744073709551615)"];

/// One hit by this thread, which blocks where the action waits.
pub(crate) fn hit(name: &str) -> FailpointResult {
    failpoint_blocking(name, None)
}

/// The result of a hit that is told to return `value`.
pub(crate) fn value(value: impl ToString) -> FailpointResult {
    FailpointResult::Return(value.to_string())
}

/// The point, which has to be listed: as it is configured, or because it is compiled in.
#[track_caller]
pub(crate) fn listed(name: &str) -> FailpointInfo {
    let points = list_failpoints();
    let point = points.into_iter().find(|p| p.name() == name);
    point.unwrap_or_else(|| panic!("{name:?} is not listed"))
}

/// The point, if it is configured.
pub(crate) fn info(name: &str) -> Option<FailpointInfo> {
    let mut points = list_failpoints().into_iter();
    points.find(|p| p.name() == name && p.is_configured())
}

/// The listed text of the point's actions, if it is configured.
pub(crate) fn actions(name: &str) -> Option<String> {
    Some(info(name)?.actions()?.to_owned())
}

/// Returns the number of waits for hits, or for waiters, of `name`.
pub(crate) fn observers(name: &str) -> usize {
    info(name).map_or(0, |point| point.observers())
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

/// Asserts that the text of the error has all `words`.
#[track_caller]
pub(crate) fn assert_says(error: &neon_failpoint::Error, words: &[&str]) {
    let text = error.to_string();
    for word in words {
        assert!(text.contains(word), "{word:?} is not in: {text}");
    }
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

/// Yields to other threads until `n` hits wait at `name`.
#[track_caller]
pub(crate) fn until_waiting(name: &str, n: usize) {
    until(&format!("{n} wait at {name:?}"), || waiters(name) == n);
}

/// The same, yielding to other tasks.
pub(crate) async fn until_waiting_async(name: &str, n: usize) {
    until_async(&format!("{n} wait at {name:?}"), || waiters(name) == n).await;
}

/// Returns a closure that calls `f` where this thread is: in its scope, if it is in one.
/// (What `spawn_blocking` calls needs it in builds without the feature `runtime`.)
pub(crate) fn in_current_scope<R>(f: impl FnOnce() -> R) -> impl FnOnce() -> R {
    let scope = Scope::current();
    move || match scope {
        Some(scope) => scope.run(f),
        None => f(),
    }
}

/// Starts a thread in the scope of this one.
pub(crate) fn spawn<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    // As one type: a thread's start would be compiled for each closure.
    let f: Box<dyn FnOnce() -> T + Send> = Box::new(in_current_scope(f));
    thread::spawn(f)
}

/// As `tokio::spawn`, which would be compiled for each future.
#[track_caller]
pub(crate) fn spawn_task<T: Send + 'static>(
    future: impl Future<Output = T> + Send + 'static,
) -> tokio::task::JoinHandle<T> {
    let future: Pin<Box<dyn Future<Output = T> + Send>> = Box::pin(future);
    tokio::spawn(future)
}

/// Runs `test` on a thread of its own. If it does not end, the process is aborted: the test may
/// hold a lock of the table, and then nothing else would end either.
#[track_caller]
pub(crate) fn within_deadline<T: Send + 'static>(
    what: &str,
    test: impl FnOnce() -> T + Send + 'static,
) -> T {
    let (done, result) = channel();
    ends_within_deadline(what, Box::new(move || done.send(test()).unwrap()));
    result.recv().unwrap()
}

/// The same for a test that gives nothing: compiled once, not for each.
#[track_caller]
fn ends_within_deadline(what: &str, test: Box<dyn FnOnce() + Send>) {
    let (done, end) = channel();
    let thread = spawn(move || {
        test();
        done.send(()).unwrap();
    });
    match end.recv_timeout(DEADLINE) {
        Ok(()) => {}
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
    pub(crate) fn build(self) -> Built {
        let mut builder = match self {
            Runtime::MultiThread => tokio::runtime::Builder::new_multi_thread(),
            Runtime::CurrentThread | Runtime::PausedClock => {
                tokio::runtime::Builder::new_current_thread()
            }
        };
        builder.worker_threads(2).enable_time();
        builder.start_paused(matches!(self, Runtime::PausedClock));
        Built::new(builder.build().unwrap())
    }

    /// Runs `test` to its end; `what` names it if it hangs.
    #[track_caller]
    pub(crate) fn run<F: Future<Output = ()>>(
        self,
        what: &str,
        test: impl FnOnce() -> F + Send + 'static,
    ) {
        ends_within_deadline(what, Box::new(move || self.build().block_on(test())));
    }
}

/// A runtime in the scope of the thread that built it, if there is one.
pub(crate) struct Built {
    runtime: tokio::runtime::Runtime,
    /// Until the runtime has shut down.
    #[cfg(feature = "runtime")]
    _attached: Option<neon_failpoint::Attached>,
}

impl Built {
    fn new(runtime: tokio::runtime::Runtime) -> Self {
        Self {
            #[cfg(feature = "runtime")]
            _attached: Scope::current().map(|scope| scope.attach(runtime.handle())),
            runtime,
        }
    }

    pub(crate) fn block_on<F: Future>(&self, future: F) -> F::Output {
        block_on_runtime(&self.runtime, future)
    }

    pub(crate) fn shutdown_background(self) {
        self.runtime.shutdown_background();
    }
}

impl Deref for Built {
    type Target = tokio::runtime::Runtime;

    fn deref(&self) -> &tokio::runtime::Runtime {
        &self.runtime
    }
}

/// As the runtime's own `block_on`, which would be compiled for each future.
pub(crate) fn block_on_runtime<F: Future>(
    runtime: &tokio::runtime::Runtime,
    future: F,
) -> F::Output {
    let mut output = None;
    {
        let mut future = pin!(async { output = Some(future.await) });
        let future: Pin<&mut dyn Future<Output = ()>> = future.as_mut();
        runtime.block_on(future);
    }
    output.expect("it ran to its end")
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
    poll_with(future, Waker::noop())
}

pub(crate) fn poll_with<F: Future + ?Sized>(future: Pin<&mut F>, waker: &Waker) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(waker))
}

/// A hit that is polled by hand.
pub(crate) type HitByHand<'a> = Pin<Box<dyn Future<Output = FailpointResult> + 'a>>;

/// Polls a hit, which has to wait.
#[track_caller]
pub(crate) fn waiting<'a>(hit: impl Future<Output = FailpointResult> + 'a) -> HitByHand<'a> {
    let mut hit: HitByHand<'a> = Box::pin(hit);
    assert!(poll_once(hit.as_mut()).is_pending());
    hit
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
        match poll_with(future.as_mut(), &waker) {
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

/// A waker that calls a function.
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
