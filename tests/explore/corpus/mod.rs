//! Small programs of the kinds that go wrong, each with its bug and without: the explorer finds the bug
//! within its default bounds, what it found repeats, and it finds nothing once the bug is mended.
//!
//! Every program is a scenario that is told whether it is `fixed`.

mod cancel;
mod clock;
mod files;
mod local;
mod locks;
mod messages;
mod replicas;
mod requests;
mod restless;
mod shared;
mod shutdown;

use std::pin::Pin;

use neon_failpoint::explore::{Explorer, Outcome};

/// With default bounds: a failure with `message` before the fix, none after.
fn bug_and_fix<F: Future<Output: Outcome>>(message: &str, scenario: impl Fn(bool) -> F) {
    bug_and_fix_with(Explorer::new, message, scenario);
}

/// The same, with what the kind of bug needs beside schedules.
fn bug_and_fix_with<F: Future<Output: Outcome>>(
    explorer: impl Fn() -> Explorer,
    message: &str,
    scenario: impl Fn(bool) -> F,
) {
    let scenario =
        |fixed| -> Pin<Box<dyn Future<Output = F::Output> + '_>> { Box::pin(scenario(fixed)) };
    found_and_mended(&explorer, message, &scenario);
}

/// A scenario as one type, for which the explorer is compiled once.
type Scenario<'a, T> = dyn Fn(bool) -> Pin<Box<dyn Future<Output = T> + 'a>> + 'a;

fn found_and_mended<T: Outcome>(
    explorer: &dyn Fn() -> Explorer,
    message: &str,
    scenario: &Scenario<'_, T>,
) {
    let found = explorer().run(|| scenario(false));
    let failure = found.failure();
    let failure = failure.unwrap_or_else(|| panic!("not found: {found}"));
    assert!(failure.message().contains(message), "{failure}");

    let again = explorer()
        .replay(failure.schedule())
        .run(|| scenario(false));
    assert_eq!(again.runs(), 1);
    let repeated = again.failure();
    let repeated = repeated.unwrap_or_else(|| panic!("does not repeat: {failure}"));
    assert_eq!(repeated.message(), failure.message());

    let none = explorer().run(|| scenario(true));
    assert!(none.is_complete(), "{none}");
}
