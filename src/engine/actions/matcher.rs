//! Conditions on a hit's context, in one place: what they are, how they are read and written, and
//! when a hit satisfies them.
//!
//! ```text
//! when    = "when(" matcher { "," matcher } ")"
//! matcher = key "=" regex                         both plain or "quoted"
//! ```

use std::fmt;

use super::reader::{Reader, syntax};
use crate::engine::context::FailpointContext;
use crate::error::Problem;

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
    pub(crate) fn new(key: String, regex: String, memory: &mut Memory) -> Result<Self, Problem> {
        check_key(&key)?;
        match whole_value(&regex, memory) {
            Ok((grouped, whole)) => {
                // In quotes, a backslash at the end would escape the quote.
                let regex = if regex.ends_with('\\') {
                    grouped
                } else {
                    regex
                };
                Ok(Self { key, regex, whole })
            }
            Err(reason) => Err(Problem::Regex { key, regex, reason }),
        }
    }

    #[cfg(not(feature = "context"))]
    pub(crate) fn new(key: String, _: String, _: &mut Memory) -> Result<Self, Problem> {
        check_key(&key)?;
        Err(Problem::Feature {
            what: "a context matcher",
            feature: "context",
        })
    }

    pub(crate) fn pair(&self) -> (String, String) {
        (self.key.clone(), self.regex.clone())
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

/// How much memory the expressions of one configuration, or of one batch, may still take. A short
/// text can compile to megabytes, and a list of such texts would fill the memory.
pub(crate) struct Memory {
    #[cfg_attr(not(feature = "context"), allow(dead_code))]
    left: usize,
}

impl Memory {
    /// That of one call: 64 MiB.
    pub(crate) fn of_a_call() -> Self {
        Self { left: 64 << 20 }
    }

    /// Compiles an expression, and takes off what it needs, rounded up to one of a few sizes: the
    /// least with which it compiles.
    #[cfg(feature = "context")]
    fn compile(&mut self, regex: &str) -> Result<regex::Regex, String> {
        const SIZES: [usize; 4] = [4 << 10, 32 << 10, 256 << 10, 1 << 20];
        for size in SIZES {
            match regex::RegexBuilder::new(regex).size_limit(size).build() {
                Ok(compiled) => {
                    let left = self.left.checked_sub(size);
                    self.left = left.ok_or(
                        "with those before it, it needs more than 64 MiB once compiled; expected \
                         fewer or smaller ones in one call",
                    )?;
                    return Ok(compiled);
                }
                Err(regex::Error::CompiledTooBig(_)) => {}
                Err(other) => return Err(last_line(&other)),
            }
        }
        Err("it needs more than 1 MiB once compiled; expected a smaller one".to_owned())
    }
}

/// Returns what an error of regex says, without the pattern, which it shows over several lines.
#[cfg(feature = "context")]
fn last_line(error: &regex::Error) -> String {
    let text = error.to_string();
    let line = text.lines().last().unwrap_or_default();
    line.trim_start_matches("error: ").to_owned()
}

/// Returns the user's expression as a group, and compiled with an anchor at both ends.
#[cfg(feature = "context")]
fn whole_value(regex: &str, memory: &mut Memory) -> Result<(String, regex::Regex), String> {
    // Alone first: `a)|(b` is an error, but would be none inside a group. What it takes is given
    // back.
    let left = memory.left;
    memory.compile(regex)?;
    memory.left = left;
    let mut anchored = |group: String| {
        let whole = memory.compile(&format!(r"\A{group}\z"))?;
        Ok((group, whole))
    };
    // In verbose mode a comment at the end would hide the closing parenthesis; a line break ends
    // the comment and has no other meaning there.
    anchored(format!("(?:{regex})")).or_else(|_| anchored(format!("(?:{regex}\n)")))
}

/// Whether a hit with this context satisfies all `matchers`.
#[inline]
pub(crate) fn all_match(matchers: &[Matcher], context: Option<&FailpointContext>) -> bool {
    matchers.is_empty() || context.is_some_and(|c| matchers.iter().all(|m| m.matches(c)))
}

/// Adds `more` to `matchers`, which stay sorted by key; those of one key in the order in which they
/// came.
pub(crate) fn demand(matchers: &mut Vec<Matcher>, more: &[Matcher]) {
    matchers.extend_from_slice(more);
    matchers.sort_by(|a, b| a.key.cmp(&b.key));
}

/// Writes `when(..)`, or nothing where there are no matchers.
pub(super) fn write(matchers: &[Matcher], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (i, matcher) in matchers.iter().enumerate() {
        f.write_str(if i == 0 { "when(" } else { "," })?;
        write!(f, "{matcher}")?;
    }
    f.write_str(if matchers.is_empty() { "" } else { ")" })
}

/// Takes `when(..)`, if it is next.
pub(super) fn when(reader: &mut Reader<'_>, memory: &mut Memory) -> Result<Vec<Matcher>, Problem> {
    let mut matchers = Vec::new();
    let open = reader.at;
    if !reader.eat("when(") {
        return Ok(matchers);
    }
    loop {
        reader.skip_space();
        let key_start = reader.at;
        let key = if reader.rest().starts_with('"') {
            reader.quoted()?
        } else {
            reader.until(&['=', ',', ')']).trim_end().to_owned()
        };
        reader.skip_space();
        if key.is_empty() || !reader.eat("=") {
            let what = "a matcher without a key and `=`";
            let word = &reader.text[key_start..reader.at];
            return Err(syntax(what, word, key_start, "key=regex or key=\"regex\""));
        }
        reader.skip_space();
        let start = reader.at;
        let regex = if reader.rest().starts_with('"') {
            reader.quoted()?
        } else {
            plain_regex(reader).to_owned()
        };
        let matcher = Matcher::new(key, regex, memory).map_err(|e| in_text(e, key_start, start))?;
        matchers.push(matcher);
        reader.skip_space();
        if reader.eat(")") {
            matchers.sort_by(|a, b| a.key.cmp(&b.key));
            return Ok(matchers);
        }
        if reader.rest().is_empty() {
            let open = open + "when".len();
            return Err(reader.unclosed("unclosed parenthesis", open, ')'));
        }
        if !reader.eat(",") {
            let word = reader.until(&[',', ')']);
            let start = reader.at - word.len();
            return Err(syntax("unexpected text", word, start, "`,` or `)`"));
        }
    }
}

/// Takes an expression without quotes: up to the `,` or `)` outside its own parentheses.
fn plain_regex<'a>(reader: &mut Reader<'a>) -> &'a str {
    let rest = reader.rest();
    let mut depth = 0_usize;
    let mut end = rest.len();
    for (i, c) in rest.char_indices() {
        match c {
            '(' => depth += 1,
            ',' | ')' if depth == 0 => {
                end = i;
                break;
            }
            ')' => depth -= 1,
            _ => {}
        }
    }
    reader.at += end;
    rest[..end].trim_end()
}

/// Adds the position to the problem of a matcher in a text.
fn in_text(problem: Problem, key_start: usize, regex_start: usize) -> Problem {
    match problem {
        Problem::Key {
            key,
            what,
            expected,
        } => syntax(what, &key, key_start, expected),
        Problem::Regex { regex, reason, .. } => syntax(
            "invalid regular expression",
            &regex,
            regex_start,
            &format!("a valid one ({reason})"),
        ),
        other => other,
    }
}

#[cfg(all(test, feature = "context"))]
mod tests {
    use super::*;

    fn matches(regex: &str, value: &str) -> bool {
        let context = FailpointContext::from_iter([("k", value)]);
        Matcher::new("k".into(), regex.into(), &mut Memory::of_a_call())
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
            let problem =
                Matcher::new("k".into(), bad.into(), &mut Memory::of_a_call()).unwrap_err();
            let Problem::Regex { regex, reason, .. } = problem else {
                panic!("{problem:?}");
            };
            assert_eq!(regex, bad);
            assert!(!reason.is_empty() && !reason.contains('\n'), "{reason}");
        }
    }

    /// A short text can be a large expression, and many of them together.
    #[test]
    fn what_compiles_to_too_much_is_refused_alone_and_in_a_list() {
        let mut memory = Memory::of_a_call();
        let mut new = |regex: &str| Matcher::new("k".into(), regex.into(), &mut memory);
        let reason = |problem| match problem {
            Problem::Regex { regex, reason, .. } => format!("{regex}: {reason}"),
            other => panic!("{other:?}"),
        };
        for large in [r"\w{140}", r"(?:\w{20}){20}", "(?:[a-z]{1000}){1000}"] {
            let text = reason(new(large).unwrap_err());
            assert!(
                text.starts_with(large) && text.contains("more than 1 MiB"),
                "{text}"
            );
        }
        let refused = (0..)
            .find_map(|n| Some((n, new(r"\w{20}").err()?)))
            .unwrap();
        let text = reason(refused.1);
        assert!((50..=300).contains(&refused.0), "{}: {text}", refused.0);
        assert!(text.contains("more than 64 MiB"), "{text}");
        // What many people write is small.
        let mut memory = Memory::of_a_call();
        for _ in 0..1_000 {
            Matcher::new("k".into(), r"tenant-\d+".into(), &mut memory).unwrap();
        }
    }
}
