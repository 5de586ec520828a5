//! The calls: a method and a path each, in one table.

use std::borrow::Cow;
use std::sync::LazyLock;

use crate::http::message::Response;

/// Where all paths begin.
const ROOT: &str = "/v1/failpoints";

/// What a request asks for: of all failpoints, or of the one that its path names.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Call {
    List,
    Configure,
    RemoveAll,
    Show,
    Put,
    Remove,
    Wait,
    Release,
}

/// Method, path behind [`ROOT`], call; those of one path together.
static CALLS: &[(&str, &str, Call)] = &[
    ("GET", "", Call::List),
    ("POST", "", Call::Configure),
    ("PUT", "", Call::Configure),
    ("DELETE", "", Call::RemoveAll),
    ("GET", "/NAME", Call::Show),
    ("PUT", "/NAME", Call::Put),
    ("DELETE", "/NAME", Call::Remove),
    ("GET", "/NAME/wait", Call::Wait),
    ("POST", "/NAME/release", Call::Release),
];

/// The paths of the table, each once, with the methods that it knows.
static PATHS: LazyLock<Vec<(&str, String)>> = LazyLock::new(|| {
    let same_path = CALLS.chunk_by(|(_, a, _), (_, b, _)| a == b);
    let methods = |rows: &[(&'static str, _, _)]| -> Vec<&str> {
        rows.iter().map(|(method, _, _)| *method).collect()
    };
    same_path
        .map(|rows| (rows[0].1, methods(rows).join(", ")))
        .collect()
});

/// A path of the table, with the name that stands in it.
#[derive(Debug)]
pub(super) struct Path<'a> {
    path: &'static str,
    methods: &'static str,
    pub(super) name: Cow<'a, str>,
}

impl<'a> Path<'a> {
    pub(super) fn of(path: &'a str) -> Result<Self, Response> {
        let (name, pattern) = pattern(path).ok_or_else(|| unknown(path))?;
        let known = PATHS.iter().find(|(path, _)| *path == pattern);
        let (path, methods) = known.ok_or_else(|| unknown(path))?;
        let bad = |reason| Response::bad_request(format_args!("the name {name:?} {reason}"));
        let name = decoded(name).map_err(bad)?;
        Ok(Self {
            path,
            methods,
            name,
        })
    }

    /// Returns what `method` asks for here.
    pub(super) fn call(&self, method: &str) -> Result<Call, Response> {
        let mut calls = CALLS.iter();
        match calls.find(|(m, path, _)| (*m, *path) == (method, self.path)) {
            Some((_, _, call)) => Ok(*call),
            None => {
                let methods = self.methods;
                let message = format!("{method:?} is no method here; expected {methods}");
                Err(Response::error(405, message).allowing(methods))
            }
        }
    }
}

/// Returns the name in a path, or nothing, and the path of the table that it may be.
fn pattern(path: &str) -> Option<(&str, Cow<'static, str>)> {
    let rest = path.strip_prefix(ROOT)?;
    if rest.is_empty() {
        return Some(("", "".into()));
    }
    let rest = rest.strip_prefix('/')?;
    let (name, pattern) = match rest.split_once('/') {
        Some((name, call)) => (name, format!("/NAME/{call}").into()),
        None => (rest, "/NAME".into()),
    };
    (!name.is_empty()).then_some((name, pattern))
}

fn unknown(path: &str) -> Response {
    let known: Vec<String> = PATHS
        .iter()
        .map(|(path, _)| format!("{ROOT}{path}"))
        .collect();
    let (last, others) = known
        .split_last()
        .map_or(("", &[][..]), |(l, o)| (l.as_str(), o));
    let others = others.join(", ");
    let message = format!(
        "there is nothing at {path:?}; expected {others} or {last}, a `/` in a name as %2F"
    );
    Response::error(404, message)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn status(path: &str) -> u16 {
        Path::of(path).unwrap_err().status()
    }

    #[test]
    fn a_path_names_a_failpoint_and_a_call() {
        for (path, method, call, name) in [
            ("/v1/failpoints", "GET", Call::List, ""),
            ("/v1/failpoints", "DELETE", Call::RemoveAll, ""),
            ("/v1/failpoints/a", "GET", Call::Show, "a"),
            ("/v1/failpoints/wait", "DELETE", Call::Remove, "wait"),
            ("/v1/failpoints/wait", "PUT", Call::Put, "wait"),
            (
                "/v1/failpoints/a%2Fb%2Frelease",
                "PUT",
                Call::Put,
                "a/b/release",
            ),
            ("/v1/failpoints/wait/wait", "GET", Call::Wait, "wait"),
            ("/v1/failpoints/a%2Fb", "GET", Call::Show, "a/b"),
            ("/v1/failpoints/a%2fwait", "GET", Call::Show, "a/wait"),
            (
                "/v1/failpoints/a%20b+c/release",
                "POST",
                Call::Release,
                "a b+c",
            ),
            ("/v1/failpoints/%C3%A9%25", "GET", Call::Show, "é%"),
        ] {
            let asked = Path::of(path).unwrap();
            assert_eq!(
                (asked.call(method), &*asked.name),
                (Ok(call), name),
                "{path}"
            );
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
    fn the_page_has_every_call() {
        let page = include_str!("mod.rs");
        for (method, path, _) in CALLS {
            let path = path.replace("NAME", "{name}");
            let mut lines = page.lines().filter(|line| line.starts_with("//! |"));
            let listed = lines.any(|line| {
                let call = line.split_once(&format!("`{ROOT}{path}"));
                call.is_some_and(|(methods, rest)| {
                    methods.contains(method) && rest.starts_with(['`', '?'])
                })
            });
            assert!(listed, "{method} {ROOT}{path}");
        }
    }
}
