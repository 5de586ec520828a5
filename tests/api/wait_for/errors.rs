//! Proves when a wait is an error: the point is not armed, or it is removed.

use std::thread;
use std::time::{Duration, Instant};

use super::ByHand;
use crate::common::{assert_says, hit, now, spawn, within_deadline};
use neon_failpoint::FailpointResult::Continue;
use neon_failpoint::{
    Scope, Wait, arm, compat, configure_failpoint, fail_point_sync, failpoint_blocking,
    failpoint_context, isolate, release_failpoint, release_failpoint_matching,
    remove_all_failpoints, remove_failpoint, wait_for_hits, wait_until_fired, wait_until_paused,
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

#[test]
fn a_name_whose_guard_was_dropped_says_so_and_where_it_was_armed() {
    let _alone = isolate();
    let name = "wait-guard-dropped";
    // What the error blames.
    let _ = arm(name, "pause").unwrap();
    let place = format!("armed at {}:{}", file!(), line!() - 1);
    for wait in [
        wait_until_paused(name, 1),
        wait_for_hits(name, 1),
        wait_until_fired(name, 1),
    ] {
        let error = now(wait).unwrap_err();
        assert!(error.is_not_configured());
        assert_says(&error, &[&place, "was dropped", "`let _ = arm(..)`"]);
    }
    for error in [
        release_failpoint(name, 1).unwrap_err(),
        release_failpoint_matching(name, [("k", "v")]).unwrap_err(),
    ] {
        assert!(error.is_not_configured());
        assert_says(&error, &[&place, "was dropped"]);
    }
    // The last one, also where something else is configured now, and of no other name or scope.
    drop(arm(name, "off").unwrap());
    let place = format!("armed at {}:{}", file!(), line!() - 1);
    assert_says(&now(wait_for_hits(name, 1)).unwrap_err(), &[&place]);
    configure_failpoint(name, "off").unwrap();
    let error = wait_for_hits(name, 1).within(Duration::ZERO).blocking();
    assert_says(&error.unwrap_err(), &[&place, "was dropped"]);
    remove_failpoint(name);
    let other = now(wait_for_hits("wait-guard-dropped-not", 1)).unwrap_err();
    assert!(!other.to_string().contains("armed at"), "{other}");
    let _inner = isolate();
    let other = now(wait_for_hits(name, 1)).unwrap_err();
    assert!(!other.to_string().contains("armed at"), "{other}");
}

#[test]
fn a_name_whose_guard_is_still_there_says_who_took_the_configuration_away() {
    let _alone = isolate();
    let name = "wait-guard-emptied";
    type Remove = fn(&str) -> u32;
    let removes: [Remove; 4] = [
        |name| {
            remove_failpoint(name);
            line!() - 1
        },
        |name| {
            compat::remove(name);
            line!() - 1
        },
        |_| {
            remove_all_failpoints();
            line!() - 1
        },
        |_| {
            compat::FailScenario::setup().teardown();
            line!() - 1
        },
    ];
    for remove in removes {
        let guard = arm(name, "pause").unwrap();
        let armed = format!("armed at {}:{}", file!(), line!() - 1);
        let mut waiting = [guard.wait_for_hits(1), wait_for_hits(name, 1)].map(ByHand::new);
        waiting.iter_mut().for_each(ByHand::assert_pending);
        let removed = format!("at {}:{}", file!(), remove(name));
        let by = format!("by thread {:?}", thread::current().name().unwrap());
        for mut wait in waiting {
            let error = wait.result().unwrap_err();
            assert!(error.is_removed());
            assert_says(&error, &["removed during the wait", &removed, &by]);
        }
        let error = now(guard.wait_for_hits(1)).unwrap_err();
        assert_says(&error, &["by this guard any more", &removed, &by]);
        let error = now(wait_for_hits(name, 1)).unwrap_err();
        assert_says(&error, &[&armed, "is still there", &removed, &by]);
        // A guard that configures again has its configuration.
        guard.configure("off").unwrap();
        let error = guard.wait_for_hits(1).within(Duration::ZERO).blocking();
        let text = error.unwrap_err().to_string();
        assert!(!text.contains(&removed), "{text}");
    }
}

#[test]
fn a_wait_of_a_guard_that_was_dropped_meanwhile_says_where_it_was_armed() {
    let _alone = isolate();
    let name = "wait-guard-dropped-meanwhile";
    let guard = arm(name, "pause").unwrap();
    let place = format!("armed at {}:{}", file!(), line!() - 1);
    let late = guard.wait_for_hits(1);
    let mut waiting = [guard.wait_for_hits(1), wait_for_hits(name, 1)].map(ByHand::new);
    waiting.iter_mut().for_each(ByHand::assert_pending);
    drop(guard);
    for mut wait in waiting {
        let error = wait.result().unwrap_err();
        assert!(error.is_removed());
        assert_says(&error, &["removed during the wait", &place, "was dropped"]);
    }
    let error = now(late).unwrap_err();
    assert!(error.is_not_configured());
    assert_says(&error, &["by this guard any more", &place, "was dropped"]);
}

#[test]
fn what_is_remembered_of_dropped_guards_is_bounded() {
    let _alone = isolate();
    let name = |i: usize| format!("wait-guard-forgotten-{i}");
    (0..1000).for_each(|i| drop(arm(name(i), "off").unwrap()));
    let says = |i| {
        let error = now(wait_for_hits(name(i), 1)).unwrap_err();
        error.to_string().contains("was dropped")
    };
    assert_eq!([says(0), says(999)], [false, true]);
    // Of each scope by itself.
    Scope::new().run(|| (0..1000).for_each(|i| drop(arm(name(i), "off").unwrap())));
    assert_eq!([says(0), says(999)], [false, true]);
}

#[test]
fn a_wait_without_a_hit_says_since_when_hits_count() {
    let _alone = isolate();
    let name = "wait-never-hit";
    let text = |wait: Wait| {
        let error = wait.within(Duration::ZERO).blocking().unwrap_err();
        error.to_string()
    };
    let told = "and a task that passed before does not count";
    assert_eq!(hit(name), Continue);
    let guard = arm(name, "pause").unwrap();
    let place = |line: u32| format!("no hit came since it was armed at {}:{line}:", file!());
    let armed = place(line!() - 2);
    for wait in [
        guard.wait_for_hits(1),
        guard.wait_until_fired(1),
        guard.wait_until_paused(1),
        wait_for_hits(name, 1),
        wait_until_fired(name, 1),
        wait_until_paused(name, 1),
    ] {
        let text = text(wait);
        assert!(text.contains(&armed) && text.contains(told), "{text}");
    }
    guard.configure("off").unwrap();
    let again = place(line!() - 1);
    let never = text(guard.wait_for_hits(1));
    assert!(never.contains(&again), "{never}");
    assert_eq!(hit(name), Continue);
    let once = text(guard.wait_for_hits(2));
    assert!(!once.contains("no hit came"), "{once}");
    drop(guard);
    configure_failpoint(name, "off").unwrap();
    let configured = format!("since it was configured at {}:{}", file!(), line!() - 1);
    let never = text(wait_for_hits(name, 1));
    assert!(never.contains(&configured), "{never}");
}

#[test]
fn a_wait_for_hits_that_matchers_turned_away_says_so_with_the_last_one() {
    let _alone = isolate();
    let name = "wait-turned-away";
    let guard = arm(name, "when(tenant=t-1)pause").unwrap();
    let _ = hit(name);
    let text = |wait: Wait| {
        let error = wait.within(Duration::ZERO).blocking().unwrap_err();
        error.to_string()
    };
    let one = text(guard.wait_until_paused(1));
    assert!(
        one.contains("within 0ns; 1 hit was turned away by matchers, it had no context; "),
        "{one}"
    );
    let context = failpoint_context! { "tenant" => "t-17", "op" => "x" };
    let _ = failpoint_blocking(name, Some(&context));
    for wait in [
        guard.wait_until_paused(1),
        wait_until_paused(name, 1),
        guard.wait_until_fired(1),
    ] {
        let two = text(wait);
        let told = r#"2 hits were turned away by matchers, the last had op="x", tenant="t-17"; "#;
        assert!(two.contains(told), "{two}");
    }
    // Beneath another guard, where the list of what is configured does not have it.
    let above = arm(name, "off").unwrap();
    let beneath = text(guard.wait_until_fired(1));
    assert!(beneath.contains("2 hits were turned away"), "{beneath}");
    drop(above);
}
