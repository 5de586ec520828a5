//! Proves that every hit that fires is told once, before its action is done.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::{Hooked, Told, lines, listen, told};
use crate::common::{Runtime, hit, in_current_scope, now, panic_of, poll_once, waiters};
use neon_failpoint::FailpointResult::Continue;
use neon_failpoint::{
    arm, compat, configure_failpoint, fail_point, fail_point_sync, fail_point_with_context_sync,
    failpoint, failpoint_context, isolate, remove_failpoint,
};

#[test]
fn a_hit_that_fires_is_told_once_with_action_number_context_and_place() {
    let _alone = isolate();
    listen();
    let name = "events-fired";
    configure_failpoint(name, "1*off->when(k=v)1*return(a b)->0*panic->print(x)").unwrap();
    told(name);
    let _ = hit(name);
    let context = failpoint_context! { "k" => "v", "l" => 1 };
    fail_point_with_context_sync!("events-fired", &context, |_| ());
    let line = line!() - 1;
    fail_point_sync!("events-fired", |_| ());
    let events = told(name);
    let fields = |told: &Told| told.fields.clone();
    let named = ("failpoint", "str", name.to_owned());
    let site = |line: u32| {
        [
            ("file", "str", file!().to_owned()),
            ("line", "u64", line.to_string()),
        ]
    };
    let action = |text: &str, hit: usize| {
        [
            named.clone(),
            ("action", "str", text.to_owned()),
            ("hit", "u64", hit.to_string()),
        ]
    };
    let context = ("context", "str", r#"k="v", l="1""#.to_owned());
    assert_eq!(events.len(), 3, "{events:?}");
    assert_eq!(fields(&events[0]), action("off", 1));
    let mut expected = action("return(a b)", 2).to_vec();
    expected.push(context);
    expected.extend(site(line));
    assert_eq!(fields(&events[1]), expected);
    let mut expected = action("print(x)", 3).to_vec();
    expected.extend(site(line + 2));
    assert_eq!(fields(&events[2]), expected);
    for told in events {
        assert_eq!(told.target, "neon_failpoint");
        assert_eq!(told.message, "failpoint fired");
    }
    remove_failpoint(name);
}

#[test]
fn every_way_to_hit_is_told_alike_and_a_hit_that_nothing_took_is_not() {
    let _alone = isolate();
    listen();
    let name = "events-ways";
    let guard = arm(name, "off").unwrap();
    told(name);
    Runtime::CurrentThread.run("all ways", || async {
        fail_point!("events-ways");
        fail_point_sync!("events-ways");
        let _ = failpoint("events-ways", None).await;
        let _ = hit("events-ways");
        compat::fail_point!("events-ways");
        compat::async_fail_point!("events-ways");
        compat::eval("events-ways", |_| ());
    });
    let expected: Vec<_> = (1..=7)
        .map(|n| format!("failpoint fired: action=off hit={n}"))
        .collect();
    assert_eq!(lines(name), expected);
    guard.configure("0*off->0%return->when(k=v)return").unwrap();
    told(name);
    let _ = hit(name);
    drop(guard);
    told(name);
    // Idle, and in tasks that never were polled.
    let _ = hit(name);
    drop(failpoint(name, None));
    assert_eq!(lines(name), [""; 0]);
}

#[test]
fn a_hit_is_told_before_its_action_is_done() {
    let _alone = isolate();
    let name = "events-before";
    let guard = arm(name, "1*panic(oh)->pause").unwrap();
    let seen = Arc::new(AtomicUsize::new(0));
    let counts = seen.clone();
    let _hooked = Hooked::new(name, move |told| {
        if told.message == "failpoint fired" {
            counts.fetch_add(1, Ordering::SeqCst);
            assert_eq!(waiters("events-before"), 0);
        }
    });
    let text = panic_of(|| hit(name));
    assert_eq!(text, "oh (failpoint \"events-before\")");
    assert_eq!(seen.load(Ordering::SeqCst), 1);
    let mut waiting = Box::pin(failpoint(name, None));
    assert!(poll_once(waiting.as_mut()).is_pending());
    assert_eq!(seen.load(Ordering::SeqCst), 2);
    drop(guard);
    assert_eq!(now(waiting), Continue);
    assert_eq!(seen.load(Ordering::SeqCst), 2);
}

#[test]
fn eight_threads_are_told_of_exactly_as_often_as_they_fire() {
    let _alone = isolate();
    listen();
    let name = "events-threads";
    let guard = arm(name, "1000*off->0*return").unwrap();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(in_current_scope(|| (0..250).for_each(|_| drop(hit(name)))));
        }
    });
    let fired = told(name)
        .iter()
        .filter(|t| t.message == "failpoint fired")
        .count();
    assert_eq!((fired, guard.hits(), guard.fired()), (1_000, 2_000, 1_000));
}
