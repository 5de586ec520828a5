//! What is added to Cargo.toml, in each form that a dependency has.

use std::path::Path;

use crate::common;

const SOURCE: &str = "pub async fn run() {\n    fail::fail_point!(\"x\", |_| ());\n}\n";

fn edited(before: &str, options: &[&str]) -> String {
    let folder = common::folder();
    common::write(&folder.path().join("src/lib.rs"), SOURCE);
    let head = format!(
        "[package]\nname = \"a\"\nedition = \"2021\"\n\n{}\n",
        common::patch()
    );
    common::write(
        &folder.path().join("Cargo.toml"),
        &format!("{head}{before}"),
    );
    let after = common::rewritten(folder.path(), options, "Cargo.toml");
    let after = after.strip_prefix(&head);
    after.expect("the head stays").to_owned()
}

#[test]
fn a_version_becomes_a_table() {
    assert_eq!(
        edited("[dependencies]\nfail = \"0.5\" # why\nlog = \"0.4\"\n", &[]),
        "[dependencies]\nfail = { version = \"0.5\", features = [\"async\"] } # why\nlog = \"0.4\"\n"
    );
}

#[test]
fn an_inline_table_gets_the_feature() {
    assert_eq!(
        edited(
            "[dependencies]\nfail = { path = \"x\", features = [\"failpoints\"] }\n",
            &[]
        ),
        "[dependencies]\nfail = { path = \"x\", features = [\"failpoints\", \"async\"] }\n"
    );
    assert_eq!(
        edited(
            "[dependencies]\nfail = { path = \"x\", optional = true }\n",
            &[]
        ),
        "[dependencies]\nfail = { path = \"x\", optional = true, features = [\"async\"] }\n"
    );
}

#[test]
fn a_table_of_its_own_gets_the_feature() {
    assert_eq!(
        edited(
            "[dependencies.fail]\nversion = \"0.5\"\nfeatures = [\n    \"failpoints\",\n]\n",
            &[]
        ),
        "[dependencies.fail]\nversion = \"0.5\"\nfeatures = [\n    \"failpoints\",\n    \"async\",\n]\n"
    );
}

#[test]
fn a_dependency_for_a_target_gets_the_feature() {
    assert_eq!(
        edited("[target.'cfg(unix)'.dependencies]\nfail = \"0.5\"\n", &[]),
        "[target.'cfg(unix)'.dependencies]\nfail = { version = \"0.5\", features = [\"async\"] }\n"
    );
}

#[test]
fn a_feature_that_is_there_is_not_added_again() {
    let before = "[dependencies]\nfail = { version = \"0.5\", features = [\"async\"] }\n";
    assert_eq!(edited(before, &[]), before);
}

#[test]
fn a_renamed_dependency_is_found_under_its_name() {
    let folder = common::folder();
    let manifest = common::manifest(
        "a",
        &format!(
            "{}\n[dependencies]\nfault-points = {{ package = \"fail\", version = \"0.5\" }}\nfail = {{ package = \"fail-parallel\", version = \"0.5\" }}\n",
            common::patch()
        ),
    );
    common::write(&folder.path().join("Cargo.toml"), &manifest);
    let source = "pub async fn run() {\n    fault_points::fail_point!(\"x\");\n    fail::fail_point!(\"y\");\n}\n";
    common::write(&folder.path().join("src/lib.rs"), source);
    let after = common::rewritten(folder.path(), &[], "src/lib.rs");
    assert_eq!(
        after,
        source.replacen("points::fail", "points::async_fail", 1)
    );
    let manifest = common::read(&folder.path().join("Cargo.toml"));
    let wanted = "fault-points = { package = \"fail\", version = \"0.5\", features = [\"async\"] }";
    assert!(manifest.contains(wanted), "{manifest}");
}

/// A workspace with one member.
fn workspace(root: &str, member: &str) -> tempfile::TempDir {
    let folder = common::folder();
    let mut root = format!("[workspace]\nmembers = [\"a\"]\n\n{root}");
    if !root.contains("[patch") {
        root = format!("{root}\n{}", common::patch());
    }
    common::write(&folder.path().join("Cargo.toml"), &root);
    let manifest =
        format!("[package]\nname = \"a\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n{member}");
    common::write(&folder.path().join("a/Cargo.toml"), &manifest);
    common::write(&folder.path().join("a/src/lib.rs"), SOURCE);
    folder
}

#[test]
fn a_dependency_from_the_workspace_gets_the_feature_in_the_member() {
    let folder = workspace(
        "[workspace.dependencies]\nfail = \"0.5\"\n",
        "[dependencies]\nfail.workspace = true\n",
    );
    let after = common::rewritten(folder.path(), &[], "a/Cargo.toml");
    assert!(
        after.contains("fail.workspace = true\nfail.features = [\"async\"]\n"),
        "{after}"
    );

    let folder = workspace(
        "[workspace.dependencies]\nfail = { version = \"0.5\", features = [\"async\"] }\n",
        "[dependencies]\nfail = { workspace = true }\n",
    );
    let after = common::rewritten(folder.path(), &[], "a/Cargo.toml");
    assert!(after.ends_with("fail = { workspace = true }\n"), "{after}");
}

#[test]
fn native_adds_the_crate_beside_the_shim_and_passes_testing_on() {
    let shim = common::workspace().join("migration/fail");
    let before = format!(
        "[features]\nfailpoints = [\"fail/failpoints\"]\n\n[dependencies]\nfail = {{ path = {shim:?} }}\n"
    );
    let after = edited(&before, &["--to", "native"]);
    assert!(
        after.starts_with(
            "[features]\nfailpoints = [\"fail/failpoints\", \"neon_failpoint/testing\"]\n"
        ),
        "{after}"
    );
    assert!(after.contains("neon_failpoint = { path = \""), "{after}");
    assert!(!after.contains("features = [\"async\"]"), "{after}");
}

#[test]
fn native_takes_the_source_of_a_patch() {
    let folder = workspace(
        "[patch.crates-io]\nfail = { git = \"https://example.org/neon_failpoint\", rev = \"abc\" }\n",
        "[dependencies]\nfail = \"0.5\"\n",
    );
    // Nobody answers there.
    let offline = "[net]\noffline = true\n";
    common::write(&folder.path().join(".cargo/config.toml"), offline);
    let after = common::rewritten(folder.path(), &["--to", "native"], "a/Cargo.toml");
    let wanted = "neon_failpoint = { git = \"https://example.org/neon_failpoint\", rev = \"abc\" }";
    assert!(after.contains(wanted), "{after}");
    assert!(
        after.contains("testing = [\"neon_failpoint/testing\"]"),
        "{after}"
    );
}

#[test]
fn native_takes_the_workspaces_own_entry() {
    let native = common::native("");
    let folder = workspace(
        &format!("[workspace.dependencies]\n{native}"),
        "[dependencies]\nfail = { version = \"0.5\", features = [\"failpoints\"] }\n",
    );
    let after = common::rewritten(folder.path(), &["--to", "native"], "a/Cargo.toml");
    let wanted = "neon_failpoint = { workspace = true, features = [\"testing\"] }";
    assert!(after.contains(wanted), "{after}");
}

fn notes(folder: &Path, options: &[&str]) -> String {
    let mut arguments = vec!["rewrite", "--no-check", "--allow-dirty"];
    arguments.extend(options);
    common::said(&common::migrate(&arguments, folder))
}

#[test]
fn when_the_last_use_is_gone_it_says_that_fail_can_go() {
    let folder = workspace(
        "[workspace.dependencies]\nfail = \"0.5\"\n\n[patch.crates-io]\nfail = { path = \"x\" }\n",
        "[features]\nfailpoints = [\"fail/failpoints\"]\n\n[dependencies]\nfail.workspace = true\n",
    );
    let said = notes(folder.path(), &["--to", "compat"]);
    assert!(!said.contains("can go"), "{said}");
    let said = notes(folder.path(), &["--to", "native"]);
    assert!(
        said.contains("nothing in a uses `fail` any more: it can go from"),
        "{said}"
    );
    assert!(
        said.contains("and from the features `failpoints`"),
        "{said}"
    );
    assert!(
        said.contains("from [workspace.dependencies] and [patch]"),
        "{said}"
    );
}

#[test]
fn what_is_left_keeps_fail() {
    let folder = common::sketch(&[(
        "src/lib.rs",
        &format!("{SOURCE}pub fn sync() {{\n    fail::fail_point!(\"y\");\n}}\n"),
    )]);
    let said = notes(folder.path(), &["--to", "native"]);
    assert!(said.contains("1 rewritten, 1 left"), "{said}");
    assert!(!said.contains("can go"), "{said}");
}

#[test]
fn a_renamed_dependency_from_the_workspace_is_found_under_its_name() {
    let root = "[workspace.dependencies]\nfailpoints = { package = \"fail\", version = \"0.5\" }\n";
    let member = "[features]\nfailpoints = [\"failpoints/failpoints\"]\n\n\
                  [dependencies]\nfailpoints.workspace = true\n";
    let source = SOURCE.replace("fail::", "failpoints::");
    let folder = workspace(root, member);
    common::write(&folder.path().join("a/src/lib.rs"), &source);
    let after = common::rewritten(folder.path(), &[], "a/src/lib.rs");
    assert_eq!(after, source.replace("fail_point", "async_fail_point"));
    let manifest = common::read(&folder.path().join("a/Cargo.toml"));
    let features = "failpoints.workspace = true\nfailpoints.features = [\"async\"]\n";
    assert!(manifest.ends_with(features), "{manifest}");

    let said = notes(folder.path(), &["--to", "native"]);
    assert!(
        said.contains("and from the features `failpoints`"),
        "{said}"
    );
    assert!(
        said.contains("from [workspace.dependencies] and [patch]"),
        "{said}"
    );
    let manifest = common::read(&folder.path().join("a/Cargo.toml"));
    let passed_on = "failpoints = [\"failpoints/failpoints\", \"neon_failpoint/testing\"]";
    assert!(manifest.contains(passed_on), "{manifest}");
}

#[test]
fn when_the_last_async_macro_is_gone_it_says_that_the_feature_can_go() {
    let sync = "pub fn sync() {\n    fail::fail_point!(\"y\");\n}\n";
    let folder = common::sketch(&[("src/lib.rs", &format!("{SOURCE}{sync}"))]);
    let can_go = "uses `async_fail_point!` any more: `async` can go from the features of `fail`";
    let said = notes(folder.path(), &["--to", "compat"]);
    assert!(!said.contains("can go"), "{said}");
    let manifest = common::read(&folder.path().join("Cargo.toml"));
    assert!(manifest.contains("features = [\"async\"]"), "{manifest}");
    let said = notes(folder.path(), &["--to", "native"]);
    assert!(said.contains(can_go), "{said}");

    // A mention may be a use, in what the syntax does not show.
    let mentions = format!("{SOURCE}{sync}// async_fail_point\n");
    common::write(&folder.path().join("src/lib.rs"), &mentions);
    let said = notes(folder.path(), &["--to", "native"]);
    assert!(said.contains("1 rewritten"), "{said}");
    assert!(!said.contains("can go"), "{said}");
}

#[cfg(unix)]
#[test]
fn a_way_through_a_link_to_the_shim_leads_to_the_native_crate_as_well() {
    let folder = common::folder();
    let at = |path: &str| folder.path().join(path);
    std::os::unix::fs::symlink(common::workspace(), at("copy")).expect("linked");
    common::write(&at("app/src/lib.rs"), SOURCE);
    let manifest = "[package]\nname = \"a\"\nedition = \"2021\"\n\n[dependencies]\nfail = \"0.5\"\n\n\
                    [patch.crates-io]\nfail = { path = \"../copy/migration/fail\" }\n";
    common::write(&at("app/Cargo.toml"), manifest);
    let options = ["--to", "native"];
    let after = common::rewritten(&at("app"), &options, "Cargo.toml");
    assert!(
        after.contains("neon_failpoint = { path = \"../copy\" }"),
        "{after}"
    );
}

#[test]
fn an_optional_fail_makes_the_native_crate_optional() {
    let native = |features: &str| {
        let before = format!(
            "[features]\n{features}\n[dependencies]\nfail = {{ version = \"0.5\", optional = true }}\n"
        );
        edited(&before, &["--to", "native"])
    };
    let after = native("failpoints = [\"dep:fail\", \"fail/failpoints\"]\n");
    assert!(after.contains(", optional = true }\n"), "{after}");
    let on = "failpoints = [\"dep:fail\", \"fail/failpoints\", \"neon_failpoint/testing\"]\n";
    assert!(after.contains(on), "{after}");

    let after = native("faults = [\"dep:fail\"]\nfailpoints = [\"fail?/failpoints\"]\n");
    assert!(
        after.contains("faults = [\"dep:fail\", \"dep:neon_failpoint\"]\n"),
        "{after}"
    );
    let weak = "failpoints = [\"fail?/failpoints\", \"neon_failpoint?/testing\"]\n";
    assert!(after.contains(weak), "{after}");

    // By its own name it is a feature, which code may ask for.
    let after = native("failpoints = [\"fail/failpoints\"]\n");
    assert!(after.contains("neon_failpoint = { path = "), "{after}");
    assert_eq!(after.matches("optional").count(), 1, "{after}");
}

#[test]
fn neons_macros_need_the_native_crate_without_failpoints_as_well() {
    let folder = common::sketch(&[(
        "src/lib.rs",
        "pub async fn run() {\n    utils::pausable_failpoint!(\"x\");\n}\n",
    )]);
    let manifest = folder.path().join("Cargo.toml");
    let optional = common::read(&manifest).replace(
        "fail = \"0.5\"\n",
        "fail = { version = \"0.5\", optional = true }\n\n[features]\nfailpoints = [\"dep:fail\", \"fail/failpoints\"]\n",
    );
    common::write(&manifest, &optional);
    let after = common::rewritten(folder.path(), &[], "Cargo.toml");
    assert!(after.contains("neon_failpoint = { path = "), "{after}");
    assert_eq!(after.matches("optional").count(), 1, "{after}");
}

#[test]
fn the_native_crate_goes_where_fail_was_in_dev_dependencies_with_testing_there() {
    let source = "#[cfg(test)]\nmod tests {\n    async fn run() {\n        fail::fail_point!(\"x\");\n    }\n}\n";
    let native = |manifest: &str| {
        let folder = common::sketch(&[("src/lib.rs", source)]);
        let head = common::manifest("a", &format!("{}\n", common::patch()));
        let path = folder.path().join("Cargo.toml");
        common::write(&path, &format!("{head}{manifest}"));
        let after = common::rewritten(folder.path(), &["--to", "native"], "Cargo.toml");
        after
            .strip_prefix(&head)
            .expect("the head stays")
            .to_owned()
    };
    let after = native("[dev-dependencies]\nfail = \"0.5\"\n");
    assert!(
        after.starts_with("[dev-dependencies]\nfail = \"0.5\"\nneon_failpoint = { path = \""),
        "{after}"
    );
    assert!(after.ends_with(", features = [\"testing\"] }\n"), "{after}");

    let on =
        native("[dev-dependencies]\nfail = { version = \"0.5\", features = [\"failpoints\"] }\n");
    assert!(on.ends_with(", features = [\"testing\"] }\n"), "{on}");

    let passed = native(
        "[features]\nfailpoints = [\"fail/failpoints\"]\n\n[dev-dependencies]\nfail = \"0.5\"\n",
    );
    let feature = "[features]\nfailpoints = [\"fail/failpoints\", \"neon_failpoint/testing\"]\n";
    assert!(passed.starts_with(feature), "{passed}");
    assert!(!passed.contains("[dependencies]"), "{passed}");
    assert!(!passed.contains("\"testing\""), "{passed}");

    let for_target = native("[target.'cfg(unix)'.dev-dependencies]\nfail = \"0.5\"\n");
    assert!(
        for_target.starts_with(
            "[target.'cfg(unix)'.dev-dependencies]\nfail = \"0.5\"\nneon_failpoint = "
        ),
        "{for_target}"
    );
    assert!(!for_target.contains("[features]"), "{for_target}");
}

#[test]
fn the_native_crate_goes_where_fail_was_for_a_target() {
    let after = edited(
        "[target.'cfg(unix)'.dependencies]\nfail = \"0.5\"\n",
        &["--to", "native"],
    );
    assert!(
        after.starts_with(
            "[target.'cfg(unix)'.dependencies]\nfail = \"0.5\"\nneon_failpoint = { path"
        ),
        "{after}"
    );
    assert!(
        after.ends_with("\n[features]\ntesting = [\"neon_failpoint/testing\"]\n"),
        "{after}"
    );
}

#[test]
fn a_second_entry_for_tests_switches_their_failpoints_on_natively_too() {
    let before = "[dependencies]\nfail = \"0.5\"\n\n[dev-dependencies]\nfail = { version = \"0.5\", features = [\"failpoints\"] }\n";
    let after = edited(before, &["--to", "native"]);
    let (normal, tests) = after.split_once("[dev-dependencies]").expect("both tables");
    assert!(normal.contains("neon_failpoint = { path"), "{after}");
    assert!(!normal.contains("testing"), "{after}");
    assert!(tests.contains(", features = [\"testing\"] }"), "{after}");
}

#[test]
fn a_build_script_has_dependencies_of_its_own() {
    let script = "async fn run() {\n    fail::fail_point!(\"x\");\n}\nfn main() {}\n";
    let edit = |options: &[&str]| {
        let folder = common::sketch(&[("build.rs", script), ("src/lib.rs", "")]);
        let path = folder.path().join("Cargo.toml");
        let both = common::read(&path) + "\n[build-dependencies]\nfail = \"0.5\"\n";
        common::write(&path, &both);
        let after = common::rewritten(folder.path(), options, "Cargo.toml");
        let (normal, build) = after
            .split_once("[build-dependencies]")
            .expect("both tables");
        assert!(
            normal.ends_with("[dependencies]\nfail = \"0.5\"\n\n"),
            "{after}"
        );
        build.to_owned()
    };
    let compat = edit(&[]);
    assert_eq!(
        compat,
        "\nfail = { version = \"0.5\", features = [\"async\"] }\n"
    );
    let native = edit(&["--to", "native"]);
    assert!(
        native.starts_with("\nfail = \"0.5\"\nneon_failpoint = { path = "),
        "{native}"
    );
}

#[test]
fn a_feature_that_brings_fail_and_its_failpoints_brings_both_natively() {
    let native = |features: &str| {
        let before = format!(
            "[features]\n{features}\n[dependencies]\nfail = {{ version = \"0.5\", optional = true }}\n"
        );
        edited(&before, &["--to", "native"])
    };
    let after = native("failpoints = [\"dep:fail\", \"fail?/failpoints\"]\n");
    let both = "failpoints = [\"dep:fail\", \"fail?/failpoints\", \"dep:neon_failpoint\", \"neon_failpoint?/testing\"]\n";
    assert!(after.contains(both), "{after}");
    assert!(after.contains(", optional = true }\n"), "{after}");

    let after =
        native("faults = [\"dep:fail\"]\nfailpoints = [\"faults\", \"fail?/failpoints\"]\n");
    assert!(
        after.contains("faults = [\"dep:fail\", \"dep:neon_failpoint\"]\n"),
        "{after}"
    );
    let weak = "failpoints = [\"faults\", \"fail?/failpoints\", \"neon_failpoint?/testing\"]\n";
    assert!(after.contains(weak), "{after}");
}

#[test]
fn a_comment_behind_the_last_line_of_a_list_stays_there() {
    let native = |list: &str| {
        let before = format!("[features]\nfailpoints = {list}\n\n[dependencies]\nfail = \"0.5\"\n");
        let after = edited(&before, &["--to", "native"]);
        let list = after
            .strip_prefix("[features]\nfailpoints = ")
            .expect("the list");
        list.split_once("\n\n").expect("a list").0.to_owned()
    };
    assert_eq!(
        native("[\n    \"a/b\", # other\n    \"fail/failpoints\", # for tests\n]"),
        "[\n    \"a/b\", # other\n    \"fail/failpoints\", # for tests\n    \"neon_failpoint/testing\",\n]"
    );
    assert_eq!(
        native("[\n    \"fail/failpoints\" # for tests\n]"),
        "[\n    \"fail/failpoints\", # for tests\n    \"neon_failpoint/testing\"\n]"
    );
    assert_eq!(
        native("[\n    \"fail/failpoints\",\n    # the end\n]"),
        "[\n    \"fail/failpoints\",\n    \"neon_failpoint/testing\",\n    # the end\n]"
    );
}

#[test]
fn a_fail_from_the_workspace_brings_the_native_crate_from_there() {
    let shared =
        "[workspace]\nmembers = [\"a\", \"b\"]\n\n[workspace.dependencies]\nfail = \"0.5\"\n";
    let folder = workspace("", "");
    common::write(
        &folder.path().join("Cargo.toml"),
        &format!("{shared}\n{}", common::patch()),
    );
    for (name, fail) in [
        ("a", "fail.workspace = true\n"),
        (
            "b",
            "fail = { workspace = true, optional = true }\n\n[features]\nfaults = [\"dep:fail\"]\n",
        ),
    ] {
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n[dependencies]\n{fail}"
        );
        common::write(&folder.path().join(name).join("Cargo.toml"), &manifest);
        common::write(&folder.path().join(name).join("src/lib.rs"), SOURCE);
    }
    let root = common::rewritten(folder.path(), &["--to", "native"], "Cargo.toml");
    assert_eq!(root.matches("neon_failpoint = {").count(), 1, "{root}");
    let added = "fail = \"0.5\"\nneon_failpoint = { path = \"";
    assert!(root.contains(added), "{root}");
    let a = common::read(&folder.path().join("a/Cargo.toml"));
    assert!(
        a.contains("fail.workspace = true\nneon_failpoint = { workspace = true }\n"),
        "{a}"
    );
    let b = common::read(&folder.path().join("b/Cargo.toml"));
    assert!(
        b.contains("neon_failpoint = { workspace = true, optional = true }\n"),
        "{b}"
    );
    assert!(
        b.contains("faults = [\"dep:fail\", \"dep:neon_failpoint\"]"),
        "{b}"
    );
    common::succeeds(common::cargo(
        &folder.path().join("Cargo.toml"),
        &["update", "--workspace", "--quiet"],
    ));
}

/// A workspace of these members, and what a rewrite to the native macros says.
fn said_of(members: &[(&str, &str, &str)]) -> String {
    let folder = common::folder();
    let root = format!("[workspace]\nmembers = [\"*\"]\n\n{}", common::patch());
    common::write(&folder.path().join("Cargo.toml"), &root);
    for (name, fail, source) in members {
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n\
             [dependencies]\nfail = {fail}\n"
        );
        common::write(&folder.path().join(name).join("Cargo.toml"), &manifest);
        common::write(&folder.path().join(name).join("src/lib.rs"), source);
    }
    let lock = folder.path().join("Cargo.toml");
    common::succeeds(common::cargo(&lock, &["update", "--workspace", "--quiet"]));
    let said = notes(folder.path(), &["--to", "native"]);
    assert!(said.contains("rewritten"), "{said}");
    said
}

const WITH_FAILPOINTS: &str = "{ version = \"0.5\", features = [\"failpoints\"] }";

#[test]
fn a_dependency_that_is_there_for_its_features_is_not_said_to_be_unused() {
    let hack = ("workspace-hack", WITH_FAILPOINTS, "");
    let said = said_of(&[("app", "\"0.5\"", SOURCE), hack]);
    assert!(
        said.contains("nothing in app uses `fail` any more"),
        "{said}"
    );
    assert!(!said.contains("workspace-hack"), "{said}");
    assert!(!said.contains("nothing is left of `fail`"), "{said}");
}

#[test]
fn a_dependency_that_switches_failpoints_on_for_others_stays() {
    let sync = "pub fn sync() {\n    fail::fail_point!(\"y\");\n}\n";
    let app = ("app", WITH_FAILPOINTS, SOURCE);
    let said = said_of(&[app, ("engine", "\"0.5\"", sync)]);
    assert!(!said.contains("can go"), "{said}");
    // Nobody else is left.
    let said = said_of(&[app, ("engine", "\"0.5\"", SOURCE)]);
    assert!(
        said.contains("nothing in app uses `fail` any more"),
        "{said}"
    );
    assert!(said.contains("nothing is left of `fail`"), "{said}");
}

#[test]
fn a_path_from_the_root_stays_one() {
    let path = |shim: &str| {
        let folder = workspace(
            &format!("[patch.crates-io]\nfail = {{ path = {shim:?} }}\n"),
            "[dependencies]\nfail = \"0.5\"\n",
        );
        common::rewritten(folder.path(), &["--to", "native"], "a/Cargo.toml")
    };
    let root = common::workspace();
    let absolute = root.join("migration/fail").display().to_string();
    let wanted = format!(
        "neon_failpoint = {{ path = {:?} }}",
        root.display().to_string()
    );
    let after = path(&absolute);
    assert!(after.contains(&wanted), "{after}");
}
