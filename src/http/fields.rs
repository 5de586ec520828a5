//! What a body says, as JSON: errors say where, in which entry and which field.

use std::collections::btree_map::{BTreeMap, Entry};
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

pub(super) type Pairs = Vec<(String, String)>;

/// No type at all is taken as JSON; another one is most likely a form, by mistake.
pub(super) fn check_type(content_type: Option<&str>) -> Result<(), String> {
    let Some(content_type) = content_type else {
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

pub(super) type Json<'a> = serde_json::Deserializer<serde_json::de::SliceRead<'a>>;

pub(super) fn parse<'a, T>(
    body: &'a [u8],
    read: impl FnOnce(&mut Json<'a>) -> serde_json::Result<T>,
) -> Result<T, String> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = read(&mut deserializer);
    let value = value.and_then(|value| deserializer.end().map(|()| value));
    value.map_err(|e| format!("the body: {e}"))
}

/// Takes the value of a field that may be there once.
pub(super) fn field<'de, A: MapAccess<'de>, T: Deserialize<'de>>(
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

/// Keys and regular expressions, as an object, or as a list of pairs, in which a key may
/// come again: then both must match.
#[derive(Default)]
pub(super) struct Matchers(pub(super) Pairs);

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
        let mut pairs = BTreeMap::<String, String>::new();
        while let Some(key) = map.next_key()? {
            match pairs.entry(key) {
                Entry::Occupied(place) => {
                    let message = format!("the key {:?} is there twice", place.key());
                    return Err(A::Error::custom(message));
                }
                Entry::Vacant(place) => {
                    let regex = map.next_value().map_err(|e| {
                        A::Error::custom(format_args!("key {:?}: {e}", place.key()))
                    })?;
                    place.insert(regex);
                }
            }
        }
        Ok(Matchers(pairs.into_iter().collect()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Matchers, A::Error> {
        let mut pairs = Pairs::new();
        while let Some(pair) = list.next_element()? {
            pairs.push(pair);
        }
        Ok(Matchers(pairs))
    }
}
