//! `cargo check`, and what its errors say about the edits.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::cargo::{self, Tell};
use crate::error::Error;
use crate::package::{Package, passes_failpoints};
use crate::paths::real;

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
    /// Where it is: file, first and last line. Calls of macros around it included.
    pub at: Vec<(PathBuf, usize, usize)>,
    /// Every place that it names, in the same form.
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

fn run(
    package: &Package,
    manifest: &Path,
    selection: &[&str],
    named: &[String],
    features: &Features,
    tell: Tell,
) -> Result<Outcome, Error> {
    let root = package.workspace.as_deref().unwrap_or(manifest);
    let mut command = cargo::command(root);
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
    let output = cargo::output(&mut command, tell)?;
    if output.status.success() {
        return Ok(Outcome::Builds);
    }
    let folder = root.parent().unwrap_or(Path::new("."));
    let complaints = complaints(&String::from_utf8_lossy(&output.stdout), folder);
    if complaints.is_empty() {
        return Ok(Outcome::Cargo(cargo::words(&output)));
    }
    Ok(Outcome::Errors(complaints))
}

/// The features that compile the package's failpoints: without them there is nothing to check.
fn usual_features(package: &Package) -> Vec<String> {
    let names = package.native_names();
    let native = |feature: &str| {
        let name = feature.strip_suffix("/testing");
        name.is_some_and(|name| {
            names
                .iter()
                .any(|native| native == name.trim_end_matches('?'))
        })
    };
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
    is_primary: bool,
    label: Option<String>,
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
            let primary = message.spans.iter().filter(|span| span.is_primary);
            Complaint {
                message: match not_send(&message) {
                    Some(value) => format!("{}: {value}", message.message),
                    None => message.message.clone(),
                },
                manifest,
                at: primary.flat_map(|span| around(span, root)).collect(),
                places,
            }
        })
        .collect()
}

/// Which value keeps a future from being Send, as the compiler labels it.
fn not_send(message: &Message) -> Option<String> {
    let labels = |message: &Message, part: &str| {
        let mut labels = message.spans.iter().filter_map(|span| span.label.clone());
        labels.find(|label| label.contains(part))
    };
    message.children.iter().find_map(|child| {
        let kind = labels(child, "which is not `Send`")?;
        let awaits = labels(child, "await occurs here, with ");
        let name = awaits.as_ref().and_then(|awaits| awaits.split('`').nth(1));
        Some(match name {
            Some(name) => format!("`{name}` {kind}"),
            None => kind,
        })
    })
}

/// A place, and the calls of macros around it.
fn around<'s>(
    span: &'s Span,
    root: &'s Path,
) -> impl Iterator<Item = (PathBuf, usize, usize)> + use<'s> {
    let spans = std::iter::successors(Some(span), |span| {
        span.expansion.as_ref().map(|expansion| &expansion.span)
    });
    spans.map(|span| (root.join(&span.file_name), span.line_start, span.line_end))
}

fn collect(message: &Message, root: &Path, places: &mut Vec<(PathBuf, usize, usize)>) {
    places.extend(message.spans.iter().flat_map(|span| around(span, root)));
    for child in &message.children {
        collect(child, root, places);
    }
}
