//! Proves that scenarios take turns in one scope, and in none with another.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use crate::common::{hit, panic_of, value, within_deadline};
use neon_failpoint::FailpointResult::Continue;
use neon_failpoint::compat::{FailScenario, cfg, list};
use neon_failpoint::{Scope, isolate};

#[test]
fn scenarios_in_two_scopes_are_there_at_once_and_one_outside_of_all_too() {
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
