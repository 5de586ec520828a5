//! Async functions that call a sync one, as far as syntax tells: the ones to begin with.

use std::collections::{HashMap, HashSet};

use crate::facts::{Call, Callee, Function};
use crate::project::{File, Project};

/// How many callers a report names.
const CALLERS: usize = 5;

/// Calls from async code, by the name of what they call.
#[derive(Debug)]
pub(crate) struct Callers<'p> {
    project: &'p Project,
    calls: HashMap<&'p str, Vec<(usize, &'p File, &'p Call)>>,
}

impl<'p> Callers<'p> {
    /// Looks for calls of the functions that failpoints stand in.
    pub(crate) fn of_project(project: &'p Project) -> Self {
        let sites = project.files.iter().flat_map(|file| &file.facts.sites);
        let wanted: HashSet<&str> = sites.map(|site| site.function.name.as_str()).collect();
        let mut calls: HashMap<&str, Vec<(usize, &File, &Call)>> = HashMap::new();
        for (at, file) in project.files.iter().enumerate() {
            for call in &file.facts.calls {
                if wanted.contains(call.name.as_str()) {
                    calls.entry(&call.name).or_default().push((at, file, call));
                }
            }
        }
        Callers { project, calls }
    }

    /// The first few that are likely to call a function of a file, each function once.
    pub(crate) fn of(&self, function: &Function, file: usize) -> Vec<String> {
        let mut seen = HashSet::new();
        let calls = self.calls.get(function.name.as_str());
        calls
            .into_iter()
            .flatten()
            .filter(|(at, _, call)| self.is_likely(*at, call, file, function))
            .filter(|(_, file, call)| seen.insert((&call.caller, &file.source.path)))
            .take(CALLERS)
            .map(|(_, file, call)| {
                let line = file.source.position(call.at).line;
                format!("{} ({}:{line})", call.caller, file.source.path.display())
            })
            .collect()
    }

    /// Whether a call is likely to be of a function: by the type or the path that it names, or
    /// by a value that is called like the type.
    fn is_likely(&self, from: usize, call: &Call, to: usize, function: &Function) -> bool {
        if !self.sees(from, to) {
            return false;
        }
        match (&call.callee, &function.owner) {
            (Callee::Of(named), Some(owner)) => named == owner,
            (Callee::Method(value), Some(owner)) => is_called_like(value, owner),
            (Callee::Free(path), None) => self.leads_to(from, call, path, to),
            _ => false,
        }
    }

    /// Whether the last module of a path, or of the import that brings the name, is the file's.
    fn leads_to(&self, from: usize, call: &Call, path: &[String], to: usize) -> bool {
        let (Some(caller), Some(file)) = (self.project.files.get(from), self.project.files.get(to))
        else {
            return false;
        };
        let is_module = |module: &str| {
            let package = self.project.packages.get(file.package);
            let stem = file
                .source
                .path
                .file_stem()
                .and_then(std::ffi::OsStr::to_str);
            let folder = file
                .source
                .path
                .parent()
                .and_then(|folder| folder.file_name());
            match module {
                "crate" | "self" | "super" => caller.package == file.package,
                module => {
                    stem == Some(module)
                        || (stem == Some("mod") && folder.is_some_and(|folder| folder == module))
                        || package.is_some_and(|p| p.name.replace('-', "_") == module)
                }
            }
        };
        if let Some(module) = path.last() {
            return is_module(module);
        }
        let scopes = &caller.facts.scopes;
        let is_visible = |scope: usize| {
            let scope = scopes.get(scope);
            scope.is_some_and(|scope| scope.range.contains(&call.at))
        };
        let imports = caller.facts.imports.iter();
        let mut visible = imports.filter(|import| is_visible(import.scope));
        from == to
            || visible.any(|import| match import.path.as_slice() {
                [.., module, last] if *last == call.name => {
                    import.name == call.name && is_module(module)
                }
                [.., module] => import.glob && is_module(module),
                [] => false,
            })
    }

    /// Whether a file can call what is in another one.
    fn sees(&self, from: usize, to: usize) -> bool {
        let package = |file: usize| self.project.files.get(file).map(|file| file.package);
        let (Some(from), Some(to)) = (package(from), package(to)) else {
            return false;
        };
        let packages = &self.project.packages;
        from == to
            || packages.get(to).is_some_and(|to| {
                let name = to.name.replace('-', "_");
                let from = packages.get(from);
                from.is_some_and(|from| from.others.contains(&name))
            })
    }
}

/// Whether a value's name is the type's, or the end of one is the other: `wal` of a `Wal`, or of a
/// `RaftWal`.
fn is_called_like(value: &str, owner: &str) -> bool {
    let mut snake = String::new();
    for c in owner.chars() {
        if c.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
    }
    let ends = |long: &str, short: &str| {
        let rest = long.strip_suffix(short);
        !short.is_empty() && rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('_'))
    };
    ends(value, &snake) || ends(&snake, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_may_be_called_like_its_type() {
        for (value, owner) in [
            ("store", "Store"),
            ("raft_engine", "RaftEngine"),
            ("engine", "RaftEngine"),
            ("raft_engine", "Engine"),
        ] {
            assert!(is_called_like(value, owner), "{value} {owner}");
        }
        for (value, owner) in [
            ("map", "Store"),
            ("restore", "Store"),
            ("", "Store"),
            ("s", "Store"),
        ] {
            assert!(!is_called_like(value, owner), "{value} {owner}");
        }
    }
}
