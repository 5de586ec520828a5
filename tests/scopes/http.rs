//! Proves that control over HTTP acts outside of all scopes, whatever runs the server, and is nobody's
//! interference.

use crate::armed;
use crate::common::events::events;
use crate::common::http::with_client;
use crate::common::{actions, hit, info, now, spawn_task, value, waiting};
use neon_failpoint::FailpointResult::Continue;
use neon_failpoint::{Origin, arm, failpoint, isolate, remove_failpoint};

#[test]
fn a_request_acts_outside_of_the_scope_of_the_test_that_sends_it() {
    with_client("http and scopes", async |mut client| {
        let name = "scopes-http";
        let alone = isolate();
        client.arm(name, "return(http)").await;
        assert_eq!(info(name).unwrap().origin(), Some(Origin::Global));
        assert_eq!(hit(name), value("http"), "it shows through");
        let own = armed(name, "own");
        client.arm(name, "return(again)").await;
        assert_eq!(hit(name), value("own"));
        let path = format!("/v1/failpoints/{name}");
        let shown = client.get(&path).await.expect(200);
        assert_eq!(shown["actions"], "return(again)", "{shown}");
        client.delete(&path).await.expect(200);
        assert_eq!(hit(name), value("own"));
        drop(own);
        assert_eq!(hit(name), Continue);
        // A name that is in a scope only is not there for a request.
        let paused = arm(name, "pause").unwrap();
        let hit = waiting(failpoint(name, None));
        let release = client.post(&format!("{path}/release"), "").await;
        release.refused(404, &["not configured"]);
        assert_eq!(paused.release_one(), 1);
        assert_eq!(now(hit), Continue);
        drop(alone);
    });
}

/// A test that lets go by HTTP who waits at its guard meant to; a scope would keep HTTP from it.
#[test]
fn a_request_that_ends_the_waits_of_a_guard_is_no_interference_of_another_test() {
    with_client("http and guards", async |mut client| {
        let name = "scopes-http-guard";
        let guard = arm(name, "pause").unwrap();
        let hit = waiting(failpoint(name, None));
        // The server runs in another task, and so perhaps on another thread.
        let request = spawn_task(async move { client.arm("scopes-http-guard", "off").await });
        request.await.unwrap();
        assert_eq!(now(hit), Continue);
        assert_eq!(actions(name).as_deref(), Some("off"));
        let ((), said) = events(|| drop(guard));
        remove_failpoint(name);
        assert_eq!(said, Vec::<String>::new());
    });
}
