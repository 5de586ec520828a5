//! `cargo check`, and what its errors say about the edits.

use std::ffi::OsString;
use std::fmt;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde::Deserialize;

use crate::error::Error;
use crate::manifest::passes_failpoints;
use crate::package::Package;
use crate::tree::real;

/// The features to check with.
#[derive(Debug, Clone, Default)]
pub struct Features {
    /// `--features`, as given.
    pub named: Vec<String>,
    /// `--all-features`.
    pub all: bool,
    /// `--no-default-features`.
    pub no_default: bool,
}

/// An error of the compiler.
#[derive(Debug, Clone)]
pub struct Complaint {
    /// The first line of its message.
    pub message: String,
    /// The Cargo.toml of the package that does not compile.
    pub manifest: PathBuf,
    /// Every place that it names: file, first and last line. Calls of macros included.
    pub places: Vec<(PathBuf, usize, usize)>,
}

/// What a check came to.
#[derive(Debug)]
pub enum Outcome {
    /// It builds.
    Builds,
    /// The compiler found errors.
    Errors(Vec<Complaint>),
    /// Cargo did not get as far as the compiler: its words.
    Cargo(String),
}

/// What takes long.
#[derive(Debug, Clone, Copy)]
pub enum Step<'a> {
    /// These packages are checked.
    Checking(&'a str),
    /// Cargo waits for another Cargo: its words.
    Waiting(&'a str),
}

impl fmt::Display for Step<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Checking(what) => write!(f, "checking {what} .."),
            Step::Waiting(words) => {
                write!(
                    f,
                    "another Cargo is at work, an editor's perhaps: {words} .."
                )
            }
        }
    }
}

/// Told of each step.
pub type Tell = fn(Step<'_>);

/// Checks one package, all targets.
///
/// # Errors
///
/// Where Cargo cannot be run.
pub fn check(package: &Package, features: &Features, tell: Tell) -> Result<Outcome, Error> {
    let Some(manifest) = &package.manifest else {
        return Ok(Outcome::Builds);
    };
    let named = features.names([package]);
    run(package, manifest, &[], &named, features, tell)
}

/// Checks packages of one workspace by their ids. `touched` are among them: their failpoints
/// are compiled in. Goes on after the first package that does not build.
///
/// # Errors
///
/// Where Cargo cannot be run.
pub fn check_all(
    ids: &[&str],
    touched: &[Package],
    features: &Features,
    tell: Tell,
) -> Result<Outcome, Error> {
    let first = touched.first();
    let root = first.and_then(|first| first.workspace.as_ref().or(first.manifest.as_ref()));
    let (Some(first), Some(root)) = (first, root) else {
        return Ok(Outcome::Builds);
    };
    let mut selection = vec!["--keep-going"];
    for id in ids {
        selection.extend(["--package", id]);
    }
    let named = features.names(touched);
    run(first, root, &selection, &named, features, tell)
}

impl Features {
    /// Those that the user named, or those that compile the packages' failpoints.
    fn names<'p>(&self, packages: impl IntoIterator<Item = &'p Package>) -> Vec<String> {
        if !self.named.is_empty() || self.all {
            return self.named.clone();
        }
        let mut names: Vec<String> = packages.into_iter().flat_map(usual_features).collect();
        names.sort();
        names.dedup();
        names
    }
}

/// Cargo, run where the workspace of this manifest is, whose `.cargo/config.toml` and
/// toolchain it is to find.
pub(crate) fn cargo(root: &Path) -> Command {
    let mut command = Command::new(program());
    command.stdin(Stdio::null());
    if let Some(folder) = root.parent().map(real).filter(|folder| folder.is_dir()) {
        command.current_dir(folder);
    }
    command
}

fn program() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"))
}

/// What to say where Cargo cannot be run.
pub(crate) fn no_cargo(error: &std::io::Error) -> Error {
    Error::new(format!(
        "cannot run {}: {error}; `--no-check` rewrites without it",
        program().to_string_lossy()
    ))
}

fn run(
    package: &Package,
    manifest: &Path,
    selection: &[&str],
    named: &[String],
    features: &Features,
    tell: Tell,
) -> Result<Outcome, Error> {
    let root = package.workspace.as_deref().unwrap_or(manifest);
    let mut command = cargo(root);
    command
        .args([
            "check",
            "--all-targets",
            "--message-format=json",
            "--color=never",
        ])
        .arg("--manifest-path")
        .arg(real(manifest))
        .args(selection);
    if features.all {
        command.arg("--all-features");
    }
    if features.no_default {
        command.arg("--no-default-features");
    }
    if !named.is_empty() {
        command.arg("--features").arg(named.join(","));
    }
    let output = output(&mut command, tell).map_err(|error| no_cargo(&error))?;
    if output.status.success() {
        return Ok(Outcome::Builds);
    }
    let folder = root.parent().unwrap_or(Path::new("."));
    let complaints = complaints(&String::from_utf8_lossy(&output.stdout), folder);
    if complaints.is_empty() {
        let words = String::from_utf8_lossy(&output.stderr);
        let words = words.lines().filter(|line| status(line).is_none());
        let words = words.collect::<Vec<_>>().join("\n");
        return Ok(Outcome::Cargo(words.trim().to_owned()));
    }
    Ok(Outcome::Errors(complaints))
}

/// Runs Cargo to its end, and says so where it waits for another one: that may last.
fn output(command: &mut Command, tell: Tell) -> io::Result<Output> {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let (out, words) = (child.stdout.take(), child.stderr.take());
    let words = std::thread::spawn(move || {
        let mut all = Vec::new();
        let mut words = words.map(BufReader::new);
        while let Some(words) = &mut words {
            let from = all.len();
            if words.read_until(b'\n', &mut all)? == 0 {
                break;
            }
            let line = String::from_utf8_lossy(all.get(from..).unwrap_or_default());
            if status(&line) == Some("Blocking") {
                tell(Step::Waiting(line.trim()));
            }
        }
        io::Result::Ok(all)
    });
    let mut stdout = Vec::new();
    if let Some(mut out) = out {
        out.read_to_end(&mut stdout)?;
    }
    let words = words.join();
    Ok(Output {
        status: child.wait()?,
        stdout,
        stderr: words.unwrap_or_else(|_| Ok(Vec::new()))?,
    })
}

/// The verb of a line that only says how far Cargo is: it ends in the twelfth column.
fn status(line: &str) -> Option<&str> {
    let (verb, rest) = line.split_at_checked(12)?;
    let verb = verb.trim_start();
    let is_verb = verb.starts_with(char::is_uppercase) && verb.chars().all(char::is_alphabetic);
    (is_verb && rest.starts_with(' ')).then_some(verb)
}

/// The features that compile the package's failpoints: without them there is nothing to check.
fn usual_features(package: &Package) -> Vec<String> {
    let native = |feature: &str| feature == "neon_failpoint/testing";
    let own: Vec<String> = package
        .features
        .iter()
        .filter(|(_, list)| {
            let mut list = list.iter();
            list.any(|item| passes_failpoints(item, package) || native(item))
        })
        .map(|(name, _)| name.clone())
        .collect();
    if !own.is_empty() {
        return own;
    }
    if package.features.contains_key("failpoints") {
        return vec!["failpoints".to_owned()];
    }
    package
        .dependencies
        .iter()
        .filter(|dependency| dependency.table.as_slice() == ["dependencies"])
        .map(|dependency| format!("{}/failpoints", dependency.key))
        .collect()
}

#[derive(Deserialize)]
struct Line {
    reason: String,
    #[serde(default)]
    manifest_path: PathBuf,
    message: Option<Message>,
}

#[derive(Deserialize)]
struct Message {
    message: String,
    level: String,
    spans: Vec<Span>,
    children: Vec<Message>,
}

#[derive(Deserialize)]
struct Span {
    file_name: String,
    line_start: usize,
    line_end: usize,
    expansion: Option<Box<Expansion>>,
}

#[derive(Deserialize)]
struct Expansion {
    span: Span,
}

fn complaints(output: &str, root: &Path) -> Vec<Complaint> {
    output
        .lines()
        .filter_map(|line| serde_json::from_str::<Line>(line).ok())
        .filter(|line| line.reason == "compiler-message")
        .filter_map(|line| Some((line.manifest_path, line.message?)))
        .filter(|(_, message)| message.level.starts_with("error"))
        // The summary "aborting due to .." names no place.
        .filter(|(_, message)| !(message.spans.is_empty() && message.children.is_empty()))
        .map(|(manifest, message)| {
            let mut places = Vec::new();
            collect(&message, root, &mut places);
            Complaint {
                message: message.message,
                manifest,
                places,
            }
        })
        .collect()
}

fn collect(message: &Message, root: &Path, places: &mut Vec<(PathBuf, usize, usize)>) {
    for span in &message.spans {
        let mut span = span;
        loop {
            places.push((root.join(&span.file_name), span.line_start, span.line_end));
            match &span.expansion {
                Some(expansion) => span = &expansion.span,
                None => break,
            }
        }
    }
    for child in &message.children {
        collect(child, root, places);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_say_how_far_cargo_is_are_told_from_the_others() {
        let waits = "    Blocking waiting for file lock on build directory\n";
        assert_eq!(status(waits), Some("Blocking"));
        assert_eq!(status("   Compiling a v0.1.0"), Some("Compiling"));
        for line in [
            "error: no matching package named `a` found",
            "  --> Cargo.toml:12:3",
            "    candidate versions found which didn't match: 1.0.0",
            "required by package `a v0.1.0 (/a)`",
            "Caused by:",
            "",
        ] {
            assert_eq!(status(line), None, "{line}");
        }
    }
}
