//! Whom a request has to be for.

use super::*;

fn guarded() -> Router {
    Control::new()
        .answer_hosts(["localhost", "127.0.0.1", "::1"])
        .router()
}

/// Sends a request with these lines, and returns the status.
async fn status(client: &Client, first: &str, fields: &str) -> String {
    let request = format!("{first}\r\nconnection: close\r\n{fields}\r\n");
    let answer = converse(client.address(), request).await;
    answer.split(' ').nth(1).unwrap_or_default().to_owned()
}

#[test]
fn only_the_listed_hosts_are_answered() {
    with_server("hosts", guarded(), async |mut client| {
        let _table = TABLE.read().await;
        let port = client.address().port();
        for host in ["localhost", "LOCALHOST", "127.0.0.1", "[::1]"] {
            for host in [
                host.to_owned(),
                format!("{host}:{port}"),
                format!("{host}:1"),
            ] {
                client.host = Some(host);
                client.get("/v1/failpoints").await.expect(200);
            }
        }
        client.host = Some(format!("evil.example:{port}"));
        let body = r#"[{"name": "http-host", "actions": "exit"}]"#;
        for (method, path, content_type, body) in [
            ("GET", "/v1/failpoints", None, ""),
            ("POST", "/v1/failpoints", Some("application/json"), body),
            ("PUT", "/v1/failpoints", Some("application/json"), body),
            (
                "PUT",
                "/v1/failpoints/http-host",
                Some("text/plain"),
                "exit",
            ),
            ("DELETE", "/v1/failpoints", None, ""),
            ("GET", "/v1/failpoints/http-host/wait?hits=0", None, ""),
            (
                "POST",
                "/v1/failpoints/http-host/release",
                Some("application/json"),
                "{}",
            ),
            ("GET", "/v1/failpoints/no/where", None, ""),
            ("PATCH", "/v1/failpoints", None, ""),
        ] {
            let answer = client.send(method, path, content_type, body).await;
            let parts = [
                "`host` is \"evil.example:",
                "expected localhost, 127.0.0.1, ::1",
            ];
            answer.refused(403, &parts);
        }
        assert!(info("http-host").is_none());
    });
}

#[test]
fn a_request_for_nobody_or_for_two_is_refused() {
    with_server("no host", guarded(), async |client| {
        let _table = TABLE.read().await;
        let get = "GET /v1/failpoints HTTP/1.1";
        for (first, fields, expected) in [
            (get, "host: localhost\r\n", "200"),
            (get, "Host:   LocalHost:80  \r\n", "200"),
            (get, "host: localhost\r\nhost: evil.example\r\n", "403"),
            (get, "host: evil.example\r\nhost: localhost\r\n", "403"),
            (get, "host: localhost, evil.example\r\n", "403"),
            (
                get,
                "host: evil.example\r\nx-forwarded-host: localhost\r\n",
                "403",
            ),
            (get, "host:\r\n", "403"),
            (get, "host: caf\u{e9}\r\n", "403"),
            (get, "", "403"),
            ("GET /v1/failpoints HTTP/1.0", "", "403"),
            (
                "GET http://localhost/v1/failpoints HTTP/1.1",
                "host: localhost\r\n",
                "200",
            ),
            (
                "GET http://evil.example/v1/failpoints HTTP/1.1",
                "host: localhost\r\n",
                "403",
            ),
            (
                "GET http://localhost/v1/failpoints HTTP/1.1",
                "host: evil.example\r\n",
                "403",
            ),
        ] {
            assert_eq!(
                status(&client, first, fields).await,
                expected,
                "{first}: {fields}"
            );
        }
    });
}

/// As HTTP/2 has it: in the URI, and in no header.
#[test]
fn the_authority_of_the_uri_counts() {
    let app = Router::new().merge(guarded()).nest("/debug", guarded());
    with_server("authority", app, async |client| {
        let _table = TABLE.read().await;
        for prefix in ["", "/debug"] {
            for (authority, expected) in [
                ("localhost:8080", "200"),
                ("[::1]:8080", "200"),
                ("evil.example", "403"),
                ("localhost@evil.example", "403"),
            ] {
                let first = format!("GET http://{authority}{prefix}/v1/failpoints HTTP/1.1");
                assert_eq!(status(&client, &first, "").await, expected, "{first}");
            }
        }
    });
}

#[test]
fn without_the_option_every_host_is_answered() {
    with_client("any host", async |mut client| {
        let _table = TABLE.read().await;
        for host in ["evil.example", "localhost", "[::1]:1"] {
            client.host = Some(host.to_owned());
            client.get("/v1/failpoints").await.expect(200);
        }
        let first = "GET /v1/failpoints HTTP/1.0";
        assert_eq!(status(&client, first, "").await, "200");
    });
}

#[test]
fn around_handle_the_server_says_the_host() {
    let _table = TABLE.blocking_read();
    let control = Control::new()
        .answer_hosts(["localhost".to_owned()])
        .refuse_exit_and_panic();
    let list = Request::new("GET", "/v1/failpoints");
    for (request, expected) in [
        (list, 403),
        (list.host("localhost:1"), 200),
        (list.host("evil.example"), 403),
        (list.host(""), 403),
    ] {
        let status = crate::common::now(control.handle(request)).status();
        assert_eq!(status, expected, "{request:?}");
    }
    // The last list counts.
    let control = control.answer_hosts(["other"]);
    assert_eq!(
        crate::common::now(control.handle(list.host("localhost"))).status(),
        403
    );
    assert_eq!(
        crate::common::now(control.handle(list.host("other"))).status(),
        200
    );
}
