//! Every `NAME.rs` under `fixtures/compat` and `fixtures/native` becomes `NAME.fixed.rs`,
//! builds, and passes its own test before and after.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common;

/// What Neon's utils have: macros that await inside.
const NEON: &str = r#"
#[allow(unused_macros, unused_imports)]
pub mod neon {
    macro_rules! pausable {
        ($name:literal) => {{
            let cancel = ::tokio_util::sync::CancellationToken::new();
            let _ = crate::neon::pausable_failpoint!($name, &cancel);
        }};
        ($name:literal, $cancel:expr) => {{
            let hit = ::tokio::task::spawn_blocking(|| ::fail::fail_point!($name));
            ::tokio::select! {
                biased;
                _ = $cancel.cancelled() => Err::<(), ()>(()),
                hit = hit => {
                    hit.unwrap();
                    Ok::<(), ()>(())
                }
            }
        }};
    }
    macro_rules! sleeping {
        ($name:literal $(, $cancel:expr)?) => {{
            $(let _ = $cancel;)?
            ::tokio::task::spawn_blocking(|| ::fail::fail_point!($name)).await.unwrap();
        }};
    }
    pub(crate) use {pausable as pausable_failpoint, sleeping as sleep_millis_async};
}
"#;

struct Fixture {
    name: String,
    before: String,
    after: String,
    /// In the crate of all fixtures.
    path: PathBuf,
}

fn fixtures(target: &str, folder: &Path) -> Vec<Fixture> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(target);
    let mut found = Vec::new();
    for entry in fs::read_dir(source).expect("the fixtures are there") {
        let path = entry.expect("an entry").path();
        let file = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let Some(name) = file
            .strip_suffix(".rs")
            .filter(|name| !name.ends_with(".fixed"))
        else {
            continue;
        };
        let before = common::read(&path);
        // `#[macro_use]` works in a crate's root only.
        let kind = if before.contains("extern crate") {
            "tests"
        } else {
            "src"
        };
        found.push(Fixture {
            name: name.to_owned(),
            after: common::read(&path.with_file_name(format!("{name}.fixed.rs"))),
            before,
            path: folder.join(kind).join(&file),
        });
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(!found.is_empty());
    found
}

fn check(target: &str, dependencies: &str) {
    let name = format!("fixtures-{target}");
    let folder = common::kept_crate(&name, dependencies);
    let fixtures = fixtures(target, &folder);
    let mut root =
        format!("#![deny(unused_imports, unused_must_use, unused_parens, unused_braces)]\n{NEON}");
    for fixture in &fixtures {
        common::write(&fixture.path, &fixture.before);
        if fixture.path.starts_with(folder.join("src")) {
            root.push_str(&format!("#[cfg(test)]\nmod {};\n", fixture.name));
        }
    }
    common::write(&folder.join("src/lib.rs"), &root);
    let manifest = folder.join("Cargo.toml");
    common::succeeds(common::cargo(&manifest, &["test", "--quiet"]));

    let options = ["rewrite", "--to", target, "--no-check", "--allow-dirty"];
    common::migrated(&options, &folder);
    for fixture in &fixtures {
        let now = common::read(&fixture.path);
        assert!(now == fixture.after, "{} became\n{now}", fixture.name);
    }
    common::succeeds(common::cargo(&manifest, &["test", "--quiet"]));

    let manifest_now = common::read(&manifest);
    common::migrated(&options, &folder);
    for fixture in &fixtures {
        assert_eq!(
            common::read(&fixture.path),
            fixture.after,
            "{} twice",
            fixture.name
        );
    }
    assert_eq!(common::read(&manifest), manifest_now);
}

fn dependencies() -> String {
    format!(
        "[dependencies]\n{}{}tokio-util = \"0.7\"\n",
        common::shim("\"failpoints\""),
        common::TOKIO
    )
}

#[test]
fn compat_fixtures_become_their_twins_and_pass_their_tests_before_and_after() {
    check("compat", &dependencies());
}

#[test]
fn native_fixtures_become_their_twins_and_pass_their_tests_before_and_after() {
    let with_async = dependencies().replace("\"failpoints\"", "\"failpoints\", \"async\"");
    check("native", &with_async);
}
