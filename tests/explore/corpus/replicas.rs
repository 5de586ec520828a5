//! Copies that have to agree.

use super::bug_and_fix;
use crate::common::spawn_task;
use neon_failpoint::{fail_point, fail_point_with_context, failpoint_context};
use std::sync::{Arc, Mutex};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// A leader checks its term, then writes; in between another was elected.
#[test]
fn leader_change_in_the_middle_of_a_write() {
    #[derive(Default)]
    struct Log {
        term: u64,
        entries: Vec<(u64, &'static str)>,
    }
    impl Log {
        fn append(&mut self, term: u64, entry: &'static str, fixed: bool) -> bool {
            if fixed && term < self.term {
                return false;
            }
            self.entries.push((term, entry));
            true
        }
    }
    bug_and_fix("terms go backwards", |fixed| async move {
        let (elect, term) = watch::channel(1);
        let log = Arc::new(Mutex::new(Log::default()));
        let old = spawn_task({
            let (term, log) = (term.clone(), log.clone());
            async move {
                for entry in ["a", "b"] {
                    if *term.borrow() != 1 {
                        return;
                    }
                    fail_point!("log-append");
                    if !log.lock().unwrap().append(1, entry, fixed) {
                        return;
                    }
                }
            }
        });
        let new = spawn_task({
            let log = log.clone();
            async move {
                fail_point!("election");
                elect.send(2).unwrap();
                log.lock().unwrap().term = 2;
                fail_point!("log-append");
                assert!(log.lock().unwrap().append(2, "c", fixed));
            }
        });
        old.await.unwrap();
        new.await.unwrap();
        let log = log.lock().unwrap();
        assert!(
            log.entries.is_sorted_by_key(|entry| entry.0),
            "terms go backwards"
        );
    });
}

/// A write is acknowledged by one replica of three, and a read asks two.
#[test]
fn quorums_that_do_not_meet() {
    bug_and_fix("a committed write was not read", |fixed| async move {
        let replicas = Arc::new(Mutex::new([0; 3]));
        let (acknowledge, mut acknowledged) = mpsc::channel(3);
        for id in 0..3 {
            let (replicas, acknowledge) = (replicas.clone(), acknowledge.clone());
            spawn_task(async move {
                let context = failpoint_context! { "replica" => id };
                fail_point_with_context!("replica-write", &context);
                replicas.lock().unwrap()[id] = 1;
                let _ = acknowledge.send(id).await;
            });
        }
        for _ in 0..if fixed { 2 } else { 1 } {
            acknowledged.recv().await.unwrap();
        }
        let read = replicas.lock().unwrap()[1..].iter().copied().max();
        assert_eq!(read, Some(1), "a committed write was not read");
    });
}

/// Updates are numbered, sent by tasks of their own, and applied as they arrive.
#[test]
fn updates_out_of_order() {
    bug_and_fix("the older update won", |fixed| async move {
        let (send, mut updates) = mpsc::channel(4);
        let mut senders = JoinSet::new();
        for version in 1..=3 {
            let send = send.clone();
            senders.spawn(async move {
                fail_point!("update-send");
                send.send(version).await.unwrap();
            });
        }
        drop(send);
        let mut applied = 0;
        while let Some(version) = updates.recv().await {
            if !fixed || version > applied {
                applied = version;
            }
        }
        senders.join_all().await;
        assert_eq!(applied, 3, "the older update won");
    });
}

/// A replica acknowledges what it received, and is promoted before it applied it.
#[test]
fn promoted_before_it_caught_up() {
    bug_and_fix("the new primary misses a write", |fixed| async move {
        let (log, mut received) = mpsc::unbounded_channel();
        let (applied, mut watch_applied) = watch::channel(0);
        let replica = spawn_task(async move {
            while let Some(row) = received.recv().await {
                fail_point!("row-apply");
                applied.send(row).unwrap_or_default();
            }
        });
        for row in 1..=2 {
            fail_point!("row-write");
            log.send(row).unwrap();
        }
        drop(log);
        fail_point!("primary-lost");
        if fixed {
            watch_applied.wait_for(|row| *row == 2).await.unwrap();
        }
        assert_eq!(*watch_applied.borrow(), 2, "the new primary misses a write");
        replica.await.unwrap();
    });
}
