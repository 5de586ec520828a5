//! What a call site says about a hit, and what a configuration demands of it.

use std::collections::HashMap;
use std::fmt;

use crate::error::Problem;
use crate::name::is_same;

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

/// One condition on a context: the value of `key` matches `regex` as a whole.
#[derive(Clone, Debug)]
pub(crate) struct Matcher {
    key: String,
    regex: String,
    #[cfg(feature = "context")]
    whole: regex::Regex,
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        (&self.key, &self.regex) == (&other.key, &other.regex)
    }
}

impl Matcher {
    /// Compiles `regex`. A bad one is refused here, so that a hit never sees it.
    #[cfg(feature = "context")]
    pub(crate) fn new(key: String, regex: String) -> Result<Self, Problem> {
        check_key(&key)?;
        match whole_value(&regex) {
            Ok((grouped, whole)) => {
                // In quotes, a backslash at the end would escape the quote.
                let regex = if regex.ends_with('\\') {
                    grouped
                } else {
                    regex
                };
                Ok(Self { key, regex, whole })
            }
            Err(reason) => {
                // The parser's own text shows the pattern over several lines.
                let reason = reason.to_string();
                let reason = reason.lines().last().unwrap_or_default();
                let reason = reason.trim_start_matches("error: ").to_owned();
                Err(Problem::Regex { key, regex, reason })
            }
        }
    }

    #[cfg(not(feature = "context"))]
    pub(crate) fn new(key: String, _regex: String) -> Result<Self, Problem> {
        check_key(&key)?;
        Err(Problem::Feature {
            what: "a context matcher",
            feature: "context",
        })
    }

    pub(crate) fn pair(&self) -> (String, String) {
        (self.key.clone(), self.regex.clone())
    }

    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    #[cfg(feature = "context")]
    #[inline]
    pub(crate) fn matches(&self, context: &FailpointContext) -> bool {
        context
            .get(&self.key)
            .is_some_and(|v| self.whole.is_match(v))
    }

    #[cfg(not(feature = "context"))]
    pub(crate) fn matches(&self, _context: &FailpointContext) -> bool {
        // No matcher can be created without the feature.
        false
    }
}

/// Refuses a key that no text could express.
fn check_key(key: &str) -> Result<(), Problem> {
    let what = if key.is_empty() {
        "a matcher has an empty key"
    } else if key.ends_with('\\') {
        // In quotes it would escape the quote.
        "a matcher has a key that ends in a backslash,"
    } else {
        return Ok(());
    };
    Err(Problem::Key {
        key: key.to_owned(),
        what,
        expected: "the key of a context value",
    })
}

/// Formats as `key="regex"`, in the grammar of `when(..)`.
impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\\\""));
        let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
        if self.key.chars().all(plain) {
            write!(f, "{}={}", self.key, quoted(&self.regex))
        } else {
            write!(f, "{}={}", quoted(&self.key), quoted(&self.regex))
        }
    }
}

/// Returns the user's expression as a group, and compiled with an anchor at both ends.
#[cfg(feature = "context")]
fn whole_value(regex: &str) -> Result<(String, regex::Regex), regex::Error> {
    // Alone first: `a)|(b` is an error, but would be none inside a group.
    regex::Regex::new(regex)?;
    let anchored = |group: String| {
        let whole = regex::Regex::new(&format!(r"\A{group}\z"))?;
        Ok((group, whole))
    };
    // In verbose mode a comment at the end would hide the closing parenthesis; a line break ends
    // the comment and has no other meaning there.
    anchored(format!("(?:{regex})")).or_else(|_| anchored(format!("(?:{regex}\n)")))
}

#[cfg(all(test, feature = "context"))]
mod tests {
    use super::*;

    fn matches(regex: &str, value: &str) -> bool {
        let context = FailpointContext::from_iter([("k", value)]);
        Matcher::new("k".into(), regex.into())
            .unwrap()
            .matches(&context)
    }

    #[test]
    fn a_regex_matches_the_whole_value_or_not_at_all() {
        assert!(matches("test_.*", "test_123"));
        assert!(!matches("test_.*", "my_test_123"));
        assert!(!matches("test", "test_123"));
        assert!(!matches("a|b", "ab"));
        assert!(matches("a|ab", "ab"));
        assert!(!matches("a", "a\n"));
        assert!(!matches("(?m)^a$", "b\na"));
        assert!(matches("", ""));
        assert!(!matches("", "x"));
        assert!(matches("(?x) a b # a comment", "ab"));
    }

    #[test]
    fn a_regex_that_only_parses_inside_a_group_is_refused() {
        for bad in ["a)|(b", "(", "[", "a{2", "(?P<n>", r"\"] {
            let problem = Matcher::new("k".into(), bad.into()).unwrap_err();
            let Problem::Regex { regex, reason, .. } = problem else {
                panic!("{problem:?}");
            };
            assert_eq!(regex, bad);
            assert!(!reason.is_empty() && !reason.contains('\n'), "{reason}");
        }
    }
}
