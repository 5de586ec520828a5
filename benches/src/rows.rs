//! The rows: each is one kind of work, and can be run alone.

mod armed;
mod assembly;
mod build;
mod by_name;
mod configure;
mod context;
mod curves;
mod explore;
mod futures;
mod http;
mod idle;
mod instructions;
mod load;
mod release;
mod scan;
mod scopes;
mod size;
mod threads;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, LazyLock};

use fail_parallel::FailPointRegistry;
use neon_failpoint::configure_failpoints;

use neon_failpoint_benches::measure::Effort;
use neon_failpoint_benches::report::Line;

/// One kind of work.
#[derive(Debug)]
pub(crate) struct Row {
    /// What it is called on the command line.
    pub(crate) name: &'static str,
    /// What it measures.
    pub(crate) about: &'static str,
    /// Measures it.
    pub(crate) run: fn(Effort) -> Result<Vec<Line>, String>,
}

/// In the order in which they are printed.
pub(crate) const ALL: &[Row] = &[
    idle::SYNC,
    idle::TWO_THREADS,
    idle::ASYNC,
    futures::FUTURES,
    by_name::BY_NAME,
    armed::ARMED,
    armed::TWO_THREADS,
    context::CONTEXT,
    scopes::SCOPES,
    configure::CONFIGURE,
    load::LOAD,
    http::HTTP,
    release::RELEASE,
    release::MEMORY,
    build::BUILD,
    size::SIZE,
    assembly::ASSEMBLY,
    instructions::INSTRUCTIONS,
    curves::NAMES,
    curves::WAITERS,
    scan::SCAN,
    explore::EXPLORE,
    explore::MEMORY,
    // Last: arc-swap keeps a node for every thread that ever existed, and each publication visits
    // all nodes.
    threads::THREADS,
];

/// The table of `fail-parallel`, which its callers hold.
static PARALLEL: LazyLock<Arc<FailPointRegistry>> =
    LazyLock::new(|| Arc::new(FailPointRegistry::new()));

fn parallel() -> Arc<FailPointRegistry> {
    PARALLEL.clone()
}

/// Names that no benchmark hits, configured in every table for as long as this lives.
struct Others(usize);

impl Others {
    fn configure(count: usize) -> Result<Self, String> {
        let others = Self(count);
        let entries = others.names().map(|name| (name, "off"));
        configure_failpoints(entries).map_err(|e| e.to_string())?;
        for name in others.names() {
            fail::cfg(name.as_str(), "off")?;
            fail_parallel::cfg(parallel(), name.as_str(), "off")?;
        }
        Ok(others)
    }

    fn names(&self) -> impl Iterator<Item = String> + use<> {
        (0..self.0).map(|i| format!("bench-other-{i}"))
    }
}

impl Drop for Others {
    fn drop(&mut self) {
        for name in self.names() {
            neon_failpoint::remove_failpoint(&name);
            fail::remove(&name);
            fail_parallel::remove(parallel(), &name);
        }
    }
}

/// Runs a command, and returns what it wrote to its standard output.
fn output(command: &mut Command) -> Result<String, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .map_err(|e| format!("cannot start {}: {e}", program))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{}: {}\n{said}", program, output.status));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Returns the Cargo that runs this, in this package.
fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    command
}

/// The profile that this program was built with: what it starts is built with the same.
const PROFILE: &str = if cfg!(debug_assertions) {
    "dev"
} else {
    "release"
};

/// Returns a folder for what rows build, beside this program.
fn scratch() -> Result<PathBuf, String> {
    let program = std::env::current_exe().map_err(|e| format!("this program has no path: {e}"))?;
    let folder = program.with_file_name("bench-scratch");
    fs::create_dir_all(&folder).map_err(|e| format!("cannot make {}: {e}", folder.display()))?;
    Ok(folder)
}

/// Writes a package that is not a member of this workspace but uses the versions of its lock file,
/// and returns the package's folder.
fn package(
    name: &str,
    edition: &str,
    dependency: &str,
    file: &str,
    text: &str,
) -> Result<PathBuf, String> {
    let folder = scratch()?.join(name);
    let manifest = format!(
        "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"{edition}\"\n\n\
         [workspace]\n\n[dependencies]\n{dependency}\n"
    );
    let lock = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock");
    fs::create_dir_all(folder.join("src"))
        .and_then(|()| fs::write(folder.join("Cargo.toml"), manifest))
        .and_then(|()| fs::write(folder.join("src").join(file), text))
        .and_then(|()| fs::copy(lock, folder.join("Cargo.lock")))
        .map_err(|e| format!("cannot write {}: {e}", folder.display()))?;
    Ok(folder)
}

/// Returns the line that has this library as a dependency, with no features but these. (Without `context`
/// there is no regex to compile.)
fn native(features: &[&str]) -> String {
    let here = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    format!(
        "neon_failpoint = {{ path = {here:?}, default-features = false, features = {features:?} }}"
    )
}

/// What Cargo has built of the packages that [`release_build`] builds, from such a package.
const BUILT: &str = "../target/release";

/// Returns a command of Cargo that makes a stripped release build of such a package. They share a
/// target folder: what they depend on is compiled once.
fn release_build(folder: &Path, command: &str) -> Command {
    let mut cargo = cargo();
    cargo
        .current_dir(folder)
        .env("CARGO_PROFILE_RELEASE_STRIP", "true")
        .args([command, "--release", "--quiet", "--target-dir", "../target"]);
    cargo
}

/// Returns the number that a program of this package prints, in a process of its own.
fn child(program: &str, arguments: &[&str]) -> Result<f64, String> {
    child_with(program, arguments, &[])
}

/// The same, with additional environment variables.
fn child_with(
    program: &str,
    arguments: &[&str],
    environment: &[(&str, &str)],
) -> Result<f64, String> {
    let mut command = cargo();
    command
        .args([
            "run",
            "--profile",
            PROFILE,
            "--quiet",
            "--bin",
            program,
            "--",
        ])
        .args(arguments)
        .envs(environment.iter().copied());
    let printed = output(&mut command)?;
    let number = printed.trim().parse();
    number.map_err(|_| format!("{program} printed {printed:?} instead of a number"))
}
