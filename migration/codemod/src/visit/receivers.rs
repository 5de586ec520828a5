//! Whose method is called: the types of values, as far as they are written, and their names.

use std::collections::HashMap;

use syn::Expr;

use super::types::{Types, pointee};
use super::values::bindings;
use crate::facts::Callee;

/// Parameters and variables of a function whose types are written, with the types' names.
#[derive(Debug, Default)]
pub(super) struct Receivers {
    names: HashMap<String, String>,
}

impl Receivers {
    /// Remembers the type of a binding; what had the name before is hidden.
    pub(super) fn bind(&mut self, pattern: &syn::Pat, ty: Option<String>) {
        for name in bindings(pattern) {
            self.names.remove(&name.to_string());
        }
        if let (syn::Pat::Ident(binding), Some(ty)) = (pattern, ty) {
            self.names.insert(binding.ident.to_string(), ty);
        }
    }

    /// Whose method is called: by the type of the value where that is written, else by its name.
    pub(super) fn callee(&self, types: &Types<'_>, owner: Option<&str>, expr: &Expr) -> Callee {
        match self.type_of(types, owner, expr) {
            Some(ty) => Callee::Of(ty),
            None => Callee::Method(called(expr)),
        }
    }

    /// The name of a value's type.
    pub(super) fn type_of(
        &self,
        types: &Types<'_>,
        owner: Option<&str>,
        expr: &Expr,
    ) -> Option<String> {
        match leads_to(expr) {
            Expr::Path(path) if path.path.is_ident("self") => {
                owner.filter(|owner| !owner.is_empty()).map(str::to_owned)
            }
            Expr::Path(path) => self.names.get(&path.path.get_ident()?.to_string()).cloned(),
            Expr::Field(field) => {
                let of = self.type_of(types, owner, &field.base)?;
                let syn::Member::Named(name) = &field.member else {
                    return None;
                };
                let ty = types.field(&of, &name.to_string())?;
                pointee(ty)
            }
            // `Type::new()`, `Type { .. }`.
            Expr::Call(call) => match &*call.func {
                Expr::Path(callee) if callee.path.segments.last()?.ident == "new" => {
                    match callee_of(&callee.path) {
                        Callee::Of(owner) => Some(owner),
                        _ => None,
                    }
                }
                _ => None,
            },
            Expr::Struct(item) => Some(item.path.segments.last()?.ident.to_string()),
            _ => None,
        }
    }
}

/// What a call of this path may call: a type's function, or a free one.
pub(super) fn callee_of(path: &syn::Path) -> Callee {
    let mut names: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
    names.pop();
    match names.last() {
        // A type's parameter may be any type.
        Some(owner) if owner.len() == 1 => Callee::Method(String::new()),
        Some(owner) if owner.starts_with(char::is_uppercase) => Callee::Of(owner.clone()),
        _ => Callee::Free(names),
    }
}

/// The value that an expression leads to: behind references, locks and what cannot be there.
fn leads_to(expr: &Expr) -> &Expr {
    let through = [
        "clone",
        "as_ref",
        "as_mut",
        "unwrap",
        "expect",
        "lock",
        "read",
        "write",
        "borrow",
        "borrow_mut",
    ];
    match expr {
        Expr::Paren(inner) => leads_to(&inner.expr),
        Expr::Reference(inner) => leads_to(&inner.expr),
        Expr::Try(inner) => leads_to(&inner.expr),
        Expr::Await(inner) => leads_to(&inner.base),
        Expr::Unary(inner) => leads_to(&inner.expr),
        Expr::MethodCall(call) if through.contains(&call.method.to_string().as_str()) => {
            leads_to(&call.receiver)
        }
        other => other,
    }
}

/// What the value of an expression is called: its last name.
fn called(expr: &Expr) -> String {
    match leads_to(expr) {
        Expr::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
        Expr::Field(field) => match &field.member {
            syn::Member::Named(name) => Some(name.to_string()),
            syn::Member::Unnamed(_) => None,
        },
        Expr::MethodCall(call) => Some(call.method.to_string()),
        _ => None,
    }
    .unwrap_or_default()
}
