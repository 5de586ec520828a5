//! A schedule that is given back.

use std::ffi::OsStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use neon_failpoint::explore::{Explorer, Report, explore};
use neon_failpoint::fail_point;

use crate::common::{child, spawn_task};

async fn lost_update() {
    let counter = Arc::new(AtomicU32::new(0));
    let tasks = [1, 2].map(|_| {
        let counter = counter.clone();
        spawn_task(async move {
            fail_point!("replay-begin");
            let value = counter.load(SeqCst);
            fail_point!("replay-between");
            counter.store(value + 1, SeqCst);
        })
    });
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(counter.load(SeqCst), 2, "lost");
}

fn replay(schedule: &str) -> Report {
    Explorer::new().replay(schedule).run(lost_update)
}

#[test]
fn a_failure_is_repeated_in_one_run() {
    let first = Explorer::new().run(lost_update);
    let failure = first.failure().unwrap();
    let again = replay(failure.schedule());
    assert_eq!(again.runs(), 1);
    let again = again.failure().unwrap();
    assert_eq!(again.schedule(), failure.schedule());
    // All but the command, which says that this was the second exploration of its test.
    let text = |text: String| {
        text.lines()
            .rev()
            .skip(1)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(text(again.to_string()), text(failure.to_string()));
}

#[test]
fn a_schedule_that_passes_passes() {
    let report = replay("2*1 2*2");
    assert_eq!((report.runs(), report.is_complete()), (1, false));
    assert!(report.failure().is_none(), "{report}");
}

#[test]
fn a_schedule_that_does_not_fit_says_where() {
    let report = replay("1 1 1");
    let message = report.failure().unwrap().message();
    assert!(message.contains("step 3"), "{message}");
    assert!(
        message.contains("task 2 at failpoint \"replay-begin\""),
        "{message}"
    );
}

#[test]
#[should_panic(expected = "Explorer::replay: \"one\" is no part of a schedule; expected")]
fn what_is_no_schedule_is_refused() {
    let _ = Explorer::new().replay("1 one");
}

const FROM_OUTSIDE: &str = "replays::a_schedule_from_outside_is_the_only_one_that_is_run";

#[test]
fn a_schedule_from_outside_is_the_only_one_that_is_run() {
    child::play(&[
        ("passes", || {
            child::say(Explorer::new().run(lost_update));
            child::say(Explorer::new().run(lost_update).runs());
        }),
        ("fails", || explore(lost_update)),
    ]);
    if child::role().is_some() {
        return;
    }
    let run = |role: &str, schedule: &str| {
        child::run(
            FROM_OUTSIDE,
            role,
            &[("FAILPOINTS_REPLAY", OsStr::new(schedule))],
        )
    };
    let (one, all) = (
        Explorer::new().replay("2*1 2*2").run(lost_update),
        Explorer::new().run(lost_update),
    );
    // Of the two explorations of that test the schedule is for the first, or for the one it names.
    let said = child::said(&run("passes", "2*1 2*2"));
    assert_eq!(said, [one.to_string(), all.runs().to_string()]);
    assert_eq!(
        child::said(&run("passes", "2*1 2*2 @2")).last().unwrap(),
        "1"
    );

    let failing = all.failure().unwrap().schedule();
    let failed = run("fails", failing);
    assert!(!failed.status.success());
    let stderr = String::from_utf8_lossy(&failed.stderr);
    assert!(stderr.contains("lost"), "{stderr}");
    assert!(
        stderr.contains("1 run, the last of which failed"),
        "{stderr}"
    );

    let stderr = run("fails", "2*1 x").stderr;
    let stderr = String::from_utf8_lossy(&stderr);
    let what = "FAILPOINTS_REPLAY: \"x\" is no part of a schedule; expected what a failure gave";
    assert!(stderr.contains(what), "{stderr}");
}
