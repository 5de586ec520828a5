//! Proves how a point is written that is in no scope: in a list, and where a wait came to nothing.

use std::time::Duration;

use crate::common::table::alone;
use crate::common::{hit, listed, poll_once};
use neon_failpoint::FailpointResult::Continue;
use neon_failpoint::{
    arm, configure_failpoint, configure_failpoint_with_context, fail_point_sync, failpoint,
    list_failpoints, remove_all_failpoints,
};

#[test]
fn what_is_configured_is_merged_with_what_is_compiled_in() {
    let _table = alone();
    let hits = || fail_point_sync!("inventory-merged", |_| ());
    let line = line!() - 1;
    hits();
    configure_failpoint_with_context(
        "inventory-merged",
        "2*off->return",
        [("k", "v"), ("j", "w")],
    )
    .unwrap();
    configure_failpoint("inventory-by-name", "when(k=v)off").unwrap();
    hits();
    assert_eq!(hit("inventory-by-name"), Continue);
    let point = listed("inventory-merged");
    let matchers = [("j", "w"), ("k", "v")].map(|(k, v)| (k.to_owned(), v.to_owned()));
    assert_eq!(point.matchers(), matchers);
    assert_eq!((point.hits(), point.fired()), (1, 0));
    assert_eq!(
        point.to_string(),
        format!(
            "\"inventory-merged\" ({}): hits 1, fired 0, waiting 0; 1 hit was turned away by matchers, it \
             had no context; at {}:{line}",
            point.actions().unwrap(),
            file!()
        )
    );
    let point = listed("inventory-by-name");
    assert_eq!(
        point.to_string(),
        "\"inventory-by-name\" (when(k=\"v\")off): hits 1, fired 0, waiting 0; 1 hit was turned away by \
         matchers, it had no context"
    );
    let names: Vec<_> = list_failpoints()
        .iter()
        .map(|p| p.name().to_owned())
        .collect();
    assert!(names.is_sorted(), "{names:?}");
    assert_eq!(names.iter().filter(|n| n.contains("merged")).count(), 1);
    remove_all_failpoints();
    assert!(list_failpoints().iter().all(|p| !p.is_configured()));
    assert!(
        list_failpoints()
            .iter()
            .all(|p| p.name() != "inventory-by-name")
    );
}

#[test]
fn a_deadline_lists_the_first_waiters_and_counts_the_others() {
    let _table = alone();
    let name = "wait-deadline-many";
    let guard = arm(name, "pause").unwrap();
    let hits: Vec<_> = (0..13)
        .map(|_| {
            let mut hit = Box::pin(failpoint(name, None));
            assert!(poll_once(hit.as_mut()).is_pending());
            hit
        })
        .collect();
    let text = |n| {
        let wait = guard.wait_until_paused(n).within(Duration::ZERO);
        let text = wait.blocking().unwrap_err().to_string();
        let at = text.find(&format!("{name:?} (pause)")).unwrap();
        text[at..].lines().next().unwrap().to_owned()
    };
    let line = text(14);
    assert!(line.contains("waiting 13: a task for"), "{line}");
    assert_eq!(line.matches("a task for").count(), 10, "{line}");
    assert!(line.ends_with(" and 3 more"), "{line}");
    assert_eq!(guard.release(3), 3);
    let line = text(14);
    assert_eq!(line.matches("a task for").count(), 10, "{line}");
    assert!(!line.contains("more"), "{line}");
    drop(hits);
}
