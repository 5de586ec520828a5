//! Proves how long a `sleep` and a `delay` take that are given a unit or a range.

use std::time::{Duration, Instant};

use crate::common::events::{events, listen};
use crate::common::{Runtime, actions, hit};
use neon_failpoint::FailpointResult::{Continue, Return};
use neon_failpoint::{
    FailpointContext, configure_failpoint, failpoint, isolate, remove_failpoint, set_seed,
};

/// How long `n` async hits sleep, each with a value of `key`, by a clock that can be looked at.
fn slept(name: &'static str, values: &[Option<&'static str>]) -> Vec<u128> {
    Runtime::PausedClock.build().block_on(async {
        let mut slept = Vec::new();
        for value in values {
            let context = value.map(|value| FailpointContext::from_iter([("key", value)]));
            let start = tokio::time::Instant::now();
            let _ = failpoint(name, context.as_ref()).await;
            slept.push(start.elapsed().as_millis());
        }
        slept
    })
}

#[test]
fn a_unit_says_how_long_a_sleep_is() {
    let _alone = isolate();
    for (argument, millis) in [
        ("7", 7),
        ("250ms", 250),
        ("3s", 3_000),
        ("86400s", 86_400_000),
    ] {
        configure_failpoint("times-unit", format!("sleep({argument})")).unwrap();
        assert_eq!(
            slept("times-unit", &[None, None]),
            [millis; 2],
            "{argument}"
        );
    }
}

#[test]
fn a_sleep_from_a_range_takes_any_time_in_it_and_another_at_each_hit() {
    let _alone = isolate();
    set_seed(5);
    for (argument, range) in [
        ("10..50", 10..=50),
        ("10ms..50ms", 10..=50),
        ("1s..2s", 1_000..=2_000),
    ] {
        configure_failpoint("times-range", format!("sleep({argument})")).unwrap();
        let times = slept("times-range", &[None; 400]);
        assert!(times.iter().all(|time| range.contains(time)), "{times:?}");
        let mut different = times.clone();
        different.sort();
        different.dedup();
        // Of 41 or more equally likely ones.
        assert!(different.len() > 35, "{different:?}");
        assert_ne!(times[..200], times[200..]);
    }
    configure_failpoint("times-range", "sleep(5..5)").unwrap();
    assert_eq!(slept("times-range", &[None; 3]), [5; 3]);
}

#[test]
fn a_seed_repeats_the_times_whatever_else_is_drawn_and_who_listens() {
    let _alone = isolate();
    listen();
    let run = |seed: u64, text: &str| {
        set_seed(seed);
        configure_failpoint("times-seed", text).unwrap();
        slept("times-seed", &[None; 100])
    };
    let times = run(1, "sleep(1..1000)");
    assert_eq!(run(1, "sleep(1..1000)"), times);
    assert_ne!(run(2, "sleep(1..1000)"), times);
    // A subscriber that hears each hit changes nothing.
    let (heard, _) = events(|| run(1, "sleep(1..1000)"));
    assert_eq!(heard, times);
    // Configured anew, it goes on.
    set_seed(1);
    let mut one_by_one = Vec::new();
    for _ in 0..100 {
        configure_failpoint("times-seed", "sleep(1..1000)").unwrap();
        one_by_one.extend(slept("times-seed", &[None]));
        remove_failpoint("times-seed");
    }
    assert_eq!(one_by_one, times);
    // Nor does a percentage: what it takes has the same times, one after the other.
    let taken = run(1, "50%sleep(1..1000)->off");
    let taken: Vec<u128> = taken.into_iter().filter(|time| *time > 0).collect();
    assert!((20..=80).contains(&taken.len()), "{}", taken.len());
    assert_eq!(taken, times[..taken.len()]);
    // Each position of a chain has its own.
    assert_ne!(run(1, "0*off->sleep(1..1000)"), times);
}

/// I6: what is turned away draws nothing.
#[test]
fn a_time_is_drawn_only_when_its_alternative_fires() {
    let _alone = isolate();
    let run = |text: &str, values: &[Option<&'static str>]| {
        set_seed(3);
        configure_failpoint("times-turned-away", text).unwrap();
        slept("times-turned-away", values)
    };
    let all = run("sleep(1..1000)", &[None; 4]);
    let yes = Some("yes");
    let values = [Some("no"), yes, None, yes, Some("no"), None, yes, yes];
    let times = run("when(key=yes)sleep(1..1000)", &values);
    assert_eq!(times, [0, all[0], 0, all[1], 0, 0, all[2], all[3]]);
    let times = run("when(key!=no)sleep(1..1000)", &values);
    assert_eq!(times, [0, all[0], 0, all[1], 0, 0, all[2], all[3]]);
    // A count that is spent leaves the rest.
    assert_eq!(run("2*sleep(1..1000)", &[None; 4]), [all[0], all[1], 0, 0]);
}

#[test]
fn a_blocking_sleep_and_a_delay_take_a_time_of_the_range() {
    let _alone = isolate();
    let name = "times-blocking";
    for text in ["sleep(2ms..4ms)", "delay(2..4)", "delay(2ms)"] {
        configure_failpoint(name, text).unwrap();
        let start = Instant::now();
        assert_eq!(hit(name), Continue);
        // A lower bound only: no load breaks it.
        assert!(start.elapsed() >= Duration::from_millis(2), "{text}");
    }
    // The longest time of a range may be for ever: it ends with its configuration.
    configure_failpoint(name, "sleep(1000s..18446744073709551s)").unwrap();
    let sleeper = crate::common::spawn(move || hit(name));
    crate::common::until_waiting(name, 1);
    configure_failpoint(name, "return").unwrap();
    assert_eq!(sleeper.join().unwrap(), Continue);
    assert_eq!(hit(name), Return(String::new()));
}

/// A hit by the rules of `fail` does what was configured natively.
#[test]
fn a_site_of_compat_sleeps_for_a_time_of_the_range() {
    let _alone = isolate();
    let name = "times-compat";
    configure_failpoint(name, "1*sleep(2ms..3ms)->return").unwrap();
    let start = Instant::now();
    let hit = || neon_failpoint::compat::eval(name, |_| ());
    assert_eq!(hit(), None);
    assert!(start.elapsed() >= Duration::from_millis(2));
    assert_eq!(hit(), Some(()));
    assert_eq!(actions(name).unwrap(), "1*sleep(2..3)->return");
    // What `fail` does not know is an error there, as it was.
    for text in ["sleep(1s)", "sleep(1..2)", "delay(1ms)"] {
        let error = neon_failpoint::compat::cfg(name, text).unwrap_err();
        assert_eq!(
            error, "failed to parse timeout: invalid digit found in string",
            "{text}"
        );
    }
    neon_failpoint::compat::cfg(name, "pause(5)->off(x)").unwrap();
}
