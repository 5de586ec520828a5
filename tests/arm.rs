//! Proves what a guard gives back when it is dropped, whom that wakes, how guards of one
//! name nest, and when `must_fire` panics. Shares the global table: every test has names of
//! its own, and those that remove everything run alone.

mod common;
#[path = "common/control.rs"]
mod control;

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::task::Context;
use std::thread;

use common::{Counter, assert_stats, info, now, poll_once, waiters, within_deadline};
use control::{Calling, Crew, alone, panic_of, shared};
use neon_failpoint::FailpointResult::{self, Continue, Return};
use neon_failpoint::{
    Armed, arm, arm_callback, arm_with_context, compat, configure_failpoint,
    configure_failpoint_callback, configure_failpoint_with_context, configure_failpoints,
    fail_point, fail_point_sync, failpoint, failpoint_blocking, failpoint_context, list_failpoints,
    remove_all_failpoints, remove_failpoint, wait_until_paused,
};
use proptest::prelude::*;

fn hit(name: &str) -> FailpointResult {
    failpoint_blocking(name, None)
}

fn value(value: &str) -> FailpointResult {
    Return(value.to_owned())
}

fn actions(name: &str) -> Option<String> {
    Some(info(name)?.actions()?.to_owned())
}

/// Text, matchers, hits and fired.
type Shown = (String, Vec<(String, String)>, usize, usize);

fn shown(name: &str) -> Option<Shown> {
    let point = info(name)?;
    let text = point.actions()?.to_owned();
    Some((text, point.matchers().to_vec(), point.hits(), point.fired()))
}

// What comes back.

#[test]
fn dropping_a_guard_gives_back_text_matchers_counts_and_what_is_left_of_them() {
    let _table = shared();
    for base in [
        "off",
        "2*return(a)",
        "5*return(a)->1*off->return(b)",
        "when(k=a)2*return(a)->3*return(c)",
        "0*return->off",
    ] {
        // Twice the same hits, one run with a guard in between: nothing tells them apart.
        let run = |name: &str, with_guard: bool| -> Vec<(FailpointResult, Option<Shown>)> {
            configure_failpoint_with_context(name, base, [("t", "[0-9]+")]).unwrap();
            let contexts = [
                failpoint_context! { "t" => 1, "k" => "a" },
                failpoint_context! { "t" => 2, "k" => "b" },
                failpoint_context! { "t" => "x", "k" => "a" },
            ];
            let mut seen = Vec::new();
            for (round, context) in contexts.iter().cycle().take(24).enumerate() {
                let guard = (with_guard && round % 2 == 0).then(|| {
                    let guard = arm(name, "return(guard)").unwrap();
                    assert_eq!(failpoint_blocking(name, Some(context)), value("guard"));
                    assert_eq!((guard.hits(), guard.fired()), (1, 1));
                    assert_eq!(actions(name).as_deref(), Some("return(guard)"));
                    guard
                });
                drop(guard);
                let result = failpoint_blocking(name, Some(context));
                seen.push((result, shown(name)));
            }
            remove_failpoint(name);
            seen
        };
        assert_eq!(
            run(&format!("arm-back-{base}"), true),
            run(&format!("arm-alike-{base}"), false),
            "{base}"
        );
    }
}

#[test]
fn the_very_same_callback_works_again_and_is_dropped_once_it_is_over() {
    struct OnDrop(Arc<AtomicBool>);
    impl Drop for OnDrop {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    let _table = shared();
    let name = "arm-callback";
    let (calls, others) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let is_dropped = Arc::new(AtomicBool::new(false));
    let (counts, on_drop) = (calls.clone(), OnDrop(is_dropped.clone()));
    // What it captured stays the same: it counts on.
    configure_failpoint_callback(name, move || {
        let _captured = &on_drop;
        counts.fetch_add(1, Ordering::SeqCst);
    })
    .unwrap();
    assert_eq!(hit(name), Continue);
    {
        let counts = others.clone();
        let guard = arm_callback(name, move || {
            counts.fetch_add(1, Ordering::SeqCst);
        });
        let guard = guard.unwrap();
        assert_eq!(hit(name), Continue);
        let younger = arm(name, "return").unwrap();
        assert_eq!(hit(name), value(""));
        drop(younger);
        assert_eq!((hit(name), guard.hits(), guard.fired()), (Continue, 2, 2));
        assert_eq!(Arc::strong_count(&others), 2);
    }
    assert_eq!(Arc::strong_count(&others), 1, "the guard's is dropped");
    assert_eq!(hit(name), Continue);
    assert_eq!([calls, others].map(|n| n.load(Ordering::SeqCst)), [2, 2]);
    assert_eq!(actions(name).as_deref(), Some("callback"));
    assert_stats(name, (2, 2, 0));
    assert!(!is_dropped.load(Ordering::SeqCst));
    remove_failpoint(name);
    assert!(is_dropped.load(Ordering::SeqCst));
}

#[test]
fn a_callback_beneath_a_guard_is_dropped_when_everything_is_removed() {
    let _table = alone();
    let held = Arc::new(());
    let holds = held.clone();
    configure_failpoint_callback("arm-callback-ends", move || drop(holds.clone())).unwrap();
    let guard = arm("arm-callback-ends", "off").unwrap();
    assert_eq!(Arc::strong_count(&held), 2);
    remove_all_failpoints();
    assert_eq!(Arc::strong_count(&held), 1);
    drop(guard);
    assert_eq!(hit("arm-callback-ends"), Continue);
    assert_eq!(info("arm-callback-ends").map(|p| p.hits()), None);
}

#[test]
fn where_nothing_was_nothing_is_left() {
    let _table = shared();
    let site = || {
        fail_point_sync!("arm-nothing", Return);
        Continue
    };
    for _ in 0..3 {
        assert_eq!((site(), hit("arm-nothing")), (Continue, Continue));
        let guard = arm("arm-nothing", "return(1)").unwrap();
        assert_eq!((site(), hit("arm-nothing")), (value("1"), value("1")));
        assert_eq!((guard.name(), guard.hits()), ("arm-nothing", 2));
        drop(guard);
        assert!(info("arm-nothing").is_none());
        let listed = list_failpoints();
        let listed = listed.iter().find(|p| p.name() == "arm-nothing").unwrap();
        assert_eq!((listed.actions(), listed.hits()), (None, 0));
        assert_eq!(listed.totals().hits, 0);
    }
}

#[test]
fn matchers_and_callbacks_of_a_guard_are_as_in_any_configuration() {
    let _table = shared();
    let name = "arm-kinds";
    let context = failpoint_context! { "tenant" => "t-1" };
    let guard = arm_with_context(name, "1*return(a)->off", [("tenant", "t-.")]).unwrap();
    assert_eq!(hit(name), Continue);
    assert_eq!(failpoint_blocking(name, Some(&context)), value("a"));
    assert_eq!((guard.hits(), guard.fired()), (2, 1));
    guard
        .configure_with_context("return(b)", [("tenant", "t-.")])
        .unwrap();
    assert_eq!((guard.hits(), guard.fired()), (0, 0));
    assert_eq!(failpoint_blocking(name, Some(&context)), value("b"));
    let calls = Arc::new(AtomicUsize::new(0));
    let counts = calls.clone();
    let callback = move || {
        counts.fetch_add(1, Ordering::SeqCst);
    };
    guard.configure_callback(callback).unwrap();
    assert_eq!(hit(name), Continue);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    guard.configure("return(c)").unwrap();
    assert_eq!((hit(name), guard.hits()), (value("c"), 1));
}

// Who is woken.

#[test]
fn dropping_a_guard_wakes_its_own_waiters_and_nobody_else() {
    let _table = shared();
    Crew::each("its own waiters", |crew| async move {
        let (name, other) = (crew.name("arm-wakes"), crew.name("arm-wakes-not"));
        configure_failpoint(&name, "off").unwrap();
        configure_failpoint(&other, "pause").unwrap();
        let guard = arm(&name, "pause").unwrap();
        let own: Vec<_> = (0..3).map(|_| crew.hit(&name)).collect();
        let not = crew.hit(&other);
        crew.wait(guard.wait_until_paused(3)).await.unwrap();
        crew.wait(wait_until_paused(&other, 1)).await.unwrap();
        assert_eq!(guard.waiters().len(), 3);
        drop(guard);
        for hit in own {
            assert_eq!(hit.result().await, Continue);
        }
        assert!(!not.is_finished());
        assert_eq!((waiters(&other), waiters(&name)), (1, 0));
        assert_eq!(actions(&name).as_deref(), Some("off"));
        remove_failpoint(&other);
        assert_eq!(not.result().await, Continue);
        remove_failpoint(&name);
    });
}

#[test]
fn a_guard_that_is_not_on_top_is_dropped_without_waking_anybody() {
    let _table = shared();
    let name = "arm-wakes-top-only";
    configure_failpoint(name, "pause").unwrap();
    let older = arm(name, "pause").unwrap();
    let younger = arm(name, "pause").unwrap();
    let (counter, waker) = Counter::new();
    let mut waiting = pin!(failpoint(name, None));
    let mut context = Context::from_waker(&waker);
    assert!(waiting.as_mut().poll(&mut context).is_pending());
    older.configure("pause").unwrap();
    drop(older);
    assert_eq!((counter.woken(), waiters(name)), (0, 1));
    assert!(waiting.as_mut().poll(&mut context).is_pending());
    drop(younger);
    assert_eq!((counter.woken(), waiters(name)), (1, 0));
    assert_eq!(now(waiting), Continue);
    remove_failpoint(name);
}

#[test]
fn who_waited_beneath_goes_on_when_a_guard_comes_and_later_hits_wait_again() {
    let _table = shared();
    Crew::each("who waited beneath", |crew| async move {
        let name = crew.name("arm-over");
        for base in common::WAITS {
            configure_failpoint(&name, base).unwrap();
            let before = crew.hit(&name);
            crew.wait(wait_until_paused(&name, 1)).await.unwrap();
            let guard = arm(&name, "return(guard)").unwrap();
            assert_eq!(before.result().await, Continue, "{base}");
            assert_eq!(crew.hit(&name).result().await, value("guard"));
            drop(guard);
            assert_stats(&name, (1, 1, 0));
            let after = crew.hit(&name);
            crew.wait(wait_until_paused(&name, 1)).await.unwrap();
            assert_stats(&name, (2, 2, 1));
            remove_failpoint(&name);
            assert_eq!(after.result().await, Continue);
        }
    });
}

#[test]
fn a_hit_that_took_the_base_before_a_guard_came_and_went_waits_at_it() {
    let _table = shared();
    let name = "arm-between";
    configure_failpoint(name, "pause").unwrap();
    // Taken out of the list by the guard, and not polled until that is over.
    let mut early = pin!(failpoint(name, None));
    assert!(poll_once(early.as_mut()).is_pending());
    drop(arm(name, "off").unwrap());
    assert_eq!(waiters(name), 0);
    assert_eq!(now(early), Continue);
    // The base waits as before.
    let mut late = pin!(failpoint(name, None));
    assert!(poll_once(late.as_mut()).is_pending());
    assert_eq!(waiters(name), 1);
    remove_failpoint(name);
    assert_eq!(now(late), Continue);
}

// Nesting.

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
    let _table = shared();
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
                    (Some(top), _) => value(&top.to_string()),
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
    let _table = shared();
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
    let _table = shared();
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
    let _table = shared();
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
    let _table = alone();
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
    let _table = alone();
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

// Where it is dropped.

#[test]
fn a_guard_may_be_dropped_by_another_thread_and_inside_its_own_callback() {
    let _table = shared();
    fn check<T: Send + Sync + std::fmt::Debug + 'static>() {}
    check::<Armed>();
    let name = "arm-elsewhere";
    configure_failpoint(name, "return(base)").unwrap();
    let guard = arm(name, "return(guard)").unwrap();
    thread::spawn(move || drop(guard)).join().unwrap();
    assert_eq!(hit(name), value("base"));

    let slot = Arc::new(Mutex::new(None::<Armed>));
    let takes = slot.clone();
    let guard = arm_callback(name, move || drop(takes.lock().unwrap().take()));
    *slot.lock().unwrap() = Some(guard.unwrap());
    within_deadline("the callback drops its own guard", move || {
        assert_eq!(hit(name), Continue);
        assert_eq!(hit(name), value("base"));
    });
    assert_eq!(Arc::strong_count(&slot), 1, "the callback is dropped");
    // And a callback that is beneath what it puts there itself.
    let puts = slot.clone();
    configure_failpoint_callback(name, move || {
        let guard = arm("arm-elsewhere", "return(inner)").unwrap();
        *puts.lock().unwrap() = Some(guard);
    })
    .unwrap();
    assert_eq!((hit(name), hit(name)), (Continue, value("inner")));
    *slot.lock().unwrap() = None;
    assert_eq!((hit(name), hit(name)), (Continue, value("inner")));
    *slot.lock().unwrap() = None;
    remove_failpoint(name);
    assert_eq!(Arc::strong_count(&slot), 1);
}

#[test]
fn a_guard_dropped_while_the_thread_panics_gives_back_all_and_adds_no_panic() {
    let _table = shared();
    let name = "arm-panicking";
    configure_failpoint(name, "1*return(base)").unwrap();
    let wakes = Calling::waker(|| panic!("the waker panics"));
    let mut waiting = Box::pin(failpoint(name, None));
    struct PanicsToo;
    impl Drop for PanicsToo {
        fn drop(&mut self) {
            panic!("the destructor panics");
        }
    }
    let text = panic_of(|| {
        let guard = arm(name, "pause").unwrap().must_fire();
        let poll = waiting.as_mut().poll(&mut Context::from_waker(&wakes));
        assert!(poll.is_pending());
        let captured = PanicsToo;
        let callback = move || {
            let _captured = &captured;
        };
        let never_hit = arm_callback("arm-panicking-callback", callback).unwrap();
        let _guards = (guard, never_hit.must_fire());
        panic!("the test fails");
    });
    assert_eq!(text, "the test fails");
    assert_eq!(now(waiting), Continue);
    assert_eq!((hit(name), hit(name)), (value("base"), Continue));
    assert!(info("arm-panicking-callback").is_none());
    remove_failpoint(name);
}

/// The configuration took effect, but there is nobody left to end it.
#[test]
fn a_guard_whose_making_panics_leaves_nothing_behind() {
    let _table = shared();
    let name = "arm-making-panics";
    configure_failpoint(name, "pause").unwrap();
    let wakes = Calling::waker(|| panic!("the waker panics"));
    let mut waiting = pin!(failpoint(name, None));
    let poll = waiting.as_mut().poll(&mut Context::from_waker(&wakes));
    assert!(poll.is_pending());
    let text = panic_of(|| arm(name, "return(guard)").map(drop));
    assert_eq!(text, "the waker panics");
    assert_eq!(now(waiting), Continue);
    let left = actions(name);
    remove_failpoint(name);
    assert_eq!(left.as_deref(), Some("pause"), "the base is back");
}

// Errors.

#[test]
fn an_error_leaves_everything_as_it_was() {
    let _table = shared();
    let name = "arm-errors";
    configure_failpoint(name, "3*return(base)").unwrap();
    assert_eq!(hit(name), value("base"));
    let bad = [("k", "(")];
    let error = |error: neon_failpoint::Error, what: &str| {
        let text = error.to_string();
        assert!(text.contains(what), "{text}");
    };
    error(arm(name, "retrun").unwrap_err(), "did you mean \"return\"");
    error(arm("", "return").unwrap_err(), "the name is empty");
    error(arm(name, "").unwrap_err(), "the actions are empty");
    error(arm_callback("", || {}).unwrap_err(), "the name is empty");
    let with = arm_with_context(name, "return", bad);
    error(with.unwrap_err(), "not a regular expression");
    assert_eq!((hit(name), info(name).unwrap().hits()), (value("base"), 2));

    let guard = arm(name, "pause").unwrap();
    let mut waiting = pin!(failpoint(name, None));
    assert!(poll_once(waiting.as_mut()).is_pending());
    error(
        guard.configure("pase").unwrap_err(),
        "did you mean \"pause\"",
    );
    let with = guard.configure_with_context("off", bad);
    error(with.unwrap_err(), "not a regular expression");
    error(configure_failpoint(name, "x").unwrap_err(), "unknown task");
    assert_eq!(guard.waiters().len(), 1);
    assert_eq!((guard.hits(), guard.fired()), (1, 1));
    assert!(poll_once(waiting.as_mut()).is_pending());
    drop(guard);
    assert_eq!(now(waiting), Continue);
    assert_eq!((hit(name), hit(name)), (value("base"), Continue));
    remove_failpoint(name);
}

// must_fire.

#[test]
fn a_guard_that_did_not_fire_names_the_point_its_sites_and_what_was_meant() {
    let _table = shared();
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
    let _table = shared();
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
    let _table = shared();
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
    let _table = alone();
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
            let once = std::panic::catch_unwind(|| guarded(1));
            assert!(once.is_ok(), "{what}, over {base:?}");
            remove_failpoint(name);
        }
    }
}

#[test]
fn a_guard_that_fired_before_everything_was_removed_and_was_configured_again_did_fire() {
    let _table = alone();
    let name = "arm-must-fire-again";
    let guard = arm(name, "off").unwrap().must_fire();
    assert_eq!(hit(name), Continue);
    remove_all_failpoints();
    guard.configure("off").unwrap();
    drop(guard);
}

#[test]
fn what_fires_after_a_change_counts_too() {
    let _table = shared();
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
    let _table = shared();
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
    let _table = shared();
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
    let _table = shared();
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
    let _table = shared();
    let name = "arm-must-fire-under-way";
    within_deadline("hits against configuring", move || {
        let start = Arc::new(Barrier::new(2));
        let rounds = 5_000;
        let hitter = {
            let start = start.clone();
            thread::spawn(move || {
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
            let drops = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(guard)));
            lost += usize::from(drops.is_err());
        }
        hitter.join().unwrap();
        assert_eq!(lost, 0, "of {rounds} guards");
    });
}

// Counts.

#[test]
fn a_count_of_two_that_was_used_once_fires_exactly_once_more_after_a_guard() {
    let _table = shared();
    Crew::each("a count of two", |crew| async move {
        let name = crew.name("arm-count");
        configure_failpoint(&name, "2*return").unwrap();
        assert_eq!(crew.hit(&name).result().await, value(""));
        for _ in 0..3 {
            let guard = arm(&name, "off").unwrap();
            assert_eq!(crew.hit(&name).result().await, Continue);
            drop(guard);
        }
        let mut returns = 0;
        for _ in 0..5 {
            returns += usize::from(crew.hit(&name).result().await == value(""));
        }
        assert_eq!(returns, 1);
        assert_stats(&name, (6, 2, 0));
        remove_failpoint(&name);
    });
}

#[test]
fn a_count_is_exact_while_threads_hit_and_guards_come_and_go() {
    const COUNT: usize = 20_000;
    let _table = shared();
    let name = "arm-count-threads";
    within_deadline("an exact count", move || {
        configure_failpoint(name, format!("{COUNT}*return(base)")).unwrap();
        let stop = AtomicBool::new(false);
        let (mut base, mut guards) = (0, 0);
        thread::scope(|scope| {
            let hitters: Vec<_> = (0..3)
                .map(|_| {
                    scope.spawn(|| {
                        let mut seen = BTreeMap::<String, usize>::new();
                        while !stop.load(Ordering::SeqCst) {
                            if let Return(value) = hit(name) {
                                *seen.entry(value).or_default() += 1;
                            }
                        }
                        seen
                    })
                })
                .collect();
            while info(name).unwrap().fired() < COUNT {
                let guard = arm(name, "3*return(guard)").unwrap();
                common::until("the guard fires three times", || guard.fired() == 3);
                let younger = arm(name, "2*return(guard)").unwrap();
                common::until("the younger fires twice", || younger.fired() == 2);
                drop(guard);
                drop(younger);
                guards += 5;
            }
            stop.store(true, Ordering::SeqCst);
            for hitter in hitters {
                let seen = hitter.join().unwrap();
                base += seen.get("base").unwrap_or(&0);
                guards -= seen.get("guard").unwrap_or(&0);
            }
        });
        assert_eq!((base, guards), (COUNT, 0));
        remove_failpoint(name);
    });
}

#[test]
fn hits_see_the_guard_while_it_is_there_and_the_base_before_and_after() {
    let _table = shared();
    let name = "arm-seen";
    within_deadline("hits see what is there", move || {
        let (calls, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Barrier::new(3)));
        let counts = calls.clone();
        // A callback, which is the one base whose function is away meanwhile.
        configure_failpoint_callback(name, move || {
            counts.fetch_add(1, Ordering::SeqCst);
        })
        .unwrap();
        let rounds = 3_000;
        let hitter = || {
            let (calls, gate) = (calls.clone(), gate.clone());
            thread::spawn(move || {
                let site = || {
                    fail_point_sync!("arm-seen", Return);
                    Continue
                };
                let mut continued = 0;
                for round in 0..rounds {
                    gate.wait();
                    // While the guard comes and goes: either of them, but one.
                    for i in 0..20 {
                        let result = if i % 2 == 0 { site() } else { hit(name) };
                        match result {
                            Continue => continued += 1,
                            result => assert_eq!(result, value("guard")),
                        }
                    }
                    gate.wait();
                    // The guard is gone.
                    let before = calls.load(Ordering::SeqCst);
                    let result = if round % 2 == 0 { site() } else { hit(name) };
                    assert_eq!(result, Continue);
                    assert!(calls.load(Ordering::SeqCst) > before);
                    continued += 1;
                    gate.wait();
                    gate.wait();
                    // It is there.
                    assert_eq!((site(), hit(name)), (value("guard"), value("guard")));
                    gate.wait();
                }
                continued
            })
        };
        let hitters = [hitter(), hitter()];
        for _ in 0..rounds {
            gate.wait();
            for _ in 0..3 {
                drop(arm(name, "return(guard)").unwrap());
            }
            gate.wait();
            gate.wait();
            let guard = arm(name, "return(guard)").unwrap();
            gate.wait();
            gate.wait();
            assert!(guard.hits() == 4);
            drop(guard);
        }
        let continued: usize = hitters.into_iter().map(|h| h.join().unwrap()).sum();
        assert_eq!(calls.load(Ordering::SeqCst), continued);
        remove_failpoint(name);
    });
}

#[test]
fn guards_of_many_threads_on_one_name_leave_the_base() {
    let _table = shared();
    let name = "arm-many";
    within_deadline("guards of many threads", move || {
        configure_failpoint(name, "return(base)").unwrap();
        thread::scope(|scope| {
            for thread in 0..4 {
                scope.spawn(move || {
                    let mut guards = std::collections::VecDeque::new();
                    for i in 0..2_000 {
                        let guard = arm(name, "return(guard)").unwrap();
                        // Whoever is on top: somebody's guard, and never the base.
                        assert_eq!(hit(name), value("guard"));
                        guard.configure("return(guard)").unwrap();
                        guards.push_back(guard);
                        if (i + thread) % 3 > 0 {
                            drop(guards.pop_front());
                        }
                        if (i * 7 + thread) % 5 == 0 {
                            drop(guards.pop_back());
                        }
                    }
                });
            }
        });
        assert_stats(name, (0, 0, 0));
        assert_eq!(hit(name), value("base"));
        remove_failpoint(name);
    });
}

#[test]
fn a_point_waits_by_macros_that_await_as_well() {
    let _table = shared();
    common::on_both_runtimes("macros that await", |runtime| async move {
        let name = match runtime {
            common::Runtime::MultiThread => "arm-macro-multi",
            _ => "arm-macro-current",
        };
        let hits = move || async move {
            if name == "arm-macro-multi" {
                fail_point!("arm-macro-multi", Return);
            } else {
                fail_point!("arm-macro-current", Return);
            }
            Continue
        };
        assert_eq!(hits().await, Continue);
        let guard = arm(name, "pause->off").unwrap().must_fire();
        let task = tokio::spawn(hits());
        guard.wait_until_paused(1).await.unwrap();
        drop(guard);
        assert_eq!(task.await.unwrap(), Continue);
        assert_eq!(hits().await, Continue);
    });
}

// The property: a list of layers.

/// What a name is configured to do, by the model.
#[derive(Clone, Debug)]
struct Conf {
    kind: Kind,
    number: usize,
    hits: usize,
    fired: usize,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Off,
    Return,
    /// `n*return`.
    Count(usize),
    Callback,
}

impl Conf {
    fn hit(&mut self, calls: &mut usize) -> FailpointResult {
        self.hits += 1;
        let fires = match self.kind {
            Kind::Count(n) => self.fired < n,
            _ => true,
        };
        self.fired += usize::from(fires);
        match self.kind {
            Kind::Return | Kind::Count(_) if fires => Return(self.number.to_string()),
            Kind::Callback => {
                *calls += self.number;
                Continue
            }
            _ => Continue,
        }
    }

    fn text(&self) -> String {
        match self.kind {
            Kind::Off => "off".to_owned(),
            Kind::Return => format!("return({})", self.number),
            Kind::Count(n) => format!("{n}*return({})", self.number),
            Kind::Callback => "callback".to_owned(),
        }
    }
}

#[derive(Clone, Debug)]
enum Op {
    Hit,
    HitSite,
    Arm(Kind),
    Configure(prop::sample::Index, Kind),
    Drop(prop::sample::Index),
    Plain(Kind),
    Remove,
    RemoveAll,
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        Just(Kind::Off),
        Just(Kind::Return),
        (0..4usize).prop_map(Kind::Count),
        Just(Kind::Callback),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => Just(Op::Hit),
        4 => Just(Op::HitSite),
        4 => kind().prop_map(Op::Arm),
        2 => (any::<prop::sample::Index>(), kind()).prop_map(|(i, k)| Op::Configure(i, k)),
        3 => any::<prop::sample::Index>().prop_map(Op::Drop),
        2 => kind().prop_map(Op::Plain),
        1 => Just(Op::Remove),
        1 => Just(Op::RemoveAll),
    ]
}

/// One guard, by the model: what it has there, and whether anything it had there fired.
#[derive(Debug)]
struct Layer {
    guard: Option<Armed>,
    conf: Option<Conf>,
    fired: usize,
}

struct Model {
    name: &'static str,
    next: usize,
    calls: Arc<AtomicUsize>,
    expected_calls: usize,
    base: Option<Conf>,
    /// The youngest last.
    layers: Vec<Layer>,
    /// Guards whose layer is gone.
    ended: Vec<Layer>,
}

impl Model {
    fn conf(&mut self, kind: Kind) -> Conf {
        self.next += 1;
        Conf {
            kind,
            number: self.next,
            hits: 0,
            fired: 0,
        }
    }

    fn callback(&self, number: usize) -> impl Fn() + Send + Sync + 'static {
        let calls = self.calls.clone();
        move || {
            calls.fetch_add(number, Ordering::SeqCst);
        }
    }

    fn top(&mut self) -> &mut Option<Conf> {
        match self.layers.last_mut() {
            Some(layer) => &mut layer.conf,
            None => &mut self.base,
        }
    }

    fn hit(&mut self, hit: impl FnOnce(&str) -> FailpointResult) {
        let mut calls = 0;
        let expected = match self.top() {
            Some(conf) => {
                let fired = conf.fired;
                let result = conf.hit(&mut calls);
                let fired = conf.fired - fired;
                if let Some(layer) = self.layers.last_mut() {
                    layer.fired += fired;
                }
                result
            }
            None => Continue,
        };
        self.expected_calls += calls;
        assert_eq!(hit(self.name), expected);
    }

    fn step(&mut self, op: &Op) {
        let name = self.name;
        match op {
            Op::Hit => self.hit(hit),
            Op::HitSite => self.hit(|_| {
                fail_point_sync!("arm-model", Return);
                Continue
            }),
            Op::Arm(kind) => {
                let conf = self.conf(*kind);
                let guard = match kind {
                    Kind::Callback => arm_callback(name, self.callback(conf.number)),
                    _ => arm(name, conf.text()),
                };
                self.layers.push(Layer {
                    guard: Some(guard.unwrap()),
                    conf: Some(conf),
                    fired: 0,
                });
            }
            Op::Configure(index, kind) => {
                let all = self.layers.len() + self.ended.len();
                if all == 0 {
                    return;
                }
                let at = index.index(all);
                let conf = self.conf(*kind);
                let callback = self.callback(conf.number);
                let at = if at >= self.layers.len() {
                    let layer = self.ended.remove(at - self.layers.len());
                    self.layers.push(layer);
                    self.layers.len() - 1
                } else {
                    at
                };
                let layer = &mut self.layers[at];
                let guard = layer.guard.as_ref().unwrap();
                match kind {
                    Kind::Callback => guard.configure_callback(callback).unwrap(),
                    _ => guard.configure(conf.text()).unwrap(),
                }
                layer.conf = Some(conf);
            }
            Op::Drop(index) => {
                let all = self.layers.len() + self.ended.len();
                if all == 0 {
                    return;
                }
                let at = index.index(all);
                let mut layer = if at >= self.layers.len() {
                    self.ended.remove(at - self.layers.len())
                } else {
                    self.layers.remove(at)
                };
                drop(layer.guard.take());
            }
            Op::Plain(kind) => {
                let conf = self.conf(*kind);
                match kind {
                    Kind::Callback => {
                        configure_failpoint_callback(name, self.callback(conf.number)).unwrap();
                    }
                    _ => configure_failpoint(name, conf.text()).unwrap(),
                }
                *self.top() = Some(conf);
            }
            Op::Remove => {
                remove_failpoint(name);
                *self.top() = None;
            }
            Op::RemoveAll => {
                remove_all_failpoints();
                self.base = None;
                self.ended.append(&mut self.layers);
                for layer in &mut self.ended {
                    layer.conf = None;
                }
            }
        }
    }

    fn check(&mut self) {
        let expected = self.top().clone();
        let expected = expected.map(|c| (c.text(), Vec::new(), c.hits, c.fired));
        assert_eq!(shown(self.name), expected);
        assert_eq!(self.calls.load(Ordering::SeqCst), self.expected_calls);
        for layer in self.layers.iter().chain(&self.ended) {
            let guard = layer.guard.as_ref().unwrap();
            let expected = layer.conf.as_ref().map_or((0, 0), |c| (c.hits, c.fired));
            assert_eq!((guard.hits(), guard.fired()), expected);
        }
    }

    /// Runs the steps, and returns the guards that are left, youngest last, with whether
    /// they fired.
    fn run(ops: &[Op], after: impl Fn(&mut Self)) -> Self {
        remove_all_failpoints();
        let mut model = Self {
            name: "arm-model",
            next: 0,
            calls: Arc::new(AtomicUsize::new(0)),
            expected_calls: 0,
            base: None,
            layers: Vec::new(),
            ended: Vec::new(),
        };
        for op in ops {
            model.step(op);
            after(&mut model);
        }
        model
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(2_000)
    })]

    #[test]
    fn guards_are_a_list_of_layers(ops in prop::collection::vec(op(), 0..40)) {
        let _table = alone();
        let mut model = Model::run(&ops, Model::check);
        // Those that are left go from the oldest.
        while !model.layers.is_empty() {
            drop(model.layers.remove(0));
            model.check();
        }
        drop(std::mem::take(&mut model.ended));
        model.check();
        remove_all_failpoints();
        prop_assert_eq!(Arc::strong_count(&model.calls), 1, "no callback is left");
    }
}

#[test]
fn must_fire_is_about_the_guards_own_configurations_whatever_happens() {
    use proptest::test_runner::{Config, TestRunner};
    // By hand: the expected panics of three hundred cases need no lines of their own.
    let config = Config {
        failure_persistence: None,
        cases: 300,
        ..Config::default()
    };
    let ops = prop::collection::vec(op(), 0..30);
    let result = TestRunner::new(config).run(&ops, |ops| {
        let _table = alone();
        let mut model = Model::run(&ops, |_| {});
        let mut wrong = Vec::new();
        while let Some(layer) = model.layers.pop().or_else(|| model.ended.pop()) {
            let guard = layer.guard.unwrap().must_fire();
            let drops = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(guard)));
            if drops.is_ok() != (layer.fired > 0) {
                wrong.push((layer.fired, drops.is_ok()));
            }
        }
        prop_assert!(wrong.is_empty(), "(fired, passes): {wrong:?}");
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}
