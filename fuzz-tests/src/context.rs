//! Matchers on the context of a hit, beside what the crate regex says of each value.
//!
//! A text has the actions, then a line for each matcher of the call, an empty line, and a line for each value
//! of the context: `key=..`.

use std::collections::BTreeMap;

use neon_failpoint::{
    FailpointContext, FailpointResult, arm, configure_failpoint, configure_failpoint_with_context,
    failpoint_blocking, isolate, list_failpoints,
};
use regex::Regex;

use crate::memory::Bound;
use crate::points::{is_good_error, listed};
use crate::{Rules, Target, Verdict, native};

pub(crate) const TARGET: Target = Target {
    name: "context",
    also: &[],
    rules: RULES,
    check,
};

const RULES: Rules = &[
    (
        "text",
        &[
            "<actions>\n<pairs>\n<values>",
            "<actions>\n\n<values>",
            "off\n<pairs>\n<values>",
        ],
    ),
    (
        "actions",
        &[
            "return",
            "when(<matchers>)return",
            "2*return(a)",
            "when(<matchers>)1*return(a)->when(<matchers>)return(b)",
            "off",
            "when(<matchers>)off->return",
        ],
    ),
    (
        "matchers",
        &["<matcher>", "<matcher>,<matchers>", "<matcher> , <matcher>"],
    ),
    (
        "matcher",
        &[
            "<key>=<regex>",
            "<key>!=<regex>",
            "<key>=\"<regex>\"",
            "<key> = <regex>",
        ],
    ),
    ("pairs", &["", "<key>=<regex>\n", "<key>=<regex>\n<pairs>"]),
    (
        "values",
        &[
            "",
            "<key>=<value>\n",
            "<key>=<value>\n<values>",
            "a=<value>\nb=<value>\n",
        ],
    ),
    (
        "key",
        &[
            "a", "b", "a", "b", "c.d", "é", "a b", "\"a b\"", "", "a!", "a\\",
        ],
    ),
    (
        "regex",
        &[
            "x",
            "t-.*",
            "",
            "(x|y)",
            "t-[0-9]{1,3}",
            "(?i)T-1",
            "^x$",
            r"\d+",
            r"\w+",
            "x|y",
            ".",
            "[^x]",
            "(?x) x # y",
            r"x\b",
            r"\\",
            "[,)]",
            "(?s).*",
            "(?m)^x$",
            "é+",
            r"\p{Greek}",
            "(?-u)x",
            "a)|(b",
            "[",
            "x*?",
            "(?:<regex>)",
            "<regex><regex>",
            "<regex>|<regex>",
            r"\Ax\z",
            "(?u:é)",
            r"[\w&&[^x]]",
        ],
    ),
    (
        "value",
        &[
            "x",
            "t-1",
            "",
            "y",
            "t-1234",
            "T-1",
            "é",
            "α",
            "x\u{a0}",
            "a,b",
            ")",
            "\\",
            "xx",
            "x y",
            "<value><value>",
            "\"x\"",
        ],
    ),
];

const NAME: &str = "fuzz";

const BOUND: Bound = Bound {
    each: 1_000,
    fixed: 128 << 10,
};

fn check(text: &[u8]) -> Verdict {
    let text = String::from_utf8_lossy(text);
    let mut lines = text.split('\n');
    let actions = lines.next().unwrap_or_default();
    let matchers: Vec<(&str, &str)> = lines
        .by_ref()
        .map_while(|line| line.split_once('='))
        .collect();
    let values: Vec<(&str, &str)> = lines.filter_map(|line| line.split_once('=')).collect();
    let context = FailpointContext::from_iter(values.iter().copied());
    is_like_a_map(&context, &values);

    let alone = isolate();
    configure_failpoint(NAME, "7*return(before)").expect("good actions");
    let before = listed();
    let bound = native::with_expressions(&text, text.matches('=').count(), BOUND);
    let configured = bound.holds(text.len(), || {
        configure_failpoint_with_context(NAME, actions, matchers.iter().copied())
    });
    if let Err(error) = configured {
        is_good_error(&error.to_string(), actions);
        assert_eq!(listed(), before, "what was refused changed something");
        let armed =
            arm(NAME, actions).is_ok() && matchers.iter().all(|(key, regex)| is_good(key, regex));
        assert!(!armed || too_large(&error.to_string()), "{error}");
        return Verdict::Refused;
    }
    let points = list_failpoints();
    let point = points
        .iter()
        .find(|point| point.name() == NAME)
        .expect("it was configured");
    let shown = point.actions().unwrap_or_default().to_owned();
    // The whole of the first alternative has to match, or else of the second, and so on.
    let all_match = point
        .matchers()
        .iter()
        .all(|(key, regex)| model(key, regex, &context));
    let waits = ["sleep", "delay", "pause", "panic", "exit"];
    let is_quiet = !waits.iter().any(|word| shown.contains(word));
    let hits = |context: Option<&FailpointContext>| -> Vec<FailpointResult> {
        (0..4).map(|_| failpoint_blocking(NAME, context)).collect()
    };
    let mut first = Vec::new();
    if is_quiet {
        let is_one = !shown.contains("->");
        first = hits(Some(&context));
        let points = list_failpoints();
        let point = points
            .iter()
            .find(|point| point.name() == NAME)
            .expect("it stays");
        assert!(point.fired() <= point.hits() && point.turned_away() <= point.hits());
        if is_one && !all_match {
            assert_eq!(point.fired(), 0, "{shown}: fired");
            // What is used up from the start asks for no context.
            let turned_away = if shown.contains('*') { 0..=4 } else { 4..=4 };
            assert!(
                turned_away.contains(&point.turned_away()),
                "{shown}: let through"
            );
        }
        if is_one && all_match && !shown.contains(['*', '%']) {
            assert_eq!(point.fired(), 4, "{shown}: did not fire (left)");
        }
        if !point.matchers().is_empty() && is_one {
            let none = failpoint_blocking(NAME, None);
            assert_eq!(
                none,
                FailpointResult::Continue,
                "{shown}: fired without a context"
            );
        }
    }
    drop(alone);

    // The same again, from what is shown.
    let _alone = isolate();
    configure_failpoint(NAME, &shown).expect("what is shown is good");
    assert_eq!(
        listed()[0].1,
        shown,
        "what is shown is not what it configures"
    );
    if is_quiet && !shown.contains('%') {
        assert_eq!(
            hits(Some(&context)),
            first,
            "what is shown does something else"
        );
    }
    Verdict::Accepted
}

/// A context is a map of texts, of which the last of a key counts.
fn is_like_a_map(context: &FailpointContext, values: &[(&str, &str)]) {
    let map: BTreeMap<&str, &str> = values.iter().copied().collect();
    assert!(
        context
            .iter()
            .eq(map.iter().map(|(key, value)| (*key, *value)))
    );
    for (key, value) in &map {
        assert_eq!(context.get(key), Some(*value));
    }
    assert_eq!(context.get("no such key"), None);
}

/// Whether a matcher as it is listed lets a context through: the value must match as a whole, or, with a `!`
/// after the key, must not.
fn model(key: &str, regex: &str, context: &FailpointContext) -> bool {
    let (key, is_negated) = match key.strip_suffix('!') {
        Some(key) => (key, true),
        None => (key, false),
    };
    let whole = |end| Regex::new(&format!("\\A(?:{regex}{end})\\z"));
    // At the end of one with comments there may be one.
    let whole = whole("").or_else(|_| whole("\n"));
    let whole = whole.expect("it was compiled before");
    let value = context.get(key);
    value.is_some_and(|value| whole.is_match(value) != is_negated)
}

/// Whether a matcher of the call may be refused for nothing but its size.
fn is_good(key: &str, regex: &str) -> bool {
    let is_key = !key.is_empty() && !key.ends_with(['!', '\\']);
    is_key && Regex::new(regex).is_ok()
}

fn too_large(error: &str) -> bool {
    error.contains("MiB")
}
