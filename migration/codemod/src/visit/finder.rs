//! What the walk over a file knows at a place, and what it writes down.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::visit::Visit;

use super::bodies::Body;
use super::closures::{self, Use};
use super::types::Types;
use super::values::{Held, Values};
use super::{Names, arguments, marker, names};
use crate::facts::{
    Call, Callee, Facts, Function, Include, Kind, MacroDefinition, Place, Scope, ScopeKind, Site,
};
use crate::reason::Reason;
use crate::source::Source;

pub(super) struct Finder<'a, 'ast> {
    pub(super) source: &'a Source,
    pub(super) names: &'a Names,
    pub(super) types: &'a Types<'ast>,
    pub(super) edition: u16,
    pub(super) facts: Facts,
    /// Where the last segments of the found sites begin.
    pub(super) seen: HashSet<usize>,
    pub(super) bodies: Vec<Body>,
    pub(super) frames: Vec<Vec<Held>>,
    pub(super) scopes: Vec<usize>,
    /// Blocks and modules around, for `macro_rules!`.
    pub(super) regions: Vec<Range<usize>>,
    pub(super) modules: Vec<String>,
    /// Functions around.
    pub(super) functions: Vec<Function>,
    pub(super) owner: Option<String>,
    /// On the type's `impl` or on the trait: rewrites all its async functions.
    pub(super) attribute: Option<String>,
    /// Known from what stands around a closure, by where it begins.
    pub(super) closures: HashMap<usize, Use>,
    /// Known from what stands around a macro call, by where it begins.
    pub(super) places: HashMap<usize, Place>,
}

impl<'a, 'ast> Finder<'a, 'ast> {
    pub(super) fn new(
        source: &'a Source,
        names: &'a Names,
        types: &'a Types<'ast>,
        edition: u16,
        facts: Facts,
    ) -> Self {
        let whole = 0..source.text.len();
        Finder {
            source,
            names,
            types,
            edition,
            facts,
            seen: HashSet::new(),
            bodies: Vec::new(),
            frames: Vec::new(),
            scopes: vec![0],
            regions: vec![whole],
            modules: Vec::new(),
            functions: Vec::new(),
            owner: None,
            attribute: None,
            closures: HashMap::new(),
            places: HashMap::new(),
        }
    }

    pub(super) fn start(&self, span: Span) -> usize {
        self.source.range(span).start
    }

    pub(super) fn scope(&self) -> usize {
        self.scopes.last().copied().unwrap_or(0)
    }

    pub(super) fn in_scope(
        &mut self,
        range: Range<usize>,
        kind: ScopeKind,
        exported: bool,
        visit: impl FnOnce(&mut Self),
    ) {
        let parent = Some(self.scope());
        self.facts.scopes.push(Scope {
            range,
            kind,
            parent,
            exported,
        });
        self.scopes.push(self.facts.scopes.len() - 1);
        visit(self);
        self.scopes.pop();
    }

    pub(super) fn values(&self) -> Values<'_, 'ast> {
        Values {
            types: self.types,
            frames: &self.frames,
        }
    }

    pub(super) fn site(&mut self, kind: Kind, mac: &syn::Macro) {
        let Some(last) = mac.path.segments.last() else {
            return;
        };
        let last = self.source.range(last.ident.span());
        self.seen.insert(last.start);
        let path_range = self.source.range(mac.path.span());
        let mut path: Vec<String> = Vec::new();
        if mac.path.leading_colon.is_some() {
            path.push(String::new());
        }
        path.extend(mac.path.segments.iter().map(|s| s.ident.to_string()));
        let parsed = arguments::parse(&mac.tokens);
        let described = arguments::describe(self.source, kind, &mac.tokens);
        let range = path_range.start..self.source.range(mac.delimiter.span().close()).end;
        let around = self.surroundings();
        let site = Site {
            kind,
            path,
            name: described.name,
            form: described.form,
            arguments: described.count,
            kept: marker::keeps(&self.source.text, &range),
            range,
            last,
            place: self
                .places
                .remove(&path_range.start)
                .unwrap_or(Place::Expression),
            braces: matches!(mac.delimiter, syn::MacroDelimiter::Brace(_)),
            function: self.functions.last().cloned().unwrap_or_default(),
            path_range,
            body: around.words,
            obstacle: around.obstacle,
            in_place: around.in_place,
            around: around.edits,
            native: parsed.as_deref().map_or(
                Err(Reason::NativeClosure("the arguments do not parse")),
                |parsed| arguments::native(self.source, parsed),
            ),
        };
        self.facts.sites.push(site);
        for (at, argument) in parsed.iter().flatten().enumerate() {
            if at + 1 == described.count {
                self.closure_is(argument, Use::Left(Reason::FailpointClosure));
            }
            self.visit_expr(argument);
        }
    }

    pub(super) fn macro_definition(&mut self, name: &syn::Ident, item: &syn::ItemMacro) {
        let at = self.start(item.span());
        let region = self.regions.last().cloned().unwrap_or(0..0);
        self.facts.macros.push(MacroDefinition {
            name: name.to_string(),
            at,
            visible: at..region.end,
            top: self.regions.len() == 1,
            exported: names::has_attribute(&item.attrs, "macro_export"),
            forwards: closures::forwards(&item.mac.tokens),
        });
    }

    pub(super) fn include(&mut self, mac: &syn::Macro) {
        let Ok(path) = syn::parse2::<syn::LitStr>(mac.tokens.clone()) else {
            return;
        };
        let into = match self.functions.last() {
            Some(function) => format!("`{function}`"),
            None => "a place without a function".to_owned(),
        };
        self.facts.includes.push(Include {
            path: path.value(),
            at: self.start(mac.span()),
            into,
            item: self.bodies.is_empty(),
        });
    }

    pub(super) fn called(&mut self, name: String, callee: Callee, span: Span) {
        if let (true, Some(caller)) = (self.in_async(), self.functions.last()) {
            self.facts.calls.push(Call {
                name,
                callee,
                caller: caller.to_string(),
                at: self.source.range(span).start,
            });
        }
    }
}
