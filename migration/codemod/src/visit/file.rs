//! A file's facts: from its syntax tree, and from the tokens that the tree does not show.

use std::collections::{BTreeMap, HashSet};

use syn::visit::Visit;

use super::finder::Finder;
use super::macros::Names;
use super::tokens;
use super::types::Types;
use crate::facts::{Facts, Scope, ScopeKind};
use crate::reason::Reason;
use crate::source::{Source, Unparsed};

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
