//! Conditions on a hit's context, in one place: what they are, how they are read and written, and
//! when a hit satisfies them.
//!
//! ```text
//! when    = "when(" matcher { "," matcher } ")"
//! matcher = key ("=" | "!=") regex                both plain or "quoted"
//! ```
//!
//! A plain key is a word. A plain expression ends before a `,` or `)` that is not its own: not
//! escaped, and not in `[]`, `{}` or `()`, which are found as the crate regex finds them. In quotes
//! `\"` is the only escape, and everything else is as it stands.

use std::fmt;
use std::iter::Peekable;
use std::str::CharIndices;

use super::reader::{Reader, syntax};
use crate::engine::context::FailpointContext;
use crate::error::Problem;

/// One condition on a context: it has a value of `key`, and `regex` matches that as a whole, or does
/// not.
#[derive(Clone, Debug)]
pub(crate) struct Matcher {
    key: String,
    /// Whether the value must not match.
    is_negated: bool,
    regex: String,
    #[cfg(feature = "context")]
    whole: regex::Regex,
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        (&self.key, self.is_negated, &self.regex) == (&other.key, other.is_negated, &other.regex)
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
                Ok(Self {
                    key,
                    is_negated: false,
                    regex,
                    whole,
                })
            }
            Err(Refused::Invalid(reason)) => Err(Problem::Regex {
                key,
                regex: regex.into(),
                reason: reason.into(),
                smaller: None,
            }),
            Err(Refused::TooLarge { reason, smaller }) => Err(Problem::Regex {
                key,
                regex: regex.into(),
                reason: reason.into(),
                smaller: Some(smaller),
            }),
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

    /// Returns its key, with a `!` if the value must not match, and its expression.
    pub(crate) fn pair(&self) -> (String, String) {
        let not = if self.is_negated { "!" } else { "" };
        (format!("{}{not}", self.key), self.regex.clone())
    }

    #[cfg(feature = "context")]
    #[inline]
    pub(crate) fn matches(&self, context: &FailpointContext) -> bool {
        context
            .get(&self.key)
            .is_some_and(|v| self.whole.is_match(v) != self.is_negated)
    }

    #[cfg(not(feature = "context"))]
    pub(crate) fn matches(&self, _context: &FailpointContext) -> bool {
        // No matcher can be created without the feature.
        false
    }
}

/// Refuses a key that no text could express, or that is half of a `!=`.
fn check_key(key: &str) -> Result<(), Problem> {
    let mut expected = "the key of a context value";
    let what = if key.is_empty() {
        "a matcher has an empty key"
    } else if key.ends_with('\\') {
        // In quotes it would escape the quote.
        "a matcher has a key that ends in a backslash,"
    } else if key.ends_with('!') {
        expected = "the key of a context value, and `when(key!=regex)` in the actions for a value \
                    that must not match";
        "a matcher has a key that ends in `!`,"
    } else {
        return Ok(());
    };
    Err(Problem::Key {
        key: key.to_owned(),
        what,
        expected,
    })
}

/// Whether a key may be made of that without quotes.
fn is_of_a_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.')
}

/// Formats as `key="regex"`, in the grammar of `when(..)`.
impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\\\""));
        if self.key.chars().all(is_of_a_word) {
            write!(f, "{}", self.key)?;
        } else {
            write!(f, "{}", quoted(&self.key))?;
        }
        let sign = if self.is_negated { "!=" } else { "=" };
        write!(f, "{sign}{}", quoted(&self.regex))
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
    fn compile(&mut self, regex: &str) -> Result<regex::Regex, Refused> {
        const SIZES: [usize; 4] = [4 << 10, 32 << 10, 256 << 10, 1 << 20];
        if reading(regex) > 64 << 20 {
            return Err(Refused::TooLarge {
                reason: "it needs more than 64 MiB to be read",
                smaller: "a smaller one",
            });
        }
        for size in SIZES {
            match regex::RegexBuilder::new(regex).size_limit(size).build() {
                Ok(compiled) => {
                    let left = self.left.checked_sub(size);
                    self.left = left.ok_or(Refused::TooLarge {
                        reason: "with those before it, it needs more than 64 MiB once compiled",
                        smaller: "fewer or smaller ones in one call",
                    })?;
                    return Ok(compiled);
                }
                Err(regex::Error::CompiledTooBig(_)) => {}
                Err(other) => return Err(Refused::Invalid(last_line(&other))),
            }
        }
        Err(Refused::TooLarge {
            reason: "it needs more than 1 MiB once compiled",
            smaller: "a smaller one",
        })
    }
}

/// Returns what the crate regex takes to read an expression, before it looks at the size of what it
/// makes of it: for each byte up to so much, and for each class the list of its characters, and of all
/// others.
#[cfg(feature = "context")]
fn reading(regex: &str) -> usize {
    let is_class = |two: &&[u8]| two[0] == b'\\' && b"dDpPsSwW".contains(&two[1]);
    let classes = regex.as_bytes().windows(2).filter(is_class).count();
    (regex.len() << 9).saturating_add(classes * (24 << 10))
}

/// Why an expression is refused: it is none, or one that needs too much memory.
#[cfg(feature = "context")]
enum Refused {
    Invalid(String),
    TooLarge {
        reason: &'static str,
        /// What would be right.
        smaller: &'static str,
    },
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
fn whole_value(regex: &str, memory: &mut Memory) -> Result<(String, regex::Regex), Refused> {
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

const MATCHER: &str = "key=regex, key!=regex or key=\"regex\"";

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
        let key = key(reader)?;
        reader.skip_space();
        let is_negated = reader.eat("!");
        if key.is_empty() || !reader.eat("=") {
            return Err(no_matcher(reader, key_start));
        }
        reader.skip_space();
        let start = reader.at;
        let (regex, ends) = if reader.rest().starts_with('"') {
            (reader.quoted()?, true)
        } else {
            let (regex, ends) = plain_regex(reader);
            foreign(regex, start)?;
            (regex.to_owned(), ends)
        };
        let matcher = Matcher::new(key, regex, memory).map_err(|e| in_text(e, key_start, start))?;
        matchers.push(Matcher {
            is_negated,
            ..matcher
        });
        reader.skip_space();
        if !ends {
            return Err(unclosed_in(reader, start));
        }
        if reader.eat(")") {
            matchers.sort_by(|a, b| a.key.cmp(&b.key));
            return Ok(matchers);
        }
        if reader.rest().is_empty() {
            let open = open + "when".len();
            return Err(reader.unclosed("unclosed parenthesis", open, ')'));
        }
        if !reader.eat(",") {
            let start = reader.at;
            let word = reader.until(&[',', ')']).trim_end();
            return Err(syntax("unexpected text", word, start, "`,` or `)`"));
        }
    }
}

/// Takes a key: a word, which may be none, or what is quoted.
fn key(reader: &mut Reader<'_>) -> Result<String, Problem> {
    if reader.rest().starts_with('"') {
        return reader.quoted();
    }
    let rest = reader.rest();
    let key = &rest[..rest.find(|c| !is_of_a_word(c)).unwrap_or(rest.len())];
    reader.at += key.len();
    Ok(key.to_owned())
}

/// The error of a matcher whose key is none, or is not followed by `=` or `!=`.
fn no_matcher(reader: &mut Reader<'_>, start: usize) -> Problem {
    reader.at = start;
    let word = reader.until(&['=', ',', ')']).trim_end();
    if word.is_empty() || !reader.rest().starts_with('=') {
        let what = "a matcher without a key and `=`";
        return syntax(what, word, start, MATCHER);
    }
    let expected = if word.ends_with('!') {
        format!("{MATCHER}; a key is a word, with one `!` for a value that must not match")
    } else {
        format!(
            "{MATCHER}; a key is a word of letters, digits, `_`, `-` and `.`, or in double quotes"
        )
    };
    syntax("a bad key", word, start, &expected)
}

/// Refuses a plain expression that is most likely no expression: it would be compiled, and match
/// nothing.
fn foreign(regex: &str, start: usize) -> Result<(), Problem> {
    let refused = |what, word: &str, at, expected| Err(syntax(what, word, start + at, expected));
    match regex.chars().next() {
        Some('\'' | '`' | '‘' | '’' | '“' | '”') => refused(
            "a value in other quotes than `\"`",
            regex,
            0,
            "key=regex, or key=\"regex\" in double quotes",
        ),
        Some(sign @ ('=' | '~' | '!')) => refused(
            "unexpected sign",
            &sign.to_string(),
            0,
            "`=` or `!=` and then the expression, in double quotes if it begins with such a sign",
        ),
        _ => match next_matcher(regex) {
            Some(at) => refused(
                "another matcher",
                &regex[at..],
                at,
                "`,` between two matchers, or double quotes around an expression",
            ),
            None => Ok(()),
        },
    }
}

/// Returns where a plain expression goes on with what looks like a second matcher.
fn next_matcher(regex: &str) -> Option<usize> {
    let next = |(at, _): (usize, char)| {
        let before = &regex[..at];
        let before = before.strip_suffix('!').unwrap_or(before).trim_end();
        let key = before.trim_end_matches(is_of_a_word);
        // From here on it reads `key=`. Is there a space, or a sign that could be a separator?
        let rest = key.trim_end_matches(|c: char| c.is_whitespace() || matches!(c, '&' | ';'));
        (key.len() < before.len() && rest.len() < key.len()).then_some(key.len())
    };
    Outside::new(regex)
        .filter(|(_, c)| *c == '=')
        .find_map(next)
}

/// Takes an expression without quotes, and returns whether it ends: with an unclosed bracket, it
/// goes no further than to the first `,` or `)`.
fn plain_regex<'a>(reader: &mut Reader<'a>) -> (&'a str, bool) {
    let rest = reader.rest();
    let end = end_of_regex(rest);
    let taken = end.unwrap_or_else(|| rest.find([',', ')']).unwrap_or(rest.len()));
    reader.at += taken;
    (rest[..taken].trim_end(), end.is_some())
}

/// Returns where a regular expression ends: at the `,` or `)` that is not a part of it. `None` if it
/// does not: a bracket stays open.
fn end_of_regex(text: &str) -> Option<usize> {
    let mut outside = Outside::new(text);
    let end = outside.find(|(_, c)| matches!(c, ',' | ')'));
    match end {
        Some((at, _)) => Some(at),
        None => (!outside.is_open).then_some(text.len()),
    }
}

/// The characters of a regular expression that are neither escaped nor in brackets.
struct Outside<'a> {
    chars: Peekable<CharIndices<'a>>,
    /// How many groups are open.
    groups: usize,
    /// Whether the text ended inside of brackets.
    is_open: bool,
}

impl<'a> Outside<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            chars: text.char_indices().peekable(),
            groups: 0,
            is_open: false,
        }
    }

    /// Goes past a class, of which `[` was taken; `None` if it does not end.
    fn skip_class(&mut self) -> Option<()> {
        // Classes nest, as in `[a[b]]`.
        let mut open = 1_usize;
        self.begin_class();
        while open > 0 {
            match self.chars.next()?.1 {
                '\\' => drop(self.chars.next()),
                '[' => {
                    open += 1;
                    self.begin_class();
                }
                ']' => open -= 1,
                _ => {}
            }
        }
        Some(())
    }

    /// The first `]` of a class is no end of it.
    fn begin_class(&mut self) {
        self.chars.next_if(|(_, c)| *c == '^');
        self.chars.next_if(|(_, c)| *c == ']');
    }

    /// Goes past a repetition or the name of a class, of which `{` was taken: nothing nests in it.
    fn skip_braces(&mut self) -> Option<()> {
        let is_inside = |(_, c): &(usize, char)| !matches!(c, '}' | '(' | ')');
        while self.chars.next_if(is_inside).is_some() {}
        self.chars.next_if(|(_, c)| *c == '}').map(|_| ())
    }
}

impl Iterator for Outside<'_> {
    type Item = (usize, char);

    fn next(&mut self) -> Option<(usize, char)> {
        loop {
            let Some((at, c)) = self.chars.next() else {
                self.is_open |= self.groups > 0;
                return None;
            };
            let skipped = match c {
                '\\' => {
                    self.chars.next();
                    Some(())
                }
                '[' => self.skip_class(),
                '{' => self.skip_braces(),
                '(' => {
                    self.groups += 1;
                    Some(())
                }
                ')' if self.groups > 0 => {
                    self.groups -= 1;
                    Some(())
                }
                _ if self.groups > 0 => Some(()),
                _ => return Some((at, c)),
            };
            if skipped.is_none() {
                self.is_open = true;
                return None;
            }
        }
    }
}

/// The error of an expression, at byte `start`, that has an open bracket and compiles all the same.
fn unclosed_in(reader: &Reader<'_>, start: usize) -> Problem {
    let expected = "a closing one for each of its brackets, or double quotes around it";
    let word = &reader.text[start..reader.at];
    syntax("an expression with an open bracket", word, start, expected)
}

/// Adds the position to the problem of a matcher in a text.
fn in_text(problem: Problem, key_start: usize, regex_start: usize) -> Problem {
    match problem {
        Problem::Key {
            key,
            what,
            expected,
        } => syntax(what, &key, key_start, expected),
        Problem::Regex {
            regex,
            reason,
            smaller,
            ..
        } => {
            let (what, expected) = match smaller {
                None => ("invalid regular expression", "a valid one"),
                Some(smaller) => ("a regular expression that needs too much memory", smaller),
            };
            let expected = format!("{expected} ({reason})");
            syntax(what, &regex, regex_start, &expected)
        }
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
    fn a_plain_expression_ends_where_the_crate_regex_ends_it() {
        for regex in [
            "a{1,2}",
            "[,]",
            "[^,)]+",
            "[])]",
            "[^])]",
            "[-)]",
            r"[\])]",
            "[a[)]]",
            "[[^])]]",
            "[[:alpha:],)]",
            "[a-z&&[^b),]]",
            "[(]",
            "[{,]",
            "(a,b){2,3}",
            "([)]|,)*",
            "(?P<n>a,b)",
            r"\(",
            r"\)\)",
            r"\[\]",
            r"\{\}",
            r"a\,b",
            r"a\\",
            r"\p{L}\x{29}",
            r"\p{sc=Greek}",
            "a}",
            "a]",
            "",
        ] {
            regex::Regex::new(regex).unwrap_or_else(|e| panic!("{regex}: {e}"));
            for end in [")", ",b=c)"] {
                let text = format!("{regex}{end}off->when(x=[a](b)");
                assert_eq!(end_of_regex(&text), Some(regex.len()), "{text}");
            }
            assert_eq!(end_of_regex(regex), Some(regex.len()));
        }
        // What stays open: the error is that of the part up to the first `,` or `)`.
        for open in [
            "[", "[]", "[^]", "[a[b]", "(", "((a)", "a{2", "a{2)}", r"[\]",
        ] {
            assert_eq!(end_of_regex(open), None, "{open}");
        }
    }

    #[test]
    fn a_regex_that_only_parses_inside_a_group_is_refused() {
        for bad in ["a)|(b", "(", "[", "a{2", "(?P<n>", r"\"] {
            let problem =
                Matcher::new("k".into(), bad.into(), &mut Memory::of_a_call()).unwrap_err();
            let Problem::Regex { regex, reason, .. } = problem else {
                panic!("{problem:?}");
            };
            assert_eq!(&*regex, bad);
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
        // These are not even read.
        for (large, times) in [(r"\w", 3_000), (r"\PL", 3_000), ("x", 200_000)] {
            let large = large.repeat(times);
            let text = reason(new(&large).unwrap_err());
            assert!(text.ends_with("more than 64 MiB to be read"), "{text}");
        }
        new(&r"\.".repeat(3_000)).unwrap();
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
