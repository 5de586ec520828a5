//! Letting go who waits, by a removal or a release.

use super::*;

#[test]
fn removing_lets_go_who_waits() {
    with_client("delete", async |mut client| {
        let _table = TABLE.write().await;
        let names = ["http-delete-1", "http-delete-2", "http-delete-3"];
        for name in names {
            client.arm(name, "pause").await;
        }
        let tasks = names.map(spawn_hit);
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
        assert_eq!(one, json!({ "removed": 1 }));
        let [first, rest @ ..] = tasks;
        assert_eq!(first.await.unwrap(), FailpointResult::Continue);
        assert_eq!(names.map(waiters), [0, 1, 1]);
        // Again: what is to be is so already.
        let again = client.delete("/v1/failpoints/http-delete-1").await;
        assert_eq!(again.expect(200), json!({ "removed": 0 }));

        // A name that got lost does not mean everything.
        client.delete("/v1/failpoints/").await.refused(404, &[]);
        assert_eq!(names.map(waiters), [0, 1, 1]);
        let listed = list_failpoints();
        let count = listed.iter().filter(|p| p.is_configured()).count();
        assert!(count >= 2);
        for removed in [count, 0] {
            let answer = client.delete("/v1/failpoints").await;
            assert_eq!(answer.expect(200), json!({ "removed": removed }));
        }
        for task in rest {
            assert_eq!(task.await.unwrap(), FailpointResult::Continue);
        }
        assert!(names.iter().all(|name| info(name).is_none()));
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
            (
                r#"{"count": -1}"#,
                &[
                    "`count`: found the number -1; expected a whole",
                    "line 1 column",
                ][..],
            ),
            (r#"{"number": 1}"#, &["`number`", "`count`"]),
            ("1", &["found the number 1; expected {\"count\""]),
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
