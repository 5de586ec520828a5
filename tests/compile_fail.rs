//! Proves that what a user gets wrong does not compile, that the compiler's message
//! has the words that help, and that a twin which gets it right compiles without a
//! warning.
//!
//! A case is a file of `tests/compile_fail/`. It says in which builds it is checked and
//! what the compiler says, and has each line in both versions:
//!
//! ```text
//! // builds: testing, plain
//! // says: mismatched types
//!     fail_point_sync!(1); // fails
//!     // twin: fail_point_sync!("1");
//! ```
//!
//! Some error has to say that, and each of those lines has to have an error. A case that
//! says nothing has to compile as it is. Each build is a package of its own in
//! Cargo's folder for the files of tests, with a target folder there, which it shares with the tests of
//! the migration: there is no lock that the outer Cargo holds.
//!
//! The last tests build, in the same way, a program with two copies of the library, and run it, and look
//! at what Cargo says of a release build.
//!
//! Alone because it needs nothing of the library but its source.
#![cfg(all(feature = "testing", feature = "async", feature = "context"))]
#![cfg(not(miri))]

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A set of features, and the edition of the crate that uses them.
struct Build {
    name: &'static str,
    features: &'static [&'static str],
    edition: &'static str,
}

const FULL: &[&str] = &["testing", "async", "context"];

const TESTING: Build = build("testing", FULL, "2024");
const PLAIN: Build = build("plain", &["async", "context"], "2024");
const SYNC: Build = build("sync", &["testing"], "2024");
const EDITIONS: [Build; 3] = [
    build("edition-2018", FULL, "2018"),
    build("edition-2021", FULL, "2021"),
    build("edition-2024", FULL, "2024"),
];

/// What an async case may use. tokio has the features that it has in the packages of the migration's
/// tests, which have compiled it already when all tests are run.
const ASYNC: &str = "\
tokio = { version = \"1\", features = [\"macros\", \"rt-multi-thread\", \"sync\", \"time\"] }
tokio-util = \"0.7.11\"";

const fn build(
    name: &'static str,
    features: &'static [&'static str],
    edition: &'static str,
) -> Build {
    Build {
        name,
        features,
        edition,
    }
}

#[test]
fn mistakes_are_found_and_explained_with_the_feature_testing() {
    TESTING.check();
}

#[test]
fn mistakes_are_found_and_explained_without_the_feature_testing() {
    PLAIN.check();
}

#[test]
fn mistakes_are_found_and_explained_without_the_feature_async() {
    SYNC.check();
}

#[test]
fn the_macros_work_in_every_edition() {
    for build in EDITIONS {
        build.check();
    }
}

/// A case is named after its file.
struct Case {
    name: String,
    builds: Vec<&'static str>,
    says: Option<String>,
    text: String,
}

impl Case {
    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        let header = |key: &str| {
            let mut values = text.lines().filter_map(|line| line.strip_prefix(key));
            values.next().map(|value| value.trim().to_owned())
        };
        let builds = header("// builds:").unwrap_or_else(|| panic!("{path:?}: in which builds?"));
        Self {
            name: path.file_stem().unwrap().to_str().unwrap().to_owned(),
            builds: builds.split(", ").map(Build::known).collect(),
            says: header("// says:"),
            text,
        }
    }

    fn all() -> Vec<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compile_fail");
        let entries = fs::read_dir(folder).unwrap();
        let mut paths: Vec<PathBuf> = entries.map(|e| e.unwrap().path()).collect();
        paths.sort();
        paths.iter().map(|path| Self::read(path)).collect()
    }

    fn twin_name(&self) -> String {
        format!("{}-twin", self.name)
    }

    fn failing_lines(&self) -> impl Iterator<Item = usize> {
        let lines = self.text.lines().zip(1..);
        lines
            .filter(|(line, _)| line.ends_with("// fails"))
            .map(|(_, number)| number)
    }

    /// The case without what fails, and with what stands in for it. The other lines
    /// keep their numbers.
    fn twin(&self) -> String {
        let mut twin = String::new();
        for line in self.text.lines() {
            let line = match line.trim_start().strip_prefix("// twin: ") {
                Some(line) => line,
                None if line.ends_with("// fails") => "",
                None => line,
            };
            writeln!(twin, "{line}").unwrap();
        }
        twin
    }
}

impl Build {
    /// The name of a build that there is.
    fn known(name: &str) -> &'static str {
        let mut builds = [TESTING, PLAIN, SYNC].into_iter().chain(EDITIONS);
        let build = builds.find(|build| build.name == name);
        build.unwrap_or_else(|| panic!("no build {name:?}")).name
    }

    /// Compiles all cases of this build with one call of Cargo, and compares.
    fn check(&self) {
        let cases = Case::all();
        let here = |case: &&Case| case.builds.contains(&self.name);
        let cases: Vec<&Case> = cases.iter().filter(here).collect();
        assert!(!cases.is_empty(), "no case is for {}", self.name);

        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join("compile_fail")
            .join(self.name);
        fs::create_dir_all(&folder).unwrap();
        let mut manifest = self.manifest();
        let mut add = |name: &str, text: &str| {
            writeln!(manifest, "[[bin]]\nname = \"{name}\"\npath = \"{name}.rs\"").unwrap();
            fs::write(folder.join(format!("{name}.rs")), text).unwrap();
        };
        for case in &cases {
            if case.says.is_some() {
                add(&case.name, &case.text);
            }
            add(&case.twin_name(), &case.twin());
        }
        fs::write(folder.join("Cargo.toml"), manifest).unwrap();
        let output = cargo(self.target(), &folder, &["check", "--keep-going"]);
        self.compare(&cases, &output);
    }

    /// Its target folder.
    fn target(&self) -> &'static str {
        match self.features.contains(&"async") {
            true => WITH_TOKIO,
            false => WITHOUT,
        }
    }

    fn manifest(&self) -> String {
        let Self {
            name,
            features,
            edition,
        } = self;
        let path = env!("CARGO_MANIFEST_DIR");
        let dependencies = match features.contains(&"async") {
            true => ASYNC,
            false => "",
        };
        format!(
            "[package]\nname = \"case-{name}\"\nedition = \"{edition}\"\n\
             autobins = false\n\
             [workspace]\n\
             [dependencies]\n\
             neon_failpoint = {{ path = {path:?}, default-features = false, features = {features:?} }}\n\
             {dependencies}\n"
        )
    }

    fn compare(&self, cases: &[&Case], output: &Output) {
        let stderr = said(output);
        let mut wrong = String::new();
        for case in cases {
            if let Some(says) = &case.says {
                let errors = diagnostics(&stderr, &case.name);
                if !errors.contains(says.as_str()) {
                    writeln!(wrong, "{}: nothing says {says:?}:\n{errors}", case.name).unwrap();
                }
                for line in case.failing_lines() {
                    if !errors.contains(&format!("--> {}.rs:{line}:", case.name)) {
                        writeln!(wrong, "{}: line {line} is accepted\n", case.name).unwrap();
                    }
                }
                let given_up = format!(
                    "could not compile `case-{}` (bin \"{}\")",
                    self.name, case.name
                );
                if !stderr.contains(&given_up) {
                    writeln!(wrong, "{} compiles:\n{errors}", case.name).unwrap();
                }
            }
            let twin = case.twin_name();
            let errors = diagnostics(&stderr, &twin);
            if !errors.is_empty() {
                writeln!(wrong, "{twin} is not accepted:\n{errors}").unwrap();
            }
        }
        assert!(wrong.is_empty(), "build {}:\n{wrong}", self.name);
        // That a twin says nothing means something only if Cargo got to it.
        let fails = cases.iter().any(|case| case.says.is_some());
        assert_eq!(output.status.success(), !fails, "{stderr}");
    }
}

/// The target folders for what needs tokio, and for what does not: Cargo lets one build at a time in
/// each. (The tests of the migration have them, too.)
const WITH_TOKIO: &str = "built";
const WITHOUT: &str = "target";

/// Runs Cargo on the package in `folder`, which fetches something only if it has to.
fn cargo(target: &str, folder: &Path, arguments: &[&str]) -> Output {
    // The same versions as here, so that nothing has to be looked up or fetched.
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock");
    fs::copy(lock, folder.join("Cargo.lock")).unwrap();
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join(target);
    let run = |more: &[&str]| {
        Command::new(env!("CARGO"))
            .args(arguments)
            .args(["--color", "never"])
            .args(more)
            .env("CARGO_TARGET_DIR", &target)
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("CARGO_INCREMENTAL", "0")
            .env_remove("RUSTFLAGS")
            .current_dir(folder)
            .output()
            .unwrap()
    };
    let output = run(&["--offline"]);
    match said(&output).contains("--offline") {
        true => run(&[]),
        false => output,
    }
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// What the compiler says about the target `name`: each of its paragraphs that points
/// into that target's file, without what Cargo says in between.
fn diagnostics(stderr: &str, name: &str) -> String {
    const CARGO: [&str; 4] = [
        "    ",
        "error: could not compile",
        "For more",
        "Some errors",
    ];
    let place = format!("--> {name}.rs:");
    let mut about = String::new();
    for paragraph in stderr.split("\n\n").filter(|p| p.contains(&place)) {
        let lines = paragraph.lines();
        for line in lines.skip_while(|line| CARGO.iter().any(|start| line.starts_with(start))) {
            writeln!(about, "{line}").unwrap();
        }
    }
    about
}

/// The packages of a program that configures one copy of the library, and hits another: its own
/// dependency's, of another version.
const TWO_COPIES: [(&str, &str); 5] = [
    (
        "Cargo.toml",
        r#"
[package]
name = "two-copies"
edition = "2024"
[workspace]
members = ["."]
[dependencies]
neon_failpoint = { path = "LIBRARY", default-features = false, features = ["testing"] }
storage = { path = "storage" }
"#,
    ),
    (
        "src/main.rs",
        r#"
fn main() {
    let point = neon_failpoint::arm("save", "off").unwrap();
    storage::save();
    let wait = point.wait_for_hits(1).within(std::time::Duration::ZERO);
    println!("{}", wait.blocking().unwrap_err());
}
"#,
    ),
    (
        "storage/Cargo.toml",
        r#"
[package]
name = "storage"
edition = "2024"
[dependencies]
neon_failpoint = { path = "../copy" }
"#,
    ),
    (
        "storage/src/lib.rs",
        r#"
pub fn save() {
    neon_failpoint::fail_point_sync!("save");
}
"#,
    ),
    (
        "copy/Cargo.toml",
        r#"
[package]
name = "neon_failpoint"
version = "9.0.0"
edition = "2024"
[lib]
path = "LIBRARY/src/lib.rs"
[features]
default = ["testing"]
testing = ["dep:linkme"]
[dependencies]
arc-swap = "1.7"
linkme = { version = "0.3.30", optional = true }
log = "0.4.17"
[lints.rust]
unexpected_cfgs = "allow"
"#,
    ),
];

#[test]
fn a_copy_of_the_library_that_has_no_call_sites_says_how_to_look_for_the_other() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compile_fail/two-copies");
    for (file, text) in TWO_COPIES {
        let path = folder.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let library = env!("CARGO_MANIFEST_DIR");
        fs::write(path, text.replace("LIBRARY", library).trim_start()).unwrap();
    }
    let output = cargo(WITHOUT, &folder, &["run", "--quiet"]);
    assert!(output.status.success(), "{}", said(&output));
    let error = String::from_utf8_lossy(&output.stdout);
    for part in [
        "failpoint \"save\": 0 of 1 hits came",
        "no call site has that name, or any other, in this copy of neon_failpoint",
        "`cargo tree -d`",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
    // What that shows.
    let output = cargo(WITHOUT, &folder, &["tree", "--duplicates", "--depth", "0"]);
    let tree = String::from_utf8_lossy(&output.stdout);
    for version in [env!("CARGO_PKG_VERSION"), "9.0.0"] {
        let copy = format!("neon_failpoint v{version}");
        assert!(tree.contains(&copy), "{copy}: {tree} {}", said(&output));
    }
}

/// A package with the two tables of README.md.
const TABLES: &str = r#"
[package]
name = "tables"
edition = "2018"
[workspace]
resolver = "RESOLVER"
[dependencies]
neon_failpoint = { path = "LIBRARY" }
[dev-dependencies]
neon_failpoint = { path = "LIBRARY", features = ["testing"] }
"#;

/// The command of README.md says what is so, by either resolver, and so does the assertion there.
#[test]
fn what_a_release_build_has_can_be_seen() {
    let library = env!("CARGO_MANIFEST_DIR");
    let readme = fs::read_to_string(Path::new(library).join("README.md")).unwrap();
    let mut commands = readme
        .lines()
        .filter(|line| line.starts_with("cargo tree "));
    let (command, None) = (commands.next().unwrap(), commands.next()) else {
        panic!("another `cargo tree`");
    };
    let (arguments, format) = command.split_once(" --format ").unwrap();
    let mut arguments: Vec<&str> = arguments.split(' ').skip(1).collect();
    arguments.extend(["--format", format.trim_matches('\'')]);
    let assertion = "const _: () = assert!(!neon_failpoint::has_failpoints());";
    assert!(readme.contains(assertion));
    for (resolver, has_failpoints) in [("1", true), ("2", false)] {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("compile_fail/resolver-{resolver}"));
        fs::create_dir_all(folder.join("src")).unwrap();
        let manifest = TABLES
            .replace("LIBRARY", library)
            .replace("RESOLVER", resolver);
        fs::write(folder.join("Cargo.toml"), manifest).unwrap();
        let main = format!("{assertion}\nfn main() {{}}\n");
        fs::write(folder.join("src/main.rs"), main).unwrap();
        let output = cargo(WITH_TOKIO, &folder, &arguments);
        let tree = String::from_utf8_lossy(&output.stdout);
        assert!(
            tree.starts_with("neon_failpoint v"),
            "{tree} {}",
            said(&output)
        );
        assert_eq!(
            tree.contains("testing"),
            has_failpoints,
            "{resolver}: {tree}"
        );
        let output = cargo(WITH_TOKIO, &folder, &["check", "--quiet"]);
        assert_eq!(
            output.status.success(),
            !has_failpoints,
            "{}",
            said(&output)
        );
    }
}
