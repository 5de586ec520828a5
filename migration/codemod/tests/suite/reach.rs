//! Files that others reach: modules, `#[path]`, `include!`; names that come from other files.

use crate::common;

const SITE: &str = "pub async fn run() {\n    fail::fail_point!(\"x\");\n}\n";
const DONE: &str = "pub async fn run() {\n    fail::async_fail_point!(\"x\");\n}\n";

#[test]
fn files_of_path_attributes_and_includes_are_rewritten() {
    let folder = common::sketch(&[
        (
            "src/lib.rs",
            "#[path = \"parts/one.part\"]\nmod one;\nmod two {\n    #[path = \"x.part\"]\n    mod three;\n}\ninclude!(\"items.part\");\n",
        ),
        ("src/parts/one.part", SITE),
        ("src/two/x.part", SITE),
        ("src/items.part", SITE),
    ]);
    common::rewritten(folder.path(), &[], "src/lib.rs");
    for file in ["src/parts/one.part", "src/two/x.part", "src/items.part"] {
        assert_eq!(common::read(&folder.path().join(file)), DONE, "{file}");
    }
}

#[test]
fn statements_that_are_included_are_left_and_no_mistake() {
    let body = "let _a = 1;\nfail::fail_point!(\"x\");\n";
    let folder = common::sketch(&[
        (
            "src/lib.rs",
            "pub async fn run() {\n    include!(\"body.part\");\n    include!(\"macro.part\");\n}\n",
        ),
        ("src/body.part", body),
        ("src/macro.part", "fail::fail_point!(\"y\")"),
    ]);
    let report = common::scan(folder.path());
    for reason in common::each(&report, "reason") {
        assert!(
            reason.starts_with("in a file that `include!` puts into `run` at "),
            "{reason}"
        );
    }
    assert_eq!(common::each(&report, "name"), ["x", "y"]);
    assert_eq!(report["unparsed"], serde_json::json!([]));
    assert_eq!(common::rewritten(folder.path(), &[], "src/body.part"), body);
}

#[test]
fn a_file_outside_of_the_given_paths_is_named() {
    let folder = common::sketch(&[
        ("src/lib.rs", "#[path = \"../shared.rs\"]\nmod shared;\n"),
        ("shared.rs", SITE),
    ]);
    let report = common::scan(&folder.path().join("src"));
    let notes = report["notes"].to_string();
    assert!(
        notes.contains("shared.rs is reached from here, but outside"),
        "{notes}"
    );
}

#[test]
fn macro_use_in_the_root_serves_the_files_below_it_only() {
    let folder = common::sketch(&[
        (
            "src/lib.rs",
            "#[macro_use(fail_point)]\nextern crate fail;\nmod a;\nmod b;\n",
        ),
        (
            "src/a.rs",
            "pub async fn run() {\n    fail_point!(\"a\");\n}\n",
        ),
        ("src/b.rs", "pub fn run() {\n    fail_point!(\"b\");\n}\n"),
    ]);
    let root = common::rewritten(folder.path(), &[], "src/lib.rs");
    assert!(
        root.starts_with("#[macro_use(async_fail_point, fail_point)]\n"),
        "{root}"
    );
    let below = common::read(&folder.path().join("src/a.rs"));
    assert!(below.contains("    async_fail_point!(\"a\")"), "{below}");
}

#[test]
fn an_import_that_a_module_in_another_file_uses_stays() {
    let folder = common::sketch(&[
        (
            "src/lib.rs",
            "use fail::fail_point;\nmod sync;\nasync fn run() {\n    fail_point!(\"a\");\n}\n",
        ),
        (
            "src/sync.rs",
            "use super::*;\nfn run() {\n    fail_point!(\"b\");\n}\n",
        ),
    ]);
    let root = common::rewritten(folder.path(), &[], "src/lib.rs");
    assert!(
        root.starts_with("use fail::{async_fail_point, fail_point};\n"),
        "{root}"
    );
}

#[test]
fn an_import_of_an_import_keeps_the_first_one() {
    let folder = common::sketch(&[
        (
            "src/lib.rs",
            "use fail::fail_point;\nmod sync;\nasync fn run() {\n    fail_point!(\"a\");\n}\n",
        ),
        (
            "src/sync.rs",
            "use super::fail_point;\nfn run() {\n    fail_point!(\"b\");\n}\n",
        ),
    ]);
    let root = common::rewritten(folder.path(), &[], "src/lib.rs");
    assert!(
        root.starts_with("use fail::{async_fail_point, fail_point};\n"),
        "{root}"
    );
}

#[test]
fn a_macro_of_the_root_is_the_projects_own_in_every_file() {
    let source = "pub async fn run() {\n    fail_point!(\"a\");\n}\n";
    let folder = common::sketch(&[
        (
            "src/lib.rs",
            "macro_rules! fail_point {\n    ($n:expr) => {};\n}\nmod a;\n",
        ),
        ("src/a.rs", source),
    ]);
    assert_eq!(common::rewritten(folder.path(), &[], "src/a.rs"), source);
    let report = common::scan(folder.path());
    let reasons = common::each(&report, "reason");
    let [reason] = reasons.as_slice() else {
        panic!("{reasons:?}");
    };
    assert!(
        reason.starts_with("`fail_point!` is a macro of this project, not of `fail`"),
        "{reason}"
    );
}

#[test]
fn a_macro_through_another_crate_needs_a_dependency_of_ones_own() {
    let folder = common::folder();
    let root = format!(
        "[workspace]\nmembers = [\"a\", \"util\"]\n\n{}",
        common::patch()
    );
    common::write(&folder.path().join("Cargo.toml"), &root);
    let package = |name: &str, dependencies: &str| {
        format!(
            "[package]\nname = \"{name}\"\nedition = \"2021\"\n\n[dependencies]\n{dependencies}"
        )
    };
    let manifest = folder.path().join("a/Cargo.toml");
    common::write(&manifest, &package("a", "util = { path = \"../util\" }\n"));
    common::write(
        &folder.path().join("util/Cargo.toml"),
        &package("util", "fail = \"0.5\"\n"),
    );
    common::write(
        &folder.path().join("util/src/lib.rs"),
        "pub use fail::fail_point;\n",
    );
    let source = "use util::fail_point;\npub async fn run() {\n    fail_point!(\"a\");\n}\n";
    common::write(&folder.path().join("a/src/lib.rs"), source);
    assert_eq!(
        common::rewritten(folder.path(), &[], "a/src/lib.rs"),
        source
    );
    let report = common::scan(folder.path());
    let reasons = common::each(&report, "reason").join("");
    assert!(reasons.contains("has no dependency on `fail`"), "{reasons}");

    common::write(
        &manifest,
        &package("a", "fail = \"0.5\"\nutil = { path = \"../util\" }\n"),
    );
    assert_eq!(
        common::rewritten(folder.path(), &[], "a/src/lib.rs"),
        "pub async fn run() {\n    fail::async_fail_point!(\"a\");\n}\n"
    );
}

#[test]
fn an_import_for_the_crate_goes_when_nobody_needs_it_any_more() {
    let user = "use crate::util::fail_point;\npub async fn run() {\n    fail_point!(\"a\");\n}\n";
    let util = "pub(crate) use fail::fail_point;\npub const A: u8 = 1;\n";
    let folder = common::sketch(&[
        ("src/lib.rs", "mod util;\nmod a;\n"),
        ("src/util.rs", util),
        ("src/a.rs", user),
    ]);
    let after = common::rewritten(folder.path(), &[], "src/util.rs");
    assert_eq!(after, "pub const A: u8 = 1;\n");
    let after = common::read(&folder.path().join("src/a.rs"));
    assert_eq!(
        after,
        "pub async fn run() {\n    fail::async_fail_point!(\"a\");\n}\n"
    );

    // Other crates may use what a library exports.
    let folder = common::sketch(&[
        ("src/lib.rs", "pub mod util;\nmod a;\n"),
        ("src/util.rs", &util.replace("pub(crate)", "pub")),
        ("src/a.rs", user),
    ]);
    let after = common::rewritten(folder.path(), &[], "src/util.rs");
    assert_eq!(after, util.replace("pub(crate)", "pub"));
}

#[test]
fn the_compat_module_of_the_native_crate_is_fails_as_well() {
    let source = "use neon_failpoint::compat::{cfg, fail_point};\npub async fn run() {\n    cfg(\"a\", \"off\").unwrap();\n    fail_point!(\"a\");\n    neon_failpoint::compat::fail_point!(\"b\");\n    neon_failpoint::fail_point!(\"c\");\n}\n";
    let folder = common::sketch(&[("src/lib.rs", source)]);
    let manifest = common::manifest("sketch", "[dependencies]\nneon_failpoint = \"0.1\"\n");
    common::write(&folder.path().join("Cargo.toml"), &manifest);
    let after = common::rewritten(folder.path(), &[], "src/lib.rs");
    let wanted = source
        .replace("{cfg, fail_point}", "{async_fail_point, cfg}")
        .replace("    fail_point", "    async_fail_point")
        .replace("compat::fail_point", "compat::async_fail_point");
    assert_eq!(after, wanted);
    assert_eq!(common::read(&folder.path().join("Cargo.toml")), manifest);
}

#[test]
fn an_import_and_a_macro_of_the_project_under_two_conditions_are_left() {
    let source = "use crate::points::fail_point;\npub async fn run() {\n    fail_point!(\"a\");\n    crate::points::fail_point!(\"b\");\n}\n";
    let points = "#[cfg(feature = \"x\")]\npub use fail::fail_point;\n\n#[cfg(not(feature = \"x\"))]\n#[macro_export]\nmacro_rules! fail_point {\n    ($($all:tt)*) => {};\n}\n";
    let folder = common::sketch(&[
        ("src/lib.rs", "pub mod points;\npub mod a;\n"),
        ("src/points.rs", points),
        ("src/a.rs", source),
    ]);
    assert_eq!(common::rewritten(folder.path(), &[], "src/a.rs"), source);
    let codes = common::each(&common::scan(folder.path()), "code");
    assert_eq!(codes, ["two-imports", "two-imports"]);
}

#[test]
fn an_import_that_another_hands_on_stays() {
    let folder = common::sketch(&[
        ("src/lib.rs", "mod a;\nmod b;\npub mod c;\n"),
        ("src/a.rs", "pub use fail::fail_point;\n"),
        (
            "src/b.rs",
            "use crate::a::fail_point;\n\npub async fn run() {\n    fail_point!(\"x\");\n}\n",
        ),
        (
            "src/c.rs",
            "use crate::a as points;\npub use points::fail_point;\n",
        ),
    ]);
    let a = common::rewritten(folder.path(), &[], "src/a.rs");
    assert_eq!(a, "pub use fail::fail_point;\n");
}

#[test]
fn an_import_that_a_module_in_another_file_names_stays() {
    let user = |below: &str| {
        let folder = common::sketch(&[
            ("src/lib.rs", "mod user;\npub mod utils {}\n"),
            (
                "src/user.rs",
                "use crate::utils;\nmod below;\n\npub async fn run() {\n    \
                 utils::pausable_failpoint!(\"x\");\n}\n",
            ),
            ("src/user/below.rs", below),
        ]);
        let after = common::rewritten(folder.path(), &[], "src/user.rs");
        after.contains("use crate::utils;")
    };
    assert!(!user("pub fn f() {}\n"));
    assert!(user("pub fn f() {\n    super::utils::f();\n}\n"));
    assert!(user("use super::*;\npub fn f() {\n    utils::f();\n}\n"));
    assert!(user(
        "use super::utils;\npub fn f() {\n    utils::f();\n}\n"
    ));
    assert!(!user(
        "use crate::utils;\npub fn f() {\n    utils::f();\n}\n"
    ));
}

#[test]
fn another_name_of_a_macro_is_looked_for() {
    let text = "use fail::async_fail_point as waits;\nuse neon_failpoint::fail_point as native;\n\
                use utils::sleep_millis_async as sleeps;\npub async fn run() {\n    \
                waits!(\"a\");\n    native!(\"b\");\n    sleeps!(\"c\");\n}\n";
    let folder = common::sketch(&[("src/lib.rs", text)]);
    let report = common::scan(folder.path());
    assert_eq!(common::each(&report, "name"), ["a", "b", "c"]);
    assert_eq!(common::each(&report, "status"), ["done", "done", "rewrite"]);
}

#[test]
fn what_goes_from_nested_braces_takes_along_what_is_empty_then() {
    let becomes = |import: &str, then: &str| {
        let text = |import: &str, site: &str| {
            format!("{import}\npub async fn run() {{\n    {site};\n}}\n")
        };
        let before = text(
            import,
            "pausable_failpoint!(\"x\");\n    sleep_millis_async!(\"y\")",
        );
        let folder = common::sketch(&[("src/lib.rs", &before)]);
        let after = common::rewritten(folder.path(), &[], "src/lib.rs");
        assert_eq!(after.lines().next(), Some(then), "{after}");
    };
    becomes(
        "use u::{a::{s::{pausable_failpoint, sleep_millis_async}, Lsn}, b};",
        "use u::{a::Lsn, b};",
    );
    becomes(
        "use u::{a::{pausable_failpoint}, b::{sleep_millis_async}, c};",
        "use u::c;",
    );
    becomes(
        "use u::{a::{pausable_failpoint, A}, b::{sleep_millis_async, B}, c};",
        "use u::{a::A, b::B, c};",
    );
    becomes(
        "use u::{a::{s::{pausable_failpoint}}, b, s::{c::{sleep_millis_async}}, d};",
        "use u::{b, d};",
    );
}

#[test]
fn a_file_that_was_given_alone_is_meant_alone() {
    let files = [
        ("src/lib.rs", "mod a;\nmod b;\n"),
        ("src/a.rs", SITE),
        ("src/b.rs", SITE),
    ];
    let folder = common::sketch(&files);
    let report = common::scan(&folder.path().join("src/lib.rs"));
    assert_eq!(report["notes"], serde_json::json!([]));
}
