//! Proves what a release counts: the waiters that continue because of it, each once, whatever else
//! ends their waits.

use std::pin::pin;
use std::thread;
use std::time::Duration;

use super::tenant;
use crate::common::{Runtime, in_current_scope, now, poll_once, waiting, within_deadline};
use neon_failpoint::FailpointResult::{Cancelled, Continue};
use neon_failpoint::{
    arm, configure_failpoint, failpoint, failpoint_with_cancellation, isolate, release_failpoint,
    remove_failpoint, wait_until_paused,
};
use tokio_util::sync::CancellationToken;

#[test]
fn who_was_cancelled_or_dropped_before_is_not_counted() {
    let _alone = isolate();
    let name = "release-cancelled";
    let guard = arm(name, "pause").unwrap();
    let tokens = [(); 4].map(|()| CancellationToken::new());
    let mut hits: Vec<_> = tokens
        .iter()
        .map(|token| Some(waiting(failpoint_with_cancellation(name, None, token))))
        .collect();
    tokens[0].cancel();
    hits[1] = None;
    // The first looked already, the second is gone, the third has not looked yet.
    assert_eq!(now(hits[0].take().unwrap()), Cancelled);
    tokens[2].cancel();
    assert_eq!((guard.waiters().len(), guard.release_all()), (2, 1));
    assert_eq!(now(hits[2].take().unwrap()), Cancelled);
    assert_eq!(now(hits[3].take().unwrap()), Continue);
    assert_eq!(guard.release_all(), 0);
    // One that is cancelled takes nobody's place among the first n.
    let tokens = [(); 3].map(|()| CancellationToken::new());
    let hits = [0, 1, 2].map(|i| waiting(failpoint_with_cancellation(name, None, &tokens[i])));
    tokens[0].cancel();
    assert_eq!(guard.release_one(), 1);
    let [first, second, mut third] = hits;
    assert_eq!((now(first), now(second)), (Cancelled, Continue));
    assert!(poll_once(third.as_mut()).is_pending());
    // By a token that a parent cancels.
    let parent = CancellationToken::new();
    let child = parent.child_token();
    let hit = waiting(failpoint_with_cancellation(name, None, &child));
    parent.cancel();
    assert_eq!(
        (guard.release_all(), now(hit), now(third)),
        (1, Cancelled, Continue)
    );
}

#[test]
fn who_was_released_goes_on_though_its_token_is_cancelled_before_it_looks() {
    let _alone = isolate();
    let name = "release-then-cancel";
    let guard = arm(name, "pause").unwrap();
    let token = CancellationToken::new();
    let hit = waiting(failpoint_with_cancellation(name, None, &token));
    assert_eq!(guard.release_one(), 1);
    token.cancel();
    assert_eq!(now(hit), Continue);
    assert_eq!(guard.release_one(), 0);
    // The next one is cancelled as always.
    let next = failpoint_with_cancellation(name, None, &token);
    assert_eq!(now(next), Cancelled);
}

/// It was counted as one who goes on; what becomes of the point afterwards is nothing to it.
#[test]
fn who_was_released_goes_on_though_the_point_changes_and_then_its_token_is_cancelled() {
    let _alone = isolate();
    let name = "release-change-cancel";
    type Change = fn(&str);
    let changes: [(&str, Change); 3] = [
        ("configured", |n| configure_failpoint(n, "pause").unwrap()),
        ("removed", |n| remove_failpoint(n)),
        ("armed over", |n| drop(arm(n, "off").unwrap())),
    ];
    for (what, change) in changes {
        configure_failpoint(name, "pause").unwrap();
        let token = CancellationToken::new();
        let hit = waiting(failpoint_with_cancellation(name, None, &token));
        assert_eq!(release_failpoint(name, 1).unwrap(), 1);
        change(name);
        token.cancel();
        assert_eq!(now(hit), Continue, "{what}");
    }
    remove_failpoint(name);
}

/// As with any reconfiguration: where both are there at one poll, it is `Cancelled`.
#[test]
fn who_went_on_because_a_guard_came_and_went_is_cancelled_all_the_same() {
    let _alone = isolate();
    let name = "release-not";
    let guard = arm(name, "pause").unwrap();
    for is_over in [false, true] {
        let token = CancellationToken::new();
        let hit = waiting(failpoint_with_cancellation(name, None, &token));
        let younger = arm(name, "off").unwrap();
        let younger = (!is_over).then_some(younger);
        token.cancel();
        assert_eq!(now(hit), Cancelled, "the guard is gone: {is_over}");
        drop(younger);
    }
    assert_eq!(guard.release_all(), 0);
}

#[test]
fn who_was_released_and_dropped_before_it_looked_was_counted_once() {
    let _alone = isolate();
    let guard = arm("release-then-drop", "pause").unwrap();
    let hits = [(); 2].map(|()| waiting(failpoint("release-then-drop", None)));
    assert_eq!(guard.release_one(), 1);
    let [first, second] = hits;
    drop(first);
    assert_eq!((guard.release_all(), now(second)), (1, Continue));
}

#[test]
fn a_release_beats_the_end_of_a_sleep() {
    let _alone = isolate();
    Runtime::PausedClock.run("sleeps", || async {
        let name = "release-sleep";
        let guard = arm(name, "sleep(50)").unwrap();
        let start = tokio::time::Instant::now();
        let mut hits = [(); 3].map(|()| Box::pin(failpoint(name, None)));
        for hit in &mut hits {
            assert!(poll_once(hit.as_mut()).is_pending());
        }
        let [first, second, third] = hits;
        assert_eq!(guard.release_one(), 1);
        assert_eq!((first.await, start.elapsed()), (Continue, Duration::ZERO));
        assert_eq!(second.await, Continue);
        assert!(start.elapsed() >= Duration::from_millis(50));
        // Its time is over as well, but it has not looked yet: then it is still there.
        assert_eq!(guard.release_all(), 1);
        assert_eq!(third.await, Continue);
    });
}

#[test]
fn releases_of_many_threads_together_let_everybody_go_exactly_once() {
    let _alone = isolate();
    within_deadline("releases of many threads", || {
        let name = "release-many";
        let guard = arm(name, "pause").unwrap();
        for round in 0..6 {
            let contexts: Vec<_> = (0..300).map(tenant).collect();
            let hits: Vec<_> = contexts
                .iter()
                .map(|context| waiting(failpoint(name, Some(context))))
                .collect();
            wait_until_paused(name, 300).blocking().unwrap();
            let released: usize = thread::scope(|scope| {
                let guard = &guard;
                let release = |i: usize| {
                    scope.spawn(in_current_scope(move || {
                        let mut count = 0;
                        for j in 0..60 {
                            count += match (i + j + round) % 3 {
                                0 => guard.release_one(),
                                1 => release_failpoint(name, 2).unwrap(),
                                _ => guard.release_matching([("i", ".*[13579]")]).unwrap(),
                            };
                        }
                        count
                    }))
                };
                let threads: Vec<_> = (0..4).map(release).collect();
                threads.into_iter().map(|t| t.join().unwrap()).sum()
            });
            let released = released + guard.release_all();
            assert_eq!((released, guard.waiters().len()), (300, 0));
            assert!(hits.into_iter().all(|hit| now(hit) == Continue));
        }
        let unpolled = pin!(failpoint(name, None));
        assert_eq!(guard.release_all(), 0);
        drop(guard);
        assert_eq!(now(unpolled), Continue);
    });
}
