//! Proves what becomes of a subscriber that uses failpoints, and of one that panics.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Hooked, lines, told};
use crate::common::{hit, now, panic_of, spawn, until, value, waiting, within_deadline};
use neon_failpoint::FailpointResult::Continue;
use neon_failpoint::{
    arm, configure_failpoint, fail_point_sync, failpoint, isolate, list_failpoints,
    release_failpoint, wait_for_hits,
};

#[test]
fn a_subscriber_that_hits_waits_and_configures_does_not_hear_of_itself() {
    let _alone = isolate();
    within_deadline("a subscriber that uses everything", || {
        let name = "events-subscriber";
        let calls = Arc::new(AtomicUsize::new(0));
        let counts = calls.clone();
        let guard = Arc::new(arm(name, "off").unwrap());
        let uses = Arc::downgrade(&guard);
        let hooked = Hooked::new(name, move |told| {
            counts.fetch_add(1, Ordering::SeqCst);
            let Some(guard) = uses.upgrade() else { return };
            let _ = hit("events-subscriber");
            fail_point_sync!("events-subscriber", |_| ());
            wait_for_hits("events-subscriber", 1).blocking().unwrap();
            list_failpoints();
            release_failpoint("events-subscriber", 1).unwrap();
            if told.message == "failpoint fired" {
                drop(arm("events-subscriber", "off").unwrap());
                guard.configure("off").unwrap();
                let _ = hit("events-subscriber");
            }
        });
        told(name);
        for n in 1..=3 {
            let _ = hit(name);
            assert_eq!(calls.load(Ordering::SeqCst), n);
        }
        // A wait that ends, in a task and in a thread.
        drop(hooked);
        guard.configure("pause").unwrap();
        let again = Arc::new(AtomicUsize::new(0));
        let counts = again.clone();
        let hooked = Hooked::new(name, move |told| {
            if told.message == "wait ended" {
                counts.fetch_add(1, Ordering::SeqCst);
                let _ = list_failpoints();
                let _ = hit("events-subscriber-other");
                let _ = wait_for_hits("events-subscriber-other", 0).blocking();
            }
        });
        let other = arm("events-subscriber-other", "off").unwrap();
        let thread = spawn(move || drop(hit(name)));
        let task = waiting(failpoint(name, None));
        guard.wait_until_paused(2).blocking().unwrap();
        assert_eq!(guard.release_all(), 2);
        thread.join().unwrap();
        assert_eq!(now(task), Continue);
        assert_eq!((again.load(Ordering::SeqCst), other.hits()), (2, 2));
        drop(hooked);
    });
}

#[test]
fn a_subscriber_that_changes_the_point_does_not_change_the_hit_it_is_told_of() {
    let _alone = isolate();
    let name = "events-changes-it";
    let guard = arm(name, "return(first)").unwrap();
    let _hooked = Hooked::new(name, |told| {
        if told.message == "failpoint fired" {
            configure_failpoint("events-changes-it", "return(second)").unwrap();
        }
    });
    assert_eq!(hit(name), value("first"));
    assert_eq!(now(failpoint(name, None)), value("second"));
    drop(guard);
}

#[test]
fn a_subscriber_that_panics_leaves_the_library_usable() {
    let _alone = isolate();
    let name = "events-panics";
    let guard = arm(name, "off").unwrap();
    let hooked = Hooked::new(name, |_| panic!("the subscriber panics"));
    assert_eq!(panic_of(|| hit(name)), "the subscriber panics");
    assert_eq!(
        panic_of(|| configure_failpoint(name, "pause")),
        "the subscriber panics"
    );
    drop(hooked);
    told(name);
    let thread = spawn(move || drop(hit(name)));
    guard.wait_until_paused(1).blocking().unwrap();
    assert_eq!(guard.release_all(), 1);
    thread.join().unwrap();
    until("the end is told", || {
        lines(name)
            .iter()
            .any(|line| line == "wait ended: why=released")
    });
}
