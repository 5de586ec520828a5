//! Proves that every wait that ends is told once, with its reason.

use std::task::Poll;
use std::time::Duration;

use super::{Hooked, lines, listen, told};
use crate::common::crew::Crew;
use crate::common::{Runtime, hit, info, now, poll_once, waiting};
use neon_failpoint::FailpointResult::{Cancelled, Continue};
use neon_failpoint::{
    arm, compat, configure_failpoint, configure_failpoint_callback, configure_failpoints,
    failpoint, failpoint_context, failpoint_with_cancellation, isolate, release_failpoint,
    release_failpoint_matching, remove_failpoint, wait_until_paused,
};
use tokio_util::sync::CancellationToken;

#[test]
fn every_end_of_a_wait_is_told_once_with_its_reason_and_its_time() {
    let _alone = isolate();
    listen();
    type End = fn(&str);
    let ends: [(&str, &str, End); 9] = [
        ("release", "released", |n| {
            assert_eq!(release_failpoint(n, 1).unwrap(), 1)
        }),
        ("matching", "released", |n| {
            assert_eq!(release_failpoint_matching(n, [("k", "v")]).unwrap(), 1);
        }),
        ("configure", "reconfigured", |n| {
            configure_failpoint(n, "off").unwrap()
        }),
        ("batch", "reconfigured", |n| {
            configure_failpoints([(n, "pause")]).unwrap()
        }),
        ("callback", "reconfigured", |n| {
            configure_failpoint_callback(n, || {}).unwrap()
        }),
        ("remove", "reconfigured", |n| remove_failpoint(n)),
        ("compat", "reconfigured", |n| compat::remove(n)),
        ("armed over", "reconfigured", |n| {
            std::mem::forget(arm(n, "off").unwrap())
        }),
        ("disarmed", "reconfigured", |_| {}),
    ];
    for (what, why, end) in ends {
        Crew::each("ends of waits", move |crew| async move {
            let name = crew.name(&format!("events-ends-{what}"));
            configure_failpoint(&name, "pause").unwrap();
            let guard = (what == "disarmed").then(|| arm(&name, "pause").unwrap());
            let hit = crew.hit_with(&name, Some(failpoint_context! { "k" => "v" }));
            crew.wait(wait_until_paused(&name, 1)).await.unwrap();
            let since = info(&name).unwrap().waiters()[0].since();
            crew.until("some time went by", || {
                since.elapsed() > Duration::from_millis(2)
            })
            .await;
            told(&name);
            end(&name);
            drop(guard);
            assert_eq!(hit.result().await, Continue);
            let ended: Vec<_> = told(&name)
                .into_iter()
                .filter(|told| told.message == "wait ended")
                .collect();
            assert_eq!(ended.len(), 1, "{what}: {ended:?}");
            let fields: Vec<_> = ended[0]
                .fields
                .iter()
                .map(|(n, kind, _)| (*n, *kind))
                .collect();
            assert_eq!(
                fields,
                [("failpoint", "str"), ("why", "str"), ("waited_ms", "u64")]
            );
            assert_eq!(ended[0].get("why"), Some(why), "{what}, {crew:?}");
            let waited: u64 = ended[0].get("waited_ms").unwrap().parse().unwrap();
            assert!((2..60_000).contains(&waited), "{waited}");
            assert_eq!(ended[0].target, "neon_failpoint");
            remove_failpoint(&name);
        });
    }
}

#[test]
fn a_sleep_that_is_over_a_cancelled_wait_and_a_dropped_one_are_told_once() {
    let _alone = isolate();
    listen();
    fn whys(name: &str) -> Vec<String> {
        let told = told(name);
        let ended = told.iter().filter(|told| told.message == "wait ended");
        ended
            .map(|told| told.get("why").unwrap().to_owned())
            .collect()
    }
    Crew::each("a sleep", |crew| async move {
        let name = crew.name("events-sleep");
        let _guard = arm(&name, "sleep(3)").unwrap();
        assert_eq!(crew.hit(&name).result().await, Continue);
        assert_eq!(whys(&name), ["elapsed"]);
    });
    let name = "events-cancelled";
    let guard = arm(name, "pause").unwrap();
    let token = CancellationToken::new();
    let mut cancelled = Box::pin(failpoint_with_cancellation(name, None, &token));
    assert!(poll_once(cancelled.as_mut()).is_pending());
    token.cancel();
    assert_eq!(poll_once(cancelled.as_mut()), Poll::Ready(Cancelled));
    drop(cancelled);
    assert_eq!(whys(name), ["cancelled"]);
    let mut dropped = Box::pin(failpoint(name, None));
    assert!(poll_once(dropped.as_mut()).is_pending());
    drop(dropped);
    assert_eq!(whys(name), ["dropped"]);
    // Released, and dropped before it looked: as it was counted.
    let mut dropped = Box::pin(failpoint(name, None));
    assert!(poll_once(dropped.as_mut()).is_pending());
    assert_eq!(guard.release_one(), 1);
    drop(dropped);
    assert_eq!(whys(name), ["released"]);
    // Runtimes that shut down.
    let runtime = Runtime::MultiThread.build();
    let _task = runtime.spawn(async { failpoint("events-cancelled", None).await });
    guard.wait_until_paused(1).blocking().unwrap();
    drop(runtime);
    assert_eq!(whys(name), ["dropped"]);
}

/// What is told is what happened, however late the task looks.
#[test]
fn a_wait_that_a_guard_ended_is_told_as_reconfigured_though_the_guard_is_gone() {
    let _alone = isolate();
    listen();
    let name = "events-came-and-went";
    configure_failpoint(name, "pause").unwrap();
    let hit = waiting(failpoint(name, None));
    drop(arm(name, "off").unwrap());
    told(name);
    assert_eq!(now(hit), Continue);
    assert_eq!(lines(name), ["wait ended: why=reconfigured"]);
    remove_failpoint(name);
}

#[test]
fn a_wait_that_was_released_is_told_as_released_though_the_point_changed_then() {
    let _alone = isolate();
    listen();
    let name = "events-released-then";
    for is_dropped in [false, true] {
        configure_failpoint(name, "pause").unwrap();
        let hit = waiting(failpoint(name, None));
        assert_eq!(release_failpoint(name, 1).unwrap(), 1);
        remove_failpoint(name);
        told(name);
        match is_dropped {
            true => drop(hit),
            false => assert_eq!(now(hit), Continue),
        }
        assert_eq!(lines(name), ["wait ended: why=released"], "{is_dropped}");
    }
}

/// A point that goes between the hit and its wait: nobody stood there.
#[test]
fn a_wait_that_never_began_is_told_alike_by_tasks_and_threads() {
    let _alone = isolate();
    let name = "events-never-began";
    let _hooked = Hooked::new(name, move |told| {
        if told.message == "failpoint fired" {
            remove_failpoint("events-never-began");
        }
    });
    let run = |hit: fn(&str)| {
        configure_failpoint(name, "pause").unwrap();
        told(name);
        hit(name);
        // The removal is not told: a subscriber caused it.
        lines(name)
    };
    let by_thread = run(|name| assert_eq!(hit(name), Continue));
    let by_task = run(|name| assert_eq!(now(failpoint(name, None)), Continue));
    assert_eq!(by_thread, by_task);
}
