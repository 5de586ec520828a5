//! The value of FAILPOINTS, natively and as `fail` reads it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use neon_failpoint::__private::configure_entries;
use neon_failpoint::{compat, configure_failpoint, isolate, set_seed};

use crate::compat::{alone_with_fail, is_deviation, sorted, words};
use crate::memory::Bound;
use crate::points::{is_good_error, listed};
use crate::{Rules, Target, Verdict, native};

pub(crate) const TARGET: Target = Target {
    name: "environment",
    also: &[],
    rules: RULES,
    check,
};

const RULES: Rules = &[
    (
        "value",
        &[
            "<entry>",
            "<entry>;<value>",
            "<space><entry><space>;<space><value>",
            ";<value>",
            "<entry>;",
        ],
    ),
    (
        "entry",
        &[
            "<name>=<actions>",
            "<name>=<actions>",
            "<name>=<actions>",
            "<name><space>=<space><actions>",
            "<name>",
            "=off",
        ],
    ),
    (
        "name",
        &[
            "a", "b", "a", "x/y", "a b", "é", "when(", "(", "off", "a->b", "\"",
        ],
    ),
    (
        "actions",
        &[
            "<action>",
            "<action>-><actions>",
            "<percent><count><action>",
            "<when><action>",
        ],
    ),
    ("percent", &["100%", "0%", "", "", "50%", "-1%", "NaN%"]),
    ("count", &["1*", "", "0*", "3*"]),
    (
        "action",
        &[
            "off",
            "return",
            "return(<text>)",
            "pause",
            "print(<text>)",
            "panic(<text>)",
            "sleep(<time>)",
            "exit",
            "exit(3)",
            "retrun",
            "yield",
            "delay(5)",
            "",
        ],
    ),
    (
        "text",
        &[
            "x",
            "",
            "a;b",
            "(<text>)",
            "->",
            "=",
            "\"",
            "é",
            "<text><text>",
            "a=off",
            "(",
        ],
    ),
    ("time", &["0", "5", "1s", "10..50", "x"]),
    (
        "when",
        &[
            "when(a=x)",
            "when(a=\"x;y\")",
            "when(a!=[;)],b=(x|y))",
            "when(a=x;y)",
            "when(\"a;b\"=x)",
        ],
    ),
    ("space", &[" ", "", "\n", "\t "]),
];

/// An entry is `a=off;`, 6 bytes, at least.
const BOUND: Bound = Bound {
    each: 300,
    fixed: 64 << 10,
};

fn check(text: &[u8]) -> Verdict {
    let text = &*String::from_utf8_lossy(text);
    as_fail(text);
    natively(text)
}

fn natively(text: &str) -> Verdict {
    let alone = isolate();
    set_seed(1);
    configure_failpoint("before", "pause").expect("good actions");
    let before = listed();
    let bound = native::bound(text, BOUND);
    if let Err(error) = bound.holds(text.len(), || configure_entries(text)) {
        is_good_error(&error.to_string(), text);
        assert_eq!(listed(), before, "what was refused changed something");
        return Verdict::Refused;
    }
    drop(alone);
    let alone = isolate();
    set_seed(1);
    configure_entries(text).expect("it was good before");
    let shown = listed();
    drop(alone);

    // The same again, from what is shown: in another order, and all at once.
    let _alone = isolate();
    set_seed(1);
    let entries: Vec<String> = shown
        .iter()
        .rev()
        .map(|(n, a)| format!("{n}={a}"))
        .collect();
    configure_entries(&entries.join(" ; ")).expect("what is shown is good");
    assert_eq!(listed(), shown, "what is shown is not what it configures");
    if !text.contains(['(', ')']) {
        assert_eq!(one_by_one(text), shown, "an entry is not what it is alone");
    }
    Verdict::Accepted
}

/// What the entries of a value configure, each by itself: where nothing is in parentheses, each `;` ends one,
/// and of those with one name the last counts.
fn one_by_one(text: &str) -> Vec<(String, String)> {
    let _alone = isolate();
    let entries = text.split(';').filter_map(|entry| entry.split_once('='));
    for (name, actions) in entries {
        configure_failpoint(name.trim(), actions).expect("each entry is good");
    }
    listed()
}

/// A scenario of `compat`, beside one of `fail`.
fn as_fail(text: &str) {
    if text.contains('\0') {
        // No environment holds that.
        return;
    }
    let _turn = alone_with_fail();
    let _alone = isolate();
    // After a bad value nothing of `fail` works any more.
    let theirs = expected(text);
    compat::cfg("before", "off").expect("good actions");
    set_variable(text);
    let ours = catch_unwind(AssertUnwindSafe(compat::FailScenario::setup));
    let theirs = theirs.map(|()| real::FailScenario::setup());
    match (ours, theirs) {
        (Ok(ours), Ok(theirs)) => {
            assert_eq!(compat::list(), sorted(real::list()));
            ours.teardown();
            theirs.teardown();
        }
        (Err(ours), Err(theirs)) => assert_eq!(words(&*ours), theirs),
        (ours, theirs) => panic!("{ours:?}, but `fail` {theirs:?}"),
    }
    assert_eq!(compat::list(), [], "something is left");
}

/// The message of the panic that `fail`, or we, should give.
fn expected(text: &str) -> Result<(), String> {
    let entries = text.trim().split(';').map(str::trim);
    for entry in entries.filter(|entry| !entry.is_empty()) {
        let Some((name, actions)) = entry.split_once('=') else {
            return Err(format!("invalid failpoint: {entry:?}"));
        };
        let refused = |error| format!("unable to configure failpoint \"{name}\": {error}");
        match compat::cfg("entry", actions) {
            Err(error) if is_deviation(&error, actions) => return Err(refused(error)),
            _ => real::cfg("entry", actions).map_err(refused)?,
        }
        real::remove("entry");
        compat::remove("entry");
    }
    Ok(())
}

fn set_variable(text: &str) {
    static READ: Once = Once::new();
    // Natively it is read once; nothing of these texts may be in it.
    READ.call_once(|| neon_failpoint::init().expect("no FAILPOINTS"));
    // SAFETY: whatever reads or writes the environment of this process meanwhile does so through
    // `std::env`, which has a lock for that.
    unsafe { std::env::set_var("FAILPOINTS", text) };
}
