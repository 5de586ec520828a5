//! `fail` 0.5.1's own tests pass against the shim: its integration tests, its
//! documentation's examples, and its unit tests that use public names, unchanged. They
//! come from the registry's copy of the package, which is a dependency of this one, into
//! a package written for the run.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::{SHIM, cargo, folder, passed};

/// The unit tests of `fail` that do not reach for its private types.
const PUBLIC_UNIT_TESTS: [&str; 2] = ["test_has_failpoints", "test_setup_and_teardown"];

/// Where the registry's copy of `fail` is.
fn upstream() -> PathBuf {
    let metadata = cargo(
        Path::new(SHIM),
        &["metadata", "--format-version", "1", "--quiet"],
    );
    let json = metadata.lines().next().expect("metadata is one line");
    let metadata: serde_json::Value = serde_json::from_str(json).expect("metadata is JSON");
    let packages = metadata["packages"].as_array().expect("a list of packages");
    let ours = packages.iter().find(|package| {
        package["name"] == "fail" && package["version"] == "0.5.1" && package["source"].is_string()
    });
    let manifest = ours.expect("`fail` of the registry")["manifest_path"].as_str();
    Path::new(manifest.expect("a path"))
        .parent()
        .expect("a folder")
        .to_owned()
}

/// The text of the documentation comments of a source file.
fn documentation(source: &str) -> String {
    let lines = source.lines().map(str::trim_start);
    let texts = lines.filter_map(|l| l.strip_prefix("//!").or_else(|| l.strip_prefix("///")));
    let texts: Vec<&str> = texts.map(|t| t.strip_prefix(' ').unwrap_or(t)).collect();
    texts.join("\n")
}

/// A unit test with its attributes, from its `#[test]` to the brace that closes it.
fn unit_test<'a>(source: &'a str, name: &str) -> &'a str {
    let at = source.find(&format!("fn {name}()")).expect("the test");
    let start = source[..at].rfind("#[test]").expect("its attribute");
    let end = source[at..].find("\n    }\n").expect("its end") + at;
    &source[start..end + "\n    }\n".len()]
}

/// Writes a package with the tests of `fail` that depends on `fail` as `dependency` says.
fn write_package(name: &str, dependency: &str) -> PathBuf {
    let (upstream, package) = (upstream(), folder(name));
    let source = fs::read_to_string(upstream.join("src/lib.rs")).unwrap();
    fs::create_dir_all(package.join("src")).unwrap();
    fs::create_dir_all(package.join("tests")).unwrap();
    let write = |file: &str, text: &str| fs::write(package.join(file), text).unwrap();
    write(
        "Cargo.toml",
        &format!(
            "[workspace]\n\
             [package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2018\"\n\
             [features]\nfailpoints = [\"fail/failpoints\"]\n\
             [dependencies]\nfail = {dependency}\n\
             [dev-dependencies]\nlog = {{ version = \"0.4\", features = [\"std\"] }}\n"
        ),
    );
    // The versions that the workspace has, which are on this machine.
    fs::copy(
        Path::new(SHIM).join("../../Cargo.lock"),
        package.join("Cargo.lock"),
    )
    .unwrap();
    write(
        "src/lib.rs",
        "#![doc = include_str!(\"documentation.md\")]\n",
    );
    write("src/documentation.md", &documentation(&source));
    for test in fs::read_dir(upstream.join("tests")).unwrap() {
        let test = test.unwrap();
        fs::copy(test.path(), package.join("tests").join(test.file_name())).unwrap();
    }
    let unit_tests = PUBLIC_UNIT_TESTS
        .map(|name| unit_test(&source, name))
        .concat();
    let uses = "use fail::*;\nuse std::{env, sync::*, thread, time::Duration};\n";
    write("tests/unit.rs", &format!("{uses}{unit_tests}"));
    package
}

/// How many pass with the feature and without it.
fn pass(name: &str, dependency: &str) -> [usize; 2] {
    let package = write_package(name, dependency);
    let with = cargo(&package, &["test", "--features", "failpoints"]);
    let without = cargo(&package, &["test"]);
    [with, without].map(|said| passed(&said))
}

#[test]
fn as_many_of_fails_own_tests_pass_against_the_shim_as_against_fail() {
    let ours = pass("upstream-ours", &format!("{{ path = {SHIM:?} }}"));
    let theirs = pass("upstream-theirs", "\"=0.5.1\"");
    assert_eq!(ours, theirs);
    // 13 integration tests, 7 examples and 2 unit tests; without the feature `fail`
    // ignores most of them itself.
    assert_eq!(ours[0], 22);
    assert!(ours[1] >= 8, "{ours:?}");
}
