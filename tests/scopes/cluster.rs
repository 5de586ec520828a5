//! Proves that the nodes of a cluster in one process, each in a scope inside the test's own, fail one by
//! one or all together.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot};

use crate::common::{spawn_task, within_deadline};
use neon_failpoint::{
    Attached, InScope, Scope, arm, configure_failpoint, fail_point, isolate, wait_until_paused,
};

type Answer = oneshot::Sender<Result<u64, String>>;

/// A node that stores a number.
#[derive(Clone)]
struct Node {
    requests: mpsc::UnboundedSender<(u64, Answer)>,
}

impl Node {
    /// What runs a node: a task for each request.
    fn new() -> (Self, impl Future<Output = ()>) {
        let (requests, mut received) = mpsc::unbounded_channel::<(u64, Answer)>();
        let serve = async move {
            let stored = Arc::new(AtomicU64::new(0));
            while let Some((number, answer)) = received.recv().await {
                let _ = answer.send(Self::store(&stored, number).await);
            }
        };
        (Self { requests }, serve)
    }

    async fn store(stored: &AtomicU64, number: u64) -> Result<u64, String> {
        fail_point!("scopes-cluster-before-store");
        fail_point!("scopes-cluster-store", Err);
        stored.store(number, Ordering::SeqCst);
        Ok(number)
    }

    fn send(&self, number: u64) -> oneshot::Receiver<Result<u64, String>> {
        let (answer, answered) = oneshot::channel();
        self.requests.send((number, answer)).unwrap();
        answered
    }
}

/// What the three nodes answer.
async fn answers(nodes: &[Node; 3], number: u64) -> [Result<u64, String>; 3] {
    let [a, b, c] = [0, 1, 2].map(|i| nodes[i].send(number));
    [a.await.unwrap(), b.await.unwrap(), c.await.unwrap()]
}

/// Fails each of the nodes, and all of them.
async fn test(nodes: &[Node; 3], scopes: &[Scope; 3]) {
    assert_eq!(answers(nodes, 1).await, [Ok(1), Ok(1), Ok(1)]);
    for (i, scope) in scopes.iter().enumerate() {
        let point = scope.run(|| arm("scopes-cluster-store", "return(disk full)"));
        let point = point.unwrap().must_fire();
        let mut expected = [Ok(2), Ok(2), Ok(2)];
        expected[i] = Err("disk full".to_owned());
        assert_eq!(answers(nodes, 2).await, expected);
        assert_eq!(point.hits(), 1);
        // What is armed around the nodes shows through in the others.
        let all = arm("scopes-cluster-store", "return(power cut)").unwrap();
        expected = [(); 3].map(|()| Err("power cut".to_owned()));
        expected[i] = Err("disk full".to_owned());
        assert_eq!(answers(nodes, 3).await, expected);
        assert_eq!((point.hits(), all.hits()), (2, 2));
    }
    // One node is slow; the others have answered by then.
    let slow = scopes[1]
        .run(|| arm("scopes-cluster-before-store", "pause"))
        .unwrap();
    let [a, mut b, c] = [0, 1, 2].map(|i| nodes[i].send(4));
    assert_eq!((a.await.unwrap(), c.await.unwrap()), (Ok(4), Ok(4)));
    slow.wait_until_paused(1).await.unwrap();
    assert!(b.try_recv().is_err());
    assert_eq!(slow.release_one(), 1);
    assert_eq!(b.await.unwrap(), Ok(4));
    drop(slow);
    // All stop at one point, and are let go together.
    configure_failpoint("scopes-cluster-before-store", "pause").unwrap();
    let sent = [0, 1, 2].map(|i| nodes[i].send(5));
    wait_until_paused("scopes-cluster-before-store", 3)
        .await
        .unwrap();
    neon_failpoint::remove_failpoint("scopes-cluster-before-store");
    for answer in sent {
        assert_eq!(answer.await.unwrap(), Ok(5));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_nodes_whose_futures_are_in_scopes_fail_one_by_one() {
    let _alone = isolate();
    let scopes = [(); 3].map(|()| Scope::new());
    let nodes = [0, 1, 2].map(|i| {
        let (node, serve) = Node::new();
        spawn_task(serve.in_scope(&scopes[i]));
        node
    });
    test(&nodes, &scopes).await;
}

#[test]
fn three_nodes_with_a_runtime_each_fail_one_by_one() {
    within_deadline("three nodes", || {
        let build = || {
            let mut builder = tokio::runtime::Builder::new_multi_thread();
            builder.worker_threads(1).enable_all().build().unwrap()
        };
        let runtimes: [Runtime; 3] = std::array::from_fn(|_| build());
        let of_the_test = build();
        of_the_test.block_on(async {
            let _alone = isolate();
            let scopes = [(); 3].map(|()| Scope::new());
            let _attached: [Attached; 3] =
                std::array::from_fn(|i| scopes[i].attach(runtimes[i].handle()));
            let nodes = [0, 1, 2].map(|i| {
                let (node, serve) = Node::new();
                runtimes[i].spawn(serve);
                node
            });
            test(&nodes, &scopes).await;
        });
    });
}
