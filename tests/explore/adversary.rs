//! Scenarios that are meant to trip the explorer.

use crate::common::spawn_task;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use neon_failpoint::explore::{Explorer, explore};
use neon_failpoint::{fail_point, fail_point_sync};
use tokio::sync::mpsc;
use tokio::task::{JoinSet, spawn_blocking, yield_now};

#[test]
fn chance_lets_what_a_loop_waits_for_go_on() {
    for seed in 0..20 {
        let report = Explorer::new().random(20, seed).run(|| async {
            let ready = Arc::new(AtomicBool::new(false));
            let set = ready.clone();
            let waiter = spawn_task(async move {
                while !ready.load(SeqCst) {
                    fail_point!("adversary-spin");
                    yield_now().await;
                }
            });
            let setter = spawn_task(async move {
                for _ in 0..3 {
                    fail_point!("adversary-set");
                }
                set.store(true, SeqCst);
            });
            waiter.await.unwrap();
            setter.await.unwrap();
        });
        assert!(report.failure().is_none(), "{report}");
    }
}

#[test]
fn an_endless_run_that_chance_met_is_not_reduced_for_ever() {
    let runs = AtomicUsize::new(0);
    let report = Explorer::new().random(10, 0).run(|| async {
        runs.fetch_add(1, SeqCst);
        // Where the one that receives has the higher priority, each message is a preemption.
        let (sender, mut receiver) = mpsc::channel(1);
        spawn_task(async move {
            while sender.send(()).await.is_ok() {
                fail_point!("adversary-endless-send");
            }
        });
        while receiver.recv().await.is_some() {
            fail_point!("adversary-endless-receive");
        }
    });
    let message = report.failure().unwrap().message();
    assert!(message.starts_with("endless: "), "{message}");
    assert!(runs.load(SeqCst) <= 100, "{runs:?} runs of 10,000 steps");
}

#[test]
fn a_loop_of_blocking_hits_is_endless_too() {
    let report = Explorer::new()
        .faults(1, "return")
        .max_steps(500)
        .run(|| async {
            for _ in 0..600 {
                fail_point_sync!("adversary-blocking-loop", |_| ());
            }
        });
    let message = report.failure().expect("a failure").message();
    assert!(message.starts_with("endless: "), "{message}");
    assert!(message.contains("500 times"), "{message}");
}

#[test]
fn what_is_stuck_says_when_each_task_went_on() {
    let report = Explorer::new().run(|| async {
        let early = spawn_task(async {
            fail_point!("adversary-early");
            std::future::pending::<()>().await;
        });
        tokio::time::sleep(Duration::from_secs(5)).await;
        fail_point!("adversary-late");
        early.await.unwrap();
    });
    let message = report.failure().unwrap().message();
    let line = |name: &str| message.lines().find(|line| line.contains(name)).unwrap();
    assert!(
        line("adversary-late").contains(", 5s after the run began, "),
        "{message}"
    );
    assert!(
        !line("adversary-early").contains("after the run began"),
        "{message}"
    );
}

#[test]
fn blocking_work_ends_in_the_order_in_which_it_was_given() {
    let orders = Mutex::new(Vec::new());
    let report = Explorer::new().run(|| async {
        let order: Arc<Mutex<Vec<u32>>> = Arc::default();
        let mut set = JoinSet::new();
        for number in 0..3 {
            let order = order.clone();
            set.spawn(async move {
                // The work itself: the first takes longest.
                let time = Duration::from_millis(if number == 0 { 250 } else { 0 });
                spawn_blocking(move || std::thread::sleep(time))
                    .await
                    .unwrap();
                order.lock().unwrap().push(number);
            });
        }
        while let Some(result) = set.join_next().await {
            result.unwrap();
        }
        fail_point!("adversary-blocking-order");
        orders.lock().unwrap().push(order.lock().unwrap().clone());
    });
    assert!(report.is_complete(), "{report}");
    assert_eq!(*orders.lock().unwrap(), [[0, 1, 2]]);
}

#[test]
fn a_run_that_is_kept_from_running_takes_no_step_early() {
    let schedule = |seed: u64, is_kept: bool| {
        let report = Explorer::new().random(1, seed).run(|| async move {
            let mut set = JoinSet::new();
            for number in 0..200 {
                set.spawn(async move {
                    if is_kept && number == 1 {
                        // Longer than a run may go without coming to rest.
                        std::thread::sleep(Duration::from_millis(1_300));
                    }
                    fail_point!("adversary-kept");
                });
            }
            while let Some(result) = set.join_next().await {
                result.unwrap();
            }
            Err::<(), _>("all are there")
        });
        report.failure().unwrap().schedule().to_owned()
    };
    for seed in 0..3 {
        assert_eq!(schedule(seed, true), schedule(seed, false), "{seed}");
    }
}

#[test]
fn the_command_runs_a_test_that_is_ignored_where_this_one_may_be() {
    const CHILD: &str = "ADVERSARY_IS_CHILD";
    if std::env::var_os(CHILD).is_some() {
        explore(|| async {
            fail_point!("adversary-ignored");
            Err::<(), _>("fails")
        });
    }
    let name = "adversary::the_command_runs_a_test_that_is_ignored_where_this_one_may_be";
    let command = |args: &[&str]| {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child
            .env("CARGO_PKG_NAME", "its-package")
            .args([name, "--exact", "--nocapture"])
            .args(args)
            .env(CHILD, "");
        let stderr = child.output().unwrap().stderr;
        let text = String::from_utf8(stderr).unwrap();
        let line = text.lines().find(|line| line.starts_with("to repeat it: "));
        line.unwrap_or(&text).to_owned()
    };
    let plain = format!("to repeat it: FAILPOINTS_REPLAY='0' cargo test {name} -p its-package");
    assert_eq!(command(&[]), plain);
    assert_eq!(
        command(&["--include-ignored"]),
        format!("{plain} -- --include-ignored")
    );
}
