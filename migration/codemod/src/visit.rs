//! One pass over a file: the bodies and scopes around each failpoint, and what lives there.

mod arguments;
mod bodies;
mod closures;
mod finder;
mod inner;
mod marker;
mod names;
mod tokens;
mod types;
mod values;
mod walk;

use std::collections::{BTreeMap, HashMap, HashSet};

use syn::visit::Visit;

use crate::facts::{Facts, Kind, Scope, ScopeKind};
use crate::reason::Reason;
use crate::source::{Source, Unparsed};
use finder::Finder;
use types::Types;

/// The macros to look for, by the last segment of their path.
#[derive(Debug, Clone, Default)]
pub struct Names {
    wrappers: HashSet<String>,
    aliases: HashMap<String, Kind>,
}

impl Names {
    /// The macros of `fail`, of Neon and of the native crate, a project's wrappers, and names
    /// that imports give them.
    #[must_use]
    pub fn new(
        wrappers: impl IntoIterator<Item = String>,
        aliases: impl IntoIterator<Item = (String, Kind)>,
    ) -> Names {
        Names {
            wrappers: wrappers.into_iter().collect(),
            aliases: aliases.into_iter().collect(),
        }
    }

    /// What a macro of this name is, if it is looked for.
    #[must_use]
    pub fn kind(&self, name: &str) -> Option<Kind> {
        match name {
            "fail_point" => Some(Kind::FailPoint),
            "async_fail_point" => Some(Kind::AsyncFailPoint),
            "pausable_failpoint" => Some(Kind::Pausable),
            "sleep_millis_async" => Some(Kind::SleepMillis),
            _ if self.wrappers.contains(name) => Some(Kind::Wrapper),
            _ if self.aliases.contains_key(name) => self.aliases.get(name).copied(),
            // A project may have wrappers of these names.
            "failpoint" => Some(Kind::Native),
            "fail_point_with_context" => Some(Kind::WithContext),
            "fail_point_sync" => Some(Kind::Sync),
            "fail_point_with_context_sync" => Some(Kind::SyncWithContext),
            _ => None,
        }
    }
}

/// What a file holds. A file that does not parse has its macro calls listed all the same.
#[must_use]
pub fn facts(source: &Source, names: &Names, edition: u16) -> (Facts, Option<Unparsed>) {
    let result = facts_of(source, names, edition);
    // The places of all parsed files are kept for the thread's life otherwise.
    proc_macro2::extra::invalidate_current_thread_spans();
    result
}

fn facts_of(source: &Source, names: &Names, edition: u16) -> (Facts, Option<Unparsed>) {
    let whole = Scope {
        range: 0..source.text.len(),
        kind: ScopeKind::File,
        parent: None,
        exported: true,
    };
    let mut facts = Facts {
        scopes: vec![whole],
        ..Facts::default()
    };
    let tokens = match source.tokens() {
        Ok(tokens) => tokens,
        Err(unparsed) => return (facts, Some(unparsed)),
    };
    let mut seen = HashSet::new();
    let mut unparsed = None;
    match source.parse(tokens.clone()) {
        Ok(file) => {
            let types = Types::of(&file);
            let mut finder = Finder::new(source, names, &types, edition, facts);
            finder.visit_file(&file);
            (facts, seen) = (finder.facts, finder.seen);
        }
        Err(error) => unparsed = Some(error),
    }
    let mut sweep = tokens::Sweep {
        source,
        names,
        seen: &seen,
        found: Vec::new(),
        heads: Vec::new(),
        calls: BTreeMap::new(),
    };
    let inside = match unparsed {
        None => tokens::outside(),
        Some(_) => Reason::Unparsed,
    };
    sweep.walk(tokens, &inside);
    facts.heads = sweep.heads;
    facts.macro_calls = sweep.calls;
    facts.sites.append(&mut sweep.found);
    facts.sites.sort_by_key(|site| site.range.start);
    (facts, unparsed)
}

/// The text of `path`, as code has it.
fn path_text(path: &syn::Path) -> String {
    let names: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
    names.join("::")
}
