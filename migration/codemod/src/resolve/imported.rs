//! Imports that bring a name to a place.

use super::{Resolved, Resolver};
use crate::facts::{Import, ScopeKind};

/// How many names of modules for others are followed, one behind the other.
const ALIASES: usize = 4;

impl<'p> Resolver<'p> {
    /// `module::alias::name`, where the module has `use fail as alias`.
    pub(super) fn through_alias(
        &self,
        file: usize,
        scope: usize,
        front: &[String],
        name: &str,
        depth: usize,
    ) -> Option<Resolved> {
        let (alias, module) = front.split_last()?;
        let (file, scope) = self.module(file, scope, module)?;
        let (_, import) = self.imports(file, scope).find(|(_, i)| i.name == *alias)?;
        let mut full = import.path.clone();
        full.push(name.to_owned());
        Some(self.path(file, import.scope, &full, depth + 1))
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

    pub(super) fn visible_import(
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
    #[must_use]
    pub fn is_hidden(&self, file: usize, at: usize, name: &str) -> bool {
        let scope = self.scope_at(file, at);
        let imported = self.visible_import(file, scope, name);
        self.is_module(file, scope, name)
            || imported.is_some_and(|import| import.path.as_slice() != [name.to_owned()])
    }
}
