//! `deadpool`, the managed pool: of at most `max_size` objects, which is what its semaphore has permits for.

use std::sync::Arc;

use deadpool::unmanaged;
use neon_failpoint::explore::{Explorer, cancellable};
use neon_failpoint::fail_point;

use crate::explored::{complete, fails};
use crate::limit::{Inside, Limit};

#[derive(Debug)]
struct Manager {
    open: Arc<Limit>,
}

#[derive(Debug)]
struct Refused;

impl Manager {
    fn new(most: usize) -> Self {
        Self {
            open: Limit::new("objects are there", most),
        }
    }

    async fn create(&self) -> Result<Inside, Refused> {
        fail_point!("create", |_| Err(Refused));
        let object = self.open.enter();
        fail_point!("created", |_| Err(Refused));
        Ok(object)
    }

    async fn recycle(&self) -> Result<(), Refused> {
        fail_point!("recycle", |_| Err(Refused));
        Ok(())
    }
}

/// What the versions have in common.
trait Pool: Clone + Send + Sync + 'static {
    fn with_one(&self) -> impl Future<Output = ()> + Send;
    fn resize_to(&self, max_size: usize);
}

macro_rules! version {
    ($deadpool:ident) => {
        impl $deadpool::managed::Manager for Manager {
            type Type = Inside;
            type Error = Refused;

            async fn create(&self) -> Result<Inside, Refused> {
                self.create().await
            }

            async fn recycle(
                &self,
                _: &mut Inside,
                _: &$deadpool::managed::Metrics,
            ) -> $deadpool::managed::RecycleResult<Refused> {
                Ok(self.recycle().await?)
            }
        }

        impl Pool for $deadpool::managed::Pool<Manager> {
            async fn with_one(&self) {
                let object = self.get().await;
                use_it(object).await;
            }

            fn resize_to(&self, max_size: usize) {
                self.resize(max_size);
            }
        }
    };
}

version!(deadpool);
version!(deadpool_before);

async fn use_it<T>(object: T) {
    fail_point!("use");
    drop(object);
}

fn pool_of_two() -> deadpool::managed::Pool<Manager> {
    let builder = deadpool::managed::Pool::builder(Manager::new(2));
    builder.max_size(2).build().unwrap()
}

/// Each of three tasks takes an object, and gives it back; then the pool still has all it may have.
async fn three_tasks() {
    let pool = pool_of_two();
    let tasks = [1, 2, 3].map(|_| {
        let pool = pool.clone();
        tokio::spawn(cancellable(async move { pool.with_one().await }))
    });
    for task in tasks {
        task.await.unwrap();
    }
    let mut all = Vec::new();
    while all.len() < 2 {
        // The fault of this run may come as late as here.
        all.extend(pool.get().await);
    }
    assert_eq!((pool.status().size, pool.manager().open.now()), (2, 2));
    drop(all);
    assert_eq!(pool.status().available, 2);
}

#[test]
fn no_slot_is_lost_to_a_fault_or_a_cancellation_in_0_13_1() {
    let explorer = Explorer::new().faults(1, "return").cancellations(1);
    complete(explorer, 3536, three_tasks);
}

/// A pool is closed while it is used: nothing is left of it.
async fn closed() {
    let pool = pool_of_two();
    let tasks = [1, 2].map(|_| {
        let pool = pool.clone();
        tokio::spawn(cancellable(async move {
            pool.with_one().await;
            pool.with_one().await;
        }))
    });
    let closing = tokio::spawn({
        let pool = pool.clone();
        async move {
            fail_point!("close");
            pool.close();
        }
    });
    for task in tasks {
        task.await.unwrap();
    }
    closing.await.unwrap();
    assert!(pool.get().await.is_err());
    assert_eq!((pool.status().size, pool.manager().open.now()), (0, 0));
}

#[test]
fn nothing_is_left_of_a_closed_pool_in_0_13_1() {
    let explorer = Explorer::new().preemptions(1);
    let explorer = explorer.faults(1, "return").cancellations(1);
    complete(explorer, 2436, closed);
}

/// `users` take an object of a pool of two, while another task makes the pool smaller, and larger again.
async fn resized(pool: impl Pool, users: usize, smaller: usize, larger: usize) {
    let mut tasks = Vec::new();
    for _ in 0..users {
        let pool = pool.clone();
        tasks.push(tokio::spawn(async move { pool.with_one().await }));
    }
    tasks.push(tokio::spawn(async move {
        fail_point!("smaller");
        pool.resize_to(smaller);
        fail_point!("larger");
        pool.resize_to(larger);
    }));
    for task in tasks {
        task.await.unwrap();
    }
}

/// Known: <https://github.com/deadpool-rs/deadpool/issues/380>, mended in 0.12.2.
#[test]
fn to_grow_while_more_objects_are_out_panics_in_0_12_1() {
    fails(Explorer::new(), "subtract with overflow", || {
        let builder = deadpool_before::managed::Pool::builder(Manager::new(2));
        let pool: deadpool_before::managed::Pool<Manager> = builder.max_size(2).build().unwrap();
        resized(pool, 2, 0, 1)
    });
}

#[test]
fn to_grow_while_more_objects_are_out_does_not_panic_in_0_13_1() {
    let explorer = Explorer::new().preemptions(usize::MAX);
    complete(explorer, 560, || resized(pool_of_two(), 2, 0, 1));
}

/// The pool never was for more than two. `resize` takes permits away only for objects that are there and idle, and
/// yet adds, to grow, the whole difference of the sizes: so there are three permits.
#[test]
fn smaller_and_larger_again_gives_out_more_than_ever_allowed_in_0_13_1() {
    fails(Explorer::new(), "3 objects are there at once", || {
        resized(pool_of_two(), 3, 1, 2)
    });
}

/// One of two tasks gives the object of an unmanaged pool back, and closes the pool. The other waits for the object.
async fn given_back_and_closed() {
    let pool = unmanaged::Pool::from(vec!["object"]);
    let closing = tokio::spawn({
        let pool = pool.clone();
        async move {
            let object = pool.get().await.unwrap();
            fail_point!("use");
            drop(object);
            pool.close();
        }
    });
    let waiting = tokio::spawn(async move {
        fail_point!("call");
        match pool.get().await {
            Ok(object) => assert_eq!(*object, "object"),
            Err(error) => assert!(matches!(error, unmanaged::PoolError::Closed)),
        }
    });
    closing.await.unwrap();
    waiting.await.unwrap();
}

/// With threads this panics: README.md, "What it did not see".
#[test]
fn on_one_thread_who_waits_is_told_that_an_unmanaged_pool_closed_in_0_13_1() {
    let explorer = Explorer::new().preemptions(usize::MAX);
    complete(explorer, 2, given_back_and_closed);
}
