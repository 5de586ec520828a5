//! Scopes, as a test has them: entered by a thread, around a future, or attached to a runtime.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread::{self, ThreadId};

use crate::engine::layers::Cause;
use crate::engine::scope::{self, Home, Node};
use crate::engine::table::Registry;
use crate::engine::unwind::in_destructor;

/// Makes a test as if it were alone in the process: the first line of a test.
///
/// It begins a new [`Scope`] that holds this thread and, inside a tokio runtime, every hit on that
/// runtime: on its workers, in `spawn_blocking`, in whatever future. `#[tokio::test]` stays as it is,
/// with either flavor. Until it is dropped, everything that the test configures is seen by its own
/// hits only, and nothing of another test by these.
///
/// What it does not reach are threads that belong to no runtime, or to another one: see
/// [`Scope::wrap`] and [`Scope::attach`], and the page [Tests in
/// parallel](crate::testing_a_race#tests-in-parallel). Without the feature `runtime` it holds this
/// thread alone, and so all of a current-thread runtime.
///
/// ```
/// # if !neon_failpoint::has_failpoints() { return }
/// use neon_failpoint::{arm, fail_point_sync, isolate};
///
/// fn answer() -> u32 {
///     fail_point_sync!("isolate-doc", |n| n.parse().unwrap());
///     0
/// }
///
/// // Two tests side by side, of one name.
/// let tests = [1, 2].map(|n| {
///     std::thread::spawn(move || {
///         let _alone = isolate();
///         let _point = arm("isolate-doc", format!("return({n})")).unwrap();
///         assert_eq!(answer(), n);
///     })
/// });
/// for test in tests {
///     test.join().unwrap();
/// }
/// assert_eq!(answer(), 0);
/// ```
#[track_caller]
pub fn isolate() -> Isolated {
    let scope = Scope::new();
    Isolated {
        entry: scope::enter(scope.0.clone(), true),
        thread: thread::current().id(),
        #[cfg(feature = "runtime")]
        _attached: scope::current_runtime().map(|runtime| Attached::new(&scope, runtime)),
        scope,
        began: Cause::here("ended with its scope, which `isolate` began"),
    }
}

/// A scope for as long as a test runs: see [`isolate`].
///
/// Dropping it ends the scope, whoever else has a handle: its points are removed, its waiters wake and
/// continue, and waits for something to happen in it end with an error. So a test that panics while
/// threads or tasks are paused ends cleanly. It may be held across an await, also in a spawned task.
///
/// # Panics
///
/// Dropping it panics if the waker of a waiter or the destructor of a callback does, after all are
/// woken; but never while the thread is panicking already.
#[must_use = "the scope ends when this is dropped: give it a name, `let _alone = isolate();`"]
pub struct Isolated {
    scope: Scope,
    began: Cause,
    entry: u64,
    thread: ThreadId,
    #[cfg(feature = "runtime")]
    _attached: Option<Attached>,
}

impl Isolated {
    /// Returns a handle to the scope, to attach a runtime, or to wrap what runs elsewhere.
    ///
    /// ```
    /// # if !neon_failpoint::has_failpoints() { return }
    /// use neon_failpoint::{arm, fail_point_sync, isolate};
    ///
    /// let alone = isolate();
    /// let point = arm("isolated-scope-doc", "off").unwrap();
    /// let hit = alone.scope().wrap(|| fail_point_sync!("isolated-scope-doc"));
    /// std::thread::spawn(hit).join().unwrap();
    /// assert_eq!(point.hits(), 1);
    /// ```
    pub fn scope(&self) -> &Scope {
        &self.scope
    }
}

impl Drop for Isolated {
    fn drop(&mut self) {
        in_destructor(|| Registry::global().end(&self.scope.0, self.began));
        // On another thread the entry stays, and is over with the scope.
        if self.thread == thread::current().id() {
            scope::leave(self.entry);
        }
    }
}

impl fmt::Debug for Isolated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Isolated").field(&self.scope.0.id()).finish()
    }
}

/// A set of failpoints that only some hits see.
///
/// [`isolate`] is all that most tests need. This is for what runs elsewhere: other threads, other
/// runtimes, the nodes of a cluster in one process. A thread [enters](Self::enter) a scope, a future
/// is [in](InScope::in_scope) one, a runtime has one [attached](Self::attach).
///
/// A hit is in the scope that was entered last on its thread, or around its future; else in that of
/// the runtime it runs on; else in none. It sees the points of its own scope, then those of the
/// scopes around that, then those that are in none, such as those of the environment: the innermost
/// decides, name by name, `off` too.
///
/// What configures, lists, waits, releases or removes by name acts in the scope of its caller, and
/// there only. A guard acts in the scope where it was armed, wherever it is used or dropped.
///
/// A scope begins its own sequences of draws, from the seed that was set when it began.
///
/// It ends with its last handle, entry, attachment and future: then its points are removed, and its
/// waiters wake and continue. To configure something in a scope that has ended is an error.
///
/// ```
/// # if !neon_failpoint::has_failpoints() { return }
/// use neon_failpoint::{Scope, arm, fail_point_sync, isolate};
///
/// fn leader(node: u32) -> u32 {
///     fail_point_sync!("scope-doc", |other| other.parse().unwrap());
///     node
/// }
///
/// let _alone = isolate();
/// let nodes = [Scope::new(), Scope::new(), Scope::new()];
/// // One node is wrong about the leader; then all are.
/// let _one = nodes[1].run(|| arm("scope-doc", "return(7)")).unwrap();
/// assert_eq!([0, 1, 2].map(|n| nodes[n].run(|| leader(5))), [5, 7, 5]);
/// let _all = arm("scope-doc", "return(8)").unwrap();
/// assert_eq!([0, 1, 2].map(|n| nodes[n].run(|| leader(5))), [8, 7, 8]);
/// ```
pub struct Scope(Arc<Node>);

impl Scope {
    /// Begins a scope, inside the current one if there is one.
    #[expect(clippy::new_without_default, reason = "it is not the same each time")]
    pub fn new() -> Self {
        let registry = Registry::global();
        let Home(around) = registry.home();
        Self(Node::new(around, &registry.draws))
    }

    /// Returns the scope that this thread is in.
    ///
    /// ```
    /// use neon_failpoint::{Scope, isolate};
    ///
    /// assert!(Scope::current().is_none());
    /// let _alone = isolate();
    /// assert!(Scope::current().is_some());
    /// ```
    pub fn current() -> Option<Self> {
        let Home(node) = Registry::global().home();
        node.filter(|node| node.add_handle()).map(Self)
    }

    /// Enters it with this thread, until the guard is dropped. Guards may be dropped in any order.
    ///
    /// In async code use [`InScope`] instead: a thread goes on to other tasks at an await.
    ///
    /// ```
    /// # if !neon_failpoint::has_failpoints() { return }
    /// use neon_failpoint::{Scope, configure_failpoint, list_failpoints};
    ///
    /// let scope = Scope::new();
    /// let is_there = || list_failpoints().iter().any(|point| point.name() == "enter-doc");
    /// let entered = scope.enter();
    /// configure_failpoint("enter-doc", "off").unwrap();
    /// assert!(is_there());
    /// drop(entered);
    /// assert!(!is_there());
    /// ```
    pub fn enter(&self) -> Entered {
        Entered {
            entry: scope::enter(self.0.clone(), false),
            _open: self.clone(),
            _on_this_thread: PhantomData,
        }
    }

    /// Enters it with this thread until it ends, without keeping it open.
    #[cfg(feature = "explore")]
    pub(crate) fn enter_until_it_ends(&self) {
        scope::enter(self.0.clone(), true);
    }

    /// Calls `f` inside it.
    ///
    /// ```
    /// # if !neon_failpoint::has_failpoints() { return }
    /// let scope = neon_failpoint::Scope::new();
    /// let point = scope.run(|| neon_failpoint::arm("run-doc", "off")).unwrap();
    /// scope.run(|| neon_failpoint::fail_point_sync!("run-doc"));
    /// neon_failpoint::fail_point_sync!("run-doc");
    /// assert_eq!(point.hits(), 1);
    /// ```
    pub fn run<R>(&self, f: impl FnOnce() -> R) -> R {
        let _entered = self.enter();
        f()
    }

    /// Returns a closure that calls `f` inside it, for another thread.
    ///
    /// ```
    /// # if !neon_failpoint::has_failpoints() { return }
    /// let alone = neon_failpoint::isolate();
    /// let point = neon_failpoint::arm("wrap-doc", "off").unwrap();
    /// let hit = alone.scope().wrap(|| neon_failpoint::fail_point_sync!("wrap-doc"));
    /// std::thread::spawn(hit).join().unwrap();
    /// assert_eq!(point.hits(), 1);
    /// ```
    pub fn wrap<F: FnOnce() -> R, R>(&self, f: F) -> impl FnOnce() -> R + use<F, R> {
        let scope = self.clone();
        move || scope.run(f)
    }

    /// Makes it the scope of a tokio runtime, until the guard is dropped: of its workers, of
    /// `spawn_blocking`, and of `block_on`. Needs the feature `runtime`.
    ///
    /// A scope that a thread enters, or that is around a future, comes before it; of several that are
    /// attached to one runtime the newest counts.
    ///
    /// ```
    /// # if !neon_failpoint::has_failpoints() { return }
    /// use neon_failpoint::{arm, fail_point_sync, isolate};
    ///
    /// // In this order: if a thread of it is still paused at the end, the scope has to end first.
    /// let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    /// let alone = isolate();
    /// let _attached = alone.scope().attach(runtime.handle());
    /// let point = arm("attach-doc", "off").unwrap();
    /// let hit = runtime.spawn(async { fail_point_sync!("attach-doc") });
    /// runtime.block_on(hit).unwrap();
    /// assert_eq!(point.hits(), 1);
    /// ```
    #[cfg(feature = "runtime")]
    pub fn attach(&self, runtime: &neon_failpoint_runtime::Handle) -> Attached {
        Attached::new(self, runtime.id())
    }
}

impl Clone for Scope {
    fn clone(&self) -> Self {
        // There is a handle, this one, so it is not too late for another.
        self.0.add_handle();
        Self(self.0.clone())
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        // Each scope holds the one around it open. Not by recursion, because scopes may be nested
        // deeply, and all before the first ends, because a waker that panics ends this.
        let mut last = Vec::new();
        let mut next = Some(&self.0);
        while let Some(node) = next.filter(|node| node.remove_handle()) {
            last.push(node);
            next = node.parent();
        }
        let cause = Cause::here("ended with the last handle of its scope");
        let end = |node: &Arc<Node>| Registry::global().end(node, cause);
        let ended = last
            .into_iter()
            .map(|node| catch_unwind(AssertUnwindSafe(|| end(node))));
        // The first panic goes on; the others are leaked, because their destructors could panic.
        let panics: Vec<_> = ended.filter_map(Result::err).collect();
        let mut panics = panics.into_iter();
        let first = panics.next();
        panics.for_each(std::mem::forget);
        match first {
            Some(panic) if !thread::panicking() => resume_unwind(panic),
            Some(panic) => std::mem::forget(panic),
            None => {}
        }
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Scope").field(&self.0.id()).finish()
    }
}

/// A thread's stay in a scope: see [`Scope::enter`].
#[must_use = "the thread leaves the scope when this is dropped"]
pub struct Entered {
    entry: u64,
    _open: Scope,
    _on_this_thread: PhantomData<*const ()>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        scope::leave(self.entry);
    }
}

impl fmt::Debug for Entered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Entered").field(&self._open.0.id()).finish()
    }
}

/// A runtime's stay in a scope: see [`Scope::attach`].
///
/// Dropped while the thread panics, it ends the scope: a runtime that is dropped after it waits for its
/// threads, and these may be paused.
#[cfg(feature = "runtime")]
#[derive(Debug)]
#[must_use = "the runtime leaves the scope when this is dropped"]
pub struct Attached {
    runtime: scope::RuntimeId,
    scope: Scope,
}

#[cfg(feature = "runtime")]
impl Attached {
    fn new(scope: &Scope, runtime: scope::RuntimeId) -> Self {
        Registry::global().attach(runtime, &scope.0);
        Self {
            runtime,
            scope: scope.clone(),
        }
    }
}

#[cfg(feature = "runtime")]
impl Drop for Attached {
    fn drop(&mut self) {
        let registry = Registry::global();
        registry.detach(self.runtime, &self.scope.0);
        if thread::panicking() {
            // The runtime may be dropped next, and then waits for threads that are paused.
            let cause = Cause::here("ended with its scope while a test failed");
            in_destructor(|| registry.end(&self.scope.0, cause));
        }
    }
}

/// Puts a future into a scope, whoever polls it: in scope for every future.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// # if !neon_failpoint::has_failpoints() { return }
/// use neon_failpoint::{InScope, Scope, arm, fail_point_sync};
///
/// async fn balance() -> u64 {
///     fail_point_sync!("in-scope-doc", |n| n.parse().unwrap());
///     5
/// }
///
/// let scope = Scope::new();
/// let _point = scope.run(|| arm("in-scope-doc", "return(7)")).unwrap();
/// assert_eq!(balance().in_scope(&scope).await, 7);
/// assert_eq!(balance().await, 5);
/// # }
/// ```
pub trait InScope: Future + Sized {
    /// Puts it into `scope`, which stays open for as long as the future is there.
    fn in_scope(self, scope: &Scope) -> Scoped<Self> {
        Scoped {
            future: Some(Box::pin(self)),
            scope: Some(scope.clone()),
        }
    }

    /// Puts it into the scope of the caller; where there is none, it stays as it is.
    ///
    /// ```
    /// # if !neon_failpoint::has_failpoints() { return }
    /// use neon_failpoint::{InScope, arm, fail_point_sync, isolate};
    ///
    /// let _alone = isolate();
    /// let point = arm("in-current-scope-doc", "off").unwrap();
    /// let hit = async { fail_point_sync!("in-current-scope-doc") }.in_current_scope();
    /// std::thread::spawn(|| {
    ///     let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    ///     runtime.block_on(hit);
    /// })
    /// .join()
    /// .unwrap();
    /// assert_eq!(point.hits(), 1);
    /// ```
    fn in_current_scope(self) -> Scoped<Self> {
        Scoped {
            future: Some(Box::pin(self)),
            scope: Scope::current(),
        }
    }
}

impl<F: Future> InScope for F {}

/// A future in a scope: see [`InScope`].
///
/// It is dropped inside the scope, too.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Scoped<F> {
    /// `None` once it is being dropped.
    future: Option<Pin<Box<F>>>,
    scope: Option<Scope>,
}

impl<F: Future> Future for Scoped<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.get_mut();
        let _entered = this.scope.as_ref().map(Scope::enter);
        match &mut this.future {
            Some(future) => future.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}

impl<F> Drop for Scoped<F> {
    fn drop(&mut self) {
        let _entered = self.scope.as_ref().map(Scope::enter);
        self.future = None;
    }
}

impl<F> fmt::Debug for Scoped<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scoped")
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}
