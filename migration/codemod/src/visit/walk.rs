//! The walk over a file's syntax tree.

use syn::spanned::Spanned;
use syn::visit::Visit;
use syn::{Expr, Stmt};

use super::bodies::{self, BodyKind};
use super::closures::Use;
use super::finder::Finder;
use super::values::Held;
use super::{inner, names, types};
use crate::facts::{ModuleFile, Place, ScopeKind};
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
        let around = std::mem::replace(&mut self.attribute, bodies::rewriting(&item.attrs));
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
        let around = std::mem::replace(&mut self.attribute, bodies::rewriting(&item.attrs));
        syn::visit::visit_item_trait(self, item);
        self.attribute = around;
        self.owner = outer;
    }

    fn visit_item_fn(&mut self, item: &'e syn::ItemFn) {
        let owner = self.owner.take();
        let around = self.attribute.take();
        self.in_function(&item.attrs, &item.sig, |finder| {
            finder.visit_block(&item.block)
        });
        self.attribute = around;
        self.owner = owner;
    }

    fn visit_impl_item_fn(&mut self, item: &'e syn::ImplItemFn) {
        self.in_function(&item.attrs, &item.sig, |finder| {
            finder.visit_block(&item.block)
        });
    }

    fn visit_trait_item_fn(&mut self, item: &'e syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.in_function(&item.attrs, &item.sig, |finder| finder.visit_block(block));
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
        self.in_closure(closure);
    }

    fn visit_expr_async(&mut self, block: &'e syn::ExprAsync) {
        self.in_body(BodyKind::Async("async block"), |finder| {
            finder.visit_block(&block.block);
        });
    }

    fn visit_block(&mut self, block: &'e syn::Block) {
        let range = self.source.range(block.span());
        self.frames.push(Vec::new());
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
        self.frames.pop();
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
        self.look_for_spawn_blocking(statement);
        syn::visit::visit_stmt(self, statement);
    }

    fn visit_local(&mut self, local: &'e syn::Local) {
        self.bind(local);
    }

    fn visit_expr_match(&mut self, item: &'e syn::ExprMatch) {
        self.match_arms(item);
    }

    fn visit_expr_if(&mut self, item: &'e syn::ExprIf) {
        self.branches(item);
    }

    fn visit_expr_while(&mut self, item: &'e syn::ExprWhile) {
        self.visit_expr(&item.cond);
        let held = self.held_by_condition(&item.cond);
        self.in_frame(held, |finder| finder.visit_block(&item.body));
    }

    fn visit_expr_for_loop(&mut self, item: &'e syn::ExprForLoop) {
        self.visit_expr(&item.expr);
        let held = self.held_by_head(&item.expr, &[]);
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
        self.call(call);
    }

    fn visit_expr_method_call(&mut self, call: &'e syn::ExprMethodCall) {
        // A `FailScenario` ends with it, as with `drop`.
        if let (true, Expr::Path(path)) = (call.method == "teardown", &*call.receiver) {
            let name = path.path.get_ident().map(ToString::to_string);
            if name.is_some_and(|name| self.dropped(&name)) {
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
        if let Some(what) = self.values().of(&item.right) {
            let first = self.bodies.last().map_or(0, |body| body.first_frame);
            let held = Held {
                binding: place,
                what,
                at: item.span(),
                used: true,
            };
            if let Some(frame) = self.frames.get_mut(first) {
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
        if let Some(name) = path.path.get_ident() {
            self.used(&name.to_string());
        }
    }

    fn visit_macro(&mut self, mac: &'e syn::Macro) {
        self.used_in(&mac.tokens);
        let Some(last) = mac.path.segments.last() else {
            return;
        };
        let name = last.ident.to_string();
        if let Some(kind) = self.names.kind(&name) {
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
