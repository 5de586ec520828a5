//! Proves what a guard gives back when it is dropped, and what an error leaves alone.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::{Shown, shown};
use crate::common::crew::Crew;
use crate::common::{actions, assert_stats, hit, info, now, poll_once, value};
use neon_failpoint::FailpointResult::{self, Continue, Return};
use neon_failpoint::{
    arm, arm_callback, arm_with_context, configure_failpoint, configure_failpoint_callback,
    configure_failpoint_with_context, fail_point_sync, failpoint, failpoint_blocking,
    failpoint_context, isolate, list_failpoints, remove_all_failpoints, remove_failpoint,
};

#[test]
fn dropping_a_guard_gives_back_text_matchers_counts_and_what_is_left_of_them() {
    let _alone = isolate();
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
    let _alone = isolate();
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
    let _alone = isolate();
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
    let _alone = isolate();
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
    let _alone = isolate();
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

#[test]
fn a_count_of_two_that_was_used_once_fires_exactly_once_more_after_a_guard() {
    let _alone = isolate();
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
fn an_error_leaves_everything_as_it_was() {
    let _alone = isolate();
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
    error(
        configure_failpoint(name, "x").unwrap_err(),
        "unknown action",
    );
    assert_eq!(guard.waiters().len(), 1);
    assert_eq!((guard.hits(), guard.fired()), (1, 1));
    assert!(poll_once(waiting.as_mut()).is_pending());
    drop(guard);
    assert_eq!(now(waiting), Continue);
    assert_eq!((hit(name), hit(name)), (value("base"), Continue));
    remove_failpoint(name);
}
