//! Macros of neon_failpoint that await inside await already; the explicit form is a target of its
//! own.

use std::path::Path;

use crate::common;

const LINE: &str = "pub use neon_failpoint::failpoint_support::implicit_await::*;\n";
const SITES: &str = "\
use utils::failpoint_support::pausable_failpoint;

pub async fn run(cancel: &tokio_util::sync::CancellationToken) -> Result<(), ()> {
    pausable_failpoint!(\"a\");
    pausable_failpoint!(\"b\", cancel)?;
    utils::sleep_millis_async!(\"c\");
    neon_failpoint::failpoint_support::implicit_await::sleep_millis_async!(\"d\", cancel);
    fail::fail_point!(\"e\");
    Ok(())
}
";

fn package(folder: &Path, name: &str, dependencies: &str, source: &str) {
    let manifest = format!(
        "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n\
         [dependencies]\n{dependencies}"
    );
    common::write(&folder.join(name).join("Cargo.toml"), &manifest);
    common::write(&folder.join(name).join("src/lib.rs"), source);
}

/// A server whose macros come from one line in another package, as in the guide.
fn workspace() -> tempfile::TempDir {
    let folder = common::folder();
    let at = folder.path();
    let root = format!(
        "[workspace]\nresolver = \"2\"\nmembers = [\"server\", \"utils\"]\n\n{}",
        common::patch()
    );
    common::write(&at.join("Cargo.toml"), &root);
    let native = common::native("");
    let utils = "pub mod failpoint_support;\npub use failpoint_support::{pausable_failpoint, sleep_millis_async};\n";
    package(at, "utils", &native, utils);
    common::write(&at.join("utils/src/failpoint_support.rs"), LINE);
    let rest = "fail = \"0.5\"\ntokio-util = \"0.7\"\nutils = { path = \"../utils\" }\n";
    package(at, "server", &format!("{native}{rest}"), SITES);
    folder
}

#[test]
fn what_awaits_inside_is_awaiting_already() {
    let folder = workspace();
    for target in ["compat", "native"] {
        let report = common::scan_with(&["--to", target], folder.path());
        let statuses = common::each(&report, "status");
        assert_eq!(
            statuses,
            ["done", "done", "done", "done", "rewrite"],
            "{target}"
        );
        assert_eq!(common::each(&report, "note"), ["null"; 5], "{target}");
    }
    let kept = SITES.replace("    fail::", "    // failpoint-migrate: keep\n    fail::");
    common::write(&folder.path().join("server/src/lib.rs"), &kept);
    let check = common::migrate(&["rewrite", "--check"], folder.path());
    assert_eq!(check.status.code(), Some(0), "{}", common::said(&check));
}

#[test]
fn the_explicit_form_is_a_target_that_moves_nothing_else() {
    let folder = workspace();
    let options = ["--to", "explicit"];
    let report = common::scan_with(&options, folder.path());
    let statuses = common::each(&report, "status");
    assert_eq!(
        statuses,
        ["rewrite", "rewrite", "rewrite", "rewrite", "left"]
    );
    assert_eq!(common::each(&report, "note"), ["null"; 5]);
    assert_eq!(common::each(&report, "code")[4], "other-target");
    let after = common::rewritten(folder.path(), &options, "server/src/lib.rs");
    let wanted = "\
pub async fn run(cancel: &tokio_util::sync::CancellationToken) -> Result<(), ()> {
    let _ = neon_failpoint::pausable_failpoint!(\"a\").await;
    neon_failpoint::pausable_failpoint!(\"b\", cancel).await?;
    neon_failpoint::sleep_millis_async!(\"c\").await;
    neon_failpoint::sleep_millis_async!(\"d\", cancel).await;
    fail::fail_point!(\"e\");
    Ok(())
}
";
    assert_eq!(after.trim_start(), wanted);
}
