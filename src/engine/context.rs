//! What a call site says about a hit.

use std::collections::HashMap;
use std::fmt;
use std::fmt::Write;

use crate::engine::name::is_same;
use crate::error::Word;

/// The values that a call site gives with a hit: a tenant, an operation, a shard.
///
/// A failpoint whose configuration has matchers (see
/// [`configure_failpoint_with_context`](crate::configure_failpoint_with_context)) acts only on hits
/// whose context has every key, with a value that the matcher's regular expression matches as a
/// whole. [`failpoint_context!`](crate::failpoint_context) creates one in place.
///
/// ```
/// use neon_failpoint::FailpointContext;
///
/// let mut context = FailpointContext::from_iter([("tenant", "t-17")]);
/// context.insert("operation", "backup");
/// assert_eq!(context.get("tenant"), Some("t-17"));
/// assert_eq!(context.to_string(), r#"operation="backup", tenant="t-17""#);
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct FailpointContext {
    /// Sorted by key: a context has only a few values.
    values: Vec<(String, String)>,
}

/// Up to this many values a linear search is faster: most keys differ in length.
const FEW: usize = 8;

impl FailpointContext {
    /// Creates a context without values. It does not allocate.
    pub const fn new() -> Self {
        Self { values: Vec::new() }
    }

    /// Sets the value of `key` and returns the previous one.
    pub fn insert(&mut self, key: impl Into<String>, value: impl Into<String>) -> Option<String> {
        let (key, value) = (key.into(), value.into());
        match self.position(&key) {
            Ok(at) => Some(std::mem::replace(&mut self.values[at].1, value)),
            Err(at) => {
                self.values.insert(at, (key, value));
                None
            }
        }
    }

    /// Returns the value of `key`.
    #[inline]
    pub fn get(&self, key: &str) -> Option<&str> {
        if self.values.len() <= FEW {
            return self.iter().find(|(k, _)| is_same(k, key)).map(|(_, v)| v);
        }
        self.position(key).ok().map(|at| &*self.values[at].1)
    }

    /// Returns the pairs of key and value, sorted by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(k, v)| (k.as_str(), v.as_str()))
    }

    /// Writes it over `text`, for people, without what is too long to read or has no room there. It
    /// does not allocate.
    pub(super) fn write_over(&self, text: &mut String) {
        // For what is said of the rest.
        const RESERVE: usize = 32;
        text.clear();
        let most = text.capacity().saturating_sub(RESERVE);
        for (i, (key, value)) in self.iter().enumerate() {
            let before = text.len();
            let comma = if i == 0 { "" } else { ", " };
            let mut room = Room { text, most };
            if write!(room, "{comma}{}={}", Plain(key), Word(value)).is_ok() {
                continue;
            }
            let rest = match before {
                // Of the first as much as there is room for.
                0 => self.values.len() - 1,
                _ => {
                    text.truncate(before);
                    self.values.len() - i
                }
            };
            let most = text.capacity();
            if rest > 0 {
                // An error means that even for this there is no room.
                let _ = write!(Room { text, most }, " and {rest} more");
            }
            return;
        }
    }

    fn position(&self, key: &str) -> Result<usize, usize> {
        self.values.binary_search_by(|(k, _)| k.as_str().cmp(key))
    }
}

/// Formats a key without quotes, unless it is not what it looks like.
struct Plain<'a>(&'a str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_plain = |c: char| !c.is_control() && !matches!(c, '"' | '=' | ',');
        match self.0.len() <= Word::MOST && self.0.chars().all(is_plain) {
            true => f.write_str(self.0),
            false => Word(self.0).fmt(f),
        }
    }
}

/// A text that may grow to a length of `most`.
struct Room<'a> {
    text: &'a mut String,
    most: usize,
}

impl fmt::Write for Room<'_> {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let mut end = more.len().min(self.most.saturating_sub(self.text.len()));
        while !more.is_char_boundary(end) {
            end -= 1;
        }
        self.text.push_str(&more[..end]);
        if end < more.len() {
            Err(fmt::Error)
        } else {
            Ok(())
        }
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for FailpointContext {
    /// Of several pairs with the same key the last one counts.
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let mut context = Self::new();
        for (key, value) in pairs {
            context.insert(key, value);
        }
        context
    }
}

impl From<HashMap<String, String>> for FailpointContext {
    fn from(values: HashMap<String, String>) -> Self {
        values.into_iter().collect()
    }
}

impl fmt::Display for FailpointContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (key, value)) in self.iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            write!(f, "{comma}{key}={value:?}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for FailpointContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_the_room_that_it_has() {
        let long = "é\n".repeat(1000);
        let contexts = [
            FailpointContext::new(),
            FailpointContext::from_iter([("k", "v")]),
            FailpointContext::from_iter([(&*long, &*long)]),
            (0..100).map(|i| (format!("k{i:02}"), &*long)).collect(),
            (0..100).map(|i| (format!("k{i:02}"), "v")).collect(),
        ];
        for room in 0..600 {
            for context in &contexts {
                let mut text = String::with_capacity(room);
                let capacity = text.capacity();
                context.write_over(&mut text);
                assert_eq!(text.capacity(), capacity, "{text}");
            }
        }
        let mut text = String::with_capacity(200);
        contexts[4].write_over(&mut text);
        assert!(text.starts_with("k00=\"v\", k01=\"v\", "), "{text}");
        let shown = text.matches('=').count();
        assert!(
            text.ends_with(&format!("\" and {} more", 100 - shown)),
            "{text}"
        );
        contexts[1].write_over(&mut text);
        assert_eq!(text, "k=\"v\"");
        contexts[0].write_over(&mut text);
        assert_eq!(text, "");
    }
}
