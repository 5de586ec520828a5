//! JSON to configurations and releases: errors say where, in which entry and which field.

use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor,
};

use super::message::Request;
use crate::FailpointConfig;

type Pairs = Vec<(String, String)>;

/// What a release asks for.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Selection {
    pub(super) count: Option<usize>,
    pub(super) matchers: Pairs,
}

/// The failpoints that `request` configures.
pub(super) fn batch(request: &Request<'_>) -> Result<Vec<FailpointConfig>, String> {
    check_type(request)?;
    let read = |deserializer: &mut _| Deserializer::deserialize_seq(deserializer, Batch);
    parse(request.body, read)
}

/// Who is let go; without a body everybody.
pub(super) fn selection(request: &Request<'_>) -> Result<Selection, String> {
    if request.body.is_empty() {
        return Ok(Selection::default());
    }
    check_type(request)?;
    let read = |deserializer: &mut _| Deserializer::deserialize_map(deserializer, Release);
    parse(request.body, read)
}

/// No type at all is taken as JSON; another one is most likely a form, by mistake.
fn check_type(request: &Request<'_>) -> Result<(), String> {
    let Some(content_type) = request.content_type else {
        return Ok(());
    };
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let essence = essence.to_ascii_lowercase();
    if essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
    {
        return Ok(());
    }
    Err(format!(
        "the content type is {content_type:?}; expected application/json \
         (curl sends it with -H 'content-type: application/json')"
    ))
}

type Json<'a> = serde_json::Deserializer<serde_json::de::SliceRead<'a>>;

fn parse<'a, T>(
    body: &'a [u8],
    read: impl FnOnce(&mut Json<'a>) -> serde_json::Result<T>,
) -> Result<T, String> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = read(&mut deserializer);
    let value = value.and_then(|value| deserializer.end().map(|()| value));
    value.map_err(|e| format!("the body: {e}"))
}

/// The list of a POST.
struct Batch;

impl<'de> Visitor<'de> for Batch {
    type Value = Vec<FailpointConfig>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of {\"name\": .., \"actions\": ..}")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut batch = Vec::new();
        while let Some(entry) = list.next_element_seed(Entry(batch.len() + 1))? {
            batch.push(entry);
        }
        Ok(batch)
    }
}

/// One entry of it, of that number.
struct Entry(usize);

impl<'de> DeserializeSeed<'de> for Entry {
    type Value = FailpointConfig;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        let number = self.0;
        let entry = deserializer.deserialize_map(self);
        // serde_json finds the position again at the end of the text.
        entry.map_err(|e| D::Error::custom(format_args!("entry {number} of the batch: {e}")))
    }
}

const ENTRY_FIELDS: &[&str] = &["name", "actions", "context_matchers"];

impl<'de> Visitor<'de> for Entry {
    type Value = FailpointConfig;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{\"name\": .., \"actions\": ..}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut name: Option<String> = None;
        let mut actions: Option<String> = None;
        let mut matchers: Option<Matchers> = None;
        while let Some(key) = map.next_key::<String>()? {
            let entry = match &name {
                Some(name) => format!("failpoint {name:?}: "),
                None => String::new(),
            };
            let value = match key.as_str() {
                "name" => field(&mut map, "name", &mut name),
                "actions" => field(&mut map, "actions", &mut actions),
                "context_matchers" => field(&mut map, "context_matchers", &mut matchers),
                _ => Err(A::Error::unknown_field(&key, ENTRY_FIELDS)),
            };
            value.map_err(|e| A::Error::custom(format_args!("{entry}{e}")))?;
        }
        let name = name.ok_or_else(|| A::Error::missing_field("name"))?;
        let actions = actions.ok_or_else(|| {
            A::Error::custom(format_args!("failpoint {name:?}: missing field `actions`"))
        })?;
        let matchers = matchers.unwrap_or_default().0;
        Ok(FailpointConfig::from((name, actions, matchers)))
    }
}

/// Takes the value of a field that may be there once.
fn field<'de, A: MapAccess<'de>, T: Deserialize<'de>>(
    map: &mut A,
    name: &'static str,
    value: &mut Option<T>,
) -> Result<(), A::Error> {
    if value.is_some() {
        return Err(A::Error::duplicate_field(name));
    }
    let new = map.next_value();
    *value = Some(new.map_err(|e| A::Error::custom(format_args!("the field `{name}`: {e}")))?);
    Ok(())
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

/// Keys and regular expressions, as an object, or as a list of pairs, in which a key may
/// come again: then both must match.
#[derive(Default)]
struct Matchers(Pairs);

impl<'de> Deserialize<'de> for Matchers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyMatchers)
    }
}

struct AnyMatchers;

impl<'de> Visitor<'de> for AnyMatchers {
    type Value = Matchers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{\"key\": \"regex\", ..} or [[\"key\", \"regex\"], ..]")
    }

    fn visit_unit<E>(self) -> Result<Matchers, E> {
        Ok(Matchers::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Matchers, A::Error> {
        let mut pairs = Pairs::new();
        while let Some(key) = map.next_key::<String>()? {
            if pairs.iter().any(|(other, _)| *other == key) {
                let message = format!("the key {key:?} is there twice");
                return Err(A::Error::custom(message));
            }
            let regex = map.next_value();
            let regex = regex.map_err(|e| A::Error::custom(format_args!("key {key:?}: {e}")))?;
            pairs.push((key, regex));
        }
        Ok(Matchers(pairs))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Matchers, A::Error> {
        let mut pairs = Pairs::new();
        while let Some(pair) = list.next_element()? {
            pairs.push(pair);
        }
        Ok(Matchers(pairs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(body: &str) -> Result<Vec<FailpointConfig>, String> {
        batch(&Request::new("POST", "/v1/failpoints").body(body.as_bytes()))
    }

    fn release(body: &str) -> Result<Selection, String> {
        selection(&Request::new("POST", "/v1/failpoints/a/release").body(body.as_bytes()))
    }

    #[test]
    fn a_batch_is_a_list_of_entries() {
        assert_eq!(post("[]"), Ok(Vec::new()));
        let plain = FailpointConfig::from(("a", "off"));
        for body in [
            r#"[{"name": "a", "actions": "off"}]"#,
            r#" [ {"actions": "off", "name": "a"} ] "#,
            r#"[{"name": "a", "actions": "off", "context_matchers": null}]"#,
            r#"[{"name": "a", "actions": "off", "context_matchers": {}}]"#,
            r#"[{"name": "a", "actions": "off", "context_matchers": []}]"#,
            r#"[{"na\u006de": "\u0061", "actions": "off"}]"#,
        ] {
            assert_eq!(post(body), Ok(vec![plain.clone()]), "{body}");
        }
        let matching = FailpointConfig::from(("a", "off", [("k", "v"), ("l", "w")]));
        for body in [
            r#"[{"name": "a", "actions": "off", "context_matchers": {"k": "v", "l": "w"}}]"#,
            r#"[{"name": "a", "actions": "off", "context_matchers": [["k", "v"], ["l", "w"]]}]"#,
        ] {
            assert_eq!(post(body), Ok(vec![matching.clone()]), "{body}");
        }
    }

    #[test]
    fn a_batch_of_another_shape_is_refused_where_it_differs() {
        for (body, parts) in [
            ("", &["EOF", "line 1 column 0"][..]),
            ("null", &["expected a list of"]),
            (
                r#"{"name": "a", "actions": "off"}"#,
                &["map, expected a list"],
            ),
            (
                "[1]",
                &["entry 1 of the batch", "integer `1`", "line 1 column 2"],
            ),
            ("[[\"a\", \"off\"]]", &["entry 1 of the batch", "sequence"]),
            ("[{}]", &["entry 1 of the batch", "missing field `name`"]),
            (
                r#"[{"name": "a", "actions": "off"}, {"name": "b"}]"#,
                &[
                    "entry 2 of the batch",
                    "failpoint \"b\"",
                    "missing field `actions`",
                ],
            ),
            (
                "[{\"name\": \"a\",\n\"actions\": 3}]",
                &[
                    "failpoint \"a\"",
                    "field `actions`",
                    "integer `3`",
                    "line 2 column 12",
                ],
            ),
            (
                r#"[{"name": null, "actions": "off"}]"#,
                &["entry 1", "field `name`", "null"],
            ),
            (
                r#"[{"name": "a", "action": "off"}]"#,
                &[
                    "entry 1",
                    "unknown field `action`",
                    "`actions`",
                    "line 1 column",
                ],
            ),
            (
                r#"[{"name": "a", "name": "b", "actions": "off"}]"#,
                &["entry 1", "duplicate field `name`"],
            ),
            (
                r#"[{"name": "a", "actions": "off", "context_matchers": "k=v"}]"#,
                &[
                    "entry 1",
                    "failpoint \"a\"",
                    "field `context_matchers`",
                    "{\"key\": \"regex\"",
                ],
            ),
            (
                r#"[{"name": "a", "actions": "off", "context_matchers": {"k": 1}}]"#,
                &["field `context_matchers`: key \"k\"", "integer `1`"],
            ),
            (
                r#"[{"name": "a", "actions": "off", "context_matchers": {"k": "v", "k": "w"}}]"#,
                &["key \"k\" is there twice"],
            ),
            (
                r#"[{"name": "a", "actions": "off", "context_matchers": [["k"]]}]"#,
                &["field `context_matchers`", "length 1"],
            ),
            (
                r#"[{"name": "a", "actions": "off", "context_matchers": [["k", "v", "w"]]}]"#,
                &["field `context_matchers`"],
            ),
            (r#"[{"name": "a", "actions": "off"},]"#, &["trailing comma"]),
            (r#"[{"name": "a", "actions": "off"}"#, &["EOF"]),
            ("[] []", &["trailing characters", "line 1 column 4"]),
            (
                r#"[{"name": "\ud800", "actions": "off"}]"#,
                &["entry 1", "field `name`"],
            ),
        ] {
            let message = post(body).unwrap_err();
            for part in parts {
                assert!(message.contains(part), "no {part} for {body}: {message}");
            }
            // The position is said once.
            assert!(
                message.matches(" at line ").count() <= 1,
                "{body}: {message}"
            );
        }
        let deep = "[".repeat(100_000);
        assert!(post(&deep).is_err());
        let bytes = Request::new("POST", "/v1/failpoints").body(b"[{\"name\": \"\xff\"}]");
        assert!(batch(&bytes).is_err());
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

    #[test]
    fn a_body_is_json_whatever_json_is_called() {
        let with = |content_type| {
            batch(
                &Request::new("POST", "")
                    .content_type(content_type)
                    .body(b"[]"),
            )
        };
        for good in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/merge-patch+json",
        ] {
            assert_eq!(with(good), Ok(Vec::new()), "{good}");
        }
        for bad in [
            "",
            "text/plain",
            "application/x-www-form-urlencoded",
            "text/json",
        ] {
            let message = with(bad).unwrap_err();
            assert!(message.contains(&format!("{bad:?}; expected application/json")));
        }
    }
}
