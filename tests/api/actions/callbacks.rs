//! Proves that callbacks and destructors may use failpoints, inside a hit and wherever they are dropped
//! (I5).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

use crate::common::{assert_stats, info, now, panic_of, spawn, until, within_deadline};
use neon_failpoint::FailpointResult::{self, Continue, Return};
use neon_failpoint::{
    configure_failpoint, configure_failpoint_callback, configure_failpoints, failpoint,
    failpoint_blocking, isolate, list_failpoints, remove_failpoint,
};

#[test]
fn a_callback_may_configure_remove_hit_and_list_its_own_point_and_others() {
    let _alone = isolate();
    within_deadline("a user's code inside a hit", || {
        let own = "actions-callback-own";
        let other = "actions-callback-other";
        let log = Arc::new(AtomicUsize::new(0));
        configure_failpoint(other, "return(other)").unwrap();

        let callback = |what: fn()| configure_failpoint_callback(own, what).unwrap();
        let hit = || failpoint_blocking(own, None);

        callback(|| configure_failpoint("actions-callback-own", "return(own)").unwrap());
        assert_eq!((hit(), hit()), (Continue, Return("own".to_owned())));

        callback(|| remove_failpoint("actions-callback-own"));
        assert_eq!((hit(), hit()), (Continue, Continue));
        assert!(info(own).is_none());

        callback(|| {
            let result = failpoint_blocking("actions-callback-other", None);
            assert_eq!(result, Return("other".to_owned()));
            assert_stats("actions-callback-own", (1, 1, 0));
        });
        assert_eq!(hit(), Continue);

        // It hits its own point: once more, and from within an async hit.
        let depth = log.clone();
        let again = move || {
            if depth.fetch_add(1, Ordering::SeqCst) < 10 {
                assert_eq!(now(failpoint("actions-callback-own", None)), Continue);
            }
        };
        configure_failpoint_callback(own, again).unwrap();
        assert_eq!(now(failpoint(own, None)), Continue);
        assert_eq!(log.load(Ordering::SeqCst), 11);
    });
}

/// Uses the library when it is dropped.
struct UsesFailpointsWhenDropped {
    own: &'static str,
    next: FailpointResult,
    dropped: Arc<AtomicUsize>,
}

impl Drop for UsesFailpointsWhenDropped {
    fn drop(&mut self) {
        let own = self.own;
        let left = format!("{own}: left by the destructor");
        list_failpoints();
        // It is dropped after what takes its place took effect.
        assert_eq!(failpoint_blocking(own, None), self.next);
        assert_eq!(now(failpoint(own, None)), self.next);
        configure_failpoint(&left, "return(left)").unwrap();
        assert_eq!(failpoint_blocking(&left, None), Return("left".into()));
        remove_failpoint(&left);
        configure_failpoint(own, "return(last word)").unwrap();
        self.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_destructor_of_a_callback_may_use_failpoints_whoever_drops_it() {
    let _alone = isolate();
    type Drops = (&'static str, FailpointResult, fn(&'static str));
    let next = || Return("next".to_owned());
    let ways: [Drops; 5] = [
        ("actions-drop-replaced", next(), |name| {
            configure_failpoint(name, "return(next)").unwrap();
        }),
        ("actions-drop-replaced-by-a-callback", Continue, |name| {
            configure_failpoint_callback(name, || {}).unwrap();
        }),
        ("actions-drop-removed", Continue, |name| {
            remove_failpoint(name)
        }),
        ("actions-drop-in-a-batch", next(), |name| {
            let other = ("actions-drop-batch-2", "off");
            configure_failpoints([(name, "return(next)"), other]).unwrap();
        }),
        // Removed from inside: the hit itself is the last to hold it.
        ("actions-drop-by-the-hit", Continue, |name| {
            assert_eq!(failpoint_blocking(name, None), Continue);
        }),
    ];
    for (own, next, drop_it) in ways {
        let dropped = Arc::new(AtomicUsize::new(0));
        let captured = UsesFailpointsWhenDropped {
            own,
            next,
            dropped: dropped.clone(),
        };
        within_deadline(own, move || {
            // The whole of it is captured, not the field alone.
            let callback = move || remove_failpoint({ &captured }.own);
            configure_failpoint_callback(own, callback).unwrap();
            drop_it(own);
            // The hit may be the last to hold it, a moment longer.
            until("it is dropped", || dropped.load(Ordering::SeqCst) == 1);
            // The destructor's configuration came last and stays.
            let result = failpoint_blocking(own, None);
            assert_eq!(result, Return("last word".to_owned()), "{own}");
        });
    }
}

#[test]
fn a_callback_is_dropped_by_who_removes_it_whatever_other_threads_saw_last() {
    let _alone = isolate();
    let name = "actions-callback-not-kept";
    let captured = Arc::new(());
    let held = captured.clone();
    configure_failpoint_callback(name, move || drop(held.clone())).unwrap();
    let (has_hit, hit) = mpsc::channel();
    let (stop, stopped) = mpsc::channel::<()>();
    let other = spawn(move || {
        assert_eq!(failpoint_blocking(name, None), Continue);
        has_hit.send(()).unwrap();
        // It looks at no failpoint while the point is removed.
        assert!(stopped.recv().is_err());
        failpoint_blocking(name, None)
    });
    hit.recv().unwrap();
    assert_eq!(Arc::strong_count(&captured), 2);
    remove_failpoint(name);
    assert_eq!(Arc::strong_count(&captured), 1);
    drop(stop);
    assert_eq!(other.join().unwrap(), Continue);
}

#[test]
fn a_callback_may_panic_and_the_point_still_works() {
    let _alone = isolate();
    let name = "actions-callback-panics";
    configure_failpoint_callback(name, || panic!("callback")).unwrap();
    for _ in 0..2 {
        assert_eq!(panic_of(|| failpoint_blocking(name, None)), "callback");
        assert_eq!(panic_of(|| now(failpoint(name, None))), "callback");
    }
    configure_failpoint(name, "return(x)").unwrap();
    assert_eq!(failpoint_blocking(name, None), Return("x".to_owned()));
}
