//! Futures that are dropped half-way.

use super::bug_and_fix_with;
use crate::common::spawn_task;
use neon_failpoint::explore::{Explorer, cancellable};
use neon_failpoint::{fail_point, pausable_failpoint};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::sync::{Mutex as AsyncMutex, mpsc};

fn cancellations() -> Explorer {
    Explorer::new().cancellations(1)
}

/// A connection is taken out of its pool, and put back by hand.
#[test]
fn connection_lost_to_its_pool() {
    struct Pooled<'a>(&'a Mutex<Vec<u32>>, u32);
    impl Drop for Pooled<'_> {
        fn drop(&mut self) {
            self.0.lock().unwrap().push(self.1);
        }
    }
    async fn query(pool: &Mutex<Vec<u32>>, fixed: bool) {
        let Some(connection) = pool.lock().unwrap().pop() else {
            return;
        };
        let guard = fixed.then(|| Pooled(pool, connection));
        fail_point!("query-send");
        fail_point!("query-answer");
        if guard.is_none() {
            pool.lock().unwrap().push(connection);
        }
    }
    bug_and_fix_with(cancellations, "a connection is lost", |fixed| async move {
        let pool = Mutex::new(vec![1, 2]);
        tokio::join!(
            cancellable(query(&pool, fixed)),
            cancellable(query(&pool, fixed))
        );
        assert_eq!(pool.lock().unwrap().len(), 2, "a connection is lost");
    });
}

/// Two maps that mirror each other, and a lock that is given back between the writes to them by a drop.
#[test]
fn index_without_its_row() {
    #[derive(Default)]
    struct Table {
        rows: BTreeMap<u32, &'static str>,
        index: BTreeMap<&'static str, u32>,
    }
    async fn insert(table: &AsyncMutex<Table>, fixed: bool) {
        let mut table = table.lock().await;
        if fixed {
            fail_point!("table-insert");
            table.index.insert("ann", 1);
            table.rows.insert(1, "ann");
        } else {
            table.index.insert("ann", 1);
            fail_point!("table-insert");
            table.rows.insert(1, "ann");
        }
    }
    bug_and_fix_with(
        cancellations,
        "an index without its row",
        |fixed| async move {
            let table = Arc::new(AsyncMutex::new(Table::default()));
            let client = spawn_task({
                let table = table.clone();
                async move { cancellable(insert(&table, fixed)).await }
            });
            fail_point!("table-check");
            client.await.unwrap();
            let table = table.lock().await;
            for id in table.index.values() {
                assert!(table.rows.contains_key(id), "an index without its row");
            }
        },
    );
}

/// A message is received before an await, and gone with the future that received it.
#[test]
fn message_lost_with_its_receiver() {
    async fn next_enriched(
        inbox: &mut mpsc::Receiver<u32>,
        taken: &mut Option<u32>,
        fixed: bool,
    ) -> Option<u32> {
        let message = match taken.take() {
            Some(message) => message,
            None => inbox.recv().await?,
        };
        if fixed {
            *taken = Some(message);
        }
        pausable_failpoint!("message-enrich").await.unwrap();
        *taken = None;
        Some(message)
    }
    bug_and_fix_with(cancellations, "a message is lost", |fixed| async move {
        let (sender, mut inbox) = mpsc::channel(4);
        spawn_task(async move {
            for message in 1..=2 {
                fail_point!("message-send");
                sender.send(message).await.unwrap();
            }
        });
        let (mut taken, mut seen) = (None, Vec::new());
        loop {
            match cancellable(next_enriched(&mut inbox, &mut taken, fixed)).await {
                None => continue,
                Some(None) => break,
                Some(Some(message)) => seen.push(message),
            }
        }
        assert_eq!(seen, [1, 2], "a message is lost");
    });
}
