//! The way of a rewrite: write, check, put back what is refused, until the rest builds.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::checks::Checks;
use super::draft::{Draft, Rewriting};
use super::locks::Locks;
use crate::check::Features;
use crate::decide::{Decision, Fate};
use crate::error::Error;
use crate::files;
use crate::lockfile::{self, Unresolved};
use crate::package::Package;
use crate::reason::Reason;

impl Rewriting<'_> {
    /// Writes the draft, and puts back what does not build, until the rest does. Without
    /// features nothing is built: Cargo only has to resolve what manifests ask for now.
    ///
    /// # Errors
    ///
    /// Where a file cannot be written, Cargo cannot be run or do its own part, or the tree did
    /// not build before: all files are as they were then.
    pub fn make(&mut self, mut draft: Draft, features: Option<&Features>) -> Result<Draft, Error> {
        let locks = Locks::of(self.project, &self.touched(&draft));
        files::write(&draft.changes)?;
        let result = match self.resolve(&draft, &locks, features.is_none()) {
            Ok(note) => {
                draft.advice.extend(note);
                features.map_or(Ok(()), |features| self.make_it_build(&mut draft, features))
            }
            Err(error) => Err(error),
        };
        if result.is_err() {
            files::turn(&draft.changes, &[])?;
        }
        if result.is_err() || draft.changes.is_empty() || features.is_none() {
            locks.put_back()?;
        }
        result.map(|()| draft)
    }

    /// Looks whether Cargo finds a version for all that the edited manifests ask for. Where it
    /// found none before either, the edits are not to blame: the check tells, or the note.
    fn resolve(
        &self,
        draft: &Draft,
        locks: &Locks,
        unchecked: bool,
    ) -> Result<Option<String>, Error> {
        let edited = |package: &&Package| {
            let mut changes = draft.changes.iter();
            changes.any(|change| package.manifest.as_ref() == Some(&change.path))
        };
        let packages = self.project.packages.iter().filter(edited);
        let roots: BTreeSet<&PathBuf> = packages.filter_map(|p| p.workspace.as_ref()).collect();
        for root in roots {
            let found = match lockfile::unresolved(root, self.tell) {
                Ok(None) => continue,
                Ok(Some(found)) => found,
                Err(error) if unchecked => return Ok(Some(format!("{}: {error}", root.display()))),
                Err(error) => return Err(error),
            };
            files::turn(&draft.changes, &[])?;
            locks.put_back()?;
            let before = lockfile::unresolved(root, self.tell)?;
            files::write(&draft.changes)?;
            match before {
                None => return Err(cannot_resolve(root, &found)),
                Some(before) if unchecked => {
                    let words = before.words.lines().next().unwrap_or_default();
                    return Ok(Some(format!(
                        "{}: Cargo does not resolve it, and did not before: {words}",
                        root.display()
                    )));
                }
                Some(_) => {}
            }
        }
        Ok(None)
    }

    fn make_it_build(&mut self, draft: &mut Draft, features: &Features) -> Result<(), Error> {
        let mut checks = self.checks(draft)?;
        while let Some(next) = self.next_draft(draft, &mut checks, features)? {
            files::turn(&draft.changes, &next.changes)?;
            *draft = next;
        }
        draft.advice.append(&mut checks.notes);
        draft.advice.extend(put_back(&draft.decisions));
        Ok(())
    }

    /// What is left of a draft after the compiler has spoken; `None` where it builds.
    fn next_draft(
        &mut self,
        draft: &Draft,
        checks: &mut Checks,
        features: &Features,
    ) -> Result<Option<Draft>, Error> {
        let failed = loop {
            let Some(failed) = self.check(checks, features)? else {
                return self.next_of_the_tried(draft, checks, features);
            };
            // Of what depends on the edits, some may not have come so far before either.
            let by_cargo = failed.cargo.is_some();
            if by_cargo && !failed.in_dependants() {
                return Err(failed.cannot_check());
            }
            if self.did_build(draft, checks, &failed, features)? {
                if by_cargo {
                    return Err(failed.cannot_check());
                }
                break failed;
            }
        };
        if !self.is_about_ours(checks, &failed) {
            return Err(Error::new(format!(
                "what the edits bring into the build of {} does not compile, so nothing was \
                 changed:\n{}",
                failed.name,
                failed.words()
            )));
        }
        let refused = self.blame(draft, &failed);
        if refused.is_empty() {
            return Err(Error::new(format!(
                "the tree built before, but does not with nothing left of the edits:\n{}",
                failed.words()
            )));
        }
        self.refused.extend(refused);
        self.draft().map(Some)
    }
}

/// Cargo has no versions for what the edited manifests ask for, and had some before.
fn cannot_resolve(root: &Path, found: &Unresolved) -> Error {
    let mend = match found.held.as_slice() {
        [] => String::new(),
        held => format!(
            "; Cargo.lock holds versions that are too old, which this mends:\n\n    cargo update -p {}\n",
            held.join(" -p ")
        ),
    };
    Error::new(format!(
        "Cargo cannot resolve {} with the edits, so nothing was changed{mend}\n{}",
        root.display(),
        found.words
    ))
}

/// What `--check` does with the sites that the compiler refused.
fn put_back(decisions: &[Vec<Decision>]) -> Option<String> {
    let refused = decisions
        .iter()
        .flatten()
        .filter(|decision| matches!(decision.fate, Fate::Left(Reason::Compiler(_))));
    let (which, them) = match refused.count() {
        0 => return None,
        1 => ("1 failpoint was".to_owned(), "it"),
        several => (format!("{several} failpoints were"), "them"),
    };
    Some(format!(
        "{which} put back: `--check`, which runs no compiler, still counts {them}, unless the \
         code changes or `// failpoint-migrate: keep` stands above"
    ))
}
