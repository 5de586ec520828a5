//! The failpoints that a request configures, all or none.

use std::fmt;
use std::time::Duration;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::control::config::FailpointConfig;
use crate::error::Word;
use crate::http::fields::{
    Any, Matchers, Shape, Text, check_type, field, parse, unknown_field, within,
};
use crate::http::message::{BODY_LIMIT, Request};
use crate::http::ttl::{self, Ttl};

/// A failpoint to configure.
#[derive(Debug, PartialEq)]
pub(super) struct Item {
    pub(super) config: FailpointConfig,
    /// How long it may stay.
    pub(super) ttl: Option<Duration>,
}

/// The failpoints that `request` configures.
pub(super) fn batch(request: &Request<'_>) -> Result<Vec<Item>, String> {
    check_type(request.content_type)?;
    parse(request.body, Batch { body: request.body })
}

/// The list of a POST, read from `body`.
struct Batch<'a> {
    body: &'a [u8],
}

impl<'de> Shape<'de> for Batch<'_> {
    type Value = Vec<Item>;

    const EXPECTED: &'static str = "a list of {\"name\": .., \"actions\": ..}";

    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut batch = Vec::new();
        let mut left = BODY_LIMIT;
        while let Some(entry) = list.next_element_seed(Numbered {
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
struct Numbered<'a> {
    number: usize,
    body: &'a [u8],
    /// How many bytes of matchers, written out, this entry and those behind it may have.
    left: &'a mut usize,
}

impl<'de> DeserializeSeed<'de> for Numbered<'_> {
    type Value = Item;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        let Self { number, body, left } = self;
        Any(Entry { left }).deserialize(deserializer).map_err(|e| {
            let name = name_in(body, number);
            let name = name.map(|name| format!(": failpoint {}", Word(&name)));
            let name = name.unwrap_or_default();
            within(format_args!("entry {number} of the batch{name}"), &e)
        })
    }
}

struct Entry<'a> {
    left: &'a mut usize,
}

const ENTRY_FIELDS: &[&str] = &["name", "actions", "context_matchers", ttl::NAME];

impl<'de> Shape<'de> for Entry<'_> {
    type Value = Item;

    const EXPECTED: &'static str = "{\"name\": .., \"actions\": ..}";

    fn object<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut name, mut actions) = (None, None);
        let (mut matchers, mut ttl) = (None, None);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "name" => field(&mut map, "name", Text, &mut name)?,
                "actions" => field(&mut map, "actions", Text, &mut actions)?,
                "context_matchers" => {
                    field(&mut map, "context_matchers", Matchers, &mut matchers)?;
                }
                ttl::NAME => field(&mut map, ttl::NAME, Ttl, &mut ttl)?,
                _ => return Err(unknown_field(&key, ENTRY_FIELDS)),
            }
        }
        let missing = |name| {
            let expected = Self::EXPECTED;
            A::Error::custom(format_args!("missing field `{name}`; expected {expected}"))
        };
        let name = name.ok_or_else(|| missing("name"))?;
        let actions = actions.ok_or_else(|| missing("actions"))?;
        let matchers = matchers.unwrap_or_default();
        match self.left.checked_sub(written_out(&actions, &matchers)) {
            Some(left) => *self.left = left,
            None => {
                return Err(A::Error::custom(format_args!(
                    "the matchers of the batch, which stand before each alternative, have more \
                     than {BODY_LIMIT} bytes there; expected fewer matchers or alternatives"
                )));
            }
        }
        Ok(Item {
            config: FailpointConfig::from((name, actions, matchers)),
            ttl: ttl.flatten(),
        })
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
        let items = batch(&Request::new("POST", "/v1/failpoints").body(body.as_bytes()))?;
        assert!(items.iter().all(|item| item.ttl.is_none()), "{body}");
        Ok(items.into_iter().map(|item| item.config).collect())
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
            ("", &["the body is empty; expected a list of {"][..]),
            (" \n", &["the body is empty; expected a list of {"]),
            ("null", &["found null; expected a list of"]),
            ("true", &["found true; expected a list of"]),
            (r#""off""#, &["found the text \"off\"; expected a list of"]),
            (
                r#"{"name": "a", "actions": "off"}"#,
                &["found an object; expected a list of {"],
            ),
            (
                "[1]",
                &[
                    "entry 1 of the batch",
                    "found the number 1; expected {\"name\"",
                    "line 1 column 2",
                ],
            ),
            (
                "[[\"a\", \"off\"]]",
                &["entry 1 of the batch", "found a list; expected {\"name\""],
            ),
            (
                "[{}]",
                &["entry 1 of the batch", "missing field `name`; expected {"],
            ),
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
                    "found the number 3; expected a text",
                    "line 2 column 12",
                ],
            ),
            (
                r#"[{"name": null, "actions": "off"}]"#,
                &["entry 1", "field `name`", "found null; expected a text"],
            ),
            (
                r#"[{"name": "a", "action": "off"}]"#,
                &[
                    "entry 1",
                    "unknown field `action`; expected `name`, `actions`, ",
                    "did you mean `actions`?",
                    "line 1 column",
                ],
            ),
            (
                r#"[{"name": "a", "act\nions": "off"}]"#,
                &[r#"unknown field "act\nions"; expected `name`"#],
            ),
            (
                r#"[{"name": "a", "actions": "off", "ttl": 5}]"#,
                &["unknown field `ttl`", "did you mean `ttl_ms`?"],
            ),
            (
                r#"[{"name": "a", "actions": "off", "matchers": {}}]"#,
                &[
                    "unknown field `matchers`",
                    "did you mean `context_matchers`?",
                ],
            ),
            (
                r#"[{"name": "a", "name": "b", "actions": "off"}]"#,
                &["entry 1", "duplicate field `name`; expected it once"],
            ),
            (
                r#"[{"name": "a", "actions": "off", "context_matchers": "k=v"}]"#,
                &[
                    "entry 1",
                    "failpoint \"a\"",
                    "field `context_matchers`",
                    "found the text \"k=v\"; expected {\"key\": \"regex\"",
                ],
            ),
            (
                r#"[{"name": "a", "actions": "off", "context_matchers": {"k": 1}}]"#,
                &[
                    "field `context_matchers`: key \"k\"",
                    "found the number 1; expected a text",
                ],
            ),
            (
                r#"[{"name": "a", "actions": "off", "context_matchers": {"k": "v", "k": "w"}}]"#,
                &["key \"k\" is there twice"],
            ),
            (
                r#"[{"name": "a", "actions": "off", "context_matchers": [["k"]]}]"#,
                &["field `context_matchers`: pair 1: found a list of one; expected [\"key\""],
            ),
            (
                r#"[{"name": "a", "actions": "off", "context_matchers": [["k", "v", "w"]]}]"#,
                &["field `context_matchers`: pair 1: found a list of more than two; expected"],
            ),
            (
                r#"[{"name": "a", "actions": "off", "context_matchers": [["k", "v"], []]}]"#,
                &["field `context_matchers`: pair 2: found a list of nothing; expected"],
            ),
            (
                r#"[{"name": "a", "actions": "off", "context_matchers": [["k", null]]}]"#,
                &["field `context_matchers`: pair 1: found null; expected a text"],
            ),
            (
                r#"[{"name": "a", "actions": "off", "context_matchers": ["k"]}]"#,
                &["field `context_matchers`: pair 1: found the text \"k\"; expected"],
            ),
            (
                r#"[{"name": "a", "actions": "off", "context_matchers": 1.5}]"#,
                &["field `context_matchers`: found the number 1.5; expected"],
            ),
            (
                r#"[{"name": "a", "actions": {"pause": null}}]"#,
                &["field `actions`: found an object; expected a text"],
            ),
            (r#"[{"name": "a", "actions": "off"},]"#, &["trailing comma"]),
            (
                r#"[{"name": "a", "actions": "off"}"#,
                &["it ends inside a list; expected `,` or `]`"],
            ),
            (
                r#"[{"name": "a", "actions": "of"#,
                &["field `actions`: it ends inside a text", "line 1 column"],
            ),
            (
                r#"[{"name": "a", "#,
                &["entry 1", "failpoint \"a\"", "it ends where a value"],
            ),
            (r#"[{"name" "a"}]"#, &["entry 1", "expected `:`"]),
            (
                r#"[{name: "a"}]"#,
                &["entry 1", "name of a field is no text"],
            ),
            (
                r#"[{"name": 'a'}]"#,
                &["field `name`: an unknown word or sign"],
            ),
            (r#"[{"name": nil}]"#, &["field `name`: an unknown word"]),
            (
                r#"[{"name": 1e999}]"#,
                &["field `name`: a number out of range"],
            ),
            (r#"[{"name": "\x"}]"#, &["field `name`: an unknown escape"]),
            (
                "[{\"name\": \"\t\"}]",
                &["field `name`: a control character"],
            ),
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
        for deep in ["[".repeat(100_000), r#"[{"name":"#.repeat(10_000)] {
            let message = post(&deep).unwrap_err();
            assert!(message.contains("; expected "), "{message}");
        }
        let bytes = Request::new("POST", "/v1/failpoints").body(b"[{\"name\": \"\xff\"}]");
        let message = batch(&bytes).unwrap_err();
        assert_eq!(
            message,
            "the body is not UTF-8 at byte 11; expected UTF-8 text"
        );
    }

    /// Whatever is put into the place of each value, and wherever the body is cut off, serde's own words
    /// are not to be seen, and what would be right is.
    #[test]
    fn every_error_says_what_was_expected_in_words_of_our_own() {
        let whole = r#"[{"name": "a", "actions": "off", "context_matchers": {"k": "v"}, "ttl_ms": 9},
                        {"name": "b", "actions": "off", "context_matchers": [["k", "v"]]}]"#;
        assert!(batch(&Request::new("POST", "").body(whole.as_bytes())).is_ok());
        let values = [
            "null",
            "true",
            "0",
            "-1",
            "1.5",
            "1e30",
            r#""x""#,
            "[]",
            "{}",
            "[[]]",
            r#"{"x": 1}"#,
            "nil",
            "'x'",
            "\u{feff}",
            "",
            "@",
        ];
        let places = [
            whole,
            r#""a""#,
            r#""off""#,
            r#"{"k": "v"}"#,
            r#""v""#,
            "9",
            r#"[["k", "v"]]"#,
            r#"["k", "v"]"#,
            r#""name""#,
            r#""k""#,
        ];
        let mut bodies: Vec<String> = (0..whole.len())
            .map(|end| whole[..end].to_owned())
            .collect();
        for place in places {
            bodies.extend(values.map(|value| whole.replacen(place, value, 1)));
            bodies.push(whole.replacen(place, &format!("{place} {place}"), 1));
            bodies.push(whole.replacen(place, &format!("{place}: {place}"), 1));
        }
        let mut refused = 0;
        for body in bodies {
            let Err(message) = batch(&Request::new("POST", "").body(body.as_bytes())) else {
                continue;
            };
            refused += 1;
            assert!(message.starts_with("the body"), "{body}: {message}");
            assert!(message.contains("expected "), "{body}: {message}");
            for word in [
                "invalid",
                "EOF",
                "usize",
                "u64",
                "sequence",
                "map,",
                "integer",
                "floating",
                "unit",
                "string",
                "boolean",
                "ident",
                "while parsing",
                " at line ",
            ] {
                assert!(!message.contains(word), "{word:?} for {body}: {message}");
            }
        }
        assert!(refused > whole.len(), "{refused}");
    }

    #[test]
    fn an_entry_may_say_how_long_it_stays() {
        let ttl = |value: &str| {
            let body = format!(r#"[{{"ttl_ms": {value}, "name": "a", "actions": "off"}}]"#);
            let items = batch(&Request::new("POST", "").body(body.as_bytes()))?;
            Ok::<_, String>(items[0].ttl)
        };
        assert_eq!(ttl("null"), Ok(None));
        for millis in [1, 250, 604_800_000] {
            assert_eq!(
                ttl(&millis.to_string()),
                Ok(Some(Duration::from_millis(millis)))
            );
        }
        for bad in [
            "0",
            "-1",
            "-0",
            "1.5",
            "2.0",
            "604800001",
            "18446744073709551615",
            "1e30",
            "\"5\"",
            "true",
            "[1]",
            "{}",
        ] {
            let message = ttl(bad).unwrap_err();
            assert!(
                message.contains("failpoint \"a\": the field `ttl_ms`: found ")
                    && message.contains("; expected a whole number of milliseconds from 1 to "),
                "{bad}: {message}"
            );
        }
        let twice = r#"[{"ttl_ms": null, "ttl_ms": 1}]"#;
        let message = batch(&Request::new("POST", "").body(twice.as_bytes())).unwrap_err();
        assert!(message.contains("duplicate field `ttl_ms`"), "{message}");
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
