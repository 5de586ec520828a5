//! Proves how guards of one name nest, in whatever order they go, and what plain calls and the removal
//! of everything do to them.

use crate::common::crew::Crew;
use crate::common::{assert_stats, hit, info, value};
use neon_failpoint::FailpointResult::Continue;
use neon_failpoint::{
    Armed, arm, compat, configure_failpoint, configure_failpoints, isolate, remove_all_failpoints,
    remove_failpoint,
};

fn permutations(n: usize) -> Vec<Vec<usize>> {
    if n == 0 {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for shorter in permutations(n - 1) {
        for at in 0..=shorter.len() {
            let mut one = shorter.clone();
            one.insert(at, n - 1);
            all.push(one);
        }
    }
    all
}

#[test]
fn guards_dropped_in_every_order_leave_the_youngest_that_is_alive() {
    let _alone = isolate();
    for (depth, base) in (2..=4).flat_map(|n| [(n, None), (n, Some("9*return(base)"))]) {
        for order in permutations(depth) {
            let name = format!("arm-order-{order:?}-{}", base.is_some());
            if let Some(base) = base {
                configure_failpoint(&name, base).unwrap();
            }
            let mut hits = vec![0; depth + 1];
            let mut guards: Vec<Option<Armed>> = (0..depth)
                .map(|i| Some(arm(&name, format!("9*return({i})")).unwrap()))
                .collect();
            for leaves in order.iter().map(Some).chain([None]) {
                let top = guards.iter().rposition(Option::is_some);
                let expected = match (top, base) {
                    (Some(top), _) => value(top.to_string()),
                    (None, Some(_)) => value("base"),
                    (None, None) => Continue,
                };
                assert_eq!(hit(&name), expected, "{name}");
                hits[top.unwrap_or(depth)] += 1;
                for (guard, hits) in guards.iter().zip(&hits) {
                    let Some(guard) = guard else { continue };
                    assert_eq!((guard.hits(), guard.fired()), (*hits, *hits), "{name}");
                }
                if let Some(&leaves) = leaves {
                    guards[leaves] = None;
                }
            }
            assert_eq!(info(&name).is_some(), base.is_some());
            if base.is_some() {
                assert_stats(&name, (hits[depth], hits[depth], 0));
            }
            remove_failpoint(&name);
        }
    }
}

#[test]
fn configuring_a_guard_that_is_not_on_top_is_for_when_it_is() {
    let _alone = isolate();
    let name = "arm-beneath";
    let older = arm(name, "return(old)").unwrap();
    let younger = arm(name, "return(young)").unwrap();
    older.configure("2*return(new)").unwrap();
    assert_eq!(hit(name), value("young"));
    assert_eq!((older.hits(), younger.hits()), (0, 1));
    assert!(older.configure("retrun").is_err());
    drop(younger);
    assert_eq!(
        [hit(name), hit(name), hit(name)][1..],
        [value("new"), Continue]
    );
    assert_eq!((older.hits(), older.fired()), (3, 2));
}

#[test]
fn plain_calls_change_what_the_youngest_guard_put_there_and_that_ends_with_it() {
    let _alone = isolate();
    let name = "arm-plain";
    configure_failpoint(name, "3*return(base)").unwrap();
    assert_eq!(hit(name), value("base"));
    type Plain = fn(&str);
    let plain: [(&str, Plain); 6] = [
        ("configure", |n| {
            configure_failpoint(n, "return(x)").unwrap()
        }),
        ("batch", |n| {
            configure_failpoints([(n, "return(x)")]).unwrap()
        }),
        ("compat", |n| compat::cfg(n, "return(x)").unwrap()),
        ("remove", |n| remove_failpoint(n)),
        ("compat remove", |n| compat::remove(n)),
        ("compat guard", |n| {
            drop(compat::FailGuard::new(n, "off").unwrap());
        }),
    ];
    for (what, plain) in plain {
        let older = arm(name, "return(older)").unwrap();
        let younger = arm(name, "return(younger)").unwrap();
        plain(name);
        let is_removed = what.contains("remove") || what == "compat guard";
        let expected = if is_removed { Continue } else { value("x") };
        assert_eq!(hit(name), expected, "{what}");
        assert_eq!(younger.hits(), usize::from(!is_removed), "{what}");
        // Again: what is gone cannot go further down.
        if is_removed {
            plain(name);
            assert_eq!(hit(name), Continue, "{what}");
        }
        drop(younger);
        assert_eq!((hit(name), older.hits()), (value("older"), 1), "{what}");
        drop(older);
        assert_stats(name, (1, 1, 0));
    }
    assert_eq!(
        [hit(name), hit(name), hit(name)][1..],
        [value("base"), Continue]
    );
    remove_failpoint(name);
}

#[test]
fn a_guard_over_one_whose_configuration_was_removed_leaves_nothing_when_it_goes() {
    let _alone = isolate();
    let name = "arm-over-removed";
    configure_failpoint(name, "return(base)").unwrap();
    let older = arm(name, "return(older)").unwrap();
    remove_failpoint(name);
    let younger = arm(name, "return(younger)").unwrap();
    assert_eq!((older.hits(), older.release_all()), (0, 0));
    assert!(older.wait_for_hits(0).blocking().is_err());
    assert_eq!(hit(name), value("younger"));
    drop(younger);
    assert_eq!((hit(name), info(name).is_none()), (Continue, true));
    // The guard is alive and may be configured.
    older.configure("return(again)").unwrap();
    assert_eq!((hit(name), older.hits()), (value("again"), 1));
    drop(older);
    assert_eq!(hit(name), value("base"));
    remove_failpoint(name);
}

#[test]
fn removing_everything_ends_all_guards_and_nothing_comes_back() {
    let _alone = isolate();
    let ends: [(&str, fn()); 2] = [
        ("remove_all_failpoints", remove_all_failpoints),
        ("a scenario", || compat::FailScenario::setup().teardown()),
    ];
    for (what, end) in ends {
        Crew::each("guards that ended", move |crew| async move {
            let name = "arm-ended";
            configure_failpoint(name, "return(base)").unwrap();
            let older = arm(name, "return(older)").unwrap();
            let younger = arm(name, "pause").unwrap();
            let waiting = crew.hit(name);
            crew.wait(younger.wait_until_paused(1)).await.unwrap();
            end();
            assert_eq!(waiting.result().await, Continue, "{what}");
            assert_eq!((hit(name), younger.hits(), older.hits()), (Continue, 0, 0));
            let error = crew.wait(older.wait_for_hits(0)).await.unwrap_err();
            assert!(error.to_string().contains("not configured"), "{error}");
            assert_eq!(younger.release_all(), 0);
            // What comes afterwards is none of theirs.
            configure_failpoint(name, "return(later)").unwrap();
            drop(older);
            assert_eq!(hit(name), value("later"));
            // One that is configured once more has something to take away again.
            younger.configure("return(again)").unwrap();
            assert_eq!((hit(name), younger.hits()), (value("again"), 1));
            drop(younger);
            assert_eq!(hit(name), value("later"));
            remove_failpoint(name);
        });
    }
}

#[test]
fn a_scenario_that_begins_under_a_guard_has_a_clean_table() {
    let _alone = isolate();
    let guard = arm("arm-scenario", "return(guard)").unwrap();
    let scenario = compat::FailScenario::setup();
    assert!(compat::list().is_empty());
    compat::cfg("arm-scenario", "return(scenario)").unwrap();
    drop(guard);
    assert_eq!(hit("arm-scenario"), value("scenario"));
    // A guard within it ends with it.
    let guard = arm("arm-scenario", "return(guard)").unwrap();
    scenario.teardown();
    drop(guard);
    assert!(compat::list().is_empty());
}
