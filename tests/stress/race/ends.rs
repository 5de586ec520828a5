//! A hit of a point that waits, against the end of its configuration. I3: whatever the interleaving,
//! the wait ends, and the next hit sees the new configuration.

use super::{
    POINT, assert_nobody_waits, configure_value, end_while_it_is_hit, hit, hit_blocking,
    until_it_waits, waits, waits_first, with_task, with_thread,
};
use crate::common::race::{Gate, Party, alone};
use crate::common::{rounds, value};
use neon_failpoint::FailpointResult::{self, Cancelled, Continue};
use neon_failpoint::compat::{self, FailScenario};
use neon_failpoint::{
    Armed, InScope, Isolated, Scope, arm, configure_failpoint, configure_failpoints, failpoint,
    failpoint_with_cancellation, isolate, pausable_failpoint, release_failpoint,
    remove_all_failpoints, remove_failpoint,
};
use std::sync::{Arc, Mutex};
use tokio_util::sync::CancellationToken;

/// In every round a task does `each`, while `end` ends what `begin` began.
fn tasks<S, R, F: Future<Output = ()> + Send>(
    begin: impl Fn(usize) -> S,
    each: impl Fn(usize) -> F + Send + Sync + 'static,
    end: impl Fn(S, &mut Party, usize) -> R,
) {
    let gate = Gate::new(2);
    let mut party = Party::new(&gate, 2);
    let hits = async move {
        for round in 0..rounds() {
            party.meet();
            party.dawdle();
            each(round).await;
            party.meet();
        }
    };
    with_task(hits, || end_while_it_is_hit(&gate, begin, end));
    assert_nobody_waits();
}

/// The same with a thread.
fn threads<S, R>(
    begin: impl Fn(usize) -> S,
    each: impl Fn(usize) + Send + 'static,
    end: impl Fn(S, &mut Party, usize) -> R,
) {
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
    with_thread(hits, || end_while_it_is_hit(&gate, begin, end));
    assert_nobody_waits();
}

fn configure(round: usize) {
    configure_failpoint(POINT, waits(round)).unwrap();
}

fn remove((): (), _: &mut Party, round: usize) {
    if round % 5 == 4 {
        remove_all_failpoints();
    } else {
        remove_failpoint(POINT);
    }
}

fn assert_continues(round: usize, result: FailpointResult) {
    assert_eq!(result, Continue, "round {round}");
}

fn reconfigure((): (), driver: &mut Party, round: usize) {
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
        configure,
        |round| async move { assert_continues(round, hit(round).await) },
        remove,
    );
}

#[test]
fn a_task_at_a_point_that_is_reconfigured_goes_on() {
    let _alone = alone("tasks against reconfigure");
    tasks(
        configure,
        |round| async move { assert_continues_or_is_new(round, hit(round).await) },
        reconfigure,
    );
}

#[test]
fn a_thread_at_a_point_that_is_removed_goes_on() {
    let _alone = alone("threads against remove");
    threads(
        configure,
        |round| assert_continues(round, hit_blocking(round)),
        remove,
    );
}

#[test]
fn a_thread_at_a_point_that_is_reconfigured_goes_on() {
    let _alone = alone("threads against reconfigure");
    threads(
        configure,
        |round| assert_continues_or_is_new(round, hit_blocking(round)),
        reconfigure,
    );
}

/// From a pause to a number to return.
fn to_a_value((): (), _: &mut Party, round: usize) {
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
    tasks(configure, each, to_a_value);
}

#[test]
fn the_next_hit_of_a_woken_thread_sees_the_new_configuration() {
    let _alone = alone("woken threads");
    let each = |round| {
        let first = hit_blocking(round);
        let second = hit_blocking(round / 2);
        assert_woken_then_new(round, first, second);
    };
    threads(configure, each, to_a_value);
}

/// Three points change in one step; the hit waits at any of them.
fn in_a_batch((): (), _: &mut Party, round: usize) {
    let value = format!("return({round})");
    let mut batch = [
        ("race-first", "pause"),
        (POINT, &value),
        ("race-last", "off"),
    ];
    batch.rotate_left(round % 3);
    configure_failpoints(batch).unwrap();
}

fn assert_continues_or_is_late(round: usize, result: FailpointResult) {
    let is_late = !waits_first(round) && result == value(round);
    assert!(result == Continue || is_late, "round {round}: {result:?}");
}

#[test]
fn a_task_at_a_point_of_a_batch_goes_on() {
    let _alone = alone("tasks against batches");
    tasks(
        configure,
        |round| async move { assert_continues_or_is_late(round, hit(round).await) },
        in_a_batch,
    );
}

#[test]
fn a_thread_at_a_point_of_a_batch_goes_on() {
    let _alone = alone("threads against batches");
    threads(
        configure,
        |round| assert_continues_or_is_late(round, hit_blocking(round)),
        in_a_batch,
    );
}

fn begin_guard(round: usize) -> Armed {
    arm(POINT, waits(round)).unwrap()
}

fn drop_guard(guard: Armed, _: &mut Party, _: usize) {
    drop(guard);
}

#[test]
fn a_task_at_a_guard_that_is_dropped_goes_on() {
    let _alone = alone("tasks against guards that are dropped");
    tasks(
        begin_guard,
        |round| async move { assert_continues(round, hit(round).await) },
        drop_guard,
    );
}

#[test]
fn a_thread_at_a_guard_that_is_dropped_goes_on() {
    let _alone = alone("threads against guards that are dropped");
    threads(
        begin_guard,
        |round| assert_continues(round, hit_blocking(round)),
        drop_guard,
    );
}

/// Lets one go, as soon as it is there.
fn release(guard: Armed, _: &mut Party, round: usize) -> Armed {
    let release = || match round % 4 {
        0 => guard.release_one(),
        1 => guard.release_all(),
        2 => release_failpoint(POINT, 1).unwrap(),
        _ => guard.release_matching([("k", "1")]).unwrap() + guard.release(1),
    };
    if release() == 0 {
        until_it_waits();
        assert!(release() > 0, "round {round}");
    }
    guard
}

#[test]
fn a_task_that_is_released_goes_on() {
    let _alone = alone("tasks against releases");
    tasks(
        begin_guard,
        |round| async move { assert_continues(round, hit(round).await) },
        release,
    );
}

#[test]
fn a_thread_that_is_released_goes_on() {
    let _alone = alone("threads against releases");
    threads(
        begin_guard,
        |round| assert_continues(round, hit_blocking(round)),
        release,
    );
}

/// Where the driver puts what the hit of the round needs.
struct Slot<T>(Arc<Mutex<Option<T>>>);

impl<T: Clone> Slot<T> {
    fn new() -> Self {
        Self(Arc::default())
    }

    fn same(&self) -> Self {
        Self(self.0.clone())
    }

    fn put(&self, value: T) {
        *self.0.lock().unwrap() = Some(value);
    }

    fn get(&self) -> T {
        self.0.lock().unwrap().clone().unwrap()
    }
}

fn begin_scope(slot: &Slot<Scope>, round: usize) -> (Isolated, Option<Armed>) {
    let alone = isolate();
    slot.put(alone.scope().clone());
    if round % 2 == 0 {
        configure(round);
        return (alone, None);
    }
    (alone, Some(begin_guard(round)))
}

/// A guard that is left ends with its scope.
fn end_scope((alone, guard): (Isolated, Option<Armed>), _: &mut Party, _: usize) -> Option<Armed> {
    drop(alone);
    guard
}

#[test]
fn a_task_in_a_scope_that_ends_goes_on() {
    let _alone = alone("tasks against ends of scopes");
    let slot = Slot::new();
    let scope = slot.same();
    tasks(
        |round| begin_scope(&slot, round),
        move |round| {
            let hit = hit(round).in_scope(&scope.get());
            async move { assert_continues(round, hit.await) }
        },
        end_scope,
    );
}

#[test]
fn a_thread_in_a_scope_that_ends_goes_on() {
    let _alone = alone("threads against ends of scopes");
    let slot = Slot::new();
    let scope = slot.same();
    threads(
        |round| begin_scope(&slot, round),
        move |round| assert_continues(round, scope.get().run(|| hit_blocking(round))),
        end_scope,
    );
}

fn begin_scenario(round: usize) -> FailScenario<'static> {
    let scenario = FailScenario::setup();
    if round % 2 == 0 {
        compat::cfg(POINT, waits(round)).unwrap();
    } else {
        configure(round);
    }
    scenario
}

fn tear_down(scenario: FailScenario<'_>, _: &mut Party, _: usize) {
    scenario.teardown();
}

#[test]
fn a_task_in_a_scenario_that_is_torn_down_goes_on() {
    let _alone = alone("tasks against teardowns");
    tasks(
        begin_scenario,
        |round| async move { assert_continues(round, hit(round).await) },
        tear_down,
    );
}

#[test]
fn a_thread_in_a_scenario_that_is_torn_down_goes_on() {
    let _alone = alone("threads against teardowns");
    threads(
        begin_scenario,
        |round| assert_continues(round, hit_blocking(round)),
        tear_down,
    );
}

#[test]
fn a_task_whose_token_is_cancelled_goes_on() {
    let _alone = alone("tasks against tokens that are cancelled");
    let slot = Slot::new();
    let token = slot.same();
    tasks(
        |round| {
            configure(round);
            let token = CancellationToken::new();
            slot.put(token.clone());
            token
        },
        move |round| {
            let token = token.get();
            async move {
                let is_cancelled = match round % 3 {
                    0 => failpoint_with_cancellation(POINT, None, &token).await == Cancelled,
                    1 => failpoint!("race", cancel = &token).await == Cancelled,
                    _ => pausable_failpoint!("race", &token).await.is_err(),
                };
                assert!(is_cancelled, "round {round}");
            }
        },
        |token, _, _| token.cancel(),
    );
}
