//! Proves which hits a configuration with context matchers takes, what it refuses, and
//! that the listed text configures the same again.
//! Shares the global table: every test has names of its own.

mod common;

use std::collections::{BTreeMap, HashMap};

use common::{assert_stats, info, now};
use neon_failpoint::FailpointResult::{self, Continue, Return};
use neon_failpoint::{
    FailpointConfig, FailpointContext, configure_failpoint, configure_failpoint_with_context,
    configure_failpoints, fail_point_with_context, fail_point_with_context_sync, failpoint,
    failpoint_blocking, failpoint_context,
};

/// What a hit of `name` with this context gives, in every way to make one.
#[track_caller]
fn hit(name: &str, context: Option<&FailpointContext>) -> FailpointResult {
    let result = failpoint_blocking(name, context);
    assert_eq!(now(failpoint(name, context)), result);
    if let Some(context) = context {
        let sync = || {
            fail_point_with_context_sync!(name, context, Return);
            Continue
        };
        let task = async {
            fail_point_with_context!(name, context, Return);
            Continue
        };
        assert_eq!((sync(), now(task)), (result.clone(), result.clone()));
    }
    result
}

/// The value that `name` returns to a hit with these pairs, if it returns.
#[track_caller]
fn value<const N: usize>(name: &str, pairs: [(&str, &str); N]) -> Option<String> {
    match hit(name, Some(&FailpointContext::from_iter(pairs))) {
        Return(value) => Some(value),
        Continue => None,
        FailpointResult::Cancelled => unreachable!(),
    }
}

/// Whether `name` returns to a hit with these pairs.
#[track_caller]
fn takes<const N: usize>(name: &str, pairs: [(&str, &str); N]) -> bool {
    value(name, pairs).is_some()
}

fn actions(name: &str) -> String {
    info(name).unwrap().actions().unwrap().to_owned()
}

// ---- Which hits a matcher takes ----

#[test]
fn a_hit_without_the_key_without_a_context_or_with_an_empty_one_is_not_taken() {
    let name = "context-missing";
    // A regex that matches every value, the empty one included.
    configure_failpoint(name, "when(key=.*)return").unwrap();
    assert_eq!(hit(name, None), Continue);
    assert_eq!(hit(name, Some(&FailpointContext::new())), Continue);
    assert_eq!(hit(name, Some(&failpoint_context! {})), Continue);
    assert!(!takes(name, [("Key", "x")]));
    assert!(!takes(name, [("other", "x"), ("key ", "x"), ("", "x")]));
    assert!(takes(name, [("key", "")]));
    assert!(takes(name, [("other", "x"), ("key", "x")]));
}

#[test]
fn a_configuration_without_matchers_takes_every_hit() {
    let name = "context-none";
    let none: [(&str, &str); 0] = [];
    configure_failpoint_with_context(name, "return", none).unwrap();
    assert_eq!(hit(name, None), Return(String::new()));
    assert!(takes(name, []));
    assert!(takes(name, [("key", "x")]));
    assert_eq!(actions(name), "return");
}

#[test]
fn a_regex_has_to_match_the_whole_value() {
    let name = "context-whole";
    for (regex, taken, not_taken) in [
        (
            "test_.*",
            &["test_", "test_123"][..],
            &["my_test_1", "test"][..],
        ),
        (
            "test",
            &["test"],
            &["test ", "test\n", "\ntest", "testtest", "tes", ""],
        ),
        ("a|ab|b", &["a", "ab", "b"], &["ba", "aab", "abb"]),
        ("", &[""], &[" ", "x"]),
        ("^a$", &["a"], &["ab", "a\n"]),
        ("(?m)^a$", &["a"], &["a\nb", "b\na"]),
        ("(?s).", &["\n", "ü"], &["", "ab"]),
        ("(?i)a(?-i)b", &["Ab", "ab"], &["aB"]),
        (r"\d+", &["0", "17"], &["1.7", "-1"]),
        ("(?x) a b # a comment", &["ab"], &["a b"]),
        ("x*?", &["", "xxx"], &["y"]),
        (r"a\\", &[r"a\"], &["a", r"a\\"]),
    ] {
        configure_failpoint_with_context(name, "return", [("k", regex)]).unwrap();
        for value in taken {
            assert!(takes(name, [("k", value)]), "{regex:?} {value:?}");
        }
        for value in not_taken {
            assert!(!takes(name, [("k", value)]), "{regex:?} {value:?}");
        }
    }
}

#[test]
fn all_matchers_of_an_alternative_have_to_hold() {
    let name = "context-all";
    let check = || {
        assert!(takes(name, [("tenant", "t-1"), ("operation", "backup")]));
        assert!(takes(
            name,
            [("tenant", "t-1"), ("operation", "backup"), ("more", "")]
        ));
        assert!(!takes(name, [("tenant", "t-1"), ("operation", "restore")]));
        assert!(!takes(name, [("tenant", "x-1"), ("operation", "backup")]));
        assert!(!takes(name, [("tenant", "t-1")]));
        assert!(!takes(name, [("operation", "backup")]));
        assert_eq!(
            actions(name),
            r#"when(operation="backup",tenant="t-.*")return"#
        );
    };
    configure_failpoint(name, "when(tenant=t-.*, operation=backup)return").unwrap();
    check();
    // In either way to say so, or half in each.
    let both = [("tenant", "t-.*"), ("operation", "backup")];
    configure_failpoint_with_context(name, "return", both).unwrap();
    check();
    let half = [("operation", "backup")];
    configure_failpoint_with_context(name, "when(tenant=t-.*)return", half).unwrap();
    check();
    // Two conditions on one key.
    configure_failpoint_with_context(name, "when(k=.*a.*)return", [("k", ".*b.*")]).unwrap();
    assert!(takes(name, [("k", "ab")]) && takes(name, [("k", "ba")]));
    assert!(!takes(name, [("k", "a")]) && !takes(name, [("k", "b")]));
}

#[test]
fn alternatives_of_one_name_are_for_different_contexts() {
    let name = "context-alternatives";
    configure_failpoint(
        name,
        "when(tenant=a)1*return(first a)->when(tenant=a|b)return(a or b)\
         ->when(shard=\\d+)return(shard)->when(shard=.*)panic->return(other)",
    )
    .unwrap();
    let value = |pairs| match failpoint_blocking(name, Some(&FailpointContext::from_iter(pairs))) {
        Return(value) => value,
        other => panic!("{other:?}"),
    };
    assert_eq!(value([("tenant", "b")]), "a or b");
    assert_eq!(value([("tenant", "a")]), "first a");
    assert_eq!(value([("tenant", "a")]), "a or b");
    assert_eq!(value([("shard", "17")]), "shard");
    assert_eq!(value([("tenant", "c")]), "other");
    assert_eq!(hit(name, None), Return("other".to_owned()));

    // The matchers of the call are for every alternative.
    let two = "when(shard=0)return(zero)->return(any)";
    configure_failpoint_with_context(name, two, [("tenant", "a")]).unwrap();
    assert_eq!(hit(name, None), Continue);
    assert!(!takes(name, [("shard", "0")]));
    assert!(!takes(name, [("tenant", "b"), ("shard", "0")]));
    assert_eq!(value([("tenant", "a")]), "any");
    let both = [("tenant", "a"), ("shard", "0")];
    assert_eq!(
        failpoint_blocking(name, Some(&both.into_iter().collect())),
        Return("zero".into())
    );
    let listed = r#"when(shard="0",tenant="a")return(zero)->when(tenant="a")return(any)"#;
    assert_eq!(actions(name), listed);
}

#[test]
fn a_hit_that_does_not_match_uses_up_no_count() {
    let name = "context-count";
    let context = FailpointContext::from_iter([("k", "yes")]);
    let other = FailpointContext::from_iter([("k", "no")]);
    configure_failpoint(name, "when(k=yes)2*return").unwrap();
    for _ in 0..3 {
        assert_eq!(failpoint_blocking(name, Some(&other)), Continue);
        assert_eq!(failpoint_blocking(name, None), Continue);
    }
    assert_stats(name, (6, 0, 0));
    let results = [(); 3].map(|()| failpoint_blocking(name, Some(&context)));
    assert_eq!(
        results,
        [Return(String::new()), Return(String::new()), Continue]
    );
    assert_stats(name, (9, 2, 0));
}

// ---- The text of `when(..)` ----

#[test]
fn a_regex_may_contain_what_the_grammar_uses() {
    let name = "context-quoted";
    for (when, value) in [
        // Quoted: everything, `\"` for a quote.
        (r#"when(k="a,b")"#, "a,b"),
        (r#"when(k="a\)b")"#, "a)b"),
        (r#"when(k="\(a")"#, "(a"),
        (r#"when(k="a;b")"#, "a;b"),
        (r#"when(k="a->b")"#, "a->b"),
        (r#"when(k="a=b")"#, "a=b"),
        (r#"when(k="10%5\*off")"#, "10%5*off"),
        (r#"when(k="say \"yes\"")"#, r#"say "yes""#),
        (r#"when(k="\"")"#, "\""),
        (r#"when(k=" a ")"#, " a "),
        (r#"when(k="a\\b")"#, r"a\b"),
        (r#"when(k="\w{2,3}")"#, "ab"),
        (r#"when(k="(a|(b,?))+")"#, "ab,"),
        (r#"when(k="")"#, ""),
        (r#"when( k = "a" )"#, "a"),
        (r#"when("k"="a")"#, "a"),
        // Plain: balanced parentheses, and what is not `,` or `)` outside of them.
        ("when(k=(a|(b,c))+)", "ab,c"),
        ("when(k=a;b)", "a;b"),
        ("when(k=a->b)", "a->b"),
        ("when(k=a=b)", "a=b"),
        ("when(k= a b )", "a b"),
        (r#"when(k=a"b)"#, r#"a"b"#),
        (r"when(k=\d\.\d)", "1.2"),
        ("when(k=)", ""),
    ] {
        for actions in [
            format!("{when}return"),
            format!(" {when} 100%1000*return(a)->panic "),
            format!("when(k=no)panic->{when}return->panic"),
        ] {
            configure_failpoint(name, &actions).unwrap_or_else(|e| panic!("{actions}: {e}"));
            let context = FailpointContext::from_iter([("k", value)]);
            let result = failpoint_blocking(name, Some(&context));
            assert!(matches!(result, Return(_)), "{actions} {value:?}");
        }
        configure_failpoint(name, format!("{when}return")).unwrap();
        assert!(!takes(name, [("k", "something else")]), "{when}");
    }
}

#[test]
fn the_argument_of_a_task_may_look_like_a_matcher() {
    let name = "context-argument";
    configure_failpoint(name, "when(k=a)return(when(k=b))->return(\"when\")").unwrap();
    assert_eq!(value(name, [("k", "a")]).unwrap(), "when(k=b)");
    assert_eq!(value(name, [("k", "b")]).unwrap(), "\"when\"");
}

#[test]
fn the_listed_text_configures_the_same_again() {
    const KEYS: &[&str] = &[
        "k",
        "tenant_id",
        "a-b.c",
        "ключ",
        "a b",
        " a ",
        "a=b",
        "a,b",
        "a)b",
        "(",
        "a;b",
        "->",
        "\"",
        "\"quoted\"",
        "a\\b",
        "\\\"",
        "a\nb",
        "when(",
        "\\k",
    ];
    const REGEXES: &[(&str, &str)] = &[
        ("a", "a"),
        ("", ""),
        (r"a\\", r"a\"),
        (r"\\", r"\"),
        (r#"a\\""#, r#"a\""#),
        (r#"\""#, "\""),
        (r#"""#, "\""),
        (r#""a""#, r#""a""#),
        (r#"[\\"]+"#, r#"\"\"#),
        (r"(?x) a \\", r"a\"),
        (r"(?x) a # comment \", "a"),
        (r"a|b\\", r"b\"),
        ("a,b;c=d", "a,b;c=d"),
        (r"\)\(", ")("),
        (" a ", " a "),
        ("(?s)a.b", "a\nb"),
        ("a\nb", "a\nb"),
        ("->", "->"),
    ];
    let name = "context-round-trip";
    let again = "context-round-trip, again";
    for key in KEYS {
        for (regex, matching) in REGEXES {
            let case = format!("{key:?} {regex:?}");
            let matchers = [(*key, *regex)];
            configure_failpoint_with_context(name, "25%3*sleep(1)->return(x)", matchers).unwrap();
            let text = actions(name);
            let result = configure_failpoint(again, &text);
            result.unwrap_or_else(|e| panic!("{case}: {text} does not parse: {e}"));
            assert_eq!(actions(again), text, "{case}");

            configure_failpoint_with_context(name, "return(x)", matchers).unwrap();
            configure_failpoint(again, actions(name)).unwrap();
            for name in [name, again] {
                assert!(takes(name, [(*key, *matching)]), "{case} {}", actions(name));
                assert!(!takes(name, [(*key, "something else")]), "{case}");
                assert!(!takes(name, [("another key", *matching)]), "{case}");
            }
        }
    }
}

#[test]
fn a_key_that_ends_in_a_backslash_is_refused_or_listed_so_that_it_parses_back() {
    let name = "context-backslash";
    for key in ["k\\", "\\", "a b\\", "a=b\\", "a\"\\"] {
        let configured = [
            configure_failpoint_with_context(name, "return(x)", [(key, "v")]).is_ok(),
            configure_failpoint(name, format!("when({key}=v)return(x)")).is_ok(),
        ];
        if configured.contains(&true) {
            let text = actions(name);
            let result = configure_failpoint(name, &text);
            result.unwrap_or_else(|e| panic!("{key:?}: {text} does not parse: {e}"));
            assert_eq!(actions(name), text, "{key:?}");
        }
    }
}

#[test]
fn the_listed_text_has_the_keys_sorted_whatever_the_order_of_the_matchers() {
    let name = "context-sorted";
    let sorted = r#"when(a="1",b="2",c="3")off->when(a="1",b="2",b="4")pause"#;
    for text in [
        "when(c=3,a=1,b=2)off->when(b=2,b=4,a=1)pause",
        r#" when( b = 2 , c = "3" , a = 1 ) off -> when("b"=2,a=1,b=4) pause "#,
        sorted,
    ] {
        configure_failpoint(name, text).unwrap();
        assert_eq!(actions(name), sorted, "{text}");
    }
}

// ---- What is refused ----

/// Proves that `configure` is an error with all of `parts` in its text, and that the
/// earlier configuration stays with its counts.
#[track_caller]
fn refused(
    name: &str,
    configure: impl FnOnce() -> Result<(), neon_failpoint::Error>,
    parts: &[&str],
) {
    configure_failpoint(name, "when(k=a)2*return(earlier)").unwrap();
    let hit = || failpoint_blocking(name, Some(&failpoint_context! { "k" => "a" }));
    assert_eq!(hit(), Return("earlier".to_owned()));
    let error = configure().expect_err("it was accepted").to_string();
    for part in parts {
        assert!(error.contains(part), "{error}\nis without\n{part}");
    }
    assert_stats(name, (1, 1, 0));
    assert_eq!((hit(), hit()), (Return("earlier".to_owned()), Continue));
}

#[test]
fn an_invalid_regex_is_refused_and_nothing_changes() {
    let name = "context-invalid";
    for regex in [
        "(", "a)|(b", ")(", "[", "a{2", "*", r"\", r"a\", "(?P<n>", r"\p{X}", "a)(?:b",
    ] {
        let parts: [&str; 3] = [
            "\"context-invalid\"",
            "regular expression",
            &format!("{regex:?}"),
        ];
        let matchers = [("k", "fine"), ("l", regex)];
        let configure = || configure_failpoint_with_context(name, "return(new)", matchers);
        refused(name, configure, &[&parts[..], &["\"l\""]].concat());

        let batch = || {
            let new = FailpointConfig::from(("context-invalid-new", "off"));
            let bad = FailpointConfig::from((name, "return(new)", matchers));
            configure_failpoints([new, bad])
        };
        refused(name, batch, &[&parts[..], &["entry 2"]].concat());
        assert!(info("context-invalid-new").is_none());

        // Between quotes a backslash at the end would escape the quote.
        if !regex.ends_with('\\') {
            let text = format!("off->when(l=\"{regex}\")return(new)");
            let parts = &[&parts[..], &["at byte 12"]].concat();
            refused(name, || configure_failpoint(name, &text), parts);
        }
    }
}

#[test]
fn a_malformed_when_is_refused_with_its_position_and_nothing_changes() {
    let name = "context-malformed";
    for (text, position) in [
        ("when()off", 5),
        ("when(=a)off", 5),
        ("when(\"\"=a)off", 5),
        ("when(k)off", 5),
        ("when(k a)off", 5),
        ("when(k=a,)off", 9),
        ("when(k=a", 4),
        ("when(k=a,l=b", 4),
        ("when(k=\"a)off", 7),
        ("when(\"k=a)off", 5),
        (r#"when(k="a\")off"#, 7),
        ("when(k=\"a\"b)off", 10),
        ("when(k=a)", 9),
        ("when(k=a)when(k=b)off", 9),
        ("when (k=a)off", 0),
        ("10%when(k=a)off", 3),
        ("off->when(k=a)", 14),
    ] {
        let parts = ["\"context-malformed\"", &format!("at byte {position} ")];
        refused(name, || configure_failpoint(name, text), &parts);
    }
}

#[test]
fn an_empty_key_is_refused_and_nothing_changes() {
    let name = "context-empty-key";
    let configure = || configure_failpoint_with_context(name, "return(new)", [("", "a")]);
    refused(name, configure, &["\"context-empty-key\"", "empty key"]);
}

#[test]
fn bad_actions_are_refused_though_the_matchers_are_good() {
    let name = "context-bad-actions";
    let configure = || configure_failpoint_with_context(name, "retrun", [("k", "a")]);
    refused(
        name,
        configure,
        &["\"context-bad-actions\"", "retrun", "return"],
    );
}

// ---- The types that matchers and contexts are made from ----

#[test]
fn matchers_are_taken_from_whatever_iterates_over_pairs() {
    let name = "context-matchers";
    let check = || {
        assert_eq!(actions(name), r#"when(a="1",b="2")return"#);
        assert!(takes(name, [("a", "1"), ("b", "2")]));
        configure_failpoint(name, "off").unwrap();
    };
    macro_rules! from {
        ($($matchers:expr;)*) => {
            $(
                configure_failpoint_with_context(name, "return", $matchers).unwrap();
                check();
                configure_failpoints([(name, "return", $matchers)]).unwrap();
                check();
            )*
        };
    }
    let map = HashMap::from([("a", "1"), ("b", "2")].map(|(k, v)| (k.to_string(), v.to_string())));
    let vec = vec![("b".to_owned(), "2"), ("a".to_owned(), "1")];
    from! {
        map.clone();
        // A `&HashMap` iterates over pairs of `&String`, and those turn into a `String`.
        &map;
        map.iter();
        [("b", "2"), ("a", "1")];
        vec.clone();
        vec.iter().map(|(k, v)| (k.as_str(), *v));
        BTreeMap::from([("a", "1"), ("b", "2")]);
        HashMap::from([("a", "1"), ("b", "2")]);
        [('a', "1"), ('b', "2")];
    }
    configure_failpoint_with_context(name, "return", HashMap::<String, String>::new()).unwrap();
    assert_eq!(actions(name), "return");
}

#[test]
fn a_context_is_made_from_a_map_from_pairs_and_in_place() {
    let expected = {
        let mut context = FailpointContext::new();
        assert_eq!(context.insert("tenant", "t-0"), None);
        assert_eq!(context.insert("shard".to_owned(), 17.to_string()), None);
        assert_eq!(context.insert("tenant", "t-1"), Some("t-0".to_owned()));
        context
    };
    let pairs = || [("shard", "17"), ("tenant", "t-1")];
    let owned = || pairs().map(|(k, v)| (k.to_owned(), v.to_owned()));
    let shard = 17_u8;
    let tenant = String::from("t-1");
    for context in [
        FailpointContext::from(HashMap::from(owned())),
        HashMap::from(owned()).into(),
        FailpointContext::from_iter(pairs()),
        pairs().into_iter().collect(),
        owned().into_iter().collect(),
        [("tenant", "t-0")].into_iter().chain(pairs()).collect(),
        failpoint_context! { "tenant" => tenant, "shard" => shard },
        failpoint_context! {
            "tenant" => "t-0", "shard" => "17", String::from("tenant") => format!("t-{}", 1),
        },
    ] {
        assert_eq!(context, expected);
        assert_eq!(context.get("shard"), Some("17"));
        assert_eq!(context.get("Shard"), None);
        assert_eq!(context.iter().collect::<Vec<_>>(), pairs());
    }
    // The macro leaves its values to their owner.
    assert_eq!(tenant, "t-1");
    assert_eq!(failpoint_context! {}, FailpointContext::new());
    assert_eq!(FailpointContext::default(), FailpointContext::new());
    const EMPTY: FailpointContext = FailpointContext::new();
    assert_eq!(EMPTY.iter().count(), 0);
}

#[test]
fn a_context_is_displayed_and_debugged_sorted_and_escaped() {
    let context = failpoint_context! { "tenant" => "t \"1\"\n", "a b" => "", "n" => 1.5 };
    assert_eq!(
        context.to_string(),
        r#"a b="", n="1.5", tenant="t \"1\"\n""#
    );
    assert_eq!(
        format!("{context:?}"),
        r#"{"a b": "", "n": "1.5", "tenant": "t \"1\"\n"}"#
    );
    assert_eq!(FailpointContext::new().to_string(), "");
    assert_eq!(format!("{:?}", FailpointContext::new()), "{}");
}

#[test]
fn a_value_is_what_it_displays_as() {
    let name = "context-display";
    configure_failpoint(name, "when(n=-1,c=x,b=true,a=127\\.0\\.0\\.1)return").unwrap();
    let context = failpoint_context! {
        "n" => -1_i64, "c" => 'x', "b" => true, "a" => std::net::Ipv4Addr::LOCALHOST,
    };
    assert_eq!(hit(name, Some(&context)), Return(String::new()));
}
