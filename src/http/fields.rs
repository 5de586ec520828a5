//! What a body says, as JSON: errors say where, in which entry and which field, what was found and what
//! would be right.

use std::collections::btree_map::{BTreeMap, Entry};
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::engine::name::distance;
use crate::error::Word;

pub(super) type Pairs = Vec<(String, String)>;

/// No type at all is taken as JSON; another one is most likely a form, by mistake.
pub(super) fn check_type(content_type: Option<&str>) -> Result<(), String> {
    match content_type {
        Some(content_type) if !is_json(content_type) => Err(format!(
            "the content type is {content_type:?}; expected application/json \
             (curl sends it with -H 'content-type: application/json')"
        )),
        _ => Ok(()),
    }
}

pub(super) fn is_json(content_type: &str) -> bool {
    let essence = essence(content_type);
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// Returns a media type without its parameters, in small letters.
pub(super) fn essence(media_type: &str) -> String {
    let essence = media_type.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

/// Returns a body as text.
pub(super) fn text(body: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(body).map_err(|e| {
        let position = e.valid_up_to();
        format!("the body is not UTF-8 at byte {position}; expected UTF-8 text")
    })
}

/// Reads a body that is one value of a shape.
pub(super) fn parse<'de, S: Shape<'de>>(body: &'de [u8], shape: S) -> Result<S::Value, String> {
    let text = text(body)?;
    if text.trim().is_empty() {
        return Err(format!("the body is empty; expected {}", S::EXPECTED));
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Any(shape).deserialize(&mut deserializer);
    let value = value.and_then(|value| deserializer.end().map(|()| value));
    value.map_err(|e| {
        let message = plain(&e);
        match message.rsplit_once(" at line ") {
            Some((message, place)) => format!("the body: {message} (line {place})"),
            None => format!("the body: {message}"),
        }
    })
}

/// What is wrong with text that is not JSON, in the words of serde_json and in ours.
const SYNTAX: &[(&str, &str)] = &[
    (
        "EOF while parsing a list",
        "it ends inside a list; expected `,` or `]`",
    ),
    (
        "EOF while parsing an object",
        "it ends inside an object; expected `,` or `}`",
    ),
    (
        "EOF while parsing a string",
        "it ends inside a text; expected the rest and `\"`",
    ),
    (
        "EOF while parsing a value",
        "it ends where a value was to come; expected one",
    ),
    (
        "expected ident",
        "an unknown word; expected JSON: a text is in double quotes",
    ),
    (
        "expected value",
        "an unknown word or sign; expected JSON: a text is in double quotes",
    ),
    ("expected `\"`", "no text; expected one in double quotes"),
    (
        "key must be a string",
        "the name of a field is no text; expected one in double quotes",
    ),
    (
        "trailing comma",
        "trailing comma; expected none before `]` or `}`",
    ),
    (
        "trailing characters",
        "trailing characters; expected nothing behind the value",
    ),
    (
        "invalid escape",
        "an unknown escape; expected one of JSON's, as \\\" or \\u0041",
    ),
    (
        "lone leading surrogate in hex escape",
        "half a surrogate pair; expected both halves",
    ),
    (
        "unexpected end of hex escape",
        "half a surrogate pair; expected both halves",
    ),
    (
        "invalid unicode code point",
        "no code point of Unicode; expected one",
    ),
    (
        "control character",
        "a control character in a text; expected it as an escape, as \\n",
    ),
    ("invalid number", "no number of JSON; expected one, as 250"),
    (
        "number out of range",
        "a number out of range; expected a smaller one",
    ),
    (
        "recursion limit exceeded",
        "too many lists or objects in each other; expected fewer",
    ),
];

/// Returns what `error` says, with its place, in words that need no knowledge of the parser.
fn plain(error: &impl fmt::Display) -> String {
    let message = error.to_string();
    let known = SYNTAX
        .iter()
        .find(|(begins, _)| message.starts_with(begins));
    match (known, message.rfind(" at line ")) {
        (Some((_, ours)), Some(place)) => format!("{ours}{}", &message[place..]),
        (Some((_, ours)), None) => (*ours).to_owned(),
        (None, _) => message,
    }
}

/// Puts `place` before what is wrong there. serde_json finds its position again at the end.
pub(super) fn within<E: Error>(place: impl fmt::Display, error: &E) -> E {
    E::custom(format_args!("{place}: {}", plain(error)))
}

/// What a value is to be. What a shape does not take is an error, which says what was found.
pub(super) trait Shape<'de>: Sized {
    type Value;

    /// What would be right.
    const EXPECTED: &'static str;

    fn null(self) -> Option<Self::Value> {
        None
    }

    fn text(self, _: &str) -> Option<Self::Value> {
        None
    }

    fn number(self, _: u64) -> Option<Self::Value> {
        None
    }

    fn list<A: SeqAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
        Err(wrong::<Self, _>("a list"))
    }

    fn object<A: MapAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
        Err(wrong::<Self, _>("an object"))
    }
}

/// The error for what was `found` where an `S` was to be.
fn wrong<'de, S: Shape<'de>, E: Error>(found: impl fmt::Display) -> E {
    E::custom(format_args!("found {found}; expected {}", S::EXPECTED))
}

/// Reads a value of any kind, and lets its shape say whether it is the right one.
pub(super) struct Any<S>(pub(super) S);

impl<'de, S: Shape<'de>> DeserializeSeed<'de> for Any<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, S: Shape<'de>> Visitor<'de> for Any<S> {
    type Value = S::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(S::EXPECTED)
    }

    fn visit_unit<E: Error>(self) -> Result<S::Value, E> {
        self.0.null().ok_or_else(|| wrong::<S, _>("null"))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<S::Value, E> {
        Err(wrong::<S, _>(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<S::Value, E> {
        let number = self.0.number(value);
        number.ok_or_else(|| wrong::<S, _>(format_args!("the number {value}")))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<S::Value, E> {
        Err(wrong::<S, _>(format_args!("the number {value}")))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<S::Value, E> {
        // With its point: 2.0 is not 2 here.
        Err(wrong::<S, _>(format_args!("the number {value:?}")))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<S::Value, E> {
        let text = self.0.text(value);
        text.ok_or_else(|| wrong::<S, _>(format_args!("the text {}", Word(value))))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<S::Value, A::Error> {
        self.0.list(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<S::Value, A::Error> {
        self.0.object(map)
    }
}

/// Takes the value of a field that may be there once.
pub(super) fn field<'de, A: MapAccess<'de>, S: Shape<'de>>(
    map: &mut A,
    name: &'static str,
    shape: S,
    value: &mut Option<S::Value>,
) -> Result<(), A::Error> {
    if value.is_some() {
        let message = format!("duplicate field `{name}`; expected it once");
        return Err(A::Error::custom(message));
    }
    let new = map.next_value_seed(Any(shape));
    *value = Some(new.map_err(|e| within(format_args!("the field `{name}`"), &e))?);
    Ok(())
}

/// The error for a field that nobody knows.
pub(super) fn unknown_field<E: Error>(key: &str, known: &[&str]) -> E {
    let listed: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    // Only a short one can be like one of them.
    let is_meant = |name: &&&str| {
        key.len() < 40 && (distance(key, name) <= 2 || key.len() > 2 && name.contains(key))
    };
    let meant = known.iter().find(is_meant);
    let meant = meant.map(|name| format!("; did you mean `{name}`?"));
    let key = match key.len() < 40 && !key.contains(char::is_control) {
        true => format!("`{key}`"),
        false => Word(key).to_string(),
    };
    E::custom(format_args!(
        "unknown field {key}; expected {}{}",
        listed.join(", "),
        meant.unwrap_or_default()
    ))
}

/// A text.
pub(super) struct Text;

impl Shape<'_> for Text {
    type Value = String;

    const EXPECTED: &'static str = "a text in double quotes";

    fn text(self, text: &str) -> Option<String> {
        Some(text.to_owned())
    }
}

/// Keys and regular expressions, as an object, or as a list of pairs, in which a key may
/// come again: then both must match.
pub(super) struct Matchers;

impl<'de> Shape<'de> for Matchers {
    type Value = Pairs;

    const EXPECTED: &'static str = "{\"key\": \"regex\", ..} or [[\"key\", \"regex\"], ..]";

    fn null(self) -> Option<Pairs> {
        Some(Pairs::default())
    }

    fn object<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
        let mut pairs = BTreeMap::<String, String>::new();
        while let Some(key) = map.next_key()? {
            match pairs.entry(key) {
                Entry::Occupied(place) => {
                    let message = format!(
                        "the key {} is there twice; expected it once, or a list of pairs",
                        Word(place.key())
                    );
                    return Err(A::Error::custom(message));
                }
                Entry::Vacant(place) => {
                    let regex = map
                        .next_value_seed(Any(Text))
                        .map_err(|e| within(format_args!("key {}", Word(place.key())), &e))?;
                    place.insert(regex);
                }
            }
        }
        Ok(pairs.into_iter().collect())
    }

    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<Pairs, A::Error> {
        let mut pairs = Pairs::new();
        loop {
            let pair = list.next_element_seed(Any(Pair));
            match pair.map_err(|e| within(format_args!("pair {}", pairs.len() + 1), &e))? {
                Some(pair) => pairs.push(pair),
                None => return Ok(pairs),
            }
        }
    }
}

/// A key and a regular expression.
struct Pair;

impl<'de> Shape<'de> for Pair {
    type Value = (String, String);

    const EXPECTED: &'static str = "[\"key\", \"regex\"]";

    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let short = |n| wrong::<Self, _>(format_args!("a list of {n}"));
        let key = list
            .next_element_seed(Any(Text))?
            .ok_or_else(|| short("nothing"))?;
        let regex = list
            .next_element_seed(Any(Text))?
            .ok_or_else(|| short("one"))?;
        match list.next_element::<serde::de::IgnoredAny>()? {
            None => Ok((key, regex)),
            Some(_) => Err(short("more than two")),
        }
    }
}
