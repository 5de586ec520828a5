//! Proves when a guard that must fire panics, and what it says.

use std::error::Error as StdError;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use crate::common::{assert_stats, hit, info, panic_of, rounds, spawn, value, within_deadline};
use neon_failpoint::FailpointResult::Continue;
use neon_failpoint::{
    Armed, Error, arm, compat, configure_failpoint, configure_failpoints, fail_point_sync,
    failpoint_blocking, failpoint_context, isolate, remove_all_failpoints, remove_failpoint,
};

#[test]
fn a_guard_that_did_not_fire_names_the_point_its_sites_and_what_was_meant() {
    let _alone = isolate();
    fn never_called() {
        fail_point_sync!("arm-must-fire-site");
        fail_point_sync!("arm-must-fire-site");
    }
    let _: fn() = never_called;
    let lines = (line!() - 4, line!() - 3);
    let (text, armed) = (
        panic_of(|| arm("arm-must-fire-site", "off").unwrap().must_fire()),
        line!() - 1,
    );
    assert!(text.contains("\"arm-must-fire-site\", armed at"), "{text}");
    for line in [lines.0, lines.1, armed] {
        let place = format!("{}:{line}", file!());
        assert!(text.contains(&place), "{place}: {text}");
    }
    let text = panic_of(|| arm("arm-must-fire-sit", "off").unwrap().must_fire());
    assert!(text.contains("failpoint \"arm-must-fire-sit\""), "{text}");
    assert!(text.contains("[\"arm-must-fire-site\""), "{text}");
    let text = panic_of(|| arm("?", "off").unwrap().must_fire());
    assert!(text.contains("no call site has that name"), "{text}");
    assert!(!text.contains("arm-"), "{text}");
    // It is taken away all the same.
    assert!(info("arm-must-fire-site").is_none() && info("arm-must-fire-sit").is_none());
}

#[test]
fn a_hit_that_nothing_took_is_not_enough_and_off_is() {
    let _alone = isolate();
    let name = "arm-must-fire-what";
    let run = |actions: &str| {
        let guard = arm(name, actions).unwrap().must_fire();
        assert_eq!(hit(name), Continue);
        guard
    };
    for never in ["0*off", "0%off", "when(k=v)off"] {
        panic_of(|| run(never));
    }
    for fires in ["off", "0*off->off", "print", "1*yield"] {
        drop(run(fires));
    }
    drop(run("off").must_fire());
    let text = panic_of(|| {
        let guard = run("when(k=v)off");
        assert_eq!(hit(name), Continue);
        guard
    });
    let why = r#"it was hit 2 times, and no alternative of "when(k=\"v\")off" took a hit"#;
    assert!(text.contains(why), "{text}");
}

#[test]
fn hits_that_matchers_turned_away_are_told_with_the_last_one() {
    let _alone = isolate();
    let name = "arm-must-fire-turned-away";
    let run = |context: Option<&neon_failpoint::FailpointContext>| {
        let guard = arm(name, "when(tenant=t-1)off").unwrap().must_fire();
        assert_eq!(failpoint_blocking(name, context), Continue);
        guard
    };
    let text = panic_of(|| run(None));
    let told = "; 1 hit was turned away by matchers, it had no context; ";
    assert!(text.contains(told), "{text}");
    let text = panic_of(|| run(Some(&failpoint_context! { "tennant" => "t-1" })));
    let told = r#"; 1 hit was turned away by matchers, it had tennant="t-1"; "#;
    assert!(text.contains(told), "{text}");
    let text = panic_of(|| arm(name, "when(k=v)off").unwrap().must_fire());
    assert!(text.contains("; it was not reached since; "), "{text}");
    assert!(!text.contains("turned away"), "{text}");
}

#[test]
fn a_guard_whose_configuration_was_taken_away_says_who_did_it() {
    type Take = fn(&str) -> u32;
    let takes: [(&str, Take); 8] = [
        ("removed by `remove_all_failpoints`", |_| {
            remove_all_failpoints();
            line!() - 1
        }),
        ("cleared by a scenario set up", |_| {
            compat::FailScenario::setup().teardown();
            line!() - 1
        }),
        ("cleared by a scenario set up", |_| {
            let scenario = neon_failpoint::failpoint_support::init();
            let line = line!() - 1;
            drop(scenario);
            line
        }),
        ("removed", |name| {
            remove_failpoint(name);
            line!() - 1
        }),
        ("removed", |name| {
            compat::remove(name);
            line!() - 1
        }),
        ("configured", |name| {
            configure_failpoint(name, "0*off").unwrap();
            line!() - 1
        }),
        ("configured", |name| {
            compat::cfg(name, "0*off").unwrap();
            line!() - 1
        }),
        ("removed by `remove_all_failpoints`", |name| {
            let above = arm(name, "off").unwrap();
            remove_all_failpoints();
            let line = line!() - 1;
            drop(above);
            line
        }),
    ];
    for (did, take) in takes {
        let _alone = isolate();
        let name = "arm-must-fire-taken";
        let guard = arm(name, "off").unwrap().must_fire();
        let line = take(name);
        let text = panic_of(|| drop(guard));
        let thread = thread::current();
        let who = format!("it was {did} at {}:{line}:", file!(),);
        assert!(text.contains(&who), "{who}: {text}");
        let by = format!("by thread {:?}", thread.name().unwrap());
        assert!(text.contains(&by), "{by}: {text}");
    }
    // Another thread, in a scope, where that is nobody's fault.
    let alone = isolate();
    let guard = arm("arm-must-fire-taken", "off").unwrap().must_fire();
    let named = thread::Builder::new().name("the other".to_owned());
    let other = named.spawn(alone.scope().wrap(remove_all_failpoints));
    other.unwrap().join().unwrap();
    let text = panic_of(|| drop(guard));
    assert!(
        text.contains("it was removed by `remove_all_failpoints`"),
        "{text}"
    );
    assert!(text.contains("by thread \"the other\""), "{text}");
    // Nothing is said of hits that went with the configuration.
    assert!(!text.contains("not reached"), "{text}");
    // The end of the scope.
    let alone = isolate();
    let line = line!() - 1;
    let guard = arm("arm-must-fire-taken", "off").unwrap().must_fire();
    drop(alone);
    let text = panic_of(|| drop(guard));
    let who = format!(
        "it was ended with its scope, which `isolate` began at {}:{line}:",
        file!()
    );
    assert!(text.contains(&who), "{text}");
}

#[test]
fn who_changed_what_is_over_is_not_told() {
    let _alone = isolate();
    let name = "arm-must-fire-own";
    let guard = arm(name, "off").unwrap().must_fire();
    remove_all_failpoints();
    guard.configure("0*off").unwrap();
    remove_failpoint(name);
    guard.configure("0*off").unwrap();
    let younger = arm(name, "off").unwrap();
    guard.configure("0*off").unwrap();
    let line = line!() - 1;
    drop(younger);
    let text = panic_of(|| drop(guard));
    let told = format!(
        "; it was not reached since it was armed at {}:{line}:",
        file!()
    );
    assert!(text.contains(&told), "{text}");
    assert!(
        !text.contains("removed") && !text.contains("configured at"),
        "{text}"
    );
}

/// What a test of its own might do before the point is reached.
fn fails<E>(early: impl FnOnce(&Armed) -> Result<(), E>) -> Result<(), E> {
    let guard = arm("arm-must-fire-early", "off").unwrap().must_fire();
    early(&guard)?;
    assert_eq!(hit("arm-must-fire-early"), Continue);
    Ok(())
}

#[test]
fn an_early_error_of_this_crate_is_told_with_the_point_that_was_not_reached() {
    let _alone = isolate();
    let not_reached = "was to fire and did not; it was not reached since";
    let late = |guard: &Armed| guard.wait_until_paused(1).within(Duration::ZERO).blocking();
    let deadline = "the test may be returning this error: failpoint \"arm-must-fire-early\": 0 of 1 \
                    waited at it within 0ns";
    for text in [
        panic_of(|| fails(late)),
        panic_of(|| fails(|guard| Ok::<(), Box<dyn StdError>>(late(guard)?))),
        panic_of(|| fails(|guard| late(guard).map_err(std::io::Error::other))),
    ] {
        assert!(
            text.contains(not_reached) && text.contains(deadline),
            "{text}"
        );
    }
    // Also one that is not about this point.
    let text = panic_of(|| fails(|_| configure_failpoint("other", "pase")));
    let refused = "this error: failpoint \"other\": unknown action \"pase\"";
    assert!(
        text.contains(not_reached) && text.contains(refused),
        "{text}"
    );
    let text = panic_of(|| fails(|_| configure_failpoints([("batched", "pase")])));
    assert!(
        text.contains("this error: entry 1 of the batch: "),
        "{text}"
    );
}

#[test]
fn an_error_that_was_dealt_with_is_not_told() {
    let _alone = isolate();
    let text = panic_of(|| {
        fails(|_| {
            assert!(configure_failpoint("other", "pase").is_err());
            Err(std::io::Error::other("the disk is full"))
        })
    });
    assert!(!text.contains("pase"), "{text}");
    // What is lost cannot be told, but that something may be lost is.
    let lost = "if the test returned an error, this panic has taken its place: see \
                `Armed::must_fire`";
    assert!(text.ends_with(lost), "{text}");
    fails(|_| Ok::<(), Error>(())).unwrap();
}

/// A function that panics as it returns may never drop what it returns.
#[test]
fn an_error_of_an_earlier_test_of_the_same_thread_is_not_told() {
    let _alone = isolate();
    let early = |guard: &Armed| guard.wait_for_hits(1).within(Duration::ZERO).blocking();
    assert!(panic_of(|| fails(early)).contains("the test may be returning this error"));
    let text = panic_of(|| drop(arm("arm-must-fire-later", "off").unwrap().must_fire()));
    assert!(!text.contains("arm-must-fire-early"), "{text}");
}

#[test]
fn what_is_said_of_a_change_is_said_once() {
    let _alone = isolate();
    let guard = arm("arm-must-fire-changed", "off").unwrap().must_fire();
    configure_failpoint("arm-must-fire-changed", "1%off").unwrap();
    let line = line!() - 1;
    let text = panic_of(|| drop(guard));
    let change = format!("it was configured at {}:{line}:", file!());
    assert_eq!(text.matches(&change).count(), 1, "{text}");
    assert!(
        text.contains("not reached with the actions that it has now"),
        "{text}"
    );
}

#[test]
fn one_hit_is_once() {
    let _alone = isolate();
    let guard = arm("arm-must-fire-once", "0*off").unwrap().must_fire();
    let _ = hit("arm-must-fire-once");
    let text = panic_of(|| drop(guard));
    assert!(
        text.contains("; it was hit once, and no alternative"),
        "{text}"
    );
}

/// What the documentation of `must_fire` advises.
#[test]
fn a_wait_until_it_fired_keeps_an_early_error() {
    let _alone = isolate();
    let test = |disk: Result<(), std::io::Error>, hits: usize| {
        let guard = arm("arm-must-fire-instead", "off")?;
        disk?;
        (0..hits).for_each(|_| drop(hit("arm-must-fire-instead")));
        let fired = guard.wait_until_fired(1).within(Duration::ZERO);
        Ok::<(), Box<dyn StdError>>(fired.blocking()?)
    };
    let full = std::io::Error::other("the disk is full");
    assert_eq!(
        test(Err(full), 0).unwrap_err().to_string(),
        "the disk is full"
    );
    let text = test(Ok(()), 0).unwrap_err().to_string();
    assert!(text.contains("0 of 1 hits fired"), "{text}");
    test(Ok(()), 1).unwrap();
}

#[test]
fn a_guard_that_could_not_fire_says_what_is_on_top_of_it() {
    let _alone = isolate();
    let name = "arm-must-fire-covered";
    let older = arm(name, "off").unwrap().must_fire();
    let newer = arm(name, "off").unwrap();
    assert_eq!(hit(name), Continue);
    let text = panic_of(|| drop(older));
    assert!(
        text.contains("a newer guard of the same name is on top"),
        "{text}"
    );
    drop(newer);
}

#[test]
fn a_guard_that_fired_before_its_configuration_changed_did_fire() {
    type Change = fn(&Armed);
    let changes: [(&str, Change); 9] = [
        ("configure", |g| g.configure("return").unwrap()),
        ("plain", |g| configure_failpoint(g.name(), "off").unwrap()),
        ("batch", |g| {
            configure_failpoints([(g.name(), "off")]).unwrap()
        }),
        ("remove", |g| remove_failpoint(g.name())),
        ("remove and configure", |g| {
            remove_failpoint(g.name());
            configure_failpoint(g.name(), "off").unwrap();
            remove_failpoint(g.name());
            g.configure("off").unwrap();
        }),
        ("beneath another", |g| {
            let _younger = arm(g.name(), "off").unwrap();
            g.configure("off").unwrap();
            remove_failpoint(g.name());
        }),
        ("beneath another, removed", |g| {
            remove_failpoint(g.name());
            let _younger = arm(g.name(), "off").unwrap();
            g.configure("off").unwrap();
        }),
        ("remove all", |_| remove_all_failpoints()),
        ("remove all beneath another", |g| {
            let _younger = arm(g.name(), "off").unwrap();
            remove_all_failpoints();
        }),
    ];
    let _alone = isolate();
    for base in [None, Some("off")] {
        for (what, change) in changes {
            let name = "arm-must-fire-changed";
            let guarded = |hits: usize| {
                if let Some(base) = base {
                    configure_failpoint(name, base).unwrap();
                }
                let guard = arm(name, "off").unwrap().must_fire();
                (0..hits).for_each(|_| drop(hit(name)));
                change(&guard);
                drop(guard);
            };
            // Never hit: none of the changes is taken for a hit.
            let text = panic_of(|| guarded(0));
            assert!(text.contains("was to fire"), "{what}: {text}");
            let once = catch_unwind(|| guarded(1));
            assert!(once.is_ok(), "{what}, over {base:?}");
            remove_failpoint(name);
        }
    }
}

#[test]
fn a_guard_that_fired_before_everything_was_removed_and_was_configured_again_did_fire() {
    let _alone = isolate();
    let name = "arm-must-fire-again";
    let guard = arm(name, "off").unwrap().must_fire();
    assert_eq!(hit(name), Continue);
    remove_all_failpoints();
    guard.configure("off").unwrap();
    drop(guard);
}

#[test]
fn what_fires_after_a_change_counts_too() {
    let _alone = isolate();
    let name = "arm-must-fire-later";
    let guard = arm(name, "0*off").unwrap().must_fire();
    guard.configure("return").unwrap();
    assert_eq!(hit(name), value(""));
    drop(guard);
    let guard = arm(name, "0*off").unwrap().must_fire();
    remove_failpoint(name);
    configure_failpoint(name, "return").unwrap();
    assert_eq!(hit(name), value(""));
    drop(guard);
}

/// `must_fire` is about what `fired` is about: the guard's own configurations.
#[test]
fn what_a_younger_guard_fired_does_not_count_for_an_older_one() {
    let _alone = isolate();
    let name = "arm-must-fire-younger";
    for is_removed in [false, true] {
        let older = arm(name, "off").unwrap().must_fire();
        if is_removed {
            remove_failpoint(name);
        }
        let younger = arm(name, "off").unwrap().must_fire();
        assert_eq!(hit(name), Continue);
        assert_eq!((older.fired(), younger.fired()), (0, 1));
        drop(younger);
        let text = panic_of(|| drop(older));
        assert!(text.contains("was to fire"), "{text}");
    }
}

#[test]
fn what_a_guard_in_the_middle_fired_does_not_count_for_the_one_beneath() {
    let _alone = isolate();
    let name = "arm-must-fire-middle";
    let older = arm(name, "off").unwrap().must_fire();
    let middle = arm(name, "off").unwrap().must_fire();
    assert_eq!(hit(name), Continue);
    let younger = arm(name, "off").unwrap();
    drop(middle);
    drop(younger);
    panic_of(|| drop(older));
}

#[test]
fn what_the_base_fires_does_not_count_for_a_guard() {
    let _alone = isolate();
    let name = "arm-must-fire-base";
    configure_failpoint(name, "off").unwrap();
    assert_eq!(hit(name), Continue);
    let guard = arm(name, "off").unwrap().must_fire();
    panic_of(|| drop(guard));
    assert_eq!(hit(name), Continue);
    assert_stats(name, (2, 2, 0));
    remove_failpoint(name);
}

#[test]
fn a_hit_that_was_under_way_while_a_guard_was_configured_anew_counts_as_fired() {
    // A hit that was over before the guard was dropped did fire, whenever it looked.
    let _alone = isolate();
    let name = "arm-must-fire-under-way";
    within_deadline("hits against configuring", move || {
        let start = Arc::new(Barrier::new(2));
        let rounds = rounds();
        let hitter = {
            let start = start.clone();
            spawn(move || {
                for _ in 0..rounds {
                    start.wait();
                    let _ = hit(name);
                    start.wait();
                }
            })
        };
        let mut lost = 0;
        for _ in 0..rounds {
            let guard = arm(name, "off").unwrap().must_fire();
            start.wait();
            (0..8).for_each(|_| guard.configure("off").unwrap());
            start.wait();
            let drops = catch_unwind(AssertUnwindSafe(|| drop(guard)));
            lost += usize::from(drops.is_err());
        }
        hitter.join().unwrap();
        assert_eq!(lost, 0, "of {rounds} guards");
    });
}
