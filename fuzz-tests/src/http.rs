//! A request to the calls over HTTP: at `Control::handle`, and at the router.
//!
//! A text is a request as HTTP/1.1 writes it: a line with the method and the target, headers, an empty line,
//! the body.

use std::future::Future;
use std::pin::pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};

use axum::Router;
use axum::body::{Body, HttpBody};
use neon_failpoint::http::{Control, Request};
use neon_failpoint::{configure_failpoints, list_failpoints, remove_all_failpoints};
use serde_json::Value;
use tower_service::Service;

use crate::memory::Bound;
use crate::points::listed;
use crate::{Rules, Target, Verdict, native};

pub(crate) const TARGET: Target = Target {
    name: "http",
    also: &[],
    rules: RULES,
    check,
};

const RULES: Rules = &[
    (
        "request",
        &[
            "POST /v1/failpoints\n<headers>\n<batch>",
            "POST /v1/failpoints\n<headers>\n<batch>",
            "PUT /v1/failpoints\n<headers>\n<batch>",
            "PUT /v1/failpoints/<name><ttl>\n<headers>\n<actions>",
            "PUT /v1/failpoints/<name>\n\n<actions>",
            "GET /v1/failpoints/<name>\n<headers>\n",
            "GET /v1/failpoints/<name>/wait?<wait>\n<headers>\n",
            "POST /v1/failpoints/<name>/release\n<headers>\n<release>",
            "DELETE /v1/failpoints/<name>\n\n",
            "GET /v1/failpoints<query>\n<headers>\n",
            "DELETE /v1/failpoints<query>\n\n",
            "<method> /v1/failpoints<rest>\n<headers>\n<batch>",
        ],
    ),
    (
        "method",
        &["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "get", ""],
    ),
    (
        "rest",
        &[
            "",
            "/",
            "/<name>",
            "/<name>/wait",
            "/<name>/release",
            "//",
            "/<name>/x",
            "x",
        ],
    ),
    (
        "name",
        &[
            "base", "other", "new", "a%2Fb", "%C3%A9", "a%20b", "a%", "%ff", "wait", "%25", "a%00",
            "é", "base%",
        ],
    ),
    ("query", &["", "?", "?x=1", "?&"]),
    (
        "ttl",
        &[
            "",
            "?ttl_ms=60000",
            "?ttl_ms=604800000",
            "?ttl_ms=0",
            "?ttl_ms=1&ttl_ms=1",
            "?x",
        ],
    ),
    (
        "wait",
        &[
            "hits=0",
            "hits=1",
            "fired=1",
            "paused=1",
            "hits=0&timeout_ms=0",
            "paused=2&timeout_ms=0",
            "paused=0&timeout_ms=60000",
            "fired=1&timeout_ms=0",
            "",
            "hits=x",
            "hits=1&fired=1",
            "timeout_ms=0",
            "hits=18446744073709551615&timeout_ms=0",
        ],
    ),
    ("headers", &["", "", "<header>", "<header><headers>"]),
    (
        "header",
        &[
            "content-type: application/json\n",
            "content-type: text/plain\n",
            "accept: text/plain\n",
            "accept: text/plain;q=0.5, application/json\n",
            "host: localhost:8080\n",
            "host: [::1]:80\n",
            "host: evil.example\n",
            "origin: http://evil.example\n",
            "content-type: \n",
            "x: y\n",
            "content-type: application/x-www-form-urlencoded\n",
            "accept: */*;q=NaN\n",
        ],
    ),
    (
        "batch",
        &[
            "[<entry>]",
            "[]",
            "[<entry>, <entries>]",
            "<json>",
            "[<json>]",
            "[<entry>,]",
            " [ <entry> ] ",
        ],
    ),
    ("entries", &["<entry>", "<entry>, <entries>"]),
    (
        "entry",
        &[
            r#"{"name": <text>, "actions": <text-actions>}"#,
            r#"{"name": <text>, "actions": <text-actions>, "context_matchers": <matchers>}"#,
            r#"{"ttl_ms": <number>, "name": <text>, "actions": <text-actions>}"#,
            r#"{"name": <text>, <text>: <json>}"#,
            r#"{"name": <text>, "actions": <json>, "context_matchers": <json>}"#,
        ],
    ),
    (
        "text",
        &[
            r#""new""#,
            r#""base""#,
            r#""é""#,
            r#""a/b""#,
            r#""""#,
            r#""\u0061\n""#,
            r#""\ud83d\ude00""#,
            r#""a\"b""#,
        ],
    ),
    (
        "text-actions",
        &[
            r#""off""#,
            r#""2*return(x)->pause""#,
            r#""when(k=v)50%return""#,
            r#""exit""#,
            r#""panic""#,
            r#""sleep(10..50)""#,
            r#""retrun""#,
            r#""when(k=\"a,b\")off""#,
            r#""""#,
            r#""return(\n)""#,
        ],
    ),
    (
        "matchers",
        &[
            "null",
            "{}",
            r#"{"k": "v"}"#,
            r#"{"k": "t-.*", "l": "(a|b)"}"#,
            r#"[["k", "v"], ["k", "w"]]"#,
            r#"{"k": "("}"#,
            r#"{"k!": "v"}"#,
            r#"{"": "v"}"#,
            r#"[["k"]]"#,
            r#"{"a\\": "v"}"#,
            r#"{"k": "\\"}"#,
            r#"{"k": "a\\\\"}"#,
            r#"{"k \"": "x\"y"}"#,
            r#"{"k": "(?x)a #"}"#,
        ],
    ),
    (
        "json",
        &[
            "null",
            "1",
            "true",
            r#""x""#,
            "[]",
            "{}",
            "<number>",
            "[<json>]",
            r#"{"x": <json>}"#,
            "nil",
            "'x'",
        ],
    ),
    (
        "number",
        &[
            "1",
            "60000",
            "0",
            "-1",
            "1.5",
            "1e30",
            "604800000",
            "604800001",
            "18446744073709551616",
        ],
    ),
    (
        "release",
        &[
            "",
            "{}",
            r#"{"count": <number>}"#,
            r#"{"context_matchers": <matchers>}"#,
            "<json>",
        ],
    ),
    (
        "actions",
        &[
            "off",
            "pause",
            "2*return(a b)->sleep(5)",
            "when(k=v)return\n",
            "exit",
            "retrun",
            "",
            "50%delay(1..2)->yield",
        ],
    ),
];

/// Much of it is what an answer shows: points are shown several times longer than they are written.
const BOUND: Bound = Bound {
    each: 400,
    fixed: 256 << 10,
};

static CONTROL: LazyLock<Control> =
    LazyLock::new(|| Control::new().answer_hosts(["localhost", "127.0.0.1", "::1"]));

/// A request, taken apart.
struct Asked<'a> {
    method: &'a str,
    path: &'a str,
    query: Option<&'a str>,
    headers: Vec<(&'a str, &'a str)>,
    body: &'a [u8],
}

impl<'a> Asked<'a> {
    /// `None` where the head is not even text.
    fn of(text: &'a [u8]) -> Option<Self> {
        let end = text.windows(2).position(|two| two == b"\n\n");
        let (head, body) = match end {
            Some(end) => (&text[..end], &text[end + 2..]),
            None => (text, &[][..]),
        };
        let mut lines = std::str::from_utf8(head).ok()?.split('\n');
        let (method, target) = lines.next()?.split_once(' ').unwrap_or_default();
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };
        let headers = lines.filter_map(|line| line.split_once(": "));
        Some(Self {
            method,
            path,
            query,
            headers: headers.collect(),
            body,
        })
    }

    fn header(&self, wanted: &str) -> Option<&'a str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| *value)
    }

    /// It, for `Control::handle`.
    fn request(&self) -> Request<'a> {
        let mut request = Request::new(self.method, self.path)
            .query(self.query.unwrap_or_default())
            .accept(self.header("accept").unwrap_or_default())
            .host(self.header("host").unwrap_or("localhost"))
            .body(self.body);
        if let Some(content_type) = self.header("content-type") {
            request = request.content_type(content_type);
        }
        request
    }

    /// It, for the router; `None` where no server would take it.
    fn for_router(&self) -> Option<axum::extract::Request> {
        let target = match self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.to_owned(),
        };
        let mut request = axum::http::Request::builder()
            .method(self.method)
            .uri(target);
        let mut seen = Vec::new();
        for (name, value) in self.headers.iter().chain(&[("host", "localhost")]) {
            let name = name.to_ascii_lowercase();
            if !seen.contains(&name) {
                request = request.header(&name, *value);
                seen.push(name);
            }
        }
        let request = request.body(Body::from(self.body.to_vec())).ok()?;
        // What differs from the text is another request.
        let uri = request.uri();
        let is_same =
            uri.path() == self.path && uri.query() == self.query && uri.authority().is_none();
        let is_text = request
            .headers()
            .values()
            .all(|value| value.to_str().is_ok());
        (is_same && is_text).then_some(request)
    }
}

fn check(text: &[u8]) -> Verdict {
    let Some(asked) = Asked::of(text) else {
        return Verdict::Refused;
    };
    let before = base();
    let bound = match std::str::from_utf8(text) {
        Ok(text) => expressions(text, BOUND),
        Err(_) => BOUND,
    };
    let answer = bound.holds(text.len(), || now(CONTROL.handle(asked.request())));
    let verdict = match &answer {
        None => {
            assert!(asked.path.ends_with("/wait"), "a call that waits");
            assert_eq!(listed(), before, "a wait changed something");
            assert!(list_failpoints().iter().all(|point| point.observers() == 0));
            Verdict::Accepted
        }
        Some(answer) => {
            let body = std::str::from_utf8(answer.body()).expect("an answer is text");
            let json = serde_json::from_str::<Value>(body);
            match answer.status() {
                200 => {
                    assert!(json.is_ok() || answer.content_type().starts_with("text/plain"));
                    // What has a limit of time may be gone before it is looked at.
                    if !body.contains("ttl_ms") {
                        shown_is_good();
                    }
                    Verdict::Accepted
                }
                status => {
                    let json = json.expect("an error is JSON");
                    let message = json["msg"].as_str().expect("an error says why");
                    assert!(!message.contains('\n'), "{message:?}");
                    assert!((400..500).contains(&status), "{status}: {message}");
                    assert_eq!(listed(), before, "what was refused changed something");
                    Verdict::Refused
                }
            }
        }
    };

    // A page in a browser is refused by the router alone.
    let request = asked
        .for_router()
        .filter(|_| asked.header("origin").is_none());
    if let Some(request) = request {
        static ROUTER: LazyLock<Router> = LazyLock::new(|| CONTROL.clone().router());
        let before = base();
        let status = now(ROUTER.clone().call(request)).map(|answer| {
            let answer = answer.expect("the router has no errors");
            let is_ended = answer.body().size_hint().upper().is_some();
            assert!(is_ended, "an answer without an end");
            answer.status().as_u16()
        });
        let expected = answer.map(|answer| answer.status());
        // axum answers what is at no route, and without the text of ours.
        if status != Some(404) {
            assert_eq!(status, expected, "the router answers something else (left)");
        }
        if !matches!(status, Some(200)) {
            assert_eq!(listed(), before, "what was refused changed something");
        }
    }
    remove_all_failpoints();
    verdict
}

/// What there is before each request.
fn base() -> Vec<(String, String)> {
    remove_all_failpoints();
    let base = [
        ("base", "2*return(x)->pause"),
        ("other", "when(k=\"v\")off"),
    ];
    configure_failpoints(base).expect("good actions");
    listed()
}

/// What an answer shows of each point configures the same again.
fn shown_is_good() {
    for (name, actions) in listed() {
        let name: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let path = format!("/v1/failpoints/{name}");
        let get = || {
            now(CONTROL.handle(
                Request::new("GET", &path)
                    .accept("text/plain")
                    .host("localhost"),
            ))
        };
        let shown = get().expect("no wait").into_body();
        assert_eq!(String::from_utf8_lossy(&shown), actions);
        let put = Request::new("PUT", &path).host("localhost").body(&shown);
        let put = now(CONTROL.handle(put)).expect("no wait");
        assert_eq!(put.status(), 200, "{}", String::from_utf8_lossy(put.body()));
        assert_eq!(get().expect("no wait").into_body(), shown);
    }
}

/// The bound of a body that may have expressions: in actions, or in a field.
fn expressions(text: &str, bound: Bound) -> Bound {
    match text.contains("context_matchers") {
        true => native::with_expressions(text, text.matches(['"', '=']).count() / 4, bound),
        false => native::bound(text, bound),
    }
}

/// What a future gives at once.
fn now<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}
