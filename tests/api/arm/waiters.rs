//! Proves which waiters are woken when a guard comes and when it goes.

use std::pin::pin;
use std::task::Context;

use crate::common::crew::Crew;
use crate::common::{
    Counter, Runtime, WAITS, actions, assert_stats, now, on_both_runtimes, poll_once, value,
    waiters,
};
use neon_failpoint::FailpointResult::{Continue, Return};
use neon_failpoint::{
    arm, configure_failpoint, fail_point, failpoint, isolate, remove_failpoint, wait_until_paused,
};

#[test]
fn dropping_a_guard_wakes_its_own_waiters_and_nobody_else() {
    let _alone = isolate();
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
    let _alone = isolate();
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
    let _alone = isolate();
    Crew::each("who waited beneath", |crew| async move {
        let name = crew.name("arm-over");
        for base in WAITS {
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
    let _alone = isolate();
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

#[test]
fn a_point_waits_by_macros_that_await_as_well() {
    let _alone = isolate();
    on_both_runtimes("macros that await", |runtime| async move {
        let name = match runtime {
            Runtime::MultiThread => "arm-macro-multi",
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
