//! The language, the command line, and what happens when things go wrong.

use crate::common::starter;
use compat_tests::{
    Answers, DIED, HANGS, Implementation, Script, Source, compare, print_answers, run_all, same,
};
use std::process::Command;

#[test]
fn an_error_says_where_and_what_was_expected() {
    let cases = [
        (
            "configure p0",
            "1:13: expected `as` or `with callback`, found the end of the line",
        ),
        (
            "list\n  hit",
            "2:6: expected a failpoint, found the end of the line",
        ),
        ("list all", "1:6: expected the end of the line, found `all`"),
        (
            "configure p0 with callback\nsay x\n",
            "3:1: expected `end`, found the end of the line",
        ),
        (
            "configure \"p0 as off",
            "1:21: expected a closing quote, found the end of the line",
        ),
        (
            "remove \"a\\q\"",
            r#"1:10: expected one of \" \\ \n \r \t \u{..} \x.., found `\q"`"#,
        ),
        (
            "remove \"\\u{41",
            r#"1:9: expected one of \" \\ \n \r \t \u{..} \x.., found `\u{41`"#,
        ),
        (
            "configure \"\\xff\" as off",
            "1:11: expected a text of whole characters, found `\"\\xff\"`",
        ),
        (
            "list\n real: a\n both: b",
            "3:2: expected `ours:`, found `both:`",
        ),
        ("in A list", "1:6: expected `:`, found `list`"),
        (
            "hit p0 5",
            "1:9: expected `times`, found the end of the line",
        ),
        (
            "hit é for at least x ms",
            "1:20: expected a number, found `x`",
        ),
        ("list\nenvironment a=off", ""),
    ];
    for (text, expected) in cases {
        let error = Script::parse("s.fp", text).unwrap_err().to_string();
        if expected.is_empty() {
            assert!(
                error.starts_with("s.fp:2:1: expected `configure` or `guard` or"),
                "{error}"
            );
        } else {
            assert_eq!(error, format!("s.fp:{expected}"), "{text}");
        }
    }
}

#[test]
fn steps_stand_in_each_other_only_so_deep() {
    let in_line: fn(usize) -> String = |depth| format!("{}list\n", "in A: ".repeat(depth - 1));
    let blocks: fn(usize) -> String = |depth| {
        let (open, close) = ("scope\n".repeat(depth - 1), "end\n".repeat(depth - 1));
        format!("{open}list\n{close}")
    };
    for script in [in_line, blocks] {
        assert!(Script::parse("s.fp", &script(64)).is_ok());
        for depth in [65, 100_000] {
            let error = Script::parse("s.fp", &script(depth)).unwrap_err();
            assert_eq!(error.expected, "at most 64 steps in each other");
        }
    }
}

/// Runs the binary on a script; its exit status and what it printed.
fn run_file(name: &str, text: &str) -> (Option<i32>, String) {
    let file = format!("compat-tests-{}-{name}.fp", std::process::id());
    let path = std::env::temp_dir().join(file);
    std::fs::write(&path, text).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_compat-tests"))
        .arg(&path)
        .output()
        .unwrap();
    std::fs::remove_file(&path).unwrap();
    let printed = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(printed).unwrap())
}

#[test]
fn the_exit_status_says_whether_anything_differs() {
    let (status, printed) = run_file("same", "configure p0 as off\nlist\n");
    assert_eq!(status, Some(0), "{printed}");
    assert!(printed.contains("both: \"p0\" = \"off\""), "{printed}");

    let undeclared = "configure p0 as off\nconfigure p0 as -1%off\n";
    let (status, printed) = run_file("undeclared", undeclared);
    assert_eq!(status, Some(1), "{printed}");
    assert!(printed.contains("real: configured"), "{printed}");
    assert!(printed.contains("ours: refused \"failed"), "{printed}");

    let (status, printed) = run_file("wrong", "list\n    both: something\n");
    assert_eq!(status, Some(1), "{printed}");
    assert!(printed.contains("stated: something"), "{printed}");

    let (status, printed) = run_file("error", "configure p0\n");
    assert_eq!(status, Some(2), "{printed}");
    assert!(printed.contains(":1:13: expected"), "{printed}");
}

#[test]
fn a_script_that_hangs_is_killed_and_said_to() {
    let source = Source::new(
        "hangs",
        "configure p0 as pause\nhit p0\n    both: hangs\nlist\n",
    );
    let sources = [source.unwrap()];
    let comparisons = run_all(&starter(), &sources, Implementation::Ours).unwrap();
    let mut text = Vec::new();
    print_answers(&mut text, &comparisons).unwrap();
    assert!(
        comparisons[0].first_difference().is_none(),
        "{}",
        String::from_utf8_lossy(&text)
    );
    // What comes after is not compared.
    assert_eq!(comparisons[0].rows[2].real, "-");
    assert_eq!(comparisons[0].rows[1].real, HANGS);
}

#[test]
fn a_hang_or_an_end_on_one_side_alone_is_a_difference() {
    let script = Script::parse("s.fp", "list\nlist\n").unwrap();
    let answers = |texts: &[&str]| Answers {
        answers: texts.iter().map(|text| (*text).to_owned()).collect(),
        alive: false,
    };
    let good = answers(&["nothing", "nothing"]);
    for bad in [HANGS, DIED] {
        let rows = compare(&script, &good, &answers(&["nothing", bad]));
        assert!(rows[0].good && !rows[1].good);
    }
    // Where one hung before, as declared, there is nothing to compare.
    let declared = "list\n    real: hangs\n    ours: nothing\nlist\n    both: nothing\n";
    let script = Script::parse("s.fp", declared).unwrap();
    let rows = compare(&script, &answers(&[HANGS]), &good);
    assert!(rows.iter().all(|row| row.good));
}

#[test]
fn samples_are_the_same_within_six_standard_deviations() {
    let half = "of 10000: 5000 times returned \"1\" and 5000 times went on";
    assert!(same(
        half,
        "of 10000: 5200 times returned \"1\" and 4800 times went on"
    ));
    assert!(!same(
        half,
        "of 10000: 5600 times returned \"1\" and 4400 times went on"
    ));
    assert!(same(half, "of 10000: 50% returned \"1\" and 50% went on"));
    assert!(!same(half, "of 10000: 45% returned \"1\" and 55% went on"));
    assert!(same(
        "of 300: once a and 299 times b",
        "of 300: 300 times b"
    ));
    assert!(!same("of 300: 300 times a", "of 300: 300 times b"));
    assert!(!same(
        "of 300: 0% a and 100% b",
        "of 300: once a and 299 times b"
    ));
}

#[test]
fn an_unknown_implementation_is_refused_by_name() {
    let error = "fake".parse::<Implementation>().unwrap_err();
    assert_eq!(error, "no implementation is called \"fake\"");
}
