//! Proves that scenarios take turns in one scope, and in none with another.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use crate::common::{child, hit, now, panic_of, poll_once, value, waiting, within_deadline};
use neon_failpoint::FailpointResult::Continue;
use neon_failpoint::compat::{FailScenario, cfg, list};
use neon_failpoint::{
    Scope, arm, configure_failpoint, failpoint, isolate, remove_all_failpoints, remove_failpoint,
};

/// The one outside of all scopes, and what else clears everything there, would clear points of other
/// tests.
#[test]
fn played_by_children() {
    child::play(&[("at once", at_once), ("cleared outside", cleared_outside)]);
}

#[track_caller]
fn run(role: &str) {
    let output = child::run("scenarios::played_by_children", role, &[]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{role}: {said}");
}

#[test]
fn scenarios_in_two_scopes_are_there_at_once_and_one_outside_of_all_too() {
    run("at once");
}

#[test]
fn what_clears_everything_outside_leaves_the_points_and_waiters_of_scopes_alone() {
    run("cleared outside");
}

fn at_once() {
    within_deadline("scenarios at once", || {
        let meet = Barrier::new(3);
        thread::scope(|threads| {
            for text in ["a", "b", ""] {
                let meet = &meet;
                threads.spawn(move || {
                    let alone = (!text.is_empty()).then(isolate);
                    let scenario = FailScenario::setup();
                    // All three have one here, or this hangs.
                    meet.wait();
                    let name = "scopes-scenarios";
                    if alone.is_some() {
                        cfg(name, &format!("return({text})")).unwrap();
                    }
                    meet.wait();
                    let seen = if alone.is_some() {
                        value(text)
                    } else {
                        Continue
                    };
                    assert_eq!(hit(name), seen);
                    if text == "a" {
                        scenario.teardown();
                        meet.wait();
                        assert_eq!(hit(name), Continue);
                    } else {
                        meet.wait();
                        assert_eq!(hit(name), seen, "the end of one is that of one only");
                    }
                });
            }
        });
    });
}

fn cleared_outside() {
    let names = ["scopes-cleared-a", "scopes-cleared-b", "scopes-cleared-c"];
    let clear: [fn(); 4] = [
        || remove_all_failpoints(),
        || FailScenario::setup().teardown(),
        || drop(neon_failpoint::failpoint_support::init()),
        || names_removed(),
    ];
    fn names_removed() {
        for name in ["a", "b", "c"] {
            remove_failpoint(format!("scopes-cleared-{name}"));
        }
    }
    for clear in clear {
        // The first is outside only, the second in both, the third in the scope only.
        for name in &names[..2] {
            configure_failpoint(*name, "pause").unwrap();
        }
        let scope = Scope::new();
        let guards = [1, 2].map(|i| scope.run(|| arm(names[i], "pause")).unwrap());
        let outside = [0, 1].map(|i| waiting(failpoint(names[i], None)));
        let shown_through = scope.run(|| waiting(failpoint(names[0], None)));
        let mut inside = [1, 2].map(|i| scope.run(|| waiting(failpoint(names[i], None))));
        clear();
        for hit in outside.into_iter().chain([shown_through]) {
            assert_eq!(now(hit), Continue);
        }
        for (hit, guard) in inside.iter_mut().zip(&guards) {
            assert!(poll_once(hit.as_mut()).is_pending());
            assert_eq!((guard.hits(), guard.waiters().len()), (1, 1));
        }
        assert!(names.iter().all(|name| hit(name) == Continue));
        drop(guards);
        for hit in inside {
            assert_eq!(now(hit), Continue);
        }
    }
}

#[test]
fn scenarios_in_one_scope_wait_for_each_other() {
    within_deadline("scenarios in turn", || {
        let scope = Scope::new();
        let inside = AtomicUsize::new(0);
        thread::scope(|threads| {
            for _ in 0..8 {
                threads.spawn(|| {
                    for _ in 0..50 {
                        scope.run(|| {
                            let scenario = FailScenario::setup();
                            assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                            assert!(list().is_empty());
                            cfg("scopes-scenarios-turn", "return(x)").unwrap();
                            assert_eq!(hit("scopes-scenarios-turn"), value("x"));
                            inside.fetch_sub(1, Ordering::SeqCst);
                            drop(scenario);
                        });
                    }
                });
            }
        });
    });
}

#[test]
fn a_second_scenario_of_one_thread_in_one_scope_panics_and_the_first_goes_on() {
    let _alone = isolate();
    let scenario = FailScenario::setup();
    cfg("scopes-scenarios-second", "return(x)").unwrap();
    let text = panic_of(FailScenario::setup);
    assert!(text.contains("has a scenario already"), "{text}");
    assert_eq!(hit("scopes-scenarios-second"), value("x"));
    // In a scope of its own it may have another.
    Scope::new().run(|| {
        let second = FailScenario::setup();
        assert_eq!(hit("scopes-scenarios-second"), value("x"));
        drop(second);
    });
    assert_eq!(hit("scopes-scenarios-second"), value("x"));
    drop(scenario);
    drop(FailScenario::setup());
}

#[test]
fn a_scenario_that_waits_gets_its_turn_when_the_scope_of_the_first_ends() {
    within_deadline("a scenario waits while the scope ends", || {
        let alone = isolate();
        let first = FailScenario::setup();
        let is_waiting = AtomicBool::new(false);
        thread::scope(|threads| {
            let second = alone.scope().wrap(|| {
                is_waiting.store(true, Ordering::SeqCst);
                let second = FailScenario::setup();
                assert!(cfg("scopes-scenarios-late", "off").is_err());
                drop(second);
            });
            threads.spawn(second);
            crate::common::until("the second begins", || is_waiting.load(Ordering::SeqCst));
            drop(alone);
            drop(first);
        });
    });
}
