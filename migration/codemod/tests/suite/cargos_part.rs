//! What Cargo itself cannot do is no verdict on an edit: it is told once, with Cargo's reason,
//! and nothing has changed then.

use std::path::{Path, PathBuf};

use crate::common;

const SOURCE: &str = "pub async fn run() {\n    fail::fail_point!(\"x\");\n}\n";

/// A package that asks for `tokio-util` on its own, and the files that a rewrite may touch.
fn package(name: &str, tokio_util: &str) -> PathBuf {
    let dependencies = format!(
        "{}\n[dependencies]\nfail = \"0.5\"\ntokio-util = \"{tokio_util}\"\n",
        common::patch()
    );
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    let manifest = common::manifest(name, &dependencies);
    common::write(&folder.join("Cargo.toml"), &manifest);
    common::write(&folder.join("src/lib.rs"), SOURCE);
    folder
}

fn update(folder: &Path, arguments: &[&str]) {
    let manifest = folder.join("Cargo.toml");
    let mut command = common::cargo(&manifest, &["update", "--quiet"]);
    command.args(arguments);
    common::succeeds(command);
}

/// What is said by a rewrite that ends with status 2 and leaves every file as it was.
fn refused(folder: &Path, options: &[&str]) -> String {
    let files = ["Cargo.toml", "Cargo.lock", "src/lib.rs"].map(|file| folder.join(file));
    let before = files
        .each_ref()
        .map(|file| std::fs::read_to_string(file).ok());
    let mut arguments = vec!["rewrite", "--allow-dirty"];
    arguments.extend(options);
    let output = common::migrate(&arguments, folder);
    let said = common::said(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert_eq!(said.matches("nothing was changed").count(), 1, "{said}");
    assert!(!said.contains("refused the edit"), "{said}");
    assert!(output.stdout.is_empty(), "{said}");
    let after = files
        .each_ref()
        .map(|file| std::fs::read_to_string(file).ok());
    assert_eq!(before, after, "{said}");
    said
}

#[test]
fn a_lock_file_that_is_too_old_is_named_with_the_command_that_mends_it() {
    let folder = package("old-lock", "0.7");
    update(&folder, &["-p", "tokio-util", "--precise", "0.7.0"]);
    let mend = "    cargo update -p tokio-util@0.7.0\n";
    for options in [&[][..], &["--no-check"], &["--to", "native"]] {
        let said = refused(&folder, options);
        assert!(said.contains(mend), "{said}");
        assert!(
            said.contains("failed to select a version for `tokio-util`"),
            "{said}"
        );
        // Before anything is built.
        assert!(!said.contains("checking"), "{said}");
    }
    update(&folder, &["-p", "tokio-util@0.7.0"]);
    let after = common::rewritten(&folder, &[], "src/lib.rs");
    assert_eq!(after, SOURCE.replace("fail_point", "async_fail_point"));
}

#[test]
fn a_requirement_that_is_too_old_has_no_command_that_mends_it() {
    let folder = package("old-requirement", "=0.7.0");
    assert!(refused(&folder, &["--no-check"]).contains("failed to select a version"));
    assert!(!folder.join("Cargo.lock").exists());
    update(&folder, &["--workspace"]);
    let said = refused(&folder, &[]);
    assert!(said.contains("`tokio-util = \"=0.7.0\"`"), "{said}");
    assert!(!said.contains("cargo update"), "{said}");
}

#[test]
fn a_tree_that_cargo_could_not_resolve_before_is_rewritten_without_a_check_and_said_so() {
    let folder = package("unresolved", "0.7");
    let manifest = folder.join("Cargo.toml");
    let absent = common::read(&manifest) + "absent = { path = \"absent\" }\n";
    common::write(&manifest, &absent);
    let options = ["rewrite", "--no-check", "--allow-dirty"];
    let output = common::migrate(&options, &folder);
    let said = common::said(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(
        said.contains("does not resolve it, and did not before: error: "),
        "{said}"
    );
    let after = common::read(&folder.join("src/lib.rs"));
    assert_eq!(after, SOURCE.replace("fail_point", "async_fail_point"));

    common::write(&manifest, &absent);
    common::write(&folder.join("src/lib.rs"), SOURCE);
    let said = refused(&folder, &[]);
    assert!(said.contains("Cargo cannot check unresolved"), "{said}");
    assert!(said.contains("absent/Cargo.toml"), "{said}");
}

/// A package beside `fail` in a folder of its own.
fn beside(folder: &Path, name: &str, manifest: &str, files: &[(&str, &str)]) {
    // The tests share what is built: Cargo tells packages by name, version and relative path.
    let version = folder.as_os_str().len();
    let head =
        format!("[package]\nname = \"{name}\"\nversion = \"0.5.{version}\"\nedition = \"2021\"\n");
    common::write(
        &folder.join(name).join("Cargo.toml"),
        &format!("{head}\n{manifest}"),
    );
    for (file, text) in files {
        common::write(&folder.join(name).join(file), text);
    }
}

/// A crate of these dependencies, on a `fail` in a folder beside it.
fn on_its_own_fail(name: &str, dependencies: &str, fail: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    let dependencies = format!("[dependencies]\nfail = {{ path = \"fail\" }}\n{dependencies}");
    let manifest = common::manifest(name, &dependencies);
    common::write(&folder.join("Cargo.toml"), &manifest);
    common::write(&folder.join("src/lib.rs"), SOURCE);
    let features = "[features]\nfailpoints = []\nasync = []\n";
    beside(&folder, "fail", features, &[("src/lib.rs", fail)]);
    folder
}

const FAIL: &str = "#[macro_export]\nmacro_rules! fail_point { ($name:expr) => {}; }\n\
                    #[macro_export]\nmacro_rules! async_fail_point { ($name:expr) => {}; }\n";

#[test]
fn a_build_script_that_misses_its_library_is_no_verdict_on_the_edits() {
    let dependencies = "\n[dev-dependencies]\nlinked = { path = \"linked\" }\n";
    let folder = on_its_own_fail("no-library", dependencies, FAIL);
    let script = "fn main() {\n    panic!(\"libabsent is not installed\");\n}\n";
    let files = [("build.rs", script), ("src/lib.rs", "")];
    beside(&folder, "linked", "", &files);
    let said = refused(&folder, &[]);
    assert!(said.contains("Cargo cannot check no-library"), "{said}");
    assert!(said.contains("libabsent is not installed"), "{said}");
}

#[test]
fn a_dependency_that_does_not_compile_with_what_the_edits_ask_for_is_no_verdict_either() {
    let fail =
        format!("{FAIL}#[cfg(feature = \"async\")]\ncompile_error!(\"tokio is too old\");\n");
    let folder = on_its_own_fail("breaks-with-async", "", &fail);
    let said = refused(&folder, &[]);
    let whose = "what the edits bring into the build of breaks-with-async does not compile";
    assert!(said.contains(whose), "{said}");
    assert!(said.contains("tokio is too old"), "{said}");
}
