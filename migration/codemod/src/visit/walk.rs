//! The walk over a file's syntax tree: what it knows at a place, and what it writes down.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use proc_macro2::Span;
use quote::ToTokens as _;
use syn::spanned::Spanned;
use syn::visit::Visit;
use syn::{Expr, Stmt};

use super::closures::{self, Use};
use super::macros::Names;
use super::names::path_text;
use super::receivers::{Receivers, callee_of};
use super::types::Types;
use super::values::{self, Held, Values};
use super::{arguments, definitions, futures, inner, marker, names, types};
use crate::edit::Edit;
use crate::facts::{
    Call, Callee, Facts, Function, Future, Include, Kind, MacroDefinition, ModuleFile, Place,
    Scope, ScopeKind, Site,
};
use crate::reason::Reason;
use crate::source::Source;

/// A function, closure or async block.
#[derive(Debug)]
struct Body {
    kind: BodyKind,
    /// The first frame of bindings that belongs to it.
    first_frame: usize,
}

/// Whether code in a body can await.
#[derive(Debug)]
enum BodyKind {
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
struct Surroundings {
    words: &'static str,
    obstacle: Option<Reason>,
    future: Option<Future>,
    in_place: Option<usize>,
    edits: Vec<Edit>,
}

/// What is known at a place.
pub(super) struct Finder<'a, 'ast> {
    source: &'a Source,
    names: &'a Names,
    edition: u16,
    pub(super) facts: Facts,
    /// Where the last segments of the found sites begin.
    pub(super) seen: HashSet<usize>,
    bodies: Vec<Body>,
    values: Values<'a, 'ast>,
    scopes: Vec<usize>,
    /// Blocks and modules around, for `macro_rules!`.
    regions: Vec<Range<usize>>,
    modules: Vec<String>,
    /// Functions around.
    functions: Vec<Function>,
    receivers: Receivers,
    owner: Option<String>,
    /// On the type's `impl` or on the trait: rewrites all its async functions.
    attribute: Option<String>,
    /// Known from what stands around a closure, by where it begins.
    closures: HashMap<usize, Use>,
    /// Names in places that do not take the value, by where they begin.
    looked_at: HashSet<usize>,
    /// Known from what stands around a macro call, by where it begins.
    places: HashMap<usize, Place>,
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

    fn start(&self, span: Span) -> usize {
        self.source.range(span).start
    }

    fn scope(&self) -> usize {
        self.scopes.last().copied().unwrap_or(0)
    }

    fn in_scope(
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

    fn site(&mut self, kind: Kind, mac: &syn::Macro) {
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

    fn macro_definition(&mut self, name: &syn::Ident, item: &syn::ItemMacro) {
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

    fn include(&mut self, mac: &syn::Macro) {
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

    fn called(&mut self, name: String, callee: Callee, span: Span) {
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
    fn surroundings(&self, end: usize) -> Surroundings {
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

    fn in_async(&self) -> bool {
        let decides = self
            .bodies
            .iter()
            .rev()
            .find(|body| !matches!(body.kind, BodyKind::InPlace(_) | BodyKind::Spawn(_)));
        matches!(decides, Some(body) if matches!(body.kind, BodyKind::Async(..)))
    }

    fn in_body(&mut self, kind: BodyKind, visit: impl FnOnce(&mut Self)) {
        self.bodies.push(Body {
            kind,
            first_frame: self.values.frames.len(),
        });
        visit(self);
        self.bodies.pop();
    }

    fn in_frame(&mut self, held: Vec<Held>, visit: impl FnOnce(&mut Self)) {
        self.values.frames.push(held);
        visit(self);
        self.values.frames.pop();
    }

    fn in_constant(&mut self, visit: impl FnOnce(&mut Self)) {
        self.in_body(BodyKind::Sync(Reason::Constant), visit);
    }

    fn in_function(
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

    fn method_call(&mut self, call: &syn::ExprMethodCall) {
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
    fn is_of(&mut self, pattern: &syn::Pat, written: Option<&syn::Type>, ty: Option<String>) {
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

    fn looks_at(&mut self, expr: &Expr) {
        if let (Expr::Path(path), true) = (expr, self.values.holds_any()) {
            let at = self.start(path.path.span());
            self.looked_at.insert(at);
        }
    }

    fn place_is(&mut self, mac: &syn::Macro, place: Place) {
        let at = self.start(mac.path.span());
        self.places.insert(at, place);
    }

    /// `drop(name)` as a statement of its own.
    fn is_drop_of(call: &syn::ExprCall) -> Option<String> {
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
    fn closure_is(&mut self, expr: &Expr, what: Use) {
        let Some(closure) = closures::bare_closure(expr) else {
            return;
        };
        let at = self.start(closure.span());
        self.closures.entry(at).or_insert(what);
    }

    fn eval(&mut self, call: &syn::ExprCall, path: &syn::Path) {
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
fn rewriting(attributes: &[syn::Attribute]) -> Option<String> {
    attributes.iter().find_map(|attribute| {
        let name = attribute.path().segments.last()?.ident.to_string();
        let known = ["stream", "try_stream", "maybe_async", "must_be_sync"];
        known.contains(&name.as_str()).then_some(name)
    })
}

impl<'e> Visit<'e> for Finder<'_, '_> {
    fn visit_item_use(&mut self, item: &'e syn::ItemUse) {
        let found = names::imports(self.source, item, self.scope());
        self.facts.imports.extend(found);
    }

    fn visit_item_extern_crate(&mut self, item: &'e syn::ItemExternCrate) {
        let found = names::extern_crate(self.source, item);
        self.facts.extern_crates.push(found);
    }

    fn visit_item_mod(&mut self, item: &'e syn::ItemMod) {
        let name = item.ident.to_string();
        let path = names::path_attribute(&item.attrs);
        let range = self.source.range(item.span());
        let exported = matches!(item.vis, syn::Visibility::Public(_));
        if item.content.is_none() {
            self.facts.modules.push(ModuleFile {
                name,
                inside: self.modules.clone(),
                scope: self.scope(),
                path,
                exported,
            });
            return;
        }
        let leaks = names::has_attribute(&item.attrs, "macro_use");
        self.modules.push(path.unwrap_or_else(|| name.clone()));
        if !leaks {
            self.regions.push(range.clone());
        }
        self.in_scope(range, ScopeKind::Module(name), exported, |finder| {
            syn::visit::visit_item_mod(finder, item);
        });
        if !leaks {
            self.regions.pop();
        }
        self.modules.pop();
    }

    fn visit_item_macro(&mut self, item: &'e syn::ItemMacro) {
        match &item.ident {
            Some(name) => self.macro_definition(name, item),
            None => syn::visit::visit_item_macro(self, item),
        }
    }

    fn visit_item_impl(&mut self, item: &'e syn::ItemImpl) {
        let outer = self.owner.replace(types::last_name(&item.self_ty));
        let around = std::mem::replace(&mut self.attribute, rewriting(&item.attrs));
        let is_drop = item.trait_.as_ref().is_some_and(|(_, path, _)| {
            path.segments
                .last()
                .is_some_and(|segment| segment.ident == "Drop")
        });
        if is_drop {
            let of = self.owner.clone().unwrap_or_default();
            let kind = BodyKind::Sync(Reason::Drop(of));
            self.in_body(kind, |finder| syn::visit::visit_item_impl(finder, item));
        } else {
            syn::visit::visit_item_impl(self, item);
        }
        self.attribute = around;
        self.owner = outer;
    }

    fn visit_item_trait(&mut self, item: &'e syn::ItemTrait) {
        let outer = self.owner.replace(item.ident.to_string());
        let around = std::mem::replace(&mut self.attribute, rewriting(&item.attrs));
        syn::visit::visit_item_trait(self, item);
        self.attribute = around;
        self.owner = outer;
    }

    fn visit_item_fn(&mut self, item: &'e syn::ItemFn) {
        let owner = self.owner.take();
        let around = self.attribute.take();
        self.in_function(&item.attrs, &item.sig, &item.block);
        self.attribute = around;
        self.owner = owner;
    }

    fn visit_impl_item_fn(&mut self, item: &'e syn::ImplItemFn) {
        self.in_function(&item.attrs, &item.sig, &item.block);
    }

    fn visit_trait_item_fn(&mut self, item: &'e syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.in_function(&item.attrs, &item.sig, block);
        }
    }

    fn visit_item_const(&mut self, item: &'e syn::ItemConst) {
        self.in_constant(|finder| finder.visit_expr(&item.expr));
    }

    fn visit_item_static(&mut self, item: &'e syn::ItemStatic) {
        self.in_constant(|finder| finder.visit_expr(&item.expr));
    }

    fn visit_impl_item_const(&mut self, item: &'e syn::ImplItemConst) {
        self.in_constant(|finder| finder.visit_expr(&item.expr));
    }

    fn visit_expr_const(&mut self, item: &'e syn::ExprConst) {
        self.in_constant(|finder| finder.visit_block(&item.block));
    }

    fn visit_expr_closure(&mut self, closure: &'e syn::ExprClosure) {
        if closure.capture.is_some() && self.values.holds_any() {
            let tokens = closure.body.to_token_stream();
            self.values.used_in(&tokens, true);
        }
        let known = self.closures.remove(&self.start(closure.span()));
        let kind = if closure.asyncness.is_some() {
            BodyKind::Async("async closure", futures::of_closure(self.source, closure))
        } else {
            match known {
                None => BodyKind::Sync(Reason::SyncClosure),
                Some(Use::Left(reason)) => BodyKind::Sync(reason),
                Some(Use::Spawn(edits)) => BodyKind::Spawn(edits),
                Some(Use::InPlace(edits)) => {
                    self.facts.in_place.push(edits);
                    BodyKind::InPlace(self.facts.in_place.len() - 1)
                }
            }
        };
        let held = self
            .values
            .held_by_parameters(closure.inputs.iter().filter_map(|input| match input {
                syn::Pat::Type(typed) => Some(typed),
                _ => None,
            }));
        self.in_body(kind, |finder| {
            finder.in_frame(held, |finder| finder.visit_expr(&closure.body));
        });
    }

    fn visit_expr_async(&mut self, block: &'e syn::ExprAsync) {
        if block.capture.is_some() && self.values.holds_any() {
            let tokens = block.block.to_token_stream();
            self.values.used_in(&tokens, true);
        }
        let future = futures::of_block(self.source, block);
        self.in_body(BodyKind::Async("async block", future), |finder| {
            finder.visit_block(&block.block);
        });
    }

    fn visit_block(&mut self, block: &'e syn::Block) {
        // Of its braces: to ask the block itself prints all that is in it.
        let range = self.source.range(block.brace_token.span.join());
        self.values.frames.push(Vec::new());
        self.regions.push(range.clone());
        let has_names = block.stmts.iter().any(|statement| {
            matches!(
                statement,
                Stmt::Item(syn::Item::Use(_) | syn::Item::ExternCrate(_))
            )
        });
        if has_names {
            self.in_scope(range, ScopeKind::Block, false, |finder| {
                syn::visit::visit_block(finder, block);
            });
        } else {
            syn::visit::visit_block(self, block);
        }
        self.regions.pop();
        self.values.frames.pop();
    }

    fn visit_stmt(&mut self, statement: &'e Stmt) {
        match statement {
            Stmt::Macro(call) => {
                self.place_is(&call.mac, Place::Statement);
            }
            Stmt::Expr(Expr::Macro(call), Some(_)) => {
                self.place_is(&call.mac, Place::Statement);
            }
            _ => {}
        }
        if let Some((argument, what)) = closures::spawn_blocking(self.source, self.names, statement)
        {
            self.closure_is(argument, what);
        }
        syn::visit::visit_stmt(self, statement);
    }

    /// `let pattern: type = value else { .. };`
    fn visit_local(&mut self, local: &'e syn::Local) {
        let (pattern, ty) = match &local.pat {
            syn::Pat::Type(typed) => (&*typed.pat, Some(&*typed.ty)),
            pattern => (pattern, None),
        };
        let names = values::bindings(pattern);
        if let Some(init) = &local.init {
            let place = names.first().map_or("_".to_owned(), ToString::to_string);
            self.closure_is(&init.expr, Use::Left(Reason::Stored(place)));
            self.visit_expr(&init.expr);
            if let Some((_, diverge)) = &init.diverge {
                self.visit_expr(diverge);
            }
        }
        let written = ty.filter(|ty| !matches!(ty, syn::Type::Infer(_)));
        let known = written.map(types::pointee).unwrap_or_else(|| {
            let init = local.init.as_ref()?;
            self.receivers
                .type_of(self.values.types, self.owner.as_deref(), &init.expr)
        });
        self.is_of(pattern, written, known);
        let what = ty
            .and_then(|ty| self.values.types.not_send(ty))
            .or_else(|| {
                let init = local.init.as_ref()?;
                // A type that is written and known to be harmless needs no look at the value.
                if ty.is_some_and(|ty| !matches!(ty, syn::Type::Infer(_))) && !values::has_infer(ty)
                {
                    return None;
                }
                self.values.of(&init.expr)
            });
        if let Some(what) = what {
            let held: Vec<Held> = names
                .iter()
                .map(|name| self.values.named(name, what))
                .collect();
            if let Some(frame) = self.values.frames.last_mut() {
                frame.extend(held);
            }
        }
    }

    fn visit_expr_match(&mut self, item: &'e syn::ExprMatch) {
        self.visit_expr(&item.expr);
        let through = self.values.held_by_head(&item.expr, &[]);
        let what = self.values.of(&item.expr);
        self.in_frame(through, |finder| {
            for arm in &item.arms {
                let held = match what {
                    Some(what) => values::bindings(&arm.pat)
                        .iter()
                        .map(|name| finder.values.named(name, what))
                        .collect(),
                    None => Vec::new(),
                };
                finder.in_frame(held, |finder| {
                    if let Some((_, guard)) = &arm.guard {
                        finder.visit_expr(guard);
                    }
                    finder.visit_expr(&arm.body);
                });
            }
        });
    }

    fn visit_expr_if(&mut self, item: &'e syn::ExprIf) {
        self.visit_expr(&item.cond);
        let held = self.values.held_by_condition(&item.cond);
        let in_else = if self.edition >= 2024 {
            Vec::new()
        } else {
            held.clone()
        };
        self.in_frame(held, |finder| finder.visit_block(&item.then_branch));
        if let Some((_, otherwise)) = &item.else_branch {
            self.in_frame(in_else, |finder| finder.visit_expr(otherwise));
        }
    }

    fn visit_expr_while(&mut self, item: &'e syn::ExprWhile) {
        self.visit_expr(&item.cond);
        let held = self.values.held_by_condition(&item.cond);
        self.in_frame(held, |finder| finder.visit_block(&item.body));
    }

    fn visit_expr_for_loop(&mut self, item: &'e syn::ExprForLoop) {
        self.visit_expr(&item.expr);
        let held = self.values.held_by_head(&item.expr, &[]);
        self.in_frame(held, |finder| finder.visit_block(&item.body));
    }

    fn visit_expr_await(&mut self, item: &'e syn::ExprAwait) {
        if let Expr::Macro(call) = &*item.base {
            self.place_is(&call.mac, Place::Awaited);
        }
        syn::visit::visit_expr_await(self, item);
    }

    fn visit_expr_try(&mut self, item: &'e syn::ExprTry) {
        if let Expr::Macro(call) = &*item.expr {
            self.place_is(&call.mac, Place::Tried);
        }
        syn::visit::visit_expr_try(self, item);
    }

    fn visit_expr_call(&mut self, call: &'e syn::ExprCall) {
        if let Some(name) = Self::is_drop_of(call) {
            if self.values.dropped(&name) {
                return;
            }
        }
        match &*call.func {
            Expr::Path(callee) => {
                if let Some(last) = callee.path.segments.last() {
                    let name = last.ident.to_string();
                    if name == "eval" {
                        self.eval(call, &callee.path);
                    }
                    let named = match callee_of(&callee.path) {
                        Callee::Of(owner) if owner == "Self" => {
                            Callee::Of(self.owner.clone().unwrap_or_default())
                        }
                        other => other,
                    };
                    self.called(name, named, last.ident.span());
                }
                let text = path_text(&callee.path);
                for argument in &call.args {
                    self.closure_is(argument, Use::Left(Reason::PassedTo(text.clone())));
                }
            }
            // `|| -> T { .. }()`, too: without the type, the call would be in the closure.
            callee => {
                if let Some(closure) = closures::bare_closure(callee) {
                    let what = closures::called_in_place(self.source, call, closure);
                    self.closure_is(callee, what);
                }
            }
        }
        self.visit_expr(&call.func);
        // What an argument holds lives while the next ones are made.
        self.values.frames.push(Vec::new());
        for argument in &call.args {
            self.visit_expr(argument);
            if !matches!(argument, Expr::Path(_)) {
                let held = self.values.held_by_head(argument, &[]);
                if let Some(frame) = self.values.frames.last_mut() {
                    frame.extend(held);
                }
            }
        }
        self.values.frames.pop();
    }

    fn visit_expr_method_call(&mut self, call: &'e syn::ExprMethodCall) {
        // A `FailScenario` ends with it, as with `drop`.
        if let (true, Expr::Path(path)) = (call.method == "teardown", &*call.receiver) {
            let name = path.path.get_ident().map(ToString::to_string);
            if name.is_some_and(|name| self.values.dropped(&name)) {
                return;
            }
        }
        self.method_call(call);
    }

    fn visit_expr_assign(&mut self, item: &'e syn::ExprAssign) {
        let left = self.source.range(item.left.span());
        let place = self.source.slice(left).to_owned();
        self.closure_is(&item.right, Use::Left(Reason::Stored(place.clone())));
        syn::visit::visit_expr_assign(self, item);
        // Declared further out: it lives to the end of the body, as far as syntax tells.
        if let Some(what) = self.values.of(&item.right) {
            let first = self.bodies.last().map_or(0, |body| body.first_frame);
            let held = Held {
                binding: place,
                what,
                at: item.span(),
                used: true,
                moved: false,
            };
            if let Some(frame) = self.values.frames.get_mut(first) {
                frame.push(held);
            }
        }
    }

    fn visit_field_value(&mut self, field: &'e syn::FieldValue) {
        let name = self.source.slice(self.source.range(field.member.span()));
        let place = name.to_owned();
        self.closure_is(&field.expr, Use::Left(Reason::Stored(place)));
        syn::visit::visit_field_value(self, field);
    }

    fn visit_expr_path(&mut self, path: &'e syn::ExprPath) {
        if let (Some(name), true) = (path.path.get_ident(), self.values.holds_any()) {
            let looked_at = self.looked_at.remove(&self.start(name.span()));
            self.values.used(&name.to_string(), !looked_at);
        }
    }

    fn visit_expr_reference(&mut self, item: &'e syn::ExprReference) {
        self.looks_at(&item.expr);
        syn::visit::visit_expr_reference(self, item);
    }

    fn visit_expr_field(&mut self, item: &'e syn::ExprField) {
        self.looks_at(&item.base);
        syn::visit::visit_expr_field(self, item);
    }

    fn visit_expr_index(&mut self, item: &'e syn::ExprIndex) {
        self.looks_at(&item.expr);
        syn::visit::visit_expr_index(self, item);
    }

    fn visit_expr_unary(&mut self, item: &'e syn::ExprUnary) {
        self.looks_at(&item.expr);
        syn::visit::visit_expr_unary(self, item);
    }

    fn visit_expr_binary(&mut self, item: &'e syn::ExprBinary) {
        self.looks_at(&item.left);
        self.looks_at(&item.right);
        syn::visit::visit_expr_binary(self, item);
    }

    fn visit_macro(&mut self, mac: &'e syn::Macro) {
        let Some(last) = mac.path.segments.last() else {
            return;
        };
        let name = last.ident.to_string();
        let kind = self.names.kind(&name);
        let moved = kind.is_none() && !inner::only_looks(&name);
        self.values.used_in(&mac.tokens, moved);
        if let Some(kind) = kind {
            self.site(kind, mac);
        } else if name == "include" {
            self.include(mac);
        } else if let Some(found) = inner::expressions(&name, &mac.tokens) {
            for expression in &found {
                self.visit_expr(expression);
            }
        }
    }

    // Types and patterns hold nothing that runs, but for array lengths.
    fn visit_type_array(&mut self, array: &'e syn::TypeArray) {
        self.in_constant(|finder| finder.visit_expr(&array.len));
    }

    fn visit_attribute(&mut self, _: &'e syn::Attribute) {}
}
