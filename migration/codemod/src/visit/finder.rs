//! What is known at a place in a file, and what is written down of it. The walk comes from place to place.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use proc_macro2::Span;
use syn::Expr;
use syn::spanned::Spanned;
use syn::visit::Visit;

use super::closures::{self, Use};
use super::macros::Names;
use super::names::path_text;
use super::receivers::Receivers;
use super::types::Types;
use super::values::{self, Held, Values};
use super::{arguments, definitions, futures, marker, names, types};
use crate::edit::Edit;
use crate::facts::{
    Call, Callee, Facts, Function, Future, Include, Kind, MacroDefinition, Place, Scope, ScopeKind,
    Site,
};
use crate::reason::Reason;
use crate::source::Source;

/// A function, closure or async block.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) kind: BodyKind,
    /// The first frame of bindings that belongs to it.
    pub(super) first_frame: usize,
}

/// Whether code in a body can await.
#[derive(Debug)]
pub(super) enum BodyKind {
    /// It can; in words, what it is. The future that it makes.
    Async(&'static str, Future),
    /// It cannot.
    Sync(Reason),
    /// A closure that becomes an async block: the body around it decides.
    InPlace(usize),
    /// A `spawn_blocking` around nothing but a site; the edits take it away.
    Spawn(Vec<Edit>),
}

/// What the bodies around a site say.
#[derive(Debug)]
pub(super) struct Surroundings {
    pub(super) words: &'static str,
    pub(super) obstacle: Option<Reason>,
    pub(super) future: Option<Future>,
    pub(super) in_place: Option<usize>,
    pub(super) edits: Vec<Edit>,
}

/// What is known at a place.
pub(super) struct Finder<'a, 'ast> {
    pub(super) source: &'a Source,
    pub(super) names: &'a Names,
    pub(super) edition: u16,
    pub(super) facts: Facts,
    /// Where the last segments of the found sites begin.
    pub(super) seen: HashSet<usize>,
    pub(super) bodies: Vec<Body>,
    pub(super) values: Values<'a, 'ast>,
    pub(super) scopes: Vec<usize>,
    /// Blocks and modules around, for `macro_rules!`.
    pub(super) regions: Vec<Range<usize>>,
    pub(super) modules: Vec<String>,
    /// Functions around.
    pub(super) functions: Vec<Function>,
    pub(super) receivers: Receivers,
    pub(super) owner: Option<String>,
    /// On the type's `impl` or on the trait: rewrites all its async functions.
    pub(super) attribute: Option<String>,
    /// Known from what stands around a closure, by where it begins.
    pub(super) closures: HashMap<usize, Use>,
    /// Names in places that do not take the value, by where they begin.
    pub(super) looked_at: HashSet<usize>,
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
            edition,
            facts,
            seen: HashSet::new(),
            bodies: Vec::new(),
            values: Values {
                source,
                types,
                frames: Vec::new(),
                no_cells: HashSet::new(),
            },
            scopes: vec![0],
            regions: vec![whole],
            modules: Vec::new(),
            functions: Vec::new(),
            receivers: Receivers::default(),
            owner: None,
            attribute: None,
            closures: HashMap::new(),
            looked_at: HashSet::new(),
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
        let around = self.surroundings(range.end);
        let futures = &mut self.facts.futures;
        let future = around.future.map(|future| {
            let known = futures.iter().position(|known| *known == future);
            known.unwrap_or_else(|| {
                futures.push(future);
                futures.len() - 1
            })
        });
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
            future,
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
            forwards: definitions::forwards(&item.mac.tokens),
            gate: definitions::gate(&item.mac.tokens),
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

    /// What stands around the place before the byte `end`.
    pub(super) fn surroundings(&self, end: usize) -> Surroundings {
        let mut found = Surroundings {
            words: "no function",
            obstacle: Some(Reason::Included("an unknown place".to_owned())),
            future: None,
            in_place: None,
            edits: Vec::new(),
        };
        for body in self.bodies.iter().rev() {
            match &body.kind {
                BodyKind::InPlace(group) => {
                    found.in_place.get_or_insert(*group);
                }
                BodyKind::Spawn(edits) => found.edits.clone_from(edits),
                BodyKind::Sync(reason) => {
                    found.words = match reason {
                        Reason::SyncFunction(_) => "sync function",
                        Reason::Drop(_) => "drop",
                        Reason::Constant => "constant",
                        Reason::Attribute(_) => "async function",
                        _ => "sync closure",
                    };
                    found.obstacle = Some(reason.clone());
                    break;
                }
                BodyKind::Async(words, future) => {
                    found.words = words;
                    let outermost = self.regions.get(1).map_or(end, |region| region.end);
                    let rest = self.source.slice(end..outermost.max(end));
                    found.obstacle = self.values.held_since(body.first_frame, rest);
                    found.future = found.obstacle.is_some().then(|| future.clone());
                    break;
                }
            }
        }
        found
    }

    pub(super) fn in_async(&self) -> bool {
        let decides = self
            .bodies
            .iter()
            .rev()
            .find(|body| !matches!(body.kind, BodyKind::InPlace(_) | BodyKind::Spawn(_)));
        matches!(decides, Some(body) if matches!(body.kind, BodyKind::Async(..)))
    }

    pub(super) fn in_body(&mut self, kind: BodyKind, visit: impl FnOnce(&mut Self)) {
        self.bodies.push(Body {
            kind,
            first_frame: self.values.frames.len(),
        });
        visit(self);
        self.bodies.pop();
    }

    pub(super) fn in_frame(&mut self, held: Vec<Held>, visit: impl FnOnce(&mut Self)) {
        self.values.frames.push(held);
        visit(self);
        self.values.frames.pop();
    }

    pub(super) fn in_constant(&mut self, visit: impl FnOnce(&mut Self)) {
        self.in_body(BodyKind::Sync(Reason::Constant), visit);
    }

    pub(super) fn in_function(
        &mut self,
        attributes: &[syn::Attribute],
        signature: &syn::Signature,
        block: &syn::Block,
    ) {
        let name = signature.ident.to_string();
        let owner = self.owner.clone().filter(|owner| !owner.is_empty());
        let function = Function { owner, name };
        let in_drop = matches!(
            self.bodies.last(),
            Some(Body {
                kind: BodyKind::Sync(Reason::Drop(_)),
                ..
            })
        );
        let rewriting = rewriting(attributes).or_else(|| self.attribute.clone());
        let kind = match rewriting.filter(|_| signature.asyncness.is_some()) {
            Some(attribute) => BodyKind::Sync(Reason::Attribute(attribute)),
            None if signature.asyncness.is_some() => {
                let future = futures::of_function(self.source, attributes, signature, block);
                BodyKind::Async("async function", future)
            }
            None if in_drop && function.name == "drop" => {
                BodyKind::Sync(Reason::Drop(function.owner.clone().unwrap_or_default()))
            }
            None => BodyKind::Sync(Reason::SyncFunction(function.to_string())),
        };
        let held = self
            .values
            .held_by_parameters(signature.inputs.iter().filter_map(|input| match input {
                syn::FnArg::Typed(typed) => Some(typed),
                syn::FnArg::Receiver(_) => None,
            }));
        let receivers = std::mem::take(&mut self.receivers);
        let no_cells = std::mem::take(&mut self.values.no_cells);
        for input in &signature.inputs {
            if let syn::FnArg::Typed(typed) = input {
                self.is_of(&typed.pat, Some(&typed.ty), types::pointee(&typed.ty));
            }
        }
        self.functions.push(function);
        self.in_body(kind, |finder| {
            finder.in_frame(held, |finder| finder.visit_block(block));
        });
        self.functions.pop();
        (self.receivers, self.values.no_cells) = (receivers, no_cells);
    }

    pub(super) fn method_call(&mut self, call: &syn::ExprMethodCall) {
        if self.in_async() {
            let owner = self.owner.as_deref();
            let types = self.values.types;
            let callee = self.receivers.callee(types, owner, &call.receiver);
            self.called(call.method.to_string(), callee, call.method.span());
        }
        self.looks_at(&call.receiver);
        self.visit_expr(&call.receiver);
        for argument in &call.args {
            let callee = call.method.to_string();
            self.closure_is(argument, Use::Left(Reason::PassedTo(callee)));
        }
        // The receiver lives while the arguments are made.
        let held = match call.args.is_empty() {
            true => Vec::new(),
            false => self.values.held_by_head(&call.receiver, &[]),
        };
        self.in_frame(held, |finder| {
            for argument in &call.args {
                finder.visit_expr(argument);
            }
        });
    }

    /// Remembers the type of a binding.
    pub(super) fn is_of(
        &mut self,
        pattern: &syn::Pat,
        written: Option<&syn::Type>,
        ty: Option<String>,
    ) {
        for name in values::bindings(pattern) {
            self.values.no_cells.remove(&name.to_string());
        }
        // A type's parameter may be any type.
        let no_cell = ty.is_some() && written.is_some_and(|written| !types::has_cell(written));
        if let (syn::Pat::Ident(binding), true) = (pattern, no_cell) {
            self.values.no_cells.insert(binding.ident.to_string());
        }
        self.receivers.bind(pattern, ty);
    }

    pub(super) fn looks_at(&mut self, expr: &Expr) {
        if let (Expr::Path(path), true) = (expr, self.values.holds_any()) {
            let at = self.start(path.path.span());
            self.looked_at.insert(at);
        }
    }

    pub(super) fn place_is(&mut self, mac: &syn::Macro, place: Place) {
        let at = self.start(mac.path.span());
        self.places.insert(at, place);
    }

    /// `drop(name)` as a statement of its own.
    pub(super) fn is_drop_of(call: &syn::ExprCall) -> Option<String> {
        let Expr::Path(callee) = &*call.func else {
            return None;
        };
        let is_drop = callee.path.segments.last()?.ident == "drop";
        match (is_drop, call.args.first()) {
            (true, Some(Expr::Path(path))) if call.args.len() == 1 => {
                Some(path.path.get_ident()?.to_string())
            }
            _ => None,
        }
    }

    /// Says what is done with `expr`, if it is a closure. The first word counts.
    pub(super) fn closure_is(&mut self, expr: &Expr, what: Use) {
        let Some(closure) = closures::bare_closure(expr) else {
            return;
        };
        let at = self.start(closure.span());
        self.closures.entry(at).or_insert(what);
    }

    pub(super) fn eval(&mut self, call: &syn::ExprCall, path: &syn::Path) {
        let (name, obstacle) = match call.args.first() {
            Some(Expr::Lit(syn::ExprLit {
                lit: syn::Lit::Str(name),
                ..
            })) => (name.value(), Reason::EvalOfLiteral),
            Some(name) => {
                let range = self.source.range(name.span());
                (self.source.slice(range).to_owned(), Reason::Eval)
            }
            None => (String::new(), Reason::Eval),
        };
        let function = self.functions.last().cloned().unwrap_or_default();
        let path_range = self.source.range(path.span());
        let last = path
            .segments
            .last()
            .map(|last| self.source.range(last.ident.span()));
        self.seen.extend(last.as_ref().map(|last| last.start));
        self.facts.sites.push(Site {
            kind: Kind::Eval,
            path: path_text(path).split("::").map(str::to_owned).collect(),
            name,
            form: "eval",
            arguments: call.args.len(),
            range: self.source.range(call.span()),
            last: last.unwrap_or_else(|| path_range.clone()),
            path_range,
            place: Place::Expression,
            braces: false,
            function,
            body: self.surroundings(0).words,
            obstacle: Some(obstacle),
            future: None,
            in_place: None,
            around: Vec::new(),
            native: Ok(Vec::new()),
            kept: false,
        });
    }
}

/// Attributes that rewrite the awaits of an async function before macros are expanded: they
/// do not see one that a macro brings.
pub(super) fn rewriting(attributes: &[syn::Attribute]) -> Option<String> {
    attributes.iter().find_map(|attribute| {
        let name = attribute.path().segments.last()?.ident.to_string();
        let known = ["stream", "try_stream", "maybe_async", "must_be_sync"];
        known.contains(&name.as_str()).then_some(name)
    })
}
