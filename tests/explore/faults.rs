//! Injected faults.

use crate::common::spawn_task;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use neon_failpoint::explore::{Explorer, StepKind};
use neon_failpoint::{
    FailpointResult, fail_point, fail_point_sync, fail_point_with_context, failpoint,
    failpoint_blocking, failpoint_context, pausable_failpoint,
};

async fn step() -> Result<(), String> {
    fail_point!("faults-step", Err);
    Ok(())
}

#[test]
fn each_hit_fails_once_alone() {
    let outcomes = Mutex::new(Vec::new());
    let report = Explorer::new().faults(1, "return(full)").run(|| async {
        let mut failed = Vec::new();
        for n in 0..3 {
            if let Err(why) = step().await {
                failed.push((n, why));
            }
        }
        outcomes.lock().unwrap().push(failed);
    });
    assert!(report.is_complete(), "{report}");
    let mut outcomes = outcomes.into_inner().unwrap();
    outcomes.sort();
    let fail = |n| vec![(n, "full".to_owned())];
    assert_eq!(outcomes, [vec![], fail(0), fail(1), fail(2)]);
}

#[test]
fn at_most_so_many_fail_together() {
    // Of 4 hits at most 2: 1 + 4 + 6.
    let report = Explorer::new().faults(2, "return").run(|| async {
        let mut failed = 0;
        for _ in 0..4 {
            failed += usize::from(step().await.is_err());
        }
        assert!(failed <= 2);
    });
    assert_eq!((report.runs(), report.is_complete()), (11, true));
}

#[test]
fn faults_and_schedules_combine() {
    // Two tasks of one hit: 2 orders, each with either failing, or none.
    let report = Explorer::new().faults(1, "return").run(|| async {
        let tasks = [1, 2].map(|_| spawn_task(async { drop(step().await) }));
        for task in tasks {
            task.await.unwrap();
        }
    });
    assert_eq!((report.runs(), report.is_complete()), (6, true));
}

#[test]
fn only_what_can_return_is_failed() {
    let report = Explorer::new().faults(1, "return(1)").run(|| async {
        fail_point!("faults-unit");
        fail_point_sync!("faults-unit-sync");
        pausable_failpoint!("faults-pausable").await.unwrap();
        neon_failpoint::sleep_millis_async!("faults-millis").await;
        let context = failpoint_context! { "a" => 1 };
        fail_point_with_context!("faults-unit-context", &context);
        neon_failpoint::compat::async_fail_point!("faults-unit-compat");
    });
    assert_eq!((report.runs(), report.is_complete()), (1, true));
}

#[test]
fn every_site_that_can_return_is_failed() {
    async fn with_closure() -> u32 {
        fail_point!("faults-closure", |_| 1);
        0
    }
    async fn with_condition() -> u32 {
        fail_point!("faults-condition", true, |_| 1);
        fail_point!("faults-no-condition", false, |_| 2);
        0
    }
    async fn with_context() -> u32 {
        fail_point_with_context!("faults-context", &failpoint_context! { "a" => 1 }, |_| 1);
        0
    }
    async fn compat() -> u32 {
        neon_failpoint::compat::async_fail_point!("faults-compat", |v| v.map_or(1, |_| 3));
        0
    }
    fn sync() -> u32 {
        fail_point_sync!("faults-sync", |_| 1);
        0
    }
    fn compat_sync() -> u32 {
        neon_failpoint::compat::fail_point!("faults-compat-sync", |_| 1);
        0
    }
    let sites = AtomicUsize::new(0);
    let report = Explorer::new().faults(1, "return").run(|| async {
        let mut failed = with_closure().await + with_condition().await + with_context().await;
        failed += compat().await + sync() + compat_sync();
        let results = [
            failpoint!("faults-future").await,
            failpoint!("faults-future-context", &failpoint_context! { "a" => 1 }).await,
            neon_failpoint::failpoint("faults-name", None).await,
            failpoint_blocking("faults-blocking", None),
        ];
        for result in results {
            failed += u32::from(result == FailpointResult::Return(String::new()));
        }
        assert!(failed <= 1);
        sites.fetch_add(failed as usize, SeqCst);
    });
    assert!(report.is_complete(), "{report}");
    assert_eq!((report.runs(), sites.into_inner()), (11, 10));
}

#[test]
fn a_fault_may_depend_on_the_context() {
    async fn touch(op: &str) -> Result<(), String> {
        fail_point_with_context!("faults-when", &failpoint_context! { "op" => op }, Err);
        Ok(())
    }
    let seen = Mutex::new(Vec::new());
    let report = Explorer::new()
        .faults(1, "when(op=write)return(full)->when(op=read)return(sum)")
        .run(|| async {
            for op in ["write", "read", "sync"] {
                let error = touch(op).await.err();
                seen.lock().unwrap().extend(error);
            }
        });
    assert_eq!((report.runs(), report.is_complete()), (3, true));
    let mut seen = seen.into_inner().unwrap();
    seen.sort();
    assert_eq!(seen, ["full", "sum"]);
}

#[test]
fn a_fault_in_a_failing_run_is_a_step() {
    let report = Explorer::new().faults(1, "return(gone)").run(|| async {
        fail_point_sync!("faults-blocking-step", |_| Err("gone".to_owned()));
        step().await
    });
    let failure = report.failure().unwrap();
    assert_eq!(
        failure.message(),
        "the scenario returned an error: \"gone\""
    );
    let faults = failure
        .steps()
        .iter()
        .filter(|step| step.kind() == StepKind::Fault);
    assert_eq!(faults.count(), 1, "{failure}");
}

#[test]
fn an_action_that_is_configured_still_acts() {
    let _alone = neon_failpoint::isolate();
    let point = neon_failpoint::arm("faults-step", "2*return(mine)").unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let report = Explorer::new().run(|| {
        let seen = seen.clone();
        async move {
            for _ in 0..3 {
                let result = step().await;
                seen.lock().unwrap().push(result);
            }
        }
    });
    assert!(report.is_complete(), "{report}");
    assert_eq!(
        *seen.lock().unwrap(),
        [Err("mine".to_owned()), Err("mine".to_owned()), Ok(())]
    );
    assert_eq!(point.hits(), 3);
}

#[test]
#[should_panic(expected = "Explorer::faults: \"10%return->panic(x)\" has \"10%return\"; expected")]
fn a_fault_with_a_percentage_is_refused() {
    let _ = Explorer::new().faults(1, "10%return->panic(x)");
}

#[test]
#[should_panic(expected = "did you mean \"return\"")]
fn a_fault_that_is_no_action_is_refused() {
    let _ = Explorer::new().faults(1, "retrun");
}
