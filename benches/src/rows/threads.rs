//! Releasing paused threads.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use neon_failpoint::{configure_failpoint, fail_point_sync, remove_failpoint};

use super::Row;
use neon_failpoint_benches::measure::{Effort, in_turns};
use neon_failpoint_benches::report::Limit::AtMost;
use neon_failpoint_benches::report::Line;

pub(super) const THREADS: Row = Row {
    name: "threads",
    about: "letting paused threads go, and what an unrelated hit notices of it",
    run: threads,
};

/// How to prepare, how one thread waits, what releases all, and a hit of another name.
struct Column<'a> {
    name: &'static str,
    prepare: &'a dyn Fn(),
    wait: &'a (dyn Fn() + Sync),
    go: &'a dyn Fn(),
    other_hit: &'a (dyn Fn() + Sync),
}

/// What a thread noticed that hit another name all the time.
#[derive(Default)]
struct Noticed {
    /// The longest that one hit took, in ns.
    longest: u64,
    /// How often a hit gave up the processor to wait for a lock, if known.
    blocked: Option<u64>,
}

fn threads(effort: Effort) -> Result<Vec<Line>, String> {
    let count = effort.size(1_000);
    let gate = Gate::default();
    let unrelated = black_box("bench-threads-unrelated");
    let columns = [
        Column {
            name: "condvar",
            prepare: &|| gate.set(false),
            wait: &|| gate.wait(),
            go: &|| gate.set(true),
            other_hit: &|| {
                black_box(unrelated);
            },
        },
        Column {
            name: "ours",
            prepare: &|| {
                let configured = configure_failpoint("bench-threads", "pause");
                assert!(configured.is_ok(), "the actions are valid");
            },
            wait: &|| fail_point_sync!("bench-threads"),
            go: &|| remove_failpoint("bench-threads"),
            other_hit: &|| fail_point_sync!(unrelated),
        },
        Column {
            name: "fail",
            prepare: &|| {
                let configured = fail::cfg("bench-threads", "pause");
                assert!(configured.is_ok(), "the actions are valid");
            },
            wait: &|| fail::fail_point!("bench-threads"),
            go: &|| fail::remove("bench-threads"),
            other_hit: &|| fail::fail_point!(unrelated),
        },
    ];
    let [condvar, ours, fail] = in_turns(
        effort.rounds(41),
        columns
            .each_ref()
            .map(|column| || time(column, count, || {})),
    )
    .map(|ns| ns / 1e6);
    let released = Line::new("until no thread waits", Some(count), "ms")
        .columns([("condvar", condvar), ("ours", ours), ("fail", fail)])
        .bar("times a condvar", ours / condvar, AtMost(1.2));

    let rounds = effort.rounds(9);
    let noticed = columns.each_ref().map(|column| {
        let noticed = (0..rounds).map(|_| notice(column, count));
        let nothing = Noticed {
            longest: 0,
            blocked: Some(0),
        };
        noticed.fold(nothing, |a, b| Noticed {
            longest: a.longest.max(b.longest),
            blocked: a.blocked.zip(b.blocked).map(|(a, b)| a + b),
        })
    });
    let names = columns.each_ref().map(|column| column.name);
    let longest = noticed.each_ref().map(|n| n.longest as f64 / 1e6);
    let longest = Line::new("longest unrelated hit meanwhile", Some(count), "ms")
        .columns(names.into_iter().zip(longest));
    let mut lines = vec![released, longest];
    if let [Some(condvar), Some(ours), Some(fail)] = noticed.map(|n| n.blocked) {
        // Not always zero: the allocator has locks, too.
        let values = [condvar, ours, fail].map(|n| n as f64 / rounds as f64);
        lines.push(
            Line::new("unrelated hits blocked per release", Some(count), "")
                .columns(names.into_iter().zip(values))
                .bar("ours", values[1], AtMost(0.2)),
        );
    }
    Ok(lines)
}

/// Returns the time from `go` until all threads have ended their waits; `meanwhile` runs just
/// before.
///
/// No thread exits before that: the exit of a thread, which has its stack unmapped, takes the
/// system longer than the end of its wait, and not the same time in every process.
fn time(column: &Column<'_>, count: usize, meanwhile: impl FnOnce()) -> Duration {
    (column.prepare)();
    let (begun, ended) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let stay = RwLock::new(());
    thread::scope(|scope| {
        let staying = stay.write();
        for _ in 0..count {
            let thread = thread::Builder::new().stack_size(64 << 10);
            let started = thread.spawn_scoped(scope, || {
                begun.fetch_add(1, Ordering::AcqRel);
                (column.wait)();
                ended.fetch_add(1, Ordering::AcqRel);
                drop(stay.read());
            });
            if started.is_err() {
                // Continue with as many as the system allows.
                begun.fetch_add(1, Ordering::AcqRel);
                ended.fetch_add(1, Ordering::AcqRel);
            }
        }
        while begun.load(Ordering::Acquire) < count {
            thread::yield_now();
        }
        // There is no way to tell when the last of them sleeps.
        thread::sleep(Duration::from_millis(20));
        meanwhile();
        let start = Instant::now();
        (column.go)();
        while ended.load(Ordering::Acquire) < count {
            thread::yield_now();
        }
        let took = start.elapsed();
        drop(staying);
        took
    })
}

fn notice(column: &Column<'_>, count: usize) -> Noticed {
    let stop = AtomicBool::new(false);
    let hits = AtomicUsize::new(0);
    thread::scope(|scope| {
        let other = scope.spawn(|| {
            // The first hit may have things to set up.
            (column.other_hit)();
            let before = times_blocked();
            let mut longest = Duration::ZERO;
            while !stop.load(Ordering::Relaxed) {
                let start = Instant::now();
                (column.other_hit)();
                longest = longest.max(start.elapsed());
                hits.fetch_add(1, Ordering::Relaxed);
            }
            Noticed {
                longest: longest.as_nanos() as u64,
                blocked: times_blocked()
                    .zip(before)
                    .map(|(now, before)| now - before),
            }
        });
        time(column, count, || {
            while hits.load(Ordering::Relaxed) == 0 {
                thread::yield_now();
            }
        });
        stop.store(true, Ordering::Relaxed);
        other.join().unwrap_or_default()
    })
}

/// Returns how often this thread gave up its processor by itself: on Linux, where the kernel
/// reports it.
fn times_blocked() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/thread-self/status").ok()?;
    let switches = |line: &str| {
        line.strip_prefix("voluntary_ctxt_switches:")?
            .trim()
            .parse()
            .ok()
    };
    status.lines().find_map(switches)
}

/// The floor: a flag behind a condition variable.
#[derive(Default)]
struct Gate {
    open: Arc<(Mutex<bool>, Condvar)>,
}

impl Gate {
    fn set(&self, open: bool) {
        let (flag, condvar) = &*self.open;
        *flag.lock().unwrap_or_else(PoisonError::into_inner) = open;
        condvar.notify_all();
    }

    fn wait(&self) {
        let (flag, condvar) = &*self.open;
        let closed = flag.lock().unwrap_or_else(PoisonError::into_inner);
        drop(condvar.wait_while(closed, |open| !*open));
    }
}
