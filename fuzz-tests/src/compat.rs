//! The grammar of `fail`, beside `fail` 0.5.1 itself.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};

use neon_failpoint::{compat, isolate};

use crate::memory::Bound;
use crate::{Rules, Target, Verdict};

pub(crate) const TARGET: Target = Target {
    name: "compat",
    also: &[],
    rules: RULES,
    check,
};

pub(crate) const RULES: Rules = &[
    (
        "actions",
        &[
            "<action>",
            "<action>-><action>",
            "<action>-><actions>",
            "<space><action><space>-><actions>",
        ],
    ),
    (
        "action",
        &[
            "<task>",
            "<percent><task>",
            "<count><task>",
            "<percent><count><task>",
        ],
    ),
    (
        "percent",
        &[
            "100%",
            "0%",
            "0%",
            "100%",
            "50%",
            ".5%",
            "1e2%",
            "125%",
            "+100%",
            "-0%",
            "1e39%",
            "1e-50%",
            "inf%",
            "NaN%",
            "-1%",
            "infinity%",
            "%",
        ],
    ),
    (
        "count",
        &["1*", "0*", "3*", "+2*", "18446744073709551615*", "-1*", "*"],
    ),
    (
        "task",
        &[
            "off",
            "return",
            "return(<text>)",
            "print",
            "print(<text>)",
            "panic",
            "panic(<text>)",
            "yield",
            "pause",
            "sleep(<time>)",
            "delay(<time>)",
            "sleep",
            "off(<text>)",
            "yield(x)",
            "exit",
            "Off",
        ],
    ),
    (
        "text",
        &[
            "x",
            "",
            " a b ",
            "(<text>)",
            ")",
            "(",
            ";",
            "\"",
            "\\",
            "é",
            "\n",
            "%*",
            "<text><text>",
        ],
    ),
    (
        "time",
        &["0", "1", "+0", "10..50", "1s", "x", "99999999999999999999"],
    ),
    ("space", &[" ", "", "\n", "\t ", "\u{a0}"]),
];

const NAME: &str = "fuzz";

const BOUND: Bound = Bound {
    each: 300,
    fixed: 64 << 10,
};

/// `fail` has one table for the process: whoever uses it has it alone.
pub(crate) fn alone_with_fail() -> MutexGuard<'static, ()> {
    static FAIL: Mutex<()> = Mutex::new(());
    FAIL.lock().unwrap_or_else(PoisonError::into_inner)
}

fn check(text: &[u8]) -> Verdict {
    let text = &*String::from_utf8_lossy(text);
    let _turn = alone_with_fail();
    let _alone = isolate();
    for (cfg, name) in [("2*return(before)", NAME), ("off", "other")] {
        real::cfg(name, cfg).expect("good actions");
        compat::cfg(name, cfg).expect("good actions");
    }
    let theirs = real::cfg(NAME, text);
    let ours = BOUND.holds(text.len(), || compat::cfg(NAME, text));
    let verdict = match &ours {
        Err(error) if is_deviation(error, text) => Verdict::Refused,
        _ => {
            assert_eq!(ours, theirs, "`fail` answers something else (right)");
            assert_eq!(compat::list(), sorted(real::list()));
            assert_eq!(hits(text, compat::eval), hits(text, real::eval));
            match ours {
                Ok(()) => Verdict::Accepted,
                Err(_) => Verdict::Refused,
            }
        }
    };
    if verdict == Verdict::Refused {
        let before = [(NAME, "2*return(before)"), ("other", "off")];
        let before = before.map(|(name, actions)| (name.to_owned(), actions.to_owned()));
        assert_eq!(compat::list(), before, "what was refused changed something");
    }
    real::remove(NAME);
    real::remove("other");
    verdict
}

/// Whether an error is one that `fail` does not give: it takes percentages that are no numbers from 0 up.
pub(crate) fn is_deviation(error: &str, text: &str) -> bool {
    let heads = text
        .split("->")
        .filter_map(|action| action.trim().split_once('%'));
    let mut percentages = heads.filter_map(|(percent, _)| percent.parse::<f64>().ok());
    error == "failed to parse frequency: not a number from 0 up"
        && percentages.any(|percent| percent.is_nan() || percent < 0.0)
}

pub(crate) fn sorted(mut list: Vec<(String, String)>) -> Vec<(String, String)> {
    list.sort();
    list
}

/// What some hits do, unless they wait or are a matter of chance.
fn hits(text: &str, eval: Eval) -> Vec<Result<Option<Option<String>>, String>> {
    let quiet = text.replace("sleep(0)", "").replace("delay(0)", "");
    let waits = ["sleep", "delay", "pause"]
        .iter()
        .any(|word| quiet.contains(word));
    // Those of an argument do no harm.
    let drawn = text.split('%').any(|before| {
        let mut number = before.rsplit(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c)));
        let percent = number.next().unwrap_or_default().parse::<f32>();
        percent.is_ok_and(|percent| percent > 0.0 && percent < 100.0)
    });
    if waits || drawn {
        return Vec::new();
    }
    let hit = |_| {
        let hit = catch_unwind(AssertUnwindSafe(|| eval(NAME, |value| value)));
        hit.map_err(|panic| words(&*panic))
    };
    (0..5).map(hit).collect()
}

type Eval = fn(&str, fn(Option<String>) -> Option<String>) -> Option<Option<String>>;

pub(crate) fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("something else than a text").to_owned()
}
