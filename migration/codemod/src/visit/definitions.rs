//! What the definition of a macro says of it.

use proc_macro2::{TokenStream, TokenTree};
use syn::Expr;

/// Whether all that a macro does is to hand its arguments to `fail_point!`, in every arm:
/// `($($all:tt)*) => { fail::fail_point!($($all)*) }`, whatever the brackets.
pub(super) fn forwards(definition: &TokenStream) -> bool {
    let groups: Vec<TokenStream> = definition
        .clone()
        .into_iter()
        .filter_map(|token| match token {
            TokenTree::Group(group) => Some(group.stream()),
            _ => None,
        })
        .collect();
    let arms = groups.chunks(2);
    !groups.is_empty()
        && arms.into_iter().all(|arm| match arm {
            [pattern, body] => hands_on(pattern, body),
            _ => false,
        })
}

fn hands_on(pattern: &TokenStream, body: &TokenStream) -> bool {
    let tokens: Vec<TokenTree> = body.clone().into_iter().collect();
    let tokens = match tokens.split_last() {
        Some((TokenTree::Punct(end), rest)) if end.as_char() == ';' => rest,
        _ => &tokens,
    };
    let Some((TokenTree::Group(arguments), path)) = tokens.split_last() else {
        return false;
    };
    let path: String = path.iter().map(ToString::to_string).collect();
    let plain = path
        .chars()
        .all(|c| c.is_alphanumeric() || "_:$!".contains(c));
    let squeezed = arguments.stream().to_string().replace([' ', '\n'], "");
    path.ends_with("fail_point!") && plain && squeezed == without_kinds(pattern)
}

/// `$name:expr, $rest:tt` without the kinds, blanks and a comma that may follow.
fn without_kinds(pattern: &TokenStream) -> String {
    let text = pattern.to_string().replace([' ', '\n'], "");
    let text = text.strip_suffix("$(,)?").unwrap_or(&text);
    let mut result = String::new();
    let mut in_kind = false;
    for c in text.chars() {
        in_kind = c == ':' || (in_kind && (c.is_alphanumeric() || c == '_'));
        if !in_kind {
            result.push(c);
        }
    }
    result
}

/// The feature in a `cfg!` of a macro's definition: it is the caller's.
pub(super) fn gate(definition: &TokenStream) -> Option<String> {
    let tokens: Vec<TokenTree> = definition.clone().into_iter().collect();
    let own = tokens.windows(3).find_map(|window| match window {
        [
            TokenTree::Ident(cfg),
            TokenTree::Punct(mark),
            TokenTree::Group(group),
        ] if cfg == "cfg" && mark.as_char() == '!' => {
            let pair: syn::MetaNameValue = syn::parse2(group.stream()).ok()?;
            let Expr::Lit(syn::ExprLit {
                lit: syn::Lit::Str(feature),
                ..
            }) = pair.value
            else {
                return None;
            };
            pair.path.is_ident("feature").then(|| feature.value())
        }
        _ => None,
    });
    own.or_else(|| {
        tokens.iter().find_map(|token| match token {
            TokenTree::Group(group) => gate(&group.stream()),
            _ => None,
        })
    })
}
