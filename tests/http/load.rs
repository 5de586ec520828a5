//! Many clients over HTTP at once: waits that are all answered, clients that hang up, and
//! configurations that come as fast as one client can send them.

use std::sync::atomic::{AtomicU64, Ordering};

use neon_failpoint::{FailpointResult, failpoint, remove_failpoint};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::TABLE;
use crate::common::crew::spawn_hit;
use crate::common::http::{Client, with_client};
use crate::common::{observers, until_async, waiters};

#[test]
fn two_hundred_clients_are_answered_after_one_hit() {
    const CLIENTS: usize = 200;
    const NAME: &str = "http-200";
    with_client("200 clients", async |mut client| {
        let _table = TABLE.read().await;
        for (actions, query) in [("off", "hits=1"), ("pause", "paused=1")] {
            client.arm(NAME, actions).await;
            let mut answers = JoinSet::new();
            for _ in 0..CLIENTS {
                let mut client = Client::connect(client.address()).await;
                let path = format!("/v1/failpoints/{NAME}/wait?{query}&timeout_ms=3600000");
                answers.spawn(async move { client.get(&path).await.expect(200) });
            }
            until_async("all wait", || observers(NAME) == CLIENTS).await;
            assert!(answers.try_join_next().is_none());

            let hit = spawn_hit(NAME);
            let mut answered = 0;
            while let Some(point) = answers.join_next().await {
                let point = point.unwrap();
                assert_eq!((&point["hits"], &point["fired"]), (&json!(1), &json!(1)));
                answered += 1;
            }
            assert_eq!((answered, observers(NAME)), (CLIENTS, 0));
            remove_failpoint(NAME);
            assert_eq!(hit.await.unwrap(), FailpointResult::Continue);
        }
    });
}

#[test]
fn a_client_that_hangs_up_leaves_no_wait_behind() {
    const CLIENTS: usize = 50;
    const NAME: &str = "http-hang-up";
    with_client("hang up", async |mut client| {
        let _table = TABLE.read().await;
        client.arm(NAME, "off").await;
        let mut stays = Client::connect(client.address()).await;
        let stays = tokio::spawn(async move {
            let path = format!("/v1/failpoints/{NAME}/wait?hits=1&timeout_ms=3600000");
            stays.get(&path).await.expect(200)
        });
        let mut streams = Vec::new();
        for number in 0..CLIENTS {
            let mut stream = TcpStream::connect(client.address()).await.unwrap();
            let goal = if number % 2 == 0 { "hits" } else { "paused" };
            let request = format!(
                "GET /v1/failpoints/{NAME}/wait?{goal}=1&timeout_ms=3600000 HTTP/1.1\r\n\
                 host: localhost\r\n\r\n"
            );
            stream.write_all(request.as_bytes()).await.unwrap();
            // Some say goodbye, some are just gone.
            if number % 3 == 0 {
                stream.set_zero_linger().unwrap();
            }
            streams.push(stream);
        }
        until_async("all wait", || observers(NAME) == CLIENTS + 1).await;
        let point = client
            .get(&format!("/v1/failpoints/{NAME}"))
            .await
            .expect(200);
        println!("before: {} observers", point["observers"]);
        drop(streams);
        until_async("who hung up is gone", || observers(NAME) == 1).await;
        let point = client
            .get(&format!("/v1/failpoints/{NAME}"))
            .await
            .expect(200);
        println!("after: {} observers", point["observers"]);
        assert_eq!(
            (&point["observers"], &point["waiters"]),
            (&json!(1), &json!([]))
        );

        assert_eq!(failpoint(NAME, None).await, FailpointResult::Continue);
        assert_eq!(stays.await.unwrap()["hits"], 1);
        assert_eq!(observers(NAME), 0);
        remove_failpoint(NAME);
    });
}

/// The number of the last configuration whose POST was answered.
static ANSWERED: AtomicU64 = AtomicU64::new(0);

const FIRST: &str = "http-fast-1";
const SECOND: &str = "http-fast-2";

/// Hits both points until the last configuration, and returns how often it was hit, and let go.
async fn hit_both() -> (usize, usize) {
    let (mut hits, mut let_go, mut seen) = (0, 0, 0);
    loop {
        for name in [FIRST, SECOND] {
            let answered = ANSWERED.load(Ordering::SeqCst);
            hits += 1;
            match failpoint(name, None).await {
                FailpointResult::Return(number) if number == "end" => return (hits, let_go),
                FailpointResult::Return(number) => {
                    let number: u64 = number.parse().unwrap();
                    // Not one from before: neither of this point, nor of the other one, which is
                    // configured with it.
                    assert!(
                        number >= seen.max(answered),
                        "{number} after {seen}, {answered}"
                    );
                    seen = number;
                }
                FailpointResult::Continue => let_go += 1,
                FailpointResult::Cancelled => unreachable!("no token was given"),
            }
        }
        tokio::task::yield_now().await;
    }
}

#[test]
fn nothing_is_lost_however_fast_configurations_come() {
    const POSTS: u64 = 2_000;
    with_client("fast", async |mut client| {
        let _table = TABLE.read().await;
        let batch = |number: u64, actions: &str| {
            let actions = actions.replace('N', &number.to_string());
            let entry = |name| json!({ "name": name, "actions": actions });
            Value::from(vec![entry(FIRST), entry(SECOND)]).to_string()
        };
        client
            .post("/v1/failpoints", batch(0, "return(N)"))
            .await
            .expect(200);
        let mut tasks = JoinSet::new();
        for _ in 0..4 {
            tasks.spawn(hit_both());
        }
        for number in 1..=POSTS {
            let actions = match number % 3 {
                // Who stands there is let go by the next one.
                0 => "2*pause->return(N)",
                1 => "return(N)",
                _ => "1*sleep(3600000)->return(N)",
            };
            let answer = client.post("/v1/failpoints", batch(number, actions)).await;
            answer.configured();
            ANSWERED.store(number, Ordering::SeqCst);
        }
        // The last one of them all, paused: each task comes, stands, and is let go by the end.
        client
            .post("/v1/failpoints", batch(0, "pause"))
            .await
            .expect(200);
        until_async("all stand there", || waiters(FIRST) + waiters(SECOND) == 4).await;
        client
            .post("/v1/failpoints", batch(0, "return(end)"))
            .await
            .expect(200);
        let (mut hits, mut let_go) = (0, 0);
        while let Some(task) = tasks.join_next().await {
            let task = task.unwrap();
            hits += task.0;
            let_go += task.1;
        }
        println!("{POSTS} configurations, {hits} hits, {let_go} of them let go");
        assert!(let_go >= 4);
        for name in [FIRST, SECOND] {
            let point = client
                .get(&format!("/v1/failpoints/{name}"))
                .await
                .expect(200);
            assert_eq!(point["actions"], "return(end)");
            assert_eq!(point["waiters"], json!([]));
            remove_failpoint(name);
        }
    });
}
