//! The failpoints that a request configures, all or none.

use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

use crate::control::config::FailpointConfig;
use crate::http::fields::{Matchers, check_type, field, parse};
use crate::http::message::{BODY_LIMIT, Request};

/// The failpoints that `request` configures.
pub(super) fn batch(request: &Request<'_>) -> Result<Vec<FailpointConfig>, String> {
    check_type(request.content_type)?;
    let batch = Batch { body: request.body };
    parse(request.body, |json| {
        Deserializer::deserialize_seq(json, batch)
    })
}

/// The list of a POST, read from `body`.
struct Batch<'a> {
    body: &'a [u8],
}

impl<'de> Visitor<'de> for Batch<'_> {
    type Value = Vec<FailpointConfig>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of {\"name\": .., \"actions\": ..}")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut batch = Vec::new();
        let mut left = BODY_LIMIT;
        while let Some(entry) = list.next_element_seed(Entry {
            number: batch.len() + 1,
            body: self.body,
            left: &mut left,
        })? {
            batch.push(entry);
        }
        Ok(batch)
    }
}

/// One entry of it, of that number.
struct Entry<'a> {
    number: usize,
    body: &'a [u8],
    /// How many bytes of matchers, written out, this entry and those behind it may have.
    left: &'a mut usize,
}

impl<'de> DeserializeSeed<'de> for Entry<'_> {
    type Value = FailpointConfig;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        let Self { number, body, .. } = self;
        deserializer.deserialize_map(self).map_err(|e| {
            let name = name_in(body, number);
            let name = name.map(|name| format!("failpoint {name:?}: "));
            let name = name.unwrap_or_default();
            // serde_json finds the position again at the end of the text.
            D::Error::custom(format_args!("entry {number} of the batch: {name}{e}"))
        })
    }
}

const ENTRY_FIELDS: &[&str] = &["name", "actions", "context_matchers"];

impl<'de> Visitor<'de> for Entry<'_> {
    type Value = FailpointConfig;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{\"name\": .., \"actions\": ..}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut name: Option<String> = None;
        let mut actions: Option<String> = None;
        let mut matchers: Option<Matchers> = None;
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "name" => field(&mut map, "name", &mut name)?,
                "actions" => field(&mut map, "actions", &mut actions)?,
                "context_matchers" => field(&mut map, "context_matchers", &mut matchers)?,
                _ => return Err(A::Error::unknown_field(&key, ENTRY_FIELDS)),
            }
        }
        let name = name.ok_or_else(|| A::Error::missing_field("name"))?;
        let actions = actions.ok_or_else(|| A::Error::missing_field("actions"))?;
        let matchers = matchers.unwrap_or_default().0;
        match self.left.checked_sub(written_out(&actions, &matchers)) {
            Some(left) => *self.left = left,
            None => {
                return Err(A::Error::custom(format_args!(
                    "the matchers of the batch, which stand before each alternative, have more \
                     than {BODY_LIMIT} bytes there; expected fewer matchers or alternatives"
                )));
            }
        }
        Ok(FailpointConfig::from((name, actions, matchers)))
    }
}

/// How many bytes `matchers` have once they stand before each alternative of `actions`, or
/// more: each `->` counts. The product of two long lists would fill the memory.
fn written_out(actions: &str, matchers: &[(String, String)]) -> usize {
    let alternatives = 1 + actions.matches("->").count();
    let once: usize = matchers.iter().map(|(k, v)| k.len() + v.len()).sum();
    once.saturating_mul(alternatives)
}

/// The name that the entry of that number has, if it can be read: it may stand behind what is
/// wrong.
fn name_in(body: &[u8], number: usize) -> Option<String> {
    let mut name = None;
    let names = Name {
        number,
        name: &mut name,
    };
    // What is wrong is known already.
    let _ = serde_json::Deserializer::from_slice(body).deserialize_seq(names);
    name
}

/// Puts the name of the entry of that number into `name`.
struct Name<'a> {
    number: usize,
    name: &'a mut Option<String>,
}

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Name<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a batch")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        for _ in 1..self.number {
            list.next_element::<IgnoredAny>()?;
        }
        list.next_element_seed(self).map(|_| ())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if key == "name" {
                *self.name = Some(map.next_value()?);
                break;
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(body: &str) -> Result<Vec<FailpointConfig>, String> {
        batch(&Request::new("POST", "/v1/failpoints").body(body.as_bytes()))
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
    fn the_name_is_said_wherever_it_stands() {
        for entry in [
            r#"{"actions": 5, "name": "b"}"#,
            r#"{"actions": ["off"], "name": "b"}"#,
            r#"{"action": "off", "name": "b"}"#,
            r#"{"actions": "off", "context_matchers": {"k": 1}, "name": "b"}"#,
            r#"{"context_matchers": [[[{"name": "c"}]]], "name": "b", "actions": "off"}"#,
            r#"{"name": "b", "actions": off}"#,
            r#"{"name": "b", "actions": "off"#,
        ] {
            let body = format!(r#"[{{"name": "a", "actions": "off"}}, {entry}]"#);
            let message = post(&body).unwrap_err();
            let start = "the body: entry 2 of the batch: failpoint \"b\": ";
            assert!(message.starts_with(start), "{entry}: {message}");
        }
        for entry in ["5", "{}", r#"{"actions": "off"}"#, r#"{"name": 5}"#] {
            let message = post(&format!("[{entry}]")).unwrap_err();
            assert!(!message.contains("failpoint"), "{entry}: {message}");
        }
    }

    #[test]
    fn a_short_body_does_not_become_a_long_list() {
        let entry = |alternatives: usize, regex: usize| {
            let actions = vec!["off"; alternatives].join("->");
            let regex = "x".repeat(regex);
            format!(
                r#"{{"name": "a", "actions": "{actions}", "context_matchers": {{"k": "{regex}"}}}}"#
            )
        };
        // Each line has 1 MiB of matchers, or a byte and an alternative more.
        for (good, bad) in [
            (vec![entry(1024, 1023)], vec![entry(1025, 1023)]),
            (vec![entry(1, (1 << 20) - 1)], vec![entry(1, 1 << 20)]),
            (
                vec![entry(512, 1023), entry(512, 1023)],
                vec![entry(512, 1023), entry(1, 3), entry(512, 1023)],
            ),
        ] {
            let [good, bad] = [good, bad].map(|entries| post(&format!("[{}]", entries.join(","))));
            assert!(good.is_ok());
            let message = bad.unwrap_err();
            assert!(
                message.contains("failpoint \"a\": the matchers of the batch"),
                "{message}"
            );
        }
        // Without matchers there may be as many alternatives as the body has.
        assert!(
            post(&format!(
                "[{}]",
                entry(100_000, 0).replace("\"k\": \"\"", "")
            ))
            .is_ok()
        );
    }

    #[test]
    fn many_keys_are_read_at_once() {
        // Were each compared with all before it, this would take a quarter of an hour.
        let keys: String = (0..500_000).map(|n| format!("\"{n:06}\":\"\",")).collect();
        let body = |last| {
            format!(r#"[{{"name": "a", "actions": "off", "context_matchers": {{{keys}{last}}}}}]"#)
        };
        let message = post(&body(r#""499999": """#)).unwrap_err();
        assert!(
            message.contains("the key \"499999\" is there twice"),
            "{message}"
        );
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
