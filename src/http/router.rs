//! The calls as a router of axum.

use std::pin::Pin;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::http::header::{ACCEPT, ALLOW, CONTENT_TYPE, HOST, HeaderMap, HeaderName, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::routing::any;

use crate::http::answer::Control;
use crate::http::fields::is_json;
use crate::http::message::{BODY_LIMIT, Request, Response};

/// Of a body that is too long so much more is read, so that the client has sent all of it and
/// reads the answer.
const READ_ON: usize = 16 * BODY_LIMIT;

/// The calls as a router of axum: [`Control::router`], with nothing refused.
///
/// ```
/// let app: axum::Router = axum::Router::new().merge(neon_failpoint::http::router());
/// # drop(app);
/// ```
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Control::new().router()
}

impl Control {
    /// The calls as a [`Router`], to be nested in one of yours or served alone.
    ///
    /// `S` is whatever state your router has; this one needs none. Unlike [`Control::handle`] it
    /// reads the body, and refuses a POST of a page in a browser that was not asked for (see
    /// [who may reach it](crate::http#who-may-reach-it)).
    ///
    /// ```
    /// use axum::Router;
    /// use axum::routing::get;
    /// use neon_failpoint::http::Control;
    ///
    /// let failpoints = Control::new().refuse_exit_and_panic().router();
    /// let app: Router = Router::new()
    ///     .route("/status", get(|| async { "ok" }))
    ///     // At /debug/v1/failpoints.
    ///     .nest("/debug", failpoints);
    /// # drop(app);
    /// ```
    pub fn router<S: Clone + Send + Sync + 'static>(self) -> Router<S> {
        let handler = any(async move |request| answer(&self, request).await);
        Router::new()
            .route("/v1/failpoints", handler.clone())
            .route("/v1/failpoints/", handler.clone())
            .route("/v1/failpoints/{*rest}", handler)
    }
}

async fn answer(control: &Control, request: axum::extract::Request) -> axum::response::Response {
    let response = respond(control, request).await;
    let response = response.unwrap_or_else(|refusal| refusal);
    let status = StatusCode::from_u16(response.status());
    let (allow, content_type) = (response.allow(), response.content_type());
    let mut answer = axum::response::Response::new(Body::from(response.into_body()));
    *answer.status_mut() = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Some(methods) = allow {
        headers.insert(ALLOW, HeaderValue::from_static(methods));
    }
    answer
}

async fn respond(control: &Control, request: axum::extract::Request) -> Result<Response, Response> {
    let (head, body) = request.into_parts();
    let body = read(body).await?;
    let hosts = hosts(&head);
    for host in &hosts {
        control.check_host(Some(host))?;
    }
    let accept = texts(&head.headers, ACCEPT).join(",");
    let mut request = Request::new(head.method.as_str(), head.uri.path())
        .accept(&accept)
        .body(&body);
    if let Some(query) = head.uri.query() {
        request = request.query(query);
    }
    if let Some(content_type) = texts(&head.headers, CONTENT_TYPE).first() {
        request = request.content_type(content_type);
    }
    if let Some(host) = hosts.first() {
        request = request.host(host);
    }
    if let Some(origin) = texts(&head.headers, ORIGIN).first() {
        check_origin(&request, origin)?;
    }
    Ok(control.handle(request).await)
}

/// Returns all that a request says about whom it is for: HTTP/2 has it in the URI, and in HTTP/1.1 a
/// proxy may find it in both places.
fn hosts(head: &Parts) -> Vec<&str> {
    let authority = head.uri.authority().map(|authority| authority.as_str());
    let headers = texts(&head.headers, HOST);
    authority.into_iter().chain(headers).collect()
}

/// Returns the values of a header; what is not text means nothing to anybody here.
fn texts(headers: &HeaderMap, name: HeaderName) -> Vec<&str> {
    let values = headers.get_all(name).into_iter();
    values
        .map(|value| value.to_str().unwrap_or("not text"))
        .collect()
}

/// A browser lets the page of any site send a POST here, but asks us first, in vain, where the page
/// wants to say that it is JSON, and for every other method that changes anything.
fn check_origin(request: &Request<'_>, origin: &str) -> Result<(), Response> {
    if request.method != Method::POST.as_str() || request.content_type.is_some_and(is_json) {
        return Ok(());
    }
    let content_type = match request.content_type {
        Some(content_type) => format!("its content type is {content_type:?}"),
        None => "it has no content type".to_owned(),
    };
    Err(Response::bad_request(format_args!(
        "the request has the header `origin`, {origin:?}, so a page in a browser sent it, and \
         {content_type}: the page of any site may send that, whether it was asked for or not; \
         expected application/json as its content type, which a browser asks leave for, or, from \
         what is no browser, no header `origin`"
    )))
}

async fn read(mut body: Body) -> Result<Vec<u8>, Response> {
    let mut bytes = Vec::new();
    let mut length = 0_usize;
    while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let frame = frame
            .map_err(|e| Response::error(400, format_args!("the body could not be read: {e}")))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        length = length.saturating_add(data.len());
        if length > READ_ON {
            break;
        }
        if length <= BODY_LIMIT {
            bytes.extend_from_slice(&data);
        }
    }
    if length > BODY_LIMIT {
        return Err(Response::too_long());
    }
    Ok(bytes)
}
