//! Proves which deadline ends a wait, and what the error says of it.

use std::pin::{Pin, pin};
use std::time::{Duration, Instant};

use super::HOUR;
use crate::common::{Runtime, assert_says, block_on, hit, now, poll_once, spawn, within_deadline};
use neon_failpoint::FailpointResult::Continue;
use neon_failpoint::{
    arm, arm_with_context, configure_failpoint, failpoint, failpoint_context, isolate,
    remove_all_failpoints, wait_for_hits, wait_until_paused,
};

#[test]
fn a_wait_that_was_polled_can_have_another_deadline() {
    let _alone = isolate();
    Runtime::PausedClock.run("another deadline", || async {
        let _guard = arm("wait-deadline-later", "off").unwrap();
        let mut wait = wait_for_hits("wait-deadline-later", 1).within(Duration::from_secs(5));
        assert!(poll_once(Pin::new(&mut wait)).is_pending());
        let start = tokio::time::Instant::now();
        let error = wait.within(HOUR).await.unwrap_err();
        assert_says(&error, &["within 3600s"]);
        assert_eq!(start.elapsed().as_secs(), 3600);
    });
}

#[test]
fn a_wait_without_a_deadline_needs_no_runtime() {
    let _alone = isolate();
    let name = "wait-no-deadline";
    let guard = arm(name, "off").unwrap();
    let mut wait = guard.wait_for_hits(1).within(Duration::MAX);
    assert!(poll_once(Pin::new(&mut wait)).is_pending());
    assert_eq!(hit(name), Continue);
    now(wait).unwrap();
}

#[test]
fn a_deadline_needs_no_runtime_and_no_timer_of_one() {
    let _alone = isolate();
    let guard = arm("wait-timer", "off").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.unwrap();
    let wait = || guard.wait_for_hits(1).within(Duration::from_millis(20));
    for error in [runtime.block_on(wait()), block_on(wait())] {
        assert_says(&error.unwrap_err(), &["\"wait-timer\"", "within 20ms"]);
    }
    let _ = hit("wait-timer");
    block_on(guard.wait_for_hits(1)).unwrap();
}

#[test]
fn the_error_says_who_waits_where_since_when_and_how_often_each_point_was_hit() {
    let _alone = isolate();
    within_deadline("a wait that nobody answers", || {
        let start = Instant::now();
        let guard = arm_with_context("wait-text-a", "pause", [("tenant", "t-.")]).unwrap();
        configure_failpoint("wait-text-b", "2*off->0*off").unwrap();
        configure_failpoint("wait-text-c", "sleep(3600000)").unwrap();
        let context = failpoint_context! { "tenant" => "t-1", "op" => "x" };
        let mut task = pin!(failpoint("wait-text-a", Some(&context)));
        assert!(poll_once(task.as_mut()).is_pending());
        assert_eq!(
            [hit("wait-text-b"), hit("wait-text-b"), hit("wait-text-b")],
            [(); 3].map(|()| Continue)
        );
        let thread = spawn(|| hit("wait-text-c"));
        wait_until_paused("wait-text-c", 1).blocking().unwrap();
        let millis = Duration::from_millis(20);
        let error = guard.wait_until_paused(2).within(millis).blocking();
        let error = error.unwrap_err();
        assert_says(&error, &["\"wait-text-a\"", "1 of 2", "within 20ms"]);
        let text = error.to_string();
        let line = |name: &str| {
            let mut lines = text.lines().skip(1);
            let line = lines.find(|line| line.contains(name));
            line.unwrap_or_else(|| panic!("{name}: {text}")).to_owned()
        };
        let (a, b, c) = (line("text-a"), line("text-b"), line("text-c"));
        for (line, words) in [
            (
                &a,
                [
                    "hits 1",
                    "fired 1",
                    "waiting 1",
                    "a task for ",
                    r#"op="x", tenant="t-1""#,
                ],
            ),
            (
                &b,
                [
                    "hits 3",
                    "fired 2",
                    "waiting 0",
                    "2*off->0*off",
                    "wait-text-b",
                ],
            ),
            (
                &c,
                [
                    "hits 1",
                    "fired 1",
                    "waiting 1",
                    "a thread for ",
                    "sleep(3600000)",
                ],
            ),
        ] {
            for word in words {
                assert!(line.contains(word), "{word}: {line}");
            }
        }
        let (_, waited) = a.split_once("a task for ").unwrap();
        let waited: f64 = waited.split_once(" s with").unwrap().0.parse().unwrap();
        // In whole milliseconds.
        let most = start.elapsed() + Duration::from_millis(1);
        assert!((0.020..most.as_secs_f64()).contains(&waited), "{a}");
        assert_eq!(text.lines().count(), 4, "{text}");
        let hits = wait_for_hits("wait-text-b", 5).within(Duration::ZERO);
        assert_says(&hits.blocking().unwrap_err(), &["3 of 5", "hits"]);
        drop(guard);
        assert_eq!(now(task), Continue);
        remove_all_failpoints();
        assert_eq!(thread.join().unwrap(), Continue);
    });
}
