//! The names that a file brings into its scopes: imports, `extern crate`, `mod name;`.

use syn::spanned::Spanned;

use crate::facts::{ExternCrate, Import};
use crate::source::Source;

/// The leaves of a `use` item.
pub(crate) fn imports(source: &Source, item: &syn::ItemUse, scope: usize) -> Vec<Import> {
    let whole = Import {
        scope,
        path: Vec::new(),
        name: String::new(),
        glob: false,
        public: !matches!(item.vis, syn::Visibility::Inherited),
        exported: matches!(item.vis, syn::Visibility::Public(_)),
        item: source.range(item.span()),
        leaves: 0,
        leaf: 0..0,
        groups: Vec::new(),
    };
    let mut leaves = Vec::new();
    walk(source, &item.tree, &whole, &mut leaves);
    let count = leaves.len();
    for leaf in &mut leaves {
        leaf.leaves = count;
    }
    leaves
}

fn walk(source: &Source, tree: &syn::UseTree, so_far: &Import, leaves: &mut Vec<Import>) {
    let mut leaf = so_far.clone();
    leaf.leaf = source.range(tree.span());
    match tree {
        syn::UseTree::Path(path) => {
            leaf.path.push(path.ident.to_string());
            walk(source, &path.tree, &leaf, leaves);
        }
        syn::UseTree::Name(name) => {
            add(&mut leaf, &name.ident, &name.ident);
            leaves.push(leaf);
        }
        syn::UseTree::Rename(rename) => {
            add(&mut leaf, &rename.ident, &rename.rename);
            leaves.push(leaf);
        }
        syn::UseTree::Glob(_) => {
            leaf.glob = true;
            leaves.push(leaf);
        }
        syn::UseTree::Group(group) => {
            let inside = group.items.iter().map(|tree| source.range(tree.span()));
            leaf.groups.push(inside.collect());
            for tree in &group.items {
                walk(source, tree, &leaf, leaves);
            }
        }
    }
}

/// `a::{self as b}` is `a as b`.
fn add(leaf: &mut Import, name: &syn::Ident, local: &syn::Ident) {
    if name == "self" {
        leaf.name = if local == "self" {
            leaf.path.last().cloned().unwrap_or_default()
        } else {
            local.to_string()
        };
    } else {
        leaf.path.push(name.to_string());
        leaf.name = local.to_string();
    }
}

/// What an `extern crate` says.
pub(crate) fn extern_crate(source: &Source, item: &syn::ItemExternCrate) -> ExternCrate {
    let alias = match &item.rename {
        Some((_, alias)) => alias.to_string(),
        None => item.ident.to_string(),
    };
    let mut found = ExternCrate {
        name: item.ident.to_string(),
        alias,
        macro_use: false,
        list: Vec::new(),
        attribute: 0..0,
    };
    for attribute in &item.attrs {
        if attribute.path().is_ident("macro_use") {
            found.macro_use = true;
            found.attribute = source.range(attribute.span());
            if let syn::Meta::List(list) = &attribute.meta {
                found.list = list
                    .tokens
                    .clone()
                    .into_iter()
                    .filter_map(|token| match token {
                        proc_macro2::TokenTree::Ident(ident) => {
                            Some((ident.to_string(), source.range(ident.span())))
                        }
                        _ => None,
                    })
                    .collect();
            }
        }
    }
    found
}

/// The text of `#[path = "text"]`.
pub(crate) fn path_attribute(attributes: &[syn::Attribute]) -> Option<String> {
    attributes.iter().find_map(|attribute| {
        let syn::Meta::NameValue(pair) = &attribute.meta else {
            return None;
        };
        let syn::Expr::Lit(syn::ExprLit {
            lit: syn::Lit::Str(text),
            ..
        }) = &pair.value
        else {
            return None;
        };
        pair.path.is_ident("path").then(|| text.value())
    })
}

/// Whether one of the attributes is the one of this name, whatever its arguments.
pub(crate) fn has_attribute(attributes: &[syn::Attribute], name: &str) -> bool {
    attributes
        .iter()
        .any(|attribute| attribute.path().is_ident(name))
}

/// The text of `path`, as code has it.
pub(crate) fn path_text(path: &syn::Path) -> String {
    let names: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
    names.join("::")
}
