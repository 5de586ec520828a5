//! What scan and rewrite tell: sites, counts, and what else there is to know.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use crate::decide::{Decision, Fate};
use crate::facts::{Kind, Site};
use crate::project::Project;
use crate::reason::Reason;

/// The whole report; `--json` prints it as it is.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The version of this form.
    pub version: u32,
    /// Counts by crate.
    pub crates: Vec<CrateReport>,
    /// The failpoints, file by file.
    pub sites: Vec<SiteReport>,
    /// Files that do not parse.
    pub unparsed: Vec<FileTrouble>,
    /// Files that could not be read.
    pub unreadable: Vec<FileTrouble>,
    /// What else a person should know.
    pub notes: Vec<String>,
}

/// A crate's counts.
#[derive(Debug, Serialize)]
pub struct CrateReport {
    /// Which package it is: names may be the same.
    #[serde(skip)]
    pub package: usize,
    /// Its name.
    pub name: String,
    /// Its Cargo.toml.
    pub manifest: Option<String>,
    /// All failpoints.
    pub sites: usize,
    /// Those that await already.
    pub done: usize,
    /// Those that can be rewritten, or were.
    pub rewritable: usize,
    /// Those that are left.
    pub left: usize,
}

/// A failpoint.
#[derive(Debug, Clone, Serialize)]
pub struct SiteReport {
    /// The crate.
    #[serde(rename = "crate")]
    pub crate_name: String,
    /// Which package it is.
    #[serde(skip)]
    pub package: usize,
    /// The file, by the path that the user gave.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
    /// The first byte.
    pub start: usize,
    /// The byte after the last one.
    pub end: usize,
    /// The failpoint's name, or the expression that gives it.
    pub name: String,
    /// The macro, by the path in the code.
    #[serde(rename = "macro")]
    pub macro_path: String,
    /// The arguments.
    pub form: &'static str,
    /// The function around it.
    pub function: String,
    /// What it stands in: an async function, a sync closure, ..
    pub context: &'static str,
    /// `done`, `rewrite` or `left`.
    pub status: &'static str,
    /// Why it is left, in one word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// Why it is left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Async functions that call the sync function around it, by name only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub async_callers: Vec<String>,
    /// What a rewrite changes besides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<&'static str>,
}

/// A file and what is wrong with it.
#[derive(Debug, Serialize)]
pub struct FileTrouble {
    /// The file.
    pub file: String,
    /// The line; 0 where there is none.
    pub line: usize,
    /// The character in the line.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// Whether the text mentions a failpoint.
    pub mentions_failpoints: bool,
}

/// How many callers a report names.
const CALLERS: usize = 5;

impl Report {
    /// The report on the decisions.
    #[must_use]
    pub fn of(project: &Project, decisions: &[Vec<Decision>]) -> Report {
        let callers = callers(project);
        let mut counts: BTreeMap<usize, CrateReport> = BTreeMap::new();
        let mut sites = Vec::new();
        let mut unparsed: Vec<FileTrouble> = project
            .no_text
            .iter()
            .map(|(path, error)| FileTrouble {
                file: path.display().to_string(),
                line: error.position.line,
                column: error.position.column,
                message: error.message.clone(),
                mentions_failpoints: false,
            })
            .collect();
        for (file, decisions) in project.files.iter().zip(decisions) {
            let package = project.packages.get(file.package);
            let name = package.map(|package| package.name.clone());
            let path = file.source.path.display().to_string();
            if let Some(error) = &file.unparsed {
                unparsed.push(FileTrouble {
                    file: path.clone(),
                    line: error.position.line,
                    column: error.position.column,
                    message: error.message.clone(),
                    mentions_failpoints: file.source.text.contains("fail_point")
                        || file.source.text.contains("_failpoint"),
                });
            }
            for (site, decision) in file.facts.sites.iter().zip(decisions) {
                let count = counts.entry(file.package).or_insert_with(|| CrateReport {
                    package: file.package,
                    name: name.clone().unwrap_or_default(),
                    manifest: package
                        .and_then(|package| package.manifest.as_ref())
                        .map(|manifest| manifest.display().to_string()),
                    sites: 0,
                    done: 0,
                    rewritable: 0,
                    left: 0,
                });
                let (status, reason) = match &decision.fate {
                    Fate::Unlisted => continue,
                    Fate::Done => {
                        count.done += 1;
                        ("done", None)
                    }
                    Fate::Rewrite(_) => {
                        count.rewritable += 1;
                        ("rewrite", None)
                    }
                    Fate::Left(reason) => {
                        count.left += 1;
                        ("left", Some(reason))
                    }
                };
                count.sites += 1;
                let position = file.source.position(site.range.start);
                let async_callers = match reason {
                    Some(Reason::SyncFunction(_)) => callers
                        .get(site.function_name.as_str())
                        .cloned()
                        .unwrap_or_default(),
                    _ => Vec::new(),
                };
                sites.push(SiteReport {
                    crate_name: count.name.clone(),
                    package: file.package,
                    file: path.clone(),
                    line: position.line,
                    column: position.column,
                    start: site.range.start,
                    end: site.range.end,
                    name: site.name.clone(),
                    macro_path: site.path.join("::"),
                    form: site.form,
                    function: site.function.clone(),
                    context: site.body,
                    status,
                    code: reason.map(Reason::code),
                    reason: reason.map(ToString::to_string),
                    async_callers,
                    note: (status == "rewrite").then(|| note(site)).flatten(),
                });
            }
        }
        let outside = project.outside.iter().map(|path| {
            format!(
                "{} is reached from here, but outside of the given paths: give it as well",
                path.display()
            )
        });
        let manifests = project
            .packages
            .iter()
            .filter_map(|package| package.trouble.clone());
        Report {
            version: 1,
            crates: counts
                .into_values()
                .filter(|count| count.sites > 0)
                .collect(),
            sites,
            unparsed,
            unreadable: project
                .unreadable
                .iter()
                .map(|(path, message)| FileTrouble {
                    file: path.display().to_string(),
                    line: 0,
                    column: 0,
                    message: message.clone(),
                    mentions_failpoints: false,
                })
                .collect(),
            notes: outside.chain(manifests).collect(),
        }
    }

    /// How many sites can be rewritten, or were.
    #[must_use]
    pub fn rewritable(&self) -> usize {
        self.crates.iter().map(|count| count.rewritable).sum()
    }
}

fn note(site: &Site) -> Option<&'static str> {
    if !site.around.is_empty() {
        return Some("the blocking task around it goes: a panic in it ends this task");
    }
    match site.kind {
        Kind::Pausable | Kind::SleepMillis => {
            Some("of neon_failpoint: the log lines of the project's own macro go")
        }
        _ => None,
    }
}

/// Async callers by the name of what they call.
fn callers(project: &Project) -> HashMap<&str, Vec<String>> {
    let mut found: HashMap<&str, Vec<String>> = HashMap::new();
    let wanted: std::collections::HashSet<&str> = project
        .files
        .iter()
        .flat_map(|file| &file.facts.sites)
        .map(|site| site.function_name.as_str())
        .collect();
    for file in &project.files {
        for call in &file.facts.calls {
            if !wanted.contains(call.callee.as_str()) {
                continue;
            }
            let position = file.source.position(call.at);
            let path = file.source.path.display();
            let text = format!("{} ({path}:{})", call.caller, position.line);
            let list = found.entry(&call.callee).or_default();
            let same = list.iter().any(|known| {
                let known = known.rsplit_once(':').map(|(known, _)| known);
                known == text.rsplit_once(':').map(|(text, _)| text)
            });
            if list.len() < CALLERS && !same {
                list.push(text);
            }
        }
    }
    found
}
