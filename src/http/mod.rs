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
//! curl 127.0.0.1:8080/v1/failpoints --json '[{"name": "upload", "actions": "return"}]'
//! curl -X PUT -d pause '127.0.0.1:8080/v1/failpoints/before-commit?ttl_ms=60000'
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
//! mistakes, not from malice: a client can still stop the service wherever it has a failpoint.
//!
//! A web page in a browser on the same machine can reach a loopback address, too. The router
//! refuses a POST that a page of another site could send without a preflight request: one with the
//! header `origin` whose content type is absent or not JSON. PUT and DELETE need no such check: a
//! form cannot send them, whatever content types it has, and a script only after a preflight
//! request, which the router does not answer. (A layer of yours that allows other origins gives all
//! of this up.)
//!
//! A site that rebinds its own domain name to the loopback address is of the same origin to the
//! browser, and asks for that name: [`Control::answer_hosts`] lists the names that are answered
//! instead. So do a token or a Unix socket stop it.
//!
//! ```
//! use neon_failpoint::http::Control;
//!
//! let control = Control::new().answer_hosts(["localhost", "127.0.0.1", "::1"]);
//! let app: axum::Router = control.router();
//! # drop(app);
//! ```
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
//! | POST or PUT `/v1/failpoints` | [configures](#configuring) all that its body lists, or nothing: `null`, or `{"warnings": [..]}` |
//! | GET `/v1/failpoints` | every failpoint that is compiled in or configured, as [`list_failpoints`](crate::list_failpoints) |
//! | GET `/v1/failpoints/{name}` | that one; 404 if it is neither compiled in nor configured. With `accept: text/plain` [its actions](#actions-as-text) |
//! | PUT `/v1/failpoints/{name}` | configures that one to do [the actions that are the body](#actions-as-text); answers as a POST |
//! | DELETE `/v1/failpoints` | removes every configuration, all waiters continue, and says how many there were: `{"removed": 2}` |
//! | DELETE `/v1/failpoints/{name}` | removes that one, if it is there: `{"removed": 1}`, or 0 |
//! | GET `/v1/failpoints/{name}/wait?hits=N` | the failpoint, once it was [hit `N` times](crate::wait_for_hits) |
//! | GET `/v1/failpoints/{name}/wait?fired=N` | the failpoint, once it [fired `N` times](crate::wait_until_fired) |
//! | GET `/v1/failpoints/{name}/wait?paused=N` | the failpoint, once [`N` tasks or threads wait there](crate::wait_until_paused) |
//! | POST `/v1/failpoints/{name}/release` | releases waiters, and says how many: `{"released": 1}` |
//!
//! All calls act on the points that are in no [scope](crate::Scope).
//!
//! In a name everything that is not a letter, a digit or one of `-._~` is best percent-encoded; a
//! slash has to be: `%2F`. All bodies are JSON, but for [actions](#actions-as-text). A body of JSON
//! has the content type `application/json`, or none. Only a wait, and a PUT of one name, have a
//! query; with any other call it is an error.
//!
//! ## Configuring
//!
//! ```json
//! [
//!     {"name": "before-commit", "actions": "pause"},
//!     {"name": "upload", "actions": "2*return(no space)", "context_matchers": {"tenant": "t-.*"}},
//!     {"name": "after-commit", "actions": "pause", "ttl_ms": 60000}
//! ]
//! ```
//!
//! As [`configure_failpoints`](crate::configure_failpoints). `context_matchers` may be left out,
//! be null, or be a list of pairs, `[["tenant", "t-.*"]]`. A field of another name is an error,
//! and so is a name that comes twice. The matchers are put before each alternative of the actions;
//! written out like that, those of a batch may have 1 MiB together.
//!
//! ### What may not be meant
//!
//! The answer is `null` if there is nothing to say, which is what Neon's clients expect; else an
//! object with `warnings`, a list of texts. The failpoints are configured all the same. There is a
//! warning for
//!
//! - a name that no call site has, with those that are like it. A name may be made at run time, and
//!   that is not known before it is hit;
//! - a `return` where no call site of that name can return a value: where the macro has no closure
//!   it panics, at [`pausable_failpoint!`](crate::pausable_failpoint!) it has no effect, and at
//!   [`sleep_millis_async!`](crate::sleep_millis_async!) it needs a number.
//!
//! Where there is no list of call sites (see [limits](crate::limits#where-it-runs)) there are none.
//!
//! ### What stays if a client dies
//!
//! `ttl_ms` is how many milliseconds of real time the failpoint stays: a whole number from 1 to
//! 604800000, a week. Then it is removed, as by DELETE, and its waiters continue. Null, as no
//! field, is no limit. The answer is an object with `ttl_ms`, too, the names with their limits:
//! `{"ttl_ms": {"after-commit": 60000}, "warnings": []}`. A GET shows what is left.
//!
//! The limit is that of this configuration. Whoever configures the name again, with a limit of its
//! own or with none, replaces both: nothing that was configured later is removed by an earlier
//! limit. A guard of the process that is [armed](crate::arm()) over the failpoint stays, and
//! uncovers nothing when it is dropped.
//!
//! ## Actions as text
//!
//! The body of a PUT of one name is its actions, as they stand in the [grammar](crate#actions); a
//! `when(..)` has the matchers. `?ttl_ms=60000` is the limit above. The content type is that of a
//! text, `application/x-www-form-urlencoded`, which curl sends with `-d`,
//! `application/octet-stream`, or none; the body is taken as it is, never decoded as a form, and
//! white space at its end does not count.
//!
//! A GET with the header `accept: text/plain` answers with the actions, in the form that PUT takes;
//! 404 if the name is not configured. Where `accept` wants JSON as much, and names it as exactly,
//! the answer is JSON. Errors are JSON always. (A [callback](crate::configure_failpoint_callback)
//! has no text: it is shown as `callback`.)
//!
//! ```text
//! curl -X PUT -d '2*return(no space)->sleep(100)' 127.0.0.1:8080/v1/failpoints/upload
//! curl -H 'accept: text/plain' 127.0.0.1:8080/v1/failpoints/upload
//! ```
//!
//! ## Waiting
//!
//! `&timeout_ms=N` limits the wait, to an hour at most; the default is the process's
//! [deadline](crate::set_wait_deadline). When the time is up the answer is 408, with the present
//! state of the failpoint and a `msg` that says what is known of the reason. If the name is not
//! configured the answer is 404, at once; if it is removed during the wait, 410. A client that
//! disconnects leaves nothing behind: axum drops the future of the call, and the wait with it.
//! (hyper, below axum, does not notice it while another request is pipelined behind the wait; then
//! the wait ends with its time.)
//!
//! A graceful shutdown waits for all calls. [`remove_all_failpoints`](crate::remove_all_failpoints)
//! ends them: waits are answered with 410, and paused tasks continue.
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
//! | `matchers` | the pairs of key and regular expression in `actions`; `"key!"` where it must not match |
//! | `hits`, `fired` | since it was configured |
//! | `turned_away` | the hits that did not fire because of their context |
//! | `totals` | `hits`, `fired` and `delay_ms` since the name most recently became configured |
//! | `ttl_ms` | how many milliseconds are left until it is removed by itself; null if it stays |
//! | `waiters` | in the order of arrival: `blocking`, whether it is a thread; `waiting_ms`, for how long; `context`, an object or null |
//! | `observers` | how many calls wait for something to happen at it, over HTTP or in the process |
//! | `call_sites` | `file`, `line`, and `awaits`: `false` if the call site blocks |
//!
//! They mean what the methods of [`FailpointInfo`](crate::FailpointInfo) do. Fields may be added.
//!
//! ## Errors
//!
//! The body is `{"msg": ".."}`. The message names the entry of a batch, the failpoint, the word and
//! the position; for JSON of another shape, the field, line and column; and what would be right.
//! After an error everything is as it was.
//!
//! | status | why |
//! |---|---|
//! | 400 | the body, its content type, a name or a parameter is wrong; or the build is without the feature `testing` |
//! | 403 | [`Control::answer_hosts`] does not list the host of the request |
//! | 404 | no such path, or no such failpoint |
//! | 405 | the path has no such method; the header `allow` lists those that it has |
//! | 408 | a wait reached its limit |
//! | 410 | the failpoint was removed during a wait |
//! | 413 | the body has more than 1 MiB |
//! | 500 | a failpoint with `ttl_ms` cannot be limited, because there is no thread to be had |
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
//! use hyper::header::{ACCEPT, ALLOW, CONTENT_TYPE, HOST};
//! use neon_failpoint::http::{BODY_LIMIT, Control, Request};
//!
//! async fn failpoints(
//!     request: hyper::Request<Incoming>,
//! ) -> Result<hyper::Response<Full<Bytes>>, hyper::http::Error> {
//!     let (head, body) = request.into_parts();
//!     let Ok(body) = Limited::new(body, BODY_LIMIT).collect().await else {
//!         return hyper::Response::builder().status(413).body(Full::default());
//!     };
//!     let body = body.to_bytes();
//!     // What is not text means nothing here.
//!     let text = |name| head.headers.get(name).map(|value| value.to_str().unwrap_or("not text"));
//!     let mut request = Request::new(head.method.as_str(), head.uri.path())
//!         .query(head.uri.query().unwrap_or_default())
//!         .accept(text(ACCEPT).unwrap_or_default())
//!         .body(&body);
//!     if let Some(content_type) = text(CONTENT_TYPE) {
//!         request = request.content_type(content_type);
//!     }
//!     // HTTP/2 has it in the URI.
//!     let authority = head.uri.authority().map(|authority| authority.as_str());
//!     if let Some(host) = authority.or_else(|| text(HOST)) {
//!         request = request.host(host);
//!     }
//!     let control = Control::new().answer_hosts(["localhost", "127.0.0.1"]);
//!     let response = control.handle(request).await;
//!     let mut answer = hyper::Response::builder()
//!         .status(response.status())
//!         .header(CONTENT_TYPE, response.content_type());
//!     if let Some(methods) = response.allow() {
//!         answer = answer.header(ALLOW, methods);
//!     }
//!     answer.body(Full::from(response.into_body()))
//! }
//! ```

// A request comes in through `router`, or straight to `answer`, which does what `call` says is asked
// for. `hosts` turns away what is for somebody else. `batch` and `selection` read bodies by the `fields`
// that they share, `actions` those that are text, `query` and `ttl` what stands behind a path. `wait_call`
// waits, `json` is what goes out, and `message` is the envelope of both.
mod actions;
mod answer;
mod batch;
mod call;
mod fields;
mod hosts;
mod json;
mod message;
mod query;
mod router;
mod selection;
mod ttl;
mod wait_call;

pub use answer::Control;
pub use message::{BODY_LIMIT, Request, Response};
pub use router::router;
