//! The arguments of a failpoint: their form, and what the native macro wants otherwise.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::parse::Parser as _;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::visit::Visit;
use syn::{Expr, Pat, Token, Type};

use super::values::bindings;
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

/// What a failpoint's arguments are, for a person.
pub(crate) struct Described {
    /// The text of a literal, else the expression as written.
    pub(crate) name: String,
    /// In words.
    pub(crate) form: &'static str,
    /// How many there are.
    pub(crate) count: usize,
}

/// Looks at the arguments' tokens: those of a macro's definition are no expressions.
pub(crate) fn describe(source: &Source, kind: Kind, tokens: &TokenStream) -> Described {
    let parts = parts(tokens);
    let name = |at: usize| {
        let part = parts.get(at).map_or(&[][..], Vec::as_slice);
        literal(part).unwrap_or_else(|| {
            let first = part.first().map(|token| source.range(token.span()).start);
            let last = part.last().map(|token| source.range(token.span()).end);
            let range = first.unwrap_or(0)..last.unwrap_or(0);
            source.slice(range).to_owned()
        })
    };
    let count = parse(tokens).map_or(parts.len(), |list| list.len());
    let is_literal = |at: usize| parts.get(at).is_some_and(|part| literal(part).is_some());
    // The macro of `fail-parallel`, whose first argument is where the points are.
    let of_registry = kind == Kind::FailPoint && !is_literal(0) && is_literal(1);
    let form = if parts.iter().any(|part| repeats(part)) {
        "any arguments"
    } else if of_registry {
        form_of_registry(count)
    } else {
        form(kind, count)
    };
    Described {
        name: name(usize::from(of_registry)),
        form,
        count,
    }
}

/// The tokens between the commas.
fn parts(tokens: &TokenStream) -> Vec<Vec<TokenTree>> {
    let mut parts = vec![Vec::new()];
    for token in tokens.clone() {
        match (is_punct(&token, ','), parts.last_mut()) {
            (false, Some(part)) => part.push(token),
            _ => parts.push(Vec::new()),
        }
    }
    if parts.last().is_some_and(Vec::is_empty) {
        parts.pop();
    }
    parts
}

/// The value of a text literal that stands alone.
fn literal(part: &[TokenTree]) -> Option<String> {
    let [TokenTree::Literal(literal)] = part else {
        return None;
    };
    let literal = TokenStream::from(TokenTree::Literal(literal.clone()));
    let literal = syn::parse2::<syn::LitStr>(literal).ok()?;
    Some(literal.value())
}

/// Whether a macro's definition puts in a list here: `$($all)*`.
fn repeats(part: &[TokenTree]) -> bool {
    part.windows(2).any(|pair| match pair {
        [dollar, TokenTree::Group(_)] => is_punct(dollar, '$'),
        _ => false,
    })
}

/// The form in words, from the number of arguments.
fn form(kind: Kind, arguments: usize) -> &'static str {
    match (kind, arguments) {
        (_, 0) => "no name",
        (_, 1) => "name",
        (Kind::Pausable | Kind::SleepMillis, 2) => "name, token",
        (Kind::WithContext | Kind::SyncWithContext, 2) => "name, context",
        (Kind::WithContext | Kind::SyncWithContext, 3) => "name, context, closure",
        (Kind::WithContext | Kind::SyncWithContext, 4) => "name, context, condition, closure",
        (Kind::Native, _) => "name, context or token",
        (_, 2) => "name, closure",
        (_, 3) => "name, condition, closure",
        _ => "other arguments",
    }
}

fn form_of_registry(arguments: usize) -> &'static str {
    match arguments {
        2 => "registry, name",
        3 => "registry, name, closure",
        4 => "registry, name, condition, closure",
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
            let mut uses = Uses {
                source,
                name: binding.ident.to_string(),
                hidden: false,
                edits,
                looks: false,
            };
            uses.visit_expr(&closure.body);
            if uses.looks {
                return Err(Reason::NativeClosure("it looks at the `Option`"));
            }
            edits = uses.edits;
        }
        _ => return Err(Reason::NativeClosure("it takes the `Option` apart")),
    }
    Ok(edits)
}

/// Where the type's text is, if it has to change.
fn option_of_string(source: &Source, ty: &Type) -> Result<Option<std::ops::Range<usize>>, Reason> {
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

/// The uses of the parameter: `.unwrap()` and its like go; any other looks at the `Option`.
struct Uses<'a> {
    source: &'a Source,
    name: String,
    /// Whether something else has the name here.
    hidden: bool,
    edits: Vec<Edit>,
    looks: bool,
}

impl Uses<'_> {
    fn is_hidden_by<'p>(&self, patterns: impl IntoIterator<Item = &'p Pat>) -> bool {
        let mut names = patterns.into_iter().flat_map(bindings);
        self.hidden || names.any(|name| name == self.name)
    }

    /// Visits what has names of its own.
    fn within(&mut self, hidden: bool, visit: impl FnOnce(&mut Self)) {
        let outside = std::mem::replace(&mut self.hidden, hidden);
        visit(self);
        self.hidden = outside;
    }

    fn tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for (at, token) in tokens.iter().enumerate() {
            let before = at.checked_sub(1).and_then(|before| tokens.get(before));
            match token {
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Literal(literal) => {
                    let text = literal.to_string();
                    let name = &self.name;
                    self.looks |= text.contains(&format!("{{{name}}}"))
                        || text.contains(&format!("{{{name}:"));
                }
                TokenTree::Ident(ident)
                    if *ident == self.name && !before.is_some_and(|dot| is_punct(dot, '.')) =>
                {
                    match unwrapping(self.source, ident, tokens.get(at + 1..)) {
                        Some(edit) => self.edits.push(edit),
                        None => self.looks = true,
                    }
                }
                TokenTree::Ident(_) | TokenTree::Punct(_) => {}
            }
        }
    }
}

impl<'e> Visit<'e> for Uses<'_> {
    fn visit_expr_method_call(&mut self, call: &'e syn::ExprMethodCall) {
        let is_own = matches!(&*call.receiver, Expr::Path(path) if path.path.is_ident(&self.name));
        if is_own && !self.hidden && unwraps(&call.method) {
            let whole = self.source.range(call.span());
            let from = self.source.range(call.receiver.span()).end;
            self.edits.push(Edit::delete(from..whole.end));
        } else {
            syn::visit::visit_expr_method_call(self, call);
        }
    }

    fn visit_expr_path(&mut self, path: &'e syn::ExprPath) {
        self.looks |= !self.hidden && path.path.is_ident(&self.name);
    }

    fn visit_macro(&mut self, mac: &'e syn::Macro) {
        if !self.hidden {
            self.tokens(mac.tokens.clone());
        }
    }

    fn visit_block(&mut self, block: &'e syn::Block) {
        self.within(self.hidden, |uses| {
            for statement in &block.stmts {
                uses.visit_stmt(statement);
                if let syn::Stmt::Local(local) = statement {
                    uses.hidden = uses.is_hidden_by([&local.pat]);
                }
            }
        });
    }

    fn visit_expr_closure(&mut self, closure: &'e syn::ExprClosure) {
        let hidden = self.is_hidden_by(&closure.inputs);
        self.within(hidden, |uses| uses.visit_expr(&closure.body));
    }

    fn visit_arm(&mut self, arm: &'e syn::Arm) {
        let hidden = self.is_hidden_by([&arm.pat]);
        self.within(hidden, |uses| syn::visit::visit_arm(uses, arm));
    }

    fn visit_expr_if(&mut self, item: &'e syn::ExprIf) {
        self.visit_expr(&item.cond);
        let hidden = self.is_hidden_by(lets(&item.cond));
        self.within(hidden, |uses| uses.visit_block(&item.then_branch));
        if let Some((_, otherwise)) = &item.else_branch {
            self.visit_expr(otherwise);
        }
    }

    fn visit_expr_while(&mut self, item: &'e syn::ExprWhile) {
        self.visit_expr(&item.cond);
        let hidden = self.is_hidden_by(lets(&item.cond));
        self.within(hidden, |uses| uses.visit_block(&item.body));
    }

    fn visit_expr_for_loop(&mut self, item: &'e syn::ExprForLoop) {
        self.visit_expr(&item.expr);
        let hidden = self.is_hidden_by([&*item.pat]);
        self.within(hidden, |uses| uses.visit_block(&item.body));
    }

    // They see nothing of the closure.
    fn visit_item(&mut self, _: &'e syn::Item) {}
}

/// The patterns of a condition: `let a = b && let c = d`.
fn lets(condition: &Expr) -> Vec<&Pat> {
    match condition {
        Expr::Let(item) => vec![&item.pat],
        Expr::Binary(binary) => {
            let mut found = lets(&binary.left);
            found.extend(lets(&binary.right));
            found
        }
        _ => Vec::new(),
    }
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
    let is_call = group.delimiter() == Delimiter::Parenthesis;
    if !is_punct(dot, '.') || !unwraps(method) || !is_call {
        return None;
    }
    let from = source.range(ident.span()).end;
    Some(Edit::delete(from..source.range(group.span()).end))
}

fn unwraps(method: &proc_macro2::Ident) -> bool {
    ["unwrap", "unwrap_or_default", "expect"].contains(&method.to_string().as_str())
}

fn is_punct(token: &TokenTree, wanted: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == wanted)
}
