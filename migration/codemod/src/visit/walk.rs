//! The walk over a file's syntax tree.

use quote::ToTokens as _;
use syn::spanned::Spanned;
use syn::visit::Visit;
use syn::{Expr, Stmt};

use super::closures::{self, Use};
use super::finder::{BodyKind, Finder, rewriting};
use super::names::path_text;
use super::receivers::callee_of;
use super::values::{self, Held};
use super::{futures, inner, names, types};
use crate::facts::{Callee, ModuleFile, Place, ScopeKind};
use crate::reason::Reason;

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
