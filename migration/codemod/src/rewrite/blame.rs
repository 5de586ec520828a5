//! Which sites a failed check is about.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{Draft, Rewriting};
use crate::check::Complaint;
use crate::edit;
use crate::source::Source;
use crate::tree::real;

#[derive(Debug)]
pub(super) struct Failed {
    pub(super) package: usize,
    pub(super) name: String,
    pub(super) complaints: Vec<Complaint>,
    pub(super) cargo: String,
}

impl Failed {
    /// Cargo's own words, which say what is wrong at their end; the compiler's first ones.
    fn on_one_line(&self) -> String {
        if let Some(complaint) = self.complaints.first() {
            return complaint.message.clone();
        }
        let mut words = self.cargo.split_whitespace().collect::<Vec<_>>().join(" ");
        if words.contains("`fail`") && words.contains("`async`") {
            words.push_str(" (is the package that stands in for `fail` in place?)");
        }
        words
    }

    pub(super) fn words(&self) -> String {
        if self.complaints.is_empty() {
            return self.cargo.clone();
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
    pub(super) fn blame(&self, draft: &Draft, failed: &Failed) -> Vec<((usize, usize), String)> {
        let mut refused = BTreeMap::new();
        for complaint in &failed.complaints {
            let named = self.named(draft, complaint);
            for site in named {
                refused
                    .entry(site)
                    .or_insert_with(|| complaint.message.clone());
            }
        }
        if refused.is_empty() {
            let words = failed.on_one_line();
            for site in &draft.plan.sites {
                let file = self.project.files.get(site.0);
                let same = file.is_some_and(|file| {
                    file.package == failed.package || file.also.contains(&failed.package)
                });
                if same {
                    refused.insert(*site, words.clone());
                }
            }
        }
        if refused.is_empty() {
            for site in &draft.plan.sites {
                refused.insert(*site, format!("{} does not build with it", failed.name));
            }
        }
        refused.into_iter().collect()
    }

    /// The sites in whose lines the complaint has a place; else those of the files it names.
    fn named(&self, draft: &Draft, complaint: &Complaint) -> Vec<(usize, usize)> {
        let mut places: BTreeMap<PathBuf, Vec<(usize, usize)>> = BTreeMap::new();
        for (path, from, to) in &complaint.places {
            places.entry(real(path)).or_default().push((*from, *to));
        }
        let mut within = Vec::new();
        let mut in_file = Vec::new();
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
                if places
                    .iter()
                    .any(|(from, to)| *from >= first && *to <= last)
                {
                    within.push(*key);
                }
            }
        }
        if within.is_empty() { in_file } else { within }
    }
}

/// Where a byte of the old text is in the new one.
fn moved(edits: &[edit::Edit], at: usize) -> usize {
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
