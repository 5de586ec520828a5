//! The options and the exit status: what is written, and what is only said.

use std::path::Path;
use std::process::Command;

use crate::common;

const BEFORE: &str = "pub async fn run() {\n    fail::fail_point!(\"x\");\n}\n";
const AFTER: &str = "pub async fn run() {\n    fail::async_fail_point!(\"x\");\n}\n";

fn status(arguments: &[&str], path: &Path) -> (Option<i32>, String) {
    let output = common::migrate(arguments, path);
    (output.status.code(), common::said(&output))
}

#[test]
fn check_ends_with_1_where_something_can_be_rewritten_and_writes_nothing() {
    let folder = common::sketch(&[("src/lib.rs", BEFORE)]);
    let (code, said) = status(&["rewrite", "--check"], folder.path());
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("1 can be rewritten"), "{said}");
    assert_eq!(common::read(&folder.path().join("src/lib.rs")), BEFORE);
}

#[test]
fn check_ends_with_0_where_nothing_can_be_rewritten() {
    let folder = common::sketch(&[("src/lib.rs", &BEFORE.replace("async ", ""))]);
    assert_eq!(status(&["rewrite", "--check"], folder.path()).0, Some(0));
    let folder = common::sketch(&[("src/lib.rs", AFTER)]);
    assert_eq!(status(&["rewrite", "--check"], folder.path()).0, Some(0));
}

#[test]
fn diff_shows_sources_and_manifest_and_writes_nothing() {
    let folder = common::sketch(&[("src/lib.rs", BEFORE)]);
    let manifest = common::read(&folder.path().join("Cargo.toml"));
    let (code, said) = status(&["rewrite", "--diff"], folder.path());
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("-    fail::fail_point!(\"x\");"), "{said}");
    assert!(
        said.contains("+    fail::async_fail_point!(\"x\");"),
        "{said}"
    );
    assert!(
        said.contains("+fail = { version = \"0.5\", features = [\"async\"] }"),
        "{said}"
    );
    assert_eq!(common::read(&folder.path().join("src/lib.rs")), BEFORE);
    assert_eq!(common::read(&folder.path().join("Cargo.toml")), manifest);
    assert_eq!(
        status(&["rewrite", "--diff", "--check"], folder.path()).0,
        Some(1)
    );
}

#[test]
fn a_second_run_finds_nothing_more() {
    let folder = common::sketch(&[("src/lib.rs", BEFORE)]);
    assert_eq!(common::rewritten(folder.path(), &[], "src/lib.rs"), AFTER);
    let manifest = common::read(&folder.path().join("Cargo.toml"));
    assert_eq!(common::rewritten(folder.path(), &[], "src/lib.rs"), AFTER);
    assert_eq!(common::read(&folder.path().join("Cargo.toml")), manifest);
}

#[test]
fn a_path_that_does_not_exist_ends_with_2_and_is_named() {
    let folder = common::folder();
    let (code, said) = status(&["scan"], &folder.path().join("nowhere"));
    assert_eq!(code, Some(2));
    assert!(
        said.contains("nowhere does not exist: give a folder"),
        "{said}"
    );
}

#[test]
fn wrong_usage_ends_with_2() {
    let folder = common::sketch(&[("src/lib.rs", BEFORE)]);
    for arguments in [
        &["scan", "--to", "elsewhere"][..],
        &["scan", "--macro", "a::b"],
        &["scan", "--macro", "pausable_failpoint"],
        &["rewrite", "--macro", "a=b", "--macro", "a=c"],
    ] {
        let (code, said) = status(arguments, folder.path());
        assert_eq!(code, Some(2), "{arguments:?}: {said}");
    }
    assert_eq!(common::read(&folder.path().join("src/lib.rs")), BEFORE);
}

#[test]
fn a_file_that_does_not_parse_is_reported_and_left_with_status_0() {
    let broken = "pub async fn run() {\n    fail::fail_point!(\"x\");\n    let = ;\n}\n";
    let folder = common::sketch(&[
        ("src/lib.rs", BEFORE),
        ("src/broken.rs", broken),
        ("src/open.rs", "fn f() { fail_point!("),
    ]);
    let (code, said) = status(&["scan"], folder.path());
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("broken.rs:3:9: does not parse, left alone"),
        "{said}"
    );
    assert!(said.contains("open.rs:1:"), "{said}");
    assert!(said.contains("in a file that does not parse"), "{said}");
    assert_eq!(
        common::rewritten(folder.path(), &[], "src/broken.rs"),
        broken
    );
    assert_eq!(common::read(&folder.path().join("src/lib.rs")), AFTER);
}

#[test]
fn a_file_that_is_no_text_does_not_parse_either() {
    let folder = common::sketch(&[("src/lib.rs", BEFORE)]);
    let latin = b"// a\n// \xe4 fail_point!(\"x\")\n";
    std::fs::write(folder.path().join("src/latin.rs"), latin).expect("written");
    let (code, said) = status(&["rewrite", "--no-check", "--allow-dirty"], folder.path());
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("latin.rs:2:4: does not parse, left alone: not UTF-8 text"),
        "{said}"
    );
    assert!(said.contains("1 rewritten"), "{said}");
    let now = std::fs::read(folder.path().join("src/latin.rs")).expect("read");
    assert_eq!(now, latin);
}

#[cfg(unix)]
#[test]
fn a_file_that_cannot_be_read_ends_with_2_after_the_rest_is_reported() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = common::sketch(&[("src/lib.rs", BEFORE), ("src/secret.rs", BEFORE)]);
    let secret = folder.path().join("src/secret.rs");
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o000)).expect("mode set");
    if std::fs::read(&secret).is_ok() {
        eprintln!("skipped: this user reads everything");
        return;
    }
    let (code, said) = status(&["scan"], folder.path());
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("secret.rs: cannot be read"), "{said}");
    assert!(said.contains("1 can be rewritten"), "{said}");
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_nowhere_ends_with_2_after_the_rest_is_done() {
    let folder = common::sketch(&[("src/lib.rs", BEFORE)]);
    // A folder of such a name is one to look into, no more.
    common::write(&folder.path().join("src/folder.rs/mod.rs"), BEFORE);
    let link = folder.path().join("src/lost.rs");
    std::os::unix::fs::symlink("../nowhere.rs", &link).expect("linked");
    let (code, said) = status(&["scan"], folder.path());
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("lost.rs: cannot be read: the link leads nowhere"),
        "{said}"
    );
    assert!(said.contains("2 can be rewritten"), "{said}");
    let (code, said) = status(&["rewrite", "--no-check", "--allow-dirty"], folder.path());
    assert_eq!(code, Some(2), "{said}");
    assert_eq!(common::read(&folder.path().join("src/lib.rs")), AFTER);
}

#[test]
fn no_manifest_leaves_it_and_says_what_to_add() {
    let folder = common::sketch(&[("src/lib.rs", BEFORE)]);
    let manifest = common::read(&folder.path().join("Cargo.toml"));
    let arguments = ["rewrite", "--no-manifest", "--no-check", "--allow-dirty"];
    let (code, said) = status(&arguments, folder.path());
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("add `async` to the features of `fail`"),
        "{said}"
    );
    assert_eq!(common::read(&folder.path().join("Cargo.toml")), manifest);
}

fn git(folder: &Path, arguments: &[&str]) -> bool {
    let status = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args([
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@b",
            "-c",
            "commit.gpgsign=false",
        ])
        .args(arguments)
        .output();
    status.is_ok_and(|output| output.status.success())
}

#[test]
fn a_tree_with_uncommitted_changes_is_refused() {
    let folder = common::sketch(&[("src/lib.rs", BEFORE)]);
    if !git(folder.path(), &["init", "--quiet"]) {
        eprintln!("skipped: no git");
        return;
    }
    let (code, said) = status(&["rewrite", "--no-check"], folder.path());
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("uncommitted changes"), "{said}");
    assert_eq!(common::read(&folder.path().join("src/lib.rs")), BEFORE);

    assert!(git(folder.path(), &["add", "."]));
    assert!(git(folder.path(), &["commit", "--quiet", "-m", "a"]));
    let (code, said) = status(&["rewrite", "--no-check"], folder.path());
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(common::read(&folder.path().join("src/lib.rs")), AFTER);
}

#[test]
fn hidden_folders_and_cargos_target_are_skipped_but_a_module_of_that_name_is_not() {
    let folder = common::sketch(&[
        ("src/lib.rs", "mod target;\n"),
        ("src/target/mod.rs", BEFORE),
        ("target/debug/build/out.rs", BEFORE),
        (".hidden/a.rs", BEFORE),
    ]);
    let report = common::scan(folder.path());
    let files = common::each(&report, "file");
    assert_eq!(files.len(), 1, "{files:?}");
    assert!(files.iter().all(|file| file.contains("src")), "{files:?}");
}

#[test]
fn the_report_says_what_and_where() {
    let folder = common::sketch(&[("src/lib.rs", BEFORE)]);
    let report = common::scan(folder.path());
    let site = &report["sites"][0];
    assert_eq!(site["crate"], "sketch");
    assert_eq!((&site["line"], &site["column"]), (&2.into(), &5.into()));
    assert_eq!(site["name"], "x");
    assert_eq!(site["macro"], "fail::fail_point");
    assert_eq!(site["form"], "name");
    assert_eq!(site["function"], "run");
    assert_eq!(site["context"], "async function");
    assert_eq!(site["status"], "rewrite");
    let text = &BEFORE[site["start"].as_u64().expect("a byte") as usize..];
    assert!(text.starts_with("fail::fail_point!"));
    assert_eq!(report["crates"][0]["rewritable"], 1);
}

#[test]
fn an_option_of_the_other_command_is_said_to_be_that() {
    let folder = common::sketch(&[("src/lib.rs", BEFORE)]);
    let (code, said) = status(&["scan", "--diff"], folder.path());
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("`--diff` is an option of `rewrite`"),
        "{said}"
    );
}

#[test]
fn a_manifest_in_the_place_of_its_folder_is_refused() {
    let folder = common::sketch(&[("src/lib.rs", BEFORE)]);
    let (code, said) = status(&["scan"], &folder.path().join("Cargo.toml"));
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("give the folder that it is in"), "{said}");
}

#[test]
fn a_wrapper_that_nothing_calls_is_named() {
    let folder = common::sketch(&[("src/lib.rs", BEFORE)]);
    let (code, said) = status(&["scan", "--macro", "pint"], folder.path());
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("nothing in the given paths calls `pint!`"),
        "{said}"
    );
}

#[test]
fn a_feature_that_does_not_exist_changes_nothing() {
    let folder = common::sketch(&[("src/lib.rs", BEFORE)]);
    let (code, said) = status(
        &["rewrite", "--allow-dirty", "--features", "nope"],
        folder.path(),
    );
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("nothing was changed"), "{said}");
    assert!(said.contains("nope"), "{said}");
    assert_eq!(common::read(&folder.path().join("src/lib.rs")), BEFORE);
}

#[test]
fn paths_without_a_source_end_with_2_and_one_of_several_is_named() {
    let empty = common::folder();
    let (code, said) = status(&["scan"], empty.path());
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("there is no Rust source in "), "{said}");
    assert!(said.contains("give the folder of a package"), "{said}");
    let folder = common::sketch(&[("src/lib.rs", BEFORE)]);
    let other = folder.path().display().to_string();
    let (code, said) = status(&["scan", &other], empty.path());
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("there is no Rust source in "), "{said}");
    assert!(said.contains("1 can be rewritten"), "{said}");
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_read_ends_with_2_after_the_rest_is_reported() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = common::sketch(&[("src/lib.rs", BEFORE), ("src/secret/a.rs", BEFORE)]);
    let secret = folder.path().join("src/secret");
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o000)).expect("mode set");
    if std::fs::read_dir(&secret).is_ok() {
        eprintln!("skipped: this user reads everything");
        return;
    }
    let (code, said) = status(&["scan"], folder.path());
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("src/secret: cannot be read: "), "{said}");
    assert!(said.contains("1 can be rewritten"), "{said}");
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o700)).expect("mode set");
}

#[test]
fn a_read_only_file_is_not_replaced() {
    let folder = common::sketch(&[("src/a.rs", BEFORE), ("src/lib.rs", BEFORE)]);
    let locked = folder.path().join("src/lib.rs");
    let mut permissions = std::fs::metadata(&locked).expect("a file").permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(&locked, permissions).expect("mode set");
    let (code, said) = status(&["rewrite", "--no-check", "--allow-dirty"], folder.path());
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("lib.rs: it is read-only; nothing was changed"),
        "{said}"
    );
    for file in ["src/a.rs", "src/lib.rs"] {
        assert_eq!(common::read(&folder.path().join(file)), BEFORE);
    }
}

#[test]
fn a_file_in_the_middle_of_a_merge_is_said_to_be_that() {
    let conflict = "pub async fn run() {\n<<<<<<< HEAD\n    fail::fail_point!(\"x\");\n=======\n\
                    >>>>>>> side\n}\n";
    let folder = common::sketch(&[("src/lib.rs", conflict)]);
    let (code, said) = status(&["scan"], folder.path());
    assert_eq!(code, Some(0), "{said}");
    let words = "lib.rs:2:1: does not parse, left alone: it has the conflict markers of a merge";
    assert!(said.contains(words), "{said}");
}

#[test]
fn a_manifest_that_is_none_is_named_and_not_edited() {
    let folder = common::sketch(&[("src/lib.rs", BEFORE)]);
    let manifest = folder.path().join("Cargo.toml");
    let broken = common::read(&manifest) + "[[[\n";
    common::write(&manifest, &broken);
    let (code, said) = status(&["rewrite", "--no-check", "--allow-dirty"], folder.path());
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("Cargo.toml is not a manifest: "), "{said}");
    assert!(
        said.contains("Cargo.toml cannot be edited; add `fail`"),
        "{said}"
    );
    assert!(!said.contains("has no dependency"), "{said}");
    assert_eq!(common::read(&manifest), broken);
}

#[test]
fn a_repository_that_git_refuses_is_not_written_to() {
    let folder = common::sketch(&[("src/lib.rs", BEFORE)]);
    if !git(folder.path(), &["init", "--quiet"]) {
        eprintln!("skipped: no git");
        return;
    }
    common::write(&folder.path().join(".git/config"), "[broken\n");
    let (code, said) = status(&["rewrite", "--no-check"], folder.path());
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("git cannot say whether "), "{said}");
    assert_eq!(common::read(&folder.path().join("src/lib.rs")), BEFORE);
}

#[test]
fn check_does_not_count_what_a_comment_keeps() {
    let kept = BEFORE.replace("    fail", "    // failpoint-migrate: keep\n    fail");
    let folder = common::sketch(&[("src/lib.rs", &kept)]);
    let (code, said) = status(&["rewrite", "--check"], folder.path());
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("left: a comment asks to keep it"), "{said}");
}

#[test]
fn a_comment_stays_in_the_line_of_what_it_keeps() {
    let text = "pub async fn f() {\n    (|| { fail::fail_point!(\"a\");\n    \
                fail::fail_point!(\"b\"); })(); // failpoint-migrate: keep\n}\n";
    let folder = common::sketch(&[("src/lib.rs", text)]);
    let after = common::rewritten(folder.path(), &[], "src/lib.rs");
    let wanted = text
        .replace("(||", "(async")
        .replace("fail_point!(\"a\")", "async_fail_point!(\"a\")")
        .replace("})();", "}).await;");
    assert_eq!(after, wanted);
    assert_eq!(common::rewritten(folder.path(), &[], "src/lib.rs"), wanted);
}
