//! Names in paths, and what is at no path or by no method.

use super::*;

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
            let path = format!("/v1/failpoints/{path}");
            client.put(&path, "off").await.configured();
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
        let raw = "/v1/failpoints/http/raw";
        client.delete(raw).await.refused(404, &["%2F"]);
        client.put(raw, "pause").await.refused(404, &["%2F"]);
        assert!(info("http/raw").is_some());
        remove_failpoint("http/raw");
        for bad in ["%zz", "a%", "a%f", "%ff"] {
            let path = format!("/v1/failpoints/{bad}");
            client.get(&path).await.refused(400, &["the name"]);
            client.put(&path, "off").await.refused(400, &["the name"]);
        }
    });
}

#[test]
fn other_methods_and_paths_are_refused() {
    with_client("methods", async |mut client| {
        let _table = TABLE.read().await;
        client.arm("http-method", "off").await;
        for (path, methods) in [
            ("/v1/failpoints", "GET, POST, PUT, DELETE"),
            ("/v1/failpoints/http-method", "GET, PUT, DELETE"),
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
fn a_query_is_refused_where_it_means_nothing() {
    with_client("query", async |mut client| {
        let _table = TABLE.read().await;
        client.arm("http-query", "pause").await;
        let task = spawn_hit("http-query");
        let wait = "/v1/failpoints/http-query/wait?paused=1";
        client.get(wait).await.expect(200);
        // None of them does to all what was meant for one.
        for (method, path) in [
            ("DELETE", "/v1/failpoints?name=http-other"),
            ("DELETE", "/v1/failpoints/http-query?if=off"),
            ("POST", "/v1/failpoints/http-query/release?count=0"),
            ("POST", "/v1/failpoints?name=http-query"),
            ("GET", "/v1/failpoints?name=http-query"),
            ("GET", "/v1/failpoints/http-query?hits=1"),
        ] {
            let answer = client.send(method, path, None, "").await;
            let query = path.split_once('?').unwrap().1;
            answer.refused(400, &["no parameters", &format!("{query:?}")]);
        }
        assert_eq!(waiters("http-query"), 1);
        client.get("/v1/failpoints/http-query?").await.expect(200);
        client
            .delete("/v1/failpoints/http-query?")
            .await
            .expect(200);
        assert_eq!(task.await.unwrap(), FailpointResult::Continue);
    });
}

#[test]
fn what_is_shown_of_a_path_is_json_on_one_line() {
    with_client("echo", async |client| {
        let _table = TABLE.read().await;
        for (path, shown) in [
            (
                "%0a%1b[31m%22",
                r#""msg":"failpoint \"\\n\\u{1b}[31m\\\"\":"#,
            ),
            ("a%00b", r#"\"a\\0b\""#),
            ("%3Cscript%3E", r#"\"<script>\""#),
            ("%zz%0d%0aset-cookie:x", r#"\"%zz%0d%0aset-cookie:x\""#),
        ] {
            let request = format!(
                "GET /v1/failpoints/{path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
            );
            let answer = converse(client.address(), request).await;
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            assert!(head.contains("content-type: application/json"), "{head}");
            assert!(body.contains(shown), "{body}");
            assert!(!body.contains(char::is_control), "{body:?}");
        }
    });
}
