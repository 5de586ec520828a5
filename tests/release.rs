//! Proves whom a release lets go: the first, some, all, or those whose context matches, in
//! the order of arrival; that the others wait on; and what it counts. Shares the global
//! table: every test has names of its own.

mod common;
#[path = "common/control.rs"]
mod control;

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

use common::{
    Counter, Runtime, WAITS, assert_stats, block_on, now, poll_once, until, waiters,
    within_deadline,
};
use control::{Calling, Crew, panic_of, shared};
use neon_failpoint::FailpointResult::{self, Cancelled, Continue, Return};
use neon_failpoint::{
    FailpointContext, arm, compat, configure_failpoint, configure_failpoint_with_context,
    fail_point, fail_point_sync, failpoint, failpoint_blocking, failpoint_context,
    failpoint_with_cancellation, pausable_failpoint, release_failpoint, release_failpoint_matching,
    remove_failpoint, sleep_millis_async, wait_until_paused,
};
use tokio_util::sync::CancellationToken;

const NO_MATCHERS: [(&str, &str); 0] = [];

fn tenant(i: usize) -> FailpointContext {
    failpoint_context! { "tenant" => format!("t-{i}"), "i" => i }
}

/// A hit that is polled by hand.
type ByHand<'a> = Pin<Box<dyn Future<Output = FailpointResult> + 'a>>;

#[track_caller]
fn standing<'a>(hit: impl Future<Output = FailpointResult> + 'a) -> ByHand<'a> {
    let mut hit: ByHand<'a> = Box::pin(hit);
    assert!(poll_once(hit.as_mut()).is_pending());
    hit
}

/// Which of them went.
fn gone(hits: &mut [ByHand<'_>]) -> Vec<usize> {
    let mut gone = Vec::new();
    for (i, hit) in hits.iter_mut().enumerate() {
        match poll_once(hit.as_mut()) {
            Poll::Ready(result) => {
                assert_eq!(result, Continue);
                // Polled again later: it has to wait, or not be counted again.
                *hit = Box::pin(std::future::pending());
                gone.push(i);
            }
            Poll::Pending => {}
        }
    }
    gone
}

// Whom.

#[test]
fn the_first_some_and_all_go_in_the_order_of_arrival_and_the_rest_wait_on() {
    let _table = shared();
    for waits in WAITS {
        let _runtime = Runtime::CurrentThread.build();
        let _entered = _runtime.enter();
        let name = format!("release-order-{waits}");
        let guard = arm(&name, waits).unwrap();
        let mut hits: Vec<_> = (0..10).map(|_| standing(failpoint(&name, None))).collect();
        assert_eq!((guard.release(0), gone(&mut hits)), (0, vec![]));
        assert_eq!((guard.release_one(), gone(&mut hits)), (1, vec![0]));
        assert_eq!((guard.release(3), gone(&mut hits)), (3, vec![1, 2, 3]));
        assert_eq!(release_failpoint(&name, 2).unwrap(), 2);
        assert_eq!(gone(&mut hits), [4, 5]);
        // Not looked at in between, and one in the middle left by itself.
        hits[7] = Box::pin(std::future::pending());
        assert_eq!([guard.release_one(), guard.release_one()], [1, 1]);
        assert_eq!(gone(&mut hits), [6, 8]);
        hits.push(standing(failpoint(&name, None)));
        assert_eq!((guard.waiters().len(), guard.hits()), (2, 11));
        assert_eq!(
            (guard.release(usize::MAX), gone(&mut hits)),
            (2, vec![9, 10])
        );
        assert_eq!([guard.release_all(), guard.release_one()], [0, 0]);
        // The point is as it was.
        assert_stats(&name, (11, 11, 0));
        let again = standing(failpoint(&name, None));
        assert_eq!((guard.release_all(), now(again)), (1, Continue));
    }
}

#[test]
fn each_crew_goes_one_by_one() {
    let _table = shared();
    Crew::each("one by one", |crew| async move {
        let name = crew.name("release-one");
        let guard = arm(&name, "pause").unwrap();
        let mut hits = Vec::new();
        for n in 1..=6 {
            hits.push(crew.hit(&name));
            crew.wait(guard.wait_until_paused(n)).await.unwrap();
        }
        for (left, hit) in hits.into_iter().enumerate().map(|(i, hit)| (5 - i, hit)) {
            assert_eq!(guard.release_one(), 1);
            assert_eq!(hit.result().await, Continue);
            assert_eq!(guard.waiters().len(), left);
        }
        assert_eq!(guard.release_one(), 0);
        assert_eq!((guard.hits(), guard.fired()), (6, 6));
    });
}

#[test]
fn every_kind_of_call_site_is_let_go() {
    let _table = shared();
    let runtime = Runtime::MultiThread.build();
    let _entered = runtime.enter();
    let name = "release-sites";
    let guard = arm(name, "pause").unwrap();
    let cancel = CancellationToken::new();
    let token = cancel.clone();
    let tasks = [
        runtime.spawn(async { fail_point!("release-sites") }),
        runtime.spawn(async { pausable_failpoint!("release-sites").await.unwrap() }),
        runtime.spawn(async { sleep_millis_async!("release-sites").await }),
        runtime.spawn(async move {
            let hit = failpoint_with_cancellation("release-sites", None, &token).await;
            assert_eq!(hit, Continue);
        }),
        runtime.spawn(async { compat::async_fail_point!("release-sites") }),
    ];
    let threads = [
        thread::spawn(|| fail_point_sync!("release-sites")),
        thread::spawn(|| assert_eq!(failpoint_blocking("release-sites", None), Continue)),
        thread::spawn(|| compat::fail_point!("release-sites")),
    ];
    guard.wait_until_paused(8).blocking().unwrap();
    assert_eq!(guard.release_all(), 8);
    within_deadline("all sites go on", || {
        threads.into_iter().for_each(|t| t.join().unwrap());
        tasks.into_iter().for_each(|t| block_on(t).unwrap());
    });
    assert_eq!(guard.hits(), 8);
}

#[test]
fn those_whose_context_matches_go_and_the_others_wait_on() {
    let _table = shared();
    let name = "release-matching";
    let guard = arm(name, "pause").unwrap();
    let contexts: Vec<_> = (0..12).map(tenant).collect();
    let empty = FailpointContext::new();
    let mut hits: Vec<_> = contexts
        .iter()
        .map(|context| standing(failpoint(name, Some(context))))
        .collect();
    hits.push(standing(failpoint(name, None)));
    hits.push(standing(failpoint(name, Some(&empty))));
    let mut release = |matchers: &[(&str, &str)]| {
        let count = guard.release_matching(matchers.iter().copied()).unwrap();
        let gone = gone(&mut hits);
        assert_eq!(count, gone.len(), "{matchers:?}");
        gone
    };
    assert_eq!(release(&[("tenant", "t-")]), [0; 0]);
    assert_eq!(release(&[("no such key", ".*")]), [0; 0]);
    assert_eq!(release(&[("tenant", "t-1")]), [1]);
    assert_eq!(release(&[("tenant", "t-1[01]")]), [10, 11]);
    assert_eq!(release(&[("tenant", "t-[2-5]"), ("i", "[4-9]")]), [4, 5]);
    assert_eq!(
        release(&[("tenant", "t-[2-5]"), ("tenant", "t-[3-9]")]),
        [3]
    );
    assert_eq!(release(&[("i", "(?i)[02]")]), [0, 2]);
    assert_eq!(guard.waiters().len(), 6);
    let by_name = release_failpoint_matching(name, [("i", "[6-8]")]).unwrap();
    assert_eq!((by_name, gone(&mut hits)), (3, vec![6, 7, 8]));
    // No matcher at all is none that does not match.
    assert_eq!(guard.release_matching(NO_MATCHERS).unwrap(), 3);
    assert_eq!(gone(&mut hits), [9, 12, 13]);
}

#[test]
fn ten_of_a_thousand_go_by_their_context_and_nine_hundred_and_ninety_stay() {
    let _table = shared();
    for runtime in [Runtime::CurrentThread, Runtime::MultiThread] {
        within_deadline("a thousand", move || {
            let name = format!("release-1000-{runtime:?}");
            let guard = arm(&name, "pause").unwrap();
            // 900 tasks, which one thread drives, and 100 threads.
            let went = Arc::new(Mutex::new(Vec::new()));
            let goes = |i: usize| {
                let (name, went) = (name.clone(), went.clone());
                (name, tenant(i), move || went.lock().unwrap().push(i))
            };
            let is_thread = |i: usize| i % 10 == 7;
            let (tasks, threads): (Vec<usize>, Vec<usize>) =
                (0..1_000).partition(|i| !is_thread(*i));
            let threads: Vec<_> = threads
                .into_iter()
                .map(|i| {
                    let (name, context, goes) = goes(i);
                    thread::spawn(move || {
                        assert_eq!(failpoint_blocking(&name, Some(&context)), Continue);
                        goes();
                    })
                })
                .collect();
            let tasks: Vec<_> = tasks
                .into_iter()
                .map(|i| {
                    let (name, context, goes) = goes(i);
                    async move {
                        assert_eq!(failpoint(&name, Some(&context)).await, Continue);
                        goes();
                    }
                })
                .collect();
            let driver = thread::spawn(move || {
                runtime.build().block_on(async {
                    let tasks: Vec<_> = tasks.into_iter().map(tokio::spawn).collect();
                    for task in tasks {
                        task.await.unwrap();
                    }
                });
            });
            guard.wait_until_paused(1_000).blocking().unwrap();
            // One in a hundred, of which five are threads.
            let chosen = [("i", "[0-4]50|[5-9]07|50")];
            let released = guard.release_matching(chosen).unwrap();
            let expected: Vec<usize> = (0..1_000)
                .filter(|i| (*i < 500 && i % 100 == 50) || (*i >= 500 && i % 100 == 7))
                .collect();
            assert_eq!((released, expected.len()), (10, 10));
            until("ten went", || went.lock().unwrap().len() >= 10);
            assert_eq!(guard.waiters().len(), 990);
            let blocked = guard.waiters().iter().filter(|w| w.is_blocking()).count();
            assert_eq!(blocked, 95);
            // The rest in the order in which they came, however many at a time.
            let left: Vec<String> = guard
                .waiters()
                .iter()
                .map(|w| w.context().unwrap().get("i").unwrap().to_owned())
                .collect();
            assert_eq!(guard.release(90), 90);
            let still: Vec<String> = guard
                .waiters()
                .iter()
                .map(|w| w.context().unwrap().get("i").unwrap().to_owned())
                .collect();
            assert_eq!(still, left[90..]);
            until("a hundred went", || went.lock().unwrap().len() >= 100);
            let mut first_ten = went.lock().unwrap()[..10].to_vec();
            first_ten.sort_unstable();
            assert_eq!(first_ten, expected);
            let went_now = went.lock().unwrap().len();
            assert_eq!(went_now, 100, "nobody else");
            assert_eq!(guard.release_all(), 900);
            threads.into_iter().for_each(|t| t.join().unwrap());
            driver.join().unwrap();
            let mut all = went.lock().unwrap().clone();
            all.sort_unstable();
            assert_eq!(all, (0..1_000).collect::<Vec<_>>());
            assert_eq!((guard.hits(), guard.waiters().len()), (1_000, 0));
        });
    }
}

#[test]
fn whoever_arrives_during_a_release_is_not_let_go_by_it() {
    let _table = shared();
    let name = "release-arrives";
    let guard = arm(name, "pause").unwrap();
    // Who is woken comes back at once, from inside the waker.
    let back = Arc::new(Mutex::new(Vec::<ByHandSend>::new()));
    type ByHandSend = Pin<Box<dyn Future<Output = FailpointResult> + Send>>;
    let comes_back = back.clone();
    let waker = Calling::waker(move || {
        let mut hit: ByHandSend = Box::pin(failpoint("release-arrives", None));
        assert!(poll_once(hit.as_mut()).is_pending());
        comes_back.lock().unwrap().push(hit);
    });
    let mut hits: Vec<ByHand<'_>> = (0..100)
        .map(|_| {
            let mut hit: ByHand<'_> = Box::pin(failpoint(name, None));
            let mut context = Context::from_waker(&waker);
            assert!(hit.as_mut().poll(&mut context).is_pending());
            hit
        })
        .collect();
    within_deadline("the release comes to an end", move || {
        assert_eq!(guard.release_all(), 100);
        assert_eq!(guard.waiters().len(), 100);
        assert_eq!(guard.release(99), 99);
        assert_eq!(guard.release_all(), 1);
    });
    assert_eq!(gone(&mut hits).len(), 100);
    assert!(
        back.lock()
            .unwrap()
            .drain(..)
            .all(|hit| now(hit) == Continue)
    );
}

#[test]
fn a_release_wakes_whom_it_lets_go_once_and_nobody_else() {
    let _table = shared();
    let guard = arm("release-wakes", "pause").unwrap();
    let mut hits: Vec<_> = (0..5)
        .map(|_| {
            let (counter, waker) = Counter::new();
            let mut hit = Box::pin(failpoint("release-wakes", None));
            let mut context = Context::from_waker(&waker);
            assert!(hit.as_mut().poll(&mut context).is_pending());
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

// Counts.

#[test]
fn who_was_cancelled_or_dropped_before_is_not_counted() {
    let _table = shared();
    let name = "release-cancelled";
    let guard = arm(name, "pause").unwrap();
    let tokens = [(); 4].map(|()| CancellationToken::new());
    let mut hits: Vec<_> = tokens
        .iter()
        .map(|token| Some(standing(failpoint_with_cancellation(name, None, token))))
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
    let hits = [0, 1, 2].map(|i| standing(failpoint_with_cancellation(name, None, &tokens[i])));
    tokens[0].cancel();
    assert_eq!(guard.release_one(), 1);
    let [first, second, mut third] = hits;
    assert_eq!((now(first), now(second)), (Cancelled, Continue));
    assert!(poll_once(third.as_mut()).is_pending());
    // By a token that a parent cancels.
    let parent = CancellationToken::new();
    let child = parent.child_token();
    let hit = standing(failpoint_with_cancellation(name, None, &child));
    parent.cancel();
    assert_eq!(
        (guard.release_all(), now(hit), now(third)),
        (1, Cancelled, Continue)
    );
}

#[test]
fn who_was_released_goes_on_though_its_token_is_cancelled_before_it_looks() {
    let _table = shared();
    let name = "release-then-cancel";
    let guard = arm(name, "pause").unwrap();
    let token = CancellationToken::new();
    let hit = standing(failpoint_with_cancellation(name, None, &token));
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
    let _table = shared();
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
        let hit = standing(failpoint_with_cancellation(name, None, &token));
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
    let _table = shared();
    let name = "release-not";
    let guard = arm(name, "pause").unwrap();
    for is_over in [false, true] {
        let token = CancellationToken::new();
        let hit = standing(failpoint_with_cancellation(name, None, &token));
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
    let _table = shared();
    let guard = arm("release-then-drop", "pause").unwrap();
    let hits = [(); 2].map(|()| standing(failpoint("release-then-drop", None)));
    assert_eq!(guard.release_one(), 1);
    let [first, second] = hits;
    drop(first);
    assert_eq!((guard.release_all(), now(second)), (1, Continue));
}

#[test]
fn a_release_beats_the_end_of_a_sleep() {
    let _table = shared();
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

// Guards and layers.

#[test]
fn a_guard_releases_its_own_layer_and_a_name_what_is_on_top() {
    let _table = shared();
    let name = "release-layers";
    let older = arm(name, "pause").unwrap();
    let younger = arm(name, "pause").unwrap();
    let hit = standing(failpoint(name, None));
    assert_eq!((older.release_all(), older.waiters().len()), (0, 0));
    assert_eq!(older.release_matching(NO_MATCHERS).unwrap(), 0);
    assert_eq!(release_failpoint(name, 9).unwrap(), 1);
    assert_eq!(now(hit), Continue);
    drop(younger);
    let hit = standing(failpoint(name, None));
    assert_eq!((older.release_all(), now(hit)), (1, Continue));
}

// Errors.

#[test]
fn a_name_that_is_not_armed_is_an_error_and_so_is_a_bad_matcher_which_changes_nothing() {
    let _table = shared();
    fn never_called() {
        fail_point_sync!("release-unarmed-site");
    }
    let _: fn() = never_called;
    for error in [
        release_failpoint("release-unarmed-sit", 1).unwrap_err(),
        release_failpoint_matching("release-unarmed-sit", [("k", "v")]).unwrap_err(),
    ] {
        let text = error.to_string();
        for words in [
            "\"release-unarmed-sit\"",
            "not configured",
            "\"release-unarmed-site\"",
        ] {
            assert!(text.contains(words), "{text}");
        }
    }
    let name = "release-errors";
    let guard = arm(name, "pause").unwrap();
    let context = tenant(1);
    let mut hit = standing(failpoint(name, Some(&context)));
    for (bad, what) in [
        (
            [("tenant", ".*"), ("tenant", "(")],
            "not a regular expression",
        ),
        ([("", ".*"), ("tenant", ".*")], "empty key"),
    ] {
        for error in [
            guard.release_matching(bad).unwrap_err(),
            release_failpoint_matching(name, bad).unwrap_err(),
        ] {
            let text = error.to_string();
            assert!(text.contains(what) && text.contains(name), "{text}");
        }
        assert!(poll_once(hit.as_mut()).is_pending());
        assert_stats(name, (1, 1, 1));
    }
    assert_eq!((guard.release_all(), now(hit)), (1, Continue));
    drop(guard);
    assert!(release_failpoint(name, 0).is_err());
}

#[test]
fn a_point_where_nobody_waits_lets_nobody_go() {
    let _table = shared();
    for actions in ["off", "return", "0*pause", "1*yield"] {
        let guard = arm("release-nobody", actions).unwrap();
        let _ = failpoint_blocking("release-nobody", None);
        assert_eq!([guard.release_one(), guard.release_all()], [0, 0]);
        assert_eq!(release_failpoint("release-nobody", 7).unwrap(), 0);
        assert_eq!(guard.hits(), 1);
    }
}

// Others' code.

#[test]
fn a_waker_that_panics_is_told_after_everybody_was_woken() {
    let _table = shared();
    let name = "release-panics";
    let guard = arm(name, "pause").unwrap();
    let panics = Calling::waker(|| panic!("the waker panics"));
    let woken = Arc::new(AtomicUsize::new(0));
    let counts = woken.clone();
    let counting = Calling::waker(move || {
        counts.fetch_add(1, Ordering::SeqCst);
    });
    let mut hits: Vec<ByHand<'_>> = Vec::new();
    for i in 0..9 {
        let waker = if i % 3 == 1 { &panics } else { &counting };
        let mut hit: ByHand<'_> = Box::pin(failpoint(name, None));
        assert!(
            hit.as_mut()
                .poll(&mut Context::from_waker(waker))
                .is_pending()
        );
        hits.push(hit);
    }
    let thread = thread::spawn(move || failpoint_blocking(name, None));
    guard.wait_until_paused(10).blocking().unwrap();
    assert_eq!(panic_of(|| guard.release_all()), "the waker panics");
    assert_eq!(woken.load(Ordering::SeqCst), 6);
    assert_eq!(gone(&mut hits).len(), 9);
    assert_eq!(thread.join().unwrap(), Continue);
    assert_eq!((guard.release_all(), waiters(name)), (0, 0));
}

#[test]
fn a_waker_may_release_and_change_the_point_it_was_released_from() {
    let _table = shared();
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
        let mut hits: Vec<ByHand<'_>> = Vec::new();
        for _ in 0..4 {
            let mut hit: ByHand<'_> = Box::pin(failpoint(name, Some(&context)));
            assert!(
                hit.as_mut()
                    .poll(&mut Context::from_waker(&waker))
                    .is_pending()
            );
            hits.push(hit);
        }
        // The first wakes the second by a release, the second the third, and so on.
        assert_eq!(release_failpoint(name, 1).unwrap(), 1);
        assert_eq!(gone(&mut hits).len(), 4);
        assert_eq!(released.load(Ordering::SeqCst), 3);
        let next = block_on(failpoint(name, Some(&context)));
        assert_eq!(next, Return("x".to_owned()));
        remove_failpoint(name);
    });
}

#[test]
fn releases_of_many_threads_together_let_everybody_go_exactly_once() {
    let _table = shared();
    within_deadline("releases of many threads", || {
        let name = "release-many";
        let guard = arm(name, "pause").unwrap();
        for round in 0..20 {
            let contexts: Vec<_> = (0..300).map(tenant).collect();
            let hits: Vec<_> = contexts
                .iter()
                .map(|context| standing(failpoint(name, Some(context))))
                .collect();
            wait_until_paused(name, 300).blocking().unwrap();
            let released: usize = thread::scope(|scope| {
                let guard = &guard;
                let release = |i: usize| {
                    scope.spawn(move || {
                        let mut count = 0;
                        for j in 0..60 {
                            count += match (i + j + round) % 3 {
                                0 => guard.release_one(),
                                1 => release_failpoint(name, 2).unwrap(),
                                _ => guard.release_matching([("i", ".*[13579]")]).unwrap(),
                            };
                        }
                        count
                    })
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
