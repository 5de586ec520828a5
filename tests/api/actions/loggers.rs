//! Proves that subscribers and loggers may use failpoints inside an event, the first of the process
//! included (I5), and that a misspelled name is warned of.

use std::cell::Cell;
use std::rc::Rc;

use crate::common::events::{events, with_listener};
use crate::common::loggers::{on_event, on_record};
use crate::common::{child, now, within_deadline};
use neon_failpoint::FailpointResult::{Continue, Return};
use neon_failpoint::{
    configure_failpoint, fail_point_sync, failpoint, failpoint_blocking, isolate, list_failpoints,
    remove_failpoint, sleep_millis_async,
};

#[test]
fn a_subscriber_may_hit_and_configure_failpoints_inside_an_event() {
    let _alone = isolate();
    within_deadline("a user's code inside a hit", || {
        let prints = "actions-subscriber-prints";
        let inside = "actions-subscriber-inside";
        configure_failpoint(prints, "print(an event)").unwrap();
        let calls = Rc::new(Cell::new(0));
        let seen = calls.clone();
        let listener = move |_: &str| {
            seen.set(seen.get() + 1);
            configure_failpoint(inside, "return(x)").unwrap();
            assert_eq!(failpoint_blocking(inside, None), Return("x".to_owned()));
            assert_eq!(now(failpoint(inside, None)), Return("x".to_owned()));
            remove_failpoint(inside);
            list_failpoints();
        };
        with_listener(listener, || {
            // `print`, in both kinds of hit; the error about a `return` that is no
            // number; the warning about a misspelling.
            assert_eq!(failpoint_blocking(prints, None), Continue);
            assert_eq!(now(failpoint(prints, None)), Continue);
            configure_failpoint("actions-subscriber-sleeps", "return(soon)").unwrap();
            now(sleep_millis_async!("actions-subscriber-sleeps"));
            configure_failpoint("actions-subscriber-sleep", "off").unwrap();
        });
        assert_eq!(calls.get(), 4);
    });
}

#[test]
fn a_misspelled_name_is_warned_of_and_a_right_one_is_not() {
    let _alone = isolate();
    let right = || configure_failpoint("actions-spelled-right", "off").unwrap();
    let wrong = || configure_failpoint("actions-speled-righ", "off").unwrap();
    fail_point_sync!("actions-spelled-right");
    assert_eq!(events(right).1, [""; 0]);
    let (_, events) = events(wrong);
    let [event] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert!(event.starts_with("WARN neon_failpoint: failpoint \"actions-speled-righ\""));
    assert!(
        event.contains("did you mean \"actions-spelled-right\""),
        "{event}"
    );
}

/// What a child does whose subscriber and logger hit failpoints, from the first event
/// of the process on.
fn log_hits_failpoints() {
    fn hit_from_a_logger() {
        let _ = failpoint_blocking("inside", None);
        let _ = now(failpoint("inside", None));
        fail_point_sync!("inside", |_| ());
        list_failpoints();
    }

    on_event(|_| hit_from_a_logger());
    on_record(|_| hit_from_a_logger(), hit_from_a_logger);
}

#[test]
fn a_logger_that_hits_failpoints_does_not_hang_the_first_reading_of_the_environment() {
    const TEST: &str = "actions::loggers::a_logger_that_hits_failpoints_does_not_hang_the_first_reading_of_the_environment";
    type Role = (&'static str, fn());
    let roles: [Role; 6] = [
        ("hit", || {
            assert_eq!(failpoint_blocking("from-env", None), Return("1".to_owned()));
        }),
        ("hit of a site", || fail_point_sync!("idle")),
        ("async hit", || {
            assert_eq!(now(failpoint("from-env", None)), Return("1".to_owned()));
        }),
        ("list", || {
            let points = list_failpoints();
            assert_eq!(points.iter().filter(|p| p.is_configured()).count(), 3);
        }),
        ("init", || neon_failpoint::init().unwrap()),
        ("configure", || {
            configure_failpoint("mine", "1%off").unwrap()
        }),
    ];
    if child::role().is_some() {
        log_hits_failpoints();
        child::play(&roles);
        // Every role ends in the exit, whose flush hits a point, too.
        let _ = failpoint_blocking("the-end", None);
        panic!("it survived");
    }
    for (role, _) in roles {
        let points = "from-env=return(1);inside=50%off->off;the-end=exit";
        let output = child::run(TEST, role, &[("FAILPOINTS", points.as_ref())]);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{role}: {stderr}");
        assert!(
            stderr.ends_with("failpoint \"the-end\": exit\n"),
            "{stderr}"
        );
    }
}
