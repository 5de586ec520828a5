//! Macro calls that the syntax tree does not show: in the tokens of other macros, in macro
//! definitions, in files that do not parse.

use std::collections::BTreeMap;
use std::ops::Range;

use proc_macro2::{Punct, Spacing, TokenStream, TokenTree};

use super::macros::Names;
use super::{arguments, marker};
use crate::facts::{Function, Kind, Place, Site};
use crate::reason::Reason;
use crate::source::Source;

/// What a walk over a file's tokens finds.
pub(crate) struct Sweep<'a> {
    pub(crate) source: &'a Source,
    pub(crate) names: &'a Names,
    /// Where the last segments of the sites begin that are known already.
    pub(crate) seen: &'a std::collections::HashSet<usize>,
    /// The sites that are new.
    pub(crate) found: Vec<Site>,
    /// The first segments of paths, and the names in `extern crate`.
    pub(crate) heads: Vec<String>,
    /// How often each macro is called, but in its own definition.
    pub(crate) calls: BTreeMap<String, usize>,
}

impl Sweep<'_> {
    /// Goes through `tokens`, which stand in what `inside` says.
    pub(crate) fn walk(&mut self, tokens: TokenStream, inside: &Reason) {
        let mut tokens: Vec<TokenTree> = tokens.into_iter().collect();
        // What the next group stands in, where that is another macro.
        let mut deeper: Option<Reason> = None;
        for at in 0..tokens.len() {
            if let Some(stream) = tokens.get_mut(at).and_then(taken) {
                let reason = deeper.take();
                self.walk(stream, reason.as_ref().unwrap_or(inside));
                continue;
            }
            let Some(token) = tokens.get(at) else { break };
            match token {
                TokenTree::Ident(ident) => {
                    self.head(&tokens, at, inside);
                    if let (true, Some(TokenTree::Group(group))) =
                        (ident == "eval", tokens.get(at + 1))
                    {
                        self.eval(&tokens, at, group, inside);
                    }
                    if !is(tokens.get(at + 1), '!') {
                        continue;
                    }
                    match (tokens.get(at + 2), tokens.get(at + 3)) {
                        (Some(TokenTree::Ident(defined)), Some(TokenTree::Group(_)))
                            if ident == "macro_rules" =>
                        {
                            deeper = Some(Reason::MacroDefinition(defined.to_string()));
                        }
                        (Some(TokenTree::Group(group)), _) => {
                            self.count(ident, inside);
                            self.call(&tokens, at, ident, group, inside);
                            if !matches!(inside, Reason::MacroDefinition(_)) {
                                deeper = Some(Reason::OtherMacro(ident.to_string()));
                            }
                        }
                        _ => {}
                    }
                }
                TokenTree::Group(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }

    fn count(&mut self, name: &proc_macro2::Ident, inside: &Reason) {
        if !matches!(inside, Reason::MacroDefinition(defined) if name == defined) {
            *self.calls.entry(name.to_string()).or_default() += 1;
        }
    }

    /// Remembers a path's first segment: `x::`, `use x;`, `extern crate x`. In other macros
    /// any word may come to be one.
    fn head(&mut self, tokens: &[TokenTree], at: usize, inside: &Reason) {
        let Some(TokenTree::Ident(ident)) = tokens.get(at) else {
            return;
        };
        let before = at.checked_sub(1).and_then(|before| tokens.get(before));
        let after_path = is(before, ':') && {
            let further = at.checked_sub(3).and_then(|before| tokens.get(before));
            matches!(further, Some(TokenTree::Ident(_))) && !is_keyword(further)
        };
        let leads = is(tokens.get(at + 1), ':') && is(tokens.get(at + 2), ':') && !after_path;
        let named = before.is_some_and(
            |before| matches!(before, TokenTree::Ident(word) if word == "crate" || word == "use"),
        );
        let outermost = is_outside(inside);
        if leads || named || !outermost {
            let name = ident.to_string();
            if !self.heads.contains(&name) {
                self.heads.push(name);
            }
        }
    }

    fn call(
        &mut self,
        tokens: &[TokenTree],
        at: usize,
        ident: &proc_macro2::Ident,
        group: &proc_macro2::Group,
        inside: &Reason,
    ) {
        if let Some(kind) = self.names.kind(&ident.to_string()) {
            self.add(kind, tokens, at, group, inside);
        }
    }

    /// `fail::eval(..)`: a path, or any function of that name would be one.
    fn eval(
        &mut self,
        tokens: &[TokenTree],
        at: usize,
        group: &proc_macro2::Group,
        inside: &Reason,
    ) {
        let is_path = at
            .checked_sub(1)
            .is_some_and(|before| is(tokens.get(before), ':'));
        let is_call = group.delimiter() == proc_macro2::Delimiter::Parenthesis;
        if is_path && is_call && !is_outside(inside) {
            self.add(Kind::Eval, tokens, at, group, inside);
        }
    }

    fn add(
        &mut self,
        kind: Kind,
        tokens: &[TokenTree],
        at: usize,
        group: &proc_macro2::Group,
        inside: &Reason,
    ) {
        let Some(TokenTree::Ident(ident)) = tokens.get(at) else {
            return;
        };
        let last = self.source.range(ident.span());
        if self.seen.contains(&last.start) {
            return;
        }
        let (path, path_range) = path_before(self.source, tokens, at, &last);
        let described = arguments::describe(self.source, kind, &group.stream());
        let range = path_range.start..self.source.range(group.span()).end;
        self.found.push(Site {
            kind,
            path,
            name: described.name,
            form: match kind {
                Kind::Eval => "eval",
                _ => described.form,
            },
            arguments: described.count,
            kept: marker::keeps(&self.source.text, &range),
            range,
            path_range,
            last,
            place: Place::Expression,
            braces: group.delimiter() == proc_macro2::Delimiter::Brace,
            function: Function::default(),
            body: "macro tokens",
            obstacle: Some(inside.clone()),
            future: None,
            in_place: None,
            around: Vec::new(),
            native: Ok(Vec::new()),
        });
    }
}

/// What the tokens of a file stand in that no other macro holds.
pub(crate) fn outside() -> Reason {
    Reason::OtherMacro(OUTSIDE.to_owned())
}

const OUTSIDE: &str = "an attribute";

/// Whether it is that. Asked at every word: nothing is allocated for it.
fn is_outside(inside: &Reason) -> bool {
    matches!(inside, Reason::OtherMacro(words) if words == OUTSIDE)
}

/// What is in a group, which a comma takes the place of: tokens that nothing else holds are not
/// copied where they are walked. Who looks back only asks for words and marks of paths.
fn taken(token: &mut TokenTree) -> Option<TokenStream> {
    let TokenTree::Group(group) = token else {
        return None;
    };
    let stream = group.stream();
    *token = TokenTree::Punct(Punct::new(',', Spacing::Alone));
    Some(stream)
}

/// The path that ends with the token at `at`.
fn path_before(
    source: &Source,
    tokens: &[TokenTree],
    at: usize,
    last: &Range<usize>,
) -> (Vec<String>, Range<usize>) {
    let mut path = vec![source.slice(last.clone()).to_owned()];
    let mut start = last.start;
    let mut at = at;
    while let Some(before) = at.checked_sub(2) {
        if !is(tokens.get(before), ':') || !is(tokens.get(before + 1), ':') {
            break;
        }
        let segment = before.checked_sub(1).and_then(|at| tokens.get(at));
        let Some(TokenTree::Ident(segment)) = segment else {
            path.insert(0, String::new());
            start = tokens
                .get(before)
                .map_or(start, |token| source.range(token.span()).start);
            break;
        };
        path.insert(0, segment.to_string());
        start = source.range(segment.span()).start;
        at = before - 1;
    }
    let dollar = at.checked_sub(1).and_then(|before| tokens.get(before));
    if let (true, Some(first), Some(dollar)) = (is(dollar, '$'), path.first_mut(), dollar) {
        first.insert(0, '$');
        start = source.range(dollar.span()).start;
    }
    (path, start..last.end)
}

fn is(token: Option<&TokenTree>, wanted: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
}

fn is_keyword(token: Option<&TokenTree>) -> bool {
    matches!(token, Some(TokenTree::Ident(word)) if word == "use" || word == "return" || word == "in")
}
