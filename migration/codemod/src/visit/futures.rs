//! How the compiler is asked whether a future is Send: its text, with an assertion around it.

use syn::spanned::Spanned;

use super::values::bindings;
use crate::edit::Edit;
use crate::facts::Future;
use crate::source::Source;

/// Before the future that is asserted to be Send. No statement may begin with a block, nor may
/// it have needless brackets: lints count as errors here and there.
const BEFORE: &str = "::std::convert::identity({ \
                      fn is_send<T: ::std::marker::Send>(future: T) -> T { future } is_send(";
/// Behind it.
const BEHIND: &str = ") })";

/// The future of an async function. Its text becomes that of a block in it, which takes all that
/// the function uses.
pub(super) fn of_function(
    source: &Source,
    attributes: &[syn::Attribute],
    signature: &syn::Signature,
    block: &syn::Block,
) -> Future {
    let inner = |attribute: &syn::Attribute| matches!(attribute.style, syn::AttrStyle::Inner(_));
    let asserted = if attributes.iter().any(inner) {
        Vec::new()
    } else {
        // A block does not say what it gives, and `?` has to know.
        let gives = match &signature.output {
            syn::ReturnType::Default => "()".to_owned(),
            syn::ReturnType::Type(_, ty) => {
                source.slice(source.range(ty.span())).replace('\n', " ")
            }
        };
        let typed = match gives.contains("impl ") || gives == "!" {
            true => String::new(),
            false => format!(
                " if let ::std::option::Option::Some(given) = \
                 ::std::option::Option::None::<{gives}> {{ return given; }}"
            ),
        };
        // As the function's own future it takes its parameters whole, the unused ones as well.
        let takes = signature.inputs.iter().flat_map(|input| match input {
            syn::FnArg::Receiver(_) => vec!["self".to_owned()],
            syn::FnArg::Typed(typed) => {
                let names = bindings(&typed.pat);
                names.iter().map(ToString::to_string).collect()
            }
        });
        let takes: String = takes.map(|name| format!(" let _ = &{name};")).collect();
        let braces = block.brace_token.span;
        vec![
            Edit::replace(
                source.range(braces.open()),
                format!("{{ {BEFORE}async move {{{takes}{typed}"),
            ),
            Edit::replace(source.range(braces.close()), format!("}}{BEHIND}.await }}")),
        ]
    };
    Future {
        range: source.range(block.brace_token.span.join()),
        asserted,
    }
}

/// The future of an async block.
pub(super) fn of_block(source: &Source, block: &syn::ExprAsync) -> Future {
    let close = block.block.brace_token.span.close();
    let asserted = match block.attrs.is_empty() {
        true => vec![
            Edit::replace(
                source.range(block.async_token.span),
                format!("{BEFORE}async"),
            ),
            Edit::replace(source.range(close), format!("}}{BEHIND}")),
        ],
        false => Vec::new(),
    };
    Future {
        range: source.range(block.span()),
        asserted,
    }
}

/// The future of an async closure, which may lend what it captured: no block can do that.
pub(super) fn of_closure(source: &Source, closure: &syn::ExprClosure) -> Future {
    Future {
        range: source.range(closure.span()),
        asserted: Vec::new(),
    }
}
