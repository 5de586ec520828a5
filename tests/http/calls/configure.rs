//! Configuring: good and bad bodies, all or nothing.

use super::*;

#[test]
fn post_and_put_configure_and_answer_null() {
    #[allow(dead_code)]
    async fn site() -> Result<(), String> {
        fail_point!("http-configure", Err);
        Ok(())
    }
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

/// Byte for byte what `requests` makes of a list, for the clients in Neon's test fixtures: the
/// storage controller's is under `/debug`.
#[test]
fn the_requests_of_neons_python_tests_are_understood() {
    #[allow(dead_code)]
    async fn sites() -> Result<(), String> {
        fail_point!("http-neon-1", Err);
        fail_point!("http-neon-2");
        Ok(())
    }
    let app = Router::new()
        .merge(neon_failpoint::http::router())
        .nest("/debug", neon_failpoint::http::router());
    with_server("Neon", app, async |mut client| {
        let _table = TABLE.read().await;
        let plain = r#"[{"name": "http-neon-1", "actions": "return(5000)"}, {"name": "http-neon-2", "actions": "exit"}]"#;
        let matching = r#"[{"name": "http-neon-1", "actions": "return(error)", "context_matchers": {"tenant_id": ".*test.*"}}]"#;
        for (path, body) in [
            ("/v1/failpoints", plain),
            ("/debug/v1/failpoints", plain),
            ("/v1/failpoints", matching),
            (
                "/v1/failpoints",
                r#"[{"name": "http-neon-2", "actions": "off"}]"#,
            ),
        ] {
            let json = Some("application/json");
            let answer = client.send("PUT", path, json, body).await;
            assert_eq!(answer.expect(200), Value::Null, "{body}");
        }
        let actions = |name| info(name).unwrap().actions().unwrap().to_owned();
        let listed = r#"when(tenant_id=".*test.*")return(error)"#;
        assert_eq!(actions("http-neon-1"), listed);
        assert_eq!(actions("http-neon-2"), "off");
        // What the page server's client shows of an error is `msg`.
        let body = r#"[{"name": "http-neon-1", "actions": "retrun"}]"#;
        let answer = client.send("PUT", "/v1/failpoints", Some("application/json"), body);
        answer
            .await
            .refused(400, &["\"http-neon-1\"", "\"retrun\""]);
        for name in ["http-neon-1", "http-neon-2"] {
            remove_failpoint(name);
        }
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
                &[
                    "\"http-bad-2\"",
                    "`actions`",
                    "found a list; expected a text",
                    "line 1 column",
                ],
            ),
            (
                r#""actions": 1, "name": "http-bad-2""#,
                &[
                    "\"http-bad-2\"",
                    "`actions`",
                    "found the number 1; expected a text",
                    "line 1 column",
                ],
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
            ("", "is empty; expected a list of {"),
            ("nonsense", "line 1 column"),
            (
                r#"{"name": "http-bad-1", "actions": "off"}"#,
                "expected a list",
            ),
            (
                r#"[{"name": "http-bad-1", "actions": "pause"}"#,
                "it ends inside a list",
            ),
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
        for content_type in [
            None,
            Some("application/json; charset=utf-8"),
            Some("APPLICATION/JSON"),
            Some("application/vnd.failpoints+json"),
        ] {
            let body = r#"[{"name": "http-type", "actions": "off"}]"#;
            let answer = client.send("POST", "/v1/failpoints", content_type, body);
            answer.await.expect(200);
            assert!(info("http-type").is_some(), "{content_type:?}");
            remove_failpoint("http-type");
        }
    });
}

/// From a page of another site a browser sends a form, text, or bytes of no type without asking
/// first.
#[test]
fn a_page_in_a_browser_configures_and_releases_nothing() {
    with_client("page", async |client| {
        let _table = TABLE.read().await;
        configure_failpoint("http-page", "off").unwrap();
        let body = r#"[{"name": "http-page", "actions": "exit"}]"#;
        let post = async |path: &str, fields: &str, body: &str| {
            let length = body.len();
            let request = format!(
                "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
                 {fields}content-length: {length}\r\n\r\n{body}"
            );
            converse(client.address(), request).await
        };
        const ORIGIN: &str = "origin: http://localhost:1\r\n";
        for (path, body) in [
            ("/v1/failpoints", body),
            ("/v1/failpoints/http-page/release", ""),
        ] {
            for content_type in ["", "content-type: text/plain\r\n"] {
                let answer = post(path, &format!("{ORIGIN}{content_type}"), body).await;
                assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
                for part in [
                    r#"the header `origin`, \"http://localhost:1\""#,
                    "a page in a browser sent it",
                    "expected application/json",
                ] {
                    assert!(answer.contains(part), "no {part}: {answer}");
                }
                let said = match content_type {
                    "" => "it has no content type",
                    _ => r#"its content type is \"text/plain\""#,
                };
                assert!(answer.contains(said), "{answer}");
            }
        }
        assert_eq!(info("http-page").unwrap().actions(), Some("off"));
        // A page whose browser asked a layer of the user's, and may, and whoever is no page.
        for fields in [&format!("{ORIGIN}content-type: application/json\r\n"), ""] {
            let answer = post("/v1/failpoints", fields, "[]").await;
            assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        }
        remove_failpoint("http-page");
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
        client
            .post("/v1/failpoints", body(1 << 20))
            .await
            .configured();
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
fn a_body_without_an_end_is_answered() {
    with_client("endless", async |client| {
        let mut stream = TcpStream::connect(client.address()).await.unwrap();
        let head = "POST /v1/failpoints HTTP/1.1\r\nhost: localhost\r\n\
                    transfer-encoding: chunked\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        let (mut answers, mut requests) = stream.split();
        let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
        let write = async {
            // Until the server does not want any more.
            while requests.write_all(chunk.as_bytes()).await.is_ok() {}
        };
        let read = async {
            let mut answer = [0; 12];
            answers.read_exact(&mut answer).await.unwrap();
            assert_eq!(answer, *b"HTTP/1.1 413");
        };
        tokio::join!(write, read);
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
            ("1%exit", "exit", 2),
            ("2*off->panic", "panic", 7),
            ("exit()", "exit", 0),
            ("exit(3)", "exit", 0),
            ("off->when(k!=v)2*exit(0)", "exit", 17),
            ("\t1%2*exit\n", "exit", 5),
            ("off->\npanic(\n)", "panic", 6),
            ("50%3*return->25%1*panic(x)->off", "panic", 18),
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
        // Nobody spells them otherwise.
        for actions in ["EXIT", "Panic", "ex it", "e\u{445}it", "off->exi\u{200b}t"] {
            let body = json!([{ "name": "http-refuse-1", "actions": actions }]);
            let answer = client.post("/v1/failpoints", body.to_string()).await;
            answer.refused(400, &["\"http-refuse-1\"", "unknown action"]);
        }
        let body = json!([{ "name": "http-refuse-1", "actions": "exit ()" }]);
        let answer = client.post("/v1/failpoints", body.to_string()).await;
        answer.refused(400, &["\"http-refuse-1\"", "white space"]);
        // Text, not actions.
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
        let panic = spawn_hit("http-refuse-4").await.unwrap_err().into_panic();
        assert_eq!(
            panic.downcast_ref::<String>().unwrap(),
            "over HTTP (failpoint \"http-refuse-4\")"
        );
        client.arm("http-refuse-4", "exit").await;
        remove_failpoint("http-refuse-4");
    });
}

/// A short body can ask for a lot of memory.
#[test]
fn expressions_that_compile_to_too_much_are_refused_by_name() {
    with_client("large expressions", async |mut client| {
        let _table = TABLE.read().await;
        let list = |regex: &str, n: usize| {
            let pairs: Vec<_> = (0..n).map(|i| json!([format!("k{i}"), regex])).collect();
            json!([{ "name": "http-large", "actions": "off", "context_matchers": pairs }])
                .to_string()
        };
        let answer = client.post("/v1/failpoints", list(r"\w{140}", 1_500)).await;
        let parts = ["entry 1", "\"http-large\"", r"\\w{140}", "more than 1 MiB"];
        answer.refused(400, &parts);
        let answer = client.post("/v1/failpoints", list(r"\w{20}", 1_500)).await;
        answer.refused(400, &["\"http-large\"", r"\\w{20}", "more than 64 MiB"]);
        let answer = client
            .post("/v1/failpoints", list(r"t-[0-9]+", 1_500))
            .await;
        answer.configured();
        client.delete("/v1/failpoints/http-large").await.expect(200);
    });
}
