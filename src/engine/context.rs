//! What a call site says about a hit.

use std::collections::HashMap;
use std::fmt;

use crate::engine::name::is_same;

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

    fn position(&self, key: &str) -> Result<usize, usize> {
        self.values.binary_search_by(|(k, _)| k.as_str().cmp(key))
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
