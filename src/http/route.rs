//! What a path and a query ask for.

use std::borrow::Cow;
use std::time::Duration;

use super::message::Response;
use crate::wait::Goal;

/// Where all paths begin.
pub(super) const ROOT: &str = "/v1/failpoints";

/// What a path stands for.
#[derive(Debug, PartialEq)]
pub(super) enum Route<'a> {
    /// All failpoints.
    All,
    /// The failpoint of that name.
    One(Cow<'a, str>),
    Wait(Cow<'a, str>),
    Release(Cow<'a, str>),
}

impl<'a> Route<'a> {
    pub(super) fn of(path: &'a str) -> Result<Self, Response> {
        let unknown = || {
            Response::error(
                404,
                format_args!(
                    "there is nothing at {path:?}; expected {ROOT}, {ROOT}/NAME, \
                     {ROOT}/NAME/wait or {ROOT}/NAME/release, a `/` in a name as %2F"
                ),
            )
        };
        let rest = path.strip_prefix(ROOT).ok_or_else(unknown)?;
        if rest.is_empty() {
            return Ok(Self::All);
        }
        let rest = rest.strip_prefix('/').ok_or_else(unknown)?;
        let (name, call) = match rest.split_once('/') {
            Some((name, call)) => (name, Some(call)),
            None => (rest, None),
        };
        let route = match call {
            _ if name.is_empty() => return Err(unknown()),
            None => Self::One,
            Some("wait") => Self::Wait,
            Some("release") => Self::Release,
            Some(_) => return Err(unknown()),
        };
        let bad = |reason| Response::error(400, format_args!("the name {name:?} {reason}"));
        decoded(name).map(route).map_err(bad)
    }

    /// The methods that it knows.
    pub(super) fn methods(&self) -> &'static str {
        match self {
            Self::All => "GET, POST, PUT, DELETE",
            Self::One(_) => "GET, DELETE",
            Self::Wait(_) => "GET",
            Self::Release(_) => "POST",
        }
    }
}

/// What a path writes with percent signs.
fn decoded(text: &str) -> Result<Cow<'_, str>, &'static str> {
    let Some((before, rest)) = text.split_once('%') else {
        return Ok(Cow::Borrowed(text));
    };
    let mut bytes = before.as_bytes().to_vec();
    // Each begins where a percent sign was.
    for part in rest.split('%') {
        let digits = part.as_bytes().first_chunk::<2>();
        let byte = digits.and_then(|digits| {
            let digit = |at: usize| char::from(digits[at]).to_digit(16);
            u8::try_from(16 * digit(0)? + digit(1)?).ok()
        });
        let byte =
            byte.ok_or("has a `%` without two hexadecimal digits; expected %25 for a `%`")?;
        bytes.push(byte);
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    let text = String::from_utf8(bytes);
    let text = text.map_err(|_| "is not UTF-8; expected the bytes of UTF-8 after `%`")?;
    Ok(Cow::Owned(text))
}

/// What is waited for, and for how long.
#[derive(Debug, PartialEq)]
pub(super) struct Waiting {
    pub(super) goal: Goal,
    /// `None` is the process's deadline.
    pub(super) limit: Option<Duration>,
}

/// Nobody keeps a connection open for longer.
const LONGEST: u64 = 60 * 60 * 1000;

const WANTED: &str = "expected hits=N or paused=N, and perhaps timeout_ms=N";

impl Waiting {
    pub(super) fn of(query: &str) -> Result<Self, Response> {
        Self::parse(query).map_err(|message| Response::error(400, message))
    }

    fn parse(query: &str) -> Result<Self, String> {
        let mut goal = None;
        let mut limit = None;
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            let (key, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            match key {
                "hits" | "paused" => {
                    let n = number(key, value, usize::MAX as u64)? as usize;
                    let new = match key {
                        "hits" => Goal::Hits(n),
                        _ => Goal::Paused(n),
                    };
                    match goal.replace(new) {
                        None => {}
                        Some(old) if kind(old) == key => return Err(twice(key)),
                        Some(_) => {
                            return Err(
                                "the parameters `hits` and `paused` are both there; expected one"
                                    .to_owned(),
                            );
                        }
                    }
                }
                "timeout_ms" => {
                    let millis = Duration::from_millis(number(key, value, LONGEST)?);
                    if limit.replace(millis).is_some() {
                        return Err(twice(key));
                    }
                }
                _ => return Err(format!("the parameter {key:?} is unknown; {WANTED}")),
            }
        }
        let goal = goal.ok_or_else(|| {
            format!("neither the parameter `hits` nor `paused` is there; {WANTED}")
        })?;
        Ok(Self { goal, limit })
    }
}

fn kind(goal: Goal) -> &'static str {
    match goal {
        Goal::Hits(_) => "hits",
        Goal::Paused(_) => "paused",
    }
}

fn twice(key: &str) -> String {
    format!("the parameter `{key}` is there twice; expected it once")
}

fn number(key: &str, value: &str, most: u64) -> Result<u64, String> {
    // Only digits: `parse` takes a plus sign, which a query means as a space.
    let digits = value.bytes().all(|b| b.is_ascii_digit());
    let number = value.parse().ok().filter(|n| digits && *n <= most);
    number.ok_or_else(|| {
        format!("the parameter `{key}` is {value:?}; expected a whole number from 0 to {most}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(path: &str) -> u16 {
        Route::of(path).unwrap_err().status()
    }

    #[test]
    fn a_path_names_a_failpoint_and_a_call() {
        let name = |name: &'static str| Cow::Borrowed(name);
        for (path, route) in [
            ("/v1/failpoints", Route::All),
            ("/v1/failpoints/a", Route::One(name("a"))),
            ("/v1/failpoints/wait", Route::One(name("wait"))),
            ("/v1/failpoints/wait/wait", Route::Wait(name("wait"))),
            ("/v1/failpoints/a%2Fb", Route::One(name("a/b"))),
            ("/v1/failpoints/a%2fwait", Route::One(name("a/wait"))),
            (
                "/v1/failpoints/a%20b+c/release",
                Route::Release(name("a b+c")),
            ),
            ("/v1/failpoints/%C3%A9%25", Route::One(name("é%"))),
        ] {
            assert_eq!(Route::of(path).unwrap(), route, "{path}");
        }
    }

    #[test]
    fn other_paths_lead_nowhere() {
        for path in [
            "",
            "/",
            "/v1",
            "/v1/failpoints/",
            "/v1/failpoints//",
            "/v1/failpoints//wait",
            "/v1/failpointsx",
            "/v1/failpoints/a/",
            "/v1/failpoints/a/b",
            "/v1/failpoints/a/wait/",
            "/v1/failpoints/a/Wait",
            "v1/failpoints",
        ] {
            assert_eq!(status(path), 404, "{path}");
        }
        for path in [
            "%", "a%2", "a%zz", "%-1", "%+1b", "%é1", "%ff", "a%C3", "%%41",
        ] {
            assert_eq!(status(&format!("/v1/failpoints/{path}")), 400, "{path}");
        }
    }

    #[test]
    fn a_query_says_what_is_waited_for() {
        let waiting = |goal, limit: Option<u64>| Waiting {
            goal,
            limit: limit.map(Duration::from_millis),
        };
        for (query, expected) in [
            ("hits=3", waiting(Goal::Hits(3), None)),
            ("&paused=0&", waiting(Goal::Paused(0), None)),
            ("timeout_ms=0&hits=1", waiting(Goal::Hits(1), Some(0))),
            (
                "paused=1&timeout_ms=3600000",
                waiting(Goal::Paused(1), Some(LONGEST)),
            ),
        ] {
            assert_eq!(Waiting::parse(query), Ok(expected), "{query}");
        }
    }

    #[test]
    fn a_bad_query_names_the_parameter() {
        for (query, named) in [
            ("", "neither the parameter `hits` nor `paused`"),
            ("timeout_ms=1", "neither the parameter `hits` nor `paused`"),
            ("hits", "`hits` is \"\""),
            ("hits=", "`hits` is \"\""),
            ("hits=-1", "`hits` is \"-1\""),
            ("hits=+1", "`hits` is \"+1\""),
            ("hits=1.5", "`hits` is \"1.5\""),
            ("hits=99999999999999999999", "`hits` is \"999"),
            ("hits=1&hits=1", "`hits` is there twice"),
            ("hits=1&paused=1", "`hits` and `paused` are both"),
            ("paused=1&hits=1", "`hits` and `paused` are both"),
            ("paused=x", "`paused` is \"x\""),
            ("hits=1&timeout_ms=3600001", "`timeout_ms` is \"3600001\""),
            (
                "hits=1&timeout_ms=1&timeout_ms=1",
                "`timeout_ms` is there twice",
            ),
            ("hits=1&timeout=1", "\"timeout\" is unknown"),
        ] {
            let message = Waiting::parse(query).unwrap_err();
            assert!(message.contains(named), "{query}: {message}");
        }
    }
}
