//! Proves by force of numbers that hits and writers on different threads keep I1 to
//! I4: no waiter outlives its configuration, a hit sees what was configured before it,
//! and a batch takes effect in one step.
//!
//! `NEON_FAILPOINT_ROUNDS` is the number of rounds of each test (2,500 if it is not
//! set), and `NEON_FAILPOINT_SEED` what is random begins with. Whoever still waits minutes after what
//! had to let it go is lost: the test fails, and says in which round.

mod batches;
mod ends;
mod hits_that_go;
mod idle;

use std::future::Future;
use std::sync::Arc;
use std::thread;

use crate::common::race::{Gate, Party, numbered};
use crate::common::{DEADLINE, Runtime, rounds, waiters};
use neon_failpoint::FailpointResult::{self, Continue, Return};
use neon_failpoint::{
    configure_failpoint, fail_point, fail_point_sync, fail_point_with_context_sync, failpoint,
    failpoint_blocking, failpoint_context, list_failpoints, wait_until_paused,
};

/// A runtime whose tasks take part.
fn with_task<F: Future<Output = ()> + Send + 'static>(task: F, drive: impl FnOnce()) {
    let runtime = Runtime::MultiThread.build();
    let task = runtime.spawn(task);
    drive();
    runtime.block_on(task).unwrap();
}

fn with_thread(hitter: impl FnOnce() + Send + 'static, drive: impl FnOnce()) {
    let hitter = thread::spawn(hitter);
    drive();
    hitter.join().unwrap();
}

#[track_caller]
fn assert_nobody_waits() {
    for point in list_failpoints() {
        assert_eq!(point.waiters().len(), 0, "{point:?}");
    }
}

const POINT: &str = "race";

/// Actions that wait until the configuration goes.
fn waits(round: usize) -> &'static str {
    if round % 5 == 4 {
        "sleep(3600000)"
    } else {
        "pause"
    }
}

fn hit_blocking(round: usize) -> FailpointResult {
    match round % 3 {
        0 => failpoint_blocking(POINT, None),
        1 => {
            fail_point_sync!("race", Return);
            Continue
        }
        _ => {
            fail_point_with_context_sync!("race", &failpoint_context! {"k" => 1}, Return);
            Continue
        }
    }
}

async fn hit(round: usize) -> FailpointResult {
    match round % 3 {
        0 => failpoint(POINT, None).await,
        1 => failpoint!("race").await,
        _ => {
            fail_point!("race", Return);
            Continue
        }
    }
}

fn configure_value(number: usize) {
    configure_failpoint(POINT, format!("return({number})")).unwrap();
}

/// Whether the hit of this round certainly waits before its configuration ends.
fn waits_first(round: usize) -> bool {
    (round / 4) % 2 == 0
}

/// Blocks until the hit of this round waits.
fn until_it_waits() {
    let wait = wait_until_paused(POINT, 1).within(DEADLINE);
    wait.blocking().expect("the hit waits");
}

/// Every round: `begin` has the point wait, and while it is hit, `end` ends that. What `end` leaves is
/// there until the hit has gone on.
fn end_while_it_is_hit<S, R>(
    gate: &Arc<Gate>,
    begin: impl Fn(usize) -> S,
    end: impl Fn(S, &mut Party, usize) -> R,
) {
    let mut driver = Party::new(gate, 1);
    for round in numbered(rounds()) {
        let begun = begin(round);
        driver.meet();
        if waits_first(round) {
            until_it_waits();
        }
        driver.dawdle();
        let left = end(begun, &mut driver, round);
        driver.meet();
        // A list has all call sites: it takes longer than the whole rest of a round.
        if round % 16 == 0 {
            assert_eq!(waiters(POINT), 0);
        }
        drop(left);
    }
}
