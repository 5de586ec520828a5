//! Names without an import: `macro_rules!` by its place in the text, and `#[macro_use]`.

use super::{Resolver, Way};

impl Resolver<'_> {
    pub(super) fn textually_local(&self, file: usize, name: &str, at: usize) -> bool {
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

    pub(super) fn defined_in_package(&self, file: usize, name: &str) -> bool {
        let package = self.project.files.get(file).map(|file| file.package);
        package.is_some_and(|package| self.macros.contains(&(package, name)))
    }

    pub(super) fn macro_use(&self, file: usize, name: &str) -> Option<Way> {
        let package = self.project.files.get(file)?.package;
        let names = self.fail_names(file);
        let root = self.root_of(file);
        let loose = is_loose(&self.project.files.get(root)?.source.path);
        self.macro_uses.iter().find_map(|(at, item)| {
            let other = self.project.files.get(*at)?;
            let extern_crate = other.facts.extern_crates.get(*item)?;
            let mut listed = extern_crate.list.iter();
            let serves = other.package == package
                && (*at == root || loose)
                && names.contains(&extern_crate.name)
                && (extern_crate.list.is_empty() || listed.any(|(listed, _)| listed == name));
            serves.then_some(Way::MacroUse(*at, *item))
        })
    }
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
