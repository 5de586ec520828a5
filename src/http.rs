//! Control from another process: list the failpoints of this program, configure them, wait until
//! a task is paused at one, and release it. Needs the feature `http`.
//!
//! [`router`] is for an axum server, [`Control::handle`] for any other.
//!
//! ```no_run
//! use axum::Router;
//!
//! # async fn serve(my_service: Router) -> std::io::Result<()> {
//! let app = my_service.merge(neon_failpoint::http::router());
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
//! axum::serve(listener, app).await
//! # }
//! ```
//!
//! Then, at a console:
//!
//! ```text
//! curl 127.0.0.1:8080/v1/failpoints --json '[{"name": "before-commit", "actions": "pause"}]'
//! curl '127.0.0.1:8080/v1/failpoints/before-commit/wait?paused=1'
//! curl 127.0.0.1:8080/v1/failpoints/before-commit/release --json '{"count": 1}'
//! curl -X DELETE 127.0.0.1:8080/v1/failpoints
//! ```
//!
//! # Who may reach it
//!
//! **Whoever reaches it can end the process**, by `exit`, and hold up or fail whatever has a
//! failpoint. Nothing here binds a socket or authenticates a client: serve it on a loopback
//! address, on a Unix socket, or behind a listener that authenticates its clients.
//! [`Control::refuse_exit_and_panic`] refuses the two most dangerous actions. That protects from
//! mistakes, not from malice: a client can still stop the service wherever it has a failpoint, and
//! fill its memory with configurations.
//!
//! A web page in a browser on the same machine can reach a loopback address, too. The router
//! refuses a POST that a page of another site could send without a preflight request: one with the
//! header `origin` whose content type is absent or not JSON. It does not stop a site that rebinds
//! its own domain name to the loopback address; a token or a Unix socket does.
//!
//! Behind tower-http's layer for bearer tokens:
//!
//! ```
//! use axum::Router;
//! use tower_http::validate_request::ValidateRequestHeaderLayer;
//!
//! // Deprecated as too simple for production, where tokens expire. It is enough for a test.
//! #[allow(deprecated)]
//! fn guarded(token: &str) -> Router {
//!     neon_failpoint::http::router().layer(ValidateRequestHeaderLayer::bearer(token))
//! }
//!
//! let app = Router::new().nest("/debug", guarded("a secret"));
//! # drop::<Router>(app);
//! ```
//!
//! On a Unix socket in a folder that only its owner may enter:
//!
#![cfg_attr(unix, doc = "```no_run")]
#![cfg_attr(not(unix), doc = "```ignore")]
//! # async fn serve() -> std::io::Result<()> {
//! use std::fs::DirBuilder;
//! use std::os::unix::fs::DirBuilderExt;
//!
//! DirBuilder::new().mode(0o700).create("/run/my-service")?;
//! let listener = tokio::net::UnixListener::bind("/run/my-service/failpoints")?;
//! let app: axum::Router = neon_failpoint::http::router();
//! axum::serve(listener, app).await
//! // curl --unix-socket /run/my-service/failpoints http://localhost/v1/failpoints
//! # }
//! ```
//!
//! # Calls
//!
//! | call | answer |
//! |---|---|
//! | POST or PUT `/v1/failpoints` | configures all that its body lists, or nothing: `null` |
//! | GET `/v1/failpoints` | every failpoint that is compiled in or configured, as [`list_failpoints`] |
//! | GET `/v1/failpoints/{name}` | that one; 404 if it is neither compiled in nor configured |
//! | DELETE `/v1/failpoints` | removes every configuration, and all waiters continue: `null` |
//! | DELETE `/v1/failpoints/{name}` | removes that one, if it is there: `null` |
//! | GET `/v1/failpoints/{name}/wait?hits=N` | the failpoint, once it was [hit `N` times](crate::wait_for_hits) |
//! | GET `/v1/failpoints/{name}/wait?paused=N` | the failpoint, once [`N` tasks or threads wait there](crate::wait_until_paused) |
//! | POST `/v1/failpoints/{name}/release` | releases waiters, and says how many: `{"released": 1}` |
//!
//! In a name everything that is not a letter, a digit or one of `-._~` is best percent-encoded;
//! a slash has to be: `%2F`. All bodies are JSON. A body of a request has the content type
//! `application/json`, or none. Only a wait has a query; with any other call it is an error.
//!
//! ## Configuring
//!
//! ```json
//! [
//!     {"name": "before-commit", "actions": "pause"},
//!     {"name": "upload", "actions": "2*return(no space)", "context_matchers": {"tenant": "t-.*"}}
//! ]
//! ```
//!
//! As [`configure_failpoints`](crate::configure_failpoints). `context_matchers` may be left out,
//! be null, or be a list of pairs, `[["tenant", "t-.*"]]`. A field of another name is an error,
//! and so is a name that comes twice. The matchers are put before each alternative of the actions;
//! written out like that, those of a batch may have 1 MiB together.
//!
//! ## Waiting
//!
//! `&timeout_ms=N` limits the wait, to an hour at most; the default is the process's
//! [deadline](crate::set_wait_deadline). When the time is up the answer is 408, with the present
//! state of the failpoint and a `msg`. If the name is not configured the answer is 404, at once; if
//! it is removed during the wait, 410. A client that disconnects leaves nothing behind: axum drops
//! the future of the call, and the wait with it. (hyper, below axum, does not notice it while
//! another request is pipelined behind the wait; then the wait ends with its time.)
//!
//! A graceful shutdown waits for all calls. [`remove_all_failpoints`] ends them: waits are answered
//! with 410, and paused tasks continue.
//!
//! ## Releasing
//!
//! `{"count": 2}` releases the first two waiters, in the order of arrival;
//! `{"context_matchers": {"tenant": "t-1"}}` those whose hit had a context that matches; both
//! together the first two of those. No body, or `{}`, releases all. The configuration stays as it
//! is. The answer is 404 if the name is not configured.
//!
//! ## A failpoint
//!
//! | field | |
//! |---|---|
//! | `name` | |
//! | `configured` | `false` if the name is only compiled in |
//! | `actions` | text that configures the same again, with its matchers; null if it is not configured |
//! | `matchers` | the pairs of key and regular expression in `actions` |
//! | `hits`, `fired` | since it was configured |
//! | `totals` | `hits`, `fired` and `delay_ms` since the name most recently became configured |
//! | `waiters` | in the order of arrival: `blocking`, whether it is a thread; `waiting_ms`, for how long; `context`, an object or null |
//! | `observers` | how many calls wait for something to happen at it, over HTTP or in the process |
//! | `call_sites` | `file`, `line`, and `awaits`: `false` if the call site blocks |
//!
//! They mean what the methods of [`FailpointInfo`] do. Fields may be added.
//!
//! ## Errors
//!
//! The body is `{"msg": ".."}`. The message names the entry of a batch, the failpoint, the word and
//! the position; for JSON of another shape, the field, line and column. After an error everything
//! is as it was.
//!
//! | status | why |
//! |---|---|
//! | 400 | the body, its content type, a name or a parameter is wrong; or the build is without the feature `testing` |
//! | 404 | no such path, or no such failpoint |
//! | 405 | the path has no such method; the header `allow` lists those that it has |
//! | 408 | a wait reached its limit |
//! | 410 | the failpoint was removed during a wait |
//! | 413 | the body has more than 1 MiB |
//!
//! # Other servers
//!
//! [`Control::handle`] takes the parts of a request and gives a status and the bytes of a body.
//! A server that continues a call whose client has disconnected, as actix does, keeps a wait until
//! its time is up. hyper drops it:
//!
//! ```
//! use http_body_util::{BodyExt, Full, Limited};
//! use hyper::body::{Bytes, Incoming};
//! use hyper::header::{ALLOW, CONTENT_TYPE};
//! use neon_failpoint::http::{BODY_LIMIT, Control, Request, Response};
//!
//! async fn failpoints(
//!     request: hyper::Request<Incoming>,
//! ) -> Result<hyper::Response<Full<Bytes>>, hyper::http::Error> {
//!     let (head, body) = request.into_parts();
//!     let Ok(body) = Limited::new(body, BODY_LIMIT).collect().await else {
//!         return hyper::Response::builder().status(413).body(Full::default());
//!     };
//!     let body = body.to_bytes();
//!     let mut request = Request::new(head.method.as_str(), head.uri.path())
//!         .query(head.uri.query().unwrap_or_default())
//!         .body(&body);
//!     if let Some(content_type) = head.headers.get(CONTENT_TYPE) {
//!         request = request.content_type(content_type.to_str().unwrap_or("not text"));
//!     }
//!     let response = Control::new().handle(request).await;
//!     let mut answer = hyper::Response::builder()
//!         .status(response.status())
//!         .header(CONTENT_TYPE, Response::CONTENT_TYPE);
//!     if let Some(methods) = response.allow() {
//!         answer = answer.header(ALLOW, methods);
//!     }
//!     answer.body(Full::from(response.into_body()))
//! }
//! ```

mod input;
mod message;
mod output;
mod route;
mod router;

use std::time::Duration;

use axum::Router;

use crate::error::Error;
use crate::wait::Goal;
use crate::{FailpointInfo, config, list, release, wait_for};
use crate::{has_failpoints, list_failpoints, remove_all_failpoints, remove_failpoint};
pub use message::{Request, Response};
use output::State;
use route::{Route, Waiting};

/// The most bytes that the body of a request may have: 1 MiB. [`Control::handle`] answers a longer
/// one with 413, so a caller need not read on.
pub const BODY_LIMIT: usize = 1 << 20;

/// The calls as a router of axum: [`Control::router`], with nothing refused.
///
/// ```
/// let app: axum::Router = axum::Router::new().merge(neon_failpoint::http::router());
/// # drop(app);
/// ```
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Control::new().router()
}

/// What those outside may do.
///
/// ```
/// use neon_failpoint::http::Control;
///
/// let app: axum::Router = Control::new().refuse_exit_and_panic().router();
/// # drop(app);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Control {
    refused: &'static [&'static str],
}

impl Control {
    /// Everything.
    pub const fn new() -> Self {
        Self { refused: &[] }
    }

    /// Refuses actions with `exit` and `panic`: configuring them is an error, wherever they
    /// stand in a chain.
    ///
    /// What the process itself configures, or its environment, is not concerned. A `return` at a
    /// call site without a closure still panics there.
    ///
    #[cfg_attr(feature = "testing", doc = "```")]
    #[cfg_attr(not(feature = "testing"), doc = "```ignore")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use neon_failpoint::http::{Control, Request};
    ///
    /// let control = Control::new().refuse_exit_and_panic();
    /// let body = br#"[{"name": "refuse-doc", "actions": "3*off->exit"}]"#;
    /// let response = control.handle(Request::new("POST", "/v1/failpoints").body(body)).await;
    /// assert_eq!(response.status(), 400);
    /// let text = String::from_utf8_lossy(response.body());
    /// assert!(text.contains(r#"refused task \"exit\" at byte 7"#), "{text}");
    /// # }
    /// ```
    pub const fn refuse_exit_and_panic(mut self) -> Self {
        self.refused = &["exit", "panic"];
        self
    }

    /// Answers one request. Every problem is an answer, too.
    ///
    /// A call that waits needs tokio's timer; the others need no runtime. The future is `Send`.
    ///
    /// # Cancel safety
    ///
    /// Only a call that waits is ever pending. Dropping it leaves nothing behind.
    ///
    /// # Panics
    ///
    /// A call that waits, where tokio has no timer. All, where others' code does that they run: as
    /// [`configure_failpoint`](crate::configure_failpoint).
    ///
    #[cfg_attr(feature = "testing", doc = "```")]
    #[cfg_attr(not(feature = "testing"), doc = "```ignore")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use neon_failpoint::http::{Control, Request};
    ///
    /// let control = Control::new();
    /// let body = br#"[{"name": "handle-doc", "actions": "off"}]"#;
    /// let response = control.handle(Request::new("PUT", "/v1/failpoints").body(body)).await;
    /// assert_eq!((response.status(), response.body()), (200, &b"null"[..]));
    ///
    /// let wait = Request::new("GET", "/v1/failpoints/handle-doc/wait");
    /// let response = control.handle(wait.query("hits=1&timeout_ms=0")).await;
    /// assert_eq!(response.status(), 408);
    /// # }
    /// ```
    pub async fn handle(&self, request: Request<'_>) -> Response {
        match self.answer(&request).await {
            Ok(response) | Err(response) => response,
        }
    }

    async fn answer(&self, request: &Request<'_>) -> Result<Response, Response> {
        let route = Route::of(request.path)?;
        if request.body.len() > BODY_LIMIT {
            return Err(too_long());
        }
        let call = match (&route, request.method) {
            (Route::All, "GET") => Call::List,
            (Route::All, "POST" | "PUT") => Call::Configure,
            (Route::All, "DELETE") => Call::RemoveAll,
            (Route::One(name), "GET") => Call::Show(name),
            (Route::One(name), "DELETE") => Call::Remove(name),
            (Route::Wait(name), "GET") => Call::Wait(name),
            (Route::Release(name), "POST") => Call::Release(name),
            (_, method) => {
                let methods = route.methods();
                let message = format!("{method:?} is no method here; expected {methods}");
                return Err(Response::error(405, message).allowing(methods));
            }
        };
        if !has_failpoints() {
            let error = Error::feature("control over HTTP", "testing");
            return Err(Response::error(400, error));
        }
        if !request.query.is_empty() && !matches!(call, Call::Wait(_)) {
            // One that was to say which failpoint must not be taken for all of them.
            let query = request.query;
            return Err(bad_request(format!(
                "this call has no parameters, but the query {query:?}; expected none"
            )));
        }
        let null = || Response::json(200, &());
        match call {
            Call::List => Ok(Response::json(200, &list_failpoints())),
            Call::Configure => {
                let batch = input::batch(request).map_err(bad_request)?;
                config::configure_batch(batch, self.refused).map_err(refusal)?;
                Ok(null())
            }
            Call::RemoveAll => {
                remove_all_failpoints();
                Ok(null())
            }
            Call::Show(name) => {
                let point = list::state(name);
                if !point.is_configured() && point.call_sites().is_empty() {
                    return Err(refusal(release::not_configured(name)));
                }
                Ok(Response::json(200, &point))
            }
            Call::Remove(name) => {
                remove_failpoint(name);
                Ok(null())
            }
            Call::Wait(name) => wait(name, Waiting::of(request.query)?).await,
            Call::Release(name) => {
                let selection = input::selection(request).map_err(bad_request)?;
                let count = selection.count.unwrap_or(usize::MAX);
                let released = release::first_matching(name, count, selection.matchers);
                let released = released.map_err(refusal)?;
                Ok(Response::json(
                    200,
                    &serde_json::json!({ "released": released }),
                ))
            }
        }
    }
}

/// What there is to do.
enum Call<'a> {
    List,
    Configure,
    RemoveAll,
    Show(&'a str),
    Remove(&'a str),
    Wait(&'a str),
    Release(&'a str),
}

async fn wait(name: &str, waiting: Waiting) -> Result<Response, Response> {
    let Waiting { goal, limit } = waiting;
    let limit = limit.unwrap_or_else(wait_for::wait_deadline);
    let wait = match goal {
        Goal::Hits(n) => crate::wait_for_hits(name, n),
        Goal::Paused(n) => crate::wait_until_paused(name, n),
    };
    // Its own deadline would tell of every failpoint that there is.
    let met = tokio::time::timeout(limit, wait.within(Duration::MAX)).await;
    let late = match met {
        Ok(met) => {
            met.map_err(refusal)?;
            None
        }
        Err(_) => Some(limit),
    };
    let point = list::state(name);
    let message = late.map(|limit| too_late(&point, goal, limit));
    let status = if message.is_some() { 408 } else { 200 };
    let point = &point;
    Ok(Response::json(status, &State { message, point }))
}

fn too_late(point: &FailpointInfo, goal: Goal, limit: Duration) -> String {
    let what = match goal {
        Goal::Hits(n) => format!("was not hit {n} times"),
        Goal::Paused(n) => format!("was not where {n} waited"),
    };
    format!(
        "failpoint {:?} {what} within {limit:?}: hits {}, waiting {}",
        point.name(),
        point.hits(),
        point.waiters().len()
    )
}

fn too_long() -> Response {
    let message = format!("the body is too long; expected {BODY_LIMIT} bytes at most");
    Response::error(413, message)
}

fn bad_request(message: String) -> Response {
    Response::error(400, message)
}

/// The answer to what the rest of the crate refuses.
fn refusal(error: Error) -> Response {
    let status = if error.is_not_configured() {
        404
    } else if error.is_removed() {
        410
    } else {
        400
    };
    Response::error(status, error)
}
