//! A project that still has another `fail` is told what to write, and is not changed.

use std::path::{Path, PathBuf};

use crate::common;

const SOURCE: &str = "pub async fn run() {\n    fail::fail_point!(\"x\");\n}\n";

fn package(manifest: &str) -> tempfile::TempDir {
    let folder = common::folder();
    let manifest = common::manifest("swapped", manifest);
    common::write(&folder.path().join("Cargo.toml"), &manifest);
    common::write(&folder.path().join("src/lib.rs"), SOURCE);
    folder
}

/// What is said by a rewrite that changes nothing.
fn refused(folder: &Path, options: &[&str]) -> String {
    let manifest = common::read(&folder.join("Cargo.toml"));
    let mut arguments = vec!["rewrite", "--allow-dirty"];
    arguments.extend(options);
    let output = common::migrate(&arguments, folder);
    let said = common::said(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("nothing was changed"), "{said}");
    assert_eq!(common::read(&folder.join("src/lib.rs")), SOURCE);
    assert_eq!(common::read(&folder.join("Cargo.toml")), manifest);
    said
}

#[test]
fn the_published_crate_is_named_with_the_lines_to_write() {
    let folder =
        package("[dependencies]\nfail = { version = \"0.5\", features = [\"failpoints\"] }\n");
    for options in [&[][..], &["--no-check"], &["--to", "native"]] {
        let said = refused(folder.path(), options);
        assert!(
            said.contains("the `fail` of swapped comes from a registry"),
            "{said}"
        );
        let wanted = "Cargo.toml\n\n    [patch.crates-io]\n    fail = { path = \"";
        assert!(said.contains(wanted), "{said}");
    }
}

#[test]
fn it_is_said_before_the_sources_are_read() {
    let folder = package("[dependencies]\nfail = \"0.5\"\n");
    // Nothing of it can be rewritten, which only a look at it tells.
    let sync = SOURCE.replace("async ", "");
    common::write(&folder.path().join("src/lib.rs"), &sync);
    let output = common::migrate(&["rewrite", "--allow-dirty"], folder.path());
    let said = common::said(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("comes from a registry"), "{said}");
    assert!(output.stdout.is_empty(), "{said}");
}

#[test]
fn what_writes_nothing_says_it_and_goes_on() {
    let folder = package("[dependencies]\nfail = \"0.5\"\n");
    for (option, status) in [("--check", 1), ("--diff", 0)] {
        let output = common::migrate(&["rewrite", option], folder.path());
        let said = common::said(&output);
        assert_eq!(output.status.code(), Some(status), "{said}");
        assert!(said.contains("comes from a registry"), "{said}");
        assert!(!said.contains("nothing was changed"), "{said}");
    }
    assert!(!common::migrated(&["scan"], folder.path()).contains("registry"));
}

#[test]
fn a_copy_of_the_published_crate_is_not_the_one_that_stands_in() {
    let folder = package("[dependencies]\nfail = { path = \"vendor/fail\" }\n");
    let copy = "[package]\nname = \"fail\"\nversion = \"0.5.1\"\n\n[features]\nfailpoints = []\n";
    common::write(&folder.path().join("vendor/fail/Cargo.toml"), copy);
    let said = refused(folder.path(), &["--no-check"]);
    assert!(said.contains("is the published one, in "), "{said}");
}

#[test]
fn a_patch_does_not_serve_an_older_version() {
    let folder = package(&format!(
        "[dependencies]\nfail = \"0.4\"\n\n{}",
        common::patch()
    ));
    let said = refused(folder.path(), &["--no-check"]);
    assert!(
        said.contains("is asked for as \"0.4\"; the patch is for 0.5.1: write \"0.5\""),
        "{said}"
    );
}

#[test]
fn a_patch_of_cargos_configuration_is_found() {
    let folder: PathBuf = common::kept_crate("configured", "[dependencies]\nfail = \"0.5\"\n");
    common::write(&folder.join("src/lib.rs"), SOURCE);
    common::write(&folder.join(".cargo/config.toml"), &common::patch());
    let manifest = folder.join("Cargo.toml");
    let mut lock = common::cargo(&manifest, &["metadata", "--format-version=1"]);
    lock.current_dir(&folder);
    common::succeeds(lock);
    let after = common::rewritten(&folder, &[], "src/lib.rs");
    assert_eq!(after, SOURCE.replace("fail_point", "async_fail_point"));
}
