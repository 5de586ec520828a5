//! A hit of a point that waits, against the end of its configuration. I3: whatever the interleaving,
//! the wait ends, and the next hit sees the new configuration.

use std::sync::Arc;

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

fn tasks_hit_until(end: fn(&mut Party, usize), check: fn(usize, FailpointResult)) {
    let gate = Gate::new(2);
    let hits = {
        let gate = gate.clone();
        async move {
            let mut party = Party::new(&gate, 2);
            for round in 0..rounds() {
                party.meet_async().await;
                party.dawdle();
                check(round, hit(round).await);
                party.meet_async().await;
            }
        }
    };
    with_task(hits, || end_while_it_is_hit(&gate, end));
    assert_nobody_waits();
}

fn threads_hit_until(end: fn(&mut Party, usize), check: fn(usize, FailpointResult)) {
    let gate = Gate::new(2);
    let hits = {
        let gate = gate.clone();
        move || {
            let mut party = Party::new(&gate, 2);
            for round in 0..rounds() {
                party.meet();
                party.dawdle();
                check(round, hit_blocking(round));
                party.meet();
            }
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
    tasks_hit_until(remove, assert_continues);
}

#[test]
fn a_task_at_a_point_that_is_reconfigured_goes_on() {
    let _alone = alone("tasks against reconfigure");
    tasks_hit_until(reconfigure, assert_continues_or_is_new);
}

#[test]
fn a_thread_at_a_point_that_is_removed_goes_on() {
    let _alone = alone("threads against remove");
    threads_hit_until(remove, assert_continues);
}

#[test]
fn a_thread_at_a_point_that_is_reconfigured_goes_on() {
    let _alone = alone("threads against reconfigure");
    threads_hit_until(reconfigure, assert_continues_or_is_new);
}

/// The rounds of the driver: a pause, and then a number to return.
fn pause_then_return(gate: &Arc<Gate>) {
    end_while_it_is_hit(gate, |_, round| configure_value(round));
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
    let gate = Gate::new(2);
    let hits = {
        let gate = gate.clone();
        async move {
            let mut party = Party::new(&gate, 2);
            for round in 0..rounds() {
                party.meet_async().await;
                party.dawdle();
                let first = hit(round).await;
                let second = hit(round / 2).await;
                assert_woken_then_new(round, first, second);
                party.meet_async().await;
            }
        }
    };
    with_task(hits, || pause_then_return(&gate));
    assert_nobody_waits();
}

#[test]
fn the_next_hit_of_a_woken_thread_sees_the_new_configuration() {
    let _alone = alone("woken threads");
    let gate = Gate::new(2);
    let hits = {
        let gate = gate.clone();
        move || {
            let mut party = Party::new(&gate, 2);
            for round in 0..rounds() {
                party.meet();
                party.dawdle();
                let first = hit_blocking(round);
                let second = hit_blocking(round / 2);
                assert_woken_then_new(round, first, second);
                party.meet();
            }
        }
    };
    with_thread(hits, || pause_then_return(&gate));
    assert_nobody_waits();
}
