//! The report: what the sites are called, the notes, the paths, the table's width.

use std::path::Path;
use std::process::{Command, Output};

use failpoint_migrate::decide::{self, NotSend, Refused, Target, Wishes};
use failpoint_migrate::project::Project;
use failpoint_migrate::report::Report;
use failpoint_migrate::resolve::Resolver;
use failpoint_migrate::table::{self, Tense};

use crate::common;

fn field(text: &str, field: &str) -> Vec<String> {
    let folder = common::sketch(&[("src/lib.rs", text)]);
    common::each(&common::scan(folder.path()), field)
}

#[test]
fn the_form_of_a_site_in_a_macros_definition_is_said() {
    let text = "\
macro_rules! points {
    ($name:expr) => { fail::fail_point!($name) };
    ($name:expr, $closure:expr) => { fail::fail_point!($name, $closure) };
    ($name:expr, $if:expr, $value:expr) => { fail::fail_point!($name, $if, |_| $value) };
    ($($all:tt)*) => { fail::fail_point!($($all)*) };
}
";
    assert_eq!(
        field(text, "form"),
        [
            "name",
            "name, closure",
            "name, condition, closure",
            "any arguments"
        ]
    );
}

#[test]
fn the_name_of_a_point_in_a_registry_is_its_second_argument() {
    let text = "use fail_parallel::fail_point;\nasync fn f(r: R) {\n    \
                fail_point!(r.clone(), \"a\");\n    fail_point!(r, \"b\", |_| 1);\n    \
                fail_point!(r, \"c\", true, |_| 1);\n}\n";
    assert_eq!(field(text, "name"), ["a", "b", "c"]);
    assert_eq!(
        field(text, "form"),
        [
            "registry, name",
            "registry, name, closure",
            "registry, name, condition, closure"
        ]
    );
}

#[test]
fn macros_of_the_native_crate_are_listed() {
    let text = "\
use neon_failpoint::*;
async fn f(c: &FailpointContext) {
    fail_point!(\"a\");
    failpoint!(\"b\").await;
    failpoint!(\"c\", c).await;
    fail_point_with_context!(\"d\", c);
    fail_point_with_context!(\"e\", c, true, |_| ());
}
fn g(c: &FailpointContext) {
    fail_point_sync!(\"f\", |_| ());
    fail_point_with_context_sync!(\"g\", c, |_| ());
}
";
    let statuses = ["done", "done", "done", "done", "done", "left", "left"];
    assert_eq!(field(text, "status"), statuses);
    assert_eq!(
        field(text, "form"),
        [
            "name",
            "name",
            "name, context or token",
            "name, context",
            "name, context, condition, closure",
            "name, closure",
            "name, context, closure"
        ]
    );
}

#[test]
fn an_eval_in_a_macros_definition_is_listed_once() {
    let text = "\
macro_rules! tries {
    ($name:expr) => { if let Some(e) = fail::eval($name, |e| e) { return Err(e); } };
}
async fn f() {
    let _ = vec![fail::eval(\"in a list\", |_| 1)];
    other::eval(\"not ours\");
    println!(\"{:?}\", x.eval(\"not ours either\"));
}
";
    assert_eq!(field(text, "name"), ["$name", "in a list"]);
    assert_eq!(field(text, "code"), ["macro-definition", "eval"]);
}

const BEFORE: &str = "pub async fn run() {\n    fail::fail_point!(\"x\");\n}\n";

/// A run in a folder, with paths as a person gives them.
fn run_in(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_failpoint-migrate"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("the program runs")
}

#[test]
fn manifests_are_named_by_the_paths_that_were_given() {
    let folder = common::sketch(&[("src/lib.rs", BEFORE)]);
    for (path, manifest) in [
        (".", "Cargo.toml"),
        ("src", "Cargo.toml"),
        ("src/lib.rs", "Cargo.toml"),
    ] {
        let said = common::said(&run_in(folder.path(), &["rewrite", "--diff", path]));
        assert!(
            said.contains(&format!("--- a/{manifest}\n")),
            "{path}: {said}"
        );
    }
    let above = folder.path().parent().expect("a folder above");
    let name = folder.path().file_name().expect("a name").to_string_lossy();
    let said = common::said(&run_in(above, &["rewrite", "--diff", &name]));
    assert!(
        said.contains(&format!("--- a/{name}/Cargo.toml\n")),
        "{said}"
    );
}

#[cfg(unix)]
#[test]
fn a_link_that_was_given_is_not_replaced_by_where_it_leads() {
    let folder = common::sketch(&[("src/lib.rs", BEFORE)]);
    let links = common::folder();
    std::os::unix::fs::symlink(folder.path(), links.path().join("link")).expect("linked");
    let said = common::said(&run_in(links.path(), &["rewrite", "--diff", "link"]));
    assert!(said.contains("--- a/link/Cargo.toml\n"), "{said}");
    let output = run_in(links.path(), &["rewrite", "--no-check", "link"]);
    assert!(output.status.success(), "{}", common::said(&output));
    let manifest = common::read(&folder.path().join("Cargo.toml"));
    assert!(manifest.contains("features = [\"async\"]"), "{manifest}");
}

#[test]
fn the_compiler_is_asked_where_paths_are_relative() {
    let folder = common::sketch(&[("src/lib.rs", BEFORE)]);
    let lock = common::workspace().join("Cargo.lock");
    std::fs::copy(lock, folder.path().join("Cargo.lock")).expect("copied");
    let mut command = Command::new(env!("CARGO_BIN_EXE_failpoint-migrate"));
    command
        .args(["rewrite", "--allow-dirty", "lib.rs"])
        .current_dir(folder.path().join("src"));
    common::builds_in(common::BUILT, &mut command);
    let output = command.output().expect("the program runs");
    let said = common::said(&output);
    assert!(
        output.status.success() && said.contains("1 rewritten"),
        "{said}"
    );
}

/// The tables of a text: one line for each site, and folded.
fn tables(text: &str) -> (String, String) {
    let folder = common::sketch(&[("src/lib.rs", text)]);
    let roots = [folder.path().join("src")];
    let project = Project::read(&roots, &[], &|_, _| ()).expect("it can be read");
    let wishes = Wishes {
        target: Target::Compat,
        wrappers: Default::default(),
        not_send: NotSend::Tried,
    };
    let resolver = Resolver::new(&project);
    let decisions = decide::decide(&project, &resolver, &wishes, &Refused::new());
    let mut report = Report::of(&project, &decisions);
    for site in &mut report.sites {
        site.file = "lib.rs".to_owned();
    }
    let table = |fold| table::table(&report, Tense::Can, fold);
    (table(None), table(Some(90)))
}

#[test]
fn a_line_that_is_too_long_is_folded_before_what_can_be_done() {
    let text = "pub fn sync() {\n    fail::fail_point!(\"a name of some length\", |_| ());\n}\n\
                pub async fn run() {\n    fail::fail_point!(\"b\");\n}\n";
    let (plain, folded) = tables(text);
    assert_eq!(plain.lines().count(), 3, "{plain}");
    assert!(
        folded.contains("sync function\n      left: `sync` is a sync function\n"),
        "{folded}"
    );
    assert!(folded.lines().all(|line| line.len() <= 90), "{folded}");
}

#[test]
fn a_note_for_several_sites_stands_once_at_the_end() {
    let text = "pub async fn run() {\n    u::pausable_failpoint!(\"a\");\n    \
                u::sleep_millis_async!(\"b\");\n    fail::fail_point!(\"c\");\n}\n";
    let (plain, _) = tables(text);
    assert_eq!(
        plain.matches("can be rewritten [1]\n").count(),
        2,
        "{plain}"
    );
    let note = "\n[1] the macro of neon_failpoint logs only where the point is configured\n";
    assert!(plain.ends_with(note), "{plain}");
}
