//! Proves which waiters a release chooses: the first, some, all, or those whose context matches.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use super::{NO_MATCHERS, gone, tenant};
use crate::common::crew::Crew;
use crate::common::{
    Calling, HitByHand, Runtime, WAITS, assert_stats, block_on, now, poll_once, poll_with, spawn,
    until, waiting, within_deadline,
};
use neon_failpoint::FailpointResult::{self, Continue};
use neon_failpoint::{
    FailpointContext, arm, compat, fail_point, fail_point_sync, failpoint, failpoint_blocking,
    failpoint_with_cancellation, isolate, pausable_failpoint, release_failpoint,
    release_failpoint_matching, sleep_millis_async,
};
use tokio_util::sync::CancellationToken;

#[test]
fn the_first_some_and_all_go_in_the_order_of_arrival_and_the_rest_wait_on() {
    let _alone = isolate();
    for waits in WAITS {
        let _runtime = Runtime::CurrentThread.build();
        let _entered = _runtime.enter();
        let name = format!("release-order-{waits}");
        let guard = arm(&name, waits).unwrap();
        let mut hits: Vec<_> = (0..10).map(|_| waiting(failpoint(&name, None))).collect();
        assert_eq!((guard.release(0), gone(&mut hits)), (0, vec![]));
        assert_eq!((guard.release_one(), gone(&mut hits)), (1, vec![0]));
        assert_eq!((guard.release(3), gone(&mut hits)), (3, vec![1, 2, 3]));
        assert_eq!(release_failpoint(&name, 2).unwrap(), 2);
        assert_eq!(gone(&mut hits), [4, 5]);
        // Not looked at in between, and one in the middle left by itself.
        hits[7] = Box::pin(std::future::pending());
        assert_eq!([guard.release_one(), guard.release_one()], [1, 1]);
        assert_eq!(gone(&mut hits), [6, 8]);
        hits.push(waiting(failpoint(&name, None)));
        assert_eq!((guard.waiters().len(), guard.hits()), (2, 11));
        assert_eq!(
            (guard.release(usize::MAX), gone(&mut hits)),
            (2, vec![9, 10])
        );
        assert_eq!([guard.release_all(), guard.release_one()], [0, 0]);
        // The point is as it was.
        assert_stats(&name, (11, 11, 0));
        let again = waiting(failpoint(&name, None));
        assert_eq!((guard.release_all(), now(again)), (1, Continue));
    }
}

#[test]
fn each_crew_goes_one_by_one() {
    let _alone = isolate();
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
    let _alone = isolate();
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
        spawn(|| fail_point_sync!("release-sites")),
        spawn(|| assert_eq!(failpoint_blocking("release-sites", None), Continue)),
        spawn(|| compat::fail_point!("release-sites")),
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
    let _alone = isolate();
    let name = "release-matching";
    let guard = arm(name, "pause").unwrap();
    let contexts: Vec<_> = (0..12).map(tenant).collect();
    let empty = FailpointContext::new();
    let mut hits: Vec<_> = contexts
        .iter()
        .map(|context| waiting(failpoint(name, Some(context))))
        .collect();
    hits.push(waiting(failpoint(name, None)));
    hits.push(waiting(failpoint(name, Some(&empty))));
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
    let _alone = isolate();
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
                    spawn(move || {
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
            let driver = spawn(move || {
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
    let _alone = isolate();
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
    let mut hits: Vec<HitByHand<'_>> = (0..100)
        .map(|_| {
            let mut hit: HitByHand<'_> = Box::pin(failpoint(name, None));
            assert!(poll_with(hit.as_mut(), &waker).is_pending());
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
fn a_guard_releases_its_own_layer_and_a_name_what_is_on_top() {
    let _alone = isolate();
    let name = "release-layers";
    let older = arm(name, "pause").unwrap();
    let younger = arm(name, "pause").unwrap();
    let hit = waiting(failpoint(name, None));
    assert_eq!((older.release_all(), older.waiters().len()), (0, 0));
    assert_eq!(older.release_matching(NO_MATCHERS).unwrap(), 0);
    assert_eq!(release_failpoint(name, 9).unwrap(), 1);
    assert_eq!(now(hit), Continue);
    drop(younger);
    let hit = waiting(failpoint(name, None));
    assert_eq!((older.release_all(), now(hit)), (1, Continue));
}

#[test]
fn a_point_where_nobody_waits_lets_nobody_go() {
    let _alone = isolate();
    for actions in ["off", "return", "0*pause", "1*yield"] {
        let guard = arm("release-nobody", actions).unwrap();
        let _ = failpoint_blocking("release-nobody", None);
        assert_eq!([guard.release_one(), guard.release_all()], [0, 0]);
        assert_eq!(release_failpoint("release-nobody", 7).unwrap(), 0);
        assert_eq!(guard.hits(), 1);
    }
}
