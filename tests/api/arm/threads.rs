//! Proves by force of numbers that guards and hits of many threads get along: counts stay exact, and a
//! hit sees what is there.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;

use crate::common::{
    assert_stats, hit, in_current_scope, info, rounds, spawn, until, value, within_deadline,
};
use neon_failpoint::FailpointResult::{Continue, Return};
use neon_failpoint::{
    arm, configure_failpoint, configure_failpoint_callback, fail_point_sync, isolate,
    remove_failpoint,
};

#[test]
fn a_count_is_exact_while_threads_hit_and_guards_come_and_go() {
    const COUNT: usize = 20_000;
    let _alone = isolate();
    let name = "arm-count-threads";
    within_deadline("an exact count", move || {
        configure_failpoint(name, format!("{COUNT}*return(base)")).unwrap();
        let stop = AtomicBool::new(false);
        let (mut base, mut guards) = (0, 0);
        thread::scope(|scope| {
            let hitters: Vec<_> = (0..3)
                .map(|_| {
                    scope.spawn(in_current_scope(|| {
                        let mut seen = BTreeMap::<String, usize>::new();
                        while !stop.load(Ordering::SeqCst) {
                            if let Return(value) = hit(name) {
                                *seen.entry(value).or_default() += 1;
                            }
                        }
                        seen
                    }))
                })
                .collect();
            while info(name).unwrap().fired() < COUNT {
                let guard = arm(name, "3*return(guard)").unwrap();
                until("the guard fires three times", || guard.fired() == 3);
                let younger = arm(name, "2*return(guard)").unwrap();
                until("the younger fires twice", || younger.fired() == 2);
                drop(guard);
                drop(younger);
                guards += 5;
            }
            stop.store(true, Ordering::SeqCst);
            for hitter in hitters {
                let seen = hitter.join().unwrap();
                base += seen.get("base").unwrap_or(&0);
                guards -= seen.get("guard").unwrap_or(&0);
            }
        });
        assert_eq!((base, guards), (COUNT, 0));
        remove_failpoint(name);
    });
}

#[test]
fn hits_see_the_guard_while_it_is_there_and_the_base_before_and_after() {
    let _alone = isolate();
    let name = "arm-seen";
    within_deadline("hits see what is there", move || {
        let (calls, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Barrier::new(3)));
        let counts = calls.clone();
        // A callback, which is the one base whose function is away meanwhile.
        configure_failpoint_callback(name, move || {
            counts.fetch_add(1, Ordering::SeqCst);
        })
        .unwrap();
        let rounds = rounds();
        let hitter = || {
            let (calls, gate) = (calls.clone(), gate.clone());
            spawn(move || {
                let site = || {
                    fail_point_sync!("arm-seen", Return);
                    Continue
                };
                let mut continued = 0;
                for round in 0..rounds {
                    gate.wait();
                    // While the guard comes and goes: either of them, but one.
                    for i in 0..20 {
                        let result = if i % 2 == 0 { site() } else { hit(name) };
                        match result {
                            Continue => continued += 1,
                            result => assert_eq!(result, value("guard")),
                        }
                    }
                    gate.wait();
                    // The guard is gone.
                    let before = calls.load(Ordering::SeqCst);
                    let result = if round % 2 == 0 { site() } else { hit(name) };
                    assert_eq!(result, Continue);
                    assert!(calls.load(Ordering::SeqCst) > before);
                    continued += 1;
                    gate.wait();
                    gate.wait();
                    // It is there.
                    assert_eq!((site(), hit(name)), (value("guard"), value("guard")));
                    gate.wait();
                }
                continued
            })
        };
        let hitters = [hitter(), hitter()];
        for _ in 0..rounds {
            gate.wait();
            for _ in 0..3 {
                drop(arm(name, "return(guard)").unwrap());
            }
            gate.wait();
            gate.wait();
            let guard = arm(name, "return(guard)").unwrap();
            gate.wait();
            gate.wait();
            assert!(guard.hits() == 4);
            drop(guard);
        }
        let continued: usize = hitters.into_iter().map(|h| h.join().unwrap()).sum();
        assert_eq!(calls.load(Ordering::SeqCst), continued);
        remove_failpoint(name);
    });
}

#[test]
fn guards_of_many_threads_on_one_name_leave_the_base() {
    let _alone = isolate();
    let name = "arm-many";
    within_deadline("guards of many threads", move || {
        configure_failpoint(name, "return(base)").unwrap();
        thread::scope(|scope| {
            for thread in 0..4 {
                scope.spawn(in_current_scope(move || {
                    let mut guards = std::collections::VecDeque::new();
                    for i in 0..2_000 {
                        let guard = arm(name, "return(guard)").unwrap();
                        // Whoever is on top: somebody's guard, and never the base.
                        assert_eq!(hit(name), value("guard"));
                        guard.configure("return(guard)").unwrap();
                        guards.push_back(guard);
                        if (i + thread) % 3 > 0 {
                            drop(guards.pop_front());
                        }
                        if (i * 7 + thread) % 5 == 0 {
                            drop(guards.pop_back());
                        }
                    }
                }));
            }
        });
        assert_stats(name, (0, 0, 0));
        assert_eq!(hit(name), value("base"));
        remove_failpoint(name);
    });
}
