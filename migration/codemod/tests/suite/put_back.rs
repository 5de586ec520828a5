//! After the edits the compiler has the last word: what it refuses is put back.

use std::path::PathBuf;

use crate::common;

fn dependencies(feature: &str) -> String {
    format!(
        "[features]\nfailpoints = [\"fail/failpoints\"]\n\n[dependencies]\n{}{}",
        common::shim(feature),
        common::TOKIO
    )
}

/// A value of which only the compiler knows that it is not Send.
const HOLDER: &str = "\
pub struct Holder(std::rc::Rc<u32>);

impl Holder {
    pub fn get() -> Holder {
        Holder(std::rc::Rc::new(1))
    }

    pub fn value(&self) -> u32 {
        *self.0
    }
}
";

const SPAWNED: &str = "\
use fail::fail_point;

use crate::holder::Holder;

pub fn start() {
    tokio::spawn(holds());
    tokio::spawn(harmless());
}

async fn holds() {
    let holder = Holder::get();
    fail_point!(\"holds\");
    drop(holder.value());
}

async fn harmless() {
    fail_point!(\"harmless\");
}
";

fn project(name: &str, root: &str) -> PathBuf {
    let folder = common::kept_crate(name, &dependencies(""));
    common::write(&folder.join("src/lib.rs"), root);
    common::write(&folder.join("src/holder.rs"), HOLDER);
    common::write(&folder.join("src/spawned.rs"), SPAWNED);
    folder
}

#[test]
fn a_site_that_the_compiler_refuses_is_put_back_and_the_others_stay() {
    let folder = project("put-back", "pub mod holder;\npub mod spawned;\n");
    let manifest = common::read(&folder.join("Cargo.toml"));
    let said = common::migrated(&["rewrite", "--allow-dirty"], &folder);
    assert!(said.contains("1 rewritten, 1 left"), "{said}");
    let reason = "the compiler refused the edit: future cannot be sent between threads safely";
    let line = said.lines().find(|line| line.contains("spawned.rs:12"));
    assert!(line.is_some_and(|line| line.contains(reason)), "{said}");
    let after = SPAWNED
        .replace(
            "use fail::fail_point;",
            "use fail::{async_fail_point, fail_point};",
        )
        .replace(
            "    fail_point!(\"harmless\")",
            "    async_fail_point!(\"harmless\")",
        );
    assert_eq!(common::read(&folder.join("src/spawned.rs")), after);
    let edited = manifest.replace("features = []", "features = [\"async\"]");
    assert_eq!(common::read(&folder.join("Cargo.toml")), edited);
}

#[test]
fn a_package_that_did_not_build_before_is_left_as_it_was() {
    let root = "pub mod spawned;\npub fn broken() -> u32 {\n    \"no number\"\n}\n";
    let folder = project("not-building", root);
    let manifest = common::read(&folder.join("Cargo.toml"));
    let lock = common::read(&folder.join("Cargo.lock"));
    let output = common::migrate(&["rewrite", "--allow-dirty"], &folder);
    let said = common::said(&output);
    assert_eq!(common::read(&folder.join("Cargo.lock")), lock);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("does not build as it is, so nothing was changed"),
        "{said}"
    );
    assert!(said.contains("mismatched types"), "{said}");
    assert_eq!(common::read(&folder.join("src/spawned.rs")), SPAWNED);
    assert_eq!(common::read(&folder.join("Cargo.toml")), manifest);
}
