//! Which name may have been meant, and what is known about a name.

use std::sync::OnceLock;

use crate::site::{self, Site};

/// Returns the set of characters in a name, one bit each (several characters share a bit).
///
/// One edit changes at most two bits, so names whose sets differ in more than `2 * n` bits are more
/// than `n` edits apart: a cheap check before [`distance`].
pub(crate) const fn letters(name: &str) -> u64 {
    let bytes = name.as_bytes();
    let mut set = 0;
    let mut i = 0;
    while i < bytes.len() {
        set |= 1 << (bytes[i] & 63);
        i += 1;
    }
    set
}

/// Returns the number of insertions, deletions and replacements of a byte that turn `a` into `b`.
pub(crate) fn distance(a: &str, b: &str) -> usize {
    // The distances from the part of `a` seen so far to each prefix of `b`.
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.bytes().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// Returns the call sites, sorted by the length of their names.
fn by_length() -> &'static [&'static Site] {
    // Filled by our own code alone, which waits for nothing (I5).
    static BY_LENGTH: OnceLock<Vec<&'static Site>> = OnceLock::new();
    BY_LENGTH.get_or_init(|| site::sorted(|a, b| a.name().len().cmp(&b.name().len())))
}

/// Returns the compiled-in name that `name` was probably meant to be: one within two edits, unless
/// `name` itself is compiled in.
pub(crate) fn nearest(name: &str) -> Option<&'static str> {
    let set = letters(name);
    let by_length = by_length();
    let first = by_length.partition_point(|site| site.name().len() + 2 < name.len());
    let mut nearest = None;
    for site in &by_length[first..] {
        if site.name().len() > name.len() + 2 {
            break;
        }
        // Two edits change at most four bits.
        if (site.letters() ^ set).count_ones() > 4 {
            continue;
        }
        match distance(site.name(), name) {
            0 => return None,
            edits if edits <= 2 && nearest.is_none_or(|(least, _)| edits < least) => {
                nearest = Some((edits, site.name()));
            }
            _ => {}
        }
    }
    nearest.map(|(_, name)| name)
}

/// Returns the compiled-in names that are most like `name`, without itself: at most three, and none
/// that differs in more than half.
pub(crate) fn similar(name: &str) -> Vec<&'static str> {
    let mut similar: Vec<(usize, &str)> = Vec::new();
    for site in site::by_name() {
        let longer = name.len().max(site.name().len());
        // Each byte that one name is longer than the other is an edit.
        if 2 * name.len().abs_diff(site.name().len()) > longer {
            continue;
        }
        let edits = distance(name, site.name());
        let is_alike = edits > 0 && 2 * edits <= longer;
        if is_alike && similar.iter().all(|(_, other)| *other != site.name()) {
            // After those that are as near.
            let at = similar.partition_point(|(other, _)| *other <= edits);
            similar.insert(at, (edits, site.name()));
            similar.truncate(3);
        }
    }
    similar.into_iter().map(|(_, name)| name).collect()
}

/// Describes, for people, where `name` is compiled in, or which names are like it.
pub(crate) fn about(name: &str) -> String {
    let mut about = String::new();
    for site in site::by_name()
        .into_iter()
        .filter(|site| site.name() == name)
    {
        let before = if about.is_empty() { "it is at" } else { "," };
        about += &format!("{before} {}:{}", site.file(), site.line());
    }
    if !about.is_empty() {
        return about;
    }
    match similar(name).as_slice() {
        [] => "no call site has that name".to_owned(),
        similar => format!("no call site has that name; names like it are {similar:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_edits() {
        for (a, b, expected) in [
            ("return", "return", 0),
            ("retrun", "return", 2),
            ("slep", "sleep", 1),
            ("", "ab", 2),
            ("", "abc", 3),
            ("pause", "panic", 3),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
            assert_eq!(distance(b, a), expected, "{b} {a}");
        }
    }

    #[test]
    fn letters_never_rule_out_a_name_within_two_edits() {
        let name = "before-commit";
        for other in [
            "before-comit",
            "before_commit",
            "befor-commmit",
            "xefore-commiy",
        ] {
            assert!(distance(name, other) <= 2);
            assert!(
                (letters(name) ^ letters(other)).count_ones() <= 4,
                "{other}"
            );
        }
    }
}
