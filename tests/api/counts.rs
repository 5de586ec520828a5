//! Proves that `n*` fires exactly n times over all threads, that hits which do not
//! match consume nothing (I6), and what `hits()` and `fired()` count.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Barrier};

use crate::common::{assert_stats, info, now, poll_once, spawn, within_deadline};
use neon_failpoint::FailpointResult::{self, Continue, Return};
use neon_failpoint::{
    FailpointConfig, FailpointContext, configure_failpoint, configure_failpoint_callback,
    configure_failpoint_with_context, configure_failpoints, fail_point, fail_point_sync,
    fail_point_with_context, fail_point_with_context_sync, failpoint, failpoint_blocking, isolate,
    pausable_failpoint, remove_failpoint, sleep_millis_async,
};

const THREADS: usize = 8;

/// Calls `hit` `each` times on each of eight threads at once, in every one of `rounds`
/// rounds; before a round, this thread calls `start`, after it `end` with the values
/// that each thread was told to return, in its order. `None` is a hit that continued.
fn rounds(
    rounds: usize,
    each: usize,
    hit: impl Fn() -> FailpointResult + Send + Sync + 'static,
    start: impl Fn() + Send + 'static,
    end: impl Fn(Vec<Vec<Option<String>>>) + Send + 'static,
) {
    within_deadline("all rounds come to an end", move || {
        let barrier = Arc::new(Barrier::new(THREADS + 1));
        let hit = Arc::new(hit);
        let threads: Vec<_> = (0..THREADS)
            .map(|_| {
                let (barrier, hit) = (barrier.clone(), hit.clone());
                let (results, seen) = std::sync::mpsc::channel();
                spawn(move || {
                    for _ in 0..rounds {
                        barrier.wait();
                        let values = (0..each).map(|_| match hit() {
                            Return(value) => Some(value),
                            _ => None,
                        });
                        // Nobody receives any more where an assertion failed.
                        let _ = results.send(values.collect::<Vec<_>>());
                    }
                });
                seen
            })
            .collect();
        for _ in 0..rounds {
            start();
            barrier.wait();
            end(threads.iter().map(|seen| seen.recv().unwrap()).collect());
        }
    });
}

/// How often each value was returned.
fn totals(seen: &[Vec<Option<String>>]) -> BTreeMap<Option<&str>, usize> {
    let mut totals = BTreeMap::new();
    for value in seen.iter().flatten() {
        *totals.entry(value.as_deref()).or_default() += 1;
    }
    totals
}

#[test]
fn a_count_fires_exactly_that_often_over_eight_threads() {
    let _alone = isolate();
    for (n, each) in [(0, 4), (1, 4), (7, 4), (100, 40)] {
        let name = format!("exactly-{n}");
        let (hit, start, end) = (name.clone(), name.clone(), name);
        rounds(
            500,
            each,
            move || failpoint_blocking(&hit, None),
            move || configure_failpoint(&start, format!("{n}*return(a)")).unwrap(),
            move |seen| {
                let fired = totals(&seen).get(&Some("a")).copied();
                assert_eq!(fired.unwrap_or(0), n);
                assert_stats(&end, (THREADS * each, n, 0));
            },
        );
    }
}

#[test]
fn a_count_fires_exactly_that_often_over_all_kinds_of_hit() {
    let _alone = isolate();
    fn site() -> FailpointResult {
        fail_point_sync!("exactly-kinds", Return);
        Continue
    }
    async fn awaiting() -> FailpointResult {
        fail_point!("exactly-kinds", Return);
        Continue
    }
    let kinds: [fn() -> FailpointResult; 4] = [
        || failpoint_blocking("exactly-kinds", None),
        || now(failpoint("exactly-kinds", None)),
        site,
        || now(awaiting()),
    ];
    let next = std::sync::atomic::AtomicUsize::new(0);
    rounds(
        500,
        20,
        move || kinds[next.fetch_add(1, std::sync::atomic::Ordering::Relaxed) % 4](),
        || configure_failpoint("exactly-kinds", "50*return(a)").unwrap(),
        |seen| {
            assert_eq!(totals(&seen)[&Some("a")], 50);
            assert_stats("exactly-kinds", (THREADS * 20, 50, 0));
        },
    );
}

#[test]
fn the_counts_of_a_chain_are_used_up_one_after_the_other() {
    let _alone = isolate();
    let each = 40;
    rounds(
        500,
        each,
        || failpoint_blocking("chain", None),
        || configure_failpoint("chain", "100*return(a)->50*return(b)->off").unwrap(),
        move |seen| {
            let rest = THREADS * each - 150;
            let expected = [(None, rest), (Some("a"), 100), (Some("b"), 50)];
            assert_eq!(totals(&seen), BTreeMap::from(expected));
            // `off` fires too.
            assert_stats("chain", (THREADS * each, THREADS * each, 0));
            for values in &seen {
                // On every thread: a while there are any, then b, then off.
                let rank = |value: &Option<String>| match value.as_deref() {
                    Some("a") => 0,
                    Some("b") => 1,
                    _ => 2,
                };
                assert!(values.is_sorted_by_key(rank), "{values:?}");
            }
        },
    );
}

/// I6: the draw comes before the count.
#[test]
fn a_draw_that_fails_consumes_no_count() {
    let _alone = isolate();
    let each = 100;
    rounds(
        100,
        each,
        || failpoint_blocking("draws", None),
        || configure_failpoint("draws", "0%9*return(never)->50%100*return(a)").unwrap(),
        move |seen| {
            // Of 800 draws at one half, fewer than 100 never fire.
            assert_eq!(totals(&seen)[&Some("a")], 100);
            assert_eq!(totals(&seen).get(&Some("never")), None);
            assert_stats("draws", (THREADS * each, 100, 0));
        },
    );
}

/// I6: the context comes before the count.
#[test]
fn a_context_that_does_not_match_consumes_no_count() {
    let _alone = isolate();
    let each = 40;
    let contexts = [
        None,
        Some(FailpointContext::new()),
        Some(FailpointContext::from_iter([("tenant", "prod-1")])),
        Some(FailpointContext::from_iter([("other", "test-1")])),
        Some(FailpointContext::from_iter([("tenant", "test-1")])),
    ];
    let next = std::sync::atomic::AtomicUsize::new(0);
    rounds(
        300,
        each,
        move || {
            let i = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            failpoint_blocking("contexts", contexts[i % contexts.len()].as_ref())
        },
        || {
            let matchers = [("tenant", "test-.*")];
            configure_failpoint_with_context("contexts", "30*return(a)", matchers).unwrap();
        },
        move |seen| {
            // 320 hits in 5 contexts: 64 match.
            assert_eq!(totals(&seen)[&Some("a")], 30);
            assert_stats("contexts", (THREADS * each, 30, 0));
        },
    );
}

#[test]
fn each_alternative_of_a_context_has_its_own_count() {
    let _alone = isolate();
    let name = "contexts-own";
    configure_failpoint(
        name,
        "when(k=a)2*return(a)->when(k=b)1*return(b)->return(c)",
    )
    .unwrap();
    let hit = |value: &str| {
        let context = FailpointContext::from_iter([("k", value)]);
        match failpoint_blocking(name, Some(&context)) {
            Return(value) => value,
            other => panic!("{other:?}"),
        }
    };
    let values = ["b", "a", "b", "x", "a", "a", "b"].map(hit);
    assert_eq!(values, ["b", "a", "c", "c", "a", "c", "c"]);
    assert_stats(name, (7, 7, 0));
}

/// Every way to hit a point once, by its name and at a call site.
const WAYS: [(&str, fn()); 14] = [
    ("failpoint_blocking", || {
        drop(failpoint_blocking("ways", None))
    }),
    ("failpoint", || drop(now(failpoint("ways", None)))),
    ("fail_point_sync", || fail_point_sync!("ways")),
    ("fail_point_sync, run-time name", || {
        let name = String::from("ways");
        fail_point_sync!(&name);
    }),
    ("fail_point_sync, closure", || {
        fail_point_sync!("ways", |_| ())
    }),
    ("fail_point_sync, condition", || {
        fail_point_sync!("ways", true, |_| ());
    }),
    ("fail_point_with_context_sync", || {
        fail_point_with_context_sync!("ways", &FailpointContext::new());
    }),
    ("fail_point_with_context_sync, closure", || {
        fail_point_with_context_sync!("ways", &FailpointContext::new(), |_| ());
    }),
    ("fail_point", || now(async { fail_point!("ways") })),
    ("fail_point_with_context", || {
        now(async { fail_point_with_context!("ways", &FailpointContext::new()) });
    }),
    ("failpoint!", || {
        drop(now(neon_failpoint::failpoint!("ways")))
    }),
    ("failpoint!, context", || {
        let context = FailpointContext::new();
        drop(now(neon_failpoint::failpoint!("ways", &context)));
    }),
    ("pausable_failpoint", || {
        now(pausable_failpoint!("ways")).unwrap();
    }),
    ("sleep_millis_async", || now(sleep_millis_async!("ways"))),
];

#[test]
fn every_way_to_hit_counts_one_hit_and_an_idle_one_none() {
    let _alone = isolate();
    for (i, (way, hit)) in WAYS.into_iter().enumerate() {
        // Idle: nothing is remembered of these.
        hit();
        hit();
        configure_failpoint("ways", "1*off->0%off").unwrap();
        assert_stats("ways", (0, 0, 0));
        hit();
        assert_stats("ways", (1, 1, 0));
        hit();
        let point = info("ways").unwrap();
        assert_eq!((point.hits(), point.fired()), (2, 1), "{i}: {way}");
        remove_failpoint("ways");
    }
}

#[test]
fn a_condition_that_does_not_hold_is_no_hit() {
    let _alone = isolate();
    configure_failpoint("condition", "return").unwrap();
    (|| fail_point_sync!("condition", false, |_| unreachable!()))();
    now(async { fail_point!("condition", false, |_| unreachable!()) });
    let context = FailpointContext::new();
    (|| fail_point_with_context_sync!("condition", &context, false, |_| unreachable!()))();
    assert_stats("condition", (0, 0, 0));
}

#[test]
fn fired_counts_what_was_chosen_whatever_the_action() {
    let _alone = isolate();
    let fires = [
        "off",
        "return",
        "return(x)",
        "yield",
        "delay(0)",
        "print",
        "sleep(0)",
        "100%off",
    ];
    for (i, actions) in fires.into_iter().enumerate() {
        let name = format!("fires-{i}");
        configure_failpoint(&name, actions).unwrap();
        for n in 1..=3 {
            let _ = failpoint_blocking(&name, None);
            assert_stats(&name, (n, n, 0));
        }
    }
    let does_not = ["0%off", "0*off", "when(k=v)off", "0%return->when(k=v)pause"];
    for (i, actions) in does_not.into_iter().enumerate() {
        let name = format!("fires-not-{i}");
        configure_failpoint(&name, actions).unwrap();
        for n in 1..=3 {
            assert_eq!(failpoint_blocking(&name, None), Continue);
            assert_stats(&name, (n, 0, 0));
        }
    }
    configure_failpoint_callback("fires-callback", || ()).unwrap();
    assert_eq!(failpoint_blocking("fires-callback", None), Continue);
    assert_stats("fires-callback", (1, 1, 0));

    configure_failpoint("fires-panic", "panic").unwrap();
    let panic = std::panic::catch_unwind(|| failpoint_blocking("fires-panic", None));
    assert!(panic.is_err());
    assert_stats("fires-panic", (1, 1, 0));
}

#[test]
fn polling_again_is_no_other_hit() {
    let _alone = isolate();
    configure_failpoint("polled-again", "pause").unwrap();
    let mut hit = pin!(failpoint("polled-again", None));
    for _ in 0..3 {
        assert!(poll_once(hit.as_mut()).is_pending());
        assert_stats("polled-again", (1, 1, 1));
    }
    configure_failpoint("polled-again", "return").unwrap();
    for _ in 0..3 {
        assert!(poll_once(hit.as_mut()).is_ready());
        assert_stats("polled-again", (0, 0, 0));
    }
}

#[test]
fn a_new_configuration_starts_at_zero_and_with_a_full_count() {
    let _alone = isolate();
    let name = "starts-anew";
    type Configure = fn(&str);
    let again: [(&str, Configure); 4] = [
        ("alone", |n| configure_failpoint(n, "2*return(a)").unwrap()),
        ("batch", |n| {
            configure_failpoints([(n, "2*return(a)")]).unwrap();
        }),
        ("context", |n| {
            let nothing: [(&str, &str); 0] = [];
            configure_failpoint_with_context(n, "2*return(a)", nothing).unwrap();
        }),
        ("removed before", |n| {
            remove_failpoint(n);
            assert_eq!(failpoint_blocking(n, None), Continue);
            configure_failpoint(n, "2*return(a)").unwrap();
        }),
    ];
    for (how, configure) in again {
        configure(name);
        assert_stats(name, (0, 0, 0));
        let a = Return("a".to_owned());
        let expected = [a.clone(), a, Continue];
        let results: [_; 3] = std::array::from_fn(|_| failpoint_blocking(name, None));
        assert_eq!(results, expected, "{how}");
        assert_stats(name, (3, 2, 0));
    }
}

/// I7: what is refused does not touch the counters either.
#[test]
fn a_refused_configuration_leaves_the_counters_as_they_were() {
    let _alone = isolate();
    let name = "refused";
    configure_failpoint(name, "3*return(a)").unwrap();
    let _ = failpoint_blocking(name, None);
    assert!(configure_failpoint(name, "retrun").is_err());
    assert!(configure_failpoints([(name, "off"), ("refused-other", "of")]).is_err());
    assert!(configure_failpoints([(name, "off"), (name, "off")]).is_err());
    let bad = FailpointConfig::from((name, "off", [("k", "(")]));
    assert!(configure_failpoints([bad]).is_err());
    assert!(configure_failpoint_with_context(name, "off", [("k", "(")]).is_err());
    assert_stats(name, (1, 1, 0));
    assert_eq!(failpoint_blocking(name, None), Return("a".to_owned()));
    assert!(info("refused-other").is_none());
}

#[test]
fn hits_at_other_names_and_other_configurations_of_a_batch_are_not_mixed_up() {
    let _alone = isolate();
    configure_failpoints([
        ("mixed-a", "1*off"),
        ("mixed-b", "1*off"),
        ("mixed-c", "0%off"),
    ])
    .unwrap();
    for (name, times) in [("mixed-a", 3), ("mixed-b", 1), ("mixed-c", 2)] {
        for _ in 0..times {
            assert_eq!(failpoint_blocking(name, None), Continue);
        }
    }
    assert_stats("mixed-a", (3, 1, 0));
    assert_stats("mixed-b", (1, 1, 0));
    assert_stats("mixed-c", (2, 0, 0));
}
