//! Async functions that call a sync one, by name: the ones to begin with.

use std::collections::{HashMap, HashSet};

use crate::facts::{Call, Function};
use crate::project::{File, Project};

/// How many callers a report names.
const CALLERS: usize = 5;

/// Calls from async code, by the name of what they call.
#[derive(Debug)]
pub(crate) struct Callers<'p> {
    project: &'p Project,
    calls: HashMap<&'p str, Vec<(&'p File, &'p Call)>>,
}

impl<'p> Callers<'p> {
    /// Looks for calls of the functions that failpoints stand in.
    pub(crate) fn of_project(project: &'p Project) -> Self {
        let sites = project.files.iter().flat_map(|file| &file.facts.sites);
        let wanted: HashSet<&str> = sites.map(|site| site.function.name.as_str()).collect();
        let mut calls: HashMap<&str, Vec<(&File, &Call)>> = HashMap::new();
        for file in &project.files {
            for call in &file.facts.calls {
                if wanted.contains(call.name.as_str()) {
                    calls.entry(&call.name).or_default().push((file, call));
                }
            }
        }
        Callers { project, calls }
    }

    /// The first few that may call a function of a package, each function once.
    pub(crate) fn of(&self, function: &Function, package: usize) -> Vec<String> {
        let mut seen = HashSet::new();
        let calls = self.calls.get(function.name.as_str());
        calls
            .into_iter()
            .flatten()
            .filter(|(file, call)| call.callee.may_be(function) && self.sees(file.package, package))
            .filter(|(file, call)| seen.insert((&call.caller, &file.source.path)))
            .take(CALLERS)
            .map(|(file, call)| {
                let line = file.source.position(call.at).line;
                format!("{} ({}:{line})", call.caller, file.source.path.display())
            })
            .collect()
    }

    /// Whether a package can call what is in another one.
    fn sees(&self, from: usize, to: usize) -> bool {
        let (from_package, to_package) = (
            self.project.packages.get(from),
            self.project.packages.get(to),
        );
        from == to
            || to_package.is_some_and(|to| {
                let name = to.name.replace('-', "_");
                from_package.is_some_and(|from| from.others.contains(&name))
            })
    }
}
