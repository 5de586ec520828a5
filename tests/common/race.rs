//! What the tests have in common that prove something by the number of their rounds: the rounds,
//! the parties that meet in each of them, and a table for one test at a time.

use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, MutexGuard};
use std::thread;
use std::time::Duration;

use neon_failpoint::{list_failpoints, remove_all_failpoints};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::table;

/// The number of rounds that `NEON_FAILPOINT_ROUNDS` asks for.
pub(crate) fn rounds() -> usize {
    match std::env::var("NEON_FAILPOINT_ROUNDS") {
        Ok(rounds) => rounds.parse().expect("NEON_FAILPOINT_ROUNDS is a number"),
        Err(_) => 20_000,
    }
}

/// The table, empty, for one test at a time, which ends the process if it hangs.
pub(crate) struct Alone {
    _table: MutexGuard<'static, ()>,
    _ends: Sender<()>,
}

pub(crate) fn alone(test: &'static str) -> Alone {
    let table = table::alone();
    let (ends, ended) = channel();
    thread::spawn(move || {
        if ended.recv_timeout(Duration::from_secs(1_200)) == Err(RecvTimeoutError::Timeout) {
            let points = list_failpoints();
            // Not `eprintln!`, which the harness would swallow.
            let _ = writeln!(std::io::stderr(), "{test} hangs; the table: {points:#?}");
            std::process::abort();
        }
    });
    Alone {
        _table: table,
        _ends: ends,
    }
}

/// Brings the parties of a round together, as often as they like.
pub(crate) struct Gate {
    parties: usize,
    arrivals: AtomicUsize,
    is_broken: AtomicBool,
}

impl Gate {
    pub(crate) fn new(parties: usize) -> Arc<Self> {
        Arc::new(Self {
            parties,
            arrivals: AtomicUsize::new(0),
            is_broken: AtomicBool::new(false),
        })
    }

    /// Announces a party, which may then ask whether `all_are_here`.
    fn arrive(&self) -> usize {
        let arrivals = self.arrivals.fetch_add(1, Ordering::AcqRel) + 1;
        arrivals.next_multiple_of(self.parties)
    }

    fn all_are_here(&self, arrivals: usize) -> bool {
        self.assert_whole();
        self.arrivals.load(Ordering::Acquire) >= arrivals
    }

    /// Whether all parties but one have arrived.
    pub(crate) fn awaits_one(&self) -> bool {
        self.assert_whole();
        self.arrivals.load(Ordering::Acquire) % self.parties == self.parties - 1
    }

    /// Asserts that no other party failed.
    #[track_caller]
    pub(crate) fn assert_whole(&self) {
        let is_broken = self.is_broken.load(Ordering::Relaxed);
        assert!(!is_broken, "another party failed");
    }
}

/// One thread or task of a test. If it panics, the others do, too.
pub(crate) struct Party {
    pub(crate) gate: Arc<Gate>,
    random: SmallRng,
}

impl Party {
    pub(crate) fn new(gate: &Arc<Gate>, seed: u64) -> Self {
        Self {
            gate: gate.clone(),
            random: SmallRng::seed_from_u64(seed),
        }
    }

    /// Blocks until all parties are here.
    pub(crate) fn meet(&self) {
        let arrivals = self.gate.arrive();
        let mut tries = 0_u32;
        while !self.gate.all_are_here(arrivals) {
            tries += 1;
            if tries % 64 == 0 {
                thread::yield_now();
            } else {
                std::hint::spin_loop();
            }
        }
    }

    pub(crate) async fn meet_async(&self) {
        let arrivals = self.gate.arrive();
        while !self.gate.all_are_here(arrivals) {
            tokio::task::yield_now().await;
        }
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.random.random_range(0..n)
    }

    /// A short time of no particular length: it shifts the parties against each other.
    pub(crate) fn dawdle(&mut self) {
        // Often not at all, so that the shortest races are run too.
        for _ in 0..self.below(3) * self.below(100) {
            std::hint::spin_loop();
        }
    }
}

impl Drop for Party {
    fn drop(&mut self) {
        if thread::panicking() {
            self.gate.is_broken.store(true, Ordering::Relaxed);
            // A party that waits at a point has to get to the gate.
            remove_all_failpoints();
        }
    }
}
