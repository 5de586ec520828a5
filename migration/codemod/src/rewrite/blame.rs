//! Which sites a failed check is about.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::draft::{Draft, Rewriting};
use crate::check::{Complaint, Outcome};
use crate::decide::Refused;
use crate::edit;
use crate::error::Error;
use crate::metadata::Known;
use crate::paths::real;
use crate::project::File;
use crate::reason::Reason;
use crate::source::Source;

/// A check that failed.
#[derive(Debug)]
pub(super) struct Failed {
    /// The packages whose edits it is about.
    pub(super) packages: Vec<usize>,
    /// What was checked.
    pub(super) name: String,
    pub(super) complaints: Vec<Complaint>,
    /// Cargo's words, where it did not get as far as the compiler.
    pub(super) cargo: Option<String>,
    /// The packages that do not build, where the edits are in others.
    dependants: Vec<String>,
}

impl Failed {
    /// `None` where it builds.
    pub(super) fn of(outcome: Outcome, packages: Vec<usize>, name: String) -> Option<Failed> {
        let (complaints, cargo) = match outcome {
            Outcome::Builds => return None,
            Outcome::Errors(complaints) => (complaints, None),
            Outcome::Cargo(words) => (Vec::new(), Some(words)),
        };
        Some(Failed {
            packages,
            name,
            complaints,
            cargo,
            dependants: Vec::new(),
        })
    }

    /// Says that packages were checked that depend on those with edits.
    pub(super) fn blame_dependants(&mut self, members: &[Known]) {
        let broken: BTreeSet<PathBuf> = self.manifests().map(real).collect();
        let names = members
            .iter()
            .filter(|member| broken.contains(&real(&member.manifest)))
            .map(|member| member.name.clone());
        self.dependants = names.collect();
        if self.dependants.is_empty() {
            self.dependants.push(self.name.clone());
        }
    }

    pub(super) fn in_dependants(&self) -> bool {
        !self.dependants.is_empty()
    }

    /// The manifests of the packages that do not build, as far as the compiler got.
    pub(super) fn manifests(&self) -> impl Iterator<Item = &Path> {
        self.complaints
            .iter()
            .map(|complaint| complaint.manifest.as_path())
    }

    /// Why a site goes back: the complaint, and whose it is.
    fn reason(&self, message: &str) -> String {
        match self.dependants.as_slice() {
            [] => message.to_owned(),
            names => format!("{message} (in {}, which depends on it)", names.join(", ")),
        }
    }

    /// Cargo did not get as far as the compiler, which alone can refuse an edit.
    pub(super) fn cannot_check(&self) -> Error {
        Error::new(format!(
            "Cargo cannot check {}, so nothing was changed; let `cargo check --all-targets` work \
             there, choose `--features`, or give `--no-check`:\n{}",
            self.name,
            self.words()
        ))
    }

    pub(super) fn words(&self) -> String {
        if let Some(cargo) = &self.cargo {
            return cargo.clone();
        }
        let lines = self.complaints.iter().map(|complaint| {
            let place = complaint
                .places
                .first()
                .map(|(path, line, _)| format!("{}:{line}: ", path.display()));
            format!("{}{}", place.unwrap_or_default(), complaint.message)
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

impl Rewriting<'_> {
    /// The sites that a failure names; the file's or the package's where it names none.
    pub(super) fn blame(&self, draft: &Draft, failed: &Failed) -> Refused {
        let mut refused = BTreeMap::new();
        for complaint in &failed.complaints {
            for site in self.named(draft, complaint) {
                let reason = || failed.reason(&complaint.message);
                refused.entry(site).or_insert_with(reason);
            }
        }
        if refused.is_empty() {
            let first = failed.complaints.first();
            let words = first.map_or_else(String::new, |first| failed.reason(&first.message));
            let of_package = |file: &File| {
                let mut packages = std::iter::once(&file.package).chain(&file.also);
                packages.any(|package| failed.packages.contains(package))
            };
            for site in &draft.plan.sites {
                if self.project.files.get(site.0).is_some_and(of_package) {
                    refused.insert(*site, words.clone());
                }
            }
        }
        if refused.is_empty() {
            for site in &draft.plan.sites {
                refused.insert(*site, format!("{} does not build with it", failed.name));
            }
        }
        let refused = refused.into_iter();
        refused
            .map(|(site, words)| (site, Reason::Compiler(words)))
            .collect()
    }

    /// The sites in whose lines the complaint has a place; else those in the lines that it
    /// names, a function's, say; else those of the files.
    pub(super) fn named(&self, draft: &Draft, complaint: &Complaint) -> Vec<(usize, usize)> {
        let mut places: BTreeMap<PathBuf, Vec<(usize, usize)>> = BTreeMap::new();
        for (path, from, to) in &complaint.places {
            places.entry(real(path)).or_default().push((*from, *to));
        }
        let (mut within, mut around, mut in_file) = (Vec::new(), Vec::new(), Vec::new());
        for (at, file) in self.project.files.iter().enumerate() {
            let path = &file.source.path;
            let change = draft.changes.iter().find(|change| change.path == *path);
            let Some(change) = change else { continue };
            let Some(places) = places.get(&real(path)) else {
                continue;
            };
            let edits = draft.plan.edits.get(&at).map_or(&[][..], Vec::as_slice);
            let now = Source::new(path, change.after.clone());
            for key in draft.plan.sites.iter().filter(|(file, _)| *file == at) {
                let Some(site) = file.facts.sites.get(key.1) else {
                    continue;
                };
                let first = now.position(moved(edits, site.range.start)).line;
                let last = now.position(moved(edits, site.range.end)).line;
                in_file.push(*key);
                let mut places = places.iter();
                if places
                    .clone()
                    .any(|(from, to)| *from >= first && *to <= last)
                {
                    within.push(*key);
                }
                if places.any(|(from, to)| *from <= first && *to >= last) {
                    around.push(*key);
                }
            }
        }
        let mut found = [within, around, in_file].into_iter();
        found.find(|sites| !sites.is_empty()).unwrap_or_default()
    }
}

/// Where a byte of the old text is in the new one.
pub(super) fn moved(edits: &[edit::Edit], at: usize) -> usize {
    let mut seen: Vec<&edit::Edit> = Vec::new();
    let mut there = at;
    for edit in edits {
        if edit.range.end <= at && !edit.range.is_empty() && !seen.contains(&edit) {
            there = (there + edit.text.len()).saturating_sub(edit.range.len());
            seen.push(edit);
        }
    }
    there
}
