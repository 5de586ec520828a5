//! Futures that are dropped at a failpoint inside them.

use crate::common::spawn_task;
use std::sync::Mutex;

use neon_failpoint::explore::{Explorer, StepKind, cancellable};
use neon_failpoint::{fail_point, fail_point_sync};
use tokio::sync::Semaphore;

async fn leaks(semaphore: &Semaphore) {
    semaphore.acquire().await.unwrap().forget();
    fail_point!("cancel-held");
    semaphore.add_permits(1);
}

#[test]
fn a_permit_that_leaks_is_found() {
    let explorer = || Explorer::new().cancellations(1);
    let report = explorer().run(|| async {
        let semaphore = Semaphore::new(1);
        let _ = cancellable(leaks(&semaphore)).await;
        assert_eq!(semaphore.available_permits(), 1, "leaked");
    });
    let failure = report.failure().unwrap();
    assert!(failure.message().contains("leaked"), "{failure}");
    assert_eq!(failure.steps()[0].kind(), StepKind::Cancel);

    let fixed = explorer().run(|| async {
        let semaphore = Semaphore::new(1);
        let _ = cancellable(async {
            let _permit = semaphore.acquire().await.unwrap();
            fail_point!("cancel-held-well");
        })
        .await;
        assert_eq!(semaphore.available_permits(), 1);
    });
    assert_eq!((fixed.runs(), fixed.is_complete()), (2, true));
}

#[test]
fn it_is_dropped_at_each_point_inside_and_at_no_other() {
    let ends = Mutex::new(Vec::new());
    let report = Explorer::new().cancellations(1).run(|| async {
        fail_point!("cancel-before");
        let at = Mutex::new(0);
        let done = cancellable(async {
            for n in 1..=3 {
                *at.lock().unwrap() = n;
                fail_point!("cancel-inside");
            }
        })
        .await;
        fail_point!("cancel-after");
        ends.lock()
            .unwrap()
            .push((done.is_some(), at.into_inner().unwrap()));
    });
    assert!(report.is_complete(), "{report}");
    let mut ends = ends.into_inner().unwrap();
    ends.sort_unstable();
    assert_eq!(ends, [(false, 1), (false, 2), (false, 3), (true, 3)]);
}

#[test]
fn of_nested_ones_either_is_dropped() {
    let ends = Mutex::new(Vec::new());
    let report = Explorer::new().cancellations(1).run(|| async {
        let outer = cancellable(async {
            let inner = cancellable(async { fail_point!("cancel-nested") });
            inner.await.is_some()
        });
        let end = outer.await;
        ends.lock().unwrap().push(end);
    });
    assert!(report.is_complete(), "{report}");
    let mut ends = ends.into_inner().unwrap();
    ends.sort_unstable();
    assert_eq!(ends, [None, Some(false), Some(true)]);
}

#[test]
fn what_runs_in_a_task_of_its_own_is_not_inside() {
    let report = Explorer::new().cancellations(1).run(|| async {
        let task = spawn_task(async { fail_point!("cancel-spawned") });
        assert!(cancellable(task).await.is_some());
    });
    assert_eq!((report.runs(), report.is_complete()), (1, true));
}

#[test]
fn without_an_exploration_nothing_is_dropped() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let result = runtime.block_on(cancellable(async {
        fail_point!("cancel-alone");
        fail_point_sync!("cancel-alone-sync");
        7
    }));
    assert_eq!(result, Some(7));
}

#[test]
fn a_select_that_drops_a_hit_loses_nothing() {
    let report = Explorer::new().preemptions(usize::MAX).run(|| async {
        tokio::select! {
            () = async { fail_point!("cancel-select-a") } => {}
            () = async { fail_point!("cancel-select-b") } => {}
        }
        fail_point!("cancel-select-after");
    });
    assert_eq!((report.runs(), report.is_complete()), (2, true), "{report}");
}
