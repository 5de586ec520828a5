//! What scopes cost: those who have none, and those who do.

use std::hint::black_box;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use neon_failpoint::{
    Scope, arm, configure_failpoint, configure_failpoints, fail_point_sync, failpoint_blocking,
    isolate, remove_failpoint,
};
use tokio::runtime::{Builder, Runtime};

use super::idle::{Hit, looped, plain};
use super::{Others, Row};
use neon_failpoint_benches::measure::{Effort, in_turns, per_call};
use neon_failpoint_benches::report::Limit::{AtLeast, AtMost};
use neon_failpoint_benches::report::Line;

pub(super) const SCOPES: Row = Row {
    name: "scopes",
    about: "ns per hit and per test, and the throughput of 64 threads, inside and outside of scopes",
    run: scopes,
};

#[inline(never)]
fn idle(x: usize) -> usize {
    fail_point_sync!("bench-scope-idle");
    black_box(x).wrapping_add(1)
}

#[inline(never)]
fn elsewhere(x: usize) -> usize {
    fail_point_sync!("bench-scope-elsewhere");
    black_box(x).wrapping_add(1)
}

#[inline(never)]
fn absent(x: usize) -> usize {
    let _ = failpoint_blocking(black_box("bench-scope-absent"), None);
    black_box(x).wrapping_add(1)
}

#[inline(never)]
fn armed(x: usize) -> usize {
    fail_point_sync!("bench-scope-armed", |value| value.len());
    black_box(x).wrapping_add(1)
}

/// Scopes with ten names each, that no benchmark hits.
fn open(scopes: usize) -> Result<Vec<Scope>, String> {
    (0..scopes)
        .map(|_| {
            let scope = Scope::new();
            let names = (0..10).map(|i| (format!("bench-scope-other-{i}"), "off"));
            let configured = scope.run(|| configure_failpoints(names));
            configured.map(|()| scope).map_err(|e| e.to_string())
        })
        .collect()
}

fn runtime() -> Result<Runtime, String> {
    Builder::new_current_thread()
        .build()
        .map_err(|e| e.to_string())
}

fn scopes(effort: Effort) -> Result<Vec<Line>, String> {
    let mut lines = Vec::new();
    idle_sites(effort, &mut lines)?;
    armed_elsewhere(effort, &mut lines)?;
    inside(effort, &mut lines)?;
    a_test(effort, &mut lines)?;
    many_threads(effort, &mut lines)?;
    Ok(lines)
}

fn idle_sites(effort: Effort, lines: &mut Vec<Line>) -> Result<(), String> {
    for count in [0, 1, 100] {
        let _open = open(count)?;
        let values = per_call(effort, 200_000, [&mut looped(plain), &mut looped(idle)]);
        let [plain, ours] = values;
        lines.push(
            Line::new("idle site, scopes open", Some(count), "ns")
                .columns(["plain", "ours"].into_iter().zip(values))
                .bar("ns added", ours - plain, AtMost(1.0)),
        );
    }
    Ok(())
}

fn timed(hit: Hit, n: usize) -> Duration {
    let start = Instant::now();
    looped(hit)(n);
    start.elapsed()
}

/// A miss by name, beside a site whose name is armed in a scope that it is not in.
fn armed_elsewhere(effort: Effort, lines: &mut Vec<Line>) -> Result<(), String> {
    let _others = Others::configure(100)?;
    let n = effort.size(20_000);
    let (here, there) = (runtime()?, runtime()?);
    let scope = Scope::new();
    let _attached = scope.attach(there.handle());
    for work in ["armed in another scope", "the same, on a runtime"] {
        let is_on_runtime = work != "armed in another scope";
        let run = |hit: Hit| match is_on_runtime {
            true => here.block_on(async { timed(hit, n) }),
            false => timed(hit, n),
        };
        let columns: [&mut dyn FnMut() -> Duration; 2] = [&mut || run(absent), &mut || {
            let point = scope.run(|| arm("bench-scope-elsewhere", "return"));
            let time = run(elsewhere);
            assert!(point.is_ok_and(|point| point.hits() == 0), "it is not seen");
            time
        }];
        let values = in_turns(effort.rounds(101), columns).map(|time| time / n as f64);
        let [miss, ours] = values;
        lines.push(
            Line::new(work, Some(100), "ns")
                .columns(["miss by name", "ours"].into_iter().zip(values))
                .bar("times a miss by name", ours / miss, AtMost(2.0)),
        );
    }
    Ok(())
}

/// A configured point outside of scopes while there are none, and the same in a scope.
fn inside(effort: Effort, lines: &mut Vec<Line>) -> Result<(), String> {
    let n = effort.size(20_000);
    let runtime = runtime()?;
    for actions in ["off", "return(42)"] {
        let outside = || -> Duration {
            let point = arm("bench-scope-armed", actions);
            let time = timed(armed, n);
            assert!(point.is_ok_and(|point| point.hits() == n));
            time
        };
        let entered = || {
            let _alone = isolate();
            outside()
        };
        let on_runtime = || {
            let scope = Scope::new();
            let _attached = scope.attach(runtime.handle());
            let point = scope.run(|| arm("bench-scope-armed", actions));
            let time = runtime.block_on(async { timed(armed, n) });
            assert!(point.is_ok_and(|point| point.hits() == n));
            time
        };
        let columns: [&mut dyn FnMut() -> Duration; 3] =
            [&mut { outside }, &mut { entered }, &mut { on_runtime }];
        let values = in_turns(effort.rounds(101), columns).map(|time| time / n as f64);
        let [outside, entered, on_runtime] = values;
        lines.push(
            Line::new(actions, None, "ns")
                .columns(["outside", "entered", "runtime"].into_iter().zip(values))
                .bar("entered, times outside", entered / outside, AtMost(1.3))
                .bar(
                    "on a runtime, times outside",
                    on_runtime / outside,
                    AtMost(3.0),
                ),
        );
    }
    Ok(())
}

/// What a test does, with its first line and without.
fn a_test(effort: Effort, lines: &mut Vec<Line>) -> Result<(), String> {
    let n = effort.size(2_000);
    let runtime = runtime()?;
    let body = |i: usize| {
        let point = arm("bench-scope-armed", "off");
        black_box(armed(i));
        assert!(point.is_ok_and(|point| point.hits() == 1));
    };
    let with = |i: usize| {
        let _alone = isolate();
        body(i);
    };
    for work in ["arm, hit, drop", "the same, on a runtime"] {
        let run = |one: &dyn Fn(usize)| {
            let all = || {
                let start = Instant::now();
                (0..n).for_each(one);
                start.elapsed()
            };
            match work {
                "arm, hit, drop" => all(),
                _ => runtime.block_on(async { all() }),
            }
        };
        let columns: [&mut dyn FnMut() -> Duration; 2] = [&mut || run(&body), &mut || run(&with)];
        let values = in_turns(effort.rounds(51), columns).map(|time| time / n as f64);
        let [without, with] = values;
        lines.push(
            Line::new(work, None, "ns")
                .columns(["without", "with isolate"].into_iter().zip(values))
                .bar("times without", with / without, AtMost(3.0)),
        );
    }
    Ok(())
}

/// 64 threads that arm, hit and remove: each a name of its own, or all the same, each in its scope.
fn many_threads(effort: Effort, lines: &mut Vec<Line>) -> Result<(), String> {
    const THREADS: usize = 64;
    let n = effort.size(1_000);
    let all = |in_scopes: bool| {
        let start = Barrier::new(THREADS + 1);
        std::thread::scope(|threads| {
            for thread in 0..THREADS {
                let start = &start;
                threads.spawn(move || {
                    let _alone = in_scopes.then(isolate);
                    let name = match in_scopes {
                        true => "bench-scope-shared".to_owned(),
                        false => format!("bench-scope-own-{thread:02}"),
                    };
                    start.wait();
                    for _ in 0..n {
                        let configured = configure_failpoint(name.as_str(), "off");
                        let result = failpoint_blocking(&name, None);
                        remove_failpoint(&name);
                        assert!(configured.is_ok(), "{result:?}");
                    }
                });
            }
            start.wait();
            let started = Instant::now();
            // The scope of the threads ends with the last of them.
            started
        })
        .elapsed()
    };
    let columns: [&mut dyn FnMut() -> Duration; 2] = [&mut || all(false), &mut || all(true)];
    let values = in_turns(effort.rounds(11), columns).map(|time| time / (n * THREADS) as f64);
    let [names, scopes] = values;
    lines.push(
        Line::new("threads", Some(THREADS), "ns a round")
            .columns(["64 names", "64 scopes, one name"].into_iter().zip(values))
            .bar(
                "throughput in scopes, times with names",
                names / scopes,
                AtLeast(1.0),
            ),
    );
    Ok(())
}
