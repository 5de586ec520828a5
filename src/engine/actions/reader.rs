//! A cursor over the text of a configuration.

use crate::error::{Problem, Syntax};

pub(super) struct Reader<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub(super) fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        self.at += if found { token.len() } else { 0 };
        found
    }

    pub(super) fn skip_space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// Takes what comes before the first of `ends`, or else all the rest.
    pub(super) fn until(&mut self, ends: &[char]) -> &'a str {
        let rest = self.rest();
        let taken = &rest[..rest.find(ends).unwrap_or(rest.len())];
        self.at += taken.len();
        taken
    }

    /// Takes text in quotes, in which `\"` is the only escape.
    pub(super) fn quoted(&mut self) -> Result<String, Problem> {
        let open = self.at;
        self.at += 1;
        let mut value = String::new();
        loop {
            value.push_str(self.until(&['"', '\\']));
            if self.eat("\"") {
                return Ok(value);
            } else if self.eat("\\\"") {
                value.push('"');
            } else if self.eat("\\") {
                value.push('\\');
            } else {
                return Err(self.unclosed("unclosed quote", open, '"'));
            }
        }
    }

    /// The error of what is opened at `open` and never closed.
    pub(super) fn unclosed(&self, what: &'static str, open: usize, close: char) -> Problem {
        let expected = format!("a closing `{close}` for it");
        syntax(what, &self.text[open..], open, &expected)
    }
}

/// Creates an error at `position`, without a suggestion for what `word` was meant to be.
#[cold]
#[inline(never)]
pub(super) fn syntax(what: &'static str, word: &str, position: usize, expected: &str) -> Problem {
    Problem::Syntax(Syntax {
        what,
        word: word.to_owned(),
        position,
        expected: expected.to_owned(),
        meant: None,
    })
}
