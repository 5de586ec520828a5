//! The bodies around a site, and the values that are held in them.

use syn::spanned::Spanned;
use syn::visit::Visit;
use syn::{Expr, Stmt};

use super::closures::Use;
use super::finder::Finder;
use super::types;
use super::values::{self, Held};
use crate::edit::Edit;
use crate::facts::{Callee, Function, Place};
use crate::reason::Reason;

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
    /// It can; in words, what it is.
    Async(&'static str),
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
    pub(super) in_place: Option<usize>,
    pub(super) edits: Vec<Edit>,
}

impl Finder<'_, '_> {
    pub(super) fn surroundings(&self) -> Surroundings {
        let mut found = Surroundings {
            words: "no function",
            obstacle: Some(Reason::Included("an unknown place".to_owned())),
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
                BodyKind::Async(words) => {
                    found.words = words;
                    found.obstacle = self.held_since(body.first_frame);
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
        matches!(decides, Some(body) if matches!(body.kind, BodyKind::Async(_)))
    }

    fn held_since(&self, first_frame: usize) -> Option<Reason> {
        let held = self
            .frames
            .get(first_frame..)?
            .iter()
            .rev()
            .find_map(|frame| frame.last())?;
        Some(Reason::Held {
            binding: held.binding.clone(),
            what: held.what,
            line: self.source.position(self.start(held.at)).line,
        })
    }

    pub(super) fn in_body(&mut self, kind: BodyKind, visit: impl FnOnce(&mut Self)) {
        self.bodies.push(Body {
            kind,
            first_frame: self.frames.len(),
        });
        visit(self);
        self.bodies.pop();
    }

    pub(super) fn in_frame(&mut self, held: Vec<Held>, visit: impl FnOnce(&mut Self)) {
        self.frames.push(held);
        visit(self);
        self.frames.pop();
    }

    pub(super) fn in_constant(&mut self, visit: impl FnOnce(&mut Self)) {
        self.in_body(BodyKind::Sync(Reason::Constant), visit);
    }

    pub(super) fn in_function(
        &mut self,
        attributes: &[syn::Attribute],
        signature: &syn::Signature,
        visit: impl FnOnce(&mut Self),
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
            None if signature.asyncness.is_some() => BodyKind::Async("async function"),
            None if in_drop && function.name == "drop" => {
                BodyKind::Sync(Reason::Drop(function.owner.clone().unwrap_or_default()))
            }
            None => BodyKind::Sync(Reason::SyncFunction(function.to_string())),
        };
        let held =
            self.held_by_parameters(signature.inputs.iter().filter_map(|input| match input {
                syn::FnArg::Typed(typed) => Some(typed),
                syn::FnArg::Receiver(_) => None,
            }));
        self.functions.push(function);
        self.in_body(kind, |finder| {
            finder.in_frame(held, visit);
        });
        self.functions.pop();
    }

    pub(super) fn held_by_parameters<'p>(
        &self,
        parameters: impl Iterator<Item = &'p syn::PatType>,
    ) -> Vec<Held> {
        let mut held = Vec::new();
        for parameter in parameters {
            if let Some(what) = self.types.not_send(&parameter.ty) {
                for binding in values::bindings(&parameter.pat) {
                    held.push(self.named(&binding, what));
                }
            }
        }
        held
    }

    fn named(&self, binding: &syn::Ident, what: &'static str) -> Held {
        Held {
            binding: binding.to_string(),
            what,
            at: binding.span(),
            used: false,
        }
    }

    /// `let pattern: type = value else { .. };`
    pub(super) fn bind(&mut self, local: &syn::Local) {
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
        let what = ty.and_then(|ty| self.types.not_send(ty)).or_else(|| {
            let init = local.init.as_ref()?;
            // A type that is written and known to be harmless needs no look at the value.
            if ty.is_some_and(|ty| !matches!(ty, syn::Type::Infer(_))) && !has_infer(ty) {
                return None;
            }
            self.values().of(&init.expr)
        });
        if let Some(what) = what {
            let held: Vec<Held> = names.iter().map(|name| self.named(name, what)).collect();
            if let Some(frame) = self.frames.last_mut() {
                frame.extend(held);
            }
        }
    }

    pub(super) fn match_arms(&mut self, item: &syn::ExprMatch) {
        self.visit_expr(&item.expr);
        let through = self.held_by_head(&item.expr, &[]);
        let what = self.values().of(&item.expr);
        self.in_frame(through, |finder| {
            for arm in &item.arms {
                let held = match what {
                    Some(what) => values::bindings(&arm.pat)
                        .iter()
                        .map(|name| finder.named(name, what))
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

    pub(super) fn branches(&mut self, item: &syn::ExprIf) {
        self.visit_expr(&item.cond);
        let held = self.held_by_condition(&item.cond);
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

    /// What `if let` and `while let` hold, chains included; a plain condition holds nothing.
    pub(super) fn held_by_condition(&self, condition: &Expr) -> Vec<Held> {
        match condition {
            Expr::Let(item) => self.held_by_head(&item.expr, &values::bindings(&item.pat)),
            Expr::Binary(binary) if matches!(binary.op, syn::BinOp::And(_)) => {
                let mut held = self.held_by_condition(&binary.left);
                held.extend(self.held_by_condition(&binary.right));
                held
            }
            Expr::Paren(inner) => self.held_by_condition(&inner.expr),
            _ => Vec::new(),
        }
    }

    /// What lives through the body of which `head` is the head.
    pub(super) fn held_by_head(&self, head: &Expr, names: &[syn::Ident]) -> Vec<Held> {
        let values = self.values();
        let mut held = Vec::new();
        if let Some((what, span)) = values.temporary(head) {
            held.push(Held {
                binding: self.source.slice(self.source.range(span)).to_owned(),
                what,
                at: span,
                used: true,
            });
        }
        if let Some(what) = values.of(head) {
            held.extend(names.iter().map(|name| self.named(name, what)));
        }
        held
    }

    pub(super) fn used(&mut self, name: &str) {
        let held = self
            .frames
            .iter_mut()
            .rev()
            .flat_map(|frame| frame.iter_mut().rev())
            .find(|held| held.binding == name);
        if let Some(held) = held {
            held.used = true;
        }
    }

    pub(super) fn used_in(&mut self, tokens: &proc_macro2::TokenStream) {
        for held in self.frames.iter_mut().flatten() {
            if !held.used && values::mentions(tokens, &held.binding) {
                held.used = true;
            }
        }
    }

    /// `drop(name)` of a guard that nothing looked at ends it, where it always runs.
    pub(super) fn dropped(&mut self, name: &str) -> bool {
        let Some(frame) = self.frames.last_mut() else {
            return false;
        };
        match frame.iter().rposition(|held| held.binding == name) {
            Some(at) if frame.get(at).is_some_and(|held| !held.used) => {
                frame.remove(at);
                true
            }
            _ => false,
        }
    }

    pub(super) fn method_call(&mut self, call: &syn::ExprMethodCall) {
        self.called(call.method.to_string(), Callee::Method, call.method.span());
        self.visit_expr(&call.receiver);
        for argument in &call.args {
            let callee = call.method.to_string();
            self.closure_is(argument, Use::Left(Reason::PassedTo(callee)));
        }
        // The receiver lives while the arguments are made.
        let held = match self.values().temporary(&call.receiver) {
            Some((what, span)) if !call.args.is_empty() => vec![Held {
                binding: self.source.slice(self.source.range(span)).to_owned(),
                what,
                at: span,
                used: true,
            }],
            _ => Vec::new(),
        };
        self.in_frame(held, |finder| {
            for argument in &call.args {
                finder.visit_expr(argument);
            }
        });
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

    /// The only expression of a block.
    pub(super) fn only_statement(block: &syn::Block) -> Option<&Stmt> {
        match block.stmts.as_slice() {
            [only] => Some(only),
            _ => None,
        }
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

/// `Option<_>` and the like say too little.
fn has_infer(ty: Option<&syn::Type>) -> bool {
    struct Infer(bool);
    impl<'e> Visit<'e> for Infer {
        fn visit_type_infer(&mut self, _: &'e syn::TypeInfer) {
            self.0 = true;
        }
    }
    let mut search = Infer(false);
    if let Some(ty) = ty {
        search.visit_type(ty);
    }
    search.0 || ty.is_some_and(|ty| types::last_name(ty) == "impl")
}
