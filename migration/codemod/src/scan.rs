//! What a scan reports: every site, what can become of it, and what can be said of the project.

use crate::decide::{self, Refused, Wishes};
use crate::farewell;
use crate::project::Project;
use crate::report::Report;
use crate::resolve::Resolver;
use crate::wrappers;

/// Decides on every site of `project`, and changes nothing.
#[must_use]
pub fn scan(project: &Project, wishes: &Wishes) -> Report {
    let resolver = Resolver::new(project);
    let decisions = decide::decide(project, &resolver, wishes, &Refused::new());
    let mut report = Report::of(project, &decisions);
    let notes = wrappers::notes(project, wishes, &decisions, false);
    report.notes.extend(notes);
    let notes = farewell::notes(project, &decisions, &[]);
    report.notes.extend(notes);
    report
}
