//! What comes in and what goes out, whatever server is around it.

use std::fmt;

use serde::Serialize;

use crate::error::Error;

/// The most bytes that the body of a request may have: 1 MiB.
/// [`Control::handle`](crate::http::Control::handle) answers a longer one with 413, so a caller
/// need not read on.
pub const BODY_LIMIT: usize = 1 << 20;

/// What a client asks for, in the words of any HTTP library.
///
/// ```
/// use neon_failpoint::http::Request;
///
/// let body = br#"{"count": 1}"#;
/// let request = Request::new("POST", "/v1/failpoints/before-commit/release")
///     .content_type("application/json")
///     .body(body);
/// # drop(request);
/// ```
#[derive(Clone, Copy)]
pub struct Request<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) content_type: Option<&'a str>,
    pub(super) accept: &'a str,
    pub(super) host: Option<&'a str>,
    pub(super) body: &'a [u8],
}

impl<'a> Request<'a> {
    /// A request for `path`, as it was sent: with its percent signs, and from `/v1/failpoints`
    /// on. The method is in capitals, as it is sent, too.
    pub const fn new(method: &'a str, path: &'a str) -> Self {
        Self {
            method,
            path,
            query: "",
            content_type: None,
            accept: "",
            host: None,
            body: b"",
        }
    }

    /// What stands behind the `?`, as it was sent.
    pub const fn query(mut self, query: &'a str) -> Self {
        self.query = query;
        self
    }

    /// The header `content-type`, where there is one.
    pub const fn content_type(mut self, content_type: &'a str) -> Self {
        self.content_type = Some(content_type);
        self
    }

    /// The header `accept`, where there is one: `text/plain` asks for the actions of one failpoint as
    /// text (see [`Response::content_type`]).
    pub const fn accept(mut self, accept: &'a str) -> Self {
        self.accept = accept;
        self
    }

    /// The header `host`, or the authority that HTTP/2 has in its place, where there is one. Only
    /// [`Control::answer_hosts`](crate::http::Control::answer_hosts) looks at it.
    pub const fn host(mut self, host: &'a str) -> Self {
        self.host = Some(host);
        self
    }

    /// The whole body.
    pub const fn body(mut self, body: &'a [u8]) -> Self {
        self.body = body;
        self
    }
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("query", &self.query)
            .field("content_type", &self.content_type)
            .field("accept", &self.accept)
            .field("host", &self.host)
            .field("body", &String::from_utf8_lossy(self.body))
            .finish()
    }
}

/// What is to be sent back. The body is JSON, unless the request [accepts](Request::accept) text.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use neon_failpoint::http::{Control, Request};
///
/// let response = Control::new().handle(Request::new("POST", "/v1/failpoints/a")).await;
/// assert_eq!((response.status(), response.allow()), (405, Some("GET, PUT, DELETE")));
/// assert!(response.into_body().starts_with(br#"{"msg":"#));
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    status: u16,
    allow: Option<&'static str>,
    content_type: &'static str,
    body: Vec<u8>,
}

impl Response {
    /// The content type of every body, where no request [accepts](Request::accept) text.
    pub const CONTENT_TYPE: &'static str = "application/json";

    /// The actions of a failpoint, as text.
    pub(super) fn text(status: u16, text: &str) -> Self {
        Self {
            status,
            allow: None,
            content_type: "text/plain; charset=utf-8",
            body: text.as_bytes().to_vec(),
        }
    }

    /// A status with `value` as its body.
    pub(super) fn json(status: u16, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => Self {
                status,
                allow: None,
                content_type: Self::CONTENT_TYPE,
                body,
            },
            Err(e) => Self::error(500, format_args!("cannot write the answer as JSON: {e}")),
        }
    }

    /// A status with a message for people.
    pub(super) fn error(status: u16, message: impl fmt::Display) -> Self {
        let body = serde_json::json!({ "msg": message.to_string() });
        Self {
            status,
            allow: None,
            content_type: Self::CONTENT_TYPE,
            body: body.to_string().into_bytes(),
        }
    }

    pub(super) fn bad_request(message: impl fmt::Display) -> Self {
        Self::error(400, message)
    }

    pub(super) fn too_long() -> Self {
        let message = format!("the body is too long; expected {BODY_LIMIT} bytes at most");
        Self::error(413, message)
    }

    /// The answer to what the rest of the crate refuses.
    pub(super) fn refusal(error: Error) -> Self {
        let status = if error.is_not_configured() {
            404
        } else if error.is_removed() {
            410
        } else {
            400
        };
        Self::error(status, error)
    }

    pub(super) fn allowing(mut self, methods: &'static str) -> Self {
        self.allow = Some(methods);
        self
    }

    /// The status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The header `allow`, which a status of 405 has.
    pub fn allow(&self) -> Option<&'static str> {
        self.allow
    }

    /// The header `content-type`: that of JSON, or, for the actions of one failpoint, of text.
    pub fn content_type(&self) -> &'static str {
        self.content_type
    }

    /// The body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body, to keep.
    pub fn into_body(self) -> Vec<u8> {
        self.body
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("allow", &self.allow)
            .field("content_type", &self.content_type)
            .field("body", &String::from_utf8_lossy(&self.body))
            .finish()
    }
}
