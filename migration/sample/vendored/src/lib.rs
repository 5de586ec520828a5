//! One failpoint, and its test.

/// Reads a setting.
pub fn setting() -> u64 {
    fail::fail_point!("setting", |value| value.map_or(0, |v| v.parse().unwrap()));
    7
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_test_changes_the_setting() {
        let scenario = fail::FailScenario::setup();
        fail::cfg("setting", "return(3)").unwrap();
        let expected = if fail::has_failpoints() { 3 } else { 7 };
        assert_eq!(super::setting(), expected);
        scenario.teardown();
    }
}
