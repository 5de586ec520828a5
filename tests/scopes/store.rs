//! Proves that the tests of a user, as the README has them, pass side by side with `isolate()` as their
//! first line, and not without it: so they would notice if it did nothing.

use std::collections::BTreeMap;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::common::child::role;
use neon_failpoint::{fail_point, fail_point_sync};

/// The user's code.
#[derive(Default)]
struct Store {
    rows: Mutex<BTreeMap<String, u64>>,
}

impl Store {
    async fn put(&self, key: &str, value: u64) -> Result<(), String> {
        fail_point!("store-put", Err);
        self.rows.lock().unwrap().insert(key.to_owned(), value);
        fail_point!("store-after-put");
        Ok(())
    }

    async fn get(&self, key: &str) -> Result<Option<u64>, String> {
        fail_point!("store-get", Err);
        Ok(self.rows.lock().unwrap().get(key).copied())
    }

    /// Loses an update if two run at once.
    async fn add(&self, key: &str, n: u64) -> Result<(), String> {
        let before = self.get(key).await?.unwrap_or(0);
        fail_point!("store-add");
        self.put(key, before + n).await
    }

    fn len(&self) -> usize {
        fail_point_sync!("store-len", |n| n.parse().unwrap());
        self.rows.lock().unwrap().len()
    }
}

fn store() -> Arc<Store> {
    Arc::default()
}

/// So that a test that is interfered with fails rather than hangs: in the child where that is meant to
/// happen, before long.
fn limit() -> Duration {
    match role().as_deref() {
        Some("together") => Duration::from_secs(2),
        _ => Duration::from_secs(20),
    }
}

/// The ten tests, each begun with `$alone`.
macro_rules! ten_tests {
    ($alone:expr) => {
        use neon_failpoint::{
            Armed, Error, arm, configure_failpoint, list_failpoints, wait_for_hits,
        };
        use tokio::time::timeout;

        use super::{limit, store};

        fn armed(name: &str, actions: &str) -> Armed {
            let point: Result<Armed, Error> = arm(name, actions);
            point.unwrap().must_fire().with_deadline(limit())
        }

        async fn join<T>(task: tokio::task::JoinHandle<T>) -> T {
            timeout(limit(), task)
                .await
                .expect("the task ends")
                .unwrap()
        }

        #[tokio::test]
        async fn a_put_that_fails_stores_nothing() {
            let _alone = $alone;
            let store = store();
            let _point = armed("store-put", "return(disk full)");
            assert_eq!(store.put("k", 1).await, Err("disk full".to_owned()));
            assert_eq!(store.len(), 0);
        }

        #[tokio::test]
        async fn a_put_that_fails_once_succeeds_next() {
            let _alone = $alone;
            let store = store();
            let point = armed("store-put", "1*return(busy)");
            assert_eq!(store.put("k", 1).await, Err("busy".to_owned()));
            assert_eq!(store.put("k", 1).await, Ok(()));
            assert_eq!(point.hits(), 2);
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn a_paused_put_is_not_seen() {
            let _alone = $alone;
            let store = store();
            let point = armed("store-put", "pause");
            let writer = store.clone();
            let task = tokio::spawn(async move { writer.put("k", 1).await });
            point.wait_until_paused(1).await.unwrap();
            assert_eq!(store.get("k").await, Ok(None));
            assert_eq!(point.release_one(), 1);
            assert_eq!(join(task).await, Ok(()));
            assert_eq!(store.get("k").await, Ok(Some(1)));
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn a_put_is_seen_before_it_returns() {
            let _alone = $alone;
            let store = store();
            let point = armed("store-after-put", "pause");
            let writer = store.clone();
            let task = tokio::spawn(async move { writer.put("k", 1).await });
            point.wait_until_paused(1).await.unwrap();
            assert_eq!(store.get("k").await, Ok(Some(1)));
            assert!(!task.is_finished());
            assert_eq!(point.release_one(), 1);
            assert_eq!(join(task).await, Ok(()));
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn two_adds_at_once_lose_an_update() {
            let _alone = $alone;
            let store = store();
            let point = armed("store-add", "pause");
            let add = |n| {
                let store = store.clone();
                tokio::spawn(async move { store.add("k", n).await })
            };
            let (one, two) = (add(1), add(2));
            point.wait_until_paused(2).await.unwrap();
            assert_eq!(point.release_all(), 2);
            assert_eq!((join(one).await, join(two).await), (Ok(()), Ok(())));
            assert_ne!(store.get("k").await, Ok(Some(3)));
        }

        #[tokio::test]
        async fn adds_one_after_the_other_lose_nothing() {
            let _alone = $alone;
            let store = store();
            let point = armed("store-add", "off");
            store.add("k", 1).await.unwrap();
            store.add("k", 2).await.unwrap();
            assert_eq!(store.get("k").await, Ok(Some(3)));
            assert_eq!(point.hits(), 2);
        }

        #[tokio::test]
        async fn a_get_fails_where_it_is_told_to() {
            let _alone = $alone;
            let store = store();
            store.put("k", 1).await.unwrap();
            configure_failpoint("store-get", "2*return(io)").unwrap();
            for _ in 0..2 {
                assert_eq!(store.get("k").await, Err("io".to_owned()));
            }
            assert_eq!(store.get("k").await, Ok(Some(1)));
        }

        #[test]
        fn the_length_is_what_the_point_says() {
            let _alone = $alone;
            let _point = armed("store-len", "return(7)");
            assert_eq!(store().len(), 7);
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn ten_puts_are_ten_hits() {
            let _alone = $alone;
            let store = store();
            configure_failpoint("store-put", "off").unwrap();
            for i in 0..10 {
                let store = store.clone();
                tokio::spawn(async move { store.put(&i.to_string(), i).await });
            }
            wait_for_hits("store-put", 10)
                .within(limit())
                .await
                .unwrap();
            let list = list_failpoints();
            let point = list.iter().find(|point| point.name() == "store-put");
            assert_eq!(point.unwrap().hits(), 10);
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn a_put_that_is_aborted_at_its_point_stores_nothing() {
            let _alone = $alone;
            let store = store();
            let point = armed("store-put", "pause");
            let writer = store.clone();
            let task = tokio::spawn(async move { writer.put("k", 1).await });
            point.wait_until_paused(1).await.unwrap();
            task.abort();
            assert!(
                timeout(limit(), task)
                    .await
                    .unwrap()
                    .unwrap_err()
                    .is_cancelled()
            );
            assert!(point.waiters().is_empty());
            assert_eq!(store.get("k").await, Ok(None));
        }
    };
}

mod isolated {
    ten_tests!(neon_failpoint::isolate());
}

/// These pass for as long as they are run one by one: the children run them side by side.
mod together {
    ten_tests!(super::one_by_one());
}

/// Outside of a child, and so beside the other tests here, the tests are isolated all the same.
fn one_by_one() -> Option<neon_failpoint::Isolated> {
    role().is_none().then(neon_failpoint::isolate)
}

/// Runs the ten tests of a module, at eight threads.
fn run(module: &str) -> Output {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args([&format!("store::{module}::"), "--test-threads", "8"]);
    child.env("NEON_FAILPOINT_TEST_ROLE", module);
    child.output().unwrap()
}

#[test]
fn ten_tests_that_share_their_points_pass_forty_times_with_isolate() {
    for _ in 0..40 {
        let output = run("isolated");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{text}");
        assert!(text.contains("10 passed"), "{text}");
    }
}

#[test]
fn the_same_tests_fail_without_it() {
    let fails = (0..40).any(|_| !run("together").status.success());
    assert!(fails, "the tests would not notice if `isolate` did nothing");
}
