//! Which macro a name means at a place: imports, globs, `#[macro_use]`, `macro_rules!`.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::facts::{Import, ScopeKind, Site};
use crate::modules::Modules;
use crate::package::{NATIVE, Package};
use crate::project::Project;

/// What a macro's name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// `fail`'s, and how to write another macro of `fail` there.
    Fail(Way),
    /// A macro of this project.
    Local,
    /// Something else: its path.
    Other(String),
    /// Two imports have the name, or an import and a macro of this project.
    Ambiguous,
}

/// How a place reaches `fail`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// By the path at the place: its last segment is all that changes.
    Path,
    /// By an import of the name, which has to be changed as well.
    Import,
    /// By `#[macro_use]`: file, and which of its `extern crate` items.
    MacroUse(usize, usize),
    /// By a glob import of `fail`.
    Glob,
    /// In a way that only serves this one name.
    Roundabout,
}

/// What a name stands for, and the import that brings it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// What it is.
    pub origin: Origin,
    /// File and position of the import.
    pub import: Option<(usize, usize)>,
}

impl From<Origin> for Resolved {
    fn from(origin: Origin) -> Self {
        Resolved {
            origin,
            import: None,
        }
    }
}

/// Imports, by file and position, and the other imports that go through them.
pub type Pins = BTreeMap<(usize, usize), BTreeSet<(usize, usize)>>;

/// Looks names up.
#[derive(Debug)]
pub struct Resolver<'p> {
    project: &'p Project,
    /// Where paths of modules lead.
    pub(crate) modules: Modules<'p>,
    /// The names of `fail`, package by package.
    fail_names: Vec<Vec<String>>,
    /// The names of the native crate.
    native_names: Vec<Vec<String>>,
    /// The `extern crate` items with `#[macro_use]`: file and position.
    macro_uses: Vec<(usize, usize)>,
    /// Packages with the names of the macros that all of their files see.
    macros: HashSet<(usize, &'p str)>,
    /// Imports that others reach through their module: `use super::fail_point`.
    pinned: RefCell<Pins>,
}

/// A crate that paths of failpoints lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Crate {
    Fail,
    /// The native one, whose `fail_point!` awaits already. Its `compat` has what the shim has.
    Native,
}

/// Re-exports of re-exports end somewhere.
const DEPTH: usize = 12;

impl<'p> Resolver<'p> {
    /// For the files of a project.
    #[must_use]
    pub fn new(project: &'p Project) -> Self {
        let packages = project.packages.iter();
        let mut resolver = Resolver {
            project,
            modules: Modules::of(project),
            fail_names: packages.clone().map(Package::fail_names).collect(),
            native_names: packages.map(Package::native_names).collect(),
            macro_uses: Vec::new(),
            macros: HashSet::new(),
            pinned: RefCell::default(),
        };
        for (at, file) in project.files.iter().enumerate() {
            for (item, found) in file.facts.extern_crates.iter().enumerate() {
                if found.macro_use {
                    resolver.macro_uses.push((at, item));
                }
            }
            let macros = file.facts.macros.iter();
            let visible = macros.filter(|found| found.top || found.exported);
            let visible = visible.map(|found| (file.package, found.name.as_str()));
            resolver.macros.extend(visible);
        }
        resolver
    }

    /// The imports that others reach, each with those others.
    #[must_use]
    pub fn pinned(&self) -> Pins {
        self.pinned.borrow().clone()
    }

    /// What a site's macro is.
    #[must_use]
    pub fn site(&self, file: usize, site: &Site) -> Resolved {
        let scope = self.modules.scope_at(file, site.range.start);
        match site.path.as_slice() {
            [name] => self.bare(file, scope, name, site.range.start),
            path => self.path(file, scope, path, 0),
        }
    }

    fn declares_fail(&self, file: usize) -> bool {
        let package = self.project.files.get(file).map(|file| file.package);
        let package = package.and_then(|package| self.project.packages.get(package));
        package.is_some_and(|package| !package.declared_names().is_empty())
    }

    /// The crate of this name: by an `extern crate` of the root, which hides what the manifest
    /// calls by it, else by the manifest.
    fn crate_named(&self, file: usize, name: &str) -> Option<Crate> {
        let root = self.modules.root_of(file);
        let found = self.project.files.get(root)?;
        let loose = is_loose(&found.source.path);
        let files = self.project.files.iter().enumerate();
        let mut roots = files.filter(|(at, other)| {
            *at == root || *at == file || (loose && other.package == found.package)
        });
        let alias = roots.find_map(|(_, file)| {
            let mut crates = file.facts.extern_crates.iter();
            crates.find(|found| found.alias == name)
        });
        let real = alias.map_or(name, |alias| &alias.name);
        let is_in = |names: &[Vec<String>]| {
            let names = names.get(found.package);
            names.is_some_and(|names| names.iter().any(|known| known == real))
        };
        match () {
            () if is_in(&self.fail_names) => Some(Crate::Fail),
            () if is_in(&self.native_names) => Some(Crate::Native),
            () => None,
        }
    }

    /// The crate that a name means at a place: a module or an import of the name hides what is
    /// known from the manifest.
    fn crate_at(&self, file: usize, scope: usize, name: &str, depth: usize) -> Option<Crate> {
        if depth > DEPTH || self.modules.is_module(file, scope, name) {
            return None;
        }
        let Some((file, import)) = self.import_of(file, scope, name) else {
            return self.crate_named(file, name);
        };
        match import.path.as_slice() {
            [only] if only == name => self.crate_named(file, name),
            [only] => self.crate_at(file, import.scope, only, depth + 1),
            [front @ .., last] => {
                let further = self.modules.module(file, import.scope, front);
                let further = further.and_then(|(file, scope)| {
                    let mut imports = self.modules.imports(file, scope);
                    let (_, further) = imports.find(|(_, import)| import.name == *last)?;
                    Some((file, further))
                });
                match further {
                    Some((file, further)) => match further.path.as_slice() {
                        [only] if only == last => self.crate_named(file, only),
                        [only] => self.crate_at(file, further.scope, only, depth + 1),
                        _ => None,
                    },
                    // Handed on by what is not in sight, by its own name.
                    None if last == name => self.crate_named(file, name),
                    None => None,
                }
            }
            [] => None,
        }
    }

    /// The import that brings a name, of the place or through a glob of a module.
    fn import_of(&self, file: usize, scope: usize, name: &str) -> Option<(usize, &'p Import)> {
        if let Some(import) = self.modules.visible_import(file, scope, name) {
            return Some((file, import));
        }
        let scope = self.modules.module_around(file, scope)?;
        let mut globs = self.modules.imports(file, scope).filter(|(_, i)| i.glob);
        globs.find_map(|(_, glob)| {
            let (file, scope) = self.modules.module(file, scope, &glob.path)?;
            let mut imports = self.modules.imports(file, scope);
            let (_, import) = imports.find(|(_, i)| i.name == name && i.public)?;
            Some((file, import))
        })
    }

    fn bare(&self, file: usize, scope: usize, name: &str, at: usize) -> Resolved {
        let imported = self.in_scopes(file, scope, name);
        if self.textually_local(file, name, at) {
            // An import of the same macro, by its path, stands beside it.
            let same = imported.filter(|found| found.origin == Origin::Local);
            return same.unwrap_or_else(|| Origin::Local.into());
        }
        if let Some(found) = imported {
            return found;
        }
        if let Some(origin) = self.macro_use(file, name) {
            return origin.into();
        }
        if self.defined_in_package(file, name) {
            return Origin::Local.into();
        }
        if !self.declares_fail(file) {
            return Origin::Other(name.to_owned()).into();
        }
        Origin::Fail(Way::Roundabout).into()
    }

    /// From the scope outwards to its module.
    fn in_scopes(&self, file: usize, scope: usize, name: &str) -> Option<Resolved> {
        let mut scope = scope;
        loop {
            if let Some(found) = self.in_scope(file, scope, name, 0) {
                return Some(found);
            }
            let here = self.project.files.get(file)?.facts.scopes.get(scope)?;
            if here.kind != ScopeKind::Block {
                return None;
            }
            scope = here.parent?;
        }
    }

    /// Imports of the scope, then its globs.
    fn in_scope(&self, file: usize, scope: usize, name: &str, depth: usize) -> Option<Resolved> {
        if depth > DEPTH {
            return None;
        }
        let explicit: Vec<(usize, &Import)> = self
            .modules
            .imports(file, scope)
            .filter(|(_, import)| import.name == name)
            .collect();
        match explicit.as_slice() {
            [] => {}
            [(at, import)] => return Some(self.by_import(file, *at, import, depth)),
            several => {
                let mut found = several
                    .iter()
                    .map(|(at, import)| self.by_import(file, *at, import, depth).origin);
                let first = found.next();
                let same = found.all(|other| Some(other) == first);
                return match several.first() {
                    // The same name from the same place under several conditions.
                    Some((at, import)) if same && first == Some(Origin::Fail(Way::Import)) => {
                        let mut only = self.by_import(file, *at, import, depth);
                        only.origin = Origin::Fail(Way::Roundabout);
                        only.import = None;
                        Some(only)
                    }
                    _ => Some(Origin::Ambiguous.into()),
                };
            }
        }
        let mut globs = self.modules.imports(file, scope).filter(|(_, i)| i.glob);
        globs.find_map(|(_, import)| {
            let (head, rest) = import.path.split_first()?;
            match (self.crate_at(file, scope, head, depth), rest) {
                (Some(Crate::Fail), []) => Some(Origin::Fail(Way::Glob).into()),
                (Some(Crate::Native), [compat]) if compat == COMPAT => {
                    Some(Origin::Fail(Way::Glob).into())
                }
                (Some(Crate::Native), rest) => {
                    hands_out(rest, name).then(|| native(rest, name).into())
                }
                _ => {
                    let (file, scope) = self.modules.module(file, scope, &import.path)?;
                    self.in_scope(file, scope, name, depth + 1)
                }
            }
        })
    }

    fn by_import(&self, file: usize, at: usize, import: &Import, depth: usize) -> Resolved {
        let mut found = self.path(file, import.scope, &import.path, depth + 1);
        if let Some(further) = found.import {
            let mut pinned = self.pinned.borrow_mut();
            pinned.entry(further).or_default().insert((file, at));
        }
        if let Origin::Fail(way) = &mut found.origin {
            let renamed = import.path.last() != Some(&import.name);
            *way = if *way == Way::Path && !renamed && !import.public {
                Way::Import
            } else {
                Way::Roundabout
            };
        }
        found.import = Some((file, at));
        found
    }

    /// A path of two segments or more.
    fn path(&self, file: usize, scope: usize, path: &[String], depth: usize) -> Resolved {
        let other = || Origin::Other(path.join("::")).into();
        if depth > DEPTH {
            return other();
        }
        let absolute = path.first().is_some_and(String::is_empty);
        let path = if absolute { path.get(1..) } else { Some(path) }.unwrap_or_default();
        let (Some(head), Some((name, front))) = (path.first(), path.split_last()) else {
            return other();
        };
        let of = match absolute {
            true => self.crate_named(file, head),
            false => self.crate_at(file, scope, head, depth),
        };
        match (of, path) {
            (Some(Crate::Fail), [_, _]) => return Origin::Fail(Way::Path).into(),
            (Some(Crate::Native), [_, compat, _]) if compat == COMPAT => {
                return Origin::Fail(Way::Path).into();
            }
            (Some(Crate::Native), [_, within @ .., _]) => return native(within, name).into(),
            _ => {}
        }
        if let Some((module_file, module)) = self.modules.module(file, scope, front) {
            if let Some(mut found) = self.in_scope(module_file, module, name, depth + 1) {
                if let Origin::Fail(way) = &mut found.origin {
                    *way = Way::Roundabout;
                    // One of the two is there under a `#[cfg]`, the other without it.
                    if self.defined_in_package(module_file, name) {
                        found.origin = Origin::Ambiguous;
                    }
                }
                return found;
            }
            if self.defined_in_package(module_file, name) {
                return Origin::Local.into();
            }
        }
        if let Some(mut found) = self.through_alias(file, scope, front, name, depth) {
            if let Origin::Fail(way) = &mut found.origin {
                *way = Way::Roundabout;
            }
            return found;
        }
        let relative = ["crate", "self", "super", "$crate"].contains(&head.as_str());
        if !relative && !absolute {
            let imported = self.modules.visible_import(file, scope, head);
            if let Some(import) = imported.filter(|import| import.path.as_slice() != path) {
                let mut full = import.path.clone();
                full.extend(path.iter().skip(1).cloned());
                if full.as_slice() != path {
                    return self.path(file, import.scope, &full, depth + 1);
                }
            }
            let handed_out = self.handed_out(head, path.get(1..).unwrap_or_default(), depth);
            if let Some(origin) = handed_out {
                return origin.into();
            }
            if self.exported_by(head, name, depth) {
                return Origin::Fail(Way::Roundabout).into();
            }
        }
        // `use point;` names a macro of the package, too.
        if (relative || front.is_empty()) && self.defined_in_package(file, name) {
            return Origin::Local.into();
        }
        other()
    }

    /// What a path means in another crate of the project, if that leads to a known macro.
    fn handed_out(&self, head: &str, rest: &[String], depth: usize) -> Option<Origin> {
        let mut files = self.project.files.iter().enumerate();
        let (root, _) = files.find(|(_, file)| {
            let package = self.project.packages.get(file.package);
            let stem = file.source.path.file_stem();
            file.parent.is_none()
                && stem.is_some_and(|stem| stem == "lib")
                && package.is_some_and(|package| package.name.replace('-', "_") == head)
        })?;
        let mut path = vec!["crate".to_owned()];
        path.extend(rest.iter().cloned());
        match self.path(root, 0, &path, depth + 1).origin {
            Origin::Fail(_) => Some(Origin::Fail(Way::Roundabout)),
            Origin::Other(path) if path.split("::").next() == Some(NATIVE) => {
                Some(Origin::Other(path))
            }
            _ => None,
        }
    }

    /// Whether another crate of the project hands out `fail`'s macro under this name.
    fn exported_by(&self, head: &str, name: &str, depth: usize) -> bool {
        let of_head = |package: usize| {
            let package = self.project.packages.get(package);
            package.is_some_and(|package| package.name.replace('-', "_") == head)
        };
        let files = self.project.files.iter().enumerate();
        files
            .filter(|(_, file)| of_head(file.package))
            .any(|(at, file)| {
                file.facts.imports.iter().any(|import| {
                    import.exported
                        && import.name == name
                        && self.modules.is_reachable(at, import.scope)
                        && matches!(
                            self.path(at, import.scope, &import.path, depth + 1).origin,
                            Origin::Fail(_)
                        )
                })
            })
    }

    /// `module::alias::name`, where the module has `use fail as alias`.
    fn through_alias(
        &self,
        file: usize,
        scope: usize,
        front: &[String],
        name: &str,
        depth: usize,
    ) -> Option<Resolved> {
        let (alias, module) = front.split_last()?;
        let (file, scope) = self.modules.module(file, scope, module)?;
        let (_, import) = self
            .modules
            .imports(file, scope)
            .find(|(_, i)| i.name == *alias)?;
        let mut full = import.path.clone();
        full.push(name.to_owned());
        Some(self.path(file, import.scope, &full, depth + 1))
    }

    fn textually_local(&self, file: usize, name: &str, at: usize) -> bool {
        let defined = |file: usize| {
            let macros = self.project.files.get(file).map(|file| &file.facts.macros);
            macros.into_iter().flatten().filter(|m| m.name == name)
        };
        if defined(file).any(|m| m.visible.contains(&at) && m.at < at) {
            return true;
        }
        let mut above = file;
        for _ in 0..=self.project.files.len() {
            match self.project.files.get(above).and_then(|file| file.parent) {
                Some((parent, _)) => above = parent,
                None => return false,
            }
            if defined(above).any(|m| m.top) {
                return true;
            }
        }
        false
    }

    fn defined_in_package(&self, file: usize, name: &str) -> bool {
        let package = self.project.files.get(file).map(|file| file.package);
        package.is_some_and(|package| self.macros.contains(&(package, name)))
    }

    fn macro_use(&self, file: usize, name: &str) -> Option<Origin> {
        let package = self.project.files.get(file)?.package;
        let root = self.modules.root_of(file);
        let loose = is_loose(&self.project.files.get(root)?.source.path);
        self.macro_uses.iter().find_map(|(at, item)| {
            let other = self.project.files.get(*at)?;
            let extern_crate = other.facts.extern_crates.get(*item)?;
            let mut listed = extern_crate.list.iter();
            let serves = other.package == package
                && (*at == root || loose)
                && (extern_crate.list.is_empty() || listed.any(|(listed, _)| listed == name));
            match self.crate_named(file, &extern_crate.name) {
                Some(Crate::Fail) if serves => Some(Origin::Fail(Way::MacroUse(*at, *item))),
                Some(Crate::Native) if serves => Some(native(&[], name)),
                _ => None,
            }
        })
    }
}

/// The module of the native crate that has what the shim has.
const COMPAT: &str = "compat";

/// Whether a glob of this module of the native crate brings a macro of this name.
fn hands_out(module: &[String], name: &str) -> bool {
    match module {
        [] => true,
        [support, ..] => {
            support == "failpoint_support"
                && ["pausable_failpoint", "sleep_millis_async"].contains(&name)
        }
    }
}

/// A macro of the native crate, by the path that it has there.
fn native(modules: &[String], name: &str) -> Origin {
    let mut path = vec![NATIVE];
    path.extend(modules.iter().map(String::as_str));
    path.push(name);
    Origin::Other(path.join("::"))
}

/// A file that nothing declares, as far as syntax tells, and that is no target's root.
fn is_loose(path: &std::path::Path) -> bool {
    let is = |part: Option<&std::ffi::OsStr>, names: &[&str]| {
        part.and_then(std::ffi::OsStr::to_str)
            .is_some_and(|part| names.contains(&part))
    };
    let folder = path.parent().and_then(|folder| folder.file_name());
    !is(path.file_stem(), &["lib", "main", "build"])
        && !is(folder, &["tests", "examples", "benches", "bin"])
}
