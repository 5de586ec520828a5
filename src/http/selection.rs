//! Which waiters a request releases.

use serde::de::MapAccess;

use crate::http::fields::{Matchers, Pairs, Shape, check_type, field, parse, unknown_field};
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
    parse(request.body, Release)
}

/// The object of a release.
struct Release;

const RELEASE_FIELDS: &[&str] = &["count", "context_matchers"];

impl<'de> Shape<'de> for Release {
    type Value = Selection;

    const EXPECTED: &'static str = "{\"count\": .., \"context_matchers\": ..}, both optional";

    fn object<A: MapAccess<'de>>(self, mut map: A) -> Result<Selection, A::Error> {
        let (mut count, mut matchers) = (None, None);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "count" => field(&mut map, "count", Count, &mut count)?,
                "context_matchers" => {
                    field(&mut map, "context_matchers", Matchers, &mut matchers)?;
                }
                _ => return Err(unknown_field(&key, RELEASE_FIELDS)),
            }
        }
        Ok(Selection {
            count: count.flatten(),
            matchers: matchers.unwrap_or_default(),
        })
    }
}

/// How many; null, as nothing at all, is all.
struct Count;

impl Shape<'_> for Count {
    type Value = Option<usize>;

    const EXPECTED: &'static str = "a whole number, 0 or more";

    fn null(self) -> Option<Self::Value> {
        Some(None)
    }

    fn number(self, count: u64) -> Option<Self::Value> {
        // There are never more waiters than an address can count.
        Some(Some(usize::try_from(count).unwrap_or(usize::MAX)))
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
            ("2", "found the number 2; expected {\"count\""),
            ("[]", "found a list; expected {\"count\""),
            ("null", "found null; expected {\"count\""),
            (" ", "the body is empty; expected {\"count\""),
            ("{", "it ends inside an object"),
            (
                r#"{"count": -1}"#,
                "field `count`: found the number -1; expected a whole number, 0 or more",
            ),
            (
                r#"{"count": 1.5}"#,
                "field `count`: found the number 1.5; expected a whole number",
            ),
            (
                r#"{"count": "1"}"#,
                "field `count`: found the text \"1\"; expected a whole number",
            ),
            (
                r#"{"count": 1e30}"#,
                "field `count`: found the number 1e30; expected a whole number",
            ),
            (
                r#"{"count": {}}"#,
                "field `count`: found an object; expected a whole number",
            ),
            (
                r#"{"cuont": 1}"#,
                "unknown field `cuont`; expected `count`, `context_matchers`; did you mean `count`?",
            ),
            (
                r#"{"nothing": 1}"#,
                "unknown field `nothing`; expected `count`",
            ),
            (r#"{"count": 1, "count": 1}"#, "duplicate field `count`"),
        ] {
            let message = release(body).unwrap_err();
            assert!(message.contains(part), "{body}: {message}");
        }
    }
}
