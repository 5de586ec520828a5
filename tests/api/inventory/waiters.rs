//! Proves how waiters are listed.

use std::pin::pin;
use std::time::Instant;

use crate::common::crew::Crew;
use crate::common::{listed, now, poll_once, spawn, waiting, within_deadline};
use neon_failpoint::FailpointResult::Continue;
use neon_failpoint::{
    arm, configure_failpoint, failpoint, failpoint_blocking, failpoint_context, isolate,
    release_failpoint, remove_failpoint, wait_until_paused,
};

#[test]
fn who_waits_is_listed_in_order_with_kind_time_and_context() {
    let _alone = isolate();
    within_deadline("who waits is listed", || {
        let name = "inventory-waiters";
        configure_failpoint(name, "pause").unwrap();
        let before = Instant::now();
        let context = failpoint_context! { "tenant" => "t-1", "op" => "a \"b\"" };
        let mut task = pin!(failpoint(name, Some(&context)));
        assert!(poll_once(task.as_mut()).is_pending());
        let with = context.clone();
        let thread = spawn(move || failpoint_blocking(name, Some(&with)));
        wait_until_paused(name, 2).blocking().unwrap();
        let last = waiting(failpoint(name, None));
        let after = Instant::now();
        let point = listed(name);
        let waiters = point.waiters();
        let kinds: Vec<_> = waiters.iter().map(|w| w.is_blocking()).collect();
        assert_eq!(kinds, [false, true, false]);
        let contexts: Vec<_> = waiters.iter().map(|w| w.context()).collect();
        assert_eq!(contexts, [Some(&context), Some(&context), None]);
        let times: Vec<_> = waiters.iter().map(|w| w.since()).collect();
        assert!(times.is_sorted() && times[0] >= before && times[2] <= after);
        let lines: Vec<_> = waiters.iter().map(|w| w.to_string()).collect();
        for (line, begins, ends) in [
            (
                &lines[0],
                "a task for ",
                r#" s with op="a \"b\"", tenant="t-1""#,
            ),
            (
                &lines[1],
                "a thread for ",
                r#" s with op="a \"b\"", tenant="t-1""#,
            ),
            (&lines[2], "a task for ", " s"),
        ] {
            assert!(line.starts_with(begins) && line.ends_with(ends), "{line}");
        }
        let text = point.to_string();
        assert!(
            text.contains("hits 3, fired 3, waiting 3: a task for "),
            "{text}"
        );
        assert_eq!(text.lines().count(), 1);
        assert_eq!(release_failpoint(name, 1).unwrap(), 1);
        let kinds: Vec<_> = listed(name)
            .waiters()
            .iter()
            .map(|w| w.is_blocking())
            .collect();
        assert_eq!(kinds, [true, false]);
        remove_failpoint(name);
        assert_eq!((now(task), now(last)), (Continue, Continue));
        assert_eq!(thread.join().unwrap(), Continue);
    });
}

#[test]
fn who_went_is_not_listed_any_more() {
    let _alone = isolate();
    Crew::each("who went", |crew| async move {
        let name = crew.name("inventory-went");
        let guard = arm(&name, "pause").unwrap();
        let hits: Vec<_> = (0..3).map(|_| crew.hit(&name)).collect();
        crew.wait(guard.wait_until_paused(3)).await.unwrap();
        assert_eq!(listed(&name).waiters().len(), 3);
        assert_eq!(guard.release(2), 2);
        assert_eq!(listed(&name).waiters().len(), 1);
        drop(guard);
        for hit in hits {
            assert_eq!(hit.result().await, Continue);
        }
    });
}
