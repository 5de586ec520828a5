//! Proves when a wait is an error: the point is not armed, or it is removed.

use std::time::{Duration, Instant};

use super::ByHand;
use crate::common::{assert_says, hit, now, spawn, within_deadline};
use neon_failpoint::FailpointResult::Continue;
use neon_failpoint::{
    arm, compat, configure_failpoint, fail_point_sync, isolate, remove_all_failpoints,
    remove_failpoint, wait_for_hits, wait_until_paused,
};

#[test]
fn a_name_that_is_not_armed_is_an_error_at_once_that_names_the_nearest() {
    let _alone = isolate();
    fn never_called() {
        fail_point_sync!("wait-unarmed-site");
    }
    let _: fn() = never_called;
    for wait in [
        wait_for_hits("wait-unarmed-sit", 1),
        wait_until_paused("wait-unarmed-sit", 1),
    ] {
        // Ready at its first poll, without a runtime.
        let error = now(wait).unwrap_err();
        assert!(error.is_not_configured() && !error.is_removed() && !error.is_timeout());
        assert_says(&error, &["\"wait-unarmed-sit\"", "not configured"]);
        assert_says(&error, &["\"wait-unarmed-site\""]);
    }
    let start = Instant::now();
    let error = wait_for_hits("wait-unarmed-site", 1)
        .blocking()
        .unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(20));
    assert_says(&error, &["\"wait-unarmed-site\"", "not configured"]);
    for odd in ["", "\0", "a name that nobody has"] {
        assert_says(
            &now(wait_for_hits(odd, 0)).unwrap_err(),
            &["not configured"],
        );
    }
}

#[test]
fn removing_the_point_is_an_error_of_who_waits() {
    let _alone = isolate();
    type Remove = fn(&str);
    let removes: [(&str, Remove); 4] = [
        ("remove", |n| remove_failpoint(n)),
        ("compat", |n| compat::remove(n)),
        ("all", |_| remove_all_failpoints()),
        ("scenario", |_| compat::FailScenario::setup().teardown()),
    ];
    for (what, remove) in removes {
        for by_guard in [false, true] {
            let name = "wait-removed";
            let guard = arm(name, "off").unwrap();
            let make = |n| match by_guard {
                true => guard.wait_for_hits(n),
                false => wait_for_hits(name, n),
            };
            assert_eq!(hit(name), Continue);
            let (mut wait, blocking) = (ByHand::new(make(2)), make(3));
            wait.assert_pending();
            let blocked = spawn(move || blocking.blocking());
            // It is there once it blocks, or it comes to a name that is not armed.
            remove(name);
            wait.assert_woken(1);
            let error = wait.result().unwrap_err();
            assert_says(&error, &["removed", name]);
            assert!(error.is_removed() && !error.is_not_configured() && !error.is_timeout());
            let error = within_deadline(what, move || blocked.join().unwrap());
            assert_says(&error.unwrap_err(), &["configured"]);
        }
    }
}

#[test]
fn a_guard_that_was_ended_says_so_whoever_configured_the_name_since() {
    let _alone = isolate();
    let name = "wait-guard-ended";
    let guard = arm(name, "pause").unwrap();
    remove_all_failpoints();
    configure_failpoint(name, "off").unwrap();
    assert_eq!(hit(name), Continue);
    now(wait_for_hits(name, 1)).unwrap();
    let error = now(guard.wait_for_hits(1)).unwrap_err();
    assert_says(&error, &[name, "by this guard", "`remove_all_failpoints`"]);
    assert!(error.is_not_configured());
    guard.configure("off").unwrap();
    now(guard.wait_for_hits(0)).unwrap();
    drop(guard);
    remove_failpoint(name);
}

#[test]
fn a_wait_of_a_guard_is_over_when_the_guard_is() {
    let _alone = isolate();
    let name = "wait-guard-over";
    configure_failpoint(name, "off").unwrap();
    let older = arm(name, "off").unwrap();
    let mut beneath = ByHand::new(older.wait_for_hits(1));
    let guard = arm(name, "off").unwrap();
    beneath.assert_pending();
    let (mut on_top, late) = (ByHand::new(guard.wait_for_hits(1)), guard.wait_for_hits(0));
    on_top.assert_pending();
    let mut by_name = ByHand::new(wait_for_hits(name, 1));
    by_name.assert_pending();
    drop(older);
    beneath.assert_woken(1);
    assert_says(&beneath.result().unwrap_err(), &["removed"]);
    on_top.assert_woken(0);
    drop(guard);
    assert_says(&on_top.result().unwrap_err(), &["removed"]);
    assert_says(&now(late).unwrap_err(), &["not configured"]);
    // By name it goes on at what is there now, and the count begins again.
    by_name.assert_pending();
    assert_eq!(hit(name), Continue);
    by_name.result().unwrap();
    remove_failpoint(name);
}
