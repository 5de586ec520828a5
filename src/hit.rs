//! A hit: what reaching a failpoint does.
//!
//! [`evaluate`] is common to all kinds of hits: it finds the point, lets it pick a task, and does
//! what can be done at once. What is left is a [`Step`]: to continue, return, yield or wait. Tasks
//! and threads differ only in how they do that.
//!
//! - **I1** A hit looks into one snapshot and takes one point from it, and that point alone
//!   decides. (If its callback was removed meanwhile, it has nothing to decide with: then the hit
//!   is evaluated again.) It takes no lock before it waits.
//! - **I5** Callbacks and loggers run after the thread's view of the table was given back.
//! - **I8** A hit panics for the `panic` action, for a `return` where nothing can be returned, and,
//!   in tokio, for a sleep without a timer; `exit` ends the process. Panics of a user's own code
//!   (a callback, a subscriber, the waker of a test that observes the point) pass through it.
//!   Nothing else that a user can pass makes a hit panic or hang.

mod blocking;
mod compat;
#[cfg(feature = "async")]
mod future;
#[cfg(feature = "async")]
mod warn;

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::action::Task;
use crate::context::FailpointContext;
use crate::env;
use crate::name::hash;
use crate::point::Point;
use crate::report;
use crate::site::Site;
use crate::table::{Lent, Registry, View};
pub use blocking::{failpoint_blocking, hit_blocking, hit_blocking_unit};
#[cfg(feature = "async")]
pub use compat::{compat_begin, compat_begin_unit};
pub use compat::{compat_eval, compat_unit};
#[cfg(feature = "async")]
pub use future::{
    Begun, FailpointFuture, MillisFuture, PausableFuture, begin, begin_unit, failpoint,
    failpoint_with_cancellation, hit, pausable, sleep_millis,
};

/// The result of a hit.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a failpoint's `return` has no effect unless its result is looked at"]
pub enum FailpointResult {
    /// Continue as if the failpoint were not there: it is idle, its action is done, or its wait is
    /// over.
    Continue,
    /// Return early, with this value: the argument of `return(value)`, or the empty
    /// string for a bare `return`.
    Return(String),
    /// The hit's wait was ended by its cancellation token.
    Cancelled,
}

/// Where a hit happens: at a call site with its own static, or by a name.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    /// A macro with a literal name.
    Site(&'static Site),
    /// A function, or a macro with a name that exists only at run time.
    Name(&'a str),
}

impl Target<'_> {
    /// Whether it is known that nothing is configured here; `false` proves nothing.
    #[inline(always)]
    pub(crate) fn is_idle(&self, rules: Rules) -> bool {
        let registry = Registry::global();
        match self {
            // A native site had FAILPOINTS read when it first looked its name up.
            Target::Site(site) => site.is_idle(registry),
            Target::Name(_) if rules == Rules::Fail => registry.is_empty(),
            Target::Name(_) => registry.is_idle(),
        }
    }

    /// Returns the name of the failpoint.
    pub(crate) fn name(&self) -> &str {
        match self {
            Target::Site(site) => site.name(),
            Target::Name(name) => name,
        }
    }

    /// Returns the point that is configured here.
    #[inline]
    fn find<'v>(&self, view: &'v mut View) -> Option<&'v Arc<Point>> {
        let registry = Registry::global();
        match self {
            Target::Site(site) => site.look_up(registry, view),
            Target::Name(name) => {
                view.refresh(registry);
                view.get(hash(name), name)
            }
        }
    }
}

/// Whether a point is configured here: macros check this before they evaluate a context.
#[inline]
pub fn is_armed(target: Target<'_>) -> bool {
    if !ENABLED || target.is_idle(Rules::Native) {
        return false;
    }
    match target {
        Target::Site(site) if site.is_known_armed(Registry::global()) => true,
        _ => look_up(target),
    }
}

#[cold]
fn look_up(target: Target<'_>) -> bool {
    env::read_once();
    target.find(&mut Lent::new()).is_some()
}

/// Whether failpoints are compiled in.
pub(crate) const ENABLED: bool = cfg!(feature = "testing");

/// The rules by which a hit runs an action.
///
/// A whole word: in a future it lies beside the tag, and a load that spans more than one earlier
/// store stalls the processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Rules {
    Native,
    /// Native, and logged: for Neon's `pausable_failpoint!`.
    Pausable,
    /// Native, but a `return` gives the number of milliseconds to sleep, and a sleep is logged: for
    /// Neon's `sleep_millis_async!`.
    Millis,
    /// Those of the `fail` crate: see [`compat`](crate::compat).
    Fail,
}

/// What is left to do after a hit was evaluated.
#[derive(Debug)]
pub(crate) enum Step {
    Continue,
    Return,
    /// Let other tasks or threads run once.
    Yield,
    /// Keep the thread busy for `time`.
    Delay {
        point: Arc<Point>,
        time: Duration,
    },
    /// Wait at the point, for at most `limit`.
    Wait {
        point: Arc<Point>,
        limit: Option<Duration>,
    },
}

/// Evaluates one hit and does what can be done at once. The argument of a `return` goes into
/// `returned`: as a part of the result it would be copied once more.
#[inline]
pub(crate) fn evaluate(
    target: &Target<'_>,
    context: Option<&FailpointContext>,
    rules: Rules,
    returned: &mut Option<String>,
) -> Step {
    if rules != Rules::Fail {
        env::read_once();
    }
    let mut view = Lent::new();
    let Some(point) = target.find(&mut view) else {
        return Step::Continue;
    };
    // I1: one snapshot, one point, and the point alone decides.
    let task = point.pick(context);
    if point.is_watched() || report::may_hear_events() {
        let (point, task) = (point.clone(), task.cloned());
        drop(view);
        return evaluate_watched(target, context, rules, returned, &point, task);
    }
    if let Some(step) = step(point, task, rules, returned) {
        return step;
    }
    let task = task.cloned();
    // Others' code runs while nothing of ours is lent (I5).
    drop(view);
    perform(target, context, rules, returned, task)
}

/// The rest of [`evaluate`] for a hit that may have observers or subscribers.
#[cold]
fn evaluate_watched(
    target: &Target<'_>,
    context: Option<&FailpointContext>,
    rules: Rules,
    returned: &mut Option<String>,
    point: &Arc<Point>,
    task: Option<Task>,
) -> Step {
    // Before the task, which may take long.
    point.tell_observers();
    if let Some(task) = &task {
        report::fired(target, task, point.hits(), context);
    }
    match step(point, task.as_ref(), rules, returned) {
        Some(step) => step,
        None => perform(target, context, rules, returned, task),
    }
}

/// Returns the step that a task leaves to do; `None` if [`perform`] has to do it at once.
#[inline]
fn step(
    point: &Arc<Point>,
    task: Option<&Task>,
    rules: Rules,
    returned: &mut Option<String>,
) -> Option<Step> {
    let wait = |millis| Step::Wait {
        point: point.clone(),
        limit: Some(Duration::from_millis(millis)),
    };
    Some(match task {
        None | Some(Task::Off) => Step::Continue,
        Some(Task::Return(value)) if rules != Rules::Millis => {
            *returned = value.as_deref().map(String::from);
            Step::Return
        }
        Some(Task::Return(value)) => wait(value.as_deref()?.parse().ok()?),
        Some(Task::Pause) => Step::Wait {
            point: point.clone(),
            limit: None,
        },
        Some(Task::Sleep(millis)) => wait(*millis),
        Some(Task::Yield) => Step::Yield,
        Some(Task::Delay(millis)) => Step::Delay {
            point: point.clone(),
            time: Duration::from_millis(*millis),
        },
        Some(_) => return None,
    })
}

/// Does a task that is done at once.
#[cold]
fn perform(
    target: &Target<'_>,
    context: Option<&FailpointContext>,
    rules: Rules,
    returned: &mut Option<String>,
    task: Option<Task>,
) -> Step {
    if rules == Rules::Pausable {
        report::at(target.name());
    }
    if task.is_some_and(|task| !run(task, target.name(), rules)) {
        // The point was retired meanwhile. A newer table was published before that, which this
        // finds.
        return evaluate(target, context, rules, returned);
    }
    Step::Continue
}

/// Does a task that is done at once; `false` if its callback is gone.
#[cold]
fn run(task: Task, name: &str, rules: Rules) -> bool {
    match task {
        Task::Print(text) => report::print(rules, name, text.as_deref()),
        // The texts of `fail` 0.5.1.
        Task::Panic(Some(message)) => panic!("{message}"),
        Task::Panic(None) => panic!("failpoint {name} panic"),
        Task::Exit => report::end_process(&format!("failpoint {name:?}: exit"), 1),
        Task::Return(value) => report::no_millis(name, &value.unwrap_or_default()),
        Task::Callback(callback) => return callback.run(),
        // `evaluate` has steps for these.
        Task::Off | Task::Pause | Task::Sleep(_) | Task::Yield | Task::Delay(_) => {}
    }
    true
}

/// Keeps the thread busy for `time`: that is the purpose of `delay`.
fn burn(point: &Point, time: Duration) {
    let start = Instant::now();
    while start.elapsed() < time {
        std::hint::spin_loop();
    }
    point.add_delay(start.elapsed());
}

/// Panics for a `return` at a call site that cannot return.
#[cold]
#[track_caller]
fn no_closure(name: &str, rules: Rules) -> ! {
    if rules == Rules::Fail {
        // The words of `fail`.
        panic!("Return is not supported for the fail point \"{name}\"");
    }
    let place = std::panic::Location::caller();
    panic!(
        "failpoint {name:?} at {}:{} is configured to return, but the call site has no closure \
         that says what to return",
        place.file(),
        place.line(),
    );
}
