//! A hit against writers that configure and remove its point. I4: the idle caches of sites, and that of
//! names, never hide a configuration, nor does the replacement of a callback.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;

use super::{POINT, with_thread};
use crate::common::now;
use crate::common::race::{Gate, Party, alone, numbered};
use crate::common::rounds;
use neon_failpoint::FailpointResult::Continue;
use neon_failpoint::{
    configure_failpoint, configure_failpoint_callback, configure_failpoints, fail_point_sync,
    fail_point_with_context_sync, failpoint, failpoint_blocking, failpoint_context,
    remove_all_failpoints, remove_failpoint,
};

/// Hits "race" in one of the ways that have an idle check of their own: two sites that
/// block, one that awaits, and the hit by name, which remembers an empty table.
fn is_configured(way: usize) -> bool {
    let first = || {
        fail_point_sync!("race", |_| true);
        false
    };
    let second = || {
        fail_point_with_context_sync!("race", &failpoint_context! {"k" => 1}, |_| true);
        false
    };
    match way {
        0 => first(),
        1 => second(),
        2 => now(failpoint!("race")) != Continue,
        _ => failpoint_blocking(POINT, None) != Continue,
    }
}

/// Where a writer stands: the number of the step that began last and of the one that
/// ended last. After an odd step the points are configured, after an even one not.
#[derive(Default)]
struct Steps {
    began: AtomicU64,
    ended: AtomicU64,
    /// The last step between whose end and the next one's beginning there was a hit.
    seen: AtomicU64,
}

impl Steps {
    /// Does one step, once a hit saw the one before.
    fn step(&self, driver: &mut Party, step: u64, act: impl FnOnce()) {
        while self.seen.load(Ordering::Acquire) < step - 1 {
            driver.gate.assert_whole();
            thread::yield_now();
        }
        driver.dawdle();
        self.began.store(step, Ordering::SeqCst);
        act();
        self.ended.store(step, Ordering::SeqCst);
    }

    /// Does `hits` and returns their result if the whole of it was after one step and
    /// before the next, with the number of that step.
    fn between_steps<T>(&self, hits: impl FnOnce() -> T) -> Option<(u64, T)> {
        let ended = self.ended.load(Ordering::SeqCst);
        let result = hits();
        let began = self.began.load(Ordering::SeqCst);
        (began == ended).then_some((ended, result))
    }
}

#[test]
fn a_hit_sees_what_was_configured_or_removed_before_it() {
    let _alone = alone("idle caches");
    let gate = Gate::new(1);
    let steps = Arc::new(Steps::default());
    let last = 2 * rounds() as u64;
    let mut party = Party::new(&gate, 2);
    let hits = {
        let steps = steps.clone();
        move || {
            let mut seen = 0;
            while seen < last {
                party.gate.assert_whole();
                let way = party.below(4);
                if let Some((step, result)) = steps.between_steps(|| is_configured(way)) {
                    assert_eq!(result, step % 2 == 1, "step {step}, way {way}");
                    seen = step;
                    steps.seen.store(step, Ordering::Release);
                }
            }
        }
    };
    // Another writer, of a name of its own: it moves the generation under the sites.
    let ends = Arc::new(AtomicBool::new(false));
    let noise = {
        let ends = ends.clone();
        thread::spawn(move || {
            while !ends.load(Ordering::Relaxed) {
                configure_failpoint("race-noise", "off").unwrap();
                thread::yield_now();
                remove_failpoint("race-noise");
                // Long enough for the table to be empty now and then.
                for _ in 0..20 {
                    thread::yield_now();
                }
            }
        })
    };
    with_thread(hits, || {
        let mut driver = Party::new(&gate, 1);
        for step in numbered(last as usize).map(|round| round as u64 + 1) {
            steps.step(&mut driver, step, || match step % 8 {
                1 | 5 => configure_failpoint(POINT, "return").unwrap(),
                3 | 7 => configure_failpoints([(POINT, "return")]).unwrap(),
                6 => remove_all_failpoints(),
                _ => remove_failpoint(POINT),
            });
        }
    });
    ends.store(true, Ordering::Relaxed);
    noise.join().unwrap();
}

#[test]
fn a_callback_that_is_replaced_all_the_time_is_called_by_every_hit() {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    let _alone = alone("a_callback_that_is_replaced_all_the_time_is_called_by_every_hit");
    let name = "race-callback";
    let configure = || {
        let call = || {
            CALLS.fetch_add(1, Ordering::SeqCst);
        };
        configure_failpoint_callback(name, call).unwrap();
    };
    configure();
    let stop = AtomicBool::new(false);
    let hits: usize = thread::scope(|scope| {
        let hitter = || {
            let mut hits = 0;
            while !stop.load(Ordering::SeqCst) {
                assert_eq!(failpoint_blocking(name, None), Continue);
                hits += 1;
            }
            hits
        };
        let hitters = [scope.spawn(hitter), scope.spawn(hitter)];
        numbered(5 * rounds()).for_each(|_| configure());
        stop.store(true, Ordering::SeqCst);
        hitters.into_iter().map(|h| h.join().unwrap()).sum()
    });
    assert_eq!(CALLS.load(Ordering::SeqCst), hits);
}
