//! When `fail` can go: from a package's Cargo.toml, and from the workspace.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use toml_edit::Item;

use crate::files::Change;
use crate::package::{get, read};
use crate::project::Project;
use crate::source::Source;
use crate::tree::real;
use crate::visit::{self, Names};

/// What can be said once `changes` are made.
#[must_use]
pub fn notes(project: &Project, changes: &[Change]) -> Vec<String> {
    let after: HashMap<&Path, &str> = changes
        .iter()
        .map(|change| (change.path.as_path(), change.after.as_str()))
        .collect();
    let mut in_use: BTreeMap<usize, bool> = BTreeMap::new();
    for file in &project.files {
        let Some(package) = project.packages.get(file.package) else {
            continue;
        };
        let names = package.fail_names();
        let uses = |heads: &[String]| heads.iter().any(|head| names.contains(head));
        let text = after.get(file.source.path.as_path()).copied();
        let documented = in_documentation(text.unwrap_or(&file.source.text), &names);
        let used = documented
            || match text {
                Some(text) => {
                    let source = Source::new(&file.source.path, text.to_owned());
                    let (facts, _) = visit::facts(&source, &Names::default(), package.edition);
                    uses(&facts.heads)
                }
                None => uses(&file.facts.heads),
            };
        *in_use.entry(file.package).or_default() |= used;
    }
    let mut notes = Vec::new();
    let mut workspaces: BTreeMap<PathBuf, bool> = BTreeMap::new();
    for (at, used) in &in_use {
        let Some(package) = project.packages.get(*at) else {
            continue;
        };
        if package.dependencies.is_empty() {
            continue;
        }
        let Some(manifest) = &package.manifest else {
            continue;
        };
        let free = !used && covers(project, manifest);
        if let Some(workspace) = &package.workspace {
            let all = workspaces.entry(workspace.clone()).or_insert(true);
            *all &= free;
        }
        if free {
            let keys: Vec<&str> = package
                .dependencies
                .iter()
                .map(|d| d.key.as_str())
                .collect();
            let features = package.features.iter().filter(|(_, list)| {
                let mut list = list.iter();
                list.any(|item| {
                    keys.iter().any(|key| {
                        item.strip_prefix(key)
                            .is_some_and(|rest| rest.starts_with('/') || rest.starts_with('?'))
                            || item.strip_prefix("dep:") == Some(key)
                    })
                })
            });
            let features: Vec<String> = features.map(|(name, _)| format!("`{name}`")).collect();
            let also = if features.is_empty() {
                String::new()
            } else {
                format!(", and from the features {}", features.join(", "))
            };
            notes.push(format!(
                "nothing in {} uses `fail` any more: it can go from {}{also}",
                package.name,
                manifest.display()
            ));
        }
    }
    for (workspace, free) in workspaces {
        if !free || !covers(project, &workspace) {
            continue;
        }
        let Ok(root) = read(&workspace) else { continue };
        let mut places = Vec::new();
        let shared = root
            .get("workspace")
            .and_then(|table| get(table, "dependencies"))
            .and_then(|table| get(table, "fail"));
        if shared.is_some() {
            places.push("[workspace.dependencies]");
        }
        let patches = root.get("patch").and_then(Item::as_table_like);
        let patched = patches.is_some_and(|patches| {
            patches
                .iter()
                .any(|(_, entries)| get(entries, "fail").is_some())
        });
        if patched {
            places.push("[patch]");
        }
        if !places.is_empty() {
            notes.push(format!(
                "nothing is left of `fail` in the workspace: it can go from {} in {}, too",
                places.join(" and "),
                workspace.display()
            ));
        }
    }
    notes
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

/// Whether the given paths hold all that the manifest is for.
fn covers(project: &Project, manifest: &Path) -> bool {
    let folder = manifest.parent().map(real).unwrap_or_default();
    project
        .roots
        .iter()
        .any(|root| folder.starts_with(real(root)))
}
