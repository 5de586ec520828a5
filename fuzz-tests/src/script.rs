//! The language of compat-tests.

use compat_tests::Script;

use crate::memory::Bound;
use crate::{Rules, Target, Verdict};

pub(crate) const TARGET: Target = Target {
    name: "script",
    also: &[],
    rules: RULES,
    check,
};

const RULES: Rules = &[
    (
        "script",
        &["<steps>", "<head><steps>", "environment <bytes>\n<steps>"],
    ),
    (
        "head",
        &["# shows: <words>\n", "# <words>\n", "\n", "  # shows:\n"],
    ),
    (
        "steps",
        &["<step>", "<step><steps>", "<step><steps>", "<head><steps>"],
    ),
    (
        "step",
        &[
            "<line>\n",
            "<line>\n    both: <words>\n",
            "<line>\n    real: <words>\n    ours: <words>\n",
        ],
    ),
    (
        "line",
        &[
            "list",
            "configure <name> as <text>",
            "configure <name> with callback\n<block>end",
            "guard <name> configures <name> as <text>",
            "guard <name> configures <name> with callback\n<block>end",
            "drop guard <name>",
            "show guard <name>",
            "remove <name>",
            "ask for failpoints",
            "hit <name><site>",
            "setup",
            "teardown",
            "drop scenario",
            "scope\n<block>end",
            "on each log record\n<block>end",
            "panic <text>",
            "say <text>",
            "in <name>: <line>",
            "start in <name>: <line>",
            "wait until all is quiet",
            "wait until <name> is blocked",
            "wait for <name>",
        ],
    ),
    ("block", &["", "<line>\n", "    <line>\n<block>"]),
    (
        "name",
        &[
            "p0",
            "a",
            "A",
            "in",
            "é",
            "all",
            "x-y_z./1",
            "\"a b\"",
            "\"\"",
            "\"\\\"\"",
            "\"\\u{e9}\"",
            "\"\\n\"",
            "\"\\x41\"",
            "for",
            "\"by const name\"",
        ],
    ),
    (
        "text",
        &[
            "off",
            "2*return(x)->panic",
            "\"a\"",
            "\"\\t\"",
            "\"\\\\\"",
            "\"\\u{2028}\"",
            "two words",
            "\"\" x",
            "\"  \"",
            "é\u{a0}x",
        ],
    ),
    (
        "bytes",
        &[
            "a=off",
            "\"\\xff\"",
            "\"a=\\xc3\\xa9\"",
            "\"\"",
            "\"\\u{41}\"",
            "\"\\x00\"",
        ],
    ),
    (
        "words",
        &[
            "went on",
            "x",
            "\"quoted\"",
            "a, b",
            "\u{a0}é",
            "both: x",
            "\\",
        ],
    ),
    (
        "site",
        &[
            "",
            " by const name",
            " by run-time name",
            " with closure",
            " as expression",
            " through eval",
            " with closure as expression",
            " with closure if true",
            " with closure if false",
            " with diverging closure",
            " with closure that removes the point",
            "<site> 3 times",
            " 5 times in any order",
            " 100 times in 4 threads",
            " 7 times as a sample",
            " for at least 20 ms",
            " burning at least 5 ms",
            " by const name<site>",
            " 99999999999 times",
            " 1 times in 99 threads",
        ],
    ),
];

/// A step takes about 200 bytes, and `list` is one.
const BOUND: Bound = Bound {
    each: 500,
    fixed: 64 << 10,
};

fn check(text: &[u8]) -> Verdict {
    let text = &*String::from_utf8_lossy(text);
    let script = match BOUND.holds(text.len(), || Script::parse("a.fp", text)) {
        Ok(script) => script,
        Err(error) => {
            let lines = text.lines().count() + 1;
            assert!((1..=lines).contains(&error.line), "{error}");
            let line = text.lines().nth(error.line - 1).unwrap_or_default();
            assert!(
                (1..=line.chars().count() + 1).contains(&error.column),
                "{error}"
            );
            assert!(!error.expected.is_empty() && !error.found.is_empty());
            return Verdict::Refused;
        }
    };
    let printed = script.to_string();
    let again = Script::parse("b.fp", &printed);
    let again =
        again.unwrap_or_else(|error| panic!("what is printed does not parse: {error}\n{printed}"));
    assert_eq!(
        without_lines(again.clone()),
        without_lines(script),
        "{printed}"
    );
    assert_eq!(again.to_string(), printed);
    Verdict::Accepted
}

/// Where a step stands may change: comments are not printed.
fn without_lines(mut script: Script) -> Script {
    for step in &mut script.steps {
        step.line = 0;
    }
    script
}
