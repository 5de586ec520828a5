//! Proves that a build without the feature `testing` answers every call over HTTP with 400, and
//! names the feature.
//!
//! Run with `cargo test --features http`.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use neon_failpoint::http::{Control, Request};

/// The status and the body of an answer that is there at once.
fn answer(request: Request<'_>) -> (u16, String) {
    let control = Control::new();
    let answer = pin!(control.handle(request)).poll(&mut Context::from_waker(Waker::noop()));
    match answer {
        Poll::Ready(response) => {
            let body = String::from_utf8_lossy(response.body()).into_owned();
            (response.status(), body)
        }
        Poll::Pending => panic!("nothing waits in such a build"),
    }
}

#[test]
fn every_call_names_the_feature() {
    let body = br#"[{"name": "a", "actions": "off"}]"#;
    for request in [
        Request::new("POST", "/v1/failpoints").body(body),
        Request::new("PUT", "/v1/failpoints").body(body),
        Request::new("GET", "/v1/failpoints"),
        Request::new("GET", "/v1/failpoints/a"),
        Request::new("PUT", "/v1/failpoints/a").body(b"off"),
        Request::new("DELETE", "/v1/failpoints"),
        Request::new("DELETE", "/v1/failpoints/a"),
        Request::new("GET", "/v1/failpoints/a/wait").query("hits=1"),
        Request::new("POST", "/v1/failpoints/a/release"),
    ] {
        let (status, body) = answer(request);
        assert_eq!(status, 400, "{request:?}");
        assert!(
            body.contains("the feature `testing`"),
            "{request:?}: {body}"
        );
    }
}

#[test]
fn other_paths_and_methods_are_refused_as_ever() {
    assert_eq!(answer(Request::new("GET", "/v1/failpoints/a/b")).0, 404);
    assert_eq!(answer(Request::new("PATCH", "/v1/failpoints")).0, 405);
}
