//! Which expressions give a value that is known not to be Send, or hold one in a temporary.

use std::collections::HashSet;

use syn::spanned::Spanned;
use syn::visit::Visit;
use syn::{Expr, Pat, Stmt, Type};

use super::types::{self, NotSend, Types};
use crate::reason::Reason;
use crate::source::Source;

/// A value that lives where it matters.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    /// The binding, or the expression.
    pub(crate) binding: String,
    /// What it is.
    pub(crate) what: NotSend,
    /// Where it begins to live.
    pub(crate) at: proc_macro2::Span,
    /// Whether something other than `drop` mentioned it since.
    pub(crate) used: bool,
    /// Whether something may have taken it since.
    pub(crate) moved: bool,
}

/// Judges expressions, given the bindings that are held.
pub(super) struct Values<'a, 'ast> {
    pub(super) source: &'a Source,
    pub(super) types: &'a Types<'ast>,
    /// By block, the innermost last.
    pub(super) frames: Vec<Vec<Held>>,
    /// Parameters and variables whose type is written, and has no lock or cell in it.
    pub(super) no_cells: HashSet<String>,
}

impl Values<'_, '_> {
    /// Why the expression's value is not Send.
    pub(crate) fn of(&self, expr: &Expr) -> Option<NotSend> {
        match expr {
            Expr::Paren(inner) => self.of(&inner.expr),
            Expr::Group(inner) => self.of(&inner.expr),
            Expr::Reference(inner) => {
                let behind = behind(&inner.expr);
                let is_part = matches!(behind, Expr::Unary(_) | Expr::Field(_) | Expr::Index(_));
                // Of anything else it keeps what was asked already: asked twice at each of them, it would
                // be asked for ever where there are many.
                self.of(behind)
                    .or_else(|| is_part.then(|| self.kept_by_reference(behind))?)
            }
            Expr::Await(inner) => match &*inner.base {
                Expr::MethodCall(call) if kind_of_guard(call).is_some() => None,
                base => self.of(base),
            },
            Expr::Try(inner) => self.taken_out(&inner.expr),
            Expr::MethodCall(call) => self.of_method(call),
            Expr::Call(call) => self.of_call(call),
            Expr::Cast(cast) => matches!(&*cast.ty, Type::Ptr(_)).then_some(types::POINTER),
            Expr::RawAddr(_) => Some(types::POINTER),
            Expr::Path(path) => self.of_binding(path),
            Expr::Tuple(tuple) => tuple.elems.iter().find_map(|e| self.of(e)),
            Expr::Array(array) => array.elems.iter().find_map(|e| self.of(e)),
            Expr::Struct(item) => {
                let name = item.path.segments.last().map(|last| last.ident.to_string());
                name.and_then(|name| self.types.own_not_send(&name))
                    .or_else(|| item.fields.iter().find_map(|f| self.of(&f.expr)))
            }
            Expr::Block(block) => self.of_tail(&block.block),
            Expr::Unsafe(block) => self.of_tail(&block.block),
            Expr::If(branches) => self.of_tail(&branches.then_branch).or_else(|| {
                let handed_on = match &*branches.cond {
                    Expr::Let(item) => {
                        self.handed_on(&item.expr, &item.pat, tail(&branches.then_branch))
                    }
                    _ => None,
                };
                handed_on.or_else(|| {
                    let (_, other) = branches.else_branch.as_ref()?;
                    self.of(other)
                })
            }),
            Expr::Match(arms) => arms.arms.iter().find_map(|arm| {
                let body = match &*arm.body {
                    Expr::Block(block) => tail(&block.block),
                    body => Some(body),
                };
                self.of(&arm.body)
                    .or_else(|| self.handed_on(&arms.expr, &arm.pat, body))
            }),
            Expr::Macro(call) if call.mac.path.is_ident("vec") => {
                mentions(&call.mac.tokens, "Rc").then_some(types::RC)
            }
            _ => None,
        }
    }

    fn of_tail(&self, block: &syn::Block) -> Option<NotSend> {
        self.of(tail(block)?)
    }

    /// `let x = &lock().field`: the temporary lives as long as `x`.
    fn kept_by_reference(&self, expr: &Expr) -> Option<NotSend> {
        match expr {
            Expr::Unary(unary) => self.kept_by_reference(&unary.expr),
            Expr::Field(field) => self.kept_by_reference(&field.base),
            Expr::Index(index) => self.kept_by_reference(&index.expr),
            Expr::Paren(inner) => self.kept_by_reference(&inner.expr),
            Expr::Path(_) => None,
            other => self.of(other),
        }
    }

    /// `match lock { Ok(guard) => guard, .. }`: a binding of the pattern that comes out again.
    fn handed_on(&self, from: &Expr, pattern: &Pat, out: Option<&Expr>) -> Option<NotSend> {
        let Some(Expr::Path(path)) = out else {
            return None;
        };
        let name = path.path.get_ident()?;
        let bound = bindings(pattern).iter().any(|binding| binding == name);
        self.of(from).filter(|_| bound)
    }

    fn of_binding(&self, path: &syn::ExprPath) -> Option<NotSend> {
        let name = path.path.get_ident()?.to_string();
        self.frames
            .iter()
            .rev()
            .flat_map(|frame| frame.iter().rev())
            .find(|held| held.binding == name)
            .map(|held| held.what)
    }

    fn of_method(&self, call: &syn::ExprMethodCall) -> Option<NotSend> {
        if let Some(what) = self.guard(call) {
            return Some(what);
        }
        match call.method.to_string().as_str() {
            "unwrap" | "expect" | "unwrap_or_else" | "unwrap_or_default" | "ok" | "unwrap_or" => {
                self.taken_out(&call.receiver)
            }
            "map_err" | "or_else" | "context" | "with_context" | "ok_or" | "ok_or_else"
            | "inspect_err" => self
                .of(&call.receiver)
                .filter(|what| what.what != types::ENTERED.what),
            "as_ptr" | "as_mut_ptr" if call.args.is_empty() => Some(types::POINTER),
            "clone" => match &*call.receiver {
                Expr::Path(path) => self
                    .of_binding(path)
                    .filter(|what| what.what == types::RC.what),
                _ => None,
            },
            name => {
                let returned = self.types.returned_by_method(name);
                let what = returned.iter().find_map(|ty| self.types.not_send(ty))?;
                Some(what.known_if(is_own(call, returned)))
            }
        }
    }

    fn of_call(&self, call: &syn::ExprCall) -> Option<NotSend> {
        let Expr::Path(callee) = &*call.func else {
            return None;
        };
        let names: Vec<String> = callee
            .path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string())
            .collect();
        let last = names.last()?.as_str();
        let owner = names.iter().rev().nth(1).map_or("", String::as_str);
        let full = self.types.full_path(&callee.path);
        match (owner, last) {
            ("Rc", "try_unwrap" | "into_inner" | "strong_count" | "ptr_eq") => None,
            ("Rc", _) => Some(types::RC),
            ("FailScenario", "setup") => Some(types::SCENARIO),
            (_, "thread_rng") => Some(types::GENERATOR),
            (_, "rng") if full.first().is_some_and(|head| head == "rand") => Some(types::GENERATOR),
            ("ptr", "null" | "null_mut" | "from_ref" | "from_mut") => Some(types::POINTER),
            ("MutexGuard" | "RwLockReadGuard" | "RwLockWriteGuard", "map" | "try_map") => {
                Some(types::GUARD)
            }
            ("Ref" | "RefMut", "map" | "map_split") => Some(types::BORROW),
            (_, "Some" | "Ok" | "Err") | ("Box" | "Arc" | "Pin", "new" | "pin") => {
                call.args.iter().find_map(|argument| self.of(argument))
            }
            _ => {
                let returned = self.types.returned_by(&callee.path);
                let makes_own = returned.iter().any(|ty| types::last_name(ty) == "Self");
                returned
                    .iter()
                    .find_map(|ty| self.types.not_send(ty))
                    .or_else(|| self.types.own_not_send(owner).filter(|_| makes_own))
                    // `Pair(a, b)`.
                    .or_else(|| self.types.own_not_send(last))
            }
        }
    }

    /// The guard that a call gives, if it is named like one that does.
    fn guard(&self, call: &syn::ExprMethodCall) -> Option<NotSend> {
        let what = kind_of_guard(call)?;
        let method = call.method.to_string();
        let known = match method.as_str() {
            "enter" | "entered" => is_span(&call.receiver),
            "borrow_and_update" => true,
            method => self.types.names_cell(method) && !self.is_no_cell(&call.receiver),
        };
        Some(what.known_if(known))
    }

    /// Whether what is locked is known to be something else than a lock or cell.
    fn is_no_cell(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Paren(inner) => self.is_no_cell(&inner.expr),
            Expr::Reference(inner) => self.is_no_cell(&inner.expr),
            Expr::Path(path) => {
                let name = path.path.get_ident();
                name.is_some_and(|name| self.no_cells.contains(&name.to_string()))
            }
            Expr::Field(field) => match &field.member {
                syn::Member::Named(name) => self.types.is_no_cell(&name.to_string()),
                syn::Member::Unnamed(_) => false,
            },
            _ => false,
        }
    }

    /// The value of `expr?` or `expr.unwrap()`.
    fn taken_out(&self, expr: &Expr) -> Option<NotSend> {
        let (base, awaited) = match expr {
            Expr::Await(inner) => (&*inner.base, true),
            other => (other, false),
        };
        // Spans and runtimes are entered without a `Result`.
        if matches!(base, Expr::MethodCall(call) if kind_of_guard(call) == Some(types::ENTERED)) {
            return None;
        }
        let returned = match base {
            Expr::Call(call) => match &*call.func {
                Expr::Path(callee) => self.types.returned_by(&callee.path),
                _ => &[],
            },
            Expr::MethodCall(call) if kind_of_guard(call).is_none() => {
                self.types.returned_by_method(&call.method.to_string())
            }
            _ => &[],
        };
        if returned.is_empty() || !matches!(base, Expr::Call(_) | Expr::MethodCall(_)) {
            return if awaited
                && matches!(base, Expr::MethodCall(call) if kind_of_guard(call).is_some())
            {
                None
            } else {
                self.of(base)
            };
        }
        let mut taken = returned.iter().map(|ty| types::taken_out(ty));
        let what = taken.find_map(|ty| self.types.not_send(ty))?;
        let own = !matches!(base, Expr::MethodCall(call) if !is_own(call, returned));
        Some(what.known_if(own))
    }

    /// A temporary in the head of a `match`, `if let`, `while let` or `for`, which lives
    /// through the body; with its text's place.
    pub(crate) fn temporary(&self, head: &Expr) -> Option<(NotSend, proc_macro2::Span)> {
        let mut search = Temporaries {
            values: self,
            found: None,
        };
        search.visit_expr(head);
        search.found
    }
}

impl Values<'_, '_> {
    /// What the body of which this is the first frame holds at a place before `rest`, the text
    /// of the blocks around: the innermost, of what is certain if there is any.
    pub(super) fn held_since(&self, first_frame: usize, rest: &str) -> Option<Reason> {
        let held = self.frames.get(first_frame..)?.iter().rev();
        let held = held.flat_map(|frame| frame.iter().rev());
        // Nothing runs when a pointer goes: the last use ends it.
        let ended =
            |held: &Held| held.what.what == types::POINTER.what && !rest.contains(&held.binding);
        let is_certain = |held: &&Held| held.what.certain && !held.moved && !ended(held);
        let found = held.clone().find(is_certain).or(held.clone().next())?;
        Some(Reason::Held {
            binding: found.binding.clone(),
            what: found.what.what,
            line: self.source.position(self.source.range(found.at).start).line,
            certain: is_certain(&found),
        })
    }

    pub(super) fn held_by_parameters<'p>(
        &self,
        parameters: impl Iterator<Item = &'p syn::PatType>,
    ) -> Vec<Held> {
        let mut held = Vec::new();
        for parameter in parameters {
            if let Some(what) = self.types.not_send(&parameter.ty) {
                for binding in bindings(&parameter.pat) {
                    held.push(self.named(&binding, what));
                }
            }
        }
        held
    }

    pub(super) fn named(&self, binding: &syn::Ident, what: NotSend) -> Held {
        Held {
            binding: binding.to_string(),
            what,
            at: binding.span(),
            used: false,
            moved: false,
        }
    }

    /// What `if let` and `while let` hold, chains included; a plain condition holds nothing.
    pub(super) fn held_by_condition(&self, condition: &Expr) -> Vec<Held> {
        match condition {
            Expr::Let(item) => self.held_by_head(&item.expr, &bindings(&item.pat)),
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
        let mut held = Vec::new();
        if let Some((what, span)) = self.temporary(head) {
            held.push(Held {
                binding: self.source.slice(self.source.range(span)).to_owned(),
                what,
                at: span,
                used: true,
                moved: false,
            });
        }
        if let Some(what) = self.of(head) {
            held.extend(names.iter().map(|name| self.named(name, what)));
        }
        held
    }

    /// Whether anything is held at the place, by any of the bodies around.
    pub(super) fn holds_any(&self) -> bool {
        self.frames.iter().any(|frame| !frame.is_empty())
    }

    /// Notes that something looked at a binding, or may have taken it. What was borrowed before
    /// it was taken counts as held all the same: the compiler sees it so.
    pub(super) fn used(&mut self, name: &str, moved: bool) {
        let frames = self.frames.iter_mut().rev();
        let mut held = frames.flat_map(|frame| frame.iter_mut().rev());
        if let Some(held) = held.find(|held| held.binding == name) {
            held.moved |= moved && !held.used;
            held.used = true;
        }
    }

    /// The same for all that some tokens mention.
    pub(super) fn used_in(&mut self, tokens: &proc_macro2::TokenStream, moved: bool) {
        for held in self.frames.iter_mut().flatten() {
            if !held.used && mentions(tokens, &held.binding) {
                held.moved |= moved;
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
}

/// The expression that a block ends with.
fn tail(block: &syn::Block) -> Option<&Expr> {
    match block.stmts.last() {
        Some(Stmt::Expr(tail, None)) => Some(tail),
        _ => None,
    }
}

/// A call that gives the guard of a lock or cell that is not awaited.
fn kind_of_guard(call: &syn::ExprMethodCall) -> Option<NotSend> {
    if !call.args.is_empty() {
        return None;
    }
    match call.method.to_string().as_str() {
        "lock" | "try_lock" | "read" | "try_read" | "write" | "try_write" | "upgradable_read"
        | "read_recursive" => Some(types::GUARD),
        "borrow" | "borrow_mut" | "try_borrow" | "try_borrow_mut" | "borrow_and_update" => {
            Some(types::BORROW)
        }
        "enter" | "entered" => Some(types::ENTERED),
        _ => None,
    }
}

/// Whether a call is one of the only method of that name that the file has.
fn is_own(call: &syn::ExprMethodCall, returned: &[&Type]) -> bool {
    matches!(&*call.receiver, Expr::Path(path) if path.path.is_ident("self")) && returned.len() == 1
}

/// Whether an expression is a span or a runtime, as it stands there.
fn is_span(expr: &Expr) -> bool {
    match expr {
        Expr::Paren(inner) => is_span(&inner.expr),
        Expr::Reference(inner) => is_span(&inner.expr),
        Expr::MethodCall(call) => is_span(&call.receiver),
        Expr::Macro(call) => {
            let last = call.mac.path.segments.last();
            last.is_some_and(|last| last.ident.to_string().ends_with("span"))
        }
        Expr::Call(call) => match &*call.func {
            Expr::Path(callee) => {
                let of = callee.path.segments.iter().rev().nth(1);
                of.is_some_and(|of| of.ident == "Span" || of.ident == "Handle")
            }
            _ => false,
        },
        _ => false,
    }
}

struct Temporaries<'v, 'a, 'ast> {
    values: &'v Values<'a, 'ast>,
    found: Option<(NotSend, proc_macro2::Span)>,
}

impl<'e> Visit<'e> for Temporaries<'_, '_, '_> {
    fn visit_expr(&mut self, expr: &'e Expr) {
        if self.found.is_some() {
            return;
        }
        match expr {
            // They run elsewhere, or drop their own temporaries.
            Expr::Closure(_) | Expr::Async(_) | Expr::Block(_) | Expr::Path(_) => {}
            Expr::Await(inner) => match &*inner.base {
                Expr::MethodCall(call) if kind_of_guard(call).is_some() => {
                    self.visit_expr(&call.receiver)
                }
                base => self.visit_expr(base),
            },
            _ => match self.values.of(expr) {
                Some(what) => self.found = Some((what, expr.span())),
                None => syn::visit::visit_expr(self, expr),
            },
        }
    }
}

/// The bindings of a pattern.
pub(crate) fn bindings(pattern: &Pat) -> Vec<syn::Ident> {
    struct Bindings(Vec<syn::Ident>);
    impl<'e> Visit<'e> for Bindings {
        fn visit_pat_ident(&mut self, pattern: &'e syn::PatIdent) {
            // `None` and constants look like bindings.
            let constant = pattern
                .ident
                .to_string()
                .starts_with(|c: char| c.is_uppercase());
            if !constant {
                self.0.push(pattern.ident.clone());
            }
            syn::visit::visit_pat_ident(self, pattern);
        }
    }
    let mut found = Bindings(Vec::new());
    found.visit_pat(pattern);
    found.0
}

/// Whether the tokens have the identifier, or a string that formats it.
pub(crate) fn mentions(tokens: &proc_macro2::TokenStream, name: &str) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        proc_macro2::TokenTree::Ident(ident) => ident == name,
        proc_macro2::TokenTree::Group(group) => mentions(&group.stream(), name),
        proc_macro2::TokenTree::Literal(literal) => {
            let text = literal.to_string();
            text.contains(&format!("{{{name}}}")) || text.contains(&format!("{{{name}:"))
        }
        proc_macro2::TokenTree::Punct(_) => false,
    })
}

/// `Option<_>` and the like say too little.
pub(super) fn has_infer(ty: Option<&syn::Type>) -> bool {
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

/// What is behind references and brackets.
fn behind(mut expr: &Expr) -> &Expr {
    loop {
        expr = match expr {
            Expr::Reference(inner) => &inner.expr,
            Expr::Paren(inner) => &inner.expr,
            Expr::Group(inner) => &inner.expr,
            _ => return expr,
        };
    }
}
