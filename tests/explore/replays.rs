//! A schedule that is given back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use neon_failpoint::explore::{Explorer, Report};
use neon_failpoint::fail_point;




async fn lost_update() {
    let counter = Arc::new(AtomicU32::new(0));
    let tasks = [1, 2].map(|_| {
        let counter = counter.clone();
        tokio::spawn(async move {
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
    let text = |text: String| text.lines().rev().skip(1).map(str::to_owned).collect::<Vec<_>>();
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
    assert!(message.contains("task 2 at failpoint \"replay-begin\""), "{message}");
}

#[test]
#[should_panic(expected = "Explorer::replay: \"one\" is no part of a schedule; expected")]
fn what_is_no_schedule_is_refused() {
    let _ = Explorer::new().replay("1 one");
}
