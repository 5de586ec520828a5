//! Paths of modules: which file and scope they mean.

use super::Resolver;
use crate::facts::ScopeKind;

impl Resolver<'_> {
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

    pub(crate) fn above(&self, (file, scope): (usize, usize)) -> Option<(usize, usize)> {
        let found = self.project.files.get(file)?;
        match found.facts.scopes.get(scope)?.parent {
            Some(parent) => Some((file, self.module_around(file, parent)?)),
            None => found.parent,
        }
    }

    pub(super) fn child(
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
    pub(super) fn is_module(&self, file: usize, scope: usize, name: &str) -> bool {
        let around = self.module_around(file, scope);
        around.is_some_and(|module| self.child((file, module), name).is_some())
    }

    /// The file at the top of the declarations.
    #[must_use]
    pub fn root_of(&self, file: usize) -> usize {
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
    #[must_use]
    pub fn is_reachable(&self, file: usize, scope: usize) -> bool {
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
}
