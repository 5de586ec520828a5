//! How a run can fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use neon_failpoint::explore::{Explorer, Report};
use neon_failpoint::fail_point;
use tokio::sync::{Mutex, Notify, oneshot};

use crate::common::{child, spawn_task};

fn message(report: &Report) -> &str {
    report.failure().expect("a failure").message()
}

#[test]
fn a_panic_in_a_task_fails_though_nobody_asks_for_its_result() {
    let report = Explorer::new().run(|| async {
        drop(spawn_task(async {
            fail_point!("endings-panic");
            panic!("lost {}", 7);
        }));
        tokio::time::sleep(Duration::from_secs(1)).await;
    });
    let message = message(&report);
    assert!(message.starts_with("task 1 panicked at "), "{message}");
    assert!(message.contains("endings.rs:"), "{message}");
    assert!(message.ends_with("lost 7"), "{message}");
}

#[test]
fn a_panic_of_the_scenario_fails() {
    let report = Explorer::new().run(|| async {
        fail_point!("endings-scenario");
        assert_eq!(1, 2, "not the same");
    });
    assert!(message(&report).contains("the scenario panicked at "));
    assert!(message(&report).contains("not the same"));
    assert_eq!(report.failure().unwrap().steps().len(), 1);
}

#[test]
fn a_panic_before_the_first_await_fails() {
    fn broken() -> std::future::Ready<()> {
        panic!("no future")
    }
    let report = Explorer::new().run(broken);
    assert!(message(&report).contains("no future"), "{report}");
}

#[test]
fn an_error_fails() {
    let report = Explorer::new().run(|| async {
        fail_point!("endings-error");
        Err::<(), _>("disk full")
    });
    assert_eq!(
        message(&report),
        "the scenario returned an error: \"disk full\""
    );
}

#[test]
fn a_lock_order_that_deadlocks_is_stuck_and_says_who_is_where() {
    let report = Explorer::new().run(|| async {
        let (a, b) = (Arc::new(Mutex::new(())), Arc::new(Mutex::new(())));
        let both = |first: &Arc<Mutex<()>>, second: &Arc<Mutex<()>>| {
            let (first, second) = (first.clone(), second.clone());
            spawn_task(async move {
                let _first = first.lock().await;
                fail_point!("endings-lock");
                let _second = second.lock().await;
            })
        };
        for task in [both(&a, &b), both(&b, &a)] {
            task.await.unwrap();
        }
    });
    let message = message(&report);
    assert!(message.starts_with("stuck: "), "{message}");
    for task in [
        "task 1 went on from \"endings-lock\" at ",
        "task 2 went on from ",
    ] {
        assert!(message.contains(task), "{message}");
    }
}

#[test]
fn what_nobody_sends_is_stuck() {
    let report = Explorer::new().run(|| async {
        let (sender, receiver) = oneshot::channel::<()>();
        fail_point!("endings-stuck");
        let _ = receiver.await;
        drop(sender);
    });
    assert!(message(&report).starts_with("stuck: "), "{report}");
    assert!(
        message(&report).contains("the scenario went on from"),
        "{report}"
    );
}

#[test]
fn a_heartbeat_that_goes_on_for_ever_does_not_hide_that_a_run_is_stuck() {
    let report = Explorer::new().run(|| async {
        spawn_task(async {
            loop {
                tokio::time::sleep(Duration::from_secs(60)).await;
            }
        });
        fail_point!("endings-heartbeat");
        std::future::pending::<()>().await;
    });
    assert!(message(&report).starts_with("stuck: "), "{report}");
}

#[test]
fn the_clock_is_let_run_before_a_run_counts_as_stuck() {
    let report = Explorer::new().run(|| async {
        let notify = Arc::new(Notify::new());
        let later = notify.clone();
        spawn_task(async move {
            tokio::time::sleep(Duration::from_secs(3600)).await;
            fail_point!("endings-later");
            tokio::time::sleep(Duration::from_secs(20 * 3600)).await;
            later.notify_one();
        });
        notify.notified().await;
    });
    assert!(report.is_complete(), "{report}");
}

#[test]
fn a_loop_that_never_ends_names_its_failpoints() {
    let report = Explorer::new().max_steps(500).run(|| async {
        while Instant::now() < Instant::now() + Duration::from_secs(1) {
            fail_point!("endings-loop-a");
            fail_point!("endings-loop-b");
        }
    });
    let message = message(&report);
    assert!(message.starts_with("endless: "), "{message}");
    assert!(message.contains("500 times"), "{message}");
    assert!(message.contains("endings-loop-a") && message.contains("endings-loop-b"));
}

#[test]
fn a_loop_that_waits_for_another_task_lets_it_go_on() {
    let report = Explorer::new().run(|| async {
        let ready = Arc::new(AtomicBool::new(false));
        let set = ready.clone();
        let waiter = spawn_task(async move {
            while !ready.load(SeqCst) {
                fail_point!("endings-spin");
                tokio::task::yield_now().await;
            }
        });
        let setter = spawn_task(async move {
            fail_point!("endings-set");
            set.store(true, SeqCst);
        });
        waiter.await.unwrap();
        setter.await.unwrap();
    });
    assert!(report.failure().is_none(), "{report}");
}

#[test]
fn a_scenario_that_differs_from_run_to_run_is_told_so() {
    let runs = AtomicUsize::new(0);
    let report = Explorer::new().run(|| async {
        let run = runs.fetch_add(1, SeqCst);
        let work = || async move {
            let name = format!("endings-run-{run}");
            fail_point!(&name);
            fail_point!("endings-both");
        };
        tokio::join!(work(), work());
    });
    let message = message(&report);
    assert!(
        message.starts_with("the scenario is not the same each time: step 1 was to be "),
        "{message}"
    );
    assert!(message.contains("\"endings-run-0\""), "{message}");
}

#[test]
fn a_select_that_is_not_biased_is_followed_all_the_same() {
    let report = Explorer::new().run(|| async {
        for _ in 0..3 {
            let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
            let (other_sender, mut other) = tokio::sync::mpsc::unbounded_channel();
            sender.send(()).unwrap();
            other_sender.send(()).unwrap();
            tokio::select! {
                _ = receiver.recv() => fail_point!("endings-select-one"),
                _ = other.recv() => fail_point!("endings-select-other"),
            }
        }
        let work = || async { fail_point!("endings-select-after") };
        tokio::join!(work(), work());
    });
    assert!(report.failure().is_none(), "{report}");
}

#[test]
fn tasks_of_one_run_do_not_live_on_into_the_next() {
    let alive = Arc::new(());
    let report = Explorer::new().preemptions(usize::MAX).run(|| {
        assert_eq!(Arc::strong_count(&alive), 1);
        let mine = alive.clone();
        async move {
            for _ in 0..2 {
                let mine = mine.clone();
                spawn_task(async move {
                    fail_point!("endings-alive");
                    std::future::pending::<()>().await;
                    drop(mine);
                });
            }
            fail_point!("endings-alive-scenario");
        }
    });
    assert!(report.is_complete(), "{report}");
    assert!(report.runs() > 1);
}

#[test]
fn a_panic_is_heard_though_somebody_has_set_a_hook_of_their_own() {
    child::play(&[("sets a hook", || {
        let in_task = || async {
            drop(spawn_task(async { panic!("unheard") }));
            fail_point!("endings-hook");
        };
        child::say(message(&Explorer::new().run(in_task)));
        std::panic::set_hook(Box::new(|_| {}));
        child::say(message(&Explorer::new().run(in_task)));
    })]);
    if child::role().is_some() {
        return;
    }
    let test = "endings::a_panic_is_heard_though_somebody_has_set_a_hook_of_their_own";
    let said = child::said(&child::run(test, "sets a hook", &[]));
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(
        said.iter().all(|said| said.ends_with("unheard")),
        "{said:?}"
    );
}
