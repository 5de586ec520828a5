//! Proves the deviation from `fail` 0.5.1 that no script can show: letting many paused
//! threads go stalls nobody who hits another point. Beside the real crate, by the number
//! of hits that gave their processor up to wait for a lock, which Linux counts.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use neon_failpoint::compat;

const PAUSED: usize = 200;
const NAME: &str = "compat-release-paused";
const OTHER: &str = "compat-release-other";

/// One of the two crates.
struct Side {
    pause: fn(),
    wait: fn(),
    release: fn(),
    hit_other: fn(),
}

const OURS: Side = Side {
    pause: || compat::cfg(NAME, "pause").unwrap(),
    wait: || compat::fail_point!(NAME),
    release: || compat::remove(NAME),
    hit_other: || compat::fail_point!(OTHER),
};

const REAL: Side = Side {
    pause: || fail::cfg(NAME, "pause").unwrap(),
    wait: || fail::fail_point!(NAME),
    release: || fail::remove(NAME),
    hit_other: || fail::fail_point!(OTHER),
};

/// How often this thread gave its processor up by itself; `None` where nobody counts.
fn times_blocked() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/thread-self/status").ok()?;
    let switches = |line: &str| {
        let count = line.strip_prefix("voluntary_ctxt_switches:")?;
        count.trim().parse().ok()
    };
    status.lines().find_map(switches)
}

/// How often hits of another name were blocked while `PAUSED` threads were let go.
fn blocked_meanwhile(side: &Side) -> u64 {
    (side.pause)();
    let (begun, ended) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let (hits, stop) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        for _ in 0..PAUSED {
            scope.spawn(|| {
                begun.fetch_add(1, Ordering::SeqCst);
                (side.wait)();
                ended.fetch_add(1, Ordering::SeqCst);
            });
        }
        while begun.load(Ordering::SeqCst) < PAUSED {
            thread::yield_now();
        }
        let hitter = scope.spawn(|| {
            (side.hit_other)();
            let before = times_blocked().unwrap();
            while !stop.load(Ordering::SeqCst) {
                (side.hit_other)();
                hits.store(true, Ordering::SeqCst);
            }
            times_blocked().unwrap() - before
        });
        while !hits.load(Ordering::SeqCst) {
            thread::yield_now();
        }
        (side.release)();
        while ended.load(Ordering::SeqCst) < PAUSED {
            thread::yield_now();
        }
        stop.store(true, Ordering::SeqCst);
        hitter.join().unwrap()
    })
}

#[test]
fn letting_many_threads_go_stalls_no_other_hit_as_it_does_in_fail() {
    let _scenario = compat::FailScenario::setup();
    if times_blocked().is_none() {
        println!("skipped: this system does not count how often a thread is blocked");
        return;
    }
    let deadline = Instant::now() + Duration::from_secs(120);
    let (mut ours, mut real, mut rounds) = (0, 0, 0);
    while real < 10 {
        assert!(
            Instant::now() < deadline,
            "fail blocked {real} hits in {rounds} rounds, ours {ours}"
        );
        ours += blocked_meanwhile(&OURS);
        real += blocked_meanwhile(&REAL);
        rounds += 1;
    }
    // Not none: the allocator has locks, too.
    assert!(
        ours <= 2,
        "fail blocked {real} hits in {rounds} rounds, ours {ours}"
    );
}
