//! Where a path of modules leads: scopes, the files that declare each other, and imports of
//! modules.

use crate::facts::{Import, ScopeKind};
use crate::project::Project;

/// How many names of modules for others are followed, one behind the other.
const ALIASES: usize = 4;

/// Finds modules; each is a file and a scope in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Modules<'p> {
    project: &'p Project,
}

impl<'p> Modules<'p> {
    pub(crate) fn of(project: &'p Project) -> Self {
        Modules { project }
    }

    /// The innermost scope of a byte.
    pub(crate) fn scope_at(&self, file: usize, at: usize) -> usize {
        let scopes = self.project.files.get(file).map(|file| &file.facts.scopes);
        let inside = scopes.into_iter().flatten().enumerate();
        inside
            .filter(|(_, scope)| scope.range.contains(&at))
            .min_by_key(|(_, scope)| scope.range.len())
            .map_or(0, |(at, _)| at)
    }

    /// The imports of a scope, each with its position in the file.
    pub(crate) fn imports(
        &self,
        file: usize,
        scope: usize,
    ) -> impl Iterator<Item = (usize, &'p Import)> {
        let imports = self.project.files.get(file).map(|f| &f.facts.imports);
        let imports = imports.into_iter().flatten().enumerate();
        imports.filter(move |(_, import)| import.scope == scope)
    }

    /// The module scope around a scope.
    pub(crate) fn module_around(&self, file: usize, mut scope: usize) -> Option<usize> {
        loop {
            let here = self.project.files.get(file)?.facts.scopes.get(scope)?;
            if here.kind != ScopeKind::Block {
                return Some(scope);
            }
            scope = here.parent?;
        }
    }

    /// The module that a path means.
    pub(crate) fn module(
        &self,
        file: usize,
        scope: usize,
        path: &[String],
    ) -> Option<(usize, usize)> {
        let mut here = (file, self.module_around(file, scope)?);
        let mut moved = false;
        for segment in path {
            here = match segment.as_str() {
                "self" => here,
                "crate" | "$crate" => (self.root_of(here.0), 0),
                "super" => self.above(here)?,
                name => match self.child(here, name) {
                    Some(child) => child,
                    // Before 2018, paths of imports began at the root.
                    None if !moved => self.child((self.root_of(here.0), 0), name)?,
                    None => return None,
                },
            };
            moved = true;
        }
        moved.then_some(here)
    }

    /// The module around a module.
    pub(crate) fn above(&self, (file, scope): (usize, usize)) -> Option<(usize, usize)> {
        let found = self.project.files.get(file)?;
        match found.facts.scopes.get(scope)?.parent {
            Some(parent) => Some((file, self.module_around(file, parent)?)),
            None => found.parent,
        }
    }

    /// The module of this name in a module.
    pub(crate) fn child(
        &self,
        (file, scope): (usize, usize),
        name: &str,
    ) -> Option<(usize, usize)> {
        let scopes = &self.project.files.get(file)?.facts.scopes;
        let inline = scopes.iter().position(|child| {
            child.parent == Some(scope)
                && matches!(&child.kind, ScopeKind::Module(module) if module == name)
        });
        if let Some(inline) = inline {
            return Some((file, inline));
        }
        let child = self
            .project
            .files
            .iter()
            .position(|child| child.parent == Some((file, scope)) && child.module == name)?;
        Some((child, 0))
    }

    /// Whether a module of this name is in scope, which hides a crate's name.
    pub(crate) fn is_module(&self, file: usize, scope: usize, name: &str) -> bool {
        let around = self.module_around(file, scope);
        around.is_some_and(|module| self.child((file, module), name).is_some())
    }

    /// The file at the top of the declarations.
    pub(crate) fn root_of(&self, file: usize) -> usize {
        let mut at = file;
        for _ in 0..=self.project.files.len() {
            match self.project.files.get(at).and_then(|file| file.parent) {
                Some((parent, _)) => at = parent,
                None => break,
            }
        }
        at
    }

    /// Whether other crates may reach what is public in a scope.
    pub(crate) fn is_reachable(&self, file: usize, scope: usize) -> bool {
        let mut here = Some((file, scope));
        for _ in 0..=self.project.files.len() {
            let Some((file, scope)) = here else { break };
            let Some(found) = self.project.files.get(file) else {
                return true;
            };
            let Some(inner) = found.facts.scopes.get(scope) else {
                return true;
            };
            if !inner.exported
                || (inner.parent.is_none() && found.parent.is_some() && !found.exported)
            {
                return false;
            }
            if inner.parent.is_none() && found.parent.is_none() {
                return found
                    .source
                    .path
                    .file_stem()
                    .is_some_and(|stem| stem == "lib");
            }
            here = match inner.parent {
                Some(parent) => Some((file, parent)),
                None => found.parent,
            };
        }
        true
    }

    /// The module that a path means, through imports of modules, too.
    pub(crate) fn module_named(
        &self,
        file: usize,
        scope: usize,
        path: &[String],
        depth: usize,
    ) -> Option<(usize, usize)> {
        let plain = self.module(file, scope, path);
        if plain.is_some() || depth > ALIASES {
            return plain;
        }
        (0..path.len()).find_map(|at| {
            let (front, rest) = path.split_at(at);
            let (name, rest) = rest.split_first()?;
            let (file, scope) = match front {
                [] => (file, self.module_around(file, scope)?),
                front => self.module(file, scope, front)?,
            };
            let (_, import) = self.imports(file, scope).find(|(_, i)| i.name == *name)?;
            let mut full = import.path.clone();
            full.extend(rest.iter().cloned());
            (full != path).then(|| self.module_named(file, import.scope, &full, depth + 1))?
        })
    }

    /// The one import that brings a name to a place: file's position, not that of several.
    pub(crate) fn only_import(&self, file: usize, at: usize, name: &str) -> Option<usize> {
        let visible = self.visible_import(file, self.scope_at(file, at), name)?;
        let mut same = self
            .imports(file, visible.scope)
            .filter(|(_, import)| import.name == name);
        let (position, _) = same.next()?;
        same.next().is_none().then_some(position)
    }

    /// The nearest import of a name, from the scope outwards to its module.
    pub(crate) fn visible_import(
        &self,
        file: usize,
        scope: usize,
        name: &str,
    ) -> Option<&'p Import> {
        let mut scope = scope;
        loop {
            if let Some((_, import)) = self.imports(file, scope).find(|(_, i)| i.name == name) {
                return Some(import);
            }
            let here = self.project.files.get(file)?.facts.scopes.get(scope)?;
            if here.kind != ScopeKind::Block {
                return None;
            }
            scope = here.parent?;
        }
    }

    /// Whether `name` at the place means something other than the crate.
    pub(crate) fn is_hidden(&self, file: usize, at: usize, name: &str) -> bool {
        let scope = self.scope_at(file, at);
        let imported = self.visible_import(file, scope, name);
        self.is_module(file, scope, name)
            || imported.is_some_and(|import| import.path.as_slice() != [name.to_owned()])
    }
}
