//! One source file: its text, where its lines begin, its tokens and its syntax tree.

use std::ops::Range;
use std::path::{Path, PathBuf};

use proc_macro2::{Span, TokenStream, TokenTree};

/// A file's text, with the places of its lines.
#[derive(Debug, Clone)]
pub struct Source {
    /// Where the file is.
    pub path: PathBuf,
    /// All of it: a byte order mark and a shebang, too.
    pub text: String,
    /// The bytes before the first token that the parser may see.
    skip: usize,
    lines: Vec<usize>,
}

/// A place in a file, both numbers from 1; the column counts characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The character in the line.
    pub column: usize,
}

/// Why a file was not understood, and where.
#[derive(Debug, Clone)]
pub struct Unparsed {
    /// The first place that was not understood.
    pub position: Position,
    /// The parser's words.
    pub message: String,
}

const BYTE_ORDER_MARK: char = '\u{feff}';

impl Source {
    /// Reads a file. One that is not UTF-8 does not parse, and has no text.
    ///
    /// # Errors
    ///
    /// Where it cannot be read.
    pub fn read(path: &Path) -> std::io::Result<(Source, Option<Unparsed>)> {
        let bytes = std::fs::read(path)?;
        match String::from_utf8(bytes) {
            Ok(text) => Ok((Source::new(path, text), None)),
            Err(error) => {
                let valid = error.utf8_error().valid_up_to();
                let bytes = error.as_bytes().get(..valid).unwrap_or_default();
                let before = String::from_utf8_lossy(bytes).into_owned();
                let unparsed = Unparsed {
                    position: Source::new(path, before).position(valid),
                    message: "not UTF-8 text".to_owned(),
                };
                Ok((Source::new(path, String::new()), Some(unparsed)))
            }
        }
    }

    /// A text that stands for the file at `path`.
    #[must_use]
    pub fn new(path: &Path, text: String) -> Source {
        let mark = if text.starts_with(BYTE_ORDER_MARK) {
            BYTE_ORDER_MARK.len_utf8()
        } else {
            0
        };
        let skip = mark + head(text.get(mark..).unwrap_or_default());
        let lines = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        Source {
            path: path.to_owned(),
            text,
            skip,
            lines,
        }
    }

    /// The file's tokens. Their spans count from behind what was skipped: ask [`Source::range`].
    ///
    /// # Errors
    ///
    /// Where the text is not made of tokens: an unclosed bracket or string.
    pub fn tokens(&self) -> Result<TokenStream, Unparsed> {
        let text = self.text.get(self.skip..).unwrap_or_default();
        let tokens: TokenStream = text.parse().map_err(|error: proc_macro2::LexError| {
            self.unparsed(error.span(), "a bracket or a string does not end")
        })?;
        // The walk copies all tokens. A line of documentation has brackets that are not in the text.
        let brackets = text.bytes().filter(|byte| b"([{".contains(byte)).count();
        let mut parts = text.as_bytes().split(|byte| b"([{}]),;".contains(byte));
        if brackets + 2 < DEPTH && parts.all(|part| part.len() < DEPTH) {
            return Ok(tokens);
        }
        match too_deep(&tokens) {
            Some(span) => {
                Err(self.unparsed(span, "brackets, types or operators are nested too deep"))
            }
            None => Ok(tokens),
        }
    }

    /// The file's syntax tree.
    ///
    /// # Errors
    ///
    /// Where the parser does not understand it.
    pub fn parse(&self, tokens: TokenStream) -> Result<syn::File, Unparsed> {
        syn::parse2(tokens).map_err(|error| self.unparsed(error.span(), &error.to_string()))
    }

    fn unparsed(&self, span: Span, message: &str) -> Unparsed {
        if let Some(marker) = self.conflict() {
            return Unparsed {
                position: self.position(marker),
                message: "it has the conflict markers of a merge that is not finished".to_owned(),
            };
        }
        Unparsed {
            position: self.position(self.range(span).start),
            message: message.to_owned(),
        }
    }

    /// Where git left both sides of a conflict.
    fn conflict(&self) -> Option<usize> {
        let begins = |line: &str, mark: &str| line.starts_with(mark);
        let starts = || self.lines.iter().copied();
        let line = |at: usize| self.text.get(at..).unwrap_or_default();
        let from = starts().find(|at| begins(line(*at), "<<<<<<< "))?;
        let ends = starts().any(|at| at > from && begins(line(at), ">>>>>>> "));
        ends.then_some(from)
    }

    /// The bytes of the file that a span of its tokens covers.
    #[must_use]
    pub fn range(&self, span: Span) -> Range<usize> {
        let range = span.byte_range();
        let end = self.text.len();
        (range.start + self.skip).min(end)..(range.end + self.skip).min(end)
    }

    /// The line and the column of a byte.
    #[must_use]
    pub fn position(&self, offset: usize) -> Position {
        let line = self.lines.partition_point(|start| *start <= offset).max(1);
        let start = self.lines.get(line - 1).copied().unwrap_or(0);
        let before = self.text.get(start..offset).unwrap_or_default();
        Position {
            line,
            column: 1 + before.chars().filter(|c| *c != BYTE_ORDER_MARK).count(),
        }
    }

    /// The text of some bytes; empty where they are not whole characters of the file.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> &str {
        self.text.get(range).unwrap_or_default()
    }
}

/// How deep a text may be nested: parsers recurse, and the stack ends somewhere.
const DEPTH: usize = 4_000;

/// Where a text is nested deeper than that: by brackets, or by what needs none, as in `A<A<..`,
/// `*const *const ..`, `|| || ..`. Of that one level takes two words or signs, with no bracket, literal,
/// comma or semicolon between.
fn too_deep(tokens: &TokenStream) -> Option<Span> {
    let mut open = vec![tokens.clone().into_iter()];
    // Of each open bracket the words and signs before it, and their sum.
    let (mut runs, mut sum) = (vec![0], 0);
    while let (Some(innermost), Some(run)) = (open.last_mut(), runs.last_mut()) {
        let Some(token) = innermost.next() else {
            sum -= *run;
            open.pop();
            runs.pop();
            // The bracket ends what stood before it.
            if let Some(run) = runs.last_mut() {
                sum -= std::mem::take(run);
            }
            continue;
        };
        let ends = match &token {
            TokenTree::Punct(sign) => [',', ';'].contains(&sign.as_char()),
            TokenTree::Literal(_) => true,
            TokenTree::Ident(_) | TokenTree::Group(_) => false,
        };
        if ends {
            sum -= std::mem::take(run);
            continue;
        }
        if open.len() + sum / 2 >= DEPTH {
            return Some(match token {
                TokenTree::Group(group) => group.span_open(),
                other => other.span(),
            });
        }
        match token {
            TokenTree::Group(group) => {
                open.push(group.stream().into_iter());
                runs.push(0);
            }
            // It closes what was opened.
            TokenTree::Punct(sign) if sign.as_char() == '>' => {}
            _ => {
                *run += 1;
                sum += 1;
            }
        }
    }
    None
}

/// The length of what stands before the code: an interpreter's line, and the manifest of a Cargo
/// script.
fn head(text: &str) -> usize {
    let skip = shebang(text);
    let rest = text.get(skip..).unwrap_or_default();
    skip + frontmatter(rest).unwrap_or(0)
}

/// The length of `---`, a manifest, `---`, as a Cargo script begins.
fn frontmatter(text: &str) -> Option<usize> {
    let from = text.len() - text.trim_start().len();
    let body = text.get(from..)?;
    let dashes = body.len() - body.trim_start_matches('-').len();
    let fence = body.get(..dashes).filter(|fence| fence.len() > 2)?;
    let mut at = from + body.find('\n')? + 1;
    loop {
        let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
        let line = rest.lines().next().unwrap_or_default();
        if line.trim_end() == fence {
            return Some(at + line.len());
        }
        at += rest.find('\n')? + 1;
    }
}

/// The length of a first line `#!interpreter`; `#![attribute]` is none.
fn shebang(text: &str) -> usize {
    let Some(rest) = text.strip_prefix("#!") else {
        return 0;
    };
    if first_beyond_comments(rest) == Some('[') {
        return 0;
    }
    text.find('\n').unwrap_or(text.len())
}

/// The first character that is neither white space nor in a comment.
fn first_beyond_comments(mut text: &str) -> Option<char> {
    loop {
        text = text.trim_start();
        if let Some(rest) = text.strip_prefix("//") {
            text = rest.split_once('\n').map_or("", |(_, rest)| rest);
        } else if let Some(rest) = text.strip_prefix("/*") {
            text = rest.split_once("*/").map_or("", |(_, rest)| rest);
        } else {
            return text.chars().next();
        }
    }
}
