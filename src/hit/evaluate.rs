//! The evaluation of a hit, which all kinds of hits share: it finds the point, lets it pick an
//! action, and does what can be done at once. What is left is a [`Step`]: to continue, return, yield
//! or wait. Tasks and threads differ only in how they do that.

use std::mem::ManuallyDrop;
use std::panic::Location;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::engine::actions::action::Action;
use crate::engine::context::FailpointContext;
#[cfg(feature = "explore")]
use crate::engine::director::{self, Arrival};
use crate::engine::env;
use crate::engine::exit::end_process;
use crate::engine::inside::Inside;
use crate::engine::observer::tell_observers;
use crate::engine::point::Point;
use crate::engine::report;
use crate::engine::site::{ENABLED, Returns, Rules, Spot, Target};
use crate::engine::table::{Registry, with_view};

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

/// What the closures of an API get of a `return`. It is made where the code is shared, not at each call
/// site.
#[cfg_attr(not(feature = "async"), expect(unreachable_pub))]
pub trait Argument: Sized {
    /// The rules of the API.
    #[doc(hidden)]
    const RULES: Rules;
    /// What a `return` does at its call sites.
    #[doc(hidden)]
    const RETURNS: Returns = Returns::Value;

    /// Makes it of the argument, or of `None` for a bare `return`; nothing where nothing can return.
    #[doc(hidden)]
    fn from_argument(argument: Option<String>) -> Option<Self>;
}

/// This crate's own: a bare `return` gives the empty string.
impl Argument for String {
    const RULES: Rules = Rules::Native;

    fn from_argument(argument: Option<String>) -> Option<Self> {
        Some(argument.unwrap_or_default())
    }
}

/// Those of `fail`.
impl Argument for Option<String> {
    const RULES: Rules = Rules::Fail;

    fn from_argument(argument: Option<String>) -> Option<Self> {
        Some(argument)
    }
}

/// For a macro without a closure, by the rules of `fail` or by this crate's own.
#[derive(Debug)]
#[cfg_attr(not(feature = "async"), expect(unreachable_pub))]
pub enum NoClosure<const FAILS: bool> {}

impl<const FAILS: bool> Argument for NoClosure<FAILS> {
    const RULES: Rules = if FAILS { Rules::Fail } else { Rules::Native };
    const RETURNS: Returns = Returns::Panics;

    fn from_argument(_: Option<String>) -> Option<Self> {
        None
    }
}

/// Whether a point is configured here: macros check this before they evaluate a context.
#[inline]
pub fn is_armed<'a>(spot: impl Spot<'a>) -> bool {
    ENABLED && !spot.is_idle(Rules::Native) && is_found(spot)
}

#[cold]
#[inline(never)]
fn is_found<'a>(spot: impl Spot<'a>) -> bool {
    match spot.into() {
        Target::Site(site) if site.is_known_armed(Registry::global()) => true,
        target => look_up(target),
    }
}

#[cold]
fn look_up(target: Target<'_>) -> bool {
    if Inside::is() {
        return false;
    }
    read_env(&target);
    #[cfg(feature = "explore")]
    if director::of(target.name()).is_some() {
        return true;
    }
    with_view(|view| target.find(view).is_some()).unwrap_or(false)
}

/// A hit that is about to be stopped, or to pass, under an exploration. `can_return` says whether its
/// macro, or its caller, does something with a `return`.
#[cfg(feature = "explore")]
#[track_caller]
pub(super) fn arrival<'a>(
    target: &'a Target<'_>,
    context: Option<&'a FailpointContext>,
    can_return: bool,
) -> Arrival<'a> {
    let caller = Location::caller();
    let (file, line) = target.place().unwrap_or((caller.file(), caller.line()));
    Arrival {
        name: target.name(),
        file,
        line,
        context,
        can_return,
    }
}

/// Reads FAILPOINTS if that was not done, which may warn of names that nothing has.
#[inline]
fn read_env(target: &Target<'_>) {
    if !Registry::global().is_env_read() {
        target.note();
        env::read_once();
    }
}

/// What is left to do after a hit was evaluated.
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
///
/// A panic of the action `panic` is placed at the call site: `#[track_caller]` all the way.
#[inline]
#[track_caller]
pub(crate) fn evaluate(
    target: &Target<'_>,
    context: Option<&FailpointContext>,
    rules: Rules,
    returned: &mut Option<String>,
) -> Step {
    if Inside::is() {
        return Step::Continue;
    }
    if rules != Rules::Fail {
        read_env(target);
    }
    // Others' code runs after the look (I5). What most hits come to is returned in a register: a step
    // that goes through memory is slower than a whole lookup.
    let mut rest = ManuallyDrop::new(Rest::Nothing);
    let looked = with_view(|view| {
        let Some(point) = target.find(view) else {
            return Looked::Continue;
        };
        // I1: one snapshot, one point, and the point alone decides.
        let action = point.pick(context);
        if point.is_watched() || report::may_hear_events() {
            *rest = Rest::Watched(point.clone(), action.cloned());
            return Looked::Rest;
        }
        *rest = match step(point, action, rules, returned) {
            Some(Step::Continue) => return Looked::Continue,
            Some(Step::Return) => return Looked::Return,
            Some(step) => Rest::Step(step),
            None => Rest::Perform(action.cloned()),
        };
        Looked::Rest
    });
    match looked {
        // `None` is a hit from inside.
        None | Some(Looked::Continue) => Step::Continue,
        Some(Looked::Return) => Step::Return,
        Some(Looked::Rest) => {
            let rest = ManuallyDrop::into_inner(rest);
            evaluate_rest(target, context, rules, returned, rest)
        }
    }
}

/// What a look came to.
enum Looked {
    Continue,
    Return,
    Rest,
}

/// What is left to do after a look.
enum Rest {
    Nothing,
    Step(Step),
    Watched(Arc<Point>, Option<Action>),
    Perform(Option<Action>),
}

#[cold]
#[track_caller]
fn evaluate_rest(
    target: &Target<'_>,
    context: Option<&FailpointContext>,
    rules: Rules,
    returned: &mut Option<String>,
    rest: Rest,
) -> Step {
    match rest {
        Rest::Nothing => Step::Continue,
        Rest::Step(step) => step,
        Rest::Watched(point, action) => {
            evaluate_watched(target, context, rules, returned, &point, action)
        }
        Rest::Perform(action) => perform(target, context, rules, returned, action),
    }
}

/// The rest of [`evaluate`] for a hit that may have observers or subscribers.
#[cold]
#[track_caller]
fn evaluate_watched(
    target: &Target<'_>,
    context: Option<&FailpointContext>,
    rules: Rules,
    returned: &mut Option<String>,
    point: &Arc<Point>,
    action: Option<Action>,
) -> Step {
    // Before the action, which may take long.
    tell_observers(point);
    if let Some(action) = &action {
        report::fired(target.name(), target.place(), action, point.hits(), context);
    }
    match step(point, action.as_ref(), rules, returned) {
        Some(step) => step,
        None => perform(target, context, rules, returned, action),
    }
}

/// Returns the step that an action leaves to do; `None` if [`perform`] has to do it at once.
#[inline]
fn step(
    point: &Arc<Point>,
    action: Option<&Action>,
    rules: Rules,
    returned: &mut Option<String>,
) -> Option<Step> {
    let wait = |time| Step::Wait {
        point: point.clone(),
        limit: Some(time),
    };
    Some(match action {
        None | Some(Action::Off) => Step::Continue,
        Some(Action::Return(value)) if rules != Rules::Millis => {
            *returned = value.as_deref().map(String::from);
            Step::Return
        }
        Some(Action::Return(value)) => {
            let millis = value.as_deref()?.parse().ok()?;
            wait(Duration::from_millis(millis))
        }
        Some(Action::Pause) => Step::Wait {
            point: point.clone(),
            limit: None,
        },
        Some(Action::Sleep(time)) => wait(time.of_this_hit()),
        Some(Action::Yield) => Step::Yield,
        Some(Action::Delay(time)) => Step::Delay {
            point: point.clone(),
            time: time.of_this_hit(),
        },
        Some(Action::Print(_) | Action::Panic(_) | Action::Exit(_) | Action::Callback(_)) => {
            return None;
        }
    })
}

/// Does an action that is done at once.
#[cold]
#[track_caller]
fn perform(
    target: &Target<'_>,
    context: Option<&FailpointContext>,
    rules: Rules,
    returned: &mut Option<String>,
    action: Option<Action>,
) -> Step {
    if rules == Rules::Pausable {
        report::at(target.name());
    }
    // No closure: it would not know its caller.
    let is_done = match action {
        Some(action) => run(action, target, rules),
        None => true,
    };
    if !is_done {
        // The point was retired meanwhile. A newer table was published before that, which this
        // finds.
        return evaluate(target, context, rules, returned);
    }
    Step::Continue
}

/// Does an action that is done at once; `false` if its callback is gone.
#[cold]
#[track_caller]
fn run(action: Action, target: &Target<'_>, rules: Rules) -> bool {
    let name = target.name();
    match action {
        Action::Print(text) if rules == Rules::Fail => report::print_as_fail(name, text.as_deref()),
        Action::Print(text) => report::print(name, text.as_deref()),
        // The texts of `fail` 0.5.1.
        Action::Panic(Some(message)) if rules == Rules::Fail => panic!("{message}"),
        Action::Panic(None) if rules == Rules::Fail => panic!("failpoint {name} panic"),
        Action::Panic(message) => {
            // The future of a macro may be polled somewhere else, as a task or in a box: the panic is
            // placed there, and names the call site.
            let (site, caller) = (target.call_site(), Location::caller());
            let at = match (site.file(), site.line()) == (caller.file(), caller.line()) {
                true => String::new(),
                false => format!(" at {}:{}", site.file(), site.line()),
            };
            match message.unwrap_or_default() {
                message if message.is_empty() => panic!("failpoint {name} panic{at}"),
                message => panic!("{message} (failpoint {name:?}{at})"),
            }
        }
        Action::Exit(status) => {
            end_process(&format!("failpoint {name:?}: {action}"), status.into());
        }
        Action::Return(value) => report::no_millis(name, &value.unwrap_or_default()),
        Action::Callback(callback) => return callback.run(),
        // `evaluate` has steps for these.
        Action::Off | Action::Pause | Action::Sleep(_) | Action::Yield | Action::Delay(_) => {}
    }
    true
}

/// Keeps the thread busy for `time`: that is the purpose of `delay`.
pub(super) fn burn(point: &Point, time: Duration) {
    let start = Instant::now();
    while start.elapsed() < time {
        std::hint::spin_loop();
    }
    point.add_delay(start.elapsed());
}

/// Panics for a `return` at a call site that cannot return.
#[cold]
#[track_caller]
pub(super) fn no_closure(name: &str, rules: Rules) -> ! {
    if rules == Rules::Fail {
        // The words of `fail`.
        panic!("Return is not supported for the fail point \"{name}\"");
    }
    let place = Location::caller();
    panic!(
        "failpoint {name:?} at {}:{} is configured to return, but the call site has no closure \
         that says what to return",
        place.file(),
        place.line(),
    );
}
