//! Percentages can be repeated, by the seed of the process.

use crate::common::table::alone;
use neon_failpoint::{
    FailpointResult, configure_failpoint, failpoint_blocking, list_failpoints, remove_failpoint,
    set_seed,
};

fn returns(name: &str) -> bool {
    failpoint_blocking(name, None) != FailpointResult::Continue
}

fn draws(name: &str, hits: usize) -> Vec<bool> {
    (0..hits).map(|_| returns(name)).collect()
}

fn count(fired: &[bool]) -> usize {
    fired.iter().filter(|f| **f).count()
}

#[test]
fn arming_anew_before_each_hit_does_not_replay_one_draw() {
    let _table = alone();
    for seed in 0..10 {
        set_seed(seed);
        let fired: Vec<bool> = (0..1_000)
            .map(|i| {
                configure_failpoint("determinism-anew", "50%return").unwrap();
                let fired = returns("determinism-anew");
                if i % 2 == 0 {
                    remove_failpoint("determinism-anew");
                }
                fired
            })
            .collect();
        // Six standard deviations of 1,000 fair coins are 95.
        assert!(
            count(&fired).abs_diff(500) < 95,
            "seed {seed}: {}",
            count(&fired)
        );
    }
}

#[test]
fn the_alternatives_of_a_chain_draw_independently() {
    let _table = alone();
    set_seed(1);
    let name = "determinism-chain";
    configure_failpoint(name, "50%print->50%return").unwrap();
    let returned = count(&draws(name, 4_000));
    let points = list_failpoints();
    let point = points.iter().find(|p| p.name() == name).unwrap();
    // A quarter returns; half prints; six standard deviations are 164 and 190.
    assert!(returned.abs_diff(1_000) < 164, "{returned} returned");
    let printed = point.fired() - returned;
    assert!(printed.abs_diff(2_000) < 190, "{printed} printed");
    assert_eq!(point.hits(), 4_000);
}

#[test]
fn a_seed_repeats_a_run_and_another_does_not() {
    let _table = alone();
    let run = |seed| {
        set_seed(seed);
        configure_failpoint("determinism-run", "30%return").unwrap();
        draws("determinism-run", 500)
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn what_other_points_and_threads_draw_meanwhile_changes_nothing() {
    let _table = alone();
    let name = "determinism-interleaved";
    let run = |threads: usize| {
        set_seed(11);
        configure_failpoint(name, "37%return").unwrap();
        configure_failpoint("determinism-noise", "50%return").unwrap();
        std::thread::scope(|scope| {
            let hits: Vec<_> = (0..threads)
                .map(|i| {
                    scope.spawn(move || {
                        let drawn = (0..8_000 / threads).map(|_| {
                            draws("determinism-noise", i);
                            returns(name)
                        });
                        count(&drawn.collect::<Vec<_>>())
                    })
                })
                .collect();
            hits.into_iter().map(|h| h.join().unwrap()).sum::<usize>()
        })
    };
    // Each number is drawn once, whoever draws it.
    assert_eq!(run(1), run(8));
}

#[test]
fn extremes_need_no_luck() {
    let _table = alone();
    for (actions, expected) in [
        ("0%return", 0),
        ("100%return", 1_000),
        ("125%return", 1_000),
    ] {
        configure_failpoint("determinism-extremes", actions).unwrap();
        assert_eq!(
            count(&draws("determinism-extremes", 1_000)),
            expected,
            "{actions}"
        );
    }
}
