//! What each call does.

use serde_json::json;

use crate::control::{config, list, release};
use crate::engine::point::Made;
use crate::engine::scope::Home;
use crate::error::Error;
use crate::http::batch::batch;
use crate::http::call::{Call, Path};
use crate::http::message::{BODY_LIMIT, Request, Response};
use crate::http::selection::selection;
use crate::http::wait_call::{self, WaitQuery};

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
    refuses_harm: bool,
}

impl Control {
    /// Everything.
    pub const fn new() -> Self {
        Self {
            refuses_harm: false,
        }
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
        self.refuses_harm = true;
        self
    }

    /// Answers one request. Every problem is an answer, too.
    ///
    /// It needs no runtime. The future is `Send`.
    ///
    /// # Cancel safety
    ///
    /// Only a call that waits is ever pending. Dropping it leaves nothing behind.
    ///
    /// # Panics
    ///
    /// Where others' code does that a call runs: as
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
        let path = Path::of(request.path)?;
        if request.body.len() > BODY_LIMIT {
            return Err(Response::too_long());
        }
        let call = path.call(request.method)?;
        if !config::has_failpoints() {
            let error = Error::feature("control over HTTP", "testing");
            return Err(Response::error(400, error));
        }
        if !request.query.is_empty() && call != Call::Wait {
            // One that was to say which failpoint must not be taken for all of them.
            let query = request.query;
            return Err(Response::bad_request(format_args!(
                "this call has no parameters, but the query {query:?}; expected none"
            )));
        }
        let name = &*path.name;
        match call {
            Call::List => Ok(Response::json(200, &list::list(&Home::GLOBAL))),
            Call::Configure => {
                let batch = batch(request).map_err(Response::bad_request)?;
                config::configure_batch(&Home::GLOBAL, Made::Http, batch, self.refuses_harm, None)
                    .map_err(Response::refusal)?;
                Ok(Response::json(200, &()))
            }
            Call::RemoveAll => {
                config::remove_all(&Home::GLOBAL, None);
                Ok(Response::json(200, &()))
            }
            Call::Show => {
                let point = list::state(&Home::GLOBAL, name);
                if !point.is_configured() && point.call_sites().is_empty() {
                    return Err(Response::refusal(release::not_configured(
                        &Home::GLOBAL,
                        name,
                    )));
                }
                Ok(Response::json(200, &point))
            }
            Call::Remove => {
                config::remove(&Home::GLOBAL, name, None);
                Ok(Response::json(200, &()))
            }
            Call::Wait => wait_call::wait(name, WaitQuery::of(request.query)?).await,
            Call::Release => {
                let selection = selection(request).map_err(Response::bad_request)?;
                let count = selection.count.unwrap_or(usize::MAX);
                let released =
                    release::first_matching(&Home::GLOBAL, name, count, selection.matchers);
                let released = released.map_err(Response::refusal)?;
                Ok(Response::json(200, &json!({ "released": released })))
            }
        }
    }
}
