//! Tasks of one thread, with `Rc`, `Cell` and `RefCell`.

use super::bug_and_fix;
use neon_failpoint::{fail_point, fail_point_sync};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use tokio::sync::Notify;
use tokio::task::{LocalSet, spawn_local};

#[test]
#[allow(clippy::await_holding_refcell_ref)]
fn borrowed_over_an_await() {
    bug_and_fix("already borrowed", |fixed| async move {
        let local = LocalSet::new();
        let log = Rc::new(RefCell::new(Vec::new()));
        let work = local.run_until(async {
            let writers = [1, 2].map(|id| {
                let log = log.clone();
                spawn_local(async move {
                    fail_point!("log-open");
                    if fixed {
                        fail_point!("log-append");
                        log.borrow_mut().push(id);
                    } else {
                        let mut log = log.borrow_mut();
                        fail_point!("log-append");
                        log.push(id);
                    }
                })
            });
            for writer in writers {
                writer.await.unwrap();
            }
        });
        work.await;
        assert_eq!(log.borrow().len(), 2);
    });
}

/// An index is looked up before an await, and used after it.
#[test]
fn stale_index() {
    bug_and_fix("the wrong one was removed", |fixed| async move {
        let peers = RefCell::new(vec!["a", "b", "c"]);
        let remove = async |name: &str| {
            let find = || peers.borrow().iter().position(|peer| *peer == name);
            let index = find().unwrap();
            fail_point!("peer-goodbye");
            let index = if fixed { find().unwrap() } else { index };
            let removed = peers.borrow_mut().remove(index);
            assert_eq!(removed, name, "the wrong one was removed");
        };
        tokio::join!(remove("a"), remove("b"));
        assert_eq!(*peers.borrow(), ["c"]);
    });
}

/// A flag says that a flush is under way; who comes meanwhile relies on it.
#[test]
fn flush_that_missed_the_last_write() {
    bug_and_fix("acknowledged, not written", |fixed| async move {
        let written = Rc::new(Cell::new(0));
        let buffered = Rc::new(Cell::new(0));
        let flushing = Rc::new(Cell::new(false));
        let flushed = Rc::new(Notify::new());
        let put = |row: u32| {
            let (written, buffered) = (written.clone(), buffered.clone());
            let (flushing, flushed) = (flushing.clone(), flushed.clone());
            async move {
                fail_point!("row-put");
                buffered.set(buffered.get() + 1);
                let mine = buffered.get();
                while written.get() < mine {
                    if flushing.get() {
                        flushed.notified().await;
                        if !fixed {
                            break;
                        }
                        continue;
                    }
                    flushing.set(true);
                    let rows = buffered.get();
                    fail_point!("rows-flush");
                    fail_point_sync!("rows-flushed");
                    written.set(rows);
                    flushing.set(false);
                    flushed.notify_waiters();
                }
                assert!(
                    written.get() >= mine,
                    "acknowledged, not written: row {row}"
                );
            }
        };
        let local = LocalSet::new();
        let (a, b) = (local.spawn_local(put(1)), local.spawn_local(put(2)));
        local.await;
        a.await.unwrap();
        b.await.unwrap();
    });
}
