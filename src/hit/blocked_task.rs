//! The warning for a call site that blocks a task.

use std::collections::BTreeSet;
use std::panic::Location;
use std::sync::Mutex;
use std::task::{Context, Waker};
use std::time::Duration;

use tokio::sync::mpsc;

use crate::engine::inside::Inside;
use crate::engine::report;
use crate::engine::site::Rules;
use crate::engine::sync::held;
use crate::hit::evaluate::Step;

/// A `delay` up to this is not worth a warning.
const SHORT: Duration = Duration::from_millis(10);

/// Warns, once per call site, if the step is about to block a thread that is polling a tokio task.
#[inline]
pub(super) fn warn_before(
    step: &Step,
    name: &str,
    rules: Rules,
    place: &'static Location<'static>,
) {
    let action = match step {
        Step::Wait { limit: None, .. } => "pause",
        Step::Wait { limit: Some(_), .. } => "sleep",
        Step::Delay { time, .. } if *time > SHORT => "delay",
        Step::Delay { .. } | Step::Continue | Step::Return | Step::Yield => return,
    };
    warn(action, name, rules, place);
}

#[cold]
fn warn(action: &str, name: &str, rules: Rules, place: &'static Location<'static>) {
    static WARNED: Mutex<BTreeSet<Location<'static>>> = Mutex::new(BTreeSet::new());
    let warned = || held(WARNED.lock());
    // In this order: `polls_a_task` spends the task's budget, so it does that once per call site.
    let is_new = !warned().contains(place);
    if is_new && polls_a_task() && warned().insert(*place) {
        let awaits = match rules {
            Rules::Fail => "async_fail_point!",
            Rules::Native | Rules::Pausable | Rules::Millis => "fail_point!",
        };
        report::blocks(name, action, place, awaits);
    }
}

/// Whether this thread is polling a tokio task. A thread that may block, such as one of
/// `spawn_blocking`, is not, though it belongs to the runtime as well.
///
/// tokio does not expose this, but a polled task has a budget, which every channel respects: it
/// pretends to be empty once the budget is spent. A thread that may block has no budget to spend.
/// As a side effect the task, whose thread is about to be blocked, has to yield once more
/// afterwards.
fn polls_a_task() -> bool {
    /// tokio gives 128; the loop ends at the first refusal.
    const MORE_THAN_A_BUDGET: usize = 1_000;
    // The channel takes memory and gives it back, perhaps from an allocator with this very call site.
    let _inside = Inside::enter();
    // The sender is dropped: the channel is always ready to report that it is closed.
    let (_, mut closed) = mpsc::unbounded_channel::<()>();
    let mut context = Context::from_waker(Waker::noop());
    (0..MORE_THAN_A_BUDGET).any(|_| closed.poll_recv(&mut context).is_pending())
}
