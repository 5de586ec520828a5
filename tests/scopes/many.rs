//! Proves by force of numbers that what happens in one scope never wakes, counts or ends anything in
//! another (I9).

use std::sync::Barrier;
use std::thread;

use tokio::task::{JoinSet, spawn_blocking};

use crate::common::rounds;
use crate::common::{Runtime, hit, info, now, value, waiting, within_deadline};
use neon_failpoint::FailpointResult::{self, Continue};
use neon_failpoint::{
    Origin, arm, configure_failpoint, fail_point, fail_point_sync, failpoint, isolate,
    list_failpoints, release_failpoint, remove_all_failpoints, remove_failpoint, wait_for_hits,
};

const NAMES: [&str; 3] = ["scopes-many-a", "scopes-many-b", "scopes-many-c"];

/// A literal site for each of [`NAMES`].
fn site(which: usize) -> FailpointResult {
    match which {
        0 => fail_point_sync!("scopes-many-a", FailpointResult::Return),
        1 => fail_point_sync!("scopes-many-b", FailpointResult::Return),
        _ => fail_point_sync!("scopes-many-c", FailpointResult::Return),
    }
    Continue
}

#[test]
fn sixty_four_threads_on_the_same_names_see_their_own_values_only() {
    const THREADS: usize = 64;
    let rounds = rounds() / 10;
    let meet = Barrier::new(THREADS);
    thread::scope(|threads| {
        for own in 0..THREADS {
            let meet = &meet;
            threads.spawn(move || {
                meet.wait();
                let alone = isolate();
                for round in 0..rounds {
                    let which = (round + own) % 3;
                    let name = NAMES[which];
                    let text = format!("{own}-{round}");
                    // Armed, hit twice, by a site and by name.
                    let point = arm(name, format!("2*return({text})->pause")).unwrap();
                    assert_eq!((site(which), hit(name)), (value(&text), value(&text)));
                    let mut paused = waiting(failpoint(name, None));
                    assert!(crate::common::poll_once(paused.as_mut()).is_pending());
                    assert_eq!(
                        (point.hits(), point.fired(), point.waiters().len()),
                        (3, 3, 1)
                    );
                    let shown = info(name).unwrap();
                    assert_eq!((shown.hits(), shown.origin()), (3, Some(Origin::Scope)));
                    let released = match round % 3 {
                        0 => point.release_one(),
                        1 => release_failpoint(name, 9).unwrap(),
                        _ => {
                            remove_failpoint(name);
                            1
                        }
                    };
                    assert_eq!((released, now(paused)), (1, Continue));
                    drop(point);
                    assert_eq!((site(which), hit(name)), (Continue, Continue));
                    // Plain, listed and removed.
                    configure_failpoint(name, format!("return({text})")).unwrap();
                    let mut own_points = list_failpoints();
                    own_points.retain(|point| point.origin() == Some(Origin::Scope));
                    assert_eq!(own_points.len(), 1);
                    assert_eq!(own_points[0].actions().unwrap(), format!("return({text})"));
                    assert_eq!(site(which), value(&text));
                    wait_for_hits(name, 1).blocking().unwrap();
                    if round % 2 == 0 {
                        remove_failpoint(name);
                    } else {
                        remove_all_failpoints();
                    }
                    assert_eq!(site(which), Continue);
                }
                drop(alone);
                assert_eq!(site(own % 3), Continue);
            });
        }
    });
}

#[test]
fn eight_tests_on_several_threads_each_run_at_once() {
    within_deadline("eight tests at once", || {
        let meet = std::sync::Arc::new(Barrier::new(8));
        let tests: Vec<_> = (0..8_usize)
            .map(|own| {
                let meet = meet.clone();
                thread::spawn(move || {
                    Runtime::MultiThread.build().block_on(async move {
                        let _alone = isolate();
                        meet.wait();
                        for round in 0..50 {
                            one_of_eight(own, round).await;
                        }
                    });
                })
            })
            .collect();
        for test in tests {
            test.join().unwrap();
        }
    });
}

async fn one_of_eight(own: usize, round: usize) {
    async fn work() -> usize {
        fail_point!("scopes-many-work");
        fail_point!("scopes-many-value", |text| text.parse().unwrap());
        usize::MAX
    }
    let point = arm("scopes-many-work", "pause").unwrap().must_fire();
    let returns = arm(
        "scopes-many-value",
        format!("return({})", own * 1_000 + round),
    )
    .unwrap();
    let mut tasks = JoinSet::new();
    for _ in 0..4 {
        tasks.spawn(work());
    }
    let blocking = spawn_blocking(|| hit("scopes-many-work"));
    point.wait_until_paused(5).await.unwrap();
    assert_eq!((point.hits(), returns.hits()), (5, 0));
    assert_eq!(point.release(2), 2);
    assert_eq!(point.waiters().len(), 3);
    assert_eq!(point.release_all(), 3);
    assert_eq!(blocking.await.unwrap(), Continue);
    for seen in tasks.join_all().await {
        assert_eq!(seen, own * 1_000 + round);
    }
    assert_eq!((point.hits(), returns.fired()), (5, 4));
}

/// A publication in one scope wakes neither waiters nor observers of others.
#[test]
fn a_waiter_and_an_observer_are_not_woken_by_what_happens_in_other_scopes() {
    let name = "scopes-many-woken";
    let _alone = isolate();
    let point = arm(name, "pause").unwrap();
    let (woken, waker) = crate::common::Counter::new();
    let mut hit: crate::common::HitByHand<'_> = Box::pin(failpoint(name, None));
    assert!(crate::common::poll_with(hit.as_mut(), &waker).is_pending());
    let mut observer = Box::pin(point.wait_for_hits(2).within(std::time::Duration::MAX));
    assert!(crate::common::poll_with(observer.as_mut(), &waker).is_pending());
    let other = move || {
        for _ in 0..100 {
            let _alone = isolate();
            let guard = arm(name, "off").unwrap();
            let _ = crate::common::hit(name);
            let _ = crate::common::hit(name);
            guard.configure("off").unwrap();
            drop(guard);
            configure_failpoint(name, "off").unwrap();
            remove_failpoint(name);
            remove_all_failpoints();
        }
    };
    thread::spawn(other).join().unwrap();
    assert_eq!(woken.woken(), 0);
    assert_eq!(point.hits(), 1);
    assert_eq!(point.release_one(), 1);
    assert_eq!(now(hit), Continue);
}
