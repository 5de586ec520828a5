//! Who may stop a hit, and say how it goes on: an exploration, while it runs a program.
//!
//! A thread has a director, or the process has one. While there is any, no call site is idle.

use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

use crate::engine::context::FailpointContext;
use crate::engine::sync::unpoisoned;
use crate::engine::table::Registry;

/// A hit, as a director sees it.
pub(crate) struct Arrival<'a> {
    pub(crate) name: &'a str,
    pub(crate) file: &'static str,
    pub(crate) line: u32,
    pub(crate) context: Option<&'a FailpointContext>,
    /// Whether a fault can be injected: the site can return, and its own action does not.
    pub(crate) can_return: bool,
}

/// How a hit goes on.
#[derive(Debug)]
pub(crate) enum Verdict {
    Continue,
    /// It returns, with the argument of the `return`.
    Return(Option<String>),
}

pub(crate) trait Director: Send + Sync {
    /// Whether it has a say in hits of this name.
    fn directs(&self, name: &str) -> bool;

    /// A hit that can wait has arrived. Returns its number, if it is to be stopped.
    fn stop(&self, arrival: &Arrival<'_>) -> Option<u64>;

    /// Whether a hit that was stopped may go on; if not, `waker` is woken when it may.
    fn poll(&self, number: u64, waker: &Waker) -> Poll<Verdict>;

    /// A hit that was stopped is dropped before it went on.
    fn leave(&self, number: u64);

    /// A hit that cannot wait has arrived.
    fn pass(&self, arrival: &Arrival<'_>) -> Verdict;
}

/// How many directors there are, so that hits look for one only where there is any.
static COUNT: AtomicUsize = AtomicUsize::new(0);

static OF_THE_PROCESS: Mutex<Option<Arc<dyn Director>>> = Mutex::new(None);

thread_local! {
    static OF_THE_THREAD: RefCell<Option<Arc<dyn Director>>> = const { RefCell::new(None) };
}

/// Keeps call sites from being idle.
#[derive(Debug)]
pub(crate) struct Open;

impl Open {
    pub(crate) fn new() -> Self {
        COUNT.fetch_add(1, Ordering::SeqCst);
        Registry::global().count_explorations(|count| count + 1);
        Self
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        Registry::global().count_explorations(|count| count - 1);
        COUNT.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Sets this thread's director, and returns the one that it had.
pub(crate) fn direct_thread(director: Option<Arc<dyn Director>>) -> Option<Arc<dyn Director>> {
    // An error means that the thread is ending.
    let swap = |here: &RefCell<_>| here.replace(director);
    OF_THE_THREAD.try_with(swap).ok().flatten()
}

/// Sets the director of all threads that have none of their own.
pub(crate) fn direct_process(director: Arc<dyn Director>) {
    *unpoisoned(OF_THE_PROCESS.lock()) = Some(director);
}

/// Returns the director of hits of that name on this thread.
#[inline]
pub(crate) fn of(name: &str) -> Option<Arc<dyn Director>> {
    match COUNT.load(Ordering::Relaxed) {
        0 => None,
        _ => find(name),
    }
}

#[cold]
fn find(name: &str) -> Option<Arc<dyn Director>> {
    let own = OF_THE_THREAD.try_with(|here| here.borrow().clone());
    let director = own.ok().flatten();
    let director = director.or_else(|| unpoisoned(OF_THE_PROCESS.lock()).clone())?;
    director.directs(name).then_some(director)
}

/// A hit that was stopped.
pub(crate) struct Stop {
    director: Arc<dyn Director>,
    number: u64,
    is_over: bool,
}

impl Stop {
    /// Stops a hit, if its director wants it.
    #[inline]
    pub(crate) fn at(arrival: &Arrival<'_>) -> Option<Self> {
        let director = of(arrival.name)?;
        let number = director.stop(arrival)?;
        Some(Self {
            director,
            number,
            is_over: false,
        })
    }

    pub(crate) fn poll(&mut self, waker: &Waker) -> Poll<Verdict> {
        let verdict = self.director.poll(self.number, waker);
        self.is_over = verdict.is_ready();
        verdict
    }
}

impl Drop for Stop {
    fn drop(&mut self) {
        if !self.is_over {
            self.director.leave(self.number);
        }
    }
}
