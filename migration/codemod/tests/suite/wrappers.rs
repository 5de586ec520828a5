//! A project's own macros around `fail_point!`.

use crate::common;

const SITE: &str = "pub async fn run() {\n    crate::point!(\"x\");\n}\n";

fn becomes(definitions: &str, options: &[&str], wanted: &str) {
    let folder = common::sketch(&[("src/lib.rs", &format!("{definitions}{SITE}"))]);
    let after = common::rewritten(folder.path(), options, "src/lib.rs");
    let site = after
        .strip_prefix(definitions)
        .expect("the definitions stay");
    assert_eq!(site, SITE.replace("crate::point", wanted));
}

const FORWARDS: &str = "#[macro_export]\nmacro_rules! point {\n    ($($all:tt)*) => { fail::fail_point!($($all)*) };\n}\n";
const TWIN: &str = "#[macro_export]\nmacro_rules! async_point {\n    ($($all:tt)*) => { fail::async_fail_point!($($all)*) };\n}\n";
const MORE: &str = "#[macro_export]\nmacro_rules! point {\n    ($name:expr) => { if enabled() { fail::fail_point!($name) } };\n}\n";

#[test]
fn a_wrapper_that_nobody_names_is_no_site() {
    let folder = common::sketch(&[("src/lib.rs", SITE)]);
    assert!(common::each(&common::scan(folder.path()), "name").is_empty());
}

#[test]
fn the_twin_is_the_one_that_is_given() {
    becomes(
        MORE,
        &["--macro", "point=waiting_point"],
        "crate::waiting_point",
    );
}

#[test]
fn the_twin_is_async_with_the_name_where_the_project_has_one() {
    becomes(
        &format!("{MORE}{TWIN}"),
        &["--macro", "point"],
        "crate::async_point",
    );
}

#[test]
fn a_wrapper_that_only_hands_its_arguments_on_becomes_what_it_stands_for() {
    becomes(FORWARDS, &["--macro", "point"], "fail::async_fail_point");
    becomes(
        FORWARDS,
        &["--macro", "point", "--to", "native"],
        "neon_failpoint::fail_point",
    );
}

#[test]
fn a_wrapper_with_an_arm_for_each_form_hands_its_arguments_on_as_well() {
    let arms = "\
#[macro_export]
macro_rules! point {
    ($name:expr) => {
        $crate::fail::fail_point!($name)
    };
    ($name:expr, $closure:expr $(,)?) => {
        $crate::fail::fail_point!($name, $closure);
    };
}
";
    becomes(arms, &["--macro", "point"], "fail::async_fail_point");
    let swapped = arms.replace("!($name, $closure)", "!($closure, $name)");
    becomes(&swapped, &["--macro", "point"], "crate::point");
    let empty = "#[cfg(not(feature = \"x\"))]\nmacro_rules! point {\n    ($name:expr) => {};\n}\n";
    becomes(
        &format!("{arms}{empty}"),
        &["--macro", "point"],
        "crate::point",
    );
}

#[test]
fn a_wrapper_that_does_more_is_left_without_a_twin() {
    becomes(MORE, &["--macro", "point"], "crate::point");
    let folder = common::sketch(&[("src/lib.rs", &format!("{MORE}{SITE}"))]);
    let report = common::scan_with(&["--macro", "point"], folder.path());
    let reasons = common::each(&report, "reason").join("");
    assert!(
        reasons.contains("write `async_point!`, or name one"),
        "{reasons}"
    );
}

#[test]
fn imports_of_a_wrapper_follow_it() {
    let before =
        "mod m {\n    use crate::point;\n    async fn run() {\n        point!(\"x\");\n    }\n}\n";
    let folder = common::sketch(&[("src/lib.rs", &format!("{FORWARDS}{TWIN}{before}"))]);
    let after = common::rewritten(folder.path(), &["--macro", "point"], "src/lib.rs");
    assert!(
        after.ends_with(&before.replace("point", "async_point")),
        "{after}"
    );
}

/// A wrapper that has the name of `fail`'s own macro.
fn of_the_same_name(definition: &str, options: &[&str]) -> String {
    let definition = definition.replace("point {", "fail_point {");
    let site = SITE.replace("point!", "fail_point!");
    let folder = common::sketch(&[("src/lib.rs", &format!("{definition}{site}"))]);
    let after = common::rewritten(folder.path(), options, "src/lib.rs");
    let after = after.strip_prefix(&definition);
    after.expect("the definition stays").to_owned()
}

#[test]
fn a_wrapper_of_the_same_name_is_left_and_the_report_says_how_to_name_it() {
    let site = SITE.replace("point!", "fail_point!");
    assert_eq!(of_the_same_name(FORWARDS, &[]), site);
    let definition = FORWARDS.replace("point {", "fail_point {");
    let folder = common::sketch(&[("src/lib.rs", &format!("{definition}{site}"))]);
    let reasons = common::each(&common::scan(folder.path()), "reason").join("");
    let remedy = "if it wraps `fail`'s, give `--macro fail_point`";
    assert!(reasons.contains(remedy), "{reasons}");
}

#[test]
fn a_wrapper_of_the_same_name_that_is_named_is_treated_as_any_other() {
    let becomes = |path: &str| SITE.replace("crate::point", path);
    let options = ["--macro", "fail_point"];
    assert_eq!(
        of_the_same_name(FORWARDS, &options),
        becomes("fail::async_fail_point")
    );
    assert_eq!(
        of_the_same_name(FORWARDS, &["--macro", "fail_point", "--to", "native"]),
        becomes("neon_failpoint::fail_point")
    );
    assert_eq!(
        of_the_same_name(MORE, &["--macro", "fail_point=waiting_point"]),
        becomes("crate::waiting_point")
    );
    assert_eq!(
        of_the_same_name(MORE, &options),
        becomes("crate::fail_point")
    );
}

#[test]
fn a_wrapper_of_the_same_name_in_another_package_is_treated_as_any_other() {
    let manifest = |name: &str, dependencies: &str| {
        format!(
            "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n\
             [dependencies]\nfail = \"0.5\"\n{dependencies}"
        )
    };
    let folder = common::folder();
    let at = |path: &str| folder.path().join(path);
    let root = format!(
        "[workspace]\nmembers = [\"app\", \"util\"]\n\n{}",
        common::patch()
    );
    common::write(&at("Cargo.toml"), &root);
    common::write(&at("util/Cargo.toml"), &manifest("util", ""));
    let definitions = format!("{FORWARDS}{TWIN}").replace("point {", "fail_point {");
    common::write(&at("util/src/lib.rs"), &definitions);
    let on_util = manifest("app", "util = { path = \"../util\" }\n");
    common::write(&at("app/Cargo.toml"), &on_util);
    let user = "use util::fail_point;\n\npub async fn run() {\n    fail_point!(\"x\");\n    util::fail_point!(\"y\");\n}\n";
    common::write(&at("app/src/lib.rs"), user);

    assert_eq!(
        common::rewritten(folder.path(), &[], "app/src/lib.rs"),
        user
    );
    let options = ["--macro", "fail_point"];
    let after = common::rewritten(folder.path(), &options, "app/src/lib.rs");
    assert_eq!(after, user.replace("fail_point", "async_fail_point"));
    assert_eq!(common::read(&at("app/Cargo.toml")), on_util);
    assert_eq!(common::read(&at("util/src/lib.rs")), definitions);
}

/// What the program says beside the table.
fn notes(text: &str, arguments: &[&str]) -> String {
    let folder = common::sketch(&[("src/lib.rs", text)]);
    common::said(&common::migrate(arguments, folder.path()))
}

#[test]
fn a_wrapper_that_nobody_names_is_pointed_out_with_its_calls() {
    let said = notes(&format!("{MORE}{SITE}"), &["scan"]);
    let hint = "has a failpoint in it, and 1 call of it is not listed: give `--macro point`";
    assert!(said.contains("`point!` (") && said.contains(hint), "{said}");
    let twice = format!("{MORE}{SITE}mod m {{ async fn run() {{ vec![crate::point!(\"y\")]; }} }}");
    let said = notes(&twice, &["scan"]);
    assert!(said.contains("2 calls of it are not listed"), "{said}");
    // A failpoint of another crate is no business of this one.
    let of_others =
        format!("{MORE}{SITE}").replace("fail::fail_point", "fail_parallel::fail_point");
    assert!(!notes(&of_others, &["scan"]).contains("not listed"));
    // Without calls there is nothing to list, and named ones are listed.
    assert!(!notes(MORE, &["scan"]).contains("not listed"));
    let said = notes(&format!("{MORE}{SITE}"), &["scan", "--macro", "point"]);
    assert!(!said.contains("not listed"), "{said}");
}

#[test]
fn a_wrapper_of_the_native_macros_name_is_pointed_out_as_well() {
    let text = format!("{MORE}{SITE}").replace("point!(\"", "failpoint!(\"");
    let text = text.replace("macro_rules! point", "macro_rules! failpoint");
    let said = notes(&text, &["scan"]);
    assert!(said.contains("give `--macro failpoint`"), "{said}");
    let said = notes(&text, &["scan", "--macro", "failpoint"]);
    assert!(said.contains("write `async_failpoint!`"), "{said}");
}

#[test]
fn a_wrapper_that_nothing_calls_any_more_can_go() {
    let options = ["rewrite", "--no-check", "--allow-dirty", "--macro", "point"];
    let text = format!("{MORE}{TWIN}{SITE}");
    let said = notes(&text, &options);
    let can_go = "nothing in the given paths calls `point!` any more: its definition (";
    assert!(said.contains(can_go), "{said}");
    let said = notes(&format!("{text}fn sync() {{ point!(\"z\"); }}\n"), &options);
    assert!(!said.contains("any more"), "{said}");
    let said = notes(&text, &["rewrite", "--check", "--macro", "point"]);
    assert!(!said.contains("any more"), "{said}");
}

#[test]
fn a_feature_of_the_caller_that_a_macro_asks_for_is_named_where_the_macro_goes() {
    let gated = "\
macro_rules! pausable_failpoint {
    ($name:literal) => {{
        if cfg!(feature = \"testing\") {
            let _ = tokio::task::spawn_blocking(|| fail::fail_point!($name)).await;
        }
    }};
}
";
    let call = "pub async fn run() {\n    pausable_failpoint!(\"x\");\n}\n";
    let notes = |definition: &str, call: &str| {
        let folder = common::sketch(&[("src/lib.rs", &format!("{definition}{call}"))]);
        common::scan(folder.path())["notes"].to_string()
    };
    let said = notes(gated, call);
    assert!(
        said.contains(
            "the feature `testing` of the package that calls it is asked for by `pausable"
        ),
        "{said}"
    );
    let free = gated.replace("cfg!(feature = \"testing\")", "true");
    assert!(!notes(&free, call).contains("is asked for by"));
    assert!(!notes(gated, "").contains("is asked for by"));
}
