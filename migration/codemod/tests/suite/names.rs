//! Which crate a name means: an import hides what the manifest calls by it, and a manifest may
//! call a crate by any name.

use crate::common;

/// The statuses of the sites of some files, in a crate of these dependencies.
fn statuses(dependencies: &str, files: &[(&str, &str)]) -> Vec<String> {
    let folder = common::folder();
    let manifest = common::manifest("a", &format!("[dependencies]\n{dependencies}"));
    common::write(&folder.path().join("Cargo.toml"), &manifest);
    for (path, text) in files {
        common::write(&folder.path().join(path), text);
    }
    let report = common::scan(folder.path());
    let sites = common::each(&report, "macro").into_iter();
    let sites = sites.zip(common::each(&report, "status"));
    let sites = sites.zip(common::each(&report, "code"));
    sites
        .map(|((path, status), code)| match status.as_str() {
            "left" => format!("{path}: {code}"),
            _ => format!("{path}: {status}"),
        })
        .collect()
}

const FAIL: &str = "fail = \"0.5\"\n";
const BOTH: &str = "fail = \"0.5\"\nneon_failpoint = \"0.1\"\n";

const SITES: &str = "\
pub async fn awaits() {
    fail::fail_point!(\"a\");
    fail::fail_point_sync!(\"b\");
    fail::compat::fail_point!(\"c\");
}
pub fn blocks() {
    fail::fail_point_sync!(\"d\", |_| ());
}
";

const NATIVE: [&str; 4] = [
    "fail::fail_point: done",
    "fail::fail_point_sync: blocks",
    "fail::compat::fail_point: rewrite",
    "fail::fail_point_sync: sync-function",
];

#[test]
fn an_import_of_the_native_crate_by_that_name_hides_the_dependency() {
    for import in [
        "use neon_failpoint as fail;\n",
        "use ::neon_failpoint as fail;\n",
        "use neon_failpoint::{self as fail};\n",
        "extern crate neon_failpoint as fail;\n",
        "use neon_failpoint as points;\nuse points as fail;\n",
    ] {
        let text = format!("{import}{SITES}");
        for dependencies in [BOTH, "neon_failpoint = \"0.1\"\n"] {
            let found = statuses(dependencies, &[("src/lib.rs", &text)]);
            assert_eq!(found, NATIVE, "{import}{dependencies}");
        }
    }
}

#[test]
fn an_import_in_a_block_hides_it_there_and_nowhere_else() {
    let text = "\
pub async fn native() {
    use neon_failpoint as fail;
    fail::fail_point!(\"a\");
    {
        fail::fail_point!(\"b\");
    }
}
pub async fn published() {
    fail::fail_point!(\"c\");
}
pub mod inner {
    use neon_failpoint as fail;
    use fail::fail_point as point;
    pub async fn native() {
        point!(\"d\");
    }
}
";
    let wanted = [
        "fail::fail_point: done",
        "fail::fail_point: done",
        "fail::fail_point: rewrite",
        "point: done",
    ];
    assert_eq!(statuses(BOTH, &[("src/lib.rs", text)]), wanted);
}

#[test]
fn a_name_that_another_module_hands_on_is_followed() {
    let root =
        "mod support;\npub use neon_failpoint as fail;\nmod by_path;\nmod by_glob;\nmod by_name;\n";
    let support = "pub use neon_failpoint as fail;\n";
    let files = [
        ("src/lib.rs", root),
        ("src/support.rs", support),
        (
            "src/by_glob.rs",
            "use crate::support::*;\npub async fn f() { fail::fail_point!(\"a\"); }\n",
        ),
        (
            "src/by_name.rs",
            "use crate::fail;\npub async fn f() { fail::fail_point!(\"b\"); }\n",
        ),
        (
            "src/by_path.rs",
            "pub async fn f() { crate::fail::fail_point!(\"c\"); }\n",
        ),
    ];
    let wanted = [
        "fail::fail_point: done",
        "fail::fail_point: done",
        "crate::fail::fail_point: done",
    ];
    assert_eq!(statuses(BOTH, &files), wanted);
    // The same ways to the published one.
    let files = files.map(|(path, text)| (path, text.replace("neon_failpoint as fail", "fail")));
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (*path, text.as_str()))
        .collect();
    assert!(
        statuses(FAIL, &files)
            .iter()
            .all(|site| site.ends_with("rewrite"))
    );
}

#[test]
fn a_dependency_on_the_native_crate_is_known_by_its_name_in_the_manifest() {
    let renamed = "fail = { package = \"neon_failpoint\", version = \"0.1\" }\n";
    assert_eq!(statuses(renamed, &[("src/lib.rs", SITES)]), NATIVE);
    let imported = "use fail::{fail_point, fail_point_sync as blocking};\n\
                    pub async fn f() {\n    fail_point!(\"a\");\n    blocking!(\"b\");\n}\n";
    let wanted = ["fail_point: done", "blocking: blocks"];
    assert_eq!(statuses(renamed, &[("src/lib.rs", imported)]), wanted);
    let by_macro_use =
        "#[macro_use]\nextern crate fail;\npub async fn f() {\n    fail_point!(\"a\");\n}\n";
    assert_eq!(
        statuses(renamed, &[("src/lib.rs", by_macro_use)]),
        ["fail_point: done"]
    );
    let by_glob = "use fail::*;\npub async fn f() {\n    fail_point!(\"a\");\n}\n";
    assert_eq!(
        statuses(renamed, &[("src/lib.rs", by_glob)]),
        ["fail_point: done"]
    );
}

#[test]
fn a_module_by_that_name_hides_it_too() {
    let text = "pub mod fail { pub use neon_failpoint::*; }\npub async fn f() { fail::fail_point!(\"a\"); }\n";
    assert_eq!(
        statuses(BOTH, &[("src/lib.rs", text)]),
        ["fail::fail_point: done"]
    );
}

#[test]
fn what_is_rewritten_takes_the_name_that_the_native_crate_has() {
    let folder = common::folder();
    let native = common::native("\"testing\"").replace("neon_failpoint =", "points =");
    let native = native.replace("{ path", "{ package = \"neon_failpoint\", path");
    let dependencies = format!(
        "{}\n[dependencies]\nfail = \"0.5\"\n{native}",
        common::patch()
    );
    let manifest = common::manifest("a", &dependencies);
    common::write(&folder.path().join("Cargo.toml"), &manifest);
    let text =
        "pub async fn f() {\n    fail::fail_point!(\"a\");\n    points::fail_point!(\"b\");\n}\n";
    common::write(&folder.path().join("src/lib.rs"), text);
    let after = common::rewritten(folder.path(), &["--to", "native"], "src/lib.rs");
    assert_eq!(after, text.replace("fail::fail", "points::fail"));
    let manifest = common::read(&folder.path().join("Cargo.toml"));
    assert!(!manifest.contains("neon_failpoint ="), "{manifest}");
    assert!(!manifest.contains("[features]"), "{manifest}");
}

#[test]
fn an_extern_crate_counts_in_its_own_root_only() {
    let site = "async fn f() { fail::fail_point!(\"a\"); }\n";
    let native = format!("extern crate neon_failpoint as fail;\nmod below;\n{site}");
    let files = [
        ("src/below.rs", site),
        ("src/lib.rs", &native),
        ("tests/published.rs", site),
    ];
    let wanted = [
        "fail::fail_point: done",
        "fail::fail_point: done",
        "fail::fail_point: rewrite",
    ];
    assert_eq!(statuses(BOTH, &files), wanted);
}

#[test]
fn a_glob_brings_what_its_module_has() {
    let text = "use neon_failpoint::failpoint_support::implicit_await::*;\n\
                use fail::*;\n\
                pub async fn f() {\n    pausable_failpoint!(\"a\");\n    fail_point!(\"b\");\n}\n";
    let wanted = ["pausable_failpoint: done", "fail_point: rewrite"];
    assert_eq!(statuses(BOTH, &[("src/lib.rs", text)]), wanted);
}

/// A library of a crate that has both, after a rewrite to native macros.
fn to_native(text: &str) -> String {
    let folder = common::folder();
    let native = common::native("\"testing\"");
    let dependencies = format!(
        "{}\n[dependencies]\nfail = \"0.5\"\n{native}",
        common::patch()
    );
    let manifest = common::manifest("a", &dependencies);
    common::write(&folder.path().join("Cargo.toml"), &manifest);
    common::write(&folder.path().join("src/lib.rs"), text);
    common::rewritten(folder.path(), &["--to", "native"], "src/lib.rs")
}

#[test]
fn what_is_named_from_its_crate_on_takes_no_import_with_it() {
    let text = "use neon_failpoint::failpoint_support::implicit_await::*;\n\
                pub async fn f() {\n    ::fail::fail_point!(\"a\");\n    pausable_failpoint!(\"b\");\n}\n";
    assert_eq!(
        to_native(text),
        text.replace("::fail::", "neon_failpoint::")
    );
}

/// It does not compile, and is no clearer for a closure that became an async block.
#[test]
fn what_awaits_already_takes_no_closure_with_it() {
    let text = "pub fn f() {\n    (|| {\n        fail::async_fail_point!(\"a\").await;\n        \
                utils::failpoint_support::sleep_millis_async!(\"b\", &cancel);\n    })();\n}\n";
    let after = text.replace("fail::async_fail_point", "neon_failpoint::fail_point");
    assert_eq!(to_native(text), after);
    assert_eq!(to_native(&after), after);
}
