//! Sites that are tried: what is held across them may not be Send, and the compiler knows.
//!
//! Their futures are asserted to be Send while the tree is checked, where they are Send without
//! the edits, so that none of them ceases to be it. The assertions never stay.

use std::collections::{BTreeMap, BTreeSet};

use super::blame::{Failed, moved};
use super::checks::Checks;
use super::draft::{Draft, Rewriting};
use crate::check::{Complaint, Features};
use crate::decide::{NotSend, Refused};
use crate::edit::{self, Edit};
use crate::error::Error;
use crate::files::{self, Change};
use crate::paths::real;
use crate::plan::Plan;
use crate::reason::Reason;
use crate::source::Source;

/// A file, and a future or a site in it.
type Key = (usize, usize);

impl Rewriting<'_> {
    /// What is left of a draft that builds, where the compiler refuses a future that was Send;
    /// `None` where nothing has to go.
    pub(super) fn next_of_the_tried(
        &mut self,
        draft: &Draft,
        checks: &Checks,
        features: &Features,
    ) -> Result<Option<Draft>, Error> {
        loop {
            let tried = self.tried(draft);
            if tried.is_empty() {
                return Ok(None);
            }
            let keys: BTreeSet<Key> = tried.keys().copied().collect();
            let edited = self.asserting(&draft.plan.edits, &keys);
            let Some(failed) = self.checked(draft, &edited, checks, features)? else {
                self.settled.extend(keys);
                return Ok(None);
            };
            let failing = self.futures_of(&edited, &failed, &keys);
            let today = self.asserting(&BTreeMap::new(), &failing);
            let before = match failing.is_empty() {
                true => None,
                false => self.checked(draft, &today, checks, features)?,
            };
            let never = before.map_or_else(BTreeSet::new, |before| {
                self.futures_of(&today, &before, &failing)
            });
            let refused = self.lost(&edited, &failed, &tried, &never);
            if refused.is_empty() && never.is_empty() {
                // The complaint is about something else: no assertion can be made.
                self.settled.extend(keys);
            }
            self.settled.extend(never);
            if !refused.is_empty() {
                self.refused.extend(refused);
                return self.draft().map(Some);
            }
        }
    }

    /// The futures that are to be asserted, each with its sites that are tried.
    fn tried(&self, draft: &Draft) -> BTreeMap<Key, Vec<Key>> {
        let mut found: BTreeMap<Key, Vec<Key>> = BTreeMap::new();
        if self.wishes.not_send != NotSend::Tried {
            return found;
        }
        for key in &draft.plan.sites {
            let file = self.project.files.get(key.0);
            let site = file.and_then(|file| file.facts.sites.get(key.1));
            let future = site.filter(|site| site.is_tried()).and_then(|s| s.future);
            if let Some(future) = future.map(|future| (key.0, future)) {
                if !self.settled.contains(&future) {
                    found.entry(future).or_default().push(*key);
                }
            }
        }
        found
    }

    /// Files with those edits, and the assertions about those futures.
    fn asserting(&self, edits: &BTreeMap<usize, Vec<Edit>>, futures: &BTreeSet<Key>) -> Draft {
        let mut edits = edits.clone();
        for (file, future) in futures {
            let found = self.project.files.get(*file);
            let future = found.and_then(|file| file.facts.futures.get(*future));
            let asserted = future.into_iter().flat_map(|future| &future.asserted);
            edits.entry(*file).or_default().extend(asserted.cloned());
        }
        let changes = edits.iter().filter_map(|(file, edits)| {
            let source = &self.project.files.get(*file)?.source;
            Some(Change {
                path: source.path.clone(),
                before: source.text.clone(),
                after: edit::apply(&source.text, edits).ok()?,
            })
        });
        Draft {
            decisions: Vec::new(),
            changes: changes.collect(),
            advice: Vec::new(),
            plan: Plan {
                sites: self.sites_of(futures),
                edits,
                ..Plan::default()
            },
        }
    }

    /// The sites that are tried in those futures.
    fn sites_of(&self, futures: &BTreeSet<Key>) -> Vec<Key> {
        let files = self.project.files.iter().enumerate();
        files
            .flat_map(|(at, file)| {
                let sites = file.facts.sites.iter().enumerate();
                sites.filter_map(move |(number, site)| {
                    let in_one = futures.contains(&(at, site.future?));
                    (in_one && site.is_tried()).then_some((at, number))
                })
            })
            .collect()
    }

    /// What the compiler says of the files with assertions. They are as before then.
    fn checked(
        &self,
        draft: &Draft,
        asserting: &Draft,
        checks: &Checks,
        features: &Features,
    ) -> Result<Option<Failed>, Error> {
        // Manifests stay as they are to be.
        let mut changes = asserting.changes.clone();
        let others = draft.changes.iter();
        changes.extend(
            others
                .filter(|change| changes.iter().all(|other| other.path != change.path))
                .cloned()
                .collect::<Vec<_>>(),
        );
        files::turn(&draft.changes, &changes)?;
        let result = self.check_touched(checks, features);
        files::turn(&changes, &draft.changes)?;
        match result? {
            Some(failed) if failed.cargo.is_some() => Err(failed.cannot_check()),
            other => Ok(other),
        }
    }

    /// The futures that a failure is about.
    fn futures_of(&self, draft: &Draft, failed: &Failed, futures: &BTreeSet<Key>) -> BTreeSet<Key> {
        let complaints = failed.complaints.iter();
        complaints
            .filter_map(|complaint| self.future_of(draft, complaint, futures))
            .collect()
    }

    /// The innermost future in which a complaint is.
    fn future_of(
        &self,
        draft: &Draft,
        complaint: &Complaint,
        futures: &BTreeSet<Key>,
    ) -> Option<Key> {
        let around = futures.iter().filter_map(|key| {
            let file = self.project.files.get(key.0)?;
            let range = &file.facts.futures.get(key.1)?.range;
            let mut changes = draft.changes.iter();
            let change = changes.find(|change| change.path == file.source.path)?;
            let edits = draft.plan.edits.get(&key.0).map_or(&[][..], Vec::as_slice);
            let now = Source::new(&file.source.path, change.after.clone());
            let line = |at| now.position(moved(edits, at)).line;
            let lines = line(range.start)..=line(range.end);
            let path = real(&file.source.path);
            let mut places = complaint.at.iter();
            let holds = places.any(|(at, from, _)| lines.contains(from) && real(at) == path);
            holds.then_some((range.len(), *key))
        });
        around.min().map(|(_, key)| key)
    }

    /// The sites that make a future lose what it had; and of those that never had it, the ones
    /// that hold a lock: while they wait, others on the same thread run into it.
    fn lost(
        &self,
        draft: &Draft,
        failed: &Failed,
        tried: &BTreeMap<Key, Vec<Key>>,
        never: &BTreeSet<Key>,
    ) -> Refused {
        let keys: BTreeSet<Key> = tried.keys().copied().collect();
        let mut refused = Refused::new();
        let mut others = Refused::new();
        for complaint in &failed.complaints {
            let Some(future) = self.future_of(draft, complaint, &keys) else {
                continue;
            };
            let mut all = tried.get(&future).cloned().unwrap_or_default();
            if never.contains(&future) {
                // It has reasons of its own; one that names what is held there is new.
                all.retain(|site| self.is_about_held(*site, complaint));
            }
            let named = self.named(draft, complaint);
            let own: Vec<Key> = all.iter().filter(|s| named.contains(s)).copied().collect();
            let reason = Reason::Compiler(complaint.message.clone());
            // A future in it may be the cause.
            let into = if own.is_empty() {
                &mut others
            } else {
                &mut refused
            };
            for site in if own.is_empty() { all } else { own } {
                into.entry(site).or_insert_with(|| reason.clone());
            }
        }
        if refused.is_empty() {
            refused = others;
        }
        for key in never
            .iter()
            .filter_map(|future| tried.get(future))
            .flatten()
        {
            let obstacle = self.obstacle(*key);
            if let Some(reason) = obstacle.filter(|reason| reason.is_lock()) {
                refused.insert(*key, reason.clone());
            }
        }
        refused
    }

    /// Whether a complaint names the value for which a site is tried.
    fn is_about_held(&self, site: Key, complaint: &Complaint) -> bool {
        matches!(self.obstacle(site), Some(Reason::Held { binding, .. })
            if complaint.message.contains(&format!(": `{binding}` has type ")))
    }

    fn obstacle(&self, (file, site): Key) -> Option<&Reason> {
        let file = self.project.files.get(file)?;
        file.facts.sites.get(site)?.obstacle.as_ref()
    }
}
