//! Proves what is listed of hits that matchers turned away: how many, and what the last one was about.

use std::sync::Arc;

use crate::common::{hit, listed, spawn, within_deadline};
use neon_failpoint::FailpointResult::Continue;
use neon_failpoint::{
    FailpointContext, arm, compat, fail_point_sync, fail_point_with_context_sync,
    failpoint_blocking, failpoint_context, isolate,
};

/// The number, and the line for people.
fn turned_away(name: &str) -> (usize, String) {
    let point = listed(name);
    (point.turned_away(), point.to_string())
}

#[track_caller]
fn assert_turned_away(name: &str, hits: usize, about: &str) {
    let (number, line) = turned_away(name);
    assert_eq!(number, hits, "{line}");
    assert!(line.contains(about), "{line}");
}

#[test]
fn each_reason_is_told_by_the_last_hit() {
    let _alone = isolate();
    let name = "turned-away-why";
    let guard = arm(name, "when(tenant=t-1)off").unwrap();
    let (none, line) = turned_away(name);
    assert!(none == 0 && !line.contains("turned away"), "{line}");
    let of = |context: &FailpointContext| {
        assert_eq!(failpoint_blocking(name, Some(context)), Continue);
    };
    fail_point_sync!("turned-away-why");
    assert_turned_away(
        name,
        1,
        "; 1 hit was turned away by matchers, it had no context",
    );
    of(&failpoint_context! { "tennant" => "t-1" });
    let told = r#"; 2 hits were turned away by matchers, the last had tennant="t-1"; at "#;
    assert_turned_away(name, 2, told);
    // A part of a value.
    of(&failpoint_context! { "tenant" => "t-17", "shard" => 3 });
    assert_turned_away(name, 3, r#"the last had shard="3", tenant="t-17""#);
    of(&FailpointContext::new());
    assert_turned_away(name, 4, "the last had a context without values");
    compat::eval(name, |_| ());
    assert_turned_away(name, 5, "the last had no context");
    // One that matches is none of them.
    of(&failpoint_context! { "tenant" => "t-1" });
    assert_turned_away(name, 5, "hits 6, fired 1, ");
    assert_eq!((guard.hits(), guard.fired()), (6, 1));
    guard.configure("when(tenant=t-1)off").unwrap();
    assert_eq!(turned_away(name).0, 0);
}

#[test]
fn what_an_alternative_took_or_left_for_another_reason_was_not_turned_away() {
    let _alone = isolate();
    let name = "turned-away-not";
    let context = failpoint_context! { "k" => "v" };
    for actions in [
        "off",
        "0*off",
        "0%off",
        "when(k=v)0*off",
        "when(k=v)0%off",
        "when(k=w)off->off",
    ] {
        let _guard = arm(name, actions).unwrap();
        assert_eq!(failpoint_blocking(name, Some(&context)), Continue);
        let (number, line) = turned_away(name);
        assert!(number == 0 && line.contains("hits 1"), "{line}");
    }
    // One of two is enough.
    let _guard = arm(name, "when(k=w)off->when(k=v)0%off").unwrap();
    assert_eq!(failpoint_blocking(name, Some(&context)), Continue);
    assert_turned_away(name, 1, r#"it had k="v""#);
}

#[test]
fn a_context_that_is_too_long_to_read_is_cut() {
    let _alone = isolate();
    let name = "turned-away-long";
    let _guard = arm(name, "when(k=v)off").unwrap();
    let context: FailpointContext = (0..1000)
        .map(|i| (format!("key-{i:03}"), "é".repeat(100_000)))
        .collect();
    assert_eq!(failpoint_blocking(name, Some(&context)), Continue);
    let (_, line) = turned_away(name);
    assert!(line.len() < 5_000, "{}", line.len());
    assert!(line.contains("key-000=\"éé"), "{line}");
    assert!(line.contains("more bytes and 99"), "{line}");
    let context = FailpointContext::from_iter([("k".repeat(100_000), "line\nbreak")]);
    assert_eq!(failpoint_blocking(name, Some(&context)), Continue);
    let (_, line) = turned_away(name);
    assert!(line.len() < 1_000 && !line.contains('\n'), "{line}");
}

#[test]
fn of_many_hits_one_of_the_last_is_told() {
    let _alone = isolate();
    let name = "turned-away-many";
    let _guard = arm(name, "when(k=v)off").unwrap();
    for i in 1..=10_000 {
        let context = failpoint_context! { "number" => i };
        fail_point_with_context_sync!("turned-away-many", &context);
        if i == 256 {
            assert_turned_away(name, 256, "the last had number=\"256\"");
        }
    }
    let (number, line) = turned_away(name);
    assert_eq!(number, 10_000);
    let (_, told) = line.split_once("one of the last had number=\"").unwrap();
    let (told, _) = told.split_once('"').unwrap();
    let told: usize = told.parse().unwrap();
    assert!((10_000 - 4096..=10_000).contains(&told), "{line}");
}

#[test]
fn every_hit_of_many_threads_is_counted_while_others_list() {
    let _alone = isolate();
    within_deadline("hits against lists", || {
        const HITS: usize = 10_000;
        let name = "turned-away-threads";
        let guard = Arc::new(arm(name, "when(k=v)off").unwrap());
        let threads = [(); 3].map(|()| spawn(move || (0..HITS).for_each(|_| drop(hit(name)))));
        while guard.hits() < 3 * HITS {
            let point = listed(name);
            assert!(point.turned_away() <= 3 * HITS && point.fired() == 0);
            let _ = point.to_string();
        }
        for thread in threads {
            thread.join().unwrap();
        }
        assert_turned_away(name, 3 * HITS, "turned away by matchers");
    });
}
