//! Waits: met, late, or for nothing.

use neon_failpoint::fail_point_with_context_sync;

use super::*;

#[test]
fn a_wait_answers_when_it_is_so() {
    with_client("wait", async |mut client| {
        let _table = TABLE.read().await;
        client.arm("http-wait", "1*pause->off").await;
        let mut other = Client::connect(client.address()).await;
        let wait = tokio::spawn(async move {
            let path = "/v1/failpoints/http-wait/wait?paused=1&timeout_ms=3600000";
            other.get(path).await.expect(200)
        });
        until_async("the wait is there", || observers("http-wait") == 1).await;
        let task = spawn_hit("http-wait");
        assert_eq!(wait.await.unwrap()["waiters"].as_array().unwrap().len(), 1);
        assert_eq!(observers("http-wait"), 0);
        assert_eq!(
            spawn_hit("http-wait").await.unwrap(),
            FailpointResult::Continue
        );
        // Hits that came before count, more than were waited for, too.
        for hits in 0..=2 {
            let path = format!("/v1/failpoints/http-wait/wait?hits={hits}&timeout_ms=0");
            assert_eq!(client.get(&path).await.expect(200)["hits"], 2);
        }
        remove_failpoint("http-wait");
        assert_eq!(task.await.unwrap(), FailpointResult::Continue);
    });
}

#[test]
fn a_wait_that_is_not_met_answers_with_the_present_state() {
    with_client("late", async |mut client| {
        // It is the process's deadline that is set.
        let _table = TABLE.write().await;
        client.arm("http-late", "off").await;
        assert_eq!(
            spawn_hit("http-late").await.unwrap(),
            FailpointResult::Continue
        );
        for (query, what) in [
            ("hits=2&timeout_ms=0", "not hit 2 times within 0ns"),
            ("hits=2&timeout_ms=20", "not hit 2 times within 20ms"),
            ("timeout_ms=20&paused=3", "not where 3 waited within 20ms"),
            ("fired=2&timeout_ms=0", "not fire 2 times within 0ns"),
        ] {
            let answer = client
                .get(&format!("/v1/failpoints/http-late/wait?{query}"))
                .await;
            let mut point = answer.body.clone();
            answer.refused(408, &["\"http-late\"", what, "hits 1, waiting 0"]);
            point.as_object_mut().unwrap().remove("msg");
            assert_eq!(
                point,
                client.get("/v1/failpoints/http-late").await.expect(200)
            );
            assert_eq!(point["hits"], 1);
            assert_eq!(point["observers"], 0);
        }
        set_wait_deadline(Duration::from_millis(30));
        let answer = client.get("/v1/failpoints/http-late/wait?hits=2").await;
        set_wait_deadline(Duration::from_secs(30));
        answer.refused(408, &["within 30ms"]);
        remove_failpoint("http-late");
    });
}

/// A client that is not in the process has only the answer to go by.
#[test]
fn a_wait_for_what_matchers_turn_away_says_so() {
    with_client("turned", async |mut client| {
        let _table = TABLE.read().await;
        let path = "/v1/failpoints/http-turned/wait";
        client.arm("http-turned", "when(tenant=a)off").await;
        let hit = |tenant: &'static str| {
            let context = failpoint_context! { "tenant" => tenant };
            fail_point_with_context_sync!("http-turned", &context);
        };
        hit("abc");
        for (query, what) in [
            (
                "fired=1",
                "did not fire once within 0ns: hits 1, waiting 0, fired 0",
            ),
            ("paused=1", "was not where 1 waited"),
        ] {
            let answer = client.get(&format!("{path}?{query}&timeout_ms=0")).await;
            assert_eq!(answer.body["turned_away"], 1);
            let why = "1 hit was turned away by matchers, it had tenant=\"abc\"";
            answer.refused(408, &[what, why, "it is at ", "wait.rs:"]);
        }
        hit("a");
        let point = client.get(&format!("{path}?fired=1")).await.expect(200);
        assert_eq!((&point["hits"], &point["fired"]), (&json!(2), &json!(1)));
        remove_failpoint("http-turned");
    });
}

#[test]
fn a_wait_for_nothing_says_so() {
    with_client("gone", async |mut client| {
        let _table = TABLE.read().await;
        let path = "/v1/failpoints/http-gone/wait?paused=1&timeout_ms=3600000";
        client
            .get(path)
            .await
            .refused(404, &["\"http-gone\"", "not configured"]);
        client.arm("http-gone", "pause").await;
        let mut other = Client::connect(client.address()).await;
        let wait = tokio::spawn(async move { other.get(path).await });
        until_async("the wait is there", || observers("http-gone") == 1).await;
        // Anew: the wait goes on, at what is there now.
        client.arm("http-gone", "off").await;
        until_async("the wait is there again", || observers("http-gone") == 1).await;
        client.delete("/v1/failpoints/http-gone").await.expect(200);
        wait.await
            .unwrap()
            .refused(410, &["\"http-gone\"", "removed"]);

        client.arm("http-gone", "off").await;
        for (query, parameter) in [
            ("", "`hits`"),
            ("?", "`hits`"),
            ("?hits=a", "`hits`"),
            ("?hits=1&paused=1", "`paused`"),
            ("?hits=1&fired=1", "`fired`"),
            ("?hits=1&timeout_ms=-1", "`timeout_ms`"),
            ("?hits=1&timeout_ms=3600001", "`timeout_ms`"),
            ("?hits=1&timeout=5", "\"timeout\""),
        ] {
            let path = format!("/v1/failpoints/http-gone/wait{query}");
            client.get(&path).await.refused(400, &[parameter]);
        }
        remove_failpoint("http-gone");
    });
}

#[test]
fn a_wait_follows_the_paused_clock() {
    Runtime::PausedClock.run("paused clock", || async {
        let _table = TABLE.read().await;
        configure_failpoint("http-clock", "off").unwrap();
        let start = tokio::time::Instant::now();
        let request = Request::new("GET", "/v1/failpoints/http-clock/wait");
        let request = request.query("hits=1&timeout_ms=3600000");
        assert_eq!(Control::new().handle(request).await.status(), 408);
        let waited = start.elapsed();
        assert!(waited >= Duration::from_secs(3600) && waited < DEADLINE * 61);
        remove_failpoint("http-clock");
    });
}

#[test]
fn a_server_that_shuts_down_waits_for_waits_until_their_points_go() {
    net("shutdown", async || {
        let _table = TABLE.read().await;
        configure_failpoint("http-shutdown", "off").unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let server = axum::serve(listener, neon_failpoint::http::router())
            .with_graceful_shutdown(async { stopped.await.unwrap() });
        let server = tokio::spawn(server.into_future());
        let mut client = Client::connect(address).await;
        let wait = tokio::spawn(async move {
            let path = "/v1/failpoints/http-shutdown/wait?hits=1&timeout_ms=3600000";
            client.get(path).await
        });
        until_async("the wait is there", || observers("http-shutdown") == 1).await;
        stop.send(()).unwrap();
        while TcpStream::connect(address).await.is_ok() {}
        assert!(!server.is_finished() && observers("http-shutdown") == 1);
        remove_failpoint("http-shutdown");
        wait.await.unwrap().refused(410, &["removed"]);
        server.await.unwrap().unwrap();
    });
}
