//! The warning for a call site of [`compat`](crate::compat) that blocks a task.

use std::collections::BTreeSet;
use std::panic::Location;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Waker};
use std::time::Duration;

use tokio::sync::mpsc;

use super::Step;
use crate::report;

/// A shorter `delay` is not worth a word.
const SHORT: Duration = Duration::from_millis(10);

/// Warns, once per call site, if it is about to block a thread while that runs a task of
/// tokio.
pub(super) fn before(step: &Step, name: &str, place: &'static Location<'static>) {
    let action = match step {
        Step::Wait { limit: None, .. } => "pause",
        Step::Wait { limit: Some(_), .. } => "sleep",
        Step::Delay { time, .. } if *time > SHORT => "delay",
        Step::Delay { .. } | Step::Continue | Step::Return | Step::Yield => return,
    };
    static WARNED: Mutex<BTreeSet<Location<'static>>> = Mutex::new(BTreeSet::new());
    let warned = || WARNED.lock().unwrap_or_else(PoisonError::into_inner);
    // In this order: to ask costs the task its budget, so it is done once per call site.
    let is_new = !warned().contains(place);
    if is_new && polls_a_task() && warned().insert(*place) {
        report::blocks(name, action, place);
    }
}

/// Whether this thread is inside the poll of a task of tokio. A thread that may block is not,
/// such as one of `spawn_blocking`, though it belongs to the runtime as well.
///
/// tokio tells nobody; but a task that is polled has a budget, and any channel goes by it: it
/// pretends to be empty once the budget is spent. A thread that may block has none to spend.
/// The task, whose thread will be blocked now, has to yield once more afterwards for that.
fn polls_a_task() -> bool {
    /// tokio gives 128; asking on ends with the first refusal.
    const MORE_THAN_A_BUDGET: usize = 1_000;
    // The sender is gone: the channel is always ready to say that nothing comes.
    let (_, mut closed) = mpsc::unbounded_channel::<()>();
    let mut context = Context::from_waker(Waker::noop());
    (0..MORE_THAN_A_BUDGET).any(|_| closed.poll_recv(&mut context).is_pending())
}
