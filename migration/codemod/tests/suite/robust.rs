//! No text makes the analysis panic, and what it finds lies in the text.

use std::path::Path;

use failpoint_migrate::edit;
use failpoint_migrate::facts::Kind;
use failpoint_migrate::source::Source;
use failpoint_migrate::visit::{self, Names};

use crate::common;

/// All fixtures.
fn texts(folder: &Path, into: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).expect("the fixtures are there") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            texts(&path, into);
        } else {
            into.push(common::read(&path));
        }
    }
}

fn analyse(text: &str) {
    let source = Source::new(Path::new("a.rs"), text.to_owned());
    let names = Names::new(["point".to_owned()], [("fp".to_owned(), Kind::FailPoint)]);
    let (facts, unparsed) = visit::facts(&source, &names, 2021);
    for site in &facts.sites {
        let path = source.slice(site.path_range.clone());
        assert!(path.ends_with(source.slice(site.last.clone())), "{path}");
        assert!(text.get(site.range.clone()).is_some());
        assert!(edit::apply(text, &site.around).is_ok());
    }
    for edits in &facts.in_place {
        assert!(edit::apply(text, edits).is_ok());
    }
    if let Some(unparsed) = unparsed {
        assert!(unparsed.position.line >= 1 && unparsed.position.column >= 1);
    }
}

#[test]
fn texts_that_end_anywhere_or_miss_a_part_are_analysed() {
    let mut found = Vec::new();
    texts(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures"),
        &mut found,
    );
    assert!(found.len() > 20);
    for (number, text) in found.iter().enumerate() {
        analyse(text);
        let with_mark = format!("\u{feff}#!/bin/x ä\r\n{}", text.replace('\n', "\r\n"));
        analyse(&with_mark);
        // Different places in each file, so that all together meet most of them.
        for at in (number..text.len()).step_by(97) {
            let Some((before, after)) = text.split_at_checked(at) else {
                continue;
            };
            analyse(before);
            let mut after = after.chars();
            after.next();
            analyse(&format!("{before}{}", after.as_str()));
        }
    }
}

/// What takes a level of the parser's each time it is repeated: before it, it, what is inside, what ends
/// each, and what is after all.
const LEVELS: [[&str; 5]; 6] = [
    ["", "(", "1", ")", ""],
    ["m::<", "A<", "u8", ">", ">()"],
    ["x as ", "*const ", "u8", "", ""],
    ["", "|| ", "y", "", ""],
    ["", "a = ", "y", "", ""],
    ["", "& ", "y", "", ""],
];

/// A crate with a failpoint behind this many levels.
fn nested([before, open, inside, close, after]: [&str; 5], depth: usize) -> serde_json::Value {
    let (open, close) = (open.repeat(depth), close.repeat(depth));
    let text = format!(
        "async fn f() {{ let _ = {before}{open}{inside}{close}{after}; fail::fail_point!(\"x\"); }}\n"
    );
    let folder = common::sketch(&[("src/lib.rs", &text)]);
    common::scan(folder.path())
}

#[test]
fn deep_nesting_is_read() {
    assert_eq!(common::each(&nested(LEVELS[0], 3_900), "name"), ["x"]);
    for levels in LEVELS {
        let report = nested(levels, 1_500);
        assert_eq!(common::each(&report, "name"), ["x"], "{levels:?}");
    }
}

#[test]
fn deeper_nesting_is_reported() {
    for levels in LEVELS {
        let report = nested(levels, 100_000);
        let message = &report["unparsed"][0]["message"];
        let wanted = "brackets, types or operators are nested too deep";
        assert_eq!(message, wanted, "{levels:?}");
    }
}

#[test]
fn types_that_hold_each_other_are_read_once() {
    let types = 60;
    let mut text = String::new();
    for number in 0..types {
        let fields: Vec<String> = (0..types).map(|other| format!("Box<T{other}>")).collect();
        text.push_str(&format!("pub struct T{number}({});\n", fields.join(", ")));
    }
    text.push_str("pub type Held = T1;\npub struct Last(std::rc::Rc<u32>, T0);\n");
    text.push_str("pub async fn f(a: Held) { fail::fail_point!(\"x\"); }\n");
    text.push_str("pub async fn g(a: Last) { fail::fail_point!(\"y\"); }\n");
    let folder = common::sketch(&[("src/lib.rs", &text)]);
    let codes = common::each(&common::scan(folder.path()), "code");
    assert_eq!(codes, ["null", "not-send"]);
}

#[test]
fn methods_of_one_name_are_all_looked_at() {
    let text = "\
pub struct A;
pub struct B;
impl A { fn get(&self) -> u32 { 1 } }
impl B { fn get(&self) -> std::rc::Rc<u32> { std::rc::Rc::new(1) } }
pub async fn f(b: B) { let held = b.get(); fail::fail_point!(\"x\"); }
";
    let folder = common::sketch(&[("src/lib.rs", text)]);
    for _ in 0..8 {
        // Which of them is called, the compiler knows.
        let notes = common::each(&common::scan(folder.path()), "note");
        let decides = "what may not be Send is held across it: the compiler decides";
        assert_eq!(notes, [decides]);
    }
}

#[test]
fn the_manifest_in_a_cargo_script_is_no_mistake() {
    let script = "#!/usr/bin/env -S cargo -Zscript\n---\n[dependencies]\nfail = \"0.5\"\n---\n\n\
                  async fn run() {\n    fail::fail_point!(\"x\");\n}\nfn main() {}\n";
    for script in [
        script,
        &script.replace("---", "----"),
        &script[script.find("---").unwrap_or(0)..],
    ] {
        let folder = common::folder();
        common::write(&folder.path().join("run.rs"), script);
        let report = common::scan(folder.path());
        assert_eq!(report["unparsed"], serde_json::json!([]), "{script}");
        assert_eq!(common::each(&report, "name"), ["x"]);
        let at = script.find("fail::").expect("a site");
        assert_eq!(report["sites"][0]["start"], at, "{script}");
    }
    let open = common::folder();
    common::write(
        &open.path().join("run.rs"),
        "---\n[dependencies]\n\nfn main() {}\n",
    );
    let report = common::scan(open.path());
    assert_eq!(report["unparsed"][0]["line"], 1, "{report}");
}
