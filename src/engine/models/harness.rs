//! What the models share.

use std::sync::Arc;
use std::task::{Wake, Waker};

use loom::sync::Notify;

use crate::engine::actions::chain;
use crate::engine::actions::matcher::Memory;
use crate::engine::layers::Cause;
use crate::engine::name::hash;
use crate::engine::point::{Made, Point};
use crate::engine::scope::Home;
use crate::engine::snapshot::Table;
use crate::engine::table::{Registry, View};
use crate::engine::wait::{Waiter, block};
use crate::engine::wakeups::Wakeups;

/// Explores every interleaving of `model`.
pub(crate) fn explore(model: impl Fn() + Send + Sync + 'static) {
    loom::model(model);
}

/// Explores every interleaving with at most two preemptions: for models that have too many
/// interleavings.
pub(crate) fn explore_most(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(2);
    builder.check(model);
}

/// Creates a configuration of the one name that the models use, or of another.
pub(crate) fn point(registry: &Registry, name: &str, actions: &str) -> Arc<Point> {
    let alternatives =
        chain::parse(actions, false, &mut Memory::of_a_call()).expect("valid actions");
    registry.point(&Home::GLOBAL, Made::configured(), name, alternatives, None)
}

/// What `configure_failpoint` does after all checks.
pub(crate) fn configure(registry: &Registry, name: &str, actions: &str) {
    let point = point(registry, name, actions);
    let points = [point];
    assert!(
        registry
            .put(&points, Some(Cause::here("configured")))
            .is_ok()
    );
}

/// What `remove_failpoint` does.
pub(crate) fn remove(registry: &Registry, name: &str) {
    registry.remove(
        &Home::GLOBAL,
        hash(name),
        name,
        Some(Cause::here("removed")),
    );
}

/// A table with `point` only.
pub(crate) fn table_of(point: Arc<Point>) -> Option<Arc<Table>> {
    let mut table = Table::default();
    table.insert(point);
    Some(Arc::new(table))
}

/// Returns the point that a hit by name takes, in a thread that never hit before.
pub(crate) fn find(registry: &Registry, name: &str) -> Option<Arc<Point>> {
    let mut view = View::default();
    view.refresh(registry);
    look(&view, name).cloned()
}

/// Returns the point of that name, as of the view's last look.
pub(crate) fn look<'v>(view: &'v View, name: &str) -> Option<&'v Arc<Point>> {
    view.get(hash(name), name).0
}

/// A task's waker, on loom's primitives.
pub(crate) struct Flag(Notify);

impl Flag {
    pub(crate) fn new() -> (Arc<Self>, Waker) {
        let flag = Arc::new(Self(Notify::new()));
        let waker = Waker::from(flag.clone());
        (flag, waker)
    }

    /// Waits until it is woken.
    pub(crate) fn wait(&self) {
        self.0.wait();
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.notify();
    }
}

/// Waits at `point` as a thread does.
pub(crate) fn wait_as_thread(point: &Arc<Point>) {
    block(point, None, None, std::panic::Location::caller());
}

/// Waits at `point` as a task does.
pub(crate) fn wait_as_task(point: &Arc<Point>) {
    let (flag, waker) = Flag::new();
    let mut waiter = Waiter::new(point.clone(), None, None);
    while waiter.poll(&waker).is_pending() {
        flag.wait();
    }
}

/// Wakes whom `end` takes out of their lists.
pub(crate) fn wake(end: impl FnOnce(&mut Wakeups)) {
    let mut wakeups = Wakeups::default();
    end(&mut wakeups);
    wakeups.wake();
}

/// Runs a model that has to deadlock, in a process of its own: a thread that loom gives up on
/// cannot unwind, because it would lock loom's mutexes once more.
pub(crate) fn deadlocks(model: impl FnOnce()) {
    const CHILD: &str = "NEON_FAILPOINT_MODEL_CHILD";
    if std::env::var_os(CHILD).is_some() {
        return model();
    }
    let thread = std::thread::current();
    let test = thread.name().expect("a test's thread has its name");
    let child = std::process::Command::new(std::env::current_exe().expect("a path"))
        .args([test, "--exact", "--nocapture"])
        .env(CHILD, "1")
        .output()
        .expect("the test itself can be started");
    let said = String::from_utf8_lossy(&child.stderr);
    assert!(!child.status.success(), "loom found nothing wrong");
    assert!(said.contains("deadlock; threads"), "{said}");
}
