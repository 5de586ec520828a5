//! What is checked after the edits: the packages that they touch, and those that depend on them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::blame::Failed;
use super::draft::{Draft, Rewriting};
use crate::cargo::Step;
use crate::check::{self, Features};
use crate::dependants::Dependants;
use crate::error::Error;
use crate::files;
use crate::metadata::Known;
use crate::package::Package;
use crate::paths::real;

/// The packages that are to build.
#[derive(Debug)]
pub(super) struct Checks {
    /// Those with edits.
    touched: Vec<usize>,
    /// By workspace: those with edits, and the members that depend on them.
    dependants: Vec<(Vec<usize>, Dependants)>,
    /// Whether the ones with edits are known to have built without them; and the others.
    built: (bool, bool),
    /// What is not checked, and why.
    pub(super) notes: Vec<String>,
}

impl Rewriting<'_> {
    /// The packages with edits.
    pub(super) fn touched(&self, draft: &Draft) -> BTreeSet<usize> {
        let files = draft.plan.edits.keys();
        let files = files.filter_map(|file| self.project.files.get(*file));
        files
            .flat_map(|file| std::iter::once(file.package).chain(file.also.iter().copied()))
            .collect()
    }

    pub(super) fn checks(&self, draft: &Draft) -> Result<Checks, Error> {
        let touched = self.touched(draft);
        let mut workspaces: BTreeMap<&Path, Vec<usize>> = BTreeMap::new();
        for at in &touched {
            let package = self.project.packages.get(*at);
            if let Some(root) = package.and_then(|package| package.workspace.as_deref()) {
                workspaces.entry(root).or_default().push(*at);
            }
        }
        let mut checks = Checks {
            touched: touched.into_iter().collect(),
            dependants: Vec::new(),
            built: (false, false),
            notes: Vec::new(),
        };
        for (root, packages) in workspaces {
            let manifests: Vec<&Path> = packages
                .iter()
                .filter_map(|at| self.project.packages.get(*at)?.manifest.as_deref())
                .collect();
            match Dependants::of(root, &manifests)? {
                Ok(found) if found.members.is_empty() => {}
                Ok(found) => checks.dependants.push((packages, found)),
                Err(words) => checks.notes.push(format!(
                    "packages that depend on the rewritten ones are not checked: {words}"
                )),
            }
        }
        Ok(checks)
    }

    /// The first failure: of the packages with edits, then of those that depend on them.
    pub(super) fn check(
        &self,
        checks: &Checks,
        features: &Features,
    ) -> Result<Option<Failed>, Error> {
        match self.check_touched(checks, features)? {
            Some(failed) => Ok(Some(failed)),
            None => self.check_dependants(checks, features),
        }
    }

    pub(super) fn check_touched(
        &self,
        checks: &Checks,
        features: &Features,
    ) -> Result<Option<Failed>, Error> {
        for at in &checks.touched {
            let Some(package) = self.now(*at) else {
                continue;
            };
            (self.tell)(Step::Checking(&package.name));
            let outcome = check::check(&package, features, self.tell)?;
            if let Some(failed) = Failed::of(outcome, vec![*at], package.name) {
                return Ok(Some(failed));
            }
        }
        Ok(None)
    }

    fn check_dependants(
        &self,
        checks: &Checks,
        features: &Features,
    ) -> Result<Option<Failed>, Error> {
        for (touched, found) in &checks.dependants {
            let names: Vec<&str> = found.members.iter().map(|m| m.name.as_str()).collect();
            let names = names.join(", ");
            (self.tell)(Step::Checking(&format!("what depends on it: {names}")));
            let selected = found.packages.iter().chain(&found.members);
            let ids: Vec<&str> = selected.map(|package| package.id.as_str()).collect();
            let packages: Vec<Package> = touched.iter().filter_map(|at| self.now(*at)).collect();
            let outcome = check::check_all(&ids, &packages, features, self.tell)?;
            if let Some(mut failed) = Failed::of(outcome, touched.clone(), names) {
                failed.blame_dependants(&found.members);
                return Ok(Some(failed));
            }
        }
        Ok(None)
    }

    /// Whether one of the packages that do not build has edits, or depends on one that has.
    /// Where not, the edits bring in what does not build.
    pub(super) fn is_about_ours(&self, checks: &Checks, failed: &Failed) -> bool {
        let touched = checks.touched.iter();
        let touched = touched.filter_map(|at| self.project.packages.get(*at)?.manifest.as_deref());
        let dependants = checks
            .dependants
            .iter()
            .flat_map(|(_, found)| &found.members);
        let ours: BTreeSet<PathBuf> = touched
            .chain(dependants.map(|member| member.manifest.as_path()))
            .map(real)
            .collect();
        let mut broken = failed.manifests();
        broken.any(|manifest| ours.contains(&real(manifest)))
    }

    /// A package as its manifest is now.
    fn now(&self, at: usize) -> Option<Package> {
        let package = self.project.packages.get(at)?;
        let now = package.manifest.as_deref().and_then(Package::read);
        Some(now.unwrap_or_else(|| package.clone()))
    }

    /// Looks whether what failed had built before the edits. A package with edits must have;
    /// of the others, those that had not are not checked any more: `false`, so check again.
    pub(super) fn did_build(
        &self,
        draft: &Draft,
        checks: &mut Checks,
        failed: &Failed,
        features: &Features,
    ) -> Result<bool, Error> {
        let known = if failed.in_dependants() {
            &mut checks.built.1
        } else {
            &mut checks.built.0
        };
        if std::mem::replace(known, true) {
            return Ok(true);
        }
        files::turn(&draft.changes, &[])?;
        let mut all = true;
        if failed.in_dependants() {
            while let Some(before) = self.check_dependants(checks, features)? {
                checks.drop(&before);
                all = false;
            }
        } else if let Some(before) = self.check_touched(checks, features)? {
            return Err(Error::new(format!(
                "the package {} does not build as it is, so nothing was changed; \
                 make it build, choose `--features`, or give `--no-check`:\n{}",
                before.name,
                before.words()
            )));
        }
        files::write(&draft.changes)?;
        Ok(all)
    }
}

impl Checks {
    /// Takes the members that did not build out; all of a workspace, where Cargo names none.
    fn drop(&mut self, failed: &Failed) {
        let broken: BTreeSet<PathBuf> = failed.manifests().map(real).collect();
        for (touched, found) in &mut self.dependants {
            if *touched != failed.packages {
                continue;
            }
            let (gone, kept): (Vec<Known>, Vec<Known>) = std::mem::take(&mut found.members)
                .into_iter()
                .partition(|member| broken.contains(&real(&member.manifest)));
            // Without one that goes, the same would fail again.
            let (gone, kept) = if gone.is_empty() {
                (kept, gone)
            } else {
                (gone, kept)
            };
            found.members = kept;
            for member in gone {
                self.notes.push(format!(
                    "{} depends on what was rewritten, but does not build as it is: not checked",
                    member.name
                ));
            }
        }
        self.dependants
            .retain(|(_, found)| !found.members.is_empty());
    }
}
