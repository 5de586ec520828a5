//! Proves that a user's code may do what it likes where a wait meets it: callbacks that wait, wakers that
//! use the library or panic.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::common::{
    Calling, Runtime, block_on, hit, now, panic_of, poll_with, spawn, waiters, within_deadline,
};
use neon_failpoint::FailpointResult::{Continue, Return};
use neon_failpoint::{arm, failpoint, isolate, list_failpoints, wait_for_hits, wait_until_paused};

#[test]
fn a_callback_may_wait_for_what_happens_at_its_own_point() {
    let _alone = isolate();
    within_deadline("a wait inside a callback", || {
        let name = "wait-inside";
        let guard = Arc::new(arm(name, "off").unwrap());
        let waits = Arc::downgrade(&guard);
        guard
            .configure_callback(move || {
                // This hit and that of the other thread.
                let guard = waits.upgrade().unwrap();
                guard.wait_for_hits(2).blocking().unwrap();
                wait_for_hits("wait-inside", 1).blocking().unwrap();
                let early = wait_until_paused("wait-inside", 1).within(Duration::ZERO);
                assert!(early.blocking().is_err());
            })
            .unwrap();
        let threads = [0, 1].map(|_| spawn(move || hit(name)));
        for thread in threads {
            assert_eq!(thread.join().unwrap(), Continue);
        }
        assert_eq!(guard.hits(), 2);
    });
}

#[test]
fn a_waker_may_hit_wait_list_and_change_the_point_that_it_is_woken_for() {
    let _alone = isolate();
    within_deadline("a waker that uses everything", || {
        for paused in [false, true] {
            let name = format!("wait-waker-{paused}");
            let guard = Arc::new(arm(&name, "pause").unwrap());
            let wakes = Arc::new(AtomicUsize::new(0));
            let waker = {
                let (name, counts) = (name.clone(), wakes.clone());
                let guard = Arc::downgrade(&guard);
                Calling::waker(move || {
                    counts.fetch_add(1, Ordering::SeqCst);
                    let guard = guard.upgrade().unwrap();
                    assert!(guard.wait_for_hits(1).blocking().is_ok());
                    list_failpoints();
                    guard.configure("return(new)").unwrap();
                    assert_eq!(hit(&name), Return("new".to_owned()));
                })
            };
            let runtime = Runtime::CurrentThread.build();
            let mut wait = pin!(match paused {
                true => guard.wait_until_paused(1),
                false => guard.wait_for_hits(1),
            });
            {
                let _entered = runtime.enter();
                assert!(poll_with(wait.as_mut(), &waker).is_pending());
            }
            // It waits under a configuration that is over at once.
            assert_eq!(hit(&name), Continue);
            assert_eq!(wakes.load(Ordering::SeqCst), 1);
            assert_eq!((guard.hits(), waiters(&name)), (1, 0));
            runtime.block_on(wait).unwrap();
        }
    });
}

/// A waker that panics takes the hit with it, but leaves nobody in the list who is not there.
#[test]
fn a_waker_that_panics_leaves_no_waiter_behind() {
    let _alone = isolate();
    within_deadline("a waker that panics", || {
        for by_thread in [false, true] {
            let name = format!("wait-panics-{by_thread}");
            let guard = arm(&name, "pause").unwrap();
            let runtime = Runtime::CurrentThread.build();
            let _entered = runtime.enter();
            let waker = Calling::waker(|| panic!("the waker panics"));
            let mut wait = pin!(guard.wait_until_paused(1));
            assert!(poll_with(wait.as_mut(), &waker).is_pending());
            let text = panic_of(|| match by_thread {
                true => hit(&name),
                false => block_on(failpoint(&name, None)),
            });
            assert_eq!(text, "the waker panics");
            assert_eq!(guard.waiters().len(), 0, "by a thread: {by_thread}");
            assert_eq!(guard.release_all(), 0);
            now(wait).unwrap();
        }
    });
}
