//! Proves what the text of `when(..)` may contain, and that the listed one configures the same again.

use super::{takes, value};
use crate::common::actions;
use neon_failpoint::FailpointResult::Return;
use neon_failpoint::{
    FailpointContext, configure_failpoint, configure_failpoint_with_context, failpoint_blocking,
    isolate,
};

#[test]
fn a_regex_may_contain_what_the_grammar_uses() {
    let _alone = isolate();
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
        // Plain: what is not `,` or `)`, but for those that are the expression's.
        ("when(k=a{1,2})", "aa"),
        ("when(k=[,])", ","),
        ("when(k=[)])", ")"),
        ("when(k=[(])", "("),
        ("when(k=[]),]+)", "],)"),
        ("when(k=[^],)])", "a"),
        ("when(k=[a[b)]]+)", "ab)"),
        ("when(k=[[:digit:],]{3,})", "1,2"),
        (r"when(k=[\]),]+)", "])"),
        (r"when(k=\(a\))", "(a)"),
        (r"when(k=a\,b)", "a,b"),
        (r"when(k=\[\{)", "[{"),
        (r"when(k=\p{Greek}{1,2}|\x{29})", "\u{3b1}"),
        ("when(k=(a{1,2}|[,)])+)", "aa,)"),
        ("when(k=a{1,2},k=.*)", "a"),
        ("when(k!=a{1,2},k!=[,b])", "c"),
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
        let other = if when.contains("!=") {
            ","
        } else {
            "something else"
        };
        assert!(!takes(name, [("k", other)]), "{when}");
    }
}

#[test]
fn the_argument_of_a_task_may_look_like_a_matcher() {
    let _alone = isolate();
    let name = "context-argument";
    configure_failpoint(name, "when(k=a)return(when(k=b))->return(\"when\")").unwrap();
    assert_eq!(value(name, [("k", "a")]).unwrap(), "when(k=b)");
    assert_eq!(value(name, [("k", "b")]).unwrap(), "\"when\"");
}

#[test]
fn the_listed_text_configures_the_same_again() {
    let _alone = isolate();
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
            let text = actions(name).unwrap();
            let result = configure_failpoint(again, &text);
            result.unwrap_or_else(|e| panic!("{case}: {text} does not parse: {e}"));
            assert_eq!(actions(again).unwrap(), text, "{case}");

            // The same for one that must not match.
            let negated = text.replacen("=\"", "!=\"", 1);
            if !key.contains('=') {
                configure_failpoint(again, &negated).unwrap_or_else(|e| panic!("{negated}: {e}"));
                assert_eq!(actions(again).unwrap(), negated, "{case}");
            }

            configure_failpoint_with_context(name, "return(x)", matchers).unwrap();
            configure_failpoint(again, actions(name).unwrap()).unwrap();
            for name in [name, again] {
                assert!(
                    takes(name, [(*key, *matching)]),
                    "{case} {}",
                    actions(name).unwrap()
                );
                assert!(!takes(name, [(*key, "something else")]), "{case}");
                assert!(!takes(name, [("another key", *matching)]), "{case}");
            }
        }
    }
}

#[test]
fn a_key_that_ends_in_a_backslash_is_refused_or_listed_so_that_it_parses_back() {
    let _alone = isolate();
    let name = "context-backslash";
    for key in ["k\\", "\\", "a b\\", "a=b\\", "a\"\\"] {
        let configured = [
            configure_failpoint_with_context(name, "return(x)", [(key, "v")]).is_ok(),
            configure_failpoint(name, format!("when({key}=v)return(x)")).is_ok(),
        ];
        if configured.contains(&true) {
            let text = actions(name).unwrap();
            let result = configure_failpoint(name, &text);
            result.unwrap_or_else(|e| panic!("{key:?}: {text} does not parse: {e}"));
            assert_eq!(actions(name).unwrap(), text, "{key:?}");
        }
    }
}

#[test]
fn the_listed_text_has_the_keys_sorted_whatever_the_order_of_the_matchers() {
    let _alone = isolate();
    let name = "context-sorted";
    let sorted = r#"when(a="1",b="2",c="3")off->when(a="1",b="2",b="4")pause"#;
    for text in [
        "when(c=3,a=1,b=2)off->when(b=2,b=4,a=1)pause",
        r#" when( b = 2 , c = "3" , a = 1 ) off -> when("b"=2,a=1,b=4) pause "#,
        sorted,
    ] {
        configure_failpoint(name, text).unwrap();
        assert_eq!(actions(name).unwrap(), sorted, "{text}");
    }
}
