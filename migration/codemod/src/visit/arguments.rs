//! The arguments of a failpoint: their form, and what the native macro wants otherwise.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::parse::Parser as _;
use syn::punctuated::Punctuated;
use syn::{Expr, Pat, Token, Type};

use crate::edit::Edit;
use crate::facts::Kind;
use crate::reason::Reason;
use crate::source::Source;

/// The arguments, where they are expressions.
pub(crate) fn parse(tokens: &TokenStream) -> Option<Vec<Expr>> {
    let list = Punctuated::<Expr, Token![,]>::parse_terminated
        .parse2(tokens.clone())
        .ok()?;
    Some(list.into_iter().collect())
}

/// A failpoint's name: the text of a literal, else the expression as written.
pub(crate) fn name(source: &Source, tokens: &TokenStream) -> String {
    let mut first = TokenStream::new();
    let mut range = None::<std::ops::Range<usize>>;
    for token in tokens.clone() {
        if matches!(&token, TokenTree::Punct(comma) if comma.as_char() == ',') {
            break;
        }
        let here = source.range(token.span());
        range = Some(range.map_or(here.clone(), |range| range.start..here.end));
        first.extend([token]);
    }
    match syn::parse2::<syn::LitStr>(first) {
        Ok(literal) => literal.value(),
        Err(_) => source.slice(range.unwrap_or(0..0)).to_owned(),
    }
}

/// The form in words, from the number of arguments.
pub(crate) fn form(kind: Kind, arguments: usize) -> &'static str {
    match arguments {
        2 if matches!(kind, Kind::Pausable | Kind::SleepMillis) => "name, token",
        0 => "no name",
        1 => "name",
        2 => "name, closure",
        3 => "name, condition, closure",
        _ => "other arguments",
    }
}

/// What changes in the arguments where the closure takes a `String` for an `Option<String>`.
pub(crate) fn native(source: &Source, arguments: &[Expr]) -> Result<Vec<Edit>, Reason> {
    let closure = match arguments {
        [] | [_] => return Ok(Vec::new()),
        [_, last] | [_, _, last] => last,
        _ => return Err(Reason::NativeClosure("the arguments are of no known form")),
    };
    let Expr::Closure(closure) = closure else {
        return Err(Reason::NativeClosure("it is not written at the site"));
    };
    let Some(mut pattern) = closure.inputs.first() else {
        return Err(Reason::NativeClosure("it has no parameter"));
    };
    let mut edits = Vec::new();
    if let Pat::Type(typed) = pattern {
        if let Some(range) = option_of_string(source, &typed.ty)? {
            edits.push(Edit::replace(range, "String"));
        }
        pattern = &typed.pat;
    }
    match pattern {
        Pat::Wild(_) => {}
        Pat::Ident(binding) if binding.subpat.is_none() => {
            let name = binding.ident.to_string();
            let body = closure.body.to_token_stream();
            adapt(source, body, &name, &mut edits)
                .map_err(|()| Reason::NativeClosure("it looks at the `Option`"))?;
        }
        _ => return Err(Reason::NativeClosure("it takes the `Option` apart")),
    }
    Ok(edits)
}

/// Where the type's text is, if it has to change.
fn option_of_string(source: &Source, ty: &Type) -> Result<Option<std::ops::Range<usize>>, Reason> {
    use syn::spanned::Spanned as _;
    if matches!(ty, Type::Infer(_)) {
        return Ok(None);
    }
    let text: String = ty.to_token_stream().to_string().replace(' ', "");
    if text.ends_with("Option<String>") || text.ends_with("Option<_>") {
        Ok(Some(source.range(ty.span())))
    } else {
        Err(Reason::NativeClosure("its parameter's type has a name"))
    }
}

/// Takes `.unwrap()` and its like from each use of the parameter. Any other use is an error.
fn adapt(
    source: &Source,
    tokens: TokenStream,
    name: &str,
    edits: &mut Vec<Edit>,
) -> Result<(), ()> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => adapt(source, group.stream(), name, edits)?,
            TokenTree::Literal(literal) => {
                let text = literal.to_string();
                if text.contains(&format!("{{{name}}}")) || text.contains(&format!("{{{name}:")) {
                    return Err(());
                }
            }
            TokenTree::Ident(ident) if ident == name => {
                let field = at
                    .checked_sub(1)
                    .and_then(|before| tokens.get(before))
                    .is_some_and(|before| is_punct(before, '.'));
                if field {
                    continue;
                }
                edits.push(unwrapping(source, ident, tokens.get(at + 1..)).ok_or(())?);
            }
            TokenTree::Ident(_) | TokenTree::Punct(_) => {}
        }
    }
    Ok(())
}

/// Takes away what follows `ident`, if it is `.unwrap()` or its like.
fn unwrapping(
    source: &Source,
    ident: &proc_macro2::Ident,
    rest: Option<&[TokenTree]>,
) -> Option<Edit> {
    let [dot, TokenTree::Ident(method), TokenTree::Group(group), ..] = rest? else {
        return None;
    };
    let known = ["unwrap", "unwrap_or_default", "expect"].contains(&method.to_string().as_str());
    if !is_punct(dot, '.') || !known || group.delimiter() != Delimiter::Parenthesis {
        return None;
    }
    let from = source.range(ident.span()).end;
    Some(Edit::delete(from..source.range(group.span()).end))
}

fn is_punct(token: &TokenTree, wanted: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == wanted)
}
