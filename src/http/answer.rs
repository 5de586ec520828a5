//! What each call does.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::control::{config, list, release};
use crate::engine::point::Point;
use crate::engine::scope::Home;
use crate::engine::trie::Named;
use crate::engine::{lifetime, suggest};
use crate::error::Error;
use crate::http::actions::{actions, wants_text};
use crate::http::batch::batch;
use crate::http::call::{Call, Path};
use crate::http::hosts::Hosts;
use crate::http::json::millis;
use crate::http::message::{BODY_LIMIT, Request, Response};
use crate::http::selection::selection;
use crate::http::ttl;
use crate::http::wait_call::{self, WaitQuery};

/// What those outside may do.
///
/// ```
/// use neon_failpoint::http::Control;
///
/// let app: axum::Router = Control::new().refuse_exit_and_panic().router();
/// # drop(app);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Control {
    refuses_harm: bool,
    /// `None` is every one.
    hosts: Option<Hosts>,
}

impl Control {
    /// Everything.
    pub const fn new() -> Self {
        Self {
            refuses_harm: false,
            hosts: None,
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
    /// assert!(text.contains(r#"refused action \"exit\" at byte 7"#), "{text}");
    /// # }
    /// ```
    pub const fn refuse_exit_and_panic(mut self) -> Self {
        self.refuses_harm = true;
        self
    }

    /// Answers only requests for these hosts: names, or addresses, that the header `host` may have, or
    /// the authority that HTTP/2 has in its place. Any other request, and one without either, is
    /// answered with 403.
    ///
    /// A page in a browser whose site rebinds its own name to the loopback address asks for that name,
    /// and gets no further; without this option it may do everything (see [who may reach
    /// it](crate::http#who-may-reach-it)). Neither the port nor small and capital letters matter. An
    /// IPv6 address may be in brackets, as it is in the header. With several calls the last one counts;
    /// an empty list answers nobody. What has no name, such as a Unix socket, is asked for by whatever
    /// name its clients use.
    ///
    /// Around [`handle`](Self::handle) the server says which [host](Request::host) a request is for.
    ///
    #[cfg_attr(feature = "testing", doc = "```")]
    #[cfg_attr(not(feature = "testing"), doc = "```ignore")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use neon_failpoint::http::{Control, Request};
    ///
    /// let control = Control::new().answer_hosts(["localhost", "127.0.0.1", "::1"]);
    /// let list = Request::new("GET", "/v1/failpoints");
    /// assert_eq!(control.handle(list.host("localhost:8080")).await.status(), 200);
    /// assert_eq!(control.handle(list.host("evil.example:8080")).await.status(), 403);
    /// # }
    /// ```
    pub fn answer_hosts(mut self, hosts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.hosts = Some(Hosts::new(hosts));
        self
    }

    /// Checks whom a request is for.
    pub(super) fn check_host(&self, host: Option<&str>) -> Result<(), Response> {
        let Some(hosts) = &self.hosts else {
            return Ok(());
        };
        let refused = |message| Response::error(403, message);
        hosts.check(host).map_err(refused)
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
    /// let off = Request::new("PUT", "/v1/failpoints/handle-doc").body(b"off");
    /// assert_eq!(control.handle(off).await.status(), 200);
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
        self.check_host(request.host)?;
        let path = Path::of(request.path)?;
        if request.body.len() > BODY_LIMIT {
            return Err(Response::too_long());
        }
        let call = path.call(request.method)?;
        if !config::has_failpoints() {
            let error = Error::feature("control over HTTP", "testing");
            return Err(Response::error(400, error));
        }
        if !request.query.is_empty() && !matches!(call, Call::Wait | Call::Put) {
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
                let (batch, ttls): (_, Vec<_>) = batch
                    .into_iter()
                    .map(|item| (item.config, item.ttl))
                    .unzip();
                let points = config::batch_points(&Home::GLOBAL, batch, self.refuses_harm);
                configure(&points.map_err(Response::refusal)?, &ttls)
            }
            Call::RemoveAll => {
                let removed = config::remove_all(&Home::GLOBAL, None);
                Ok(Response::json(200, &json!({ "removed": removed })))
            }
            Call::Show => {
                let point = list::state(&Home::GLOBAL, name);
                let refused = || Response::refusal(release::not_configured(&Home::GLOBAL, name));
                if wants_text(request.accept) {
                    let actions = point.actions().ok_or_else(refused)?;
                    return Ok(Response::text(200, actions));
                }
                if !point.is_configured() && point.call_sites().is_empty() {
                    return Err(refused());
                }
                Ok(Response::json(200, &point))
            }
            Call::Put => {
                let ttl = ttl::of_query(request.query).map_err(Response::bad_request)?;
                let actions = actions(request).map_err(Response::bad_request)?;
                let point = config::outside_point(name, actions, self.refuses_harm);
                configure(&[point.map_err(Response::refusal)?], &[ttl])
            }
            Call::Remove => {
                let was_there = config::remove(&Home::GLOBAL, name, None);
                let removed = usize::from(was_there);
                Ok(Response::json(200, &json!({ "removed": removed })))
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

/// Configures `points`, which may stay for as long as `ttls` say. The answer is null, as it is to
/// clients that know nothing else, unless there is something to say.
fn configure(points: &[Arc<Point>], ttls: &[Option<Duration>]) -> Result<Response, Response> {
    let mut limited = BTreeMap::new();
    for (point, ttl) in points.iter().zip(ttls) {
        if let Some(ttl) = *ttl {
            lifetime::limit(point, ttl).map_err(|e| {
                let (name, field) = (point.name(), ttl::NAME);
                let message = format!(
                    "failpoint {name:?}: the field `{field}`: there is no thread to remove it: {e}"
                );
                Response::error(500, message)
            })?;
            limited.insert(point.name(), millis(ttl));
        }
    }
    config::put(points, None).map_err(Response::refusal)?;
    lifetime::check(points);
    let warnings = suggest::warnings(points);
    if warnings.is_empty() && limited.is_empty() {
        return Ok(Response::json(200, &()));
    }
    let mut answer = json!({ "warnings": warnings });
    if !limited.is_empty() {
        answer[ttl::NAME] = json!(limited);
    }
    Ok(Response::json(200, &answer))
}
