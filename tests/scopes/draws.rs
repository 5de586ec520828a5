//! Proves that a scope and a scenario begin their own draws, and change no others.

use std::thread;

use crate::common::{Runtime, child, hit, spawn_task};
use neon_failpoint::FailpointResult::Continue;
use neon_failpoint::compat::{FailScenario, cfg};
use neon_failpoint::{Scope, configure_failpoint, isolate, remove_failpoint, set_seed};

fn draw(name: &str) -> Vec<bool> {
    configure_failpoint(name, "50%return").unwrap();
    (0..200).map(|_| hit(name) != Continue).collect()
}

#[test]
fn scopes_with_one_seed_draw_alike_whatever_runs_beside_them() {
    let run = |seed: u64| {
        move || {
            let _alone = isolate();
            set_seed(seed);
            // Twice, for the numbers go on through reconfiguration.
            [draw("scopes-draws"), draw("scopes-draws")].concat()
        }
    };
    let threads: Vec<_> = (0..8).map(|i| thread::spawn(run(7 + i % 2))).collect();
    let drawn: Vec<_> = threads.into_iter().map(|t| t.join().unwrap()).collect();
    for (i, one) in drawn.iter().enumerate() {
        assert_eq!(one, &drawn[i % 2], "{i}");
    }
    assert_ne!(drawn[0], drawn[1]);
    assert_ne!(drawn[0][..200], drawn[0][200..]);
}

#[test]
fn a_scope_begins_its_draws_from_the_seed_of_the_scope_around_it() {
    let _alone = isolate();
    set_seed(11);
    let first = draw("scopes-draws-inner");
    let inner = Scope::new();
    assert_eq!(inner.run(|| draw("scopes-draws-inner")), first);
    assert_ne!(draw("scopes-draws-inner"), first, "the outer ones went on");
    // Its draws are its own from there on.
    inner.run(|| set_seed(12));
    set_seed(11);
    assert_eq!(draw("scopes-draws-inner"), first);
    let again = Scope::new();
    assert_eq!(again.run(|| draw("scopes-draws-inner")), first);
}

#[test]
fn a_seed_set_in_a_scope_changes_nothing_around_it_or_beside_it() {
    let outer = isolate();
    set_seed(21);
    let all = [draw("scopes-draws-seed"), draw("scopes-draws-seed")].concat();
    drop(outer);

    let _outer = isolate();
    set_seed(21);
    let beside = Scope::new();
    let mut drawn = draw("scopes-draws-seed");
    Scope::new().run(|| set_seed(99));
    thread::spawn(|| {
        let _alone = isolate();
        set_seed(98);
        draw("scopes-draws-seed");
    })
    .join()
    .unwrap();
    drawn.extend(draw("scopes-draws-seed"));
    assert_eq!(drawn, all);
    assert_eq!(beside.run(|| draw("scopes-draws-seed")), all[..200]);
}

#[test]
fn a_seed_set_around_a_scope_after_it_began_changes_nothing_in_it() {
    let _outer = isolate();
    set_seed(31);
    let expected = Scope::new().run(|| draw("scopes-draws-later"));
    let scope = Scope::new();
    set_seed(32);
    assert_eq!(scope.run(|| draw("scopes-draws-later")), expected);
}

/// The seed of the process is everybody's: a process of its own each.
#[test]
fn played_by_children() {
    fn outside() {
        let name = "scopes-draws-process";
        set_seed(41);
        let all = [draw(name), draw(name)].concat();
        set_seed(41);
        let mut drawn = draw(name);
        {
            let _alone = isolate();
            set_seed(99);
            draw(name);
        }
        drawn.extend(draw(name));
        assert_eq!(drawn, all);
        remove_failpoint(name);
    }
    fn begun_before() {
        set_seed(51);
        let scope = Scope::new();
        set_seed(52);
        let expected = {
            set_seed(51);
            Scope::new().run(|| draw("scopes-draws-began"))
        };
        set_seed(52);
        let drawn = scope.run(|| draw("scopes-draws-began"));
        assert!(drawn == expected, "by the seed that was set when it began");
    }
    fn scenarios() {
        let simulate = || {
            let scenario = FailScenario::setup();
            cfg("scopes-draws-scenario", "50%return->30%return").unwrap();
            let seen = (0..200).map(|_| hit("scopes-draws-scenario") != Continue);
            let seen: Vec<_> = seen.collect();
            scenario.teardown();
            seen
        };
        let first = simulate();
        assert_eq!(first, simulate(), "without a seed");
        let _alone = isolate();
        let inside = simulate();
        assert_eq!(inside, simulate());
        assert_eq!(
            first, inside,
            "a scope without a seed draws by the process's"
        );
    }
    fn of_the_environment() {
        let drawn = |name: &str| {
            let alone = isolate();
            let drawn = draw(name);
            drop(alone);
            drawn
        };
        let first = drawn("scopes-draws-env");
        assert_eq!(first, drawn("scopes-draws-env"));
        set_seed(61);
        assert_eq!(first, drawn("scopes-draws-env"));
        assert_eq!(first, draw("scopes-draws-env"));
    }
    child::play(&[
        ("outside", outside),
        ("begun before", begun_before),
        ("scenarios", scenarios),
        ("environment", of_the_environment),
    ]);
}

#[track_caller]
fn run(role: &str, seed: &[(&str, &std::ffi::OsStr)]) {
    let output = child::run("draws::played_by_children", role, seed);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{role}: {said}");
}

#[test]
fn the_draws_of_a_process_go_on_whatever_is_drawn_in_scopes() {
    run("outside", &[]);
}

#[test]
fn a_scope_draws_by_the_seed_that_the_process_had_when_it_began() {
    run("begun before", &[]);
}

#[test]
fn scenarios_draw_alike_in_one_process_in_and_out_of_scopes() {
    run("scenarios", &[]);
}

#[test]
fn scopes_draw_by_the_seed_of_the_environment() {
    run("environment", &[("FAILPOINTS_SEED", "61".as_ref())]);
}

#[test]
fn simulations_with_one_seed_in_one_process_are_alike_on_either_runtime() {
    let simulate = |runtime: Runtime, seed: u64| {
        runtime.build().block_on(async move {
            let _alone = isolate();
            set_seed(seed);
            configure_failpoint("scopes-draws-simulated", "40%return->20%return").unwrap();
            let mut seen = Vec::new();
            for _ in 0..100 {
                let task = spawn_task(neon_failpoint::failpoint("scopes-draws-simulated", None));
                seen.push(task.await.unwrap() != Continue);
            }
            seen
        })
    };
    let first = simulate(Runtime::CurrentThread, 5);
    assert_eq!(simulate(Runtime::CurrentThread, 5), first);
    assert_eq!(simulate(Runtime::MultiThread, 5), first);
    assert_ne!(simulate(Runtime::CurrentThread, 6), first);
}
