//! A position in one line of a script, which remembers what it looked for.

use std::fmt;

/// What is wrong with a script, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// The file's name.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
    /// What could be there.
    pub expected: String,
    /// What is there.
    pub found: String,
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            line,
            column,
            expected,
            found,
        } = self;
        write!(
            f,
            "{file}:{line}:{column}: expected {expected}, found {found}"
        )
    }
}

impl std::error::Error for SyntaxError {}

/// A failed step of the parser; the file's name is added at the end.
pub(crate) type Result<T> = std::result::Result<T, SyntaxError>;

/// The rest of a line.
#[derive(Debug)]
pub(crate) struct Cursor<'a> {
    line: usize,
    text: &'a str,
    at: usize,
    wanted: Vec<String>,
}

/// Whether `c` may occur in a name without quotes.
pub(crate) fn is_bare(c: char) -> bool {
    c.is_alphanumeric() || "-_./".contains(c)
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(line: usize, text: &'a str) -> Self {
        let mut cursor = Self {
            line,
            text,
            at: 0,
            wanted: Vec::new(),
        };
        cursor.skip(0);
        cursor
    }

    pub(crate) fn line(&self) -> usize {
        self.line
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Skips `length` bytes and the spaces after them.
    fn skip(&mut self, length: usize) {
        self.at += length;
        self.at += self.rest().len() - self.rest().trim_start().len();
        self.wanted.clear();
    }

    /// Notes that `thing` could be here.
    fn want(&mut self, thing: &str) {
        self.wanted.push(thing.to_owned());
    }

    /// Skips `phrase`, if it is here.
    pub(crate) fn phrase(&mut self, phrase: &str) -> bool {
        self.want(&format!("`{phrase}`"));
        let mut length = 0;
        for word in phrase.split(' ') {
            let rest = &self.rest()[length..];
            length += rest.len() - rest.trim_start().len();
            match self.rest()[length..].strip_prefix(word) {
                Some(after) if word.ends_with(':') || !after.starts_with(is_bare) => {
                    length += word.len();
                }
                _ => return false,
            }
        }
        self.skip(length);
        true
    }

    /// Returns the first of `choices` whose phrase is here.
    pub(crate) fn choice<T: Clone>(&mut self, choices: &[(&str, T)]) -> Option<T> {
        let found = choices.iter().find(|(phrase, _)| self.phrase(phrase));
        found.map(|(_, value)| value.clone())
    }

    pub(crate) fn expect(&mut self, phrase: &str) -> Result<()> {
        if self.phrase(phrase) {
            Ok(())
        } else {
            self.fail()
        }
    }

    /// A name: bare, or in quotes.
    pub(crate) fn name(&mut self, what: &str) -> Result<String> {
        self.want(what);
        if self.rest().starts_with('"') {
            return self.quoted_text();
        }
        let length = self
            .rest()
            .find(|c| !is_bare(c))
            .unwrap_or(self.rest().len());
        if length == 0 {
            return self.fail();
        }
        let name = self.rest()[..length].to_owned();
        self.skip(length);
        Ok(name)
    }

    /// A text in quotes, or the rest of the line.
    pub(crate) fn text(&mut self, what: &str) -> Result<String> {
        self.want(what);
        if self.rest().starts_with('"') {
            return self.quoted_text();
        }
        self.raw().map(str::to_owned)
    }

    /// Like [`text`](Self::text), but any bytes.
    pub(crate) fn bytes(&mut self, what: &str) -> Result<Vec<u8>> {
        self.want(what);
        if self.rest().starts_with('"') {
            return self.quoted();
        }
        self.raw().map(|text| text.as_bytes().to_vec())
    }

    /// The rest of the line, including quotes.
    pub(crate) fn answer(&mut self) -> Result<String> {
        self.want("an answer");
        self.raw().map(str::to_owned)
    }

    fn raw(&mut self) -> Result<&'a str> {
        let text = self.rest().trim_end();
        if text.is_empty() {
            return self.fail();
        }
        self.skip(self.rest().len());
        Ok(text)
    }

    /// A whole number, if there is a digit here.
    pub(crate) fn digits(&mut self) -> Option<u64> {
        self.want("a number");
        let length = self
            .rest()
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(self.rest().len());
        let number = self.rest()[..length].parse().ok()?;
        self.skip(length);
        Some(number)
    }

    pub(crate) fn number(&mut self) -> Result<u64> {
        match self.digits() {
            Some(number) => Ok(number),
            None => self.fail(),
        }
    }

    fn quoted_text(&mut self) -> Result<String> {
        let start = self.at;
        String::from_utf8(self.quoted()?).or_else(|_| {
            self.at = start;
            self.want("a text of whole characters");
            self.fail()
        })
    }

    /// A text in quotes, with the escapes `\" \\ \n \r \t \u{..} \x..`.
    fn quoted(&mut self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.at += 1;
        loop {
            let mut chars = self.rest().chars();
            match chars.next() {
                Some('"') => {
                    self.skip(1);
                    return Ok(bytes);
                }
                Some('\\') => self.escape(&mut bytes)?,
                Some(c) => {
                    bytes.extend(c.encode_utf8(&mut [0; 4]).as_bytes());
                    self.at += c.len_utf8();
                }
                None => return self.fail_for("a closing quote"),
            }
        }
    }

    fn escape(&mut self, bytes: &mut Vec<u8>) -> Result<()> {
        let escape = &self.rest()[1..];
        let hexadecimal =
            |digits: Option<&str>| digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let (length, decoded) = if let Some(rest) = escape.strip_prefix("u{") {
            let digits = rest.split_once('}').map(|(digits, _)| digits);
            let decoded = hexadecimal(digits).and_then(char::from_u32);
            (
                4 + digits.map_or(0, str::len),
                decoded.map(|c| c.to_string().into_bytes()),
            )
        } else if let Some(rest) = escape.strip_prefix('x') {
            let decoded = hexadecimal(rest.get(..2));
            (
                4,
                decoded
                    .and_then(|byte| u8::try_from(byte).ok())
                    .map(|byte| vec![byte]),
            )
        } else {
            let plain = [
                ('"', '"'),
                ('\\', '\\'),
                ('n', '\n'),
                ('r', '\r'),
                ('t', '\t'),
            ];
            let found = plain.iter().find(|(letter, _)| escape.starts_with(*letter));
            (2, found.map(|(_, c)| c.to_string().into_bytes()))
        };
        match decoded {
            Some(decoded) => {
                bytes.extend(decoded);
                self.at += length;
                Ok(())
            }
            None => self.fail_for(r#"one of \" \\ \n \r \t \u{..} \x.."#),
        }
    }

    /// Checks that the line ends here.
    pub(crate) fn end(&mut self) -> Result<()> {
        self.want("the end of the line");
        if self.rest().is_empty() {
            Ok(())
        } else {
            self.fail()
        }
    }

    pub(crate) fn fail_for<T>(&mut self, what: &str) -> Result<T> {
        self.wanted.clear();
        self.want(what);
        self.fail()
    }

    /// Returns the error that names everything that was looked for at this place.
    pub(crate) fn fail<T>(&self) -> Result<T> {
        let found = match self.rest().split_whitespace().next() {
            Some(word) => format!("`{word}`"),
            None => "the end of the line".to_owned(),
        };
        Err(SyntaxError {
            file: String::new(),
            line: self.line,
            column: self.text[..self.at].chars().count() + 1,
            expected: self.wanted.join(" or "),
            found,
        })
    }
}
