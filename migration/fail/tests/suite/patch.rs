//! The shim takes the place of `fail`: by `[patch.crates-io]` for everybody in a build, a
//! dependency that knows of nothing included, and by git.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::common::{SHIM, cargo, cargo_in, folder, passed};

/// The lock file of that build holds a tokio and a tokio-util that are years old.
#[test]
fn a_patch_reaches_every_user_of_fail_in_the_build() {
    let project = Path::new(SHIM).join("tests/patched");
    let cargo = |arguments: &[&str]| cargo_in("patched", &project, arguments);
    let test = |features: &[&str]| {
        let arguments = [&["test", "--workspace", "--locked"], features].concat();
        let said = cargo(&arguments);
        assert!(!said.contains("was not used in the crate graph"), "{said}");
        passed(&said)
    };
    assert_eq!(test(&[]), 1);
    assert_eq!(test(&["--features", "failpoints"]), 1);
    let tree = cargo(&["tree", "--locked", "--invert", "fail"]);
    assert!(tree.contains("storage v0.0.0"), "{tree}");
    for old in ["tokio@1.43.1", "tokio-util@0.7.10"] {
        let tree = cargo(&["tree", "--locked", "--invert", old]);
        assert!(tree.contains("neon_failpoint v"), "{tree}");
    }
    assert!(!tree.contains("registry"), "{tree}");
}

/// A sync project that swaps `fail` gets no async runtime.
#[test]
fn the_shim_brings_neither_a_runtime_nor_regex() {
    let tree = |features: &str| {
        let arguments = [
            "tree",
            "--edges",
            "normal,build",
            "--prefix",
            "none",
            "--features",
            features,
        ];
        cargo(Path::new(SHIM), &arguments)
    };
    let heavy = ["tokio v", "tokio-util v", "tracing v", "regex v"];
    let plain = tree("failpoints");
    assert!(plain.contains("neon_failpoint v"), "{plain}");
    assert!(!heavy.iter().any(|name| plain.contains(name)), "{plain}");
    let with_async = tree("failpoints,async");
    assert!(
        with_async.contains("tokio v") && !with_async.contains("regex v"),
        "{with_async}"
    );
}

#[test]
fn a_git_dependency_finds_the_shim_in_the_repository() {
    let root = Path::new(SHIM).join("../..");
    let git = |folder: &Path, arguments: &[&str]| {
        let output = Command::new("git")
            .args(arguments)
            .current_dir(folder)
            .output();
        output.ok().filter(|o| o.status.success()).map(|o| o.stdout)
    };
    let Some(files) = git(&root, &["ls-files", "-z"]) else {
        return println!("skipped: this is no checkout of git's, or there is no git");
    };
    // The files as they are, committed to a repository of this test's.
    let repository = folder("repository");
    let _ = fs::remove_dir_all(&repository);
    for file in String::from_utf8(files).unwrap().split_terminator('\0') {
        let copy = repository.join(file);
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        // What was deleted but not committed is not there.
        if root.join(file).exists() {
            fs::copy(root.join(file), copy).unwrap();
        }
    }
    let commit = [
        "-c",
        "user.name=test",
        "-c",
        "user.email=test@localhost",
        "commit",
        "-qm",
        ".",
    ];
    for arguments in [&["init", "-q"][..], &["add", "-A"], &commit] {
        assert!(git(&repository, arguments).is_some(), "git {arguments:?}");
    }

    let package = folder("by-git");
    fs::create_dir_all(package.join("src")).unwrap();
    let manifest = format!(
        "[workspace]\n[package]\nname = \"by-git\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\
         [dependencies]\nfail = {{ git = \"file://{}\", features = [\"failpoints\"] }}\n",
        repository.display()
    );
    fs::write(package.join("Cargo.toml"), manifest).unwrap();
    fs::copy(root.join("Cargo.lock"), package.join("Cargo.lock")).unwrap();
    let source = "#[test]\nfn hit() {\n    fail::cfg(\"p\", \"return\").unwrap();\n    \
                  assert!((|| { fail::fail_point!(\"p\", |_| true); false })());\n}\n";
    fs::write(package.join("src/lib.rs"), source).unwrap();
    assert_eq!(passed(&cargo(&package, &["test", "--lib"])), 1);
}
