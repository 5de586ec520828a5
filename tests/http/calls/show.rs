//! What GET shows of all failpoints, or of one.

use super::*;

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
            "turned_away": 0,
            "totals": { "hits": 3, "fired": 3, "delay_ms": 0 },
            "waiters": [{ "blocking": false, "waiting_ms": null, "context": { "tenant": "t-1" } }],
            "ttl_ms": null,
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
