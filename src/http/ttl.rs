//! How long a failpoint may stay.

use std::time::Duration;

use crate::http::fields::Shape;
use crate::http::query::{number, parameters, twice};

/// The name of the field, and of the parameter.
pub(super) const NAME: &str = "ttl_ms";

/// Whoever means longer means for ever: a week.
const LONGEST: u64 = 7 * 24 * 60 * 60 * 1000;

/// The value of the field; null is as no field.
pub(super) struct Ttl;

impl Shape<'_> for Ttl {
    type Value = Option<Duration>;

    const EXPECTED: &'static str = "a whole number of milliseconds from 1 to 604800000, a week";

    fn null(self) -> Option<Self::Value> {
        Some(None)
    }

    fn number(self, millis: u64) -> Option<Self::Value> {
        let is_one = (1..=LONGEST).contains(&millis);
        is_one.then(|| Some(Duration::from_millis(millis)))
    }
}

/// The time that a query gives.
pub(super) fn of_query(query: &str) -> Result<Option<Duration>, String> {
    let mut ttl = None;
    for (key, value) in parameters(query) {
        if key != NAME {
            return Err(format!(
                "the parameter {key:?} is unknown; expected {NAME}=N, or none"
            ));
        }
        let millis = number(key, value, 1..=LONGEST)?;
        if ttl.replace(Duration::from_millis(millis)).is_some() {
            return Err(twice(key));
        }
    }
    Ok(ttl)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_expected_is_what_is_taken() {
        assert!(Ttl::EXPECTED.contains(&format!("from 1 to {LONGEST},")));
        for (millis, taken) in [(0, false), (1, true), (LONGEST, true), (LONGEST + 1, false)] {
            assert_eq!(Ttl.number(millis).is_some(), taken, "{millis}");
            assert_eq!(of_query(&format!("ttl_ms={millis}")).is_ok(), taken);
        }
    }

    #[test]
    fn a_bad_query_names_the_parameter() {
        assert_eq!(of_query(""), Ok(None));
        for (query, part) in [
            ("ttl_ms", "`ttl_ms` is \"\""),
            ("ttl_ms=-1", "`ttl_ms` is \"-1\""),
            ("ttl_ms=1.5", "`ttl_ms` is \"1.5\""),
            ("ttl_ms=1s", "`ttl_ms` is \"1s\""),
            ("ttl_ms=99999999999999999999", "from 1 to 604800000"),
            ("ttl_ms=1&ttl_ms=1", "`ttl_ms` is there twice"),
            ("ttl=1", "\"ttl\" is unknown; expected ttl_ms=N"),
        ] {
            let message = of_query(query).unwrap_err();
            assert!(message.contains(part), "{query}: {message}");
        }
    }
}
