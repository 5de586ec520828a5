//! Which waiters a request releases.

use std::fmt;

use serde::de::{Deserializer, Error as _, MapAccess, Visitor};

use crate::http::fields::{Matchers, Pairs, check_type, field, parse};
use crate::http::message::Request;

/// What a release asks for.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Selection {
    pub(super) count: Option<usize>,
    pub(super) matchers: Pairs,
}

/// The waiters that `request` releases: all, if it has no body.
pub(super) fn selection(request: &Request<'_>) -> Result<Selection, String> {
    if request.body.is_empty() {
        return Ok(Selection::default());
    }
    check_type(request.content_type)?;
    parse(request.body, |json| {
        Deserializer::deserialize_map(json, Release)
    })
}

/// The object of a release.
struct Release;

const RELEASE_FIELDS: &[&str] = &["count", "context_matchers"];

impl<'de> Visitor<'de> for Release {
    type Value = Selection;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{\"count\": .., \"context_matchers\": ..}, both optional")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut count: Option<Option<usize>> = None;
        let mut matchers: Option<Matchers> = None;
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "count" => field(&mut map, "count", &mut count)?,
                "context_matchers" => field(&mut map, "context_matchers", &mut matchers)?,
                _ => return Err(A::Error::unknown_field(&key, RELEASE_FIELDS)),
            }
        }
        Ok(Selection {
            count: count.flatten(),
            matchers: matchers.unwrap_or_default().0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(body: &str) -> Result<Selection, String> {
        selection(&Request::new("POST", "/v1/failpoints/a/release").body(body.as_bytes()))
    }

    #[test]
    fn a_release_says_how_many_and_whom() {
        let selection = |count, matchers: &[(&str, &str)]| {
            let matchers = matchers.iter().map(|(k, v)| ((*k).into(), (*v).into()));
            Ok(Selection {
                count,
                matchers: matchers.collect(),
            })
        };
        for (body, expected) in [
            ("", selection(None, &[])),
            ("{}", selection(None, &[])),
            (r#"{"count": null}"#, selection(None, &[])),
            (r#"{"count": 0}"#, selection(Some(0), &[])),
            (
                r#"{"context_matchers": {"k": "v"}, "count": 2}"#,
                selection(Some(2), &[("k", "v")]),
            ),
            (
                r#"{"context_matchers": [["k", "v"], ["k", "w"]]}"#,
                selection(None, &[("k", "v"), ("k", "w")]),
            ),
        ] {
            assert_eq!(release(body), expected, "{body}");
        }
        for (body, part) in [
            ("2", "expected {\"count\""),
            (r#"{"count": -1}"#, "field `count`"),
            (r#"{"count": 1.5}"#, "field `count`"),
            (r#"{"count": "1"}"#, "field `count`"),
            (r#"{"n": 1}"#, "unknown field `n`"),
            (r#"{"count": 1, "count": 1}"#, "duplicate field `count`"),
        ] {
            let message = release(body).unwrap_err();
            assert!(message.contains(part), "{body}: {message}");
        }
    }
}
