//! What is removed by itself.

use super::*;
use neon_failpoint::arm;

async fn put(client: &mut Client, name: &str, ttl: u64) {
    let path = format!("/v1/failpoints/{name}?ttl_ms={ttl}");
    let answer = client.put(&path, "pause").await.expect(200);
    assert_eq!(answer["ttl_ms"], json!({ name: ttl }));
}

async fn left(client: &mut Client, name: &str) -> Option<u64> {
    let point = client.get(&format!("/v1/failpoints/{name}")).await;
    point.expect(200)["ttl_ms"].as_u64()
}

#[test]
fn a_service_that_a_dead_client_paused_goes_on() {
    #[allow(dead_code)]
    async fn site() {
        fail_point!("http-ttl");
    }
    with_client("ttl", async |mut client| {
        let _table = TABLE.read().await;
        let body = |ttl: u64| {
            json!([
                { "name": "http-ttl", "actions": "pause", "ttl_ms": ttl },
                { "name": "http-ttl-stays", "actions": "pause", "ttl_ms": null },
            ])
            .to_string()
        };
        let answer = client
            .post("/v1/failpoints", body(600_000))
            .await
            .expect(200);
        assert_eq!(answer["ttl_ms"], json!({ "http-ttl": 600_000 }));
        assert_eq!(answer["warnings"].as_array().unwrap().len(), 1);
        let ms = left(&mut client, "http-ttl").await.unwrap();
        assert!((1..=600_000).contains(&ms), "{ms}");
        let listed = client.get("/v1/failpoints").await.expect(200);
        let listed = listed
            .as_array()
            .unwrap()
            .iter()
            .find(|p| p["name"] == "http-ttl");
        assert!(listed.unwrap()["ttl_ms"].is_u64());
        assert_eq!(left(&mut client, "http-ttl-stays").await, None);

        let task = spawn_hit("http-ttl");
        client
            .get("/v1/failpoints/http-ttl/wait?paused=1")
            .await
            .expect(200);
        let mut other = Client::connect(client.address()).await;
        let wait = tokio::spawn(async move {
            let path = "/v1/failpoints/http-ttl/wait?hits=9&timeout_ms=3600000";
            other.get(path).await
        });
        until_async("the wait is there", || observers("http-ttl") == 1).await;
        // The client of this one dies.
        put(&mut client, "http-ttl", 300).await;
        assert_eq!(task.await.unwrap(), FailpointResult::Continue);
        let task = spawn_hit("http-ttl");
        drop(client);
        assert_eq!(task.await.unwrap(), FailpointResult::Continue);
        wait.await
            .unwrap()
            .refused(410, &["\"http-ttl\"", "removed"]);
        assert!(info("http-ttl").is_none());
        assert!(info("http-ttl-stays").is_some());
        remove_failpoint("http-ttl-stays");
    });
}

/// It is the configuration that ends, not the name.
#[test]
fn what_was_configured_later_stays() {
    with_client("ttl later", async |mut client| {
        let _table = TABLE.read().await;
        const NAMES: [&str; 4] = [
            "http-ttl-anew",
            "http-ttl-gone-and-back",
            "http-ttl-longer",
            "http-ttl-process",
        ];
        for name in NAMES {
            put(&mut client, name, 400).await;
        }
        put(&mut client, "http-ttl-clock", 400).await;
        client
            .put("/v1/failpoints/http-ttl-anew", "pause")
            .await
            .configured();
        client
            .delete("/v1/failpoints/http-ttl-gone-and-back")
            .await
            .expect(200);
        client.arm("http-ttl-gone-and-back", "pause").await;
        put(&mut client, "http-ttl-longer", 600_000).await;
        configure_failpoint("http-ttl-process", "pause").unwrap();
        assert!(left(&mut client, "http-ttl-longer").await.unwrap() > 400);
        for name in [
            "http-ttl-anew",
            "http-ttl-gone-and-back",
            "http-ttl-process",
        ] {
            assert_eq!(left(&mut client, name).await, None, "{name}");
        }
        // Set after all of the others that have as long.
        until_async("the last one is gone", || info("http-ttl-clock").is_none()).await;
        for name in NAMES {
            assert!(info(name).is_some(), "{name}");
            remove_failpoint(name);
        }
    });
}

#[test]
fn a_guard_over_it_stays_and_uncovers_nothing() {
    with_client("ttl guard", async |mut client| {
        let _table = TABLE.read().await;
        const NAME: &str = "http-ttl-guard";
        put(&mut client, NAME, 200).await;
        let guard = arm(NAME, "off").unwrap();
        put(&mut client, "http-ttl-guard-clock", 200).await;
        assert_eq!(left(&mut client, NAME).await, None);
        until_async("both are over", || info("http-ttl-guard-clock").is_none()).await;
        assert_eq!(info(NAME).unwrap().actions(), Some("off"));
        drop(guard);
        assert!(info(NAME).is_none());

        // A guard that is gone before then changes nothing.
        put(&mut client, NAME, 200).await;
        drop(arm(NAME, "off").unwrap());
        assert!(info(NAME).is_none_or(|info| info.actions() == Some("pause")));
        until_async("it is gone", || info(NAME).is_none()).await;

        // The other way round: what was put over a guard goes.
        let guard = arm(NAME, "off").unwrap();
        put(&mut client, NAME, 200).await;
        until_async("it is gone", || info(NAME).is_none()).await;
        drop(guard);
        assert!(info(NAME).is_none());
    });
}

#[test]
fn a_bad_limit_changes_nothing() {
    with_client("bad ttl", async |mut client| {
        let _table = TABLE.read().await;
        for bad in [
            "0",
            "-1",
            "1.5",
            "604800001",
            "1e300",
            "\"5\"",
            "false",
            "[5]",
        ] {
            let body = format!(
                r#"[{{"name": "http-ttl-bad-1", "actions": "off"}},
                    {{"name": "http-ttl-bad", "actions": "pause", "ttl_ms": {bad}}}]"#
            );
            client.post("/v1/failpoints", body).await.refused(
                400,
                &[
                    "entry 2 of the batch: failpoint \"http-ttl-bad\": the field `ttl_ms`: found ",
                    "expected a whole number of milliseconds from 1 to 604800000, a week",
                ],
            );
            assert!(info("http-ttl-bad").is_none() && info("http-ttl-bad-1").is_none());
        }
        for (ttl, left) in [(1, 0..=1), (604_800_000, 604_000_000..=604_800_000)] {
            put(&mut client, "http-ttl-bad", ttl).await;
            let now = info("http-ttl-bad");
            let point = client.get("/v1/failpoints/http-ttl-bad").await;
            if now.is_some() && point.status == 200 {
                assert!(
                    left.contains(&point.body["ttl_ms"].as_u64().unwrap()),
                    "{ttl}"
                );
            }
            client
                .delete("/v1/failpoints/http-ttl-bad")
                .await
                .expect(200);
        }
    });
}

/// The thread that removes what has a limit, if it is there.
#[cfg(target_os = "linux")]
fn timers() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let names =
        tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names
        .filter(|name| name.starts_with("neon_failpoint"))
        .count()
}

#[cfg(target_os = "linux")]
#[test]
fn there_is_no_thread_once_nothing_has_a_limit() {
    with_client("ttl thread", async |mut client| {
        // Nobody else sleeps meanwhile.
        let _table = TABLE.write().await;
        until_async("nobody sleeps", || timers() == 0).await;
        let names = [
            "http-ttl-thread-1",
            "http-ttl-thread-2",
            "http-ttl-thread-3",
        ];
        for name in names {
            put(&mut client, name, 604_800_000).await;
        }
        until_async("one thread serves them all", || timers() == 1).await;
        client
            .delete("/v1/failpoints/http-ttl-thread-1")
            .await
            .expect(200);
        client.arm("http-ttl-thread-2", "off").await;
        assert_eq!(timers(), 1);
        neon_failpoint::remove_all_failpoints();
        until_async("the thread is gone", || timers() == 0).await;
        put(&mut client, "http-ttl-thread-1", 50).await;
        until_async("it is gone", || info("http-ttl-thread-1").is_none()).await;
        until_async("so is its thread", || timers() == 0).await;
    });
}
