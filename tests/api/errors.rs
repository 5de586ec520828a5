//! What is refused, how the error says it, and that nothing changed.

use crate::common::actions as listed;
use neon_failpoint::{
    FailpointConfig, configure_failpoint, configure_failpoint_callback,
    configure_failpoint_with_context, configure_failpoints, isolate,
};

const TASKS: &str = "expected one of off, return, sleep, pause, panic, print, yield, delay, exit";
const EMPTY: &str =
    r#"the actions are empty; expected [p%][n*]task[(argument)], "off" to do nothing"#;

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
    const MILLIS: &str =
        "expected a time in milliseconds: a whole number from 0 to 18446744073709551615";
    const PERCENT: &str = "expected a number from 0 to 100 before `%`";
    const CLOSE: &str = "expected a closing `)` for it";
    const END: &str = "expected `->` and another alternative, or the end";
    let cases: &[(&str, String)] = &[
        ("", EMPTY.to_owned()),
        (" \t\n", EMPTY.to_owned()),
        ("retrun", format!(r#"unknown task "retrun" at byte 0 of the actions; {TASKS}; did you mean "return"?"#)),
        ("off->2*Pause", format!(r#"unknown task "Pause" at byte 7 of the actions; {TASKS}; did you mean "pause"?"#)),
        ("return (1)", format!(r#"unknown task "return " at byte 0 of the actions; {TASKS}; did you mean "return"?"#)),
        ("frobnicate", format!(r#"unknown task "frobnicate" at byte 0 of the actions; {TASKS}"#)),
        ("5%", format!("no task at byte 2 of the actions; {TASKS}")),
        ("off->", format!("no task at byte 5 of the actions; {TASKS}")),
        ("->off", format!("no task at byte 0 of the actions; {TASKS}")),
        ("return(a", format!(r#"unclosed parenthesis "(a" at byte 6 of the actions; {CLOSE}"#)),
        ("return((a)", format!(r#"unclosed parenthesis "((a)" at byte 6 of the actions; {CLOSE}"#)),
        ("return(a)b->off", format!(r#"unexpected text "b->off" at byte 9 of the actions; {END}"#)),
        ("return(a))", format!(r#"unexpected text ")" at byte 9 of the actions; {END}"#)),
        ("sleep", r#"no time for "sleep" at byte 0 of the actions; expected sleep(N) with N in milliseconds"#.to_owned()),
        ("1*delay", r#"no time for "delay" at byte 2 of the actions; expected delay(N) with N in milliseconds"#.to_owned()),
        ("sleep()", format!("bad number at byte 6 of the actions; {MILLIS}")),
        ("sleep(1s)", format!(r#"bad number "1s" at byte 6 of the actions; {MILLIS}"#)),
        ("sleep(-1)", format!(r#"bad number "-1" at byte 6 of the actions; {MILLIS}"#)),
        ("sleep(18446744073709551616)", format!(r#"too large a number "18446744073709551616" at byte 6 of the actions; {MILLIS}"#)),
        ("-5%return", format!(r#"bad percentage "-5" at byte 0 of the actions; {PERCENT}"#)),
        ("nan%return", format!(r#"bad percentage "nan" at byte 0 of the actions; {PERCENT}"#)),
        ("inf%return", format!(r#"bad percentage "inf" at byte 0 of the actions; {PERCENT}"#)),
        ("off->1e400%return", format!(r#"bad percentage "1e400" at byte 5 of the actions; {PERCENT}"#)),
        ("%return", format!("bad percentage at byte 0 of the actions; {PERCENT}")),
        ("x*return", format!(r#"bad number "x" at byte 0 of the actions; {COUNT}"#)),
        ("5%*return", format!("bad number at byte 2 of the actions; {COUNT}")),
        ("18446744073709551616*off", format!(r#"too large a number "18446744073709551616" at byte 0 of the actions; {COUNT}"#)),
        ("3*5%return", format!(r#"bad percentage "3*5" at byte 0 of the actions; {PERCENT}"#)),
    ];
    for (actions, expected) in cases {
        assert_eq!(&refused(actions), expected, "{actions:?}");
    }
}

#[cfg(feature = "context")]
#[test]
fn bad_matchers_in_a_text_are_named_with_their_byte() {
    let _alone = isolate();
    const KEY: &str = "expected key=regex or key=\"regex\"";
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
        (r"when(a\=b)off", r#"a matcher has a key that ends in a backslash, "a\\" at byte 5 of the actions; expected the key of a context value"#.to_owned()),
        ("when(a=b)", format!("no task at byte 9 of the actions; {TASKS}")),
        ("when(a=b)when(c=d)off", format!(r#"unknown task "when" at byte 9 of the actions; {TASKS}"#)),
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
        refused("", "x"),
        r#"failpoint "errors-matchers": a matcher has an empty key; expected the key of a context value"#
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
        "entry 2 of the batch: failpoint \"errors-batch-b\": bad number \"x\" at byte 11 of the \
         actions; expected a time in milliseconds: a whole number from 0 to 18446744073709551615"
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
fn a_megabyte_of_parentheses_is_an_error_of_one_line() {
    let _alone = isolate();
    let deep = "(".repeat(1 << 20);
    for actions in [
        deep.clone(),
        format!("return{deep}"),
        format!("when(a={deep}"),
        format!("when(a=b){deep}"),
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
        error.contains("unknown task \"of\" at byte 1000007 of the actions"),
        "{error}"
    );
}
