//! Every file under `fixtures/left` and `fixtures/left_native` stays byte for byte, each of
//! its failpoints for the reason that a `//~` line has, in the order of the text.

use std::fs;
use std::path::Path;

use crate::common;

fn check(folder: &str, target: &str) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(folder);
    let mut seen = 0;
    for entry in fs::read_dir(source).expect("the fixtures are there") {
        let path = entry.expect("an entry").path();
        let text = common::read(&path);
        let crate_folder = common::folder();
        let copy = crate_folder.path().join("src/lib.rs");
        common::write(&copy, &text);
        let dependencies = "[dependencies]\nfail = \"0.5\"\nfail-parallel = \"0.5\"\n";
        let dependencies = format!("{}\n{dependencies}", common::patch());
        let manifest = common::manifest("left", &dependencies);
        common::write(&crate_folder.path().join("Cargo.toml"), &manifest);

        let report = common::scan_with(&["--to", target], crate_folder.path());
        let mut reasons = common::each(&report, "reason");
        // What awaits already has none.
        reasons.retain(|reason| reason != "null");
        let wanted: Vec<&str> = text
            .lines()
            .filter_map(|l| l.strip_prefix("//~ "))
            .collect();
        assert_eq!(
            reasons.len(),
            wanted.len(),
            "{}: {reasons:#?}",
            path.display()
        );
        for (reason, wanted) in reasons.iter().zip(&wanted) {
            let reason = without_line(reason);
            assert!(
                reason.contains(wanted),
                "{}: {reason}, not {wanted}",
                path.display()
            );
        }

        let options = ["rewrite", "--to", target, "--no-check", "--allow-dirty"];
        common::migrated(&options, crate_folder.path());
        assert_eq!(common::read(&copy), text, "{}", path.display());
        assert_eq!(
            common::read(&crate_folder.path().join("Cargo.toml")),
            manifest
        );
        seen += 1;
    }
    assert!(seen > 0);
}

/// The text without ` of line 12`.
fn without_line(reason: &str) -> String {
    match reason.split_once(" of line ") {
        Some((before, after)) => before.to_owned() + after.trim_start_matches(char::is_numeric),
        None => reason.to_owned(),
    }
}

#[test]
fn what_cannot_await_is_left_with_its_reason() {
    check("left", "compat");
}

#[test]
fn closures_that_look_at_the_option_are_left_with_their_reason() {
    check("left_native", "native");
}

#[test]
fn a_sync_function_names_its_async_callers() {
    let folder = common::folder();
    common::write(
        &folder.path().join("Cargo.toml"),
        &common::manifest("a", "[dependencies]\nfail = \"0.5\"\n"),
    );
    common::write(
        &folder.path().join("src/lib.rs"),
        "mod b;\npub fn save() { fail::fail_point!(\"save\"); }\nfn sync() { save() }\n",
    );
    common::write(
        &folder.path().join("src/b.rs"),
        "pub async fn all(s: &S) {\n    crate::save();\n    s.save();\n}\n",
    );
    let report = common::scan(folder.path());
    let callers = common::each(&report, "async_callers");
    let place = folder.path().join("src/b.rs").display().to_string();
    assert_eq!(callers, [format!("[\"all ({place}:2)\"]")]);
}

#[test]
fn functions_that_only_share_a_name_are_no_callers() {
    let manifest = |name: &str, dependencies: &str| {
        format!(
            "[package]\nname = \"{name}\"\nedition = \"2021\"\n\n[dependencies]\n{dependencies}"
        )
    };
    let store = "pub struct Store;\nimpl Store {\n    pub fn open(&self) { fail::fail_point!(\"open\"); }\n    \
                 pub async fn all(&self) {\n        File::open(\"a\");\n        open();\n    }\n}\n";
    let user = "pub async fn uses(s: &Store) {\n    s.open();\n}\n";
    let folder = common::folder();
    let at = |path: &str| folder.path().join(path);
    common::write(&at("Cargo.toml"), "[workspace]\nmembers = [\"*\"]\n");
    common::write(
        &at("a-store/Cargo.toml"),
        &manifest("a-store", "fail = \"0.5\"\n"),
    );
    common::write(&at("a-store/src/lib.rs"), store);
    common::write(
        &at("near/Cargo.toml"),
        &manifest("near", "a-store = { path = \"../a-store\" }\n"),
    );
    common::write(&at("near/src/lib.rs"), user);
    common::write(&at("far/Cargo.toml"), &manifest("far", ""));
    common::write(&at("far/src/lib.rs"), user);
    let callers = common::each(&common::scan(folder.path()), "async_callers");
    let place = at("near/src/lib.rs").display().to_string();
    assert_eq!(callers, [format!("[\"uses ({place}:2)\"]")]);
}

#[test]
fn only_calls_that_are_likely_are_named() {
    let store = "\
pub struct Store;
pub struct Cache { store: std::sync::Arc<Store>, map: HashMap<u32, u32> }
impl Store {
    pub fn new() -> Store { fail::fail_point!(\"new\"); Store }
    pub fn get(&self) { fail::fail_point!(\"get\"); }
    pub async fn by_self(&self) { self.get(); }
}
impl Other {
    fn get(&self) {}
    async fn by_another_self(&self) { self.get(); }
}
impl Cache {
    async fn by_a_field(&self) { self.store.get(); }
    async fn by_another_field(&self, key: u32) { self.map.get(&key); }
}
pub fn run() { fail::fail_point!(\"run\"); }
async fn beside() { run(); }
async fn by_new() { let s = Store::new(); s.get(); }
async fn by_type(a: &Arc<Store>) { a.get(); }
async fn by_another_type(a: &Map) { a.get(); }
async fn by_name(x: X) { x.the_store.lock().unwrap().get(); }
async fn by_no_name(x: X) { x.y().get(); Vec::new(); Runtime::new(); }
";
    let other = "\
use crate::store::run as go;
use crate::store;
async fn by_path() { store::run(); }
async fn by_another_path() { server::run(); tokio::run(); run(); }
mod inner {
    use crate::store::run;
    async fn by_import() { run(); }
}
";
    let folder = common::sketch(&[
        ("src/lib.rs", "mod store;\nmod other;\n"),
        ("src/other.rs", other),
        ("src/store.rs", store),
    ]);
    let report = common::scan(folder.path());
    let callers = |name: &str| {
        let sites = report["sites"].as_array().expect("sites");
        let site = sites
            .iter()
            .find(|site| site["name"] == name)
            .expect("the site");
        let callers = site["async_callers"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let first = |caller: &serde_json::Value| {
            let text = caller.as_str().unwrap_or_default();
            text.split(' ').next().unwrap_or_default().to_owned()
        };
        callers.iter().map(first).collect::<Vec<_>>()
    };
    assert_eq!(callers("new"), ["by_new"]);
    assert_eq!(
        callers("get"),
        [
            "Store::by_self",
            "Cache::by_a_field",
            "by_new",
            "by_type",
            "by_name"
        ]
    );
    assert_eq!(callers("run"), ["by_path", "by_import", "beside"]);
}
