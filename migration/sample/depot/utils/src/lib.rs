//! What the other packages share.

pub mod failpoint_support;

#[cfg(test)]
mod tests {
    use super::failpoint_support::{apply_failpoint, init};

    #[test]
    fn a_point_without_a_meaning_is_an_error() {
        let scenario = init();
        apply_failpoint("somewhere", "retrun").unwrap_err();
        scenario.teardown();
    }
}
