//! When `fail`, or its feature `async`, can go: from a package's Cargo.toml, and from the
//! workspace.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use toml_edit::{DocumentMut, Item, TableLike};

use crate::decide::{Decision, Fate};
use crate::files::Change;
use crate::package::{Dependency, NATIVE, Package, entry, get, has_feature, inherited, read};
use crate::project::Project;
use crate::source::Source;
use crate::visit::{self, Names};

/// What a package's files do with `fail`.
#[derive(Debug, Default, Clone, Copy)]
struct Uses {
    /// They have failpoints, or name the native crate.
    had: bool,
    /// They name the crate.
    fail: bool,
    /// They mention `async_fail_point`, be it in a comment.
    awaits: bool,
    /// One of them is among the changes.
    changed: bool,
}

/// What can be said once `changes` are made.
#[must_use]
pub fn notes(project: &Project, decisions: &[Vec<Decision>], changes: &[Change]) -> Vec<String> {
    let covers = |manifest: &Path| {
        manifest
            .parent()
            .is_some_and(|folder| project.covers(folder))
    };
    let uses = uses(project, decisions, changes);
    let packages = project.packages.iter().enumerate();
    let packages = packages.filter(|(_, package)| !package.dependencies.is_empty());
    let packages: Vec<(usize, &Package, &Path)> = packages
        .filter_map(|(at, package)| Some((at, package, package.manifest.as_deref()?)))
        .collect();
    let of = |at: usize| uses.get(&at).copied().unwrap_or_default();
    // Others may have a dependency for its features alone, and for the whole build.
    let is_free = |at: usize, manifest: &Path| of(at).had && !of(at).fail && covers(manifest);
    let free = packages.iter().filter(|(at, _, path)| is_free(*at, path));
    let free: BTreeSet<&str> = free.map(|(_, package, _)| package.name.as_str()).collect();
    let mut notes = Vec::new();
    let mut workspaces: BTreeMap<&Path, bool> = BTreeMap::new();
    for (at, package, manifest) in packages.iter().copied() {
        let root = package.workspace.as_deref().unwrap_or(manifest);
        let goes = is_free(at, manifest)
            && !(carries_failpoints(package) && others_have_it(root, packages.len(), &free));
        *workspaces.entry(root).or_insert(true) &= goes;
        if goes {
            notes.push(of_package(package, manifest));
        } else if of(at).changed && !of(at).awaits && covers(manifest) {
            notes.extend(of_async(project, &uses, package, manifest));
        }
    }
    for (workspace, free) in workspaces {
        if free && covers(workspace) {
            notes.extend(of_workspace(workspace));
        }
    }
    notes
}

/// Whether the dependency switches failpoints on, which it does for the whole build.
fn carries_failpoints(package: &Package) -> bool {
    let Some(mut document) = package.manifest.as_deref().and_then(|path| read(path).ok()) else {
        return true;
    };
    package.dependencies.iter().any(|dependency| {
        let own = entry(&mut document, dependency).cloned();
        let shared = own
            .as_ref()
            .is_some_and(|own| get(own, "workspace").is_some());
        let shared = shared
            .then(|| inherited(package, &dependency.key))
            .flatten();
        let mut entries = own.iter().chain(&shared);
        entries.any(|entry| has_feature(entry, "failpoints"))
    })
}

/// Whether a package of the build, of the workspace or not, has `fail` and keeps it.
fn others_have_it(root: &Path, members: usize, free: &BTreeSet<&str>) -> bool {
    let Ok(lock) = read(&root.with_file_name("Cargo.lock")) else {
        // Nobody knows the build: the members that were read decide.
        return free.len() < members;
    };
    let packages = lock.get("package").and_then(Item::as_array_of_tables);
    packages.into_iter().flatten().any(|package| {
        let name = package.get("name").and_then(Item::as_str);
        let dependencies = package.get("dependencies").and_then(Item::as_array);
        let mut dependencies = dependencies.into_iter().flatten();
        let has_it = dependencies.any(|dependency| {
            let first = dependency.as_str().and_then(|text| text.split(' ').next());
            first == Some("fail")
        });
        has_it && !name.is_some_and(|name| free.contains(name))
    })
}

fn uses(
    project: &Project,
    decisions: &[Vec<Decision>],
    changes: &[Change],
) -> BTreeMap<usize, Uses> {
    let after: HashMap<&Path, &str> = changes
        .iter()
        .map(|change| (change.path.as_path(), change.after.as_str()))
        .collect();
    let mut found: BTreeMap<usize, Uses> = BTreeMap::new();
    for (file, decisions) in project.files.iter().zip(decisions) {
        let Some(package) = project.packages.get(file.package) else {
            continue;
        };
        let names = package.fail_names();
        let named = |heads: &[String]| heads.iter().any(|head| names.contains(head));
        let changed = after.get(file.source.path.as_path()).copied();
        let text = changed.unwrap_or(&file.source.text);
        let uses = found.entry(file.package).or_default();
        uses.had |= decisions
            .iter()
            .any(|decision| decision.fate != Fate::Unlisted)
            || file.facts.heads.iter().any(|head| head == NATIVE);
        uses.fail = uses.fail
            || in_documentation(text, &names)
            || match changed {
                Some(text) => {
                    let source = Source::new(&file.source.path, text.to_owned());
                    let (facts, _) = visit::facts(&source, &Names::default(), package.edition);
                    named(&facts.heads)
                }
                None => named(&file.facts.heads),
            };
        uses.awaits |= text.contains("async_fail_point");
        uses.changed |= changed.is_some();
    }
    found
}

fn of_package(package: &Package, manifest: &Path) -> String {
    let of_fail = |item: &String| {
        package.dependencies.iter().any(|dependency| {
            let key = &dependency.key;
            let rest = item.strip_prefix(key.as_str());
            rest.is_some_and(|rest| rest.starts_with(['/', '?']))
                || item.strip_prefix("dep:") == Some(key)
        })
    };
    let features = package.features.iter();
    let features: Vec<String> = features
        .filter(|(_, list)| list.iter().any(of_fail))
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    let also = if features.is_empty() {
        String::new()
    } else {
        format!(", and from the features {}", features.join(", "))
    };
    format!(
        "nothing in {} uses `fail` any more: it can go from {}{also}",
        package.name,
        manifest.display()
    )
}

/// The feature `async` of a package's `fail`, where no code that may rely on it is left.
fn of_async(
    project: &Project,
    uses: &BTreeMap<usize, Uses>,
    package: &Package,
    manifest: &Path,
) -> Option<String> {
    let relies = |(at, uses): (&usize, &Uses)| {
        let other = project.packages.get(*at);
        uses.awaits && other.is_some_and(|other| other.dependencies.is_empty())
    };
    // Without a dependency of its own it gets the macro from another package, and its features.
    if uses.iter().any(relies) {
        return None;
    }
    let mut document = read(manifest).ok()?;
    let has_async = |document: &mut DocumentMut, dependency: &Dependency| {
        entry(document, dependency).is_some_and(|entry| has_feature(entry, "async"))
    };
    let mut dependencies = package.dependencies.iter();
    let dependency = dependencies.find(|dependency| has_async(&mut document, dependency))?;
    Some(format!(
        "nothing in {} uses `async_fail_point!` any more: `async` can go from the features of \
         `{}` in {}, and with it the warnings about failpoints that block a runtime's thread",
        package.name,
        dependency.key,
        manifest.display()
    ))
}

fn of_workspace(workspace: &Path) -> Option<String> {
    let root = read(workspace).ok()?;
    let has_fail = |entries: &Item| {
        let entries = entries.as_table_like();
        entries.is_some_and(|entries| {
            entries.iter().any(|(key, entry)| {
                let name = get(entry, "package").and_then(Item::as_str).unwrap_or(key);
                name == "fail"
            })
        })
    };
    let mut places = Vec::new();
    let shared = root
        .get("workspace")
        .and_then(|table| get(table, "dependencies"));
    if shared.is_some_and(has_fail) {
        places.push("[workspace.dependencies]");
    }
    let patches = root.get("patch").and_then(Item::as_table_like);
    let mut patches = patches.into_iter().flat_map(TableLike::iter);
    if patches.any(|(_, entries)| has_fail(entries)) {
        places.push("[patch]");
    }
    (!places.is_empty()).then(|| {
        format!(
            "nothing is left of `fail` in the workspace: it can go from {} in {}, too",
            places.join(" and "),
            workspace.display()
        )
    })
}

/// Whether documentation, which may hold tests, names the crate in a path.
fn in_documentation(text: &str, names: &[String]) -> bool {
    let lines = text.lines().map(str::trim_start);
    lines
        .filter(|line| line.starts_with("///") || line.starts_with("//!"))
        .any(|line| {
            names.iter().any(|name| {
                line.contains(&format!("{name}::"))
                    || line.contains(&format!("use {name}"))
                    || line.contains(&format!("crate {name}"))
            })
        })
}
