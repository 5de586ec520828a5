//! `failpoint-migrate` on whatever may stand in a file of Rust: what it edits parses again and needs no second
//! edit, and what it does not understand stays as it is.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::thread;

use failpoint_migrate::decide::{Fate, NotSend, Target as Macros, Wishes};
use failpoint_migrate::edit;
use failpoint_migrate::facts::Kind;
use failpoint_migrate::project::Project;
use failpoint_migrate::reason::Reason;
use failpoint_migrate::rewrite::Rewriting;
use failpoint_migrate::source::Source;
use failpoint_migrate::visit::{self, Names};

use crate::memory::Bound;
use crate::{Rules, Target, Verdict};

pub(crate) const TARGET: Target = Target {
    name: "codemod",
    also: &[
        "../migration/codemod/tests/fixtures/compat",
        "../migration/codemod/tests/fixtures/left",
        "../migration/codemod/tests/fixtures/left_native",
        "../migration/codemod/tests/fixtures/native",
    ],
    rules: RULES,
    check,
};

const RULES: Rules = &[
    (
        "file",
        &[
            "<item>",
            "<item>\n<file>",
            "<head>\n<file>",
            "<item>\n<item>\n<file>",
        ],
    ),
    (
        "head",
        &[
            "use fail::fail_point;",
            "use fail::{fail_point, cfg};",
            "use fail::fail_point as fp;",
            "use neon_failpoint::fail_point_sync;",
            "#[macro_use]\nextern crate fail;",
            "use fail::*;",
            "extern crate fail as f;",
            "#[macro_use(fail_point)] extern crate fail;",
            "use fail;",
            "use neon_failpoint::compat as fail;",
            "#![allow(unused)]",
            "use fail::{self as f, fail_point as _};",
            "use {fail::fail_point, std::rc::Rc};",
            "use super::*;",
            "use r#fail::fail_point;",
            "use neon_failpoint::failpoint_support::implicit_await::*;",
            "//! é",
            "#!/usr/bin/env x",
        ],
    ),
    (
        "item",
        &[
            "async fn f() { <body> }",
            "async fn f(<arguments>) -> <type> { <body> }",
            "fn f() { <body> }",
            "pub fn g() -> impl Future { async move { <body> } }",
            "mod m { <head>\n<item> }",
            "impl T { async fn f(&self) { <body> } }",
            "macro_rules! m { (<dollar>) => { <statement> } }",
            "struct S<'a, T: 'a>(<type>);",
            "#[tokio::test]\nasync fn t() { <body> }",
            "const C: u8 = { <body> };",
            "trait T { async fn f() { <body> } }",
            "#[cfg(x)] async fn f() { <body> }",
            "// failpoint-migrate: keep",
            "static S: fn() = || { <body> };",
            "async fn f<'a>(x: &'a str) { <body> }",
            "<body>",
        ],
    ),
    ("dollar", &["", "$x:expr", "$($x:tt)*"]),
    (
        "arguments",
        &["", "a: <type>", "mut a: <type>, b: u8", "&self"],
    ),
    (
        "type",
        &[
            "()",
            "u8",
            "Rc<u8>",
            "Result<(), E>",
            "MutexGuard<'_, T>",
            "Box<<type>>",
            "(<type>, u8)",
            "[<type>; 2]",
        ],
    ),
    (
        "body",
        &[
            "<statement>",
            "<statement> <body>",
            "<statement>\n<body>",
            "",
        ],
    ),
    (
        "statement",
        &[
            "<site>;",
            "<site>",
            "let x = <expression>;",
            "if x { <body> }",
            "loop { <body> }",
            "{ <body> }",
            "match x { 1 => <site>, _ => { <body> } }",
            "let guard = lock.lock().unwrap();",
            "drop(guard);",
            "return <expression>;",
            "spawn_blocking(|| { <body> });",
            "(|| { <body> })();",
            "x.await;",
            "tokio::select! { _ = a => { <site> } }",
            "// failpoint-migrate: keep\n<site>;",
            "<head>",
            "async { <body> }.await;",
            "let c = move || <site>;",
            "println!(\"{}\", <expression>);",
            "<item>",
            "let r = Rc::new(1);",
            "for x in y { <body> }",
            "unsafe { <site> }",
            "/* é */ <site>;",
            "let _ = async || { <body> };",
            "m!(<site>);",
            "if let Some(x) = <expression> { <body> } else { <site> }",
        ],
    ),
    (
        "site",
        &[
            "fail_point!(<name>)",
            "fail::fail_point!(<name>)",
            "fail::fail_point!(<name>, <closure>)",
            "fp!(<name>)",
            "fail::fail_point!(<name>, <expression>, <closure>)",
            "fail_point! { <name> }",
            "::fail::fail_point![<name>]",
            "fail::eval(<name>, <closure>)",
            "f::fail_point!(<name>,)",
            "neon_failpoint::fail_point_sync!(<name>)",
            "pausable_failpoint!(<name>, &cancel)?",
            "pausable_failpoint!(<name>)",
            "sleep_millis_async!(<name>)",
            "fail::async_fail_point!(<name>).await",
            "neon_failpoint::fail_point!(<name>).await",
            "fail::fail_point!()",
            "fail :: /**/ fail_point ! (<name>)",
            "neon_failpoint::failpoint_support::implicit_await::pausable_failpoint!(<name>)",
            "self::fail_point!(<name>)",
            "r#fail::fail_point!(<name>)",
            "fail::fail_point!(<name>).await",
            "utils::failpoint_support::sleep_millis_async!(<name>, &cancel)",
        ],
    ),
    (
        "name",
        &[
            "\"x\"",
            "\"a b\"",
            "NAME",
            "concat!(\"a\", \"b\")",
            "r#\"é\"#",
            "&format!(\"{x}\")",
            "b\"x\"",
            "1",
            "x + y",
            "\"\\n\"",
        ],
    ),
    (
        "closure",
        &[
            "|_| 1",
            "|_| Err(e)",
            "|v| { <body> }",
            "move |v: Option<String>| v.unwrap()",
            "|_| return",
            "f",
            "|_| <expression>",
            "|v| -> u8 { 1 }",
            "|_| {}",
            "|_| fail::fail_point!(<name>)",
            "|_: Option<String>| Ok(v?)",
        ],
    ),
    (
        "expression",
        &[
            "1",
            "x",
            "<site>",
            "f(<expression>)",
            "async { <body> }",
            "a.b(<expression>)?",
            "{ <body> }",
            "|| <expression>",
            "\"é\"",
            "'a'",
            "x as u8",
            "<closure>",
        ],
    ),
];

/// A syntax tree takes many times its text.
const BOUND: Bound = Bound {
    each: 4_000,
    fixed: 1 << 20,
};

/// What the program has: parsers recurse.
const STACK: usize = 256 << 20;

fn check(text: &[u8]) -> Verdict {
    thread::scope(|scope| {
        let builder = thread::Builder::new().stack_size(STACK);
        let checked = builder
            .spawn_scoped(scope, || of_text(text))
            .expect("a thread");
        checked
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn of_text(text: &[u8]) -> Verdict {
    if let Ok(text) = std::str::from_utf8(text) {
        facts_lie_in_it(text);
    }
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("src")).expect("a folder");
    let manifest = "[package]\nname = \"a\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n\
                    [dependencies]\nfail = \"0.5\"\nneon_failpoint = \"0.1\"\n";
    fs::write(folder.path().join("Cargo.toml"), manifest).expect("a file");
    let mut verdict = Verdict::Refused;
    for target in [Macros::Compat, Macros::Native, Macros::Explicit] {
        let first = edited(folder.path(), text, target);
        match first {
            Edited::Unparsed => return Verdict::Refused,
            Edited::Same => {}
            Edited::Into(edited_text) => {
                verdict = Verdict::Accepted;
                let after = &edited_text;
                match edited(folder.path(), after.as_bytes(), target) {
                    Edited::Same => {}
                    Edited::Unparsed => panic!("{target:?}: what it made does not parse:\n{after}"),
                    Edited::Into(more) => panic!("{target:?}: it made\n{after}\nand then\n{more}"),
                }
            }
        }
    }
    verdict
}

/// What becomes of a file.
enum Edited {
    /// It is not understood, and stays.
    Unparsed,
    /// There is nothing to do.
    Same,
    /// It gets this text.
    Into(String),
}

fn edited(folder: &Path, text: &[u8], target: Macros) -> Edited {
    let file = folder.join("src/lib.rs");
    fs::write(&file, text).expect("a file");
    let wishes = Wishes {
        target,
        wrappers: BTreeMap::new(),
        not_send: NotSend::Allowed,
    };
    let project = Project::read(&[folder.to_owned()], &[], &|_, _| ()).expect("a project");
    let mut rewriting = Rewriting::new(&project, &wishes, false);
    let draft = rewriting.draft().expect("edits that fit each other");
    for decision in draft.decisions.iter().flatten() {
        let is_refused = matches!(&decision.fate, Fate::Left(Reason::Compiler(_)));
        assert!(!is_refused, "{target:?}: an edit would break the file");
    }
    let of_file = draft.changes.iter().find(|change| change.path == file);
    let is_unparsed = project.files.iter().any(|file| file.unparsed.is_some());
    if is_unparsed || !project.no_text.is_empty() {
        assert!(draft.changes.is_empty(), "what is not understood is edited");
        return Edited::Unparsed;
    }
    match of_file {
        None => Edited::Same,
        Some(change) => Edited::Into(change.after.clone()),
    }
}

/// The facts of a text are places in it.
fn facts_lie_in_it(text: &str) {
    let source = Source::new(Path::new("a.rs"), text.to_owned());
    let names = Names::new(["point".to_owned()], [("fp".to_owned(), Kind::FailPoint)]);
    let (facts, unparsed) = BOUND.holds(text.len(), || visit::facts(&source, &names, 2021));
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
        let (line, column) = (unparsed.position.line, unparsed.position.column);
        let lines = text.split('\n').count();
        assert!(
            (1..=lines).contains(&line) && column >= 1,
            "{line}:{column}"
        );
    }
}
