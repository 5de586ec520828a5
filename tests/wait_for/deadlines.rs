//! Proves which deadline ends a wait, and what the error says of it.

use std::pin::{Pin, pin};
use std::thread;
use std::time::{Duration, Instant};

use super::{HOUR, assert_says};
use crate::common::table::{alone, shared};
use crate::common::{Runtime, block_on, hit, now, panic_of, poll_once, until, within_deadline};
use neon_failpoint::FailpointResult::Continue;
use neon_failpoint::{
    Wait, arm, arm_with_context, configure_failpoint, failpoint, failpoint_context,
    remove_all_failpoints, set_wait_deadline, wait_for_hits, wait_until_paused,
};

#[test]
fn the_deadline_is_thirty_seconds_of_tokios_clock_unless_something_else_is_said() {
    let _table = alone();
    Runtime::PausedClock.run("paused clock", || async {
        let seconds = |wait: Wait| async {
            let start = tokio::time::Instant::now();
            wait.await.unwrap_err();
            let elapsed = start.elapsed();
            // tokio's timer counts whole milliseconds.
            assert!(elapsed.subsec_millis() <= 1, "{elapsed:?}");
            elapsed.as_secs()
        };
        let name = "wait-deadlines";
        let guard = arm(name, "off").unwrap();
        assert_eq!(seconds(guard.wait_for_hits(1)).await, 30);
        assert_eq!(seconds(wait_until_paused(name, 1)).await, 30);
        let call = |wait: Wait| wait.within(Duration::from_secs(3));
        assert_eq!(seconds(call(wait_for_hits(name, 1))).await, 3);
        set_wait_deadline(Duration::from_secs(7));
        assert_eq!(seconds(guard.wait_for_hits(1)).await, 7);
        assert_eq!(seconds(wait_for_hits(name, 1)).await, 7);
        assert_eq!(seconds(call(guard.wait_for_hits(1))).await, 3);
        let guard = guard.with_deadline(Duration::from_secs(5));
        assert_eq!(seconds(guard.wait_for_hits(1)).await, 5);
        assert_eq!(seconds(guard.wait_until_paused(1)).await, 5);
        assert_eq!(seconds(wait_for_hits(name, 1)).await, 7);
        assert_eq!(seconds(call(guard.wait_for_hits(1))).await, 3);
        // What is there when the deadline comes is no error, and reconfiguring is none either
        // but does not make it longer.
        let start = tokio::time::Instant::now();
        let waiting = tokio::spawn(guard.wait_for_hits(2));
        tokio::time::sleep(Duration::from_secs(2)).await;
        guard.configure("off").unwrap();
        assert!(waiting.await.unwrap().is_err());
        assert_eq!(start.elapsed().as_secs(), 5);
        set_wait_deadline(Duration::from_secs(30));
    });
}

#[test]
fn a_blocking_wait_has_the_same_deadlines_in_real_time() {
    let _table = alone();
    within_deadline("blocking deadlines", || {
        let name = "wait-deadlines-blocking";
        let guard = arm(name, "off").unwrap();
        let is_over = |wait: Wait, millis: u64| {
            let start = Instant::now();
            let text = wait.blocking().unwrap_err().to_string();
            assert!(text.contains(&format!("within {millis}ms")), "{text}");
            assert!(start.elapsed() >= Duration::from_millis(millis));
        };
        set_wait_deadline(Duration::from_millis(7));
        is_over(wait_for_hits(name, 1), 7);
        is_over(guard.wait_until_paused(1), 7);
        let guard = guard.with_deadline(Duration::from_millis(5));
        is_over(guard.wait_for_hits(1), 5);
        is_over(guard.wait_for_hits(1).within(Duration::from_millis(3)), 3);
        set_wait_deadline(Duration::from_secs(30));
        // Longer than any clock can tell.
        let hitter = thread::spawn(move || {
            until("somebody hits", || hit(name) == Continue);
        });
        for _ in 0..2 {
            let wait = guard.wait_for_hits(1).within(Duration::MAX);
            wait.blocking().unwrap();
        }
        let runtime = Runtime::CurrentThread.build();
        runtime
            .block_on(guard.wait_for_hits(1).within(Duration::MAX))
            .unwrap();
        hitter.join().unwrap();
    });
}

#[test]
fn a_wait_that_was_polled_can_have_another_deadline() {
    let _table = shared();
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
    let _table = shared();
    let name = "wait-no-deadline";
    let guard = arm(name, "off").unwrap();
    let mut wait = guard.wait_for_hits(1).within(Duration::MAX);
    assert!(poll_once(Pin::new(&mut wait)).is_pending());
    assert_eq!(hit(name), Continue);
    now(wait).unwrap();
}

#[test]
fn a_deadline_lists_the_first_waiters_and_counts_the_others() {
    let _table = shared();
    let name = "wait-deadline-many";
    let guard = arm(name, "pause").unwrap();
    let hits: Vec<_> = (0..13)
        .map(|_| {
            let mut hit = Box::pin(failpoint(name, None));
            assert!(poll_once(hit.as_mut()).is_pending());
            hit
        })
        .collect();
    let text = |n| {
        let wait = guard.wait_until_paused(n).within(Duration::ZERO);
        let text = wait.blocking().unwrap_err().to_string();
        let at = text.find(&format!("{name:?} (pause)")).unwrap();
        text[at..].lines().next().unwrap().to_owned()
    };
    let line = text(14);
    assert!(line.contains("waiting 13: a task for"), "{line}");
    assert_eq!(line.matches("a task for").count(), 10, "{line}");
    assert!(line.ends_with(" and 3 more"), "{line}");
    assert_eq!(guard.release(3), 3);
    let line = text(14);
    assert_eq!(line.matches("a task for").count(), 10, "{line}");
    assert!(!line.contains("more"), "{line}");
    drop(hits);
}

/// The deadline that it had, not the one that somebody set meanwhile.
#[test]
fn an_error_names_the_deadline_that_ended_the_wait() {
    let _table = alone();
    Runtime::PausedClock.run("the deadline that ended it", || async {
        let name = "wait-deadline-named";
        let _guard = arm(name, "off").unwrap();
        set_wait_deadline(Duration::from_secs(4));
        let waiting = tokio::spawn(wait_for_hits(name, 1));
        tokio::task::yield_now().await;
        set_wait_deadline(Duration::from_secs(30));
        let start = tokio::time::Instant::now();
        let error = waiting.await.unwrap().unwrap_err();
        assert_eq!(start.elapsed().as_secs(), 4);
        assert_says(&error, &["within 4s"]);
    });
}

#[test]
fn a_wait_that_is_answered_needs_no_timer_and_one_that_is_not_says_what_it_needs() {
    let _table = shared();
    let guard = arm("wait-timer", "off").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.unwrap();
    runtime.block_on(guard.wait_for_hits(0)).unwrap();
    let text = panic_of(|| runtime.block_on(guard.wait_for_hits(1)));
    assert!(text.contains("timer"), "{text}");
    let text = panic_of(|| block_on(guard.wait_for_hits(1)));
    assert!(text.contains("runtime"), "{text}");
    // And nothing of it is left.
    let _ = hit("wait-timer");
    block_on(guard.wait_for_hits(1)).unwrap();
}

#[test]
fn the_error_says_who_waits_where_since_when_and_how_often_each_point_was_hit() {
    let _table = alone();
    within_deadline("a wait that nobody answers", || {
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
        let thread = thread::spawn(|| hit("wait-text-c"));
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
                    "a task for 0.0",
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
        assert_eq!(text.lines().count(), 4, "{text}");
        let hits = wait_for_hits("wait-text-b", 5).within(Duration::ZERO);
        assert_says(&hits.blocking().unwrap_err(), &["3 of 5", "hits"]);
        drop(guard);
        assert_eq!(now(task), Continue);
        remove_all_failpoints();
        assert_eq!(thread.join().unwrap(), Continue);
    });
}
