//! Every call over HTTP, good and bad, against a real server on a loopback port.
//! Shares the global table: tests have names of their own, and those that list or remove
//! everything have the table to themselves.

mod common;
#[path = "common/http.rs"]
mod http_common;

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use hyper::header::{ALLOW, CONTENT_TYPE};
use neon_failpoint::http::{Control, Request};
use neon_failpoint::{
    FailpointResult, configure_failpoint, fail_point, failpoint, failpoint_context,
    list_failpoints, remove_failpoint, set_wait_deadline,
};
use serde_json::{Value, json};
use tokio::sync::RwLock;
use tower_http::validate_request::ValidateRequestHeaderLayer;

use common::{DEADLINE, Runtime, assert_stats, info, until_async, waiters};
use http_common::{Client, serve};

static TABLE: RwLock<()> = RwLock::const_new(());

/// Runs `test` with a client of a server that has nothing but failpoints.
#[track_caller]
fn with_client<F: Future<Output = ()>>(
    what: &str,
    test: impl FnOnce(Client) -> F + Send + 'static,
) {
    with_server(what, neon_failpoint::http::router(), test);
}

#[track_caller]
fn with_server<F: Future<Output = ()>>(
    what: &str,
    app: Router,
    test: impl FnOnce(Client) -> F + Send + 'static,
) {
    net(what, async move || {
        let address = serve(app).await;
        test(Client::connect(address).await).await;
    });
}

/// Runs `test` on a runtime that has sockets.
#[track_caller]
fn net<F: Future<Output = ()>>(what: &str, test: impl FnOnce() -> F + Send + 'static) {
    common::within_deadline(what, || {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(test());
    });
}

fn hit(name: &'static str) -> tokio::task::JoinHandle<FailpointResult> {
    tokio::spawn(failpoint(name, None))
}

/// A hit with the context `tenant`.
fn hit_of(name: &'static str, tenant: &'static str) -> tokio::task::JoinHandle<FailpointResult> {
    tokio::spawn(async move {
        let context = failpoint_context! { "tenant" => tenant };
        failpoint(name, Some(&context)).await
    })
}

#[test]
fn post_and_put_configure_and_answer_null() {
    with_client("configure", async |mut client| {
        let _table = TABLE.read().await;
        for (method, value) in [("POST", "one"), ("PUT", "two")] {
            let body = json!([{ "name": "http-configure", "actions": format!("return({value})") }]);
            let answer = client
                .send(
                    method,
                    "/v1/failpoints",
                    Some("application/json"),
                    body.to_string(),
                )
                .await;
            assert_eq!(answer.headers[CONTENT_TYPE], "application/json");
            assert_eq!(answer.expect(200), Value::Null);
            let result = failpoint("http-configure", None).await;
            assert_eq!(result, FailpointResult::Return(value.to_owned()));
        }
        // Nothing but the bytes, as a client without a JSON library sends them.
        let body = r#"[{"name": "http-configure", "actions": "off"}]"#;
        let answer = client.send("POST", "/v1/failpoints", None, body).await;
        assert_eq!(answer.expect(200), Value::Null);
        assert_stats("http-configure", (0, 0, 0));
        assert_eq!(
            client.post("/v1/failpoints", "[]").await.expect(200),
            Value::Null
        );
        remove_failpoint("http-configure");
    });
}

#[test]
fn context_matchers_are_an_object_or_a_list_of_pairs() {
    with_client("matchers", async |mut client| {
        let _table = TABLE.read().await;
        for matchers in [json!({ "tenant": "t-[12]" }), json!([["tenant", "t-[12]"]])] {
            let entry = json!([{
                "name": "http-matchers",
                "actions": "return(no)->off",
                "context_matchers": matchers,
            }]);
            client
                .post("/v1/failpoints", entry.to_string())
                .await
                .expect(200);
            let no = FailpointResult::Return("no".to_owned());
            assert_eq!(hit_of("http-matchers", "t-1").await.unwrap(), no);
            assert_eq!(
                hit_of("http-matchers", "t-3").await.unwrap(),
                FailpointResult::Continue
            );
            let point = client.get("/v1/failpoints/http-matchers").await.expect(200);
            assert_eq!(point["matchers"], json!([["tenant", "t-[12]"]]));
            let listed = r#"when(tenant="t-[12]")return(no)->when(tenant="t-[12]")off"#;
            assert_eq!(point["actions"], listed);
            assert_eq!((&point["hits"], &point["fired"]), (&json!(2), &json!(1)));
        }
        remove_failpoint("http-matchers");
    });
}

#[test]
fn a_bad_batch_changes_nothing_and_names_entry_point_word_and_position() {
    with_client("bad batch", async |mut client| {
        let _table = TABLE.read().await;
        client.arm("http-bad-1", "off").await;
        for (second, parts) in [
            (
                r#""name": "http-bad-2", "actions": "3*retrun""#,
                &["\"http-bad-2\"", "\"retrun\"", "at byte 2", "did you mean"][..],
            ),
            (
                r#""name": "http-bad-2", "actions": """#,
                &["\"http-bad-2\"", "actions are empty"],
            ),
            (r#""name": "", "actions": "off""#, &["name is empty"]),
            (
                r#""name": "http-bad-1", "actions": "off""#,
                &["\"http-bad-1\"", "entry 1 configures the same name"],
            ),
            (
                r#""name": "http-bad-2", "actions": "off", "context_matchers": {"k": "("}"#,
                &["\"http-bad-2\"", "key \"k\"", "\"(\"", "unclosed group"],
            ),
            (
                r#""name": "http-bad-2", "actions": "off", "context_matchers": {"": "x"}"#,
                &["\"http-bad-2\"", "empty key"],
            ),
            (
                r#""name": "http-bad-2", "actions": "off->when(k=[)off""#,
                &["\"http-bad-2\"", "\"[\"", "at byte 12"],
            ),
            (
                r#""name": "http-bad-2", "actions": "off", "matchers": {}"#,
                &[
                    "\"http-bad-2\"",
                    "`matchers`",
                    "`context_matchers`",
                    "line 1 column",
                ],
            ),
            (
                r#""name": "http-bad-2", "actions": ["off"]"#,
                &["\"http-bad-2\"", "`actions`", "sequence", "line 1 column"],
            ),
            (
                r#""name": "http-bad-2""#,
                &["\"http-bad-2\"", "missing field `actions`", "line 1 column"],
            ),
        ] {
            let body = format!(r#"[{{"name": "http-bad-1", "actions": "pause"}}, {{{second}}}]"#);
            let answer = client.post("/v1/failpoints", body).await;
            answer.refused(400, &[&["entry 2 of the batch"], parts].concat());
            assert_eq!(
                info("http-bad-1").unwrap().actions(),
                Some("off"),
                "{second}"
            );
            assert!(info("http-bad-2").is_none(), "{second}");
        }
        for (body, part) in [
            ("", "EOF"),
            ("nonsense", "line 1 column"),
            (
                r#"{"name": "http-bad-1", "actions": "off"}"#,
                "expected a list",
            ),
            (r#"[{"name": "http-bad-1", "actions": "pause"}"#, "EOF"),
            ("[]]", "trailing characters"),
        ] {
            client
                .post("/v1/failpoints", body)
                .await
                .refused(400, &["the body", part]);
            assert_eq!(info("http-bad-1").unwrap().actions(), Some("off"), "{body}");
        }
        remove_failpoint("http-bad-1");
    });
}

#[test]
fn a_body_of_another_type_is_refused() {
    with_client("content type", async |mut client| {
        let _table = TABLE.read().await;
        for content_type in [
            "application/x-www-form-urlencoded",
            "text/plain",
            "caf\u{e9}",
        ] {
            let body = r#"[{"name": "http-type", "actions": "off"}]"#;
            for path in ["/v1/failpoints", "/v1/failpoints/http-type/release"] {
                let answer = client.send("POST", path, Some(content_type), body).await;
                answer.refused(400, &["content type", "application/json"]);
            }
        }
        assert!(info("http-type").is_none());
    });
}

#[test]
fn bodies_of_up_to_a_mebibyte_are_read() {
    with_client("body limit", async |mut client| {
        let _table = TABLE.read().await;
        let body = |length: usize| {
            let around = r#"[{"name":"http-long","actions":"print()"}]"#.len();
            let filling = "x".repeat(length - around);
            format!(r#"[{{"name":"http-long","actions":"print({filling})"}}]"#)
        };
        let answer = client.post("/v1/failpoints", body(1 << 20)).await;
        assert_eq!(answer.expect(200), Value::Null);
        remove_failpoint("http-long");
        for length in [(1 << 20) + 1, 8 << 20] {
            let answer = client.post("/v1/failpoints", body(length)).await;
            answer.refused(413, &["too long", "1048576"]);
            let path = "/v1/failpoints/http-long/release";
            client
                .post(path, body(length))
                .await
                .refused(413, &["too long"]);
        }
        assert!(info("http-long").is_none());
        let long = vec![b' '; (1 << 20) + 1];
        let request = Request::new("POST", "/v1/failpoints").body(&long);
        assert_eq!(Control::new().handle(request).await.status(), 413);
    });
}

#[test]
fn the_list_has_every_field() {
    with_client("list", async |mut client| {
        let _table = TABLE.write().await;
        neon_failpoint::remove_all_failpoints();
        client.arm("http-list", "2*off->pause").await;
        for _ in 0..2 {
            assert_eq!(
                failpoint("http-list", None).await,
                FailpointResult::Continue
            );
        }
        let task = hit_of("http-list", "t-1");
        let waiting = client
            .get("/v1/failpoints/http-list/wait?paused=1")
            .await
            .expect(200);
        let list = client.get("/v1/failpoints").await.expect(200);
        let list = list.as_array().unwrap();
        let names: Vec<&str> = list.iter().map(|p| p["name"].as_str().unwrap()).collect();
        let here: Vec<String> = list_failpoints()
            .iter()
            .map(|p| p.name().to_owned())
            .collect();
        assert_eq!(names, here);

        let point = list.iter().find(|p| p["name"] == "http-list").unwrap();
        let one = client.get("/v1/failpoints/http-list").await.expect(200);
        let without_times = |point: &Value| {
            let mut point = point.clone();
            for waiter in point["waiters"].as_array_mut().unwrap() {
                assert!(waiter["waiting_ms"].take().is_u64());
            }
            point
        };
        let expected = json!({
            "name": "http-list",
            "configured": true,
            "actions": "2*off->pause",
            "matchers": [],
            "hits": 3,
            "fired": 3,
            "totals": { "hits": 3, "fired": 3, "delay_ms": 0 },
            "waiters": [{ "blocking": false, "waiting_ms": null, "context": { "tenant": "t-1" } }],
            "observers": 0,
            "call_sites": [],
        });
        for point in [point, &one, &waiting] {
            assert_eq!(without_times(point), expected);
        }
        remove_failpoint("http-list");
        assert_eq!(task.await.unwrap(), FailpointResult::Continue);
        client
            .get("/v1/failpoints/http-list")
            .await
            .refused(404, &["\"http-list\"", "configured"]);
    });
}

#[test]
fn a_call_site_is_listed_before_anything_is_configured() {
    async fn site() {
        fail_point!("http-call-site");
    }
    with_client("call site", async |mut client| {
        let _table = TABLE.read().await;
        site().await;
        let point = client
            .get("/v1/failpoints/http-call-site")
            .await
            .expect(200);
        assert_eq!(point["configured"], false);
        assert_eq!(point["actions"], Value::Null);
        let sites = point["call_sites"].as_array().unwrap();
        assert_eq!(sites.len(), 1);
        assert_eq!(
            (&sites[0]["file"], &sites[0]["awaits"]),
            (&json!(file!()), &json!(true))
        );
        assert!(sites[0]["line"].is_u64());

        // What is like it is named where somebody errs.
        let wait = "/v1/failpoints/http-cal-site/wait?hits=1";
        client
            .get(wait)
            .await
            .refused(404, &["\"http-cal-site\"", "\"http-call-site\""]);
    });
}

#[test]
fn names_are_percent_encoded() {
    with_client("names", async |mut client| {
        let _table = TABLE.read().await;
        for (name, path) in [
            ("http/name", "http%2Fname"),
            ("http/name/wait", "http%2fname%2Fwait"),
            ("http name", "http%20name"),
            ("http+name", "http+name"),
            ("http%2Fname", "http%252Fname"),
            ("http?name#1", "http%3Fname%231"),
            ("http-n\u{e4}me", "http-n%C3%A4me"),
            ("http::name", "http::name"),
        ] {
            client.arm(name, "off").await;
            let path = format!("/v1/failpoints/{path}");
            assert_eq!(client.get(&path).await.expect(200)["name"], name);
            let wait = client.get(&format!("{path}/wait?hits=0")).await.expect(200);
            assert_eq!(wait["name"], name);
            let release = client
                .post(&format!("{path}/release"), "")
                .await
                .expect(200);
            assert_eq!(release, json!({ "released": 0 }));
            client.delete(&path).await.expect(200);
            assert!(info(name).is_none(), "{name}");
        }
        client.arm("http/raw", "off").await;
        client
            .get("/v1/failpoints/http/raw")
            .await
            .refused(404, &["%2F"]);
        client
            .delete("/v1/failpoints/http/raw")
            .await
            .refused(404, &["%2F"]);
        assert!(info("http/raw").is_some());
        remove_failpoint("http/raw");
        for bad in ["%zz", "a%", "a%f", "%ff"] {
            client
                .get(&format!("/v1/failpoints/{bad}"))
                .await
                .refused(400, &["the name"]);
        }
    });
}

#[test]
fn removing_lets_go_who_waits() {
    with_client("delete", async |mut client| {
        let _table = TABLE.write().await;
        let names = ["http-delete-1", "http-delete-2", "http-delete-3"];
        for name in names {
            client.arm(name, "pause").await;
        }
        let tasks = names.map(hit);
        for name in names {
            client
                .get(&format!("/v1/failpoints/{name}/wait?paused=1"))
                .await
                .expect(200);
        }
        let one = client
            .delete("/v1/failpoints/http-delete-1")
            .await
            .expect(200);
        assert_eq!(one, Value::Null);
        let [first, rest @ ..] = tasks;
        assert_eq!(first.await.unwrap(), FailpointResult::Continue);
        assert_eq!(names.map(waiters), [0, 1, 1]);
        // Again: what is to be is so already.
        client
            .delete("/v1/failpoints/http-delete-1")
            .await
            .expect(200);

        // A name that got lost does not mean everything.
        client.delete("/v1/failpoints/").await.refused(404, &[]);
        assert_eq!(names.map(waiters), [0, 1, 1]);
        assert_eq!(
            client.delete("/v1/failpoints").await.expect(200),
            Value::Null
        );
        for task in rest {
            assert_eq!(task.await.unwrap(), FailpointResult::Continue);
        }
        assert!(names.iter().all(|name| info(name).is_none()));
    });
}

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
        let task = hit("http-wait");
        assert_eq!(wait.await.unwrap()["waiters"].as_array().unwrap().len(), 1);
        assert_eq!(observers("http-wait"), 0);
        assert_eq!(hit("http-wait").await.unwrap(), FailpointResult::Continue);
        // Hits that came before count, more than were waited for, too.
        for hits in 0..=2 {
            let path = format!("/v1/failpoints/http-wait/wait?hits={hits}&timeout_ms=0");
            assert_eq!(client.get(&path).await.expect(200)["hits"], 2);
        }
        remove_failpoint("http-wait");
        assert_eq!(task.await.unwrap(), FailpointResult::Continue);
    });
}

fn observers(name: &str) -> usize {
    info(name).map_or(0, |point| point.observers())
}

#[test]
fn a_wait_that_is_not_met_answers_with_the_present_state() {
    with_client("late", async |mut client| {
        // It is the process's deadline that is set.
        let _table = TABLE.write().await;
        client.arm("http-late", "off").await;
        assert_eq!(hit("http-late").await.unwrap(), FailpointResult::Continue);
        for (query, what) in [
            ("hits=2&timeout_ms=0", "not hit 2 times within 0ns"),
            ("hits=2&timeout_ms=20", "not hit 2 times within 20ms"),
            ("timeout_ms=20&paused=3", "not where 3 waited within 20ms"),
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
fn a_release_lets_go_as_many_as_it_says() {
    with_client("release", async |mut client| {
        let _table = TABLE.read().await;
        const PATH: &str = "/v1/failpoints/http-release/release";
        client
            .post(PATH, "")
            .await
            .refused(404, &["\"http-release\"", "not configured"]);
        client.arm("http-release", "pause").await;
        let mut tasks = Vec::new();
        for (number, tenant) in (1..).zip(["a", "b", "a", "b", "a", "c", "d"]) {
            tasks.push(hit_of("http-release", tenant));
            // One after the other: the order of arrival counts.
            let wait = format!("/v1/failpoints/http-release/wait?paused={number}");
            client.get(&wait).await.expect(200);
        }
        for (body, released, left) in [
            (r#"{"count": 0}"#, 0, "a b a b a c d"),
            (r#"{"count": 1}"#, 1, "b a b a c d"),
            (
                r#"{"context_matchers": {"tenant": "a"}, "count": 1}"#,
                1,
                "b b a c d",
            ),
            (
                r#"{"context_matchers": [["tenant", "a|b"]], "count": 2}"#,
                2,
                "a c d",
            ),
            (r#"{"context_matchers": {"tenant": "x"}}"#, 0, "a c d"),
            (r#"{"context_matchers": {"tenant": "[ac]"}}"#, 2, "d"),
            ("{}", 1, ""),
        ] {
            let answer = client.post(PATH, body).await.expect(200);
            assert_eq!(answer, json!({ "released": released }), "{body}");
            let point = info("http-release").unwrap();
            let tenants = point
                .waiters()
                .iter()
                .map(|w| w.context().unwrap().get("tenant"));
            let tenants: Vec<&str> = tenants.map(Option::unwrap).collect();
            assert_eq!(tenants.join(" "), left, "{body}");
        }
        for task in tasks {
            assert_eq!(task.await.unwrap(), FailpointResult::Continue);
        }
        assert_eq!(info("http-release").unwrap().actions(), Some("pause"));
        for (body, parts) in [
            (r#"{"count": -1}"#, &["`count`", "line 1 column"][..]),
            (r#"{"number": 1}"#, &["`number`", "`count`"]),
            ("1", &["integer `1`"]),
            (
                r#"{"context_matchers": {"tenant": "("}}"#,
                &["key \"tenant\"", "\"(\""],
            ),
        ] {
            client.post(PATH, body).await.refused(400, parts);
        }
        remove_failpoint("http-release");
    });
}

#[test]
fn other_methods_and_paths_are_refused() {
    with_client("methods", async |mut client| {
        let _table = TABLE.read().await;
        client.arm("http-method", "off").await;
        for (path, methods) in [
            ("/v1/failpoints", "GET, POST, PUT, DELETE"),
            ("/v1/failpoints/http-method", "GET, DELETE"),
            ("/v1/failpoints/http-method/wait", "GET"),
            ("/v1/failpoints/http-method/release", "POST"),
        ] {
            for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "BREW"] {
                if !methods.split(", ").any(|m| m == method) {
                    let answer = client.send(method, path, None, "").await;
                    assert_eq!(answer.headers[ALLOW], methods);
                    answer.refused(405, &[method, methods]);
                }
            }
        }
        for path in [
            "/v1/failpoints/",
            "/v1/failpoints//",
            "/v1/failpoints/http-method/",
            "/v1/failpoints/http-method/hold",
            "/v1/failpoints/http-method/wait/1",
        ] {
            client
                .get(path)
                .await
                .refused(404, &["/v1/failpoints/NAME"]);
        }
        for path in ["/", "/v1", "/v1/failpoint", "/v2/failpoints"] {
            client.get(path).await.expect(404);
        }
        assert!(info("http-method").is_some());
        remove_failpoint("http-method");
    });
}

#[test]
fn the_router_nests_at_any_prefix_and_in_any_state() {
    let inner = Router::new().route("/status", get(|| async { "fine" }));
    let app: Router = Router::<u8>::new()
        .nest("/a/{tenant}", neon_failpoint::http::router())
        .merge(neon_failpoint::http::router())
        .nest_service("/service", neon_failpoint::http::router::<()>())
        .nest("/b", inner)
        .with_state(1);
    with_server("nested", app, async |mut client| {
        let _table = TABLE.read().await;
        for prefix in ["", "/a/t-1", "/a/t%2F1", "/service"] {
            let path = format!("{prefix}/v1/failpoints");
            let body = r#"[{"name": "http-nest/ed", "actions": "off"}]"#;
            client.post(&path, body).await.expect(200);
            let one = client
                .get(&format!("{path}/http-nest%2Fed/wait?hits=0"))
                .await;
            assert_eq!(one.expect(200)["name"], "http-nest/ed", "{prefix}");
            client
                .delete(&format!("{path}/http-nest%2Fed"))
                .await
                .expect(200);
            assert!(info("http-nest/ed").is_none(), "{prefix}");
        }
        assert_eq!(client.get("/b/status").await.expect(200), "fine");
        client.get("/b/v1/failpoints").await.expect(404);
    });
}

#[test]
#[allow(deprecated)]
fn a_layer_of_the_users_comes_first() {
    let bearer = ValidateRequestHeaderLayer::bearer("a secret");
    let app = neon_failpoint::http::router().layer(bearer);
    with_server("bearer", app, async |mut client| {
        let _table = TABLE.read().await;
        let body = r#"[{"name": "http-bearer", "actions": "off"}]"#;
        for token in [None, Some("Bearer another")] {
            client.token = token;
            let answer = client.post("/v1/failpoints", body).await;
            assert_eq!(answer.status, 401, "{token:?}");
            assert!(info("http-bearer").is_none());
        }
        client.token = Some("Bearer a secret");
        client.post("/v1/failpoints", body).await.expect(200);
        client
            .delete("/v1/failpoints/http-bearer")
            .await
            .expect(200);
    });
}

#[test]
fn exit_and_panic_can_be_refused() {
    let app = Control::new().refuse_exit_and_panic().router();
    with_server("refused", app, async |mut client| {
        let _table = TABLE.read().await;
        for (actions, word, position) in [
            ("exit", "exit", 0),
            ("panic", "panic", 0),
            ("panic(now)", "panic", 0),
            (" 50%2*exit", "exit", 6),
            ("off->exit", "exit", 5),
            ("1*return(a->exit)->panic(b)", "panic", 19),
            ("when(k=\"v\")exit", "exit", 11),
            ("when(k=v)off->when(k=exit)3*panic", "panic", 28),
        ] {
            let body = json!([
                { "name": "http-refuse-1", "actions": "off" },
                { "name": "http-refuse-2", "actions": actions },
            ]);
            let message = client
                .post("/v1/failpoints", body.to_string())
                .await
                .refused(400, &["entry 2", "\"http-refuse-2\"", "refused"]);
            assert!(
                message.contains(&format!("{word:?} at byte {position}")),
                "{message}"
            );
            assert!(info("http-refuse-1").is_none());
        }
        // Text, not tasks.
        for actions in [
            "return(exit)",
            "print(panic)->return(exit->panic)",
            "when(exit=panic)off",
        ] {
            client.arm("http-refuse-3", actions).await;
        }
        client.arm("exit", "off").await;
        remove_failpoint("http-refuse-3");
        remove_failpoint("exit");
        // The process itself may.
        configure_failpoint("http-refuse-3", "panic").unwrap();
        assert_eq!(
            client.get("/v1/failpoints/http-refuse-3").await.expect(200)["actions"],
            "panic"
        );
        remove_failpoint("http-refuse-3");
    });
    with_client("not refused", async |mut client| {
        let _table = TABLE.read().await;
        client.arm("http-refuse-4", "panic(over HTTP)").await;
        let panic = hit("http-refuse-4").await.unwrap_err().into_panic();
        assert_eq!(panic.downcast_ref::<String>().unwrap(), "over HTTP");
        client.arm("http-refuse-4", "exit").await;
        remove_failpoint("http-refuse-4");
    });
}

#[test]
fn calls_that_do_not_wait_need_no_runtime() {
    let _table = TABLE.blocking_read();
    let control = Control::new();
    let body = br#"[{"name": "http-plain", "actions": "off"}]"#;
    let request = Request::new("PUT", "/v1/failpoints").body(body);
    let response = common::now(control.handle(request));
    assert_eq!((response.status(), response.body()), (200, &b"null"[..]));
    let one = common::now(control.handle(Request::new("GET", "/v1/failpoints/http-plain")));
    assert_eq!(one.status(), 200);
    assert!(one.allow().is_none());
    let gone = common::now(control.handle(Request::new("DELETE", "/v1/failpoints/http-plain")));
    assert_eq!(gone.into_body(), b"null");
    let late = common::now(control.handle(Request::new("POST", "/v1/failpoints/http-plain")));
    assert_eq!((late.status(), late.allow()), (405, Some("GET, DELETE")));
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
fn the_future_of_a_call_is_send() {
    fn check(_: impl Send) {}
    check(Control::new().handle(Request::new("GET", "/v1/failpoints")));
}
