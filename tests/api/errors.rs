//! What is refused, how the error says it, and that nothing changed.

use crate::common::actions as listed;
use neon_failpoint::{
    FailpointConfig, configure_failpoint, configure_failpoint_callback,
    configure_failpoint_with_context, configure_failpoints, isolate,
};

const ACTIONS: &str = "expected one of off, return, sleep, pause, panic, print, yield, delay, exit";
const EMPTY: &str =
    r#"the actions are empty; expected [p%][n*]action[(argument)], "off" to do nothing"#;

/// Configures `actions` over an earlier configuration, which has to stay.
fn refused(actions: &str) -> String {
    let name = "errors";
    configure_failpoint(name, "3*return(before)").unwrap();
    let error = configure_failpoint(name, actions).unwrap_err().to_string();
    assert_eq!(
        listed(name).as_deref(),
        Some("3*return(before)"),
        "{actions}"
    );
    let text = error.strip_prefix("failpoint \"errors\": ");
    text.unwrap_or_else(|| panic!("{error}")).to_owned()
}

#[test]
fn bad_actions_are_named_with_their_byte_and_what_was_expected() {
    let _alone = isolate();
    const COUNT: &str = "expected a count: a whole number from 0 to 18446744073709551615";
    const TIME: &str = "expected a whole number of milliseconds, as 100 or 100ms, or of seconds, \
                        as 2s, or a range of them, as 10..50";
    const MOST: &str = "expected at most 18446744073709551615 milliseconds";
    const PERCENT: &str = "expected a number from 0 to 100 before `%`";
    const CLOSE: &str = "expected a closing `)` for it";
    const END: &str = "expected `->` and another alternative, or the end";
    let cases: &[(&str, String)] = &[
        ("", EMPTY.to_owned()),
        (" \t\n", EMPTY.to_owned()),
        ("retrun", format!(r#"unknown action "retrun" at byte 0 of the actions; {ACTIONS}; did you mean "return"?"#)),
        ("off->2*Pause", format!(r#"unknown action "Pause" at byte 7 of the actions; {ACTIONS}, in lower case; did you mean "pause"?"#)),
        ("return (1)", "unexpected white space at byte 6 of the actions; expected return(..) without white space".to_owned()),
        ("frobnicate", format!(r#"unknown action "frobnicate" at byte 0 of the actions; {ACTIONS}"#)),
        ("5%", format!("no action at byte 2 of the actions; {ACTIONS}")),
        ("off->", format!("no action after `->` at byte 5 of the actions; {ACTIONS}")),
        ("off->->off", format!("no action after `->` at byte 5 of the actions; {ACTIONS}")),
        ("->off", format!("no action before `->` at byte 0 of the actions; {ACTIONS}")),
        ("return(a", format!(r#"unclosed parenthesis "(a" at byte 6 of the actions; {CLOSE}"#)),
        ("return((a)", format!(r#"unclosed parenthesis "((a)" at byte 6 of the actions; {CLOSE}"#)),
        ("return(a)b->off", format!(r#"unexpected text "b->off" at byte 9 of the actions; {END}"#)),
        ("return(a))", format!(r#"unexpected text ")" at byte 9 of the actions; {END}"#)),
        ("sleep", r#"no time for "sleep" at byte 0 of the actions; expected sleep(N) with N in milliseconds"#.to_owned()),
        ("1*delay", r#"no time for "delay" at byte 2 of the actions; expected delay(N) with N in milliseconds"#.to_owned()),
        ("sleep()", format!("bad time at byte 6 of the actions; {TIME}")),
        ("sleep(-1)", format!(r#"bad time "-1" at byte 6 of the actions; {TIME}"#)),
        ("sleep(18446744073709551616)", format!(r#"too long a time "18446744073709551616" at byte 6 of the actions; {MOST}"#)),
        ("delay(18446744073709552s)", format!(r#"too long a time "18446744073709552s" at byte 6 of the actions; {MOST}"#)),
        ("-5%return", format!(r#"bad percentage "-5" at byte 0 of the actions; {PERCENT}"#)),
        ("nan%return", format!(r#"bad percentage "nan" at byte 0 of the actions; {PERCENT}"#)),
        ("inf%return", format!(r#"bad percentage "inf" at byte 0 of the actions; {PERCENT}"#)),
        ("off->1e400%return", format!(r#"bad percentage "1e400" at byte 5 of the actions; {PERCENT}"#)),
        ("%return", format!("bad percentage at byte 0 of the actions; {PERCENT}")),
        ("x*return", format!(r#"bad number "x" at byte 0 of the actions; {COUNT}"#)),
        ("5%*return", format!("bad number at byte 2 of the actions; {COUNT}")),
        ("18446744073709551616*off", format!(r#"too large a number "18446744073709551616" at byte 0 of the actions; {COUNT}"#)),
        ("3*5%return", r#"misplaced conditions "3*5%" at byte 0 of the actions; expected the percentage first, then the count, then the action, without white space: 5%3*return"#.to_owned()),
    ];
    for (actions, expected) in cases {
        assert_eq!(&refused(actions), expected, "{actions:?}");
    }
}

/// The position that an error names, what it is about, and what would be right.
#[test]
fn a_wrong_order_or_sign_is_named_with_the_right_one() {
    let _alone = isolate();
    const NEXT: &str = "`->` between two alternatives";
    const END: &str = "`->` and another alternative, or the end";
    const ENTRIES: &str = "`;` is between entries of FAILPOINTS";
    const NEXT_ENTRY: &str = "`;` before the next entry of FAILPOINTS";
    let cases: &[(&str, &str, usize, &str)] = &[
        // Conditions: the order, the sign, the side, the space.
        ("5*50%return", "5*50%", 0, "50%5*return"),
        ("off->5*50%sleep(1)", "5*50%", 5, "50%5*sleep"),
        (
            "2return",
            "2",
            0,
            "2*return for at most 2 times, or 2%return",
        ),
        (
            "50 return",
            "50",
            0,
            "50*return for at most 50 times, or 50%return",
        ),
        ("1*off->2 panic(x)", "2", 7, "2*panic"),
        ("0.5return", "0.5", 0, "expected 0.5%return"),
        (
            "500return",
            "500",
            0,
            "expected 500*return for at most 500 times",
        ),
        ("%50 return", "%50", 0, "50%return"),
        ("%50return", "%50", 0, "50%return"),
        ("*2 off", "*2", 0, "2*off"),
        ("*2%50return", "*2%50", 0, "50%2*return"),
        ("50 %return", "50 %", 0, "50%return"),
        ("50% return", "50%", 0, "50%return"),
        ("50% 2* return", "50% 2*", 0, "50%2*return"),
        ("5 * pause", "5 *", 0, "5*pause"),
        ("return*2", "*", 6, "2*return"),
        ("return%50", "%", 6, "50%return"),
        ("return 50%", "50%", 7, "50%return"),
        ("sleep(5)*3", "*", 8, "3*.."),
        ("sleep(5) 50%", "50%", 9, "50%.."),
        ("2*3*return", "2*3*", 0, "one count at most"),
        ("off->5%5%return", "5%5%", 5, "one percentage at most"),
        ("5**return", "5**", 0, "one count at most"),
        (",off", ",", 0, "off with nothing but conditions before it"),
        ("off->=return", "=", 5, "return with nothing"),
        ("[return]", "[", 0, "return with nothing"),
        // Between alternatives, and at the end.
        ("return,off", ",", 6, NEXT),
        ("return, off", ",", 6, NEXT),
        ("return(1),off", ",", 9, NEXT),
        ("off|return", "|", 3, NEXT),
        ("off || return", "||", 4, NEXT),
        ("off=>return", "=>", 3, NEXT),
        ("off>return(x)", ">", 3, NEXT),
        ("off\u{2192}return", "\u{2192}", 3, NEXT),
        ("off-return", "-", 3, NEXT),
        ("1*off 2*return", "2*return", 6, NEXT),
        ("1*off\n2*return", "2*return", 6, NEXT),
        ("off off", "off", 4, NEXT),
        (
            "return off",
            "off",
            7,
            "`->` between two alternatives, or an argument in parentheses",
        ),
        ("return;off", ";", 6, ENTRIES),
        ("return(1);off", ";", 9, ENTRIES),
        ("pause;", ";", 5, ENTRIES),
        ("return(1);", ";", 9, ENTRIES),
        ("pause,", ",", 5, END),
        ("pause.", ".", 5, END),
        ("return-", "-", 6, END),
        ("off)", ")", 3, END),
        // Another entry.
        ("off,other=off", ",", 3, NEXT_ENTRY),
        ("return(1), other=off", ",", 9, NEXT_ENTRY),
        ("off;other=off", ";", 3, NEXT_ENTRY),
        (
            "off->other=off",
            "other=",
            5,
            ENTRIES.split_once(" is").unwrap().0,
        ),
        ("errors=return", "errors=", 0, "a call has the name apart"),
        (
            "sleep-here=off",
            "sleep-here=",
            0,
            "a call has the name apart",
        ),
        // Arguments.
        ("return 5", "5", 7, "return(5)"),
        ("return no space", "no space", 7, "return(no space)"),
        ("return=5", "=5", 6, "return(5)"),
        ("return:5", ":5", 6, "return(5)"),
        ("return[5]", "[5]", 6, "return(5)"),
        ("return{5}", "{5}", 6, "return(5)"),
        ("panic \"no luck\"", "\"no luck\"", 6, "panic(no luck)"),
        ("print a=b", "a=b", 6, "print(a=b)"),
        ("sleep 5", "5", 6, "sleep(5)"),
        ("sleep=5", "=5", 5, "sleep(5)"),
        ("sleep5", "5", 5, "sleep(5)"),
        ("sleep-5", "-5", 5, "sleep(5)"),
        ("sleep 5)", "5)", 6, "sleep(5)"),
        ("sleep<5>", "<5>", 5, "sleep(5)"),
        (
            "sleep 5m",
            "5m",
            6,
            "sleep(..) with a whole number of milliseconds",
        ),
        ("exit 3000", "3000", 5, "exit(status)"),
        ("return Err(x)", "Err", 7, "return(Err..)"),
        ("sleep 5ms", "5ms", 6, "sleep(5ms)"),
        ("Sleep 5ms", "5ms", 6, "sleep(5ms)"),
        ("2*slep 10..50", "10..50", 7, "sleep(10..50)"),
        ("delay 1s", "1s", 6, "delay(1s)"),
        ("exit 3", "3", 5, "exit(3)"),
        (
            "pause 5",
            "5",
            6,
            "`pause` alone: it has none; did you mean \"sleep(5)\"?",
        ),
        ("yield now", "now", 6, "`yield` alone: it has none"),
        ("'return'", "'", 0, "without quotes"),
        ("\"return(5)\"", "\"", 0, "without quotes"),
        // `when(..)` comes first, and once.
        ("50%when(k=v)return", "when", 3, "first: when(..)50%"),
        ("5*50%when(k=v)return", "when", 5, "first: when(..)50%5*"),
        ("off->2*when(k=v)return", "when", 7, "first: when(..)2*"),
        ("return when(k=v)", "when", 7, "first"),
        ("return(1) when(k=v)", "when", 10, "first"),
        ("return(1)when(k=v)", "when", 9, "first"),
        ("return(1),when(k=v)off", ",", 9, NEXT),
        ("when (k=v)return", "when", 0, "without white space"),
        ("When(k=v)return", "When", 0, "in lower case"),
        ("when k=v return", "when", 0, "when(key=regex)"),
    ];
    for (actions, word, position, right) in cases {
        let error = refused(actions);
        let (problem, expected) = error
            .split_once("; expected ")
            .unwrap_or_else(|| panic!("{error}"));
        let place = format!(" {word:?} at byte {position} of the actions");
        let is_named = problem.ends_with(&place);
        assert!(is_named, "{actions:?}: {error}\nis without\n{place}");
        assert!(
            format!("expected {expected}").contains(right),
            "{actions:?}: {error}\nis without\n{right}"
        );
        assert!(!error.contains('\n'));
    }
}

#[test]
fn a_word_for_an_action_is_answered_with_that_action() {
    let _alone = isolate();
    for (actions, meant) in [
        ("PAUSE", "pause"),
        ("RETURN(5)", "return"),
        ("Exit", "exit"),
        ("wait", "pause"),
        ("WAIT", "pause"),
        ("waits", "pause"),
        ("2*await", "pause"),
        ("wait(100)", "sleep(100)"),
        ("wait(1s)", "sleep(1000)"),
        ("block", "pause"),
        ("error(x)", "return"),
        ("err", "return"),
        ("noop", "off"),
        ("abort", "exit"),
        ("log(x)", "print"),
        ("yeild", "yield"),
    ] {
        let error = refused(actions);
        let answer = format!("; did you mean \"{meant}\"?");
        assert!(error.starts_with("unknown action"), "{actions}: {error}");
        assert!(error.ends_with(&answer), "{actions}: {error}");
        let is_in_capitals = actions.eq_ignore_ascii_case(meant) || actions == "RETURN(5)";
        assert_eq!(error.contains("in lower case"), is_in_capitals, "{error}");
    }
    for nothing in ["foo", "x", "b", "retrieve", "frobnicate", "\u{e9}\u{e9}"] {
        let error = refused(nothing);
        assert!(!error.contains("did you mean"), "{nothing}: {error}");
    }
}

#[test]
fn an_action_without_an_argument_refuses_one() {
    let _alone = isolate();
    for (actions, argument, position) in [
        ("off(x)", "x", 4),
        ("off->2*pause(a b)", "a b", 13),
        ("yield(())", "()", 6),
    ] {
        let word = actions.rsplit(['*', '>']).next().unwrap();
        let word = word.split('(').next().unwrap();
        assert_eq!(
            refused(actions),
            format!(
                "unexpected argument {argument:?} at byte {position} of the actions; expected \
                 `{word}` alone: it has none"
            )
        );
    }
    // Who pauses for a time wants to sleep.
    for (actions, meant) in [
        ("pause(5)", Some("sleep(5)")),
        ("pause(1s)", Some("sleep(1000)")),
        ("pause(10..50)", Some("sleep(10..50)")),
        ("yield(5)", None),
        ("off(5)", None),
    ] {
        let end = match meant {
            Some(meant) => format!("it has none; did you mean \"{meant}\"?"),
            None => "it has none".to_owned(),
        };
        let error = refused(actions);
        assert!(error.ends_with(&end), "{error}");
    }
}

#[test]
fn a_time_or_a_status_that_is_none_is_refused_with_what_is_one() {
    let _alone = isolate();
    const TIME: &str = "a whole number of milliseconds, as 100 or 100ms, or of seconds, as 2s, or a \
                        range of them, as 10..50";
    for word in ["sleep", "delay"] {
        for bad in [
            "x", "1m", "1min", "2h", "5us", "1S", "5MS", "0.5s", "1 s", " 5", "s", "ms", "1sms",
            "10..", "..50", "..", "10..x", "10...50", "10..=50", "10-50", "1..2..3", "-1s",
            "1,000", "5..-1",
        ] {
            let error = refused(&format!("off->{word}({bad})"));
            let place = format!("bad time {bad:?} at byte 11 of the actions; expected {TIME}");
            assert_eq!(error, place);
        }
        for (bad, what, expected) in [
            ("50..10", "a range that ends before it begins", "10..50"),
            (
                "2s..100ms",
                "a range that ends before it begins",
                "100..2000",
            ),
            ("1..2s", "a range with a unit at one end", "10ms..2s"),
            ("10ms..50", "a range with a unit at one end", "10..50"),
        ] {
            let error = refused(&format!("{word}({bad})"));
            let what = format!("{what} {bad:?} at byte 6 of the actions; expected ");
            assert!(
                error.starts_with(&what) && error.contains(expected),
                "{error}"
            );
        }
    }
    for bad in [
        "256",
        "300",
        "-1",
        "x",
        "3s",
        "1.0",
        " 3",
        "99999999999999999999",
    ] {
        let expected = format!(
            "bad exit status {bad:?} at byte 5 of the actions; expected a whole number from 0 to 255"
        );
        assert_eq!(refused(&format!("exit({bad})")), expected);
    }
}

/// What a person writes who knows another language, and what would be compiled and match nothing.
#[cfg(feature = "context")]
#[test]
fn a_matcher_that_is_none_is_refused_with_what_is_one() {
    let _alone = isolate();
    const KEY: &str = "key=regex, key!=regex or key=\"regex\"";
    const WORD: &str = "a key is a word of letters, digits, `_`, `-` and `.`, or in double quotes";
    const OTHER: &str = "`,` between two matchers, or double quotes around an expression";
    const SIGN: &str = "`=` or `!=` and then the expression";
    for (actions, word, position, right) in [
        ("when(tenant!)off", "tenant!", 5, KEY),
        ("when(tenant!!=a)off", "tenant!!", 5, "one `!`"),
        ("when(tenant! =a)off", "tenant!", 5, "one `!`"),
        ("when(!tenant=a)off", "!tenant", 5, WORD),
        ("when(a b=c)off", "a b", 5, WORD),
        ("when('k'=a)off", "'k'", 5, WORD),
        ("when(k~=a)off", "k~", 5, WORD),
        ("when(k<>a)off", "k<>a", 5, KEY),
        ("when(k:a)off", "k:a", 5, KEY),
        ("when(k ~ a, l=b)off", "k ~ a", 5, KEY),
        ("when(k='a')off", "'a'", 7, "double quotes"),
        ("when(k='a,b')off", "'a", 7, "double quotes"),
        ("when(k!='a')off", "'a'", 8, "double quotes"),
        ("when(k=`a`)off", "`a`", 7, "double quotes"),
        (
            "when(k=\u{201c}a\u{201d})off",
            "\u{201c}a\u{201d}",
            7,
            "double quotes",
        ),
        ("when(k==a)off", "=", 7, SIGN),
        ("when(k!==a)off", "=", 8, SIGN),
        ("when(k=~a)off", "~", 7, SIGN),
        ("when(k=!a)off", "!", 7, SIGN),
        ("when(a=x;b=y)off", "b=y", 9, OTHER),
        ("when(a=x; b!=y)off", "b!=y", 10, OTHER),
        ("when(a=x && b=y)off", "b=y", 12, OTHER),
        ("when(a=x&b=y)off", "b=y", 9, OTHER),
        ("when(a=x b=y)off", "b=y", 9, OTHER),
        ("when(a=x and b = y)off", "b = y", 13, OTHER),
        ("when(a=\"x\";b=\"y\")off", ";b=\"y\"", 10, "`,` or `)`"),
    ] {
        let error = refused(actions);
        let place = format!(" {word:?} at byte {position} of the actions; expected ");
        assert!(
            error.contains(&place) && error.contains(right),
            "{actions}: {error}"
        );
    }
    let error = configure_failpoint_with_context("errors", "off", [("tenant!", "a")]);
    assert_eq!(
        error.unwrap_err().to_string(),
        "failpoint \"errors\": a matcher has a key that ends in `!`, \"tenant!\"; expected the key of a \
         context value, and `when(key!=regex)` in the actions for a value that must not match"
    );
}

#[cfg(feature = "context")]
#[test]
fn bad_matchers_in_a_text_are_named_with_their_byte() {
    let _alone = isolate();
    const KEY: &str = "expected key=regex, key!=regex or key=\"regex\"";
    const WORD: &str = "a key is a word of letters, digits, `_`, `-` and `.`, or in double quotes";
    const CLOSE: &str = "expected a closing `)` for it";
    let cases: &[(&str, String)] = &[
        ("when()off", format!("a matcher without a key and `=` at byte 5 of the actions; {KEY}")),
        ("when(=x)off", format!("a matcher without a key and `=` at byte 5 of the actions; {KEY}")),
        ("when(tenant)off", format!(r#"a matcher without a key and `=` "tenant" at byte 5 of the actions; {KEY}"#)),
        ("when(a=b,)off", format!("a matcher without a key and `=` at byte 9 of the actions; {KEY}")),
        ("when(a=b", format!(r#"unclosed parenthesis "(a=b" at byte 4 of the actions; {CLOSE}"#)),
        ("when(a=\"b)off", "unclosed quote \"\\\"b)off\" at byte 7 of the actions; expected a closing `\"` for it".to_owned()),
        ("when(a=\"b\"c)off", r#"unexpected text "c" at byte 10 of the actions; expected `,` or `)`"#.to_owned()),
        ("off->when(a=[)off", r#"invalid regular expression "[" at byte 12 of the actions; expected a valid one (unclosed character class)"#.to_owned()),
        (r"when(a=\w{140})off", r#"a regular expression that needs too much memory "\\w{140}" at byte 7 of the actions; expected a smaller one (it needs more than 1 MiB once compiled)"#.to_owned()),
        (r"when(a\=b)off", format!(r#"a bad key "a\\" at byte 5 of the actions; {KEY}; {WORD}"#)),
        ("when(a=b)", format!("no action at byte 9 of the actions; {ACTIONS}")),
        ("when(a=b)when(c=d)off", "misplaced \"when\" at byte 9 of the actions; expected `when(..)` once, and first: when(..,..) with a comma between its matchers".to_owned()),
    ];
    for (actions, expected) in cases {
        assert_eq!(&refused(actions), expected, "{actions:?}");
    }
}

#[cfg(feature = "context")]
#[test]
fn bad_matchers_of_a_call_are_named_by_their_key() {
    let _alone = isolate();
    let name = "errors-matchers";
    configure_failpoint(name, "off").unwrap();
    let refused = |key: &str, regex: &str| {
        let matchers = [("fine", ".*"), (key, regex)];
        let error = configure_failpoint_with_context(name, "pause", matchers);
        assert_eq!(listed(name).as_deref(), Some("off"));
        error.unwrap_err().to_string()
    };
    assert_eq!(
        refused("tenant", "a)|(b"),
        r#"failpoint "errors-matchers": the matcher for key "tenant" is not a regular expression: "a)|(b": unopened group"#
    );
    assert_eq!(
        refused("tenant", r"\w{140}"),
        r#"failpoint "errors-matchers": the matcher for key "tenant" needs too much memory: "\\w{140}": it needs more than 1 MiB once compiled; expected a smaller one"#
    );
    assert_eq!(
        refused("", "x"),
        r#"failpoint "errors-matchers": a matcher has an empty key; expected the key of a context value"#
    );
    assert_eq!(
        refused(r"a\", "x"),
        r#"failpoint "errors-matchers": a matcher has a key that ends in a backslash, "a\\"; expected the key of a context value"#
    );
}

#[cfg(not(feature = "context"))]
#[test]
fn matchers_name_the_feature_that_they_need() {
    let _alone = isolate();
    let needs = "a context matcher needs the feature `context` of neon_failpoint, and this build is without it";
    assert_eq!(refused("when(a=b)off"), needs);
    let error = configure_failpoint_with_context("errors-feature", "off", [("a", "b")]);
    assert_eq!(
        error.unwrap_err().to_string(),
        format!("failpoint \"errors-feature\": {needs}")
    );
    configure_failpoint_with_context("errors-feature", "off", [("", ""); 0]).unwrap();
}

#[test]
fn an_empty_name_is_refused_everywhere() {
    let _alone = isolate();
    const TEXT: &str = "the name is empty; expected the name of a failpoint";
    assert_eq!(
        configure_failpoint("", "off").unwrap_err().to_string(),
        TEXT
    );
    assert_eq!(
        configure_failpoint_callback("", || {})
            .unwrap_err()
            .to_string(),
        TEXT
    );
    assert_eq!(
        configure_failpoints([("", "off")]).unwrap_err().to_string(),
        format!("entry 1 of the batch: {TEXT}")
    );
}

/// I7: a batch takes effect whole or not at all.
#[test]
fn a_bad_batch_changes_nothing_and_names_its_entry() {
    let _alone = isolate();
    configure_failpoint("errors-batch-a", "return(before)").unwrap();
    let refused = |batch: Vec<FailpointConfig>| {
        let error = configure_failpoints(batch).unwrap_err().to_string();
        assert_eq!(listed("errors-batch-a").as_deref(), Some("return(before)"));
        assert_eq!(listed("errors-batch-b"), None);
        error
    };
    assert_eq!(
        refused(vec![
            ("errors-batch-a", "off").into(),
            ("errors-batch-b", "off->sleep(x)").into(),
        ]),
        "entry 2 of the batch: failpoint \"errors-batch-b\": bad time \"x\" at byte 11 of the \
         actions; expected a whole number of milliseconds, as 100 or 100ms, or of seconds, as 2s, or a \
         range of them, as 10..50"
    );
    assert_eq!(
        refused(vec![
            ("errors-batch-b", "off").into(),
            ("errors-batch-a", "off").into(),
            ("errors-batch-b", "pause").into(),
        ]),
        "entry 3 of the batch: failpoint \"errors-batch-b\": entry 1 configures the same name; \
         expected each name once"
    );
    assert_eq!(
        refused(vec![
            ("errors-batch-b", "off").into(),
            ("errors-batch-a", "off", [("", "x")]).into(),
        ]),
        "entry 2 of the batch: failpoint \"errors-batch-a\": a matcher has an empty key; expected \
         the key of a context value"
    );
    let empty: [FailpointConfig; 0] = [];
    configure_failpoints(empty).unwrap();
}

#[test]
fn a_megabyte_of_anything_is_an_error_of_one_line() {
    let _alone = isolate();
    let deep = "(".repeat(1 << 20);
    for actions in [
        deep.clone(),
        format!("return{deep}"),
        format!("when(a={deep}"),
        format!("when(a=b){deep}"),
        format!("when(a={}", "[".repeat(1 << 20)),
        format!("when({}", "k".repeat(1 << 20)),
        format!("when(a='{}", "\n".repeat(1 << 20)),
        "a".repeat(1 << 20),
        format!("{}return", "9".repeat(1 << 20)),
        format!("{}return", "0".repeat(1 << 20)),
        format!("%{}return", "0".repeat(1 << 20)),
        format!("{}%when(a=b)off", "0".repeat(1 << 20)),
        format!("return {}%", "0".repeat(1 << 20)),
        format!("sleep {}", "0".repeat(1 << 20)),
        format!("return{}", " a".repeat(1 << 19)),
        format!("sleep({})", "0".repeat(1 << 20) + "x"),
        format!("exit({})", "9".repeat(1 << 20)),
        format!("pause({})", "9".repeat(1 << 20)),
        format!("off{}", ",".repeat(1 << 20)),
        format!("off(){}off", ", ".repeat(1 << 19)),
    ] {
        let error = refused(&actions);
        assert!(error.len() < 300 && !error.contains('\n'), "{error}");
    }
    // Closed, they are an argument like any other.
    let balanced = format!("return{deep}{}", ")".repeat(1 << 20));
    configure_failpoint("errors-deep", &balanced).unwrap();
    assert_eq!(listed("errors-deep"), Some(balanced));
}

/// What is quadratic takes an hour here.
#[test]
fn a_megabyte_of_alternatives_is_read_at_once() {
    let _alone = isolate();
    let drawing = "5%off->".repeat(150_000) + "pause";
    configure_failpoint("errors-long", &drawing).unwrap();
    assert_eq!(listed("errors-long"), Some(drawing));
    let mut chain = "off->".repeat(200_000) + "pause";
    configure_failpoint("errors-long", &chain).unwrap();
    assert_eq!(listed("errors-long").as_deref(), Some(&*chain));
    chain.push_str("->of");
    let error = configure_failpoint("errors-long", &chain)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("unknown action \"of\" at byte 1000007 of the actions"),
        "{error}"
    );
}
