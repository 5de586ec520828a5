//! The native grammar of actions.

use neon_failpoint::{
    FailpointResult, configure_failpoint, configure_failpoints, failpoint_blocking, isolate,
    set_seed,
};

use crate::memory::Bound;
use crate::points::{is_good_error, listed};
use crate::{Rules, Target, Verdict};

pub(crate) const TARGET: Target = Target {
    name: "native",
    also: &[],
    rules: RULES,
    check,
};

pub(crate) const RULES: Rules = &[
    (
        "actions",
        &[
            "<alternative>",
            "<alternative>-><alternative>",
            "<alternative>-><actions>",
            "<space><alternative><space>-><space><actions><space>",
        ],
    ),
    (
        "alternative",
        &[
            "<action>",
            "<percent><action>",
            "<count><action>",
            "<percent><count><action>",
            "<when><action>",
            "<when><space><percent><count><action>",
        ],
    ),
    (
        "percent",
        &[
            "100%",
            "0%",
            "50%",
            "0.5%",
            ".5%",
            "1e1%",
            "125%",
            "+7%",
            "-0%",
            "1e300%",
            "1e-300%",
            "12.345678901234567%",
            "33.333333333333336%",
        ],
    ),
    (
        "count",
        &["1*", "0*", "3*", "+2*", "007*", "18446744073709551615*"],
    ),
    (
        "action",
        &[
            "off",
            "return",
            "return(<text>)",
            "pause",
            "yield",
            "print",
            "print(<text>)",
            "panic(<text>)",
            "panic",
            "sleep(<time>)",
            "delay(<time>)",
            "exit",
            "exit(<status>)",
            "off()",
            "pause( )",
        ],
    ),
    (
        "text",
        &[
            "x",
            "",
            " a b ",
            "(<text>)",
            "->",
            ";",
            ",",
            "\"",
            "\\",
            "é",
            "\n",
            "%*=",
            "when(a=b)",
            "<text><text>",
            "<number>",
            "off->panic",
        ],
    ),
    ("number", &["5", "0", "1", "-1", "18446744073709551615"]),
    (
        "time",
        &[
            "0",
            "5",
            "1s",
            "250ms",
            "10..50",
            "10ms..2s",
            "5..5",
            "+5",
            "0..18446744073709551615",
            "18446744073709551s",
            "<number>..<number>",
        ],
    ),
    ("status", &["0", "1", "3", "255", " ", "256"]),
    ("when", &["when(<matchers>)", "when( <matchers> )"]),
    (
        "matchers",
        &[
            "<matcher>",
            "<matcher>,<matchers>",
            "<matcher> , <matchers>",
        ],
    ),
    ("matcher", &["<key><sign><regex>"]),
    (
        "key",
        &[
            "a",
            "b-1",
            "c.d",
            "é",
            "\"a b\"",
            "\"=\"",
            "\"a\\\"b\"",
            "\"\\\\n\"",
        ],
    ),
    ("sign", &["=", "!=", " = ", " != ", "="]),
    (
        "regex",
        &["x", "", "<plain>", "<plain>", "\"<quoted>\"", "\"<plain>\""],
    ),
    (
        "plain",
        &[
            "x",
            "a|b",
            ".*",
            "a{1,2}",
            "[,]",
            "[])]",
            "[^])]+",
            "(a,b)",
            r"\(",
            r"\)",
            r"\d+",
            r"\\",
            "(?i)a",
            "(?x)a # b",
            "[[:alpha:],]",
            r"\p{L}",
            r"\w{3}",
            "(?:<plain>)",
            "<plain><plain>",
            "<plain>*",
            "[a-c&&b]",
            "^$",
            r"\b",
            r"\x{29}",
            "(?P<n>a)",
            "[a[)]]",
        ],
    ),
    (
        "quoted",
        &[
            "x",
            "a,b)",
            "\\\"",
            "\\\\",
            "(?x)a # \n",
            "<quoted><quoted>",
            "'",
        ],
    ),
    ("space", &[" ", "", "\n", "\t "]),
];

const NAME: &str = "fuzz";

/// An alternative is `off->`, 5 bytes, at least.
const BOUND: Bound = Bound {
    each: 300,
    fixed: 64 << 10,
};

/// The bound of a text with expressions, of which there are no more than signs that begin one.
pub(crate) fn bound(text: &str, bound: Bound) -> Bound {
    match text.contains("when(") {
        true => with_expressions(text, text.matches('=').count(), bound),
        false => bound,
    }
}

/// The bound of a text with so many expressions, or fewer. Each is compiled to 1 MiB at most, and there may be
/// 64 of that size; reading a class may take 24 KiB, and that of all others at once.
pub(crate) fn with_expressions(text: &str, expressions: usize, bound: Bound) -> Bound {
    let classes = text.matches('\\').count() as u64;
    Bound {
        each: bound.each + 600,
        fixed: bound.fixed
            + (4 << 20) * (expressions as u64).min(24)
            + (24 << 10) * classes.min(3_000),
    }
}

fn check(text: &[u8]) -> Verdict {
    let text = &*String::from_utf8_lossy(text);
    let alone = isolate();
    set_seed(1);
    configure_failpoints([(NAME, "7*return(before)->pause"), ("other", "off")])
        .expect("good actions");
    let before = listed();
    let configured = bound(text, BOUND).holds(text.len(), || configure_failpoint(NAME, text));
    if let Err(error) = configured {
        is_good_error(&error.to_string(), text);
        assert_eq!(listed(), before, "what was refused changed something");
        return Verdict::Refused;
    }
    let shown = listed();
    let actions = shown.iter().find(|(name, _)| name == NAME);
    let (_, actions) = actions.expect("it was configured");
    if !text.contains(['(', ')']) {
        assert!(
            plain(text).eq(plain(actions)),
            "{actions:?} is shown, which is something else"
        );
    }
    let hits = hits(actions);
    drop(alone);

    // The same again, from what is shown.
    let _alone = isolate();
    set_seed(1);
    configure_failpoint(NAME, actions).expect("what is shown is good");
    let again = listed();
    assert_eq!(again.len(), 1);
    assert_eq!(
        again[0].1, *actions,
        "what is shown is not what it configures"
    );
    assert_eq!(
        self::hits(actions),
        hits,
        "what is shown does something else"
    );
    Verdict::Accepted
}

/// The alternatives of actions that have nothing in parentheses: percentage, count and word.
fn plain(actions: &str) -> impl Iterator<Item = (Option<f64>, Option<usize>, &str)> {
    actions.split("->").map(|alternative| {
        let (percent, rest) = match alternative.trim().split_once('%') {
            Some((percent, rest)) => (percent.parse().ok(), rest),
            None => (None, alternative.trim()),
        };
        match rest.split_once('*') {
            Some((count, word)) => (percent, count.parse().ok(), word),
            None => (percent, None, rest),
        }
    })
}

/// What some hits do of a point with these actions, unless they wait or end the process.
fn hits(actions: &str) -> Vec<FailpointResult> {
    let words = ["sleep", "delay", "pause", "panic", "exit"];
    if words.iter().any(|word| actions.contains(word)) {
        return Vec::new();
    }
    (0..6).map(|_| failpoint_blocking(NAME, None)).collect()
}
