//! Closures: who gets them, and those that can go or become async blocks.

use proc_macro2::{TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::Visit;
use syn::{Expr, Stmt};

use super::bodies::BodyKind;
use super::finder::Finder;
use super::{arguments, path_text};
use crate::edit::Edit;
use crate::facts::{Callee, Kind};
use crate::reason::Reason;

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

impl Finder<'_, '_> {
    /// Says what is done with `expr`, if it is a closure. The first word counts.
    pub(super) fn closure_is(&mut self, expr: &Expr, what: Use) {
        let Some(closure) = bare_closure(expr) else {
            return;
        };
        let at = self.start(closure.span());
        self.closures.entry(at).or_insert(what);
    }

    pub(super) fn in_closure(&mut self, closure: &syn::ExprClosure) {
        let known = self.closures.remove(&self.start(closure.span()));
        let kind = if closure.asyncness.is_some() {
            BodyKind::Async("async closure")
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
        let held = self.held_by_parameters(closure.inputs.iter().filter_map(|input| match input {
            syn::Pat::Type(typed) => Some(typed),
            _ => None,
        }));
        self.in_body(kind, |finder| {
            finder.in_frame(held, |finder| finder.visit_expr(&closure.body));
        });
    }

    pub(super) fn call(&mut self, call: &syn::ExprCall) {
        if let Some(name) = Self::is_drop_of(call) {
            if self.dropped(&name) {
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
                    self.called(name, callee_of(&callee.path), last.ident.span());
                }
                let text = path_text(&callee.path);
                for argument in &call.args {
                    self.closure_is(argument, Use::Left(Reason::PassedTo(text.clone())));
                }
            }
            Expr::Paren(paren) => {
                if let Expr::Closure(closure) = &*paren.expr {
                    let what = self.called_in_place(call, closure);
                    self.closure_is(&paren.expr, what);
                }
            }
            // `|| -> T { .. }()`: without the type, the call would be in the closure.
            Expr::Closure(closure) => {
                let what = self.called_in_place(call, closure);
                self.closure_is(&call.func, what);
            }
            _ => {}
        }
        self.visit_expr(&call.func);
        // What an argument holds lives while the next ones are made.
        self.frames.push(Vec::new());
        for argument in &call.args {
            self.visit_expr(argument);
            if !matches!(argument, Expr::Path(_)) {
                let held = self.held_by_head(argument, &[]);
                if let Some(frame) = self.frames.last_mut() {
                    frame.extend(held);
                }
            }
        }
        self.frames.pop();
    }

    /// `(|| { .. })()`.
    fn called_in_place(&self, call: &syn::ExprCall, closure: &syn::ExprClosure) -> Use {
        let left = |why| Use::Left(Reason::InPlace(why));
        if !closure.inputs.is_empty() || !call.args.is_empty() {
            return left("it has arguments");
        }
        if !matches!(closure.output, syn::ReturnType::Default) {
            return left("it names its return type, which an async block cannot");
        }
        let labelled = matches!(&*closure.body, Expr::Block(block) if block.label.is_some());
        if labelled
            || !closure.attrs.is_empty()
            || closure.constness.is_some()
            || closure.movability.is_some()
        {
            return left("it is of an unusual form");
        }
        let bars =
            self.start(closure.or1_token.span())..self.source.range(closure.or2_token.span()).end;
        let head = match &closure.capture {
            Some(capture) => self.start(capture.span())..bars.end,
            None => bars,
        };
        let becomes = if closure.capture.is_some() {
            "async move"
        } else {
            "async"
        };
        let parentheses = self.source.range(call.paren_token.span.join());
        let mut edits = vec![
            Edit::replace(head, becomes),
            Edit::replace(parentheses, format!("{}.await", self.chained(closure))),
        ];
        if !matches!(&*closure.body, Expr::Block(_)) {
            let body = self.source.range(closure.body.span());
            edits.push(Edit::insert(body.start, "{ "));
            edits.push(Edit::insert(body.end, " }"));
        }
        Use::InPlace(edits)
    }

    /// What stands before a method call on the closure, as rustfmt has it: a line's end
    /// and its indentation, where the closure has several lines.
    fn chained(&self, closure: &syn::ExprClosure) -> String {
        let whole = self.source.range(closure.span());
        if !self.source.slice(whole.clone()).contains('\n') {
            return String::new();
        }
        let before = self.source.slice(0..whole.end);
        let last = before.rfind('\n').map_or(0, |at| at + 1);
        let line = before.get(last..).unwrap_or_default();
        let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
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
    pub(super) fn look_for_spawn_blocking(&mut self, statement: &Stmt) {
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
                None => return,
            },
            Stmt::Item(_) | Stmt::Macro(_) => return,
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
                _ => return,
            },
            Expr::Try(tried) => match &*tried.expr {
                Expr::Await(awaited) => (
                    awaited,
                    Some("result goes through `?`: a panic in it is an error value there"),
                ),
                _ => return,
            },
            _ => return,
        };
        let Expr::Call(call) = &*awaited.base else {
            return;
        };
        let (Expr::Path(callee), Some(argument)) = (&*call.func, call.args.first()) else {
            return;
        };
        let is_spawn = callee
            .path
            .segments
            .last()
            .is_some_and(|segment| segment.ident == "spawn_blocking");
        let Some(closure) = bare_closure(argument).filter(|_| is_spawn) else {
            return;
        };
        let what = match (swallowed.or(follows), self.only_site(closure)) {
            (_, Err(why)) => Use::Left(Reason::SpawnBlocking(why)),
            (Some(why), Ok(_)) => Use::Left(Reason::SpawnBlocking(why)),
            (None, Ok(site)) => {
                let whole = self.source.range(expr.span());
                let edits = vec![
                    Edit::delete(whole.start..site.start),
                    Edit::delete(site.end..whole.end),
                ];
                let comments = edits.iter().any(|edit| {
                    let gone = self.source.slice(edit.range.clone());
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
        self.closure_is(argument, what);
    }

    /// The bytes of the failpoint that is all that a closure does.
    fn only_site(
        &self,
        closure: &syn::ExprClosure,
    ) -> Result<std::ops::Range<usize>, &'static str> {
        let more = Err("closure does more than hit the failpoint");
        let mac = match &*closure.body {
            Expr::Macro(call) => &call.mac,
            Expr::Block(block) => match Self::only_statement(&block.block) {
                Some(Stmt::Macro(call)) if call.attrs.is_empty() => &call.mac,
                Some(Stmt::Expr(Expr::Macro(call), _)) if call.attrs.is_empty() => &call.mac,
                _ => return more,
            },
            _ => return more,
        };
        let name = mac.path.segments.last().map(|last| last.ident.to_string());
        let kind = name.and_then(|name| self.names.kind(&name));
        if !matches!(kind, Some(Kind::FailPoint | Kind::Wrapper)) {
            return more;
        }
        match arguments::parse(&mac.tokens) {
            Some(arguments) if arguments.len() == 1 => {}
            _ => return Err("failpoint's closure returns from the blocking closure only"),
        }
        let start = self.start(mac.path.span());
        Ok(start..self.source.range(mac.delimiter.span().close()).end)
    }

    fn eval(&mut self, call: &syn::ExprCall, path: &syn::Path) {
        let (name, obstacle) = match call.args.first() {
            Some(Expr::Lit(syn::ExprLit {
                lit: syn::Lit::Str(name),
                ..
            })) => (name.value(), Reason::EvalOfLiteral),
            Some(name) => {
                let range = self.source.range(name.span());
                (self.source.slice(range).to_owned(), Reason::Eval)
            }
            None => (String::new(), Reason::Eval),
        };
        let function = self.functions.last().cloned().unwrap_or_default();
        let path_range = self.source.range(path.span());
        let last = path
            .segments
            .last()
            .map(|last| self.source.range(last.ident.span()));
        self.seen.extend(last.as_ref().map(|last| last.start));
        self.facts.sites.push(crate::facts::Site {
            kind: Kind::Eval,
            path: path_text(path).split("::").map(str::to_owned).collect(),
            name,
            form: "eval",
            arguments: call.args.len(),
            range: self.source.range(call.span()),
            last: last.unwrap_or_else(|| path_range.clone()),
            path_range,
            place: crate::facts::Place::Expression,
            braces: false,
            function,
            body: self.surroundings().words,
            obstacle: Some(obstacle),
            in_place: None,
            around: Vec::new(),
            native: Ok(Vec::new()),
            kept: false,
        });
    }
}

/// What a call of this path may call: a type's function, or a free one.
fn callee_of(path: &syn::Path) -> Callee {
    let owner = path.segments.iter().rev().nth(1);
    match owner.map(|owner| owner.ident.to_string()) {
        // A type's parameter may be any type.
        Some(owner) if owner == "Self" || owner.len() == 1 => Callee::Method,
        Some(owner) if owner.starts_with(char::is_uppercase) => Callee::Of(owner),
        _ => Callee::Free,
    }
}

/// The closure, through parentheses.
fn bare_closure(expr: &Expr) -> Option<&syn::ExprClosure> {
    match expr {
        Expr::Closure(closure) => Some(closure),
        Expr::Paren(paren) => bare_closure(&paren.expr),
        _ => None,
    }
}

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
