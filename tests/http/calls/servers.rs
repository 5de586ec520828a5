//! The router, and the function below it, in servers of all kinds.

use super::*;

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
fn a_connection_goes_on_after_errors_one_request_behind_the_other() {
    with_client("keep alive", async |client| {
        let _table = TABLE.read().await;
        let request = |method: &str, path: &str, body: &str| {
            let length = body.len();
            format!(
                "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n{body}"
            )
        };
        let list = "/v1/failpoints";
        let one = "/v1/failpoints/http-keep-alive";
        let requests = [
            (
                200,
                request(
                    "POST",
                    list,
                    r#"[{"name": "http-keep-alive", "actions": "off"}]"#,
                ),
            ),
            (400, request("POST", list, "[{")),
            (413, request("POST", list, &" ".repeat((1 << 20) + 1))),
            (404, request("GET", "/v1/failpoints/a/b", "")),
            (405, request("PATCH", one, "{}")),
            (
                408,
                request("GET", &format!("{one}/wait?hits=1&timeout_ms=0"), ""),
            ),
            (200, request("GET", one, "")),
            (
                200,
                request("DELETE", one, "").replace("host: ", "connection: close\r\nhost: "),
            ),
        ];
        let (statuses, requests): (Vec<u16>, Vec<String>) = requests.into_iter().unzip();
        let answers = converse(client.address(), requests.concat()).await;
        let answers = answers.split("HTTP/1.1 ").skip(1);
        let answers: Vec<u16> = answers.map(|a| a[..3].parse().unwrap()).collect();
        assert_eq!(answers, statuses);
    });
}

/// What the documentation shows for a server without axum.
async fn by_hyper(
    request: hyper::Request<Incoming>,
) -> Result<hyper::Response<Full<Bytes>>, hyper::http::Error> {
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, BODY_LIMIT).collect().await else {
        return hyper::Response::builder().status(413).body(Full::default());
    };
    let body = body.to_bytes();
    // What is not text means nothing here.
    let text = |name| {
        head.headers
            .get(name)
            .map(|value| value.to_str().unwrap_or("not text"))
    };
    let mut request = Request::new(head.method.as_str(), head.uri.path())
        .query(head.uri.query().unwrap_or_default())
        .accept(text(ACCEPT).unwrap_or_default())
        .body(&body);
    if let Some(content_type) = text(CONTENT_TYPE) {
        request = request.content_type(content_type);
    }
    // HTTP/2 has it in the URI.
    let authority = head.uri.authority().map(|authority| authority.as_str());
    if let Some(host) = authority.or_else(|| text(HOST)) {
        request = request.host(host);
    }
    let control = Control::new().answer_hosts(["localhost", "127.0.0.1"]);
    let response = control.handle(request).await;
    let mut answer = hyper::Response::builder()
        .status(response.status())
        .header(CONTENT_TYPE, response.content_type());
    if let Some(methods) = response.allow() {
        answer = answer.header(ALLOW, methods);
    }
    answer.body(Full::from(response.into_body()))
}

#[test]
fn hyper_alone_serves_it() {
    net("hyper", async || {
        let _table = TABLE.read().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let service = hyper::service::service_fn(by_hyper);
                let server = hyper::server::conn::http1::Builder::new();
                tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
            }
        });
        let mut client = Client::connect(address).await;
        client.arm("http-hyper", "pause").await;
        let task = spawn_hit("http-hyper");
        let path = "/v1/failpoints/http-hyper";
        let point = client.get(&format!("{path}/wait?paused=1")).await;
        assert_eq!(point.expect(200)["hits"], 1);
        let answer = client.send("PATCH", path, None, "").await;
        assert_eq!(answer.headers[ALLOW], "GET, PUT, DELETE");
        assert_eq!(answer.headers[CONTENT_TYPE], "application/json");
        answer.refused(405, &["\"PATCH\""]);
        client.accept = Some("text/plain".to_owned());
        let answer = client.get(path).await;
        assert_eq!(answer.headers[CONTENT_TYPE], "text/plain; charset=utf-8");
        assert_eq!(answer.expect(200), "pause");
        client.accept = None;
        client.host = Some("evil.example".to_owned());
        client.get(path).await.refused(403, &["\"evil.example\""]);
        client.host = None;
        let latin = Some("caf\u{e9}");
        let answer = client.send("POST", "/v1/failpoints", latin, "[]").await;
        answer.refused(400, &["content type"]);
        let mut hangs_up = Client::connect(address).await;
        let wait = format!("{path}/wait?hits=2&timeout_ms=3600000");
        let wait = tokio::spawn(async move { hangs_up.get(&wait).await });
        until_async("the wait is there", || observers("http-hyper") == 1).await;
        wait.abort();
        until_async("the wait is gone", || observers("http-hyper") == 0).await;
        client.delete(path).await.expect(200);
        assert_eq!(task.await.unwrap(), FailpointResult::Continue);
        let answer = client.post("/v1/failpoints", vec![b' '; BODY_LIMIT + 1]);
        answer.await.expect(413);
    });
}

#[cfg(unix)]
#[test]
fn a_unix_socket_serves_it() {
    net("Unix socket", async || {
        let _table = TABLE.read().await;
        let name = format!("http-{}.socket", std::process::id());
        let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let listener = tokio::net::UnixListener::bind(&path).unwrap();
        let app: Router = neon_failpoint::http::router();
        tokio::spawn(async { axum::serve(listener, app).await });
        let mut stream = tokio::net::UnixStream::connect(&path).await.unwrap();
        std::fs::remove_file(&path).unwrap();
        let request = "GET /v1/failpoints/http-unix HTTP/1.1\r\nhost: localhost\r\n\
                       connection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 404 ") && answer.contains("http-unix"),
            "{answer}"
        );
    });
}

#[test]
fn calls_that_do_not_wait_need_no_runtime() {
    let _table = TABLE.blocking_read();
    let control = Control::new();
    #[allow(dead_code)]
    async fn site() {
        fail_point!("http-plain");
    }
    let body = br#"[{"name": "http-plain", "actions": "off"}]"#;
    let request = Request::new("PUT", "/v1/failpoints").body(body);
    let response = crate::common::now(control.handle(request));
    assert_eq!((response.status(), response.body()), (200, &b"null"[..]));
    let one = crate::common::now(control.handle(Request::new("GET", "/v1/failpoints/http-plain")));
    assert_eq!(one.status(), 200);
    assert!(one.allow().is_none());
    let gone =
        crate::common::now(control.handle(Request::new("DELETE", "/v1/failpoints/http-plain")));
    assert_eq!(gone.into_body(), br#"{"removed":1}"#);
    let late =
        crate::common::now(control.handle(Request::new("POST", "/v1/failpoints/http-plain")));
    assert_eq!(
        (late.status(), late.allow()),
        (405, Some("GET, PUT, DELETE"))
    );
}

#[test]
fn the_future_of_a_call_is_send() {
    fn check(_: impl Send) {}
    check(Control::new().handle(Request::new("GET", "/v1/failpoints")));
}
