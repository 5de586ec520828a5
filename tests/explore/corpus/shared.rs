//! Memory that tasks share.

use super::bug_and_fix;
use crate::common::spawn_task;
use neon_failpoint::compat::async_fail_point;
use neon_failpoint::{fail_point, fail_point_with_context, failpoint_context, pausable_failpoint};
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use tokio::sync::{OnceCell, RwLock};
use tokio::task::JoinSet;

#[test]
fn lost_update() {
    bug_and_fix("an increment was lost", |fixed| async move {
        let hits = Arc::new(AtomicU64::new(0));
        let mut clients = JoinSet::new();
        for _ in 0..2 {
            let hits = hits.clone();
            clients.spawn(async move {
                async_fail_point!("page-requested");
                if fixed {
                    hits.fetch_add(1, SeqCst);
                } else {
                    let seen = hits.load(SeqCst);
                    async_fail_point!("page-rendered");
                    hits.store(seen + 1, SeqCst);
                }
            });
        }
        while let Some(client) = clients.join_next().await {
            client.unwrap();
        }
        assert_eq!(hits.load(SeqCst), 2, "an increment was lost");
    });
}

#[derive(Default)]
struct Sessions {
    open: RwLock<HashMap<String, Arc<u32>>>,
    connections: AtomicU32,
}

impl Sessions {
    async fn connect(&self, user: &str) -> Arc<u32> {
        let context = failpoint_context! { "user" => user };
        fail_point_with_context!("session-connect", &context);
        Arc::new(self.connections.fetch_add(1, SeqCst))
    }

    async fn get(&self, user: &str, fixed: bool) -> Arc<u32> {
        if let Some(session) = self.open.read().await.get(user) {
            return session.clone();
        }
        if fixed {
            let mut open = self.open.write().await;
            if let Some(session) = open.get(user) {
                return session.clone();
            }
            let session = self.connect(user).await;
            open.insert(user.to_owned(), session.clone());
            session
        } else {
            let session = self.connect(user).await;
            let mut open = self.open.write().await;
            open.insert(user.to_owned(), session.clone());
            session
        }
    }
}

#[test]
fn double_create() {
    bug_and_fix("two sessions of one user", |fixed| async move {
        let sessions = Arc::new(Sessions::default());
        let [a, b] = [(); 2].map(|()| {
            let sessions = sessions.clone();
            spawn_task(async move {
                fail_point!("login");
                sessions.get("ann", fixed).await
            })
        });
        let (a, b) = (a.await.unwrap(), b.await.unwrap());
        assert!(Arc::ptr_eq(&a, &b), "two sessions of one user: {a}, {b}");
    });
}

#[test]
fn once_cell_raced() {
    bug_and_fix("AlreadyInitializedError", |fixed| async move {
        async fn load() -> String {
            fail_point!("settings-load");
            "settings".to_owned()
        }
        let cell = OnceCell::new();
        let settings = || async {
            if fixed {
                return cell.get_or_init(load).await.len();
            }
            if cell.get().is_none() {
                cell.set(load().await).unwrap();
            }
            cell.get().unwrap().len()
        };
        let (a, b) = tokio::join!(settings(), settings());
        assert_eq!((a, b), (8, 8));
    });
}

/// What a row is, and a cache of it that is filled by who reads, and emptied by who writes.
struct Cached {
    row: Mutex<u32>,
    cache: Mutex<(u64, Option<u32>)>,
}

impl Cached {
    async fn read(&self, fixed: bool) -> u32 {
        let (version, cached) = *self.cache.lock().unwrap();
        if let Some(value) = cached {
            return value;
        }
        let value = *self.row.lock().unwrap();
        pausable_failpoint!("cache-fill").await.unwrap();
        let mut cache = self.cache.lock().unwrap();
        if !fixed || cache.0 == version {
            cache.1 = Some(value);
        }
        value
    }

    async fn write(&self, value: u32) {
        pausable_failpoint!("row-write").await.unwrap();
        *self.row.lock().unwrap() = value;
        pausable_failpoint!("cache-invalidate").await.unwrap();
        let mut cache = self.cache.lock().unwrap();
        *cache = (cache.0 + 1, None);
    }
}

#[test]
fn stale_cache() {
    bug_and_fix("left: 1", |fixed| async move {
        let cached = Arc::new(Cached {
            row: Mutex::new(1),
            cache: Mutex::new((0, None)),
        });
        let reader = spawn_task({
            let cached = cached.clone();
            async move { cached.read(fixed).await }
        });
        cached.write(2).await;
        reader.await.unwrap();
        assert_eq!(cached.read(fixed).await, 2);
    });
}

const NONE: u32 = u32::MAX;

/// A list of free slots, as a stack: the head's slot, below a tag that the fix counts up.
struct FreeList {
    head: AtomicU64,
    next: [AtomicU32; 3],
    fixed: bool,
}

impl FreeList {
    fn new(fixed: bool) -> Self {
        Self {
            head: AtomicU64::new(0),
            next: [1, 2, NONE].map(AtomicU32::new),
            fixed,
        }
    }

    fn swap(&self, old: u64, slot: u32) -> bool {
        let tag = (old >> 32) + u64::from(self.fixed);
        let new = tag << 32 | u64::from(slot);
        self.head.compare_exchange(old, new, SeqCst, SeqCst).is_ok()
    }

    async fn pop(&self) -> Option<u32> {
        loop {
            let head = self.head.load(SeqCst);
            let slot = head as u32;
            if slot == NONE {
                return None;
            }
            let next = self.next[slot as usize].load(SeqCst);
            fail_point!("free-list-pop");
            if self.swap(head, next) {
                return Some(slot);
            }
        }
    }

    async fn push(&self, slot: u32) {
        loop {
            let head = self.head.load(SeqCst);
            self.next[slot as usize].store(head as u32, SeqCst);
            if self.swap(head, slot) {
                return;
            }
        }
    }
}

#[test]
fn aba() {
    bug_and_fix("a slot is used twice", |fixed| async move {
        let list = Arc::new(FreeList::new(fixed));
        let one = spawn_task({
            let list = list.clone();
            async move { list.pop().await }
        });
        let other = spawn_task({
            let list = list.clone();
            async move {
                let first = list.pop().await.unwrap();
                let second = list.pop().await;
                list.push(first).await;
                second
            }
        });
        let mut slots = vec![one.await.unwrap(), other.await.unwrap()];
        slots.push(list.pop().await);
        let slots: Vec<u32> = slots.into_iter().flatten().collect();
        let distinct: HashSet<&u32> = slots.iter().collect();
        assert_eq!(
            distinct.len(),
            slots.len(),
            "a slot is used twice: {slots:?}"
        );
    });
}

#[test]
fn last_seat_sold_twice() {
    bug_and_fix("a seat was sold twice", |fixed| async move {
        let seats = Arc::new(RwLock::new(1u32));
        let mut buyers = JoinSet::new();
        for buyer in 0..3 {
            let seats = seats.clone();
            buyers.spawn(async move {
                if *seats.read().await == 0 {
                    return false;
                }
                fail_point_with_context!("seat-pay", &failpoint_context! { "buyer" => buyer });
                let mut seats = seats.write().await;
                if fixed && *seats == 0 {
                    return false;
                }
                *seats = seats.checked_sub(1).expect("a seat was sold twice");
                true
            });
        }
        let sold = buyers.join_all().await;
        assert_eq!(sold.into_iter().filter(|&sold| sold).count(), 1);
    });
}
