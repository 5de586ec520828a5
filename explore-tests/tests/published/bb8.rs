//! `bb8`: `max_size` is "the maximum number of connections managed by the pool", and who asks for a connection gets
//! one as soon as there is one.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use neon_failpoint::explore::{Explorer, cancellable};
use neon_failpoint::fail_point;
use tokio::time::Instant;

use crate::explored::{complete, fails};
use crate::limit::{Inside, Limit};

#[derive(Debug)]
struct Manager {
    open: Arc<Limit>,
}

#[derive(Debug)]
struct Refused;

impl bb8::ManageConnection for Manager {
    type Connection = Inside;
    type Error = Refused;

    async fn connect(&self) -> Result<Inside, Refused> {
        fail_point!("connect", |_| Err(Refused));
        let connection = self.open.enter();
        fail_point!("connected", |_| Err(Refused));
        Ok(connection)
    }

    async fn is_valid(&self, _: &mut Inside) -> Result<(), Refused> {
        fail_point!("is_valid", |_| Err(Refused));
        Ok(())
    }

    fn has_broken(&self, _: &mut Inside) -> bool {
        false
    }
}

/// Each of `tasks` takes a connection, and gives it back; then the pool still has all it may have.
async fn tasks_with_a_pool_of(max_size: usize, tasks: usize) {
    let open = Limit::new("connections are open", max_size);
    let manager = Manager { open: open.clone() };
    let pool = bb8::Pool::builder()
        .max_size(max_size as u32)
        .build_unchecked(manager);
    let in_use = Limit::new("connections are in use", max_size);
    let tasks: Vec<_> = (0..tasks)
        .map(|_| {
            let (pool, in_use) = (pool.clone(), in_use.clone());
            tokio::spawn(cancellable(async move {
                let connection = pool.get().await.unwrap();
                let _using = in_use.enter();
                fail_point!("use");
                drop(connection);
            }))
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let mut all = Vec::new();
    for _ in 0..max_size {
        all.push(pool.get().await.unwrap());
    }
    assert_eq!(pool.state().connections, max_size as u32);
    assert_eq!(open.now(), max_size);
    drop(all);
    assert_eq!(pool.state().idle_connections, max_size as u32);
}

#[test]
fn no_slot_is_lost_to_a_fault_or_a_cancellation_in_0_9_1() {
    let explorer = Explorer::new().faults(1, "return").cancellations(1);
    complete(explorer, 4492, || tasks_with_a_pool_of(2, 2));
}

#[test]
fn no_slot_is_lost_if_there_is_only_one_in_0_9_1() {
    let explorer = Explorer::new().faults(2, "return").cancellations(1);
    complete(explorer, 140, || tasks_with_a_pool_of(1, 2));
}

#[test]
fn no_slot_is_lost_among_three_in_0_9_1() {
    let explorer = Explorer::new().preemptions(1).cancellations(1);
    complete(explorer, 610, || tasks_with_a_pool_of(2, 3));
}

/// A connection is broken once it was used.
#[derive(Debug, Default)]
struct Breaking(AtomicU32);

impl Breaking {
    async fn connect(&self) -> Result<u32, Infallible> {
        fail_point!("connect");
        Ok(self.0.fetch_add(1, SeqCst))
    }
}

impl bb8::ManageConnection for Breaking {
    type Connection = u32;
    type Error = Infallible;

    async fn connect(&self) -> Result<u32, Infallible> {
        self.connect().await
    }

    async fn is_valid(&self, _: &mut u32) -> Result<(), Infallible> {
        Ok(())
    }

    fn has_broken(&self, _: &mut u32) -> bool {
        true
    }
}

#[async_trait::async_trait]
impl bb8_before::ManageConnection for Breaking {
    type Connection = u32;
    type Error = Infallible;

    async fn connect(&self) -> Result<u32, Infallible> {
        self.connect().await
    }

    async fn is_valid(&self, _: &mut u32) -> Result<(), Infallible> {
        Ok(())
    }

    fn has_broken(&self, _: &mut u32) -> bool {
        true
    }
}

/// Gets a connection, uses it, and gives it back.
trait Pool: Clone + Send + Sync + 'static {
    fn with_one(&self) -> impl Future<Output = ()> + Send;
}

impl Pool for bb8::Pool<Breaking> {
    async fn with_one(&self) {
        let _connection = self.get().await.expect("a connection can be opened");
        fail_point!("use");
    }
}

impl Pool for bb8_before::Pool<Breaking> {
    async fn with_one(&self) {
        let _connection = self.get().await.expect("a connection can be opened");
        fail_point!("use");
    }
}

/// Two tasks need the one connection, which breaks.
async fn one_breaks(pool: impl Pool) {
    let tasks = [1, 2].map(|_| {
        let pool = pool.clone();
        tokio::spawn(async move {
            fail_point!("call");
            pool.with_one().await;
        })
    });
    for task in tasks {
        task.await.unwrap();
    }
}

/// Known: <https://github.com/djc/bb8/issues/167>, mended in 0.8.1.
#[test]
fn who_waits_for_a_connection_that_breaks_times_out_in_0_8_0() {
    fails(
        Explorer::new(),
        "a connection can be opened: TimedOut",
        || {
            let pool = bb8_before::Pool::builder().max_size(1);
            one_breaks(pool.build_unchecked(Breaking::default()))
        },
    );
}

#[test]
fn who_waits_for_a_connection_that_breaks_gets_another_in_0_9_1() {
    let explorer = Explorer::new().preemptions(usize::MAX);
    complete(explorer, 6, || {
        let pool = bb8::Pool::builder().max_size(1);
        one_breaks(pool.build_unchecked(Breaking::default()))
    });
}

/// One attempt to connect fails, and is not repeated. Two tasks wait, and a second attempt would do.
async fn one_attempt_fails() {
    let open = Limit::new("connections are open", 1);
    let pool = bb8::Pool::builder()
        .max_size(1)
        .retry_connection(false)
        .build_unchecked(Manager { open });
    let tasks = [1, 2].map(|_| {
        let pool = pool.clone();
        tokio::spawn(async move {
            fail_point!("call");
            let asked = Instant::now();
            let got = pool.get().await.map(drop);
            (got, asked.elapsed())
        })
    });
    let mut got = Vec::new();
    for task in tasks {
        got.push(task.await.unwrap());
    }
    assert!(
        got.iter().any(|(got, _)| got.is_ok()),
        "nobody got one: {got:?}"
    );
}

/// No attempt follows one that failed, until somebody else asks: who waits is not woken.
#[test]
fn without_retries_one_failure_fails_all_who_wait_in_0_9_1() {
    let explorer = Explorer::new().points("call|connect").faults(1, "return");
    fails(
        explorer,
        "nobody got one: [(Err(TimedOut), 30s), (Err(TimedOut), 30s)]",
        one_attempt_fails,
    );
}
