//! A hit of a point that waits, against the end of its configuration. I3: whatever the interleaving,
//! the wait ends, and the next hit sees the new configuration.

use super::{
    POINT, assert_nobody_waits, configure_value, end_while_it_is_hit, hit, hit_blocking, waits,
    waits_first, with_task, with_thread,
};
use crate::common::race::{Gate, Party, alone, rounds};
use crate::common::value;
use neon_failpoint::FailpointResult::{self, Continue};
use neon_failpoint::{
    configure_failpoint, configure_failpoints, remove_all_failpoints, remove_failpoint,
};

/// In every round a task does `each`, while `end` ends the configuration of the point.
fn tasks<F: Future<Output = ()> + Send>(
    each: impl Fn(usize) -> F + Send + Sync + 'static,
    end: fn(&mut Party, usize),
) {
    let gate = Gate::new(2);
    let mut party = Party::new(&gate, 2);
    let hits = async move {
        for round in 0..rounds() {
            party.meet_async().await;
            party.dawdle();
            each(round).await;
            party.meet_async().await;
        }
    };
    with_task(hits, || end_while_it_is_hit(&gate, end));
    assert_nobody_waits();
}

/// The same with a thread.
fn threads(each: impl Fn(usize) + Send + 'static, end: fn(&mut Party, usize)) {
    let gate = Gate::new(2);
    let mut party = Party::new(&gate, 2);
    let hits = move || {
        for round in 0..rounds() {
            party.meet();
            party.dawdle();
            each(round);
            party.meet();
        }
    };
    with_thread(hits, || end_while_it_is_hit(&gate, end));
    assert_nobody_waits();
}

fn remove(_: &mut Party, round: usize) {
    if round % 5 == 4 {
        remove_all_failpoints();
    } else {
        remove_failpoint(POINT);
    }
}

fn assert_continues(round: usize, result: FailpointResult) {
    assert_eq!(result, Continue, "round {round}");
}

fn reconfigure(driver: &mut Party, round: usize) {
    match round % 4 {
        0 => configure_value(round),
        1 => {
            let batch = [
                ("race-other", "off".to_owned()),
                (POINT, format!("return({round})")),
            ];
            configure_failpoints(batch).unwrap();
        }
        2 => {
            // Twice, and the second configuration waits as the first did.
            configure_failpoint(POINT, waits(round)).unwrap();
            driver.dawdle();
            configure_value(round);
        }
        _ => {
            configure_failpoint(POINT, waits(round)).unwrap();
            driver.dawdle();
            remove_failpoint(POINT);
        }
    }
}

fn assert_continues_or_is_new(round: usize, result: FailpointResult) {
    // A hit that comes after the end is one of the new configuration.
    let is_late = !waits_first(round) && round % 4 != 3 && result == value(round);
    assert!(result == Continue || is_late, "round {round}: {result:?}");
}

#[test]
fn a_task_at_a_point_that_is_removed_goes_on() {
    let _alone = alone("tasks against remove");
    tasks(
        |round| async move { assert_continues(round, hit(round).await) },
        remove,
    );
}

#[test]
fn a_task_at_a_point_that_is_reconfigured_goes_on() {
    let _alone = alone("tasks against reconfigure");
    tasks(
        |round| async move { assert_continues_or_is_new(round, hit(round).await) },
        reconfigure,
    );
}

#[test]
fn a_thread_at_a_point_that_is_removed_goes_on() {
    let _alone = alone("threads against remove");
    threads(|round| assert_continues(round, hit_blocking(round)), remove);
}

#[test]
fn a_thread_at_a_point_that_is_reconfigured_goes_on() {
    let _alone = alone("threads against reconfigure");
    threads(
        |round| assert_continues_or_is_new(round, hit_blocking(round)),
        reconfigure,
    );
}

/// From a pause to a number to return.
fn to_a_value(_: &mut Party, round: usize) {
    configure_value(round);
}

fn assert_woken_then_new(round: usize, first: FailpointResult, second: FailpointResult) {
    let is_late = !waits_first(round) && first == value(round);
    let is_woken = first == Continue || is_late;
    assert!(is_woken, "round {round}: {first:?}");
    assert_eq!(second, value(round), "round {round}: the next hit");
}

#[test]
fn the_next_hit_of_a_woken_task_sees_the_new_configuration() {
    let _alone = alone("woken tasks");
    let each = |round| async move {
        let first = hit(round).await;
        let second = hit(round / 2).await;
        assert_woken_then_new(round, first, second);
    };
    tasks(each, to_a_value);
}

#[test]
fn the_next_hit_of_a_woken_thread_sees_the_new_configuration() {
    let _alone = alone("woken threads");
    let each = |round| {
        let first = hit_blocking(round);
        let second = hit_blocking(round / 2);
        assert_woken_then_new(round, first, second);
    };
    threads(each, to_a_value);
}
