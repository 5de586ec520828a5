//! Hits against batches: a batch takes effect in one step.

use super::with_thread;
use crate::common::race::{Gate, Party, alone, numbered};
use crate::common::rounds;
use neon_failpoint::FailpointResult::{Continue, Return};
use neon_failpoint::{configure_failpoints, fail_point_sync, remove_failpoint};

/// A hit of one of the two points of a batch: the number it was configured with.
fn number_at(point: char) -> u64 {
    let by_site = || match point {
        'x' => {
            fail_point_sync!("race-x", Return);
            Continue
        }
        _ => {
            fail_point_sync!("race-y", Return);
            Continue
        }
    };
    match by_site() {
        Return(number) => number.parse().unwrap(),
        other => panic!("{point} is not configured: {other:?}"),
    }
}

/// The writer configures x and y with the same number, again and again, one higher each
/// time. Snapshots are read in the order in which they were published, so of three hits
/// none can see an older number than the hit before it. If a batch took effect in two
/// steps, y could be older than an x that was seen before it (x first), or x older than
/// a y that was seen before it (y first).
#[test]
fn hits_never_see_half_of_a_batch_that_replaces() {
    let _alone = alone("batches that replace");
    let configure = |number: u64| {
        let actions = format!("return({number})");
        configure_failpoints([("race-x", &actions), ("race-y", &actions)]).unwrap();
    };
    configure(0);
    let (gate, last) = (Gate::new(1), 4 * rounds() as u64);
    let mut party = Party::new(&gate, 2);
    let hits = move || {
        let mut newest = 0;
        while newest < last {
            party.gate.assert_whole();
            let seen = ['x', 'y', 'x'].map(number_at);
            assert!(
                newest <= seen[0] && seen.is_sorted(),
                "{newest}, then {seen:?}"
            );
            newest = seen[2];
            party.dawdle();
        }
    };
    with_thread(hits, || {
        let mut driver = Party::new(&gate, 1);
        for number in numbered(last as usize) {
            configure(number as u64 + 1);
            driver.dawdle();
        }
    });
}

/// The same where the points were idle: who sees one configured finds the other one
/// configured.
#[test]
fn hits_never_see_half_of_a_batch_that_adds() {
    let _alone = alone("batches that add");
    let is_x = || {
        fail_point_sync!("race-x", |_| true);
        false
    };
    let is_y = || {
        fail_point_sync!("race-y", |_| true);
        false
    };
    let gate = Gate::new(2);
    let party = Party::new(&gate, 2);
    let hits = move || {
        for round in 0..rounds() {
            party.meet();
            // Until the batch is there; both orders, as the trie may have its own.
            loop {
                let (first, second) = match round % 2 {
                    0 => (is_x(), is_y()),
                    _ => (is_y(), is_x()),
                };
                assert!(second || !first, "round {round}: half of the batch");
                if first {
                    break;
                }
                party.gate.assert_whole();
            }
            party.meet();
        }
    };
    with_thread(hits, || {
        let mut driver = Party::new(&gate, 1);
        for _ in numbered(rounds()) {
            driver.meet();
            driver.dawdle();
            configure_failpoints([("race-x", "return"), ("race-y", "return")]).unwrap();
            driver.meet();
            remove_failpoint("race-x");
            remove_failpoint("race-y");
        }
    });
}
