//! What scan and rewrite tell: sites, counts, and what else there is to know.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use crate::callers::Callers;
use crate::decide::{Decision, Fate, is_implicit};
use crate::facts::{Kind, Site};
use crate::package::Package;
use crate::project::{File, Project};
use crate::reason::Reason;
use crate::source::Unparsed;

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

impl Report {
    /// The report on the decisions.
    #[must_use]
    pub fn of(project: &Project, decisions: &[Vec<Decision>]) -> Report {
        let callers = Callers::of_project(project);
        let mut counts: BTreeMap<usize, CrateReport> = BTreeMap::new();
        let mut sites = Vec::new();
        for (at, (file, decisions)) in project.files.iter().zip(decisions).enumerate() {
            for (site, decision) in file.facts.sites.iter().zip(decisions) {
                if decision.fate == Fate::Unlisted {
                    continue;
                }
                let package = project.packages.get(file.package);
                let count = counts.entry(file.package);
                let count = count.or_insert_with(|| CrateReport::of(file.package, package));
                count.add(&decision.fate);
                let mut report = SiteReport::of(file, site, decision);
                report.crate_name.clone_from(&count.name);
                if let Fate::Left(Reason::SyncFunction(_)) = &decision.fate {
                    report.async_callers = callers.of(&site.function, at);
                }
                sites.push(report);
            }
        }
        let no_text = project.no_text.iter();
        let no_text = no_text.map(|(path, error)| FileTrouble::of(path, error, false));
        let no_syntax = project.files.iter().filter_map(|file| {
            let text = &file.source.text;
            let mentions = text.contains("fail_point") || text.contains("_failpoint");
            let error = file.unparsed.as_ref()?;
            Some(FileTrouble::of(&file.source.path, error, mentions))
        });
        let outside = project.outside.iter().map(|path| {
            format!(
                "{} is reached from here, but outside of the given paths: give it as well",
                path.display()
            )
        });
        let manifests = project.packages.iter();
        let manifests = manifests.filter_map(|package| Some(package.trouble.as_ref()?.trim_end()));
        let barren = project.barren.iter().map(|path| {
            let path = path.display();
            format!("there is no Rust source in {path}")
        });
        Report {
            version: 1,
            crates: counts.into_values().collect(),
            sites,
            unparsed: no_text.chain(no_syntax).collect(),
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
            notes: barren
                .chain(outside)
                .chain(manifests.map(str::to_owned))
                .collect(),
        }
    }

    /// How many sites can be rewritten, or were.
    #[must_use]
    pub fn rewritable(&self) -> usize {
        self.crates.iter().map(|count| count.rewritable).sum()
    }
}

impl CrateReport {
    fn of(at: usize, package: Option<&Package>) -> CrateReport {
        let manifest = package.and_then(|package| package.manifest.as_ref());
        CrateReport {
            package: at,
            name: package.map_or_else(String::new, |package| package.name.clone()),
            manifest: manifest.map(|manifest| manifest.display().to_string()),
            sites: 0,
            done: 0,
            rewritable: 0,
            left: 0,
        }
    }

    fn add(&mut self, fate: &Fate) {
        match fate {
            Fate::Unlisted => return,
            Fate::Done => self.done += 1,
            Fate::Rewrite(_) => self.rewritable += 1,
            Fate::Left(_) => self.left += 1,
        }
        self.sites += 1;
    }
}

impl SiteReport {
    fn of(file: &File, site: &Site, decision: &Decision) -> SiteReport {
        let position = file.source.position(site.range.start);
        let (status, reason) = match &decision.fate {
            Fate::Done | Fate::Unlisted => ("done", None),
            Fate::Rewrite(_) => ("rewrite", None),
            Fate::Left(reason) => ("left", Some(reason)),
        };
        SiteReport {
            crate_name: String::new(),
            package: file.package,
            file: file.source.path.display().to_string(),
            line: position.line,
            column: position.column,
            start: site.range.start,
            end: site.range.end,
            name: site.name.clone(),
            macro_path: site.path.join("::"),
            form: site.form,
            function: site.function.to_string(),
            context: site.body,
            status,
            code: reason.map(Reason::code),
            reason: reason.map(ToString::to_string),
            async_callers: Vec::new(),
            note: (status == "rewrite")
                .then(|| note(site, decision))
                .flatten(),
        }
    }
}

impl FileTrouble {
    fn of(path: &Path, error: &Unparsed, mentions_failpoints: bool) -> FileTrouble {
        FileTrouble {
            file: path.display().to_string(),
            line: error.position.line,
            column: error.position.column,
            message: error.message.clone(),
            mentions_failpoints,
        }
    }
}

fn note(site: &Site, decision: &Decision) -> Option<&'static str> {
    if !site.around.is_empty() {
        return Some("the blocking task around it goes: a panic in it ends this task");
    }
    if site.is_tried() {
        return Some("what may not be Send is held across it: the compiler decides");
    }
    match site.kind {
        Kind::Pausable | Kind::SleepMillis if !is_implicit(&decision.resolved) => {
            Some("the macro of neon_failpoint logs only where the point is configured")
        }
        _ => None,
    }
}
