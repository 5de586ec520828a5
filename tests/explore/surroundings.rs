//! What a scenario may use, and what goes on around an exploration.

use crate::common::spawn_task;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use neon_failpoint::explore::Explorer;
use neon_failpoint::{arm, fail_point, fail_point_sync, isolate};
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

#[test]
fn the_clock_stands_while_a_task_stands() {
    let report = Explorer::new().preemptions(usize::MAX).run(|| async {
        let start = Instant::now();
        let work = spawn_task(async {
            for _ in 0..4 {
                fail_point!("around-clock");
            }
        });
        let limited = tokio::time::timeout(Duration::from_millis(1), work).await;
        limited.expect("no time passes").unwrap();
        assert_eq!(start.elapsed(), Duration::ZERO);
    });
    assert!(report.is_complete(), "{report}");
}

#[test]
fn files_are_waited_for() {
    let path = std::env::temp_dir().join(format!("neon_failpoint-around-{}", std::process::id()));
    let report = Explorer::new().run(|| {
        let path = path.clone();
        async move {
            let start = Instant::now();
            let write = spawn_task(async move {
                fail_point!("around-file");
                tokio::fs::write(&path, "text").await.unwrap();
                fail_point!("around-file-written");
                tokio::fs::read_to_string(&path).await.unwrap()
            });
            let other = spawn_task(async { fail_point!("around-file-other") });
            other.await.unwrap();
            assert_eq!(write.await.unwrap(), "text");
            assert_eq!(start.elapsed(), Duration::ZERO);
        }
    });
    let _ = std::fs::remove_file(&path);
    assert!(report.is_complete(), "{report}");
    assert!(report.runs() > 2);
}

#[test]
fn blocking_threads_belong_to_the_run() {
    let report = Explorer::new().faults(1, "return").run(|| async {
        let failed = tokio::task::spawn_blocking(|| {
            fail_point_sync!("around-blocking", |_| true);
            false
        });
        if failed.await.unwrap() {
            return Err("failed");
        }
        Ok(())
    });
    assert!(
        report.failure().unwrap().message().contains("failed"),
        "{report}"
    );
}

#[test]
fn a_scenario_need_not_be_send_and_may_borrow() {
    let text = String::from("borrowed");
    let report = Explorer::new().run(|| async {
        let shared = Rc::new(text.as_str());
        let local = tokio::task::LocalSet::new();
        let copy = shared.len();
        local.spawn_local(async move { fail_point!("around-local") });
        local.spawn_local(async move {
            fail_point!("around-local");
            assert_eq!(copy, 8);
        });
        local.await;
        assert_eq!(*shared, "borrowed");
    });
    assert!(report.is_complete(), "{report}");
    assert_eq!(report.runs(), 2);
}

#[test]
fn several_explorations_run_side_by_side() {
    let threads: Vec<_> = (0..4)
        .map(|_| {
            std::thread::spawn(|| {
                let report = Explorer::new().preemptions(usize::MAX).run(|| async {
                    let work = || async {
                        for _ in 0..3 {
                            fail_point!("around-side-by-side");
                        }
                    };
                    tokio::join!(work(), work());
                });
                assert!(report.is_complete());
                report.runs()
            })
        })
        .collect();
    for thread in threads {
        assert_eq!(thread.join().unwrap(), 20);
    }
}

#[test]
fn other_threads_and_later_hits_are_left_alone() {
    let _alone = isolate();
    let point = arm("around-other", "off").unwrap();
    let hit = |scope: &neon_failpoint::Scope| {
        let hit = scope.wrap(|| fail_point_sync!("around-other"));
        std::thread::spawn(hit).join().unwrap();
    };
    let report = Explorer::new().run(|| async {
        fail_point!("around-mine");
        hit(_alone.scope());
    });
    assert!(report.is_complete(), "{report}");
    fail_point_sync!("around-other");
    assert_eq!(point.hits(), 2);
}

#[test]
fn channels_and_notifications_are_tokios_own() {
    let report = Explorer::new().run(|| async {
        let (sender, mut receiver) = mpsc::channel(1);
        let done = Arc::new(Notify::new());
        let told = done.clone();
        let consumer = spawn_task(async move {
            let mut sum = 0;
            while let Some(n) = receiver.recv().await {
                fail_point!("around-received");
                sum += n;
            }
            told.notify_one();
            sum
        });
        for n in 1..=3 {
            fail_point!("around-send");
            sender.send(n).await.unwrap();
        }
        drop(sender);
        done.notified().await;
        assert_eq!(consumer.await.unwrap(), 6);
    });
    assert!(report.is_complete(), "{report}");
}

#[test]
fn a_thread_outside_is_waited_for() {
    let report = Explorer::new().run(|| async {
        fail_point!("around-thread");
        let (sender, receiver) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || sender.send(7));
        assert_eq!(receiver.await, Ok(7));
    });
    assert!(report.is_complete(), "{report}");
}

#[test]
fn a_sleep_that_is_configured_takes_no_real_time() {
    let _alone = isolate();
    neon_failpoint::configure_failpoint("around-sleep", "sleep(3600000)").unwrap();
    neon_failpoint::compat::cfg("around-sleep-compat", "sleep(3600000)").unwrap();
    let report = Explorer::new().run(|| async {
        let start = Instant::now();
        fail_point!("around-sleep");
        neon_failpoint::compat::async_fail_point!("around-sleep-compat");
        assert_eq!(start.elapsed(), Duration::from_secs(7200));
    });
    assert!(report.is_complete(), "{report}");
}

#[test]
fn a_point_that_pauses_is_released_by_the_scenario() {
    let report = Explorer::new().run(|| async {
        let point = arm("around-pause", "pause").unwrap();
        let task = spawn_task(async { fail_point!("around-pause") });
        point.wait_until_paused(1).await.unwrap();
        fail_point!("around-paused");
        assert_eq!(point.release_one(), 1);
        task.await.unwrap();
    });
    assert!(report.is_complete(), "{report}");
}

#[test]
fn sockets_and_signals_are_there_for_whoever_asks() {
    let report = Explorer::new().run(|| async {
        let work = || async { fail_point!("around-socket") };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (client, server) = tokio::join!(tokio::net::TcpStream::connect(address), async {
            listener.accept().await
        },);
        client.unwrap();
        server.unwrap();
        tokio::join!(work(), work());
    });
    assert!(report.is_complete(), "{report}");
    assert_eq!(report.runs(), 2);
    // In a task, whose panic nobody asks for.
    let report = Explorer::new().random(3, 1).run(|| async {
        let bound = spawn_task(async { tokio::net::UdpSocket::bind("127.0.0.1:0").await });
        fail_point!("around-udp");
        bound.await.unwrap().unwrap();
    });
    assert!(report.failure().is_none(), "{report}");
    assert_eq!(report.runs(), 3);
}
