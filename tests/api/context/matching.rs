//! Proves which hits a matcher takes.

use super::{hit, takes};
use crate::common::{actions, assert_stats, info};
use neon_failpoint::FailpointResult::{Continue, Return};
use neon_failpoint::{
    FailpointContext, configure_failpoint, configure_failpoint_with_context, failpoint_blocking,
    failpoint_context, isolate,
};

#[test]
fn a_hit_without_the_key_without_a_context_or_with_an_empty_one_is_not_taken() {
    let _alone = isolate();
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
    let _alone = isolate();
    let name = "context-none";
    let none: [(&str, &str); 0] = [];
    configure_failpoint_with_context(name, "return", none).unwrap();
    assert_eq!(hit(name, None), Return(String::new()));
    assert!(takes(name, []));
    assert!(takes(name, [("key", "x")]));
    assert_eq!(actions(name).unwrap(), "return");
}

#[test]
fn a_regex_has_to_match_the_whole_value() {
    let _alone = isolate();
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
    let _alone = isolate();
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
            actions(name).unwrap(),
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
    let _alone = isolate();
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
    assert_eq!(actions(name).unwrap(), listed);
}

#[test]
fn a_hit_that_does_not_match_uses_up_no_count() {
    let _alone = isolate();
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

#[test]
fn a_value_that_must_not_match_is_one_that_the_regex_does_not_match_as_a_whole() {
    let _alone = isolate();
    let name = "context-not";
    for text in [
        "when(tenant!=a)return",
        r#"when( tenant != "a" )return"#,
        r#"when("tenant"!=a)return"#,
    ] {
        configure_failpoint(name, text).unwrap();
        assert!(!takes(name, [("tenant", "a")]), "{text}");
        for other in ["", "b", "aa", "ab", "ba", "A", "a\n"] {
            assert!(takes(name, [("tenant", other)]), "{text} {other:?}");
        }
        // Neither matches without a value.
        assert_eq!(hit(name, None), Continue);
        assert_eq!(hit(name, Some(&FailpointContext::new())), Continue);
        assert!(!takes(name, [("other", "b")]));
        assert!(!takes(name, [("tenant!", "b")]));
        assert_eq!(actions(name).unwrap(), r#"when(tenant!="a")return"#);
    }
    // Everything, and nothing.
    configure_failpoint(name, "when(tenant!=(?s).*)return").unwrap();
    assert!(!takes(name, [("tenant", "")]) && !takes(name, [("tenant", "a\nb")]));
    configure_failpoint(name, "when(tenant!=)return").unwrap();
    assert!(takes(name, [("tenant", "a")]) && !takes(name, [("tenant", "")]));
    // With others, on the same key too, and with those of a call.
    let rest = [("tenant", "t.*")];
    configure_failpoint_with_context(name, "when(tenant!=t-1|t-2)return", rest).unwrap();
    assert!(takes(name, [("tenant", "t-3")]) && !takes(name, [("tenant", "x")]));
    assert!(!takes(name, [("tenant", "t-1")]) && !takes(name, [("tenant", "t-2")]));
    let listed = r#"when(tenant!="t-1|t-2",tenant="t.*")return"#;
    assert_eq!(actions(name).unwrap(), listed);
    let point = info(name).unwrap();
    let pair = |key: &str, regex: &str| (key.to_owned(), regex.to_owned());
    assert_eq!(
        point.matchers(),
        [pair("tenant!", "t-1|t-2"), pair("tenant", "t.*")]
    );
}

/// I6, for `!=`.
#[test]
fn a_hit_that_must_not_match_and_does_uses_up_no_count() {
    let _alone = isolate();
    let name = "context-not-count";
    configure_failpoint(name, "when(k!=no)2*return").unwrap();
    for _ in 0..3 {
        let context = FailpointContext::from_iter([("k", "no")]);
        assert_eq!(failpoint_blocking(name, Some(&context)), Continue);
        assert_eq!(failpoint_blocking(name, None), Continue);
    }
    assert_stats(name, (6, 0, 0));
    let context = FailpointContext::from_iter([("k", "yes")]);
    let results = [(); 3].map(|()| failpoint_blocking(name, Some(&context)));
    assert_eq!(
        results,
        [Return(String::new()), Return(String::new()), Continue]
    );
    assert_stats(name, (9, 2, 0));
}
