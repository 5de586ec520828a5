//! The call that waits.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use crate::control::list;
use crate::control::list::FailpointInfo;
use crate::control::wait_for::{Wait, Watched, wait_deadline};
use crate::engine::scope::Home;
use crate::engine::timer::Timer;
use crate::engine::waiters::Goal;
use crate::error::times;
use crate::http::json::State;
use crate::http::message::Response;
use crate::http::query::{number, parameters, twice};

pub(super) async fn wait(name: &str, query: WaitQuery) -> Result<Response, Response> {
    let WaitQuery { goal, limit } = query;
    let limit = limit.unwrap_or_else(wait_deadline);
    let watched = || Watched::name(&Home::GLOBAL, name);
    // Its own deadline would tell of every failpoint that there is.
    let mut wait = Wait::new(watched(), goal, Some(Duration::MAX));
    let mut timer = Timer::new(limit);
    let met = poll_fn(|cx| match Pin::new(&mut wait).poll(cx) {
        Poll::Ready(met) => Poll::Ready(Some(met)),
        Poll::Pending => Pin::new(&mut timer).poll(cx).map(|()| None),
    });
    let met = met.await;
    // It is not to be seen among those who wait.
    drop(wait);
    let late = match met {
        Some(met) => {
            met.map_err(Response::refusal)?;
            None
        }
        None => Some(limit),
    };
    let point = list::state(&Home::GLOBAL, name);
    let message = late.map(|limit| too_late(&point, &watched().hint(), goal, limit));
    let status = if message.is_some() { 408 } else { 200 };
    let point = &point;
    Ok(Response::json(status, &State { message, point }))
}

/// `hint` says what may be the reason.
fn too_late(point: &FailpointInfo, hint: &str, goal: Goal, limit: Duration) -> String {
    let what = match goal {
        Goal::Hits(n) => format!("was not hit {}", times(n)),
        Goal::Fired(n) => format!("did not fire {}", times(n)),
        Goal::Paused(n) => format!("was not where {n} waited"),
    };
    format!(
        "failpoint {:?} {what} within {limit:?}: hits {}, waiting {}, fired {}; {hint}",
        point.name(),
        point.hits(),
        point.waiters().len(),
        point.fired()
    )
}

/// What is waited for, and for how long.
#[derive(Debug, PartialEq)]
pub(super) struct WaitQuery {
    pub(super) goal: Goal,
    /// `None` is the process's deadline.
    pub(super) limit: Option<Duration>,
}

/// Nobody keeps a connection open for longer.
const LONGEST: u64 = 60 * 60 * 1000;

const WANTED: &str = "expected hits=N, fired=N or paused=N, and perhaps timeout_ms=N";

impl WaitQuery {
    pub(super) fn of(query: &str) -> Result<Self, Response> {
        Self::parse(query).map_err(Response::bad_request)
    }

    fn parse(query: &str) -> Result<Self, String> {
        let mut goal = None;
        let mut limit = None;
        for (key, value) in parameters(query) {
            match key {
                "hits" | "fired" | "paused" => {
                    let n = number(key, value, 0..=usize::MAX as u64)? as usize;
                    let new = match key {
                        "hits" => Goal::Hits(n),
                        "fired" => Goal::Fired(n),
                        _ => Goal::Paused(n),
                    };
                    match goal.replace(new).map(kind) {
                        None => {}
                        Some(old) if old == key => return Err(twice(key)),
                        Some(old) => {
                            return Err(format!(
                                "the parameters `{old}` and `{key}` are both there; expected one"
                            ));
                        }
                    }
                }
                "timeout_ms" => {
                    let millis = Duration::from_millis(number(key, value, 0..=LONGEST)?);
                    if limit.replace(millis).is_some() {
                        return Err(twice(key));
                    }
                }
                _ => return Err(format!("the parameter {key:?} is unknown; {WANTED}")),
            }
        }
        let goal = goal.ok_or_else(|| {
            format!("none of the parameters `hits`, `fired` and `paused` is there; {WANTED}")
        })?;
        Ok(Self { goal, limit })
    }
}

fn kind(goal: Goal) -> &'static str {
    match goal {
        Goal::Hits(_) => "hits",
        Goal::Fired(_) => "fired",
        Goal::Paused(_) => "paused",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_says_what_is_waited_for() {
        let waiting = |goal, limit: Option<u64>| WaitQuery {
            goal,
            limit: limit.map(Duration::from_millis),
        };
        for (query, expected) in [
            ("hits=3", waiting(Goal::Hits(3), None)),
            ("&paused=0&", waiting(Goal::Paused(0), None)),
            ("fired=2", waiting(Goal::Fired(2), None)),
            ("timeout_ms=0&hits=1", waiting(Goal::Hits(1), Some(0))),
            (
                "paused=1&timeout_ms=3600000",
                waiting(Goal::Paused(1), Some(LONGEST)),
            ),
        ] {
            assert_eq!(WaitQuery::parse(query), Ok(expected), "{query}");
        }
    }

    #[test]
    fn a_bad_query_names_the_parameter() {
        for (query, named) in [
            ("", "none of the parameters `hits`, `fired` and `paused`"),
            (
                "timeout_ms=1",
                "none of the parameters `hits`, `fired` and `paused`",
            ),
            ("hits", "`hits` is \"\""),
            ("hits=", "`hits` is \"\""),
            ("hits=-1", "`hits` is \"-1\""),
            ("hits=+1", "`hits` is \"+1\""),
            ("hits=1.5", "`hits` is \"1.5\""),
            ("hits=99999999999999999999", "`hits` is \"999"),
            ("hits=1&hits=1", "`hits` is there twice"),
            ("hits=1&paused=1", "`hits` and `paused` are both"),
            ("paused=1&hits=1", "`paused` and `hits` are both"),
            ("fired=1&hits=1", "`fired` and `hits` are both"),
            ("fired=1&fired=2", "`fired` is there twice"),
            ("paused=x", "`paused` is \"x\""),
            ("hits=1&timeout_ms=3600001", "`timeout_ms` is \"3600001\""),
            (
                "hits=1&timeout_ms=1&timeout_ms=1",
                "`timeout_ms` is there twice",
            ),
            ("hits=1&timeout=1", "\"timeout\" is unknown"),
        ] {
            let message = WaitQuery::parse(query).unwrap_err();
            assert!(message.contains(named), "{query}: {message}");
        }
    }
}
