//! What a rewrite would do to the files of a project, given what the compiler refused.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use crate::cargo::Tell;
use crate::decide::{self, Decision, Refused, Wishes};
use crate::edit;
use crate::error::Error;
use crate::files::Change;
use crate::manifest::Manifests;
use crate::plan::Plan;
use crate::project::Project;
use crate::reason::Reason;
use crate::resolve::Resolver;
use crate::shim;
use crate::source::Source;

/// A rewrite of a project, not yet made.
#[derive(Debug)]
pub struct Rewriting<'p> {
    pub(super) project: &'p Project,
    pub(super) wishes: &'p Wishes,
    manifests: bool,
    /// The manifests as they were at first.
    texts: BTreeMap<PathBuf, Result<String, String>>,
    /// What the compiler refused.
    pub refused: Refused,
    /// Futures that need not be asked about again: file and position.
    pub(super) settled: BTreeSet<(usize, usize)>,
    /// Told what takes long.
    pub tell: Tell,
}

/// What a rewrite does to files.
#[derive(Debug)]
pub struct Draft {
    /// What becomes of each site.
    pub decisions: Vec<Vec<Decision>>,
    /// The edits.
    pub plan: Plan,
    /// The files, manifests last.
    pub changes: Vec<Change>,
    /// What manifests need that was not, or cannot be, added.
    pub advice: Vec<String>,
}

impl<'p> Rewriting<'p> {
    /// `manifests`: whether Cargo.toml is edited as well.
    #[must_use]
    pub fn new(project: &'p Project, wishes: &'p Wishes, manifests: bool) -> Self {
        Rewriting {
            project,
            wishes,
            manifests,
            texts: BTreeMap::new(),
            refused: Refused::new(),
            settled: BTreeSet::new(),
            tell: |_| (),
        }
    }

    /// What the rewrite would do now.
    ///
    /// # Errors
    ///
    /// Where edits contradict each other, which is a mistake of this program.
    pub fn draft(&mut self) -> Result<Draft, Error> {
        loop {
            let draft = self.draft_once()?;
            let broken = self.broken(&draft);
            if broken.is_empty() {
                return Ok(draft);
            }
            for site in broken {
                let words = "the edited file would not parse".to_owned();
                self.refused.insert(site, Reason::Compiler(words));
            }
        }
    }

    fn draft_once(&mut self) -> Result<Draft, Error> {
        let resolver = Resolver::new(self.project);
        let decisions = decide::decide(self.project, &resolver, self.wishes, &self.refused);
        let plan = Plan::of(self.project, &resolver, self.wishes, &decisions);
        let mut changes = Vec::new();
        for (file, edits) in &plan.edits {
            let Some(file) = self.project.files.get(*file) else {
                continue;
            };
            let source = &file.source;
            let after = edit::apply(&source.text, edits).map_err(|misfit| {
                let place = source.position(misfit.edit.range.start);
                Error::new(format!(
                    "{}:{}:{}: {misfit}; this is a mistake of failpoint-migrate, nothing was changed",
                    source.path.display(),
                    place.line,
                    place.column
                ))
            })?;
            if after != source.text {
                changes.push(Change {
                    path: source.path.clone(),
                    before: source.text.clone(),
                    after,
                });
            }
        }
        let mut advice = Vec::new();
        let mut manifests = Manifests::new(&mut self.texts);
        for (package, needs) in &plan.needs {
            let Some(package) = self.project.packages.get(*package) else {
                continue;
            };
            if let Err(trouble) = manifests.edit(package, needs) {
                advice.push(match needs.native.is_empty() {
                    false => format!("{trouble}; add `neon_failpoint` to the package by hand"),
                    true => format!("{trouble}; add `fail` with the feature `async` by hand"),
                });
            }
        }
        for edit in manifests.edits() {
            if self.manifests {
                changes.push(Change {
                    path: edit.path,
                    before: edit.before,
                    after: edit.after,
                });
            } else {
                advice.push(format!(
                    "{}: add {}",
                    edit.path.display(),
                    edit.added.join(", and ")
                ));
            }
        }
        Ok(Draft {
            decisions,
            plan,
            changes,
            advice,
        })
    }

    /// Where the package that stands in for `fail` is not in place, in words.
    #[must_use]
    pub fn unswapped(&self, draft: &Draft) -> Vec<String> {
        let packages = draft.plan.needs.keys();
        shim::unswapped(packages.filter_map(|at| self.project.packages.get(*at)))
    }

    /// Sites of files that would not parse any more.
    fn broken(&self, draft: &Draft) -> Vec<(usize, usize)> {
        let changes = draft.changes.iter();
        let after: HashMap<&Path, &str> = changes
            .map(|change| (change.path.as_path(), change.after.as_str()))
            .collect();
        let parses = |at: &usize| {
            let file = self.project.files.get(*at);
            let file = file.filter(|file| file.unparsed.is_none());
            let text = file.and_then(|file| after.get(file.source.path.as_path()));
            text.is_none_or(|text| {
                let source = Source::new(Path::new(""), (*text).to_owned());
                let tokens = source.tokens();
                tokens.and_then(|tokens| source.parse(tokens)).is_ok()
            })
        };
        let edited = draft.plan.edits.keys().copied();
        let broken: BTreeSet<usize> = edited.filter(|at| !parses(at)).collect();
        let sites = draft.plan.sites.iter();
        sites
            .filter(|(file, _)| broken.contains(file))
            .copied()
            .collect()
    }
}
