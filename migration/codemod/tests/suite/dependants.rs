//! Members of the workspace that depend on a rewritten package have to build, too.

use std::path::{Path, PathBuf};

use crate::common;

/// The package with the failpoints. Nothing in it needs its futures to be Send.
const ENGINE: &str = "\
pub async fn holds() -> u32 {
    let handle = holders::handle();
    fail::fail_point!(\"holds\", |_| 1);
    *handle
}

pub async fn harmless() -> u32 {
    fail::fail_point!(\"harmless\", |_| 1);
    2
}
";

/// No syntax of the engine's says that its handle is not Send.
const HOLDERS: &str = "\
pub type Handle = std::rc::Rc<u32>;

pub fn handle() -> Handle {
    Handle::new(3)
}
";

const APP: &str = "\
pub fn start() {
    tokio::spawn(service::run());
}
";

fn package(folder: &Path, name: &str, dependencies: &str, source: &str) {
    // The tests share what is built: Cargo tells packages by name, version and relative path.
    let length = folder.as_os_str().len();
    let manifest = format!(
        "[package]\nname = \"{name}\"\nversion = \"0.0.{length}\"\nedition = \"2021\"\n\n\
         [dependencies]\n{dependencies}"
    );
    common::write(&folder.join(name).join("Cargo.toml"), &manifest);
    common::write(&folder.join(name).join("src/lib.rs"), source);
}

/// `app` spawns what `service` calls of `engine`; nothing of `aside` is connected with them.
fn workspace(name: &str, service: &str, aside: &str) -> PathBuf {
    let folder = common::kept_crate(name, "");
    let members = "[workspace]\nresolver = \"2\"\n\
                   members = [\"aside\", \"app\", \"engine\", \"holders\", \"service\"]\n";
    common::write(&folder.join("Cargo.toml"), members);
    package(&folder, "holders", "", HOLDERS);
    let shim = common::shim("");
    let holders = "holders = { path = \"../holders\" }\n";
    let features = "\n[features]\nfailpoints = [\"fail/failpoints\"]\n";
    package(
        &folder,
        "engine",
        &format!("{shim}{holders}{features}"),
        ENGINE,
    );
    package(
        &folder,
        "service",
        "engine = { path = \"../engine\" }\n",
        service,
    );
    let on_service = format!("service = {{ path = \"../service\" }}\n{}", common::TOKIO);
    package(&folder, "app", &on_service, APP);
    package(&folder, "aside", "", aside);
    folder
}

#[test]
fn what_breaks_a_package_that_depends_on_the_rewritten_one_is_put_back() {
    let service = "\
pub async fn run() -> u32 {
    engine::holds().await + engine::harmless().await
}
";
    let folder = workspace("dependants", service, "");
    let said = common::migrated(&["rewrite", "--allow-dirty"], &folder);
    assert!(said.contains("1 rewritten, 1 left"), "{said}");
    let line = said.lines().find(|line| line.contains("lib.rs:3"));
    let line = line.expect("the site is listed");
    assert!(line.contains("the compiler refused the edit: "), "{said}");
    assert!(line.contains("(in app, which depends on it)"), "{said}");
    let after = ENGINE.replace("fail_point!(\"harmless\"", "async_fail_point!(\"harmless\"");
    assert_eq!(common::read(&folder.join("engine/src/lib.rs")), after);

    // The same once more.
    let said = common::migrated(&["rewrite", "--allow-dirty"], &folder);
    assert!(
        said.contains("1 already awaiting, 0 rewritten, 1 left"),
        "{said}"
    );
    assert_eq!(common::read(&folder.join("engine/src/lib.rs")), after);
}

#[test]
fn a_dependant_that_did_not_build_before_stops_nothing_and_is_named() {
    let service = "pub async fn run() -> u32 {\n    engine::absent().await\n}\n";
    let folder = workspace("broken-dependants", service, "compile_error!(\"aside\");\n");
    let output = common::migrate(&["rewrite", "--allow-dirty"], &folder);
    let said = common::said(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("2 rewritten, 0 left"), "{said}");
    let note = "depends on what was rewritten, but does not build as it is: not checked";
    assert!(said.contains(&format!("service {note}")), "{said}");
    assert!(!said.contains("aside"), "{said}");
    let after = ENGINE.replace("fail_point", "async_fail_point");
    assert_eq!(common::read(&folder.join("engine/src/lib.rs")), after);
}
