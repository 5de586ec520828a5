//! Proves what a release refuses.

use super::tenant;
use crate::common::{assert_stats, now, poll_once, waiting};
use neon_failpoint::FailpointResult::Continue;
use neon_failpoint::{
    arm, fail_point_sync, failpoint, isolate, release_failpoint, release_failpoint_matching,
};

#[test]
fn a_name_that_is_not_armed_is_an_error_and_so_is_a_bad_matcher_which_changes_nothing() {
    let _alone = isolate();
    fn never_called() {
        fail_point_sync!("release-unarmed-site");
    }
    let _: fn() = never_called;
    for error in [
        release_failpoint("release-unarmed-sit", 1).unwrap_err(),
        release_failpoint_matching("release-unarmed-sit", [("k", "v")]).unwrap_err(),
    ] {
        let text = error.to_string();
        for words in [
            "\"release-unarmed-sit\"",
            "not configured",
            "\"release-unarmed-site\"",
        ] {
            assert!(text.contains(words), "{text}");
        }
    }
    let name = "release-errors";
    let guard = arm(name, "pause").unwrap();
    let context = tenant(1);
    let mut hit = waiting(failpoint(name, Some(&context)));
    for (bad, what) in [
        (
            [("tenant", ".*"), ("tenant", "(")],
            "not a regular expression",
        ),
        ([("", ".*"), ("tenant", ".*")], "empty key"),
    ] {
        for error in [
            guard.release_matching(bad).unwrap_err(),
            release_failpoint_matching(name, bad).unwrap_err(),
        ] {
            let text = error.to_string();
            assert!(text.contains(what) && text.contains(name), "{text}");
        }
        assert!(poll_once(hit.as_mut()).is_pending());
        assert_stats(name, (1, 1, 1));
    }
    assert_eq!((guard.release_all(), now(hit)), (1, Continue));
    drop(guard);
    assert!(release_failpoint(name, 0).is_err());
}
