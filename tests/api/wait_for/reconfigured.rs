//! Proves that a wait continues when its point is reconfigured, and counts from the beginning.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::{ByHand, HOUR};
use crate::common::crew::Crew;
use crate::common::{hit, in_current_scope, spawn, waiters, within_deadline};
use neon_failpoint::FailpointResult::Continue;
use neon_failpoint::{
    arm, compat, configure_failpoint, configure_failpoint_callback, configure_failpoints, isolate,
    remove_failpoint, wait_for_hits, wait_until_paused,
};

#[test]
fn a_wait_goes_on_when_the_point_is_configured_anew_and_its_count_begins_again() {
    let _alone = isolate();
    type Configure = fn(&neon_failpoint::Armed);
    let ways: [Configure; 6] = [
        |g| g.configure("off").unwrap(),
        |g| g.configure_callback(|| {}).unwrap(),
        |g| configure_failpoint(g.name(), "off").unwrap(),
        |g| configure_failpoints([(g.name(), "off")]).unwrap(),
        |g| configure_failpoint_callback(g.name(), || {}).unwrap(),
        |g| compat::cfg(g.name(), "off").unwrap(),
    ];
    for (way, configure) in ways.into_iter().enumerate() {
        let name = format!("wait-anew-{way}");
        let guard = arm(&name, "off").unwrap();
        let mut waits = [
            ByHand::new(guard.wait_for_hits(3)),
            ByHand::new(wait_for_hits(&name, 3)),
        ];
        waits.iter_mut().for_each(ByHand::assert_pending);
        for _ in 0..2 {
            assert_eq!([hit(&name), hit(&name)], [Continue, Continue]);
            configure(&guard);
            waits.iter_mut().for_each(ByHand::assert_pending);
        }
        assert_eq!([hit(&name), hit(&name)], [Continue, Continue]);
        waits.iter_mut().for_each(ByHand::assert_pending);
        assert_eq!(hit(&name), Continue);
        for wait in &mut waits {
            // One for each configuration, one for the hit.
            wait.assert_woken(3);
            wait.result().unwrap();
        }
    }
}

#[test]
fn a_wait_for_who_stands_there_goes_on_at_the_next_configuration() {
    let _alone = isolate();
    Crew::each("the next configuration", |crew| async move {
        let name = crew.name("wait-next");
        configure_failpoint(&name, "pause").unwrap();
        let early = crew.hit(&name);
        crew.wait(wait_until_paused(&name, 1)).await.unwrap();
        let waiting = wait_until_paused(&name, 2);
        let blocked = (crew == Crew::Threads).then(|| {
            let waiting = wait_until_paused(&name, 2);
            spawn(move || waiting.blocking())
        });
        configure_failpoint(&name, "sleep(3600000)").unwrap();
        assert_eq!(early.result().await, Continue);
        let late = [crew.hit(&name), crew.hit(&name)];
        crew.wait(waiting).await.unwrap();
        assert_eq!(waiters(&name), 2);
        if let Some(blocked) = blocked {
            blocked.join().unwrap().unwrap();
        }
        remove_failpoint(&name);
        for hit in late {
            assert_eq!(hit.result().await, Continue);
        }
    });
}

#[test]
fn a_wait_of_a_guard_goes_on_when_a_younger_one_that_was_on_top_has_gone() {
    let _alone = isolate();
    let name = "wait-suspended";
    let older = arm(name, "off").unwrap();
    assert_eq!(hit(name), Continue);
    let mut hits = ByHand::new(older.wait_for_hits(3));
    hits.assert_pending();
    let younger = arm(name, "off").unwrap();
    let mut begun_beneath = ByHand::new(older.wait_for_hits(3));
    for _ in 0..5 {
        assert_eq!(hit(name), Continue);
        hits.assert_pending();
        begun_beneath.assert_pending();
    }
    // What is reached beneath is reached.
    older.wait_for_hits(1).blocking().unwrap();
    drop(younger);
    assert_eq!(older.hits(), 1);
    assert_eq!(hit(name), Continue);
    hits.assert_pending();
    begun_beneath.assert_pending();
    assert_eq!(hit(name), Continue);
    hits.result().unwrap();
    begun_beneath.result().unwrap();
    // Configured beneath another, it begins again.
    let mut hits = ByHand::new(older.wait_for_hits(4));
    hits.assert_pending();
    let younger = arm(name, "off").unwrap();
    hits.assert_pending();
    older.configure("off").unwrap();
    hits.assert_pending();
    drop(younger);
    for n in 0..4 {
        assert!(hits.poll().is_pending(), "after {n}");
        assert_eq!(hit(name), Continue);
    }
    hits.result().unwrap();
}

#[test]
fn a_wait_against_configuring_sees_the_count_of_one_configuration() {
    let _alone = isolate();
    within_deadline("waits against configuring", || {
        let name = "wait-race-anew";
        let guard = arm(name, "off").unwrap();
        let is_configured = AtomicBool::new(false);
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            // Until nobody waits any more.
            scope.spawn(in_current_scope(|| {
                while !stop.load(Ordering::SeqCst) {
                    let _ = hit(name);
                }
            }));
            scope.spawn(in_current_scope(|| {
                for i in 0..5_000 {
                    match i % 3 {
                        0 => drop(arm(name, "off").unwrap()),
                        1 => guard.configure("off").unwrap(),
                        _ => configure_failpoint(name, "0*off").unwrap(),
                    }
                }
                is_configured.store(true, Ordering::SeqCst);
            }));
            while !is_configured.load(Ordering::SeqCst) {
                guard.wait_for_hits(2).within(HOUR).blocking().unwrap();
                wait_for_hits(name, 2).within(HOUR).blocking().unwrap();
                let short = Duration::from_micros(50);
                let many = wait_for_hits(name, usize::MAX).within(short);
                assert!(many.blocking().is_err());
            }
            stop.store(true, Ordering::SeqCst);
        });
    });
}
