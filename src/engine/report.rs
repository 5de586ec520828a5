//! What the library itself says: through `tracing` with the feature `async`, else through `log`, and
//! what has to be heard on standard error where nobody listens. Nothing here is called while a lock is
//! held (I5).

use std::cell::Cell;
use std::fmt;
#[cfg(feature = "async")]
use std::panic::Location;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use crate::engine::actions::action::Action;
use crate::engine::context::FailpointContext;
use crate::engine::point::Point;
#[cfg(feature = "async")]
use crate::engine::trie::Named;
use crate::error::Error;

/// Whether an event at debug level may have a subscriber.
#[inline]
pub(crate) fn may_hear_events() -> bool {
    #[cfg(feature = "async")]
    return tracing::Level::DEBUG <= tracing::level_filters::LevelFilter::current();
    #[cfg(not(feature = "async"))]
    return false;
}

/// Emits an event, unless this thread is emitting one: a subscriber that hits failpoints would
/// cause events without end.
fn unless_telling(event: impl FnOnce()) {
    thread_local! {
        static TELLING: Cell<bool> = const { Cell::new(false) };
    }
    struct Reset;
    impl Drop for Reset {
        fn drop(&mut self) {
            // An error means that the thread is ending.
            let _ = TELLING.try_with(|telling| telling.set(false));
        }
    }
    if TELLING.try_with(|telling| telling.replace(true)) == Ok(false) {
        let _reset = Reset;
        event();
    }
}

/// Reports that a hit chose an alternative.
#[cfg_attr(not(feature = "async"), expect(unused_variables))]
pub(crate) fn fired(
    name: &str,
    place: Option<(&'static str, u32)>,
    action: &Action,
    hit: usize,
    context: Option<&FailpointContext>,
) {
    #[cfg(feature = "async")]
    unless_telling(|| {
        tracing::debug!(
            target: "neon_failpoint",
            failpoint = name,
            // As text, in which subscribers escape what would begin a new line.
            action = action.to_string(),
            hit,
            context = context.map(ToString::to_string),
            file = place.map(|(file, _)| file),
            line = place.map(|(_, line)| line),
            "failpoint fired"
        )
    });
}

/// Reports that a wait is over.
#[cfg_attr(not(feature = "async"), expect(unused_variables))]
pub(crate) fn wait_ended(name: &str, why: &'static str, waited: Duration) {
    #[cfg(feature = "async")]
    unless_telling(|| {
        tracing::debug!(
            target: "neon_failpoint",
            failpoint = name,
            why,
            waited_ms = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX),
            "wait ended"
        )
    });
}

/// Reports that configurations changed: each name once, with its old and its new actions.
#[cold]
#[cfg_attr(not(feature = "async"), expect(unused_variables))]
pub(crate) fn configured(gone: &[Arc<Point>], added: &[Arc<Point>]) {
    #[cfg(feature = "async")]
    unless_telling(|| {
        if !tracing::enabled!(target: "neon_failpoint", tracing::Level::DEBUG) {
            return;
        }
        let gone = gone.iter().map(|point| (point, true));
        let added = added.iter().map(|point| (point, false));
        let mut points: Vec<(&Arc<Point>, bool)> = gone.chain(added).collect();
        points.sort_by_key(|(point, _)| point.name());
        for same in points.chunk_by(|(a, _), (b, _)| a.name() == b.name()) {
            let (gone, added) = same.split_at(same.partition_point(|(_, is_gone)| *is_gone));
            // Of several with one name the last one stays, and the others were never published.
            let is_added = |old| added.iter().any(|(new, _)| Arc::ptr_eq(old, new));
            let old = gone.iter().find(|(point, _)| !is_added(point));
            let new = added.last();
            tracing::debug!(
                target: "neon_failpoint",
                failpoint = same[0].0.name(),
                old = old.map(|(point, _)| point.actions()),
                new = new.map(|(point, _)| point.actions()),
                "configuration changed"
            );
        }
    });
}

/// Says something, to whom listens: through `tracing`, or through `log` if this thread has no
/// subscriber. What `has_to_be_heard` goes to standard error if nobody listens to either, because a
/// warning that nobody sees is none; a test harness shows it with the test that fails.
fn say(level: log::Level, has_to_be_heard: bool, text: fmt::Arguments<'_>) {
    #[cfg(feature = "async")]
    if tracing::dispatcher::get_default(|to| !to.is::<tracing::subscriber::NoSubscriber>()) {
        return unless_telling(|| match level {
            log::Level::Error => tracing::error!(target: "neon_failpoint", "{text}"),
            log::Level::Warn => tracing::warn!(target: "neon_failpoint", "{text}"),
            _ => tracing::info!(target: "neon_failpoint", "{text}"),
        });
    }
    if log::log_enabled!(target: "neon_failpoint", level) {
        unless_telling(|| log::log!(target: "neon_failpoint", level, "{text}"));
    } else if has_to_be_heard {
        // It panics where standard error can no longer be written to: then nothing can be heard.
        let _ = catch_unwind(AssertUnwindSafe(|| eprintln!("neon_failpoint: {text}")));
    }
}

fn info(text: fmt::Arguments<'_>) {
    say(log::Level::Info, false, text);
}

fn warn(text: fmt::Arguments<'_>) {
    say(log::Level::Warn, true, text);
}

/// Warns that a call site is about to block a thread that has tasks to run; `awaits` is the macro that
/// would not.
#[cfg(feature = "async")]
pub(crate) fn blocks(name: &str, action: &str, place: &Location<'_>, awaits: &str) {
    warn(format_args!(
        "{}:{}: failpoint {name:?} blocks a task of tokio, and its thread with all other tasks \
         ({action}); use `{awaits}` there, which awaits",
        place.file(),
        place.line(),
    ));
}

/// Warns of a panic that goes no further: of a waker's destructor, a callback's, or of a subscriber.
#[cfg(feature = "async")]
pub(crate) fn panicked_in_a_destructor() {
    warn(format_args!(
        "a future that waited at a failpoint was dropped, and what ran then panicked; a macro that \
         awaits in place does not unwind there, so the panic ends here"
    ));
}

/// Warns that one test ended another's waits.
pub(crate) fn disturbed(text: &str) {
    warn(format_args!("{text}"));
}

/// Warns of an exploration that explores nothing.
#[cfg(feature = "explore")]
pub(crate) fn explored(text: &str) {
    warn(format_args!("{text}"));
}

/// Warns that the wait deadline of the environment does not count.
pub(crate) fn no_deadline(error: &Error) {
    warn(format_args!("{error}; it is 30s"));
}

/// Warns of a configured name that looks like a misspelling of a compiled-in one, unless it is one of
/// those that are `unlisted`.
pub(crate) fn misspelled(name: &str, meant: &str, unlisted: &str) {
    warn(format_args!(
        "failpoint {name:?} was configured, but no call site has that name; did you mean {meant:?}? \
         ({unlisted})"
    ));
}

/// Warns of a name in FAILPOINTS that no call site has; `about` says what is known of it.
pub(crate) fn unknown(name: &str, about: &str) {
    warn(format_args!(
        "FAILPOINTS configures failpoint {name:?}, but {about}"
    ));
}

/// Warns of how many more names in FAILPOINTS there are like those before.
pub(crate) fn more_unknown(names: usize) {
    warn(format_args!(
        "FAILPOINTS configures {names} more failpoints whose names no call site has"
    ));
}

/// Says which seed draws start from.
pub(crate) fn seed(seed: u64, has_to_be_heard: bool) {
    say(
        log::Level::Info,
        has_to_be_heard,
        format_args!(
            "percentages and random times draw from seed {seed}; FAILPOINTS_SEED={seed} repeats them"
        ),
    );
}

/// Logs for the `print` action.
pub(crate) fn print(name: &str, text: Option<&str>) {
    match text {
        Some(text) => info(format_args!("{text}")),
        None => info(format_args!("failpoint {name} executed.")),
    }
}

/// Logs for the `print` action by the rules of `fail`: a record of `log` with the target `fail`, for
/// its users filter on that, and on the text.
pub(crate) fn print_as_fail(name: &str, text: Option<&str>) {
    match text {
        Some(text) => log::info!(target: "fail", "{text}"),
        None => log::info!(target: "fail", "failpoint {name} executed."),
    }
}

/// Logs that a hit is about to do its action. The texts of this and the next two are Neon's.
pub(crate) fn at(name: &str) {
    info(format_args!("at failpoint {name}"));
}

/// Logs that `sleep_millis_async!` begins to sleep.
#[cfg(feature = "async")]
pub(crate) fn sleeping(name: &str, limit: Duration) {
    info(format_args!("failpoint {name:?}: sleeping for {limit:?}"));
}

/// Logs that its sleep is over.
#[cfg(feature = "async")]
pub(crate) fn slept(name: &str) {
    info(format_args!("failpoint {name:?}: sleep done"));
}

/// Logs that `sleep_millis_async!` met a `return` whose value is not a number.
pub(crate) fn no_millis(name: &str, value: &str) {
    say(
        log::Level::Error,
        true,
        format_args!(
            "failpoint {name:?} was to sleep, but its return value {value:?} is not a whole number \
             of milliseconds"
        ),
    );
}
