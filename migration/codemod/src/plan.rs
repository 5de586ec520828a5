//! From decisions to edits: the sites themselves, and the imports that serve them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::decide::{Becomes, Decision, Fate, Wishes};
use crate::edit::Edit;
use crate::facts::{Kind, Place, Site};
use crate::imports;
use crate::manifest::Needs;
use crate::package::Role;
use crate::project::{File, Project};
use crate::resolve::{Origin, Resolver};

/// All edits of a rewrite, but for the manifests.
#[derive(Debug, Default)]
pub struct Plan {
    /// By file.
    pub edits: BTreeMap<usize, Vec<Edit>>,
    /// What packages need after it.
    pub needs: BTreeMap<usize, Needs>,
    /// The sites that are rewritten: file and position.
    pub sites: Vec<(usize, usize)>,
}

impl Plan {
    /// The plan for the decisions.
    #[must_use]
    pub fn of(
        project: &Project,
        resolver: &Resolver<'_>,
        wishes: &Wishes,
        decisions: &[Vec<Decision>],
    ) -> Plan {
        let mut plan = Plan::default();
        for (at, (file, decisions)) in project.files.iter().zip(decisions).enumerate() {
            plan.add_file(at, file, decisions);
        }
        for (file, edit) in imports::edits(project, resolver, wishes, decisions) {
            plan.edits.entry(file).or_default().push(edit);
        }
        plan
    }

    fn add_file(&mut self, at: usize, file: &File, decisions: &[Decision]) {
        let mut groups = BTreeSet::new();
        let role = role(file);
        for (number, (site, decision)) in file.facts.sites.iter().zip(decisions).enumerate() {
            let Fate::Rewrite(becomes) = &decision.fate else {
                continue;
            };
            self.sites.push((at, number));
            let edits = self.edits.entry(at).or_default();
            // What awaits already can do so where it is.
            if site.kind != Kind::AsyncFailPoint {
                groups.extend(site.in_place);
                edits.extend(site.around.iter().cloned());
            }
            let (path, native) = match becomes {
                Becomes::Name(name) => (Edit::replace(site.last.clone(), name.as_str()), false),
                Becomes::Path(path) => {
                    (Edit::replace(site.path_range.clone(), path.as_str()), false)
                }
                Becomes::Native(path) => {
                    (Edit::replace(site.path_range.clone(), path.as_str()), true)
                }
            };
            if matches!(site.kind, Kind::Pausable | Kind::SleepMillis) {
                edits.extend(awaited(site, path, &file.source.text));
            } else {
                edits.push(path);
                if let (true, Ok(arguments)) = (native, &site.native) {
                    edits.extend(arguments.iter().cloned());
                }
            }
            // Its twin brings what it needs.
            let is_wrapper =
                site.kind == Kind::Wrapper || !matches!(decision.resolved.origin, Origin::Fail(_));
            for package in std::iter::once(&file.package).chain(&file.also) {
                if native {
                    let needs = self.needs.entry(*package).or_default();
                    needs.native.insert(role);
                    needs.beside_fail |= !matches!(decision.resolved.origin, Origin::Fail(_));
                } else if !is_wrapper || matches!(becomes, Becomes::Path(_)) {
                    let needs = self.needs.entry(*package).or_default();
                    needs.shim_async.insert(role);
                }
            }
        }
        for group in groups {
            if let Some(edits) = file.facts.in_place.get(group) {
                self.edits
                    .entry(at)
                    .or_default()
                    .extend(edits.iter().cloned());
            }
        }
    }
}

/// What a file is for, by where Cargo looks for it.
fn role(file: &File) -> Role {
    let path = &file.source.path;
    let in_package = |folder: &Path| folder == Path::new("") || folder.join("Cargo.toml").exists();
    if path.file_name().is_some_and(|name| name == "build.rs")
        && path.parent().is_some_and(in_package)
    {
        return Role::Build;
    }
    let names = ["tests", "examples", "benches"];
    let is_test = path.ancestors().skip(1).any(|folder| {
        let name = folder.file_name().and_then(std::ffi::OsStr::to_str);
        name.is_some_and(|name| names.contains(&name)) && folder.parent().is_some_and(in_package)
    });
    if is_test { Role::Tests } else { Role::Normal }
}

/// Neon's macro, which awaits inside, as one that the caller awaits.
fn awaited(site: &Site, path: Edit, text: &str) -> Vec<Edit> {
    let end = site.range.end;
    let ends_itself = site.braces && !follows(text, end, ';');
    let (before, after) = match (site.kind, site.place) {
        // Without a token its value was `()`, not the `Result` that it is now.
        (Kind::Pausable, Place::Statement) => {
            let end = if ends_itself { ".await;" } else { ".await" };
            ("let _ = ", end)
        }
        (Kind::Pausable, Place::Expression) if site.arguments == 1 => {
            // At the beginning of a statement a block would end it.
            match [',', ';', ')', ']', '}']
                .iter()
                .any(|next| follows(text, end, *next))
            {
                true => ("{ let _ = ", ".await; }"),
                false => ("({ let _ = ", ".await; })"),
            }
        }
        (_, Place::Statement) if ends_itself => ("", ".await;"),
        _ => ("", ".await"),
    };
    vec![
        Edit::replace(path.range, format!("{before}{}", path.text)),
        Edit::insert(end, after),
    ]
}

fn follows(text: &str, at: usize, wanted: char) -> bool {
    text.get(at..)
        .is_some_and(|rest| rest.trim_start().starts_with(wanted))
}
