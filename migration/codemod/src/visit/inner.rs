//! The insides of other people's macros, where they are known to be code that runs in place.

use proc_macro2::TokenStream;
use syn::parse::{ParseStream, Parser as _};
use syn::punctuated::Punctuated;
use syn::{Expr, Pat, Token};

mod keyword {
    syn::custom_keyword!(biased);
    syn::custom_keyword!(complete);
    syn::custom_keyword!(default);
}

/// The expressions of a macro call that run where the macro stands, in order.
pub(crate) fn expressions(macro_name: &str, tokens: &TokenStream) -> Option<Vec<Expr>> {
    let tokens = tokens.clone();
    match macro_name {
        "select" | "select_biased" => branches.parse2(tokens).ok(),
        "join" | "try_join" => joined.parse2(tokens).ok(),
        "vec" | "assert" | "assert_eq" | "assert_ne" | "debug_assert" | "debug_assert_eq"
        | "debug_assert_ne" => list.parse2(tokens).ok(),
        _ => None,
    }
}

/// Whether a macro of this name takes none of the values that it is given.
pub(crate) fn only_looks(macro_name: &str) -> bool {
    let formats = [
        "print", "println", "eprint", "eprintln", "format", "write", "writeln", "panic", "bail",
        "trace", "debug", "info", "warn", "error", "log", "event",
    ];
    formats.contains(&macro_name) || macro_name.contains("assert")
}

fn list(input: ParseStream<'_>) -> syn::Result<Vec<Expr>> {
    let list = Punctuated::<Expr, Token![,]>::parse_terminated(input)?;
    Ok(list.into_iter().collect())
}

fn joined(input: ParseStream<'_>) -> syn::Result<Vec<Expr>> {
    biased(input)?;
    list(input)
}

fn biased(input: ParseStream<'_>) -> syn::Result<()> {
    if input.peek(keyword::biased) && input.peek2(Token![;]) {
        input.parse::<keyword::biased>()?;
        input.parse::<Token![;]>()?;
    }
    Ok(())
}

/// `pattern = future, if condition => handler`, `else => handler` of tokio, `complete` and
/// `default` of futures.
fn branches(input: ParseStream<'_>) -> syn::Result<Vec<Expr>> {
    biased(input)?;
    let mut found = Vec::new();
    while !input.is_empty() {
        if input.peek(Token![else]) {
            input.parse::<Token![else]>()?;
        } else if input.peek(keyword::complete) && input.peek2(Token![=>]) {
            input.parse::<keyword::complete>()?;
        } else if input.peek(keyword::default) && input.peek2(Token![=>]) {
            input.parse::<keyword::default>()?;
        } else {
            Pat::parse_multi_with_leading_vert(input)?;
            input.parse::<Token![=]>()?;
            found.push(input.parse()?);
            if input.peek(Token![,]) {
                input.parse::<Token![,]>()?;
                input.parse::<Token![if]>()?;
                found.push(input.parse()?);
            }
        }
        input.parse::<Token![=>]>()?;
        found.push(Expr::parse_with_earlier_boundary_rule(input)?);
        if input.peek(Token![,]) {
            input.parse::<Token![,]>()?;
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(name: &str, text: &str) -> Option<usize> {
        let tokens = text.parse().expect("tokens");
        expressions(name, &tokens).map(|found| found.len())
    }

    #[test]
    fn branches_of_tokio_and_futures_are_read() {
        assert_eq!(
            count("select", "biased; a = f(), if x => {} b = g() => h(),"),
            Some(5)
        );
        assert_eq!(
            count("select", "Some(a) = f() => 1, else => 2, complete => 3"),
            Some(4)
        );
    }

    #[test]
    fn a_select_of_another_kind_is_not_read() {
        assert_eq!(count("select", "recv(r) -> msg => {}"), None);
    }

    #[test]
    fn formatting_macros_are_not_looked_into() {
        assert_eq!(count("println", "\"{}\", 1"), None);
    }
}
