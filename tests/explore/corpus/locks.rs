//! Locks and permits, held at the wrong time or in the wrong order.

use super::{bug_and_fix, bug_and_fix_with};
use crate::common::spawn_task;
use neon_failpoint::explore::{Explorer, cancellable};
use neon_failpoint::{fail_point, failpoint, pausable_failpoint};
use std::sync::Arc;
use tokio::sync::{Mutex, RwLock, Semaphore, mpsc};
use tokio::task::JoinSet;

#[test]
fn lock_order() {
    bug_and_fix("stuck", |fixed| async move {
        let accounts = Arc::new([Mutex::new(100), Mutex::new(100)]);
        let mut transfers = JoinSet::new();
        for (from, to) in [(0, 1), (1, 0)] {
            let accounts = accounts.clone();
            transfers.spawn(async move {
                let (first, second) = if fixed { (0, 1) } else { (from, to) };
                let mut first = accounts[first].lock().await;
                fail_point!("transfer-first-locked");
                let mut second = accounts[second].lock().await;
                let (source, target) = if fixed && from == 1 {
                    (&mut second, &mut first)
                } else {
                    (&mut first, &mut second)
                };
                **source -= 10;
                **target += 10;
            });
        }
        transfers.join_all().await;
        assert_eq!(*accounts[0].lock().await + *accounts[1].lock().await, 200);
    });
}

#[test]
fn torn_transfer() {
    bug_and_fix("the books do not balance", |fixed| async move {
        let accounts = Arc::new((Mutex::new(100), Mutex::new(0)));
        let transfer = spawn_task({
            let accounts = accounts.clone();
            async move {
                let mut source = accounts.0.lock().await;
                *source -= 30;
                if !fixed {
                    drop(source);
                    pausable_failpoint!("transfer-withdrawn").await.unwrap();
                    *accounts.1.lock().await += 30;
                    return;
                }
                pausable_failpoint!("transfer-withdrawn").await.unwrap();
                *accounts.1.lock().await += 30;
            }
        });
        let audit = spawn_task(async move {
            fail_point!("audit");
            let source = accounts.0.lock().await;
            let target = accounts.1.lock().await;
            assert_eq!(*source + *target, 100, "the books do not balance");
        });
        transfer.await.unwrap();
        audit.await.unwrap();
    });
}

/// Takes the lock that its caller holds already: no harm until a writer comes between.
#[test]
fn read_lock_taken_twice() {
    bug_and_fix("stuck", |fixed| async move {
        let routes = Arc::new(RwLock::new(vec!["/"]));
        let server = spawn_task({
            let routes = routes.clone();
            async move {
                let held = routes.read().await;
                fail_point!("route-lookup");
                if fixed {
                    held.len()
                } else {
                    routes.read().await.len()
                }
            }
        });
        let reload = spawn_task(async move {
            fail_point!("route-reload");
            routes.write().await.push("/health");
        });
        assert!(server.await.unwrap() >= 1);
        reload.await.unwrap();
    });
}

#[test]
fn permits_taken_one_by_one() {
    bug_and_fix("stuck", |fixed| async move {
        let memory = Arc::new(Semaphore::new(2));
        let mut jobs = JoinSet::new();
        for _ in 0..2 {
            let memory = memory.clone();
            jobs.spawn(async move {
                if fixed {
                    let _both = memory.acquire_many(2).await.unwrap();
                    fail_point!("job-run");
                } else {
                    let _input = memory.acquire().await.unwrap();
                    fail_point!("job-input-read");
                    let _output = memory.acquire().await.unwrap();
                    fail_point!("job-run");
                }
            });
        }
        jobs.join_all().await;
        assert_eq!(memory.available_permits(), 2);
    });
}

/// A lock is held while a full channel is waited for, and who empties the channel wants the lock.
#[test]
fn send_under_a_lock() {
    bug_and_fix("stuck", |fixed| async move {
        let journal = Arc::new(Mutex::new(Vec::new()));
        let (events, mut inbox) = mpsc::channel(1);
        for id in 0..3 {
            let (journal, events) = (journal.clone(), events.clone());
            spawn_task(async move {
                fail_point!("journal-append");
                let mut entries = journal.lock().await;
                entries.push(id);
                if fixed {
                    drop(entries);
                    events.send(id).await.unwrap();
                } else {
                    events.send(id).await.unwrap();
                }
            });
        }
        drop(events);
        while let Some(id) = inbox.recv().await {
            fail_point!("journal-shipped");
            assert!(journal.lock().await.contains(&id));
        }
    });
}

#[test]
fn permit_leaked_by_an_error() {
    async fn upload(slots: &Semaphore, fixed: bool) -> Result<(), String> {
        let slot = slots.acquire().await.map_err(|closed| closed.to_string())?;
        if fixed {
            fail_point!("upload-part", Err);
            return Ok(());
        }
        slot.forget();
        fail_point!("upload-part", Err);
        slots.add_permits(1);
        Ok(())
    }
    let faults = || Explorer::new().faults(1, "return(connection reset)");
    bug_and_fix_with(faults, "stuck", |fixed| async move {
        let slots = Arc::new(Semaphore::new(1));
        let mut uploads = JoinSet::new();
        for _ in 0..2 {
            let slots = slots.clone();
            uploads.spawn(async move { upload(&slots, fixed).await });
        }
        let failed = uploads
            .join_all()
            .await
            .iter()
            .filter(|r| r.is_err())
            .count();
        assert!(failed <= 1);
    });
}

#[test]
fn permit_leaked_by_a_cancellation() {
    async fn query(slots: &Semaphore, fixed: bool) {
        let slot = slots.acquire().await.unwrap();
        if fixed {
            let _ = failpoint!("query-sent").await;
            return;
        }
        slot.forget();
        let _ = failpoint!("query-sent").await;
        slots.add_permits(1);
    }
    let cancellations = || Explorer::new().cancellations(1);
    bug_and_fix_with(cancellations, "a permit is gone", |fixed| async move {
        let slots = Arc::new(Semaphore::new(2));
        let mut clients = JoinSet::new();
        for _ in 0..2 {
            let slots = slots.clone();
            clients.spawn(async move { cancellable(query(&slots, fixed)).await });
        }
        clients.join_all().await;
        assert_eq!(slots.available_permits(), 2, "a permit is gone");
    });
}
