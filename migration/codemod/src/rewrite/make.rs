//! The way of a rewrite: write, check, put back what is refused, until the rest builds.

use super::checks::Checks;
use super::draft::{Draft, Rewriting};
use super::locks::Locks;
use crate::check::Features;
use crate::decide::{Decision, Fate};
use crate::error::Error;
use crate::files;
use crate::reason::Reason;

impl Rewriting<'_> {
    /// Writes the draft, and puts back what does not build, until the rest does.
    ///
    /// # Errors
    ///
    /// Where a file cannot be written, Cargo cannot be run, or the tree did not build
    /// before: all files are as they were then.
    pub fn make(&mut self, draft: Draft, features: Option<&Features>) -> Result<Draft, Error> {
        files::write(&draft.changes)?;
        let Some(features) = features else {
            return Ok(draft);
        };
        let checks = match self.checks(&draft) {
            Ok(checks) => checks,
            Err(error) => {
                files::turn(&draft.changes, &[])?;
                return Err(error);
            }
        };
        let locks = Locks::of(self.project, &checks.touched);
        let result = self.make_it_build(draft, checks, features);
        if !matches!(&result, Ok(draft) if !draft.changes.is_empty()) {
            locks.put_back()?;
        }
        result
    }

    fn make_it_build(
        &mut self,
        mut draft: Draft,
        mut checks: Checks,
        features: &Features,
    ) -> Result<Draft, Error> {
        loop {
            let step = self.next_draft(&draft, &mut checks, features);
            match step {
                Ok(None) => {
                    draft.advice.append(&mut checks.notes);
                    draft.advice.extend(put_back(&draft.decisions));
                    return Ok(draft);
                }
                Ok(Some(next)) => {
                    files::turn(&draft.changes, &next.changes)?;
                    draft = next;
                }
                Err(error) => {
                    files::turn(&draft.changes, &[])?;
                    return Err(error);
                }
            }
        }
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
                return Ok(None);
            };
            if self.did_build(draft, checks, &failed, features)? {
                break failed;
            }
        };
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
