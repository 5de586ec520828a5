//! Hashing and comparing names.

/// Hashes a failpoint's name.
///
/// A `const fn`, so that a call site with a literal name has its hash at compile time. The hash is
/// the same on every platform and in every run, because the draws of a percentage start from it.
/// Names come from the program and its tests, so it does not defend against chosen collisions: the
/// table compares whole names.
///
/// It has [`HASH_BITS`].
pub(crate) const fn hash(name: &str) -> u64 {
    let bytes = name.as_bytes();
    let mut hash = 0x9e37_79b9_7f4a_7c15 ^ bytes.len() as u64;
    let mut rest = bytes;
    while let Some((word, more)) = rest.split_first_chunk() {
        hash = fold(hash ^ u64::from_le_bytes(*word));
        rest = more;
    }
    // The last eight bytes; some of them may be hashed a second time.
    let last = match bytes.last_chunk() {
        Some(word) => u64::from_le_bytes(*word),
        None => short_word(bytes),
    };
    fold(hash ^ last) >> (u64::BITS - HASH_BITS)
}

/// How many bits are a hash. A call site has half a word for it, and says in the others what it is.
pub(crate) const HASH_BITS: u32 = 29;

/// Returns fewer than eight bytes as a little-endian number.
const fn short_word(bytes: &[u8]) -> u64 {
    let mut word = 0;
    let mut i = 0;
    while i < bytes.len() {
        word |= (bytes[i] as u64) << (8 * i);
        i += 1;
    }
    word
}

/// Multiplies by an odd constant and folds the 128-bit product, which carries
/// every bit of the input into both halves of the output.
pub(crate) const fn fold(value: u64) -> u64 {
    let product = (value ^ 0xa076_1d64_78bd_642f) as u128 * 0xe703_7ed1_a0b4_28db_u128;
    (product as u64) ^ ((product >> 64) as u64)
}

/// Whether `a` and `b` are equal. Most names and keys are so short that comparing two words, which
/// may overlap, takes less time than calling a function.
#[inline]
pub(crate) fn is_same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    a.len() == b.len()
        && match a.len() {
            0 => true,
            4..8 => {
                a.first_chunk::<4>() == b.first_chunk() && a.last_chunk::<4>() == b.last_chunk()
            }
            8..=16 => {
                a.first_chunk::<8>() == b.first_chunk() && a.last_chunk::<8>() == b.last_chunk()
            }
            _ => a == b,
        }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_tells_names_apart_that_differ_in_one_byte_or_in_length() {
        let names: Vec<String> = (0..10_000)
            .map(|i| format!("point-{i}"))
            .chain((0..64).map(|n| "a".repeat(n)))
            .chain((0..64).map(|n| "\0".repeat(n + 1)))
            .collect();
        let hashes: std::collections::HashSet<u64> = names.iter().map(|n| hash(n)).collect();
        assert_eq!(hashes.len(), names.len());
        // The trie takes three bits at a time from the bottom: each must be used, of the last what there is.
        for shift in (0..HASH_BITS).step_by(3) {
            let used: std::collections::HashSet<u64> =
                names.iter().map(|n| (hash(n) >> shift) & 7).collect();
            let all = 1 << (HASH_BITS - shift).min(3);
            assert_eq!(used.len(), all, "bits {shift}..{}", shift + 3);
        }
    }

    #[test]
    fn names_are_the_same_where_every_byte_is() {
        let text: String = ('a'..='z').chain('A'..='Z').collect();
        for len in 0..=text.len() {
            let name = &text[..len];
            for other in 0..=text.len() {
                assert_eq!(is_same(name, &text[..other]), len == other, "{len} {other}");
            }
            for at in 0..len {
                let mut bytes = name.as_bytes().to_vec();
                bytes[at] = b'-';
                let other = String::from_utf8(bytes).unwrap();
                assert!(!is_same(name, &other), "{name} {other}");
            }
        }
    }

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
