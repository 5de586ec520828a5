//! The actions of one failpoint as text: what users of gofail type.

use super::*;

#[test]
fn what_is_put_is_what_get_gives_back() {
    with_client("text", async |mut client| {
        let _table = TABLE.read().await;
        const PATH: &str = "/v1/failpoints/http-text";
        client.accept = Some("text/plain".to_owned());
        for (body, actions) in [
            ("sleep(100)", "sleep(100)"),
            (
                "2*return(no space & more=50%)->off",
                "2*return(no space & more=50%)->off",
            ),
            (" 2*off -> print(done) ", "2*off->print(done)"),
            ("pause\n", "pause"),
            ("return(a\nb)\r\n", "return(a\nb)"),
            (
                "when(tenant=t-.*)return(\u{e9})",
                "when(tenant=\"t-.*\")return(\u{e9})",
            ),
        ] {
            for content_type in [
                None,
                Some("text/plain"),
                Some("application/x-www-form-urlencoded"),
                Some("text/plain; charset=utf-8"),
            ] {
                client
                    .send("PUT", PATH, content_type, body)
                    .await
                    .configured();
                let answer = client.get(PATH).await;
                assert_eq!(answer.headers[CONTENT_TYPE], "text/plain; charset=utf-8");
                assert_eq!(answer.expect(200), actions, "{content_type:?}");
            }
            // What is shown may be put again.
            client.put(PATH, actions).await.configured();
            assert_eq!(client.get(PATH).await.expect(200), actions);
        }
        for accept in [
            "*/*",
            "application/json",
            "application/json, text/plain, */*",
        ] {
            client.accept = Some(accept.to_owned());
            let answer = client.get(PATH).await;
            assert_eq!(answer.headers[CONTENT_TYPE], "application/json");
            assert_eq!(answer.expect(200)["name"], "http-text", "{accept}");
        }
        remove_failpoint("http-text");
    });
}

#[test]
fn one_name_is_configured_as_in_a_batch() {
    with_client("put one", async |mut client| {
        let _table = TABLE.read().await;
        const PATH: &str = "/v1/failpoints/http-text-one";
        client.put(PATH, "pause").await.configured();
        let task = spawn_hit("http-text-one");
        client
            .get(&format!("{PATH}/wait?paused=1"))
            .await
            .expect(200);
        client.put(PATH, "return(7)").await.configured();
        assert_eq!(task.await.unwrap(), FailpointResult::Continue);
        let seven = FailpointResult::Return("7".to_owned());
        assert_eq!(failpoint("http-text-one", None).await, seven);
        client.delete(PATH).await.expect(200);
        client.accept = Some("text/plain".to_owned());
        let answer = client.get(PATH).await;
        assert_eq!(answer.headers[CONTENT_TYPE], "application/json");
        answer.refused(404, &["\"http-text-one\"", "not configured"]);
    });
}

#[test]
fn bad_actions_change_nothing_and_name_the_word() {
    let app = Control::new().refuse_exit_and_panic().router();
    with_server("bad text", app, async |mut client| {
        let _table = TABLE.read().await;
        const PATH: &str = "/v1/failpoints/http-text-bad";
        client.put(PATH, "off").await.configured();
        for (body, parts) in [
            (&b""[..], &["\"http-text-bad\": the actions are empty"][..]),
            (b" \n", &["the actions are empty"]),
            (
                b"slep(1)",
                &["\"http-text-bad\"", "\"slep\" at byte 0", "did you mean"],
            ),
            (b"  slep(1)", &["\"slep\" at byte 2"]),
            (b"off->exit", &["refused", "\"exit\" at byte 5"]),
            (b"return(\xff)", &["the body is not UTF-8 at byte 7"]),
            (b"actions=off", &["\"http-text-bad\""]),
            (
                br#"[{"name": "a", "actions": "off"}]"#,
                &["\"http-text-bad\""],
            ),
        ] {
            let message = client.put(PATH, body).await.refused(400, parts);
            assert!(!message.contains("entry 1"), "{message}");
        }
        for (content_type, part) in [
            ("application/json", "JSON configures at /v1/failpoints"),
            ("multipart/form-data; boundary=x", "expected text/plain"),
            ("caf\u{e9}", "expected text/plain"),
        ] {
            let answer = client.send("PUT", PATH, Some(content_type), "pause").await;
            answer.refused(400, &["the content type is", part]);
        }
        for query in [
            "name=x",
            "ttl_ms",
            "ttl_ms=0",
            "ttl_ms=1.5",
            "ttl_ms=1&ttl_ms=1",
        ] {
            let answer = client.put(&format!("{PATH}?{query}"), "pause").await;
            answer.refused(400, &["the parameter"]);
        }
        let long = client.put(PATH, vec![b' '; BODY_LIMIT + 1]).await;
        long.refused(413, &["too long"]);
        assert_eq!(info("http-text-bad").unwrap().actions(), Some("off"));
        remove_failpoint("http-text-bad");
    });
}

/// A form has that type, too; but a form sends no PUT, and a script may not before the browser asked.
#[test]
fn no_page_of_another_site_is_let_to_put() {
    with_client("preflight", async |mut client| {
        let _table = TABLE.read().await;
        client.origin = Some("http://evil.example");
        for path in ["/v1/failpoints/http-text-page", "/v1/failpoints"] {
            for content_type in [
                None,
                Some("application/x-www-form-urlencoded"),
                Some("text/plain"),
            ] {
                client
                    .send("POST", path, content_type, "pause")
                    .await
                    .refused(400, &["`origin`"]);
            }
            let asked = client.send("OPTIONS", path, None, "").await;
            assert!(
                asked
                    .headers
                    .keys()
                    .all(|name| !name.as_str().starts_with("access-control-"))
            );
            asked.refused(405, &["\"OPTIONS\""]);
        }
        assert!(info("http-text-page").is_none());
    });
}
