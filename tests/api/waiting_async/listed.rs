//! Proves how waiters are listed.

use std::task::Poll;
use std::time::Instant;

use crate::common::{info, poll_once, spawn, until_waiting, within_deadline};
use neon_failpoint::FailpointResult::Continue;
use neon_failpoint::{
    FailpointContext, configure_failpoint, failpoint, failpoint_blocking, isolate, remove_failpoint,
};

#[test]
fn waiters_are_listed_in_order_of_arrival_with_kind_time_and_context() {
    let _alone = isolate();
    within_deadline("all are let go", || {
        let name = "listed";
        let context = |v: &str| FailpointContext::from_iter([("key", v)]);
        let before = Instant::now();
        configure_failpoint(name, "pause").unwrap();
        let arrived = |n| until_waiting(name, n);

        let (first, fourth) = (context("first"), context("fourth"));
        let mut first = Box::pin(failpoint(name, Some(&first)));
        assert!(poll_once(first.as_mut()).is_pending());
        let second = spawn(move || failpoint_blocking(name, Some(&context("second"))));
        arrived(2);
        let mut third = Box::pin(failpoint!("listed"));
        assert!(poll_once(third.as_mut()).is_pending());
        let mut fourth = Box::pin(failpoint!("listed", &fourth));
        assert!(poll_once(fourth.as_mut()).is_pending());
        let fifth = spawn(move || failpoint_blocking(name, None));
        arrived(5);

        let listed = |expected: &[(bool, Option<&str>)]| {
            let point = info(name).unwrap();
            let seen: Vec<_> = point
                .waiters()
                .iter()
                .map(|w| (w.is_blocking(), w.context().and_then(|c| c.get("key"))))
                .collect();
            assert_eq!(seen, expected);
            let mut times = vec![before];
            times.extend(point.waiters().iter().map(|w| w.since()));
            times.push(Instant::now());
            assert!(times.is_sorted(), "{times:?}");
        };
        listed(&[
            (false, Some("first")),
            (true, Some("second")),
            (false, None),
            (false, Some("fourth")),
            (true, None),
        ]);
        // Polling again is no new arrival.
        assert!(poll_once(fourth.as_mut()).is_pending());
        assert!(poll_once(first.as_mut()).is_pending());
        drop(third);
        listed(&[
            (false, Some("first")),
            (true, Some("second")),
            (false, Some("fourth")),
            (true, None),
        ]);
        remove_failpoint(name);
        assert_eq!(poll_once(first.as_mut()), Poll::Ready(Continue));
        assert_eq!(poll_once(fourth.as_mut()), Poll::Ready(Continue));
        assert_eq!(second.join().unwrap(), Continue);
        assert_eq!(fifth.join().unwrap(), Continue);
    });
}
