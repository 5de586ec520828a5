//! Proves which deadline a wait has that was given none: that of the process, which all tests share.

use std::thread;
use std::time::{Duration, Instant};

use crate::common::table::alone;
use crate::common::{Runtime, assert_says, hit, until, within_deadline};
use neon_failpoint::FailpointResult::Continue;
use neon_failpoint::{Wait, arm, set_wait_deadline, wait_for_hits, wait_until_paused};

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
