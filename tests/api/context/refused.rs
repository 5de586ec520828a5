//! Proves which matchers are refused, and that nothing changes then.

use crate::common::{assert_stats, info};
use neon_failpoint::FailpointResult::{Continue, Return};
use neon_failpoint::{
    FailpointConfig, configure_failpoint, configure_failpoint_with_context, configure_failpoints,
    failpoint_blocking, failpoint_context, isolate,
};

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
    let _alone = isolate();
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
    let _alone = isolate();
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
    let _alone = isolate();
    let name = "context-empty-key";
    let configure = || configure_failpoint_with_context(name, "return(new)", [("", "a")]);
    refused(name, configure, &["\"context-empty-key\"", "empty key"]);
}

#[test]
fn bad_actions_are_refused_though_the_matchers_are_good() {
    let _alone = isolate();
    let name = "context-bad-actions";
    let configure = || configure_failpoint_with_context(name, "retrun", [("k", "a")]);
    refused(
        name,
        configure,
        &["\"context-bad-actions\"", "retrun", "return"],
    );
}
