//! Proves that a release wakes the waiters that it chose, once, and that their wakers may do what they
//! like.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{gone, tenant};
use crate::common::{
    Calling, Counter, HitByHand, block_on, now, panic_of, poll_with, spawn, value, waiters,
    within_deadline,
};
use neon_failpoint::FailpointResult::Continue;
use neon_failpoint::{
    arm, configure_failpoint, configure_failpoint_with_context, failpoint, failpoint_blocking,
    isolate, release_failpoint, remove_failpoint,
};

#[test]
fn a_release_wakes_whom_it_lets_go_once_and_nobody_else() {
    let _alone = isolate();
    let guard = arm("release-wakes", "pause").unwrap();
    let mut hits: Vec<_> = (0..5)
        .map(|_| {
            let (counter, waker) = Counter::new();
            let mut hit = Box::pin(failpoint("release-wakes", None));
            assert!(poll_with(hit.as_mut(), &waker).is_pending());
            (counter, hit)
        })
        .collect();
    assert_eq!(guard.release(2), 2);
    let woken: Vec<_> = hits.iter().map(|(counter, _)| counter.woken()).collect();
    assert_eq!(woken, [1, 1, 0, 0, 0]);
    // Nothing of who went is kept: neither its waker nor its entry.
    for (counter, hit) in hits.drain(..2) {
        assert_eq!((now(hit), Arc::strong_count(&counter)), (Continue, 1));
    }
    drop(guard);
    for (counter, hit) in hits {
        assert_eq!((counter.woken(), now(hit)), (1, Continue));
    }
}

#[test]
fn a_waker_that_panics_is_told_after_everybody_was_woken() {
    let _alone = isolate();
    let name = "release-panics";
    let guard = arm(name, "pause").unwrap();
    let panics = Calling::waker(|| panic!("the waker panics"));
    let woken = Arc::new(AtomicUsize::new(0));
    let counts = woken.clone();
    let counting = Calling::waker(move || {
        counts.fetch_add(1, Ordering::SeqCst);
    });
    let mut hits: Vec<HitByHand<'_>> = Vec::new();
    for i in 0..9 {
        let waker = if i % 3 == 1 { &panics } else { &counting };
        let mut hit: HitByHand<'_> = Box::pin(failpoint(name, None));
        assert!(poll_with(hit.as_mut(), waker).is_pending());
        hits.push(hit);
    }
    let thread = spawn(move || failpoint_blocking(name, None));
    guard.wait_until_paused(10).blocking().unwrap();
    assert_eq!(panic_of(|| guard.release_all()), "the waker panics");
    assert_eq!(woken.load(Ordering::SeqCst), 6);
    assert_eq!(gone(&mut hits).len(), 9);
    assert_eq!(thread.join().unwrap(), Continue);
    assert_eq!((guard.release_all(), waiters(name)), (0, 0));
}

#[test]
fn a_waker_may_release_and_change_the_point_it_was_released_from() {
    let _alone = isolate();
    within_deadline("a waker that uses everything", || {
        let name = "release-waker";
        configure_failpoint_with_context(name, "pause", [("tenant", ".*")]).unwrap();
        let released = Arc::new(AtomicUsize::new(0));
        let adds = released.clone();
        let waker = Calling::waker(move || {
            let count = release_failpoint(name, 1).unwrap_or(0);
            adds.fetch_add(count, Ordering::SeqCst);
            configure_failpoint(name, "return(x)").unwrap();
        });
        let context = tenant(1);
        let mut hits: Vec<HitByHand<'_>> = Vec::new();
        for _ in 0..4 {
            let mut hit: HitByHand<'_> = Box::pin(failpoint(name, Some(&context)));
            assert!(poll_with(hit.as_mut(), &waker).is_pending());
            hits.push(hit);
        }
        // The first wakes the second by a release, the second the third, and so on.
        assert_eq!(release_failpoint(name, 1).unwrap(), 1);
        assert_eq!(gone(&mut hits).len(), 4);
        assert_eq!(released.load(Ordering::SeqCst), 3);
        let next = block_on(failpoint(name, Some(&context)));
        assert_eq!(next, value("x"));
        remove_failpoint(name);
    });
}
