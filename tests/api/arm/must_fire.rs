//! Proves when a guard that must fire panics, and what it says.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Barrier};

use crate::common::{assert_stats, hit, info, panic_of, spawn, value, within_deadline};
use neon_failpoint::FailpointResult::Continue;
use neon_failpoint::{
    Armed, arm, configure_failpoint, configure_failpoints, fail_point_sync, isolate,
    remove_all_failpoints, remove_failpoint,
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
        let rounds = 5_000;
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
