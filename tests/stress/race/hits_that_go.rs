//! A hit that is dropped, cancelled or aborted, against the end of its configuration: nothing of it is
//! left.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::thread;

use super::{POINT, assert_nobody_waits, configure_value, hit, waits, with_task, with_thread};
use crate::common::race::{Gate, Party, alone, numbered};
use crate::common::{
    Counter, Runtime, block_on, poll_once, poll_with, rounds, until, value, waiters,
};
use neon_failpoint::FailpointResult::{Cancelled, Continue};
use neon_failpoint::{configure_failpoint, failpoint_with_cancellation, remove_failpoint};
use tokio_util::sync::CancellationToken;

#[test]
fn a_waiting_future_that_is_dropped_while_its_point_goes_leaves_nothing() {
    let _alone = alone("drops");
    let gate = Gate::new(2);
    let (counter, waker) = Counter::new();
    let mut party = Party::new(&gate, 2);
    let hits = {
        let waker = waker.clone();
        move || {
            for round in 0..rounds() {
                let mut hit = Box::pin(hit(round));
                let poll = poll_with(hit.as_mut(), &waker);
                assert!(poll.is_pending());
                party.meet();
                party.dawdle();
                if round % 5 == 0 {
                    // Released or not, but never anything else.
                    let poll = poll_with(hit.as_mut(), &waker);
                    assert!(matches!(poll, Poll::Pending | Poll::Ready(Continue)));
                }
                drop(hit);
                assert_eq!(waiters(POINT), 0);
                party.meet();
            }
        }
    };
    configure_failpoint(POINT, "pause").unwrap();
    with_thread(hits, || {
        let mut driver = Party::new(&gate, 1);
        for round in numbered(rounds()) {
            driver.meet();
            driver.dawdle();
            match round % 3 {
                0 => configure_failpoint(POINT, "pause").unwrap(),
                1 => remove_failpoint(POINT),
                // Reads the list while the waiter leaves it.
                _ => assert!(waiters(POINT) <= 1),
            }
            if round % 3 == 1 {
                configure_failpoint(POINT, "pause").unwrap();
            }
            driver.meet();
        }
    });
    assert_nobody_waits();
    // Ours and that of the waker beside it: no clone is left in any list.
    drop(waker);
    assert_eq!(Arc::strong_count(&counter), 1);
    assert!(counter.woken() <= rounds());
}

#[test]
fn a_task_that_is_cancelled_while_its_point_goes_ends_once_and_leaves_nothing() {
    let _alone = alone("cancellations");
    // The task, the driver, and who cancels.
    let gate = Gate::new(3);
    let tokens: Arc<Vec<CancellationToken>> =
        Arc::new((0..rounds()).map(|_| CancellationToken::new()).collect());
    let mut party = Party::new(&gate, 2);
    let hits = {
        let tokens = tokens.clone();
        async move {
            for (round, token) in tokens.iter().enumerate() {
                let mut hit = pin!(failpoint_with_cancellation(POINT, None, token));
                if round % 2 == 0 {
                    assert!(poll_once(hit.as_mut()).is_pending());
                }
                party.meet();
                party.dawdle();
                let result = hit.as_mut().await;
                let is_over = matches!(result, Continue | Cancelled);
                // In odd rounds it may have come after the change.
                let is_late = round % 2 == 1 && result == value(round);
                assert!(is_over || is_late, "round {round}: {result:?}");
                assert_eq!(poll_once(hit), Poll::Ready(Continue));
                party.meet();
                // The driver makes the point wait again.
                party.meet();
            }
        }
    };
    let mut party = Party::new(&gate, 3);
    let cancels = {
        let tokens = tokens.clone();
        thread::spawn(move || {
            for token in tokens.iter() {
                party.meet();
                party.dawdle();
                token.cancel();
                party.meet();
                party.meet();
            }
        })
    };
    configure_failpoint(POINT, "pause").unwrap();
    with_task(hits, || {
        let mut driver = Party::new(&gate, 1);
        for round in numbered(rounds()) {
            driver.meet();
            driver.dawdle();
            match round % 3 {
                0 => configure_value(round),
                1 => remove_failpoint(POINT),
                // Only cancelled.
                _ => {}
            }
            driver.meet();
            assert_eq!(waiters(POINT), 0, "round {round}");
            configure_failpoint(POINT, "pause").unwrap();
            driver.meet();
        }
    });
    cancels.join().unwrap();
    assert_nobody_waits();
}

#[test]
fn a_task_that_is_aborted_while_its_point_goes_leaves_nothing() {
    let _alone = alone("aborts");
    let runtime = Runtime::MultiThread.build();
    let gate = Gate::new(1);
    let mut driver = Party::new(&gate, 1);
    for round in numbered(rounds()) {
        configure_failpoint(POINT, waits(round)).unwrap();
        let task = runtime.spawn(hit(round));
        driver.dawdle();
        let handle = task.abort_handle();
        let aborts = runtime.spawn(async move { handle.abort() });
        driver.dawdle();
        configure_value(round);
        block_on(aborts).unwrap();
        until("the task has ended", || task.is_finished());
        match block_on(task) {
            Ok(result) => assert!(result == Continue || result == value(round)),
            Err(error) => assert!(error.is_cancelled()),
        }
        assert_eq!(waiters(POINT), 0);
    }
}
