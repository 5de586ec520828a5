//! Crates that tests write, and the program run on them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// The root of the workspace that this package is in.
pub(crate) fn workspace() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().expect("the workspace is there")
}

/// Writes a file and the folders above it, if it does not hold the text already.
pub(crate) fn write(path: &Path, text: &str) {
    if fs::read(path).is_ok_and(|now| now == text.as_bytes()) {
        return;
    }
    let folder = path.parent().expect("a file has a folder");
    fs::create_dir_all(folder).expect("the folder can be made");
    fs::write(path, text).expect("the file can be written");
}

/// Reads a file.
pub(crate) fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A folder that is gone with the value.
pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// Runs the program with `arguments`, then `path`.
pub(crate) fn migrate(arguments: &[&str], path: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_failpoint-migrate"));
    command.args(arguments).arg(path);
    builds_in(BUILT, &mut command);
    bounded(command)
}

/// Lets Cargo build in a folder of this name that tests share, without what only a debugger or a
/// next build would read.
pub(crate) fn builds_in(folder: &str, command: &mut Command) {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
    command
        .env("CARGO_TARGET_DIR", target)
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .env("CARGO_INCREMENTAL", "0")
        .env_remove("RUSTFLAGS");
}

/// Where crates of tests are built: they wait for each other, and what they say of that is not
/// looked at.
pub(crate) const BUILT: &str = "built";

/// What a command may take. Cargo waits without an end where another one holds its locks, and
/// so does a test where a failpoint never lets go.
const DEADLINE: Duration = Duration::from_secs(10 * 60);

/// Runs a command; ends it and all that it started where it takes too long.
pub(crate) fn bounded(mut command: Command) -> Output {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it can be run");
    let group = format!("-{}", child.id());
    let (ended, end) = mpsc::channel();
    let watch = std::thread::spawn(move || {
        let late = end.recv_timeout(DEADLINE) == Err(mpsc::RecvTimeoutError::Timeout);
        if late && cfg!(unix) {
            let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        }
        late
    });
    let output = child.wait_with_output().expect("it ends");
    drop::<mpsc::Sender<()>>(ended);
    let late = watch.join().expect("the watch ends");
    assert!(!late, "{command:?} did not end within {DEADLINE:?}");
    output
}

/// What a run wrote and how it ended.
pub(crate) fn said(output: &Output) -> String {
    format!(
        "{}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// A run that must end well; its standard output.
pub(crate) fn migrated(arguments: &[&str], path: &Path) -> String {
    let output = migrate(arguments, path);
    assert!(output.status.success(), "{}", said(&output));
    String::from_utf8(output.stdout).expect("the report is text")
}

/// The report of `scan --json`.
pub(crate) fn scan(path: &Path) -> serde_json::Value {
    scan_with(&[], path)
}

/// The report of `scan --json` with more options.
pub(crate) fn scan_with(options: &[&str], path: &Path) -> serde_json::Value {
    let mut arguments = vec!["scan", "--json"];
    arguments.extend(options);
    serde_json::from_str(&migrated(&arguments, path)).expect("the report is JSON")
}

/// A field of each site.
pub(crate) fn each(report: &serde_json::Value, field: &str) -> Vec<String> {
    let sites = report["sites"].as_array().expect("sites");
    let field = sites.iter().map(|site| match &site[field] {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    });
    field.collect()
}

/// A command of the Cargo that runs this test, with a target folder for all tests.
pub(crate) fn cargo(manifest: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).arg("--manifest-path").arg(manifest);
    builds_in(BUILT, &mut command);
    command
}

/// A crate of this name under the target folder, with the workspace's lock file, so that
/// what it builds is kept for the next run.
pub(crate) fn kept_crate(name: &str, dependencies: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(folder.join("src"));
    let _ = fs::remove_dir_all(folder.join("tests"));
    write(&folder.join("Cargo.toml"), &manifest(name, dependencies));
    let lock = folder.join("Cargo.lock");
    if !lock.exists() {
        fs::copy(workspace().join("Cargo.lock"), lock).expect("the lock file can be copied");
    }
    folder
}

/// A manifest of a package that is no member of the workspace around it.
pub(crate) fn manifest(name: &str, rest: &str) -> String {
    format!(
        "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n\
         [workspace]\n\n{rest}"
    )
}

/// The shim as a dependency.
pub(crate) fn shim(features: &str) -> String {
    let path = workspace().join("migration/fail");
    format!("fail = {{ path = {path:?}, features = [{features}] }}\n")
}

/// tokio as a dependency: with the same features in each crate it is compiled once.
pub(crate) const TOKIO: &str = "tokio = { version = \"1\", \
     features = [\"macros\", \"rt-multi-thread\", \"sync\", \"time\"] }\n";

/// The native crate as a dependency.
pub(crate) fn native(features: &str) -> String {
    let path = workspace();
    format!("neon_failpoint = {{ path = {path:?}, features = [{features}] }}\n")
}

/// Runs a command that must end well.
pub(crate) fn succeeds(command: Command) {
    let shown = format!("{command:?}");
    let output = bounded(command);
    assert!(output.status.success(), "{shown}\n{}", said(&output));
}

/// The shim in the place of `fail`.
pub(crate) fn patch() -> String {
    let path = workspace().join("migration/fail");
    format!("[patch.crates-io]\nfail = {{ path = {path:?} }}\n")
}

/// A crate of these files in a folder of its own, with `fail` 0.5, patched, as its dependency.
pub(crate) fn sketch(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = folder();
    let dependencies = format!("{}\n[dependencies]\nfail = \"0.5\"\n", patch());
    let manifest = manifest("sketch", &dependencies);
    write(&folder.path().join("Cargo.toml"), &manifest);
    for (path, text) in files {
        write(&folder.path().join(path), text);
    }
    folder
}

/// `rewrite` without `cargo check`; then the text of a file.
pub(crate) fn rewritten(folder: &Path, options: &[&str], file: &str) -> String {
    let mut arguments = vec!["rewrite", "--no-check", "--allow-dirty"];
    arguments.extend(options);
    migrated(&arguments, folder);
    read(&folder.join(file))
}
