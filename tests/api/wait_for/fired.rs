//! Proves that a wait for hits that fire counts those and no others, and is woken once.

use std::sync::{Arc, Barrier};
use std::time::Duration;

use super::ByHand;
use crate::common::crew::Crew;
use crate::common::{assert_says, hit, now, spawn, within_deadline};
use neon_failpoint::FailpointResult::Continue;
use neon_failpoint::{
    arm, failpoint_blocking, failpoint_context, isolate, wait_for_hits, wait_until_fired,
};

#[test]
fn only_hits_that_chose_an_alternative_count() {
    let _alone = isolate();
    Crew::each("what fires", |crew| async move {
        for (actions, fires) in [
            ("off", true),
            ("0*off->print", true),
            ("100%yield", true),
            ("0*off", false),
            ("0%off", false),
            ("when(k=v)off", false),
        ] {
            let name = crew.name(&format!("wait-fired-{actions}"));
            let guard = arm(&name, actions).unwrap();
            crew.wait(guard.wait_until_fired(0)).await.unwrap();
            assert_eq!(crew.hit(&name).result().await, Continue);
            crew.wait(guard.wait_for_hits(1)).await.unwrap();
            for wait in [guard.wait_until_fired(1), wait_until_fired(&name, 1)] {
                let fired = crew.wait(wait.within(Duration::ZERO)).await;
                assert_eq!(fired.is_ok(), fires, "{actions}: {fired:?}");
                if let Err(error) = fired {
                    assert!(error.is_timeout());
                    assert_says(&error, &[&name, "0 of 1 hits fired"]);
                }
            }
        }
    });
}

#[test]
fn it_is_woken_once_by_the_hit_that_it_waits_for() {
    let _alone = isolate();
    let name = "wait-fired-woken";
    let guard = arm(name, "when(k=v)off").unwrap();
    let of = |value| {
        let context = failpoint_context! { "k" => value };
        assert_eq!(failpoint_blocking(name, Some(&context)), Continue);
    };
    let (mut one, mut two) = (
        ByHand::new(guard.wait_until_fired(1)),
        ByHand::new(wait_until_fired(name, 2)),
    );
    let (mut hits, mut more) = (
        ByHand::new(guard.wait_for_hits(3)),
        ByHand::new(wait_for_hits(name, 5)),
    );
    let all = [&mut one, &mut two, &mut hits, &mut more];
    all.into_iter().for_each(ByHand::assert_pending);
    of("w");
    of("w");
    for wait in [&one, &two, &hits] {
        wait.assert_woken(0);
    }
    one.assert_pending();
    of("v");
    one.assert_woken(1);
    hits.assert_woken(1);
    two.assert_woken(0);
    one.result().unwrap();
    hits.result().unwrap();
    two.assert_pending();
    of("w");
    two.assert_woken(0);
    of("v");
    two.assert_woken(1);
    more.assert_woken(1);
    two.result().unwrap();
    more.result().unwrap();
    // It has happened, however long ago.
    now(guard.wait_until_fired(2)).unwrap();
    // Anew after a configuration.
    guard.configure("off").unwrap();
    let mut again = ByHand::new(guard.wait_until_fired(1));
    again.assert_pending();
    guard.configure("when(k=w)off").unwrap();
    again.assert_woken(1);
    again.assert_pending();
    of("w");
    again.assert_woken(2);
    again.result().unwrap();
    drop(ByHand::new(guard.wait_until_fired(9)));
    assert_eq!(guard.waiters().len(), 0);
}

#[test]
fn a_waiter_is_not_left_behind_by_hits_of_many_threads() {
    let _alone = isolate();
    within_deadline("hits against waits that they fire", || {
        const THREADS: usize = 4;
        for round in 0..300 {
            let name = "wait-fired-many";
            let guard = arm(name, "0*off->when(k=v)0*off->2*off->off").unwrap();
            let start = Arc::new(Barrier::new(THREADS + 1));
            let threads = [(); THREADS].map(|()| {
                let start = start.clone();
                spawn(move || {
                    start.wait();
                    assert_eq!(hit(name), Continue);
                })
            });
            start.wait();
            let waits = (1..=THREADS).map(|n| guard.wait_until_fired(n).within(Duration::MAX));
            for wait in waits.rev() {
                wait.blocking().unwrap();
            }
            for thread in threads {
                thread.join().unwrap();
            }
            assert_eq!(guard.fired(), THREADS, "round {round}");
        }
    });
}
