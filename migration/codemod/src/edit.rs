//! Edits as data: bytes of a file and what stands there instead.

use std::fmt;
use std::ops::Range;

/// What replaces some bytes of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The bytes that go. Empty for an insertion.
    pub range: Range<usize>,
    /// What comes.
    pub text: String,
}

impl Edit {
    /// Replaces `range` by `text`.
    #[must_use]
    pub fn replace(range: Range<usize>, text: impl Into<String>) -> Edit {
        Edit {
            range,
            text: text.into(),
        }
    }

    /// Inserts `text` before the byte `at`.
    #[must_use]
    pub fn insert(at: usize, text: impl Into<String>) -> Edit {
        Edit::replace(at..at, text)
    }

    /// Takes `range` away.
    #[must_use]
    pub fn delete(range: Range<usize>) -> Edit {
        Edit::replace(range, "")
    }
}

/// Edits that do not fit the text or each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// The edit that cannot be made.
    pub edit: Edit,
    /// Why not.
    pub why: &'static str,
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Range { start, end } = self.edit.range;
        write!(f, "the edit of bytes {start}..{end} {}", self.why)
    }
}

impl std::error::Error for Misfit {}

/// Makes all edits, in whatever order they come. The same edit twice counts once.
///
/// # Errors
///
/// Where two edits overlap or insert at the same place, or one lies outside the text or
/// within a character. Nothing is made then.
pub fn apply(text: &str, edits: &[Edit]) -> Result<String, Misfit> {
    let mut edits: Vec<&Edit> = edits.iter().collect();
    edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
    edits.dedup();
    let mut result = String::with_capacity(text.len() + 64);
    let mut done = 0;
    let mut last: Option<&Edit> = None;
    for edit in edits {
        let misfit = |why| Misfit {
            edit: edit.clone(),
            why,
        };
        if edit.range.start < done || last.is_some_and(|last| last.range == edit.range) {
            return Err(misfit("overlaps another one"));
        }
        if edit.range.start > edit.range.end {
            return Err(misfit("ends before it begins"));
        }
        let (Some(kept), Some(_)) = (
            text.get(done..edit.range.start),
            text.get(edit.range.clone()),
        ) else {
            return Err(misfit("is not on the text's characters"));
        };
        result.push_str(kept);
        result.push_str(&edit.text);
        done = edit.range.end;
        last = Some(edit);
    }
    result.push_str(text.get(done..).unwrap_or_default());
    Ok(result)
}

/// A whole line, where nothing else stands in it; else the range, and the blanks behind it.
pub(crate) fn with_line(text: &str, range: Range<usize>) -> Range<usize> {
    let before = text.get(..range.start).unwrap_or_default();
    let after = text.get(range.end..).unwrap_or_default();
    let indent = before.len() - before.trim_end_matches([' ', '\t']).len();
    let at_start = before.len() == indent || before.trim_end_matches([' ', '\t']).ends_with('\n');
    let blank = after.len() - after.trim_start_matches([' ', '\t']).len();
    let rest = after.get(blank..).unwrap_or_default();
    let line_end = if rest.starts_with("\r\n") {
        2
    } else if rest.starts_with('\n') {
        1
    } else {
        0
    };
    if at_start && line_end > 0 {
        range.start - indent..range.end + blank + line_end
    } else {
        // What follows in the line moves to where it stood.
        range.start..range.end + blank
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_made_in_the_order_of_the_text() {
        let edits = [Edit::insert(3, "!"), Edit::replace(0..1, "A")];
        assert_eq!(apply("abc", &edits), Ok("Abc!".to_owned()));
    }

    #[test]
    fn the_same_edit_twice_counts_once() {
        let edits = [Edit::delete(0..1), Edit::delete(0..1)];
        assert_eq!(apply("abc", &edits), Ok("bc".to_owned()));
    }

    #[test]
    fn overlapping_edits_are_refused() {
        let edits = [Edit::delete(0..2), Edit::replace(1..3, "x")];
        let misfit = apply("abc", &edits).expect_err("they overlap");
        assert_eq!(misfit.edit, edits[1]);
    }

    #[test]
    fn two_different_insertions_at_one_place_are_refused() {
        let edits = [Edit::insert(1, "x"), Edit::insert(1, "y")];
        assert!(apply("abc", &edits).is_err());
    }

    #[test]
    fn an_edit_within_a_character_is_refused() {
        assert!(apply("ä", &[Edit::delete(1..2)]).is_err());
        assert!(apply("a", &[Edit::delete(1..2)]).is_err());
    }
}
