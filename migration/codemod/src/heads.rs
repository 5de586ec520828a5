//! Imports of modules and crates that only served the paths of rewritten sites:
//! `use utils::failpoint_support`, once `failpoint_support::sleep_millis_async!` has another path.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};

use crate::decide::{Becomes, Decision, Fate};
use crate::facts::Import;
use crate::project::{File, Project};
use crate::resolve::Resolver;

/// The imports that nothing names any more: file and position.
pub(crate) fn unused(
    project: &Project,
    resolver: &Resolver<'_>,
    decisions: &[Vec<Decision>],
) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for (at, (file, decisions)) in project.files.iter().zip(decisions).enumerate() {
        // The imports of the first names of paths that go.
        let mut going = BTreeSet::new();
        let mut paths = Vec::new();
        for (site, decision) in file.facts.sites.iter().zip(decisions) {
            let [head, _, ..] = site.path.as_slice() else {
                continue;
            };
            if !matches!(
                decision.fate,
                Fate::Rewrite(Becomes::Path(_) | Becomes::Native(_))
            ) {
                continue;
            }
            paths.push(site.path_range.clone());
            // `::fail::fail_point` needs no import.
            if head.is_empty() {
                continue;
            }
            if let Some(import) = resolver
                .modules
                .only_import(at, site.path_range.start, head)
            {
                going.insert(import);
            }
        }
        if going.is_empty() || project.reaches_unseen(at) {
            continue;
        }
        let mut words = words(file);
        words.retain(|(at, _)| !paths.iter().any(|path| path.contains(at)));
        for position in going {
            let Some(import) = file.facts.imports.get(position) else {
                continue;
            };
            let place = Place {
                project,
                resolver,
                file: at,
                position,
                import,
            };
            if !import.public && !place.is_named(&words) && !place.is_named_below() {
                found.push((at, position));
            }
        }
    }
    found
}

/// An import, and where it is.
struct Place<'a> {
    project: &'a Project,
    resolver: &'a Resolver<'a>,
    file: usize,
    position: usize,
    import: &'a Import,
}

impl Place<'_> {
    /// Whether one of the file's words means it.
    fn is_named(&self, words: &[(usize, String)]) -> bool {
        let Some(file) = self.project.files.get(self.file) else {
            return true;
        };
        let own = &self.import.item;
        let places = words.iter().filter(|(_, word)| *word == self.import.name);
        let (in_itself, others): (Vec<usize>, Vec<usize>) =
            places.map(|(at, _)| *at).partition(|at| own.contains(at));
        let another = |at: &usize| {
            let import = self
                .resolver
                .modules
                .only_import(self.file, *at, &self.import.name);
            import.is_some_and(|import| import != self.position)
        };
        let counts = |at: &usize| {
            let imports = file.facts.imports.iter();
            let mut around = imports.filter(|import| import.item.contains(at)).peekable();
            match around.peek() {
                Some(_) => around.any(|import| self.leads_to(self.file, import)),
                None => self.is_seen_at(*at) && !another(at),
            }
        };
        in_itself.len() > 1
            || others.iter().any(counts)
            || linked(&file.source.text, &self.import.name)
    }

    /// Whether a place is in its module, or below.
    fn is_seen_at(&self, at: usize) -> bool {
        let module = |scope| self.resolver.modules.module_around(self.file, scope);
        let own = module(self.import.scope);
        let mut here = module(self.resolver.modules.scope_at(self.file, at));
        while let Some(scope) = here {
            if here == own {
                return true;
            }
            let above = self.resolver.modules.above((self.file, scope));
            here = above
                .filter(|above| above.0 == self.file)
                .map(|above| above.1);
        }
        false
    }

    /// Whether another import, of a file of its own perhaps, may go through this one.
    fn leads_to(&self, file: usize, other: &Import) -> bool {
        let scope = |file, scope| self.resolver.modules.module_around(file, scope);
        let here = scope(self.file, self.import.scope).map(|scope| (self.file, scope));
        let mut places = other.path.iter().enumerate();
        places.any(|(at, word)| {
            let before = other.path.get(..at).unwrap_or_default();
            let module = match before.first().map(String::as_str) {
                None => scope(file, other.scope).map(|scope| (file, scope)),
                Some("crate" | "self" | "super") => {
                    self.resolver.modules.module(file, other.scope, before)
                }
                // It goes through a module or a crate.
                Some(_) => return false,
            };
            *word == self.import.name && (module.is_none() || module == here)
        })
    }

    /// Whether a module below, in a file of its own, may name it: it sees what is private here.
    fn is_named_below(&self) -> bool {
        let below = |file: &File| {
            let mut above = file.parent;
            for _ in 0..=self.project.files.len() {
                match above {
                    Some((file, _)) if file == self.file => return true,
                    Some((file, _)) => above = self.project.files.get(file).and_then(|f| f.parent),
                    None => return false,
                }
            }
            false
        };
        let mut files = self.project.files.iter().enumerate();
        files.any(|(at, file)| {
            let imports = file.facts.imports.iter();
            let mut own = imports.filter(|i| i.name == self.import.name).peekable();
            let brings_its_own = own.peek().is_some() && !own.any(|i| self.leads_to(at, i));
            !brings_its_own && file.source.text.contains(&self.import.name) && below(file)
        })
    }
}

/// Whether documentation links to something by this name.
fn linked(text: &str, name: &str) -> bool {
    let lines = text.lines().map(str::trim_start);
    let mut lines = lines.filter(|line| line.starts_with("///") || line.starts_with("//!"));
    lines.any(|line| line.contains(&format!("{name}::")) || line.contains(&format!("{name}`]")))
}

/// All words of a file's code, with their places.
fn words(file: &File) -> Vec<(usize, String)> {
    fn walk(file: &File, tokens: TokenStream, found: &mut Vec<(usize, String)>) {
        for token in tokens {
            match token {
                TokenTree::Ident(word) => {
                    let at = file.source.range(word.span()).start;
                    found.push((at, word.to_string()));
                }
                TokenTree::Group(group) => walk(file, group.stream(), found),
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }
    let mut found = Vec::new();
    if let Ok(tokens) = file.source.tokens() {
        walk(file, tokens, &mut found);
    }
    found
}
