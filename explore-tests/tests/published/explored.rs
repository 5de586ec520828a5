//! What is asked of an exploration.

use neon_failpoint::explore::Explorer;

/// Everything within the bounds was tried, in so many runs, and nothing failed.
#[track_caller]
pub(crate) fn complete<F: Future<Output = ()>>(
    explorer: Explorer,
    runs: usize,
    scenario: impl Fn() -> F,
) {
    let report = explorer.run(scenario);
    assert!(report.is_complete(), "{report}");
    // So that a scenario that no longer reaches its failpoints does not pass.
    assert_eq!(report.runs(), runs, "{report}");
}

/// It fails with that message, and the schedule that it gives fails with it, too.
#[track_caller]
pub(crate) fn fails<F: Future<Output = ()>>(
    explorer: Explorer,
    message: &str,
    scenario: impl Fn() -> F,
) {
    let report = explorer.clone().run(&scenario);
    let Some(failure) = report.failure() else {
        panic!("expected {message:?}: {report}");
    };
    println!("{report}");
    assert!(failure.message().contains(message), "{report}");
    let again = explorer.replay(failure.schedule()).run(&scenario);
    // Which of two tasks it is may differ: tokio's `watch` wakes those who wait in a random order.
    let replayed = again.failure().expect("it fails again");
    assert!(replayed.message().contains(message), "{again}");
}
