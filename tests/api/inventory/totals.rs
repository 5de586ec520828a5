//! Proves what is counted in all under a name, for as long as it stays configured.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::totals;
use crate::common::{hit, in_current_scope, info, listed, rounds, within_deadline};
use neon_failpoint::{
    Armed, arm, compat, configure_failpoint, configure_failpoints, fail_point_sync, isolate,
    remove_failpoint,
};
use proptest::prelude::*;

#[test]
fn totals_grow_over_configurations_and_begin_again_once_the_name_was_removed() {
    let _alone = isolate();
    let name = "inventory-totals";
    for _ in 0..2 {
        let mut expected = (0, 0);
        let configures: [fn(&str); 5] = [
            |n| configure_failpoint(n, "off").unwrap(),
            |n| configure_failpoint(n, "1*off").unwrap(),
            |n| configure_failpoints([(n, "return")]).unwrap(),
            |n| neon_failpoint::configure_failpoint_callback(n, || {}).unwrap(),
            |n| compat::cfg(n, "0*off").unwrap(),
        ];
        for (i, configure) in configures.into_iter().enumerate() {
            configure(name);
            assert_eq!(listed(name).hits(), 0);
            assert_eq!(totals(name), expected);
            let _ = (hit(name), hit(name));
            let fired = [2, 1, 2, 2, 0][i];
            expected = (expected.0 + 2, expected.1 + fired);
            assert_eq!((listed(name).hits(), listed(name).fired()), (2, fired));
            assert_eq!(totals(name), expected);
        }
        remove_failpoint(name);
        assert!(info(name).is_none());
    }
}

#[test]
fn totals_count_what_guards_had_and_what_they_were_over() {
    let _alone = isolate();
    let name = "inventory-layers";
    configure_failpoint(name, "off").unwrap();
    let _ = hit(name);
    let older = arm(name, "off").unwrap();
    let _ = (hit(name), hit(name));
    assert_eq!(totals(name), (3, 3));
    older.configure("0*off").unwrap();
    let _ = hit(name);
    let younger = arm(name, "off").unwrap();
    let _ = hit(name);
    assert_eq!(totals(name), (5, 4));
    older.configure("off").unwrap();
    assert_eq!(totals(name), (5, 4));
    drop(older);
    assert_eq!(totals(name), (5, 4));
    drop(younger);
    assert_eq!((totals(name), listed(name).hits()), ((5, 4), 1));
    let _ = hit(name);
    assert_eq!(totals(name), (6, 5));
    remove_failpoint(name);
}

/// The name stayed configured all the time, so nothing that was counted is lost.
#[test]
fn totals_keep_what_an_older_guard_had_over_nothing() {
    let _alone = isolate();
    let name = "inventory-over-nothing";
    let older = arm(name, "off").unwrap();
    let _ = hit(name);
    let younger = arm(name, "off").unwrap();
    let _ = hit(name);
    assert_eq!(totals(name), (2, 2));
    drop(older);
    assert_eq!(totals(name), (2, 2));
    drop(younger);
    assert!(info(name).is_none());
}

/// "Since it was last not configured": now it is not.
#[test]
fn totals_of_a_name_that_is_not_configured_are_nothing() {
    let _alone = isolate();
    let site = || fail_point_sync!("inventory-beneath", |_| ());
    configure_failpoint("inventory-beneath", "off").unwrap();
    site();
    let guard = arm("inventory-beneath", "off").unwrap();
    site();
    remove_failpoint("inventory-beneath");
    let point = listed("inventory-beneath");
    assert!(!point.is_configured());
    let seen = (point.totals().hits, point.totals().fired);
    drop(guard);
    remove_failpoint("inventory-beneath");
    assert_eq!(seen, (0, 0));
}

#[derive(Clone, Debug)]
enum Op {
    Hit,
    Arm(bool),
    Drop(prop::sample::Index),
    Configure(prop::sample::Index, bool),
    Plain(bool),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        5 => Just(Op::Hit),
        3 => any::<bool>().prop_map(Op::Arm),
        2 => any::<prop::sample::Index>().prop_map(Op::Drop),
        2 => (any::<prop::sample::Index>(), any::<bool>()).prop_map(|(i, f)| Op::Configure(i, f)),
        1 => any::<bool>().prop_map(Op::Plain),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn totals_are_all_hits_for_as_long_as_the_name_stays_configured(
        has_base in any::<bool>(),
        ops in prop::collection::vec(op(), 0..40),
    ) {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let _alone = isolate();
        let name = format!("inventory-property-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let text = |fires: &bool| if *fires { "off" } else { "0*off" };
        let mut guards: Vec<Armed> = Vec::new();
        let (mut fires, mut expected) = (Vec::new(), (0, 0));
        if has_base {
            configure_failpoint(&name, "off").unwrap();
            fires.push(true);
        } else {
            guards.push(arm(&name, "off").unwrap());
            fires.push(true);
        }
        let base = usize::from(has_base);
        for op in &ops {
            match op {
                Op::Hit => {
                    let _ = hit(&name);
                    let fired = *fires.last().unwrap();
                    expected = (expected.0 + 1, expected.1 + usize::from(fired));
                }
                Op::Arm(fire) => {
                    guards.push(arm(&name, text(fire)).unwrap());
                    fires.push(*fire);
                }
                // The last of all would leave nothing.
                Op::Drop(index) if fires.len() > 1 && !guards.is_empty() => {
                    let at = index.index(guards.len());
                    drop(guards.remove(at));
                    fires.remove(at + base);
                }
                Op::Configure(index, fire) if !guards.is_empty() => {
                    let at = index.index(guards.len());
                    guards[at].configure(text(fire)).unwrap();
                    fires[at + base] = *fire;
                }
                Op::Plain(fire) => {
                    configure_failpoint(&name, text(fire)).unwrap();
                    *fires.last_mut().unwrap() = *fire;
                }
                Op::Drop(_) | Op::Configure(..) => {}
            }
            prop_assert_eq!(totals(&name), expected);
        }
        drop(guards);
        remove_failpoint(&name);
    }
}

#[test]
fn totals_never_shrink_while_threads_hit_and_configurations_come_and_go() {
    let _alone = isolate();
    within_deadline("totals under load", || {
        let name = "inventory-grow";
        configure_failpoint(name, "off").unwrap();
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(in_current_scope(|| {
                    while !stop.load(Ordering::Relaxed) {
                        let _ = hit(name);
                    }
                }));
            }
            let mut before = (0, 0, Duration::ZERO);
            for round in 0..rounds() {
                let guard = arm(name, "off").unwrap();
                configure_failpoint(name, "0*off").unwrap();
                let younger = arm(name, "off").unwrap();
                match round % 3 {
                    0 => drop(guard),
                    1 => guard.configure("off").unwrap(),
                    _ => younger.configure("off").unwrap(),
                }
                drop(younger);
                let now = listed(name).totals();
                let now = (now.hits, now.fired, now.delay);
                assert!(now.0 >= before.0 && now.1 >= before.1 && now.2 >= before.2);
                before = now;
            }
            stop.store(true, Ordering::Relaxed);
        });
        remove_failpoint(name);
    });
}

/// A hit that is under way may be missing, and one thread has one under way at a time.
#[test]
fn totals_miss_no_hit_that_was_over_before_a_batch_took_effect() {
    let _alone = isolate();
    within_deadline("totals against a batch", || {
        let name = "inventory-batch";
        let batch: Vec<(String, &str)> = std::iter::once((name.to_owned(), "off"))
            .chain((0..3_000).map(|i| (format!("inventory-batch-{i}"), "off")))
            .collect();
        configure_failpoint(name, "off").unwrap();
        let stop = AtomicBool::new(false);
        let hits = thread::scope(|scope| {
            let hitter = scope.spawn(in_current_scope(|| {
                let mut hits = 0;
                while !stop.load(Ordering::Relaxed) {
                    let _ = hit(name);
                    hits += 1;
                }
                hits
            }));
            for _ in 0..10 {
                configure_failpoints(batch.clone()).unwrap();
            }
            stop.store(true, Ordering::Relaxed);
            hitter.join().unwrap()
        });
        let missing = hits - totals(name).0;
        for (name, _) in batch {
            remove_failpoint(name);
        }
        assert!(
            missing <= 10,
            "{missing} of {hits} are missing after ten batches"
        );
    });
}

/// Each number is read once, whatever hits there are meanwhile.
#[test]
fn no_more_have_fired_than_were_hit() {
    let _alone = isolate();
    let name = "inventory-consistent";
    let guard = arm(name, "1000*off->0*off->return").unwrap();
    struct Stop<'a>(&'a AtomicBool);
    impl Drop for Stop<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(in_current_scope(|| {
                while !is_over.load(Ordering::Relaxed) {
                    let _ = hit(name);
                }
            }));
        }
        let _stop = Stop(&is_over);
        for round in 0..rounds() {
            let point = listed(name);
            let totals = point.totals();
            assert!(point.fired() <= point.hits(), "{round}: {point}");
            assert!(totals.fired <= totals.hits, "{round}: {totals:?}");
            assert!(point.hits() <= totals.hits, "{round}: {point} {totals:?}");
            if round % 100 == 0 {
                guard.configure("off").unwrap();
            }
        }
    });
}
