//! Proves that what a database does with `fail-parallel`, as SlateDB does, takes a few lines with scopes:
//! an error at the second write, a fault in one of two databases, a runtime of its own, a task that is
//! paused twice, and sites that keep their parameter. `migration/README.md` shows code from here.

use std::sync::{Arc, Mutex};

use tokio::sync::{mpsc, oneshot};

use crate::common::{now, panic_of, within_deadline};
use neon_failpoint::{
    InScope, Scope, arm, configure_failpoint, fail_point, fail_point_with_context,
    failpoint_context, isolate,
};

type Reply = oneshot::Sender<Result<u64, String>>;

/// The files of a log.
#[derive(Debug, Default)]
struct Store {
    written: Mutex<Vec<u64>>,
}

impl Store {
    /// With a registry: `fail_point!(self.registry.clone(), "scopes-write-wal", |_| Err(..))`.
    async fn write(&self, id: u64) -> Result<u64, String> {
        fail_point!("scopes-write-wal", Err);
        self.written.lock().unwrap().push(id);
        Ok(id)
    }
}

/// A database whose task writes.
#[derive(Clone, Debug)]
struct Db {
    requests: mpsc::UnboundedSender<Reply>,
}

impl Db {
    /// Opens it, and starts its task where the caller is.
    fn open(store: Arc<Store>) -> Self {
        let (requests, mut received) = mpsc::unbounded_channel::<Reply>();
        let serve = async move {
            for id in 1.. {
                let Some(reply) = received.recv().await else {
                    break;
                };
                let _ = reply.send(store.write(id).await);
            }
        };
        tokio::spawn(serve.in_current_scope());
        Self { requests }
    }

    async fn flush(&self) -> Result<u64, String> {
        let (reply, replied) = oneshot::channel();
        self.requests.send(reply).unwrap();
        replied.await.unwrap()
    }
}

#[tokio::test]
async fn the_second_write_fails_and_the_next_succeeds() {
    let _alone = isolate();
    let point = arm("scopes-write-wal", "1*off->return(disk full)").unwrap();
    let db = Db::open(Arc::default());
    assert_eq!(db.flush().await, Ok(1));
    assert_eq!(db.flush().await, Err("disk full".to_owned()));
    drop(point);
    assert_eq!(db.flush().await, Ok(3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_two_databases_fails() {
    let _alone = isolate();
    let [parent, clone] = [Scope::new(), Scope::new()];
    let _fault = clone
        .run(|| arm("scopes-write-wal", "return(disk full)"))
        .unwrap();
    let parent = parent.run(|| Db::open(Arc::default()));
    let clone = clone.run(|| Db::open(Arc::default()));
    assert_eq!(parent.flush().await, Ok(1));
    assert_eq!(clone.flush().await, Err("disk full".to_owned()));
}

#[test]
fn a_database_on_a_runtime_of_its_own_is_reached_where_that_is_attached() {
    within_deadline("a runtime of its own", || {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let of_compaction = builder.worker_threads(1).build().unwrap();
        let alone = isolate();
        let _attached = alone.scope().attach(of_compaction.handle());
        let _fault = arm("scopes-write-wal", "return(disk full)").unwrap();
        let store = Store::default();
        let write = of_compaction.spawn(async move { store.write(1).await });
        let written = of_compaction.block_on(write).unwrap();
        assert_eq!(written, Err("disk full".to_owned()));
    });
}

/// Takes the log over from whoever wrote before: what it writes next is after all that was written.
async fn fence(store: &Store) -> Result<u64, String> {
    let last = || store.written.lock().unwrap().last().copied().unwrap_or(0);
    for attempt in 1..=3 {
        let id = last() + 1;
        let context = failpoint_context! { "attempt" => attempt };
        fail_point_with_context!("scopes-fence-loaded", &context);
        if last() < id {
            return store.write(id).await;
        }
    }
    Err("fenced".to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_comes_in_between_twice_while_the_other_is_paused() {
    let _alone = isolate();
    let store = Arc::<Store>::default();
    let point = arm("scopes-fence-loaded", "when(attempt=[12])pause").unwrap();
    let fencer = store.clone();
    let task = tokio::spawn(async move { fence(&fencer).await });
    for id in [1, 2] {
        point.wait_until_paused(1).await.unwrap();
        store.write(id).await.unwrap();
        assert_eq!(point.release_one(), 1);
    }
    assert_eq!(task.await.unwrap(), Ok(3));
    assert_eq!((point.hits(), point.fired()), (3, 2));
}

/// Hits a failpoint in `$scope`, which stands where a registry stood.
macro_rules! fail_point_in {
    ($scope:expr, $($rest:tt)*) => {
        if neon_failpoint::has_failpoints() {
            let _entered = $scope.enter();
            neon_failpoint::compat::fail_point!($($rest)*);
        }
    };
}

/// The same in async code. The closure gets a `String`.
macro_rules! fail_point_async_in {
    ($scope:expr, $name:literal) => {
        if neon_failpoint::has_failpoints() {
            let hit = async { neon_failpoint::fail_point!($name) };
            neon_failpoint::InScope::in_scope(hit, &$scope).await
        }
    };
    ($scope:expr, $name:literal, $closure:expr) => {
        if neon_failpoint::has_failpoints() {
            let hit = async {
                neon_failpoint::fail_point!($name, Some);
                None
            };
            if let Some(value) = neon_failpoint::InScope::in_scope(hit, &$scope).await {
                return ($closure)(value);
            }
        }
    };
}

/// A part of a database that was handed a registry, and is handed a scope.
struct Part {
    scope: Scope,
}

impl Part {
    fn read(&self) -> u32 {
        fail_point_in!(self.scope, "scopes-part-begin");
        fail_point_in!(self.scope, "scopes-part-read", |value| value
            .map_or(1, |value: String| value.parse().unwrap()));
        0
    }

    fn read_if(&self, is_hit: bool) -> u32 {
        fail_point_in!(self.scope, "scopes-part-read", is_hit, |_| 1);
        0
    }

    async fn write(&self) -> Result<(), String> {
        fail_point_async_in!(self.scope, "scopes-part-paused");
        fail_point_async_in!(self.scope, "scopes-part-write", Err);
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_site_that_keeps_its_parameter_takes_a_scope_for_a_registry() {
    let parts = [(); 2].map(|()| Part {
        scope: Scope::new(),
    });
    let [one, other] = &parts;
    // From wherever it is called, also where another scope is.
    let _alone = isolate();
    for (actions, seen) in [("return(7)", 7), ("return", 1), ("off", 0)] {
        let configured = || configure_failpoint("scopes-part-read", actions);
        one.scope.run(configured).unwrap();
        assert_eq!((one.read(), other.read()), (seen, 0));
        assert_eq!((one.read_if(true), one.read_if(false)), (seen.min(1), 0));
    }
    let fault = || configure_failpoint("scopes-part-begin", "panic(begun)");
    one.scope.run(fault).unwrap();
    assert_eq!(panic_of(|| one.read()), "begun");
    let fault = || configure_failpoint("scopes-part-write", "return(disk full)");
    one.scope.run(fault).unwrap();
    let point = one
        .scope
        .run(|| arm("scopes-part-paused", "pause"))
        .unwrap();
    let [one, other] = parts;
    assert_eq!(now(other.write()), Ok(()));
    let task = tokio::spawn(async move { one.write().await });
    point.wait_until_paused(1).await.unwrap();
    assert_eq!(point.release_one(), 1);
    assert_eq!(task.await.unwrap(), Err("disk full".to_owned()));
}
