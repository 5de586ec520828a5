//! The grammar of actions: what `fail` 0.5.1 accepts means the same here, and what is
//! listed configures the same again.

use neon_failpoint::{
    FailpointResult, configure_failpoint, failpoint_blocking, isolate, list_failpoints,
    remove_failpoint,
};
use proptest::prelude::*;

fn listed(name: &str) -> String {
    let points = list_failpoints();
    let point = points.iter().find(|p| p.name() == name);
    let actions = point.and_then(|p| p.actions());
    actions.expect("configured").to_owned()
}

fn canonical(name: &str, actions: &str) -> String {
    configure_failpoint(name, actions).unwrap();
    listed(name)
}

#[test]
fn every_action_and_every_condition_is_understood() {
    let _alone = isolate();
    for (actions, expected) in [
        ("off", "off"),
        ("return", "return"),
        ("return()", "return()"),
        ("return( a b )", "return( a b )"),
        ("sleep(10)", "sleep(10)"),
        ("sleep(+10)", "sleep(10)"),
        ("sleep(18446744073709551615)", "sleep(18446744073709551615)"),
        ("pause", "pause"),
        ("panic(oh (no))", "panic(oh (no))"),
        ("print(a->b;c,d)", "print(a->b;c,d)"),
        ("yield", "yield"),
        ("delay(0)", "delay(0)"),
        ("sleep(250ms)", "sleep(250)"),
        ("sleep(1s)", "sleep(1000)"),
        ("sleep(0s)", "sleep(0)"),
        ("sleep(+2s)", "sleep(2000)"),
        ("sleep(10..50)", "sleep(10..50)"),
        ("sleep(10ms..50ms)", "sleep(10..50)"),
        ("sleep(500ms..2s)", "sleep(500..2000)"),
        ("sleep(1s..2s)", "sleep(1000..2000)"),
        ("sleep(5..5)", "sleep(5)"),
        ("delay(250ms)", "delay(250)"),
        ("3*delay(1..2)", "3*delay(1..2)"),
        (
            "sleep(0..18446744073709551615)",
            "sleep(0..18446744073709551615)",
        ),
        ("exit", "exit"),
        ("exit()", "exit"),
        ("exit(1)", "exit"),
        ("exit(0)", "exit(0)"),
        ("exit(3)", "exit(3)"),
        ("50%exit(255)", "50%exit(255)"),
        // Parentheses may stay, but what an action does not take is an error.
        ("off()", "off"),
        ("pause()", "pause"),
        ("yield( )", "yield"),
        ("5%3*return(1)", "5%3*return(1)"),
        ("0.5%off", "0.5%off"),
        (".5%off", "0.5%off"),
        ("1e1%off", "10%off"),
        ("125%off", "125%off"),
        ("0*off", "0*off"),
        ("+2*off", "2*off"),
        ("  1*off  ->\n 2*return ->pause\t", "1*off->2*return->pause"),
    ] {
        assert_eq!(canonical("grammar-tasks", actions), expected, "{actions}");
    }
}

#[cfg(feature = "context")]
#[test]
fn matchers_are_listed_sorted_and_quoted() {
    let _alone = isolate();
    for (actions, expected) in [
        ("when(b=x,a=y)off", r#"when(a="y",b="x")off"#),
        (
            r#"when( a = x.* , "b c" = "p,q[)]" ) 5%2*pause->off"#,
            r#"when(a="x.*","b c"="p,q[)]")5%2*pause->off"#,
        ),
        (r#"when(a=(x|y),b="\"")off"#, r#"when(a="(x|y)",b="\"")off"#),
        // One key twice: both have to match.
        ("when(a=x.*,a=.*y)off", r#"when(a="x.*",a=".*y")off"#),
        // A backslash at the end would escape the quote.
        (r"when(a=x\\)off", r#"when(a="(?:x\\)")off"#),
        (r#"when(a="\d+")off"#, r#"when(a="\d+")off"#),
        ("when(a=)off", r#"when(a="")off"#),
        ("when(b=x,a!=y)off", r#"when(a!="y",b="x")off"#),
        (
            r#"when( a != x.* , "b c"!="y" )off"#,
            r#"when(a!="x.*","b c"!="y")off"#,
        ),
        ("when(a!=x,a=.*y)off", r#"when(a!="x",a=".*y")off"#),
        (
            "when(a=b{1,2},c=[,)])off",
            r#"when(a="b{1,2}",c="[,)]")off"#,
        ),
        (r"when(a=\(,b=\))off", r#"when(a="\(",b="\)")off"#),
    ] {
        let first = canonical("grammar-matchers", actions);
        assert_eq!(first, expected, "{actions}");
        assert_eq!(canonical("grammar-matchers", &first), first, "{actions}");
    }
}

/// Texts of the grammar, half of them with something foreign in them.
fn actions() -> impl Strategy<Value = String> {
    let words = |words: &'static [&'static str]| prop::sample::select(words);
    let alternative = (
        words(&["", "", "", "0%", "100%", "125%", "+100%", "1e39%"]),
        words(&["", "", "0*", "1*", "3*", "+2*"]),
        words(&[
            "off", "return", "print", "yield", "off", "return", "sleep", "delay", "pause",
        ]),
        words(&[
            "", "", "", "", "", "", "", "", "()", "()", "( )", "(a)", "(b(c)d)", "(1)", "(a)(b)",
            ")(",
        ]),
        words(&["", "", " ", "\n"]),
    );
    let alternative = alternative.prop_map(|(percent, count, action, argument, space)| {
        format!("{space}{percent}{count}{action}{argument}{space}")
    });
    let text = prop::collection::vec(alternative, 1..4).prop_map(|all| all.join("->"));
    let foreign = prop_oneof![
        3 => Just(String::new()),
        2 => words(&["(", ")", "->", "%", "*", " ", "x", ";", ","]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    (text, foreign, any::<prop::sample::Index>()).prop_map(|(mut text, foreign, at)| {
        let places: Vec<usize> = text.char_indices().map(|(i, _)| i).collect();
        text.insert_str(places[at.index(places.len())], &foreign);
        text
    })
}

/// Anything that could be of a configuration, in any order.
fn words_and_signs() -> impl Strategy<Value = String> {
    let part = prop::sample::select(&[
        "off", "return", "sleep", "pause", "PAUSE", "exit", "wait", "when", "when(", "k", "a",
        "x=", "5", "50", "2.5", "ms", "s", "..", "%", "*", "->", "-", ">", ",", ";", "=", "!=",
        "!", "|", "&", "(", ")", "[", "]", "{", "}", "\"", "'", "\\", " ", "\n", "\u{e9}",
        "\u{2192}", "\u{663}", "\u{a0}",
    ]);
    prop::collection::vec(part, 0..10).prop_map(|parts| parts.concat())
}

/// Whether the text is excepted: `fail` takes any argument that ends in a parenthesis, ignores one
/// where an action takes none, and takes infinity as a percentage.
fn is_excepted(text: &str) -> bool {
    let unbalanced = text.split("->").any(|alternative| {
        let Some((_, rest)) = alternative.split_once('(') else {
            return false;
        };
        let argument = rest.trim_end().strip_suffix(')').unwrap_or(rest);
        let mut depth = 0_i64;
        let dips = argument.chars().any(|c| {
            depth += i64::from(c == '(') - i64::from(c == ')');
            depth < 0
        });
        dips || depth != 0
    });
    let ignored = text.split("->").any(|alternative| {
        let Some((head, rest)) = alternative.split_once('(') else {
            return false;
        };
        let argument = rest.trim_end().strip_suffix(')').unwrap_or(rest);
        let takes_none = ["off", "pause", "yield"].iter().any(|w| head.ends_with(w));
        takes_none && !argument.trim().is_empty()
    });
    let infinite = percentages(text).any(|percent| !percent.is_finite() || percent < 0.0);
    unbalanced || ignored || infinite
}

fn percentages(text: &str) -> impl Iterator<Item = f32> {
    let heads = text.split("->").filter_map(|a| a.split_once('%'));
    heads.map(|(percent, _)| percent.trim_start().parse().unwrap_or(0.0))
}

/// Whether a hit depends on luck: eight in a row say nothing then.
fn is_drawn(text: &str) -> bool {
    percentages(text).any(|percent| percent > 0.0 && percent < 100.0)
}

/// What eight hits in a row give. A nested `Option`: no return, a bare one, a value.
fn eight_hits(hit: impl Fn() -> Option<String>) -> Vec<Option<String>> {
    (0..8).map(|_| hit()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn what_fail_accepts_means_the_same(text in actions()) {
        let _alone = isolate();
        let name = "grammar-as-fail";
        let theirs = fail::cfg(name, &text);
        if is_excepted(&text) {
            return Ok(());
        }
        if theirs.is_ok() {
            let ours = configure_failpoint(name, &text);
            prop_assert!(ours.is_ok(), "{text:?}: {}", ours.unwrap_err());
            let can_wait = ["sleep", "delay", "pause", "panic"].iter().any(|w| text.contains(w));
            if !can_wait && !is_drawn(&text) {
                let theirs = eight_hits(|| fail::eval(name, Option::unwrap_or_default));
                let ours = eight_hits(|| match failpoint_blocking(name, None) {
                    FailpointResult::Return(value) => Some(value),
                    FailpointResult::Continue | FailpointResult::Cancelled => None,
                });
                prop_assert_eq!(ours, theirs, "{:?}", text);
            }
        }
    }

    #[test]
    fn no_row_of_words_and_signs_panics_and_an_error_names_a_place_in_it(text in words_and_signs()) {
        let _alone = isolate();
        let name = "grammar-signs";
        match configure_failpoint(name, &text) {
            Ok(()) => {
                let first = listed(name);
                prop_assert_eq!(canonical(name, &first), first);
            }
            Err(error) => {
                let error = error.to_string();
                prop_assert!(!error.contains('\n') && error.len() < 400, "{error}");
                let place = error.split_once(" at byte ").and_then(|(_, rest)| rest.split_once(' '));
                let place = place.map(|(place, _)| place.parse::<usize>().unwrap());
                let is_empty = error.contains("the actions are empty");
                let is_inside = place.map_or(is_empty, |at| text.is_char_boundary(at));
                // A build without `context` names that.
                prop_assert!(is_inside || error.contains("feature"), "{text:?}: {error}");
            }
        }
    }

    #[test]
    fn no_text_panics_and_what_is_listed_configures_the_same(text in actions()) {
        let _alone = isolate();
        let name = "grammar-round-trip";
        match configure_failpoint(name, &text) {
            Ok(()) => {
                let first = listed(name);
                prop_assert_eq!(canonical(name, &first), first);
                remove_failpoint(name);
            }
            Err(error) => prop_assert!(!error.to_string().contains('\n')),
        }
    }
}

/// Texts of the native grammar alone: matchers, times, statuses.
#[cfg(feature = "context")]
fn native_actions() -> impl Strategy<Value = String> {
    let words = |words: &'static [&'static str]| prop::sample::select(words);
    let regex = prop_oneof![
        8 => words(&[
            "", "a", "a|b", "a{1,2}", "[,]", "[])]", "[^])]+", "[a[)]]", "[[:alpha:],]", "(a,b)",
            r"\(", r"\)", r"\]", r"\,", r"\\", "(?i)a;b", "\"a,b\"", r#""\"[)]""#,
        ])
        .prop_map(str::to_owned),
        1 => words(&["\"[\"", "'a'", "[", "(", "a{", "=a", "a;b=c"]).prop_map(str::to_owned),
        // Anything in quotes, and anything at all.
        1 => "[a-z,;=!\\]\\[(){}\\\\ ]{0,6}".prop_map(|text| format!("\"{text}\"")),
        1 => "[a-c,;=!\\]\\[(){}\\\\]{0,6}",
    ];
    let key = words(&[
        "a", "b-1", "\"a b\"", "c.d", "a", "b", "c", "d", "\"=\"", "a!",
    ]);
    let sign = words(&["=", "!=", " = ", "!= "]);
    let matcher = (key, sign, regex).prop_map(|(key, sign, regex)| format!("{key}{sign}{regex}"));
    let when = prop::collection::vec(matcher, 0..3).prop_map(|matchers| match matchers.len() {
        0 => String::new(),
        _ => format!("when({})", matchers.join(",")),
    });
    let action = words(&[
        "off",
        "sleep(5)",
        "sleep(1s)",
        "sleep(10..50)",
        "sleep(5ms..1s)",
        "delay(3..3)",
        "delay(1..2)",
        "exit",
        "exit(0)",
        "exit(255)",
        "return(a->b)",
        "pause()",
        "2*off",
        "50%3*print",
    ]);
    let alternative = (when, action).prop_map(|(when, action)| format!("{when}{action}"));
    prop::collection::vec(alternative, 1..4).prop_map(|all| all.join("->"))
}

#[cfg(feature = "context")]
proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn what_is_listed_of_matchers_times_and_statuses_configures_the_same(text in native_actions()) {
        let _alone = isolate();
        let name = "grammar-native";
        match configure_failpoint(name, &text) {
            Ok(()) => {
                let first = listed(name);
                prop_assert_eq!(canonical(name, &first), first);
            }
            Err(error) => prop_assert!(!error.to_string().contains('\n')),
        }
    }
}

/// The properties above are worth something only if both outcomes are common.
#[test]
fn the_generated_texts_are_accepted_and_refused_often_enough() {
    let _alone = isolate();
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut accepted = |texts: &dyn Fn(&mut TestRunner) -> String| {
        let accepted = (0..2_000)
            .map(|_| texts(&mut runner))
            .filter(|text| configure_failpoint("grammar-share", text).is_ok())
            .count();
        assert!(
            (400..1_600).contains(&accepted),
            "{accepted} of 2,000 accepted"
        );
    };
    accepted(&|runner| actions().new_tree(runner).unwrap().current());
    #[cfg(feature = "context")]
    accepted(&|runner| native_actions().new_tree(runner).unwrap().current());
}
