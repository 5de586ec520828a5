//! The parameters behind the `?` of a request.

use std::ops::RangeInclusive;

use crate::error::Word;

/// The parameters of a query with their values, which are empty where there is none.
pub(super) fn parameters(query: &str) -> impl Iterator<Item = (&str, &str)> {
    let parameters = query.split('&').filter(|parameter| !parameter.is_empty());
    parameters.map(|parameter| parameter.split_once('=').unwrap_or((parameter, "")))
}

pub(super) fn twice(key: &str) -> String {
    format!("the parameter `{key}` is there twice; expected it once")
}

pub(super) fn number(key: &str, value: &str, range: RangeInclusive<u64>) -> Result<u64, String> {
    // Only digits: `parse` takes a plus sign, which a query means as a space.
    let digits = value.bytes().all(|b| b.is_ascii_digit());
    let number = value.parse().ok().filter(|n| digits && range.contains(n));
    number.ok_or_else(|| {
        let (least, most, value) = (range.start(), range.end(), Word(value));
        format!("the parameter `{key}` is {value}; expected a whole number from {least} to {most}")
    })
}
