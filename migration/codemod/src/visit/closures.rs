//! Closures: who gets them, and those that can go or become async blocks.

use syn::spanned::Spanned;
use syn::{Expr, Stmt};

use super::arguments;
use super::macros::Names;
use crate::edit::Edit;
use crate::facts::Kind;
use crate::reason::Reason;
use crate::source::Source;

/// What is done with a closure.
#[derive(Debug)]
pub(super) enum Use {
    /// It stays what it is.
    Left(Reason),
    /// It is called where it stands, and can become an async block.
    InPlace(Vec<Edit>),
    /// It is a `spawn_blocking`'s around nothing but a site.
    Spawn(Vec<Edit>),
}

/// `(|| { .. })()`.
pub(super) fn called_in_place(
    source: &Source,
    call: &syn::ExprCall,
    closure: &syn::ExprClosure,
) -> Use {
    let left = |why| Use::Left(Reason::InPlace(why));
    if !closure.inputs.is_empty() || !call.args.is_empty() {
        return left("it has arguments");
    }
    if !matches!(closure.output, syn::ReturnType::Default) {
        return left("it names its return type, which an async block cannot");
    }
    // With a label, or with attributes that are about all of it.
    let unusual = |block: &syn::ExprBlock| block.label.is_some() || !block.attrs.is_empty();
    if matches!(&*closure.body, Expr::Block(block) if unusual(block))
        || !closure.attrs.is_empty()
        || closure.constness.is_some()
        || closure.movability.is_some()
    {
        return left("it is of an unusual form");
    }
    let bars =
        source.range(closure.or1_token.span()).start..source.range(closure.or2_token.span()).end;
    let head = match &closure.capture {
        Some(capture) => source.range(capture.span()).start..bars.end,
        None => bars,
    };
    let becomes = match closure.capture {
        Some(_) => "async move",
        None => "async",
    };
    let parentheses = source.range(call.paren_token.span.join());
    let chained = chained(source, closure, parentheses.end);
    let mut edits = vec![
        Edit::replace(head, becomes),
        Edit::replace(parentheses, format!("{chained}.await")),
    ];
    if !matches!(&*closure.body, Expr::Block(_)) {
        let body = source.range(closure.body.span());
        edits.push(Edit::insert(body.start, "{ "));
        edits.push(Edit::insert(body.end, " }"));
    }
    Use::InPlace(edits)
}

/// What stands before a method call on the closure, as rustfmt has it: a line's end
/// and its indentation, where the closure has several lines, and nothing else is in the last one. (A
/// comment there may be about a failpoint in the same line.)
fn chained(source: &Source, closure: &syn::ExprClosure, end_of_call: usize) -> String {
    let whole = source.range(closure.span());
    if !source.slice(whole.clone()).contains('\n') {
        return String::new();
    }
    let before = source.slice(0..whole.end);
    let last = before.rfind('\n').map_or(0, |at| at + 1);
    let line = before.get(last..).unwrap_or_default();
    let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
    let after = source.text.get(end_of_call..).unwrap_or_default();
    let after = after.lines().next().unwrap_or_default();
    let is_alone = after
        .trim_matches([' ', '\t', ';', ',', ')', '?'])
        .is_empty();
    if line.get(indent..) != Some("}") || !is_alone {
        return String::new();
    }
    let end = if before
        .get(..last)
        .is_some_and(|text| text.ends_with("\r\n"))
    {
        "\r\n"
    } else {
        "\n"
    };
    format!("{end}{}", line.get(..indent).unwrap_or_default())
}

/// `spawn_blocking(|| fail_point!("x")).await`, and what is done with its result.
pub(super) fn spawn_blocking<'e>(
    source: &Source,
    names: &Names,
    statement: &'e Stmt,
) -> Option<(&'e Expr, Use)> {
    let (expr, swallowed) = match statement {
        Stmt::Expr(expr, semicolon) => (
            expr,
            semicolon
                .is_none()
                .then_some("result is used, and a panic in it is an error value there"),
        ),
        Stmt::Local(local) => match &local.init {
            Some(init) => (
                &*init.expr,
                Some(
                    "result is bound: a panic in it is an error value there, and would end the task",
                ),
            ),
            None => return None,
        },
        Stmt::Item(_) | Stmt::Macro(_) => return None,
    };
    let (awaited, follows) = match expr {
        Expr::Await(awaited) => (awaited, None),
        Expr::MethodCall(call) => match (&*call.receiver, call.method.to_string().as_str()) {
            // A panic stays one.
            (Expr::Await(awaited), "unwrap" | "expect") => (awaited, None),
            (Expr::Await(awaited), _) => (
                awaited,
                Some("result is looked at: a panic in it is an error value there"),
            ),
            _ => return None,
        },
        Expr::Try(tried) => match &*tried.expr {
            Expr::Await(awaited) => (
                awaited,
                Some("result goes through `?`: a panic in it is an error value there"),
            ),
            _ => return None,
        },
        _ => return None,
    };
    let Expr::Call(call) = &*awaited.base else {
        return None;
    };
    let (Expr::Path(callee), Some(argument)) = (&*call.func, call.args.first()) else {
        return None;
    };
    let is_spawn = callee
        .path
        .segments
        .last()
        .is_some_and(|segment| segment.ident == "spawn_blocking");
    let closure = bare_closure(argument).filter(|_| is_spawn)?;
    let what = match (swallowed.or(follows), only_site(source, names, closure)) {
        (_, Err(why)) => Use::Left(Reason::SpawnBlocking(why)),
        (Some(why), Ok(_)) => Use::Left(Reason::SpawnBlocking(why)),
        (None, Ok(site)) => {
            let whole = source.range(expr.span());
            let edits = vec![
                Edit::delete(whole.start..site.start),
                Edit::delete(site.end..whole.end),
            ];
            let comments = edits.iter().any(|edit| {
                let gone = source.slice(edit.range.clone());
                gone.contains("//") || gone.contains("/*")
            });
            if comments {
                Use::Left(Reason::SpawnBlocking(
                    "call has comments that would go with it",
                ))
            } else {
                Use::Spawn(edits)
            }
        }
    };
    Some((argument, what))
}

/// The bytes of the failpoint that is all that a closure does.
fn only_site(
    source: &Source,
    names: &Names,
    closure: &syn::ExprClosure,
) -> Result<std::ops::Range<usize>, &'static str> {
    let more = Err("closure does more than hit the failpoint");
    let mac = match &*closure.body {
        Expr::Macro(call) => &call.mac,
        Expr::Block(block) => match only_statement(&block.block) {
            Some(Stmt::Macro(call)) if call.attrs.is_empty() => &call.mac,
            Some(Stmt::Expr(Expr::Macro(call), _)) if call.attrs.is_empty() => &call.mac,
            _ => return more,
        },
        _ => return more,
    };
    let name = mac.path.segments.last().map(|last| last.ident.to_string());
    let kind = name.and_then(|name| names.kind(&name));
    if !matches!(kind, Some(Kind::FailPoint | Kind::Wrapper)) {
        return more;
    }
    match arguments::parse(&mac.tokens) {
        Some(arguments) if arguments.len() == 1 => {}
        _ => return Err("failpoint's closure returns from the blocking closure only"),
    }
    let start = source.range(mac.path.span()).start;
    Ok(start..source.range(mac.delimiter.span().close()).end)
}

/// The only expression of a block.
fn only_statement(block: &syn::Block) -> Option<&Stmt> {
    match block.stmts.as_slice() {
        [only] => Some(only),
        _ => None,
    }
}

/// The closure, through parentheses.
pub(super) fn bare_closure(expr: &Expr) -> Option<&syn::ExprClosure> {
    match expr {
        Expr::Closure(closure) => Some(closure),
        Expr::Paren(paren) => bare_closure(&paren.expr),
        _ => None,
    }
}
