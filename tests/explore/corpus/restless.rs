//! Programs that neither end nor come to rest while a task stands at a failpoint.

use crate::common::spawn_task;
use neon_failpoint::explore::Explorer;
use neon_failpoint::{fail_point, set_wait_deadline};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::{spawn_blocking, yield_now};

/// The explorer has to let the task go on while the other is at work.
#[test]
fn a_loop_that_yields_until_a_standing_task_is_done() {
    let report = Explorer::new().run(|| async {
        let started = Arc::new(AtomicBool::new(false));
        let flag = started.clone();
        spawn_task(async move {
            fail_point!("start");
            flag.store(true, SeqCst);
        });
        while !started.load(SeqCst) {
            yield_now().await;
        }
    });
    assert!(report.is_complete(), "{report}");
    assert_eq!(report.runs(), 1);
}

#[test]
fn a_blocking_thread_that_waits_for_a_standing_task() {
    let report = Explorer::new().run(|| async {
        let (sender, mut inbox) = mpsc::channel(1);
        let received = spawn_blocking(move || inbox.blocking_recv());
        fail_point!("send");
        sender.send(1).await.unwrap();
        assert_eq!(received.await.unwrap(), Some(1));
    });
    assert!(report.is_complete(), "{report}");
    assert_eq!(report.runs(), 1);
}

#[test]
fn a_loop_that_yields_for_ever_is_given_up() {
    set_wait_deadline(Duration::from_secs(5));
    let report = Explorer::new().run(|| async {
        let begun = AtomicBool::new(false);
        fail_point!("begin");
        while !begun.load(SeqCst) {
            yield_now().await;
        }
    });
    let failure = report.failure().unwrap();
    assert!(failure.message().starts_with("restless: "), "{failure}");
    assert_eq!(failure.steps().len(), 1);
}

#[test]
fn a_heartbeat_that_never_ends_is_told_in_few_lines() {
    let report = Explorer::new().run(|| async {
        spawn_task(async {
            loop {
                tokio::time::sleep(Duration::from_secs(1)).await;
                fail_point!("heartbeat");
            }
        });
        std::future::pending::<()>().await;
    });
    let failure = report.failure().unwrap();
    assert!(failure.message().starts_with("endless: "), "{failure}");
    assert_eq!(failure.steps().len(), 10_000);
    let text = failure.to_string();
    assert!(text.lines().count() < 200);
    assert!(
        text.contains("\n10000. task 1 goes on at \"heartbeat\""),
        "{text}"
    );
    assert!(text.contains("9880 steps"), "{text}");
}
