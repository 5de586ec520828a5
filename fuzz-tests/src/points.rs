//! The points of the present scope, or, outside of all, those that are in none.

use neon_failpoint::{Origin, Scope, list_failpoints};

/// Their names and actions, sorted by name.
pub(crate) fn listed() -> Vec<(String, String)> {
    let own = match Scope::current() {
        Some(_) => Origin::Scope,
        None => Origin::Global,
    };
    let points = list_failpoints().into_iter();
    let own = points.filter(|point| point.origin() == Some(own));
    own.map(|point| {
        let actions = point.actions().unwrap_or_default().to_owned();
        (point.name().to_owned(), actions)
    })
    .collect()
}

/// Checks the words of an error about `text`: one line, not without an end, and a place in the text.
pub(crate) fn is_good_error(error: &str, text: &str) {
    assert!(!error.contains('\n') && error.len() < 1_000, "{error:?}");
    let place = error.split_once(" at byte ").map(|(_, rest)| rest);
    let place = place.map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next());
    if let Some(place) = place.flatten() {
        let place: usize = place.parse().expect("a number");
        assert!(text.is_char_boundary(place), "{error:?} about {text:?}");
    }
}
