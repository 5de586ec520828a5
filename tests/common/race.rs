//! What the tests have in common that prove something by the number of their rounds: the rounds,
//! the parties that meet in each of them, and a table for one test at a time.

use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use neon_failpoint::{list_failpoints, remove_all_failpoints};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::{DEADLINE, number, rounds, table};

/// What the random numbers of all parties begin with: `NEON_FAILPOINT_SEED`, or 0.
pub(crate) fn seed() -> u64 {
    number("NEON_FAILPOINT_SEED").unwrap_or(0)
}

/// The round that the test is in.
static ROUND: AtomicUsize = AtomicUsize::new(0);

/// The numbers of `rounds`. A test says in which of them somebody was lost.
pub(crate) fn numbered(rounds: usize) -> impl Iterator<Item = usize> {
    (0..rounds).inspect(|round| ROUND.store(*round, Ordering::Relaxed))
}

/// The table, empty, for one test at a time, which ends the process if it hangs.
pub(crate) struct Alone {
    test: &'static str,
    since: Instant,
    _ends: Sender<()>,
    _table: MutexGuard<'static, ()>,
}

/// The test that has the table.
static TEST: Mutex<&str> = Mutex::new("");

fn test() -> &'static str {
    *TEST.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn alone(test: &'static str) -> Alone {
    let table = table::alone();
    *TEST.lock().unwrap_or_else(PoisonError::into_inner) = test;
    ROUND.store(0, Ordering::Relaxed);
    let (ends, ended) = channel();
    // A round takes a few microseconds; on a machine with much else to do, some hundred.
    let patience = Duration::from_secs(1_200) + Duration::from_millis(2) * rounds() as u32;
    thread::spawn(move || {
        if ended.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
            let points = list_failpoints();
            // Not `eprintln!`, which the harness would swallow.
            let _ = writeln!(std::io::stderr(), "{test} hangs; the table: {points:#?}");
            std::process::abort();
        }
    });
    Alone {
        test,
        since: Instant::now(),
        _ends: ends,
        _table: table,
    }
}

impl Drop for Alone {
    /// With `--nocapture` a long run says how it went.
    fn drop(&mut self) {
        if !thread::panicking() {
            let (last, time) = (ROUND.load(Ordering::Relaxed), self.since.elapsed());
            println!(
                "{}: {} rounds in {time:.1?}, seed {}, nobody lost",
                self.test,
                last + 1,
                seed()
            );
        }
    }
}

const LEAST_PATIENCE: usize = 16;
const MOST_PATIENCE: usize = 300;

/// Brings the parties of a round together, as often as they like.
pub(crate) struct Gate {
    parties: usize,
    arrivals: AtomicUsize,
    is_broken: AtomicBool,
    /// How often a party looks whether the others are here before it sleeps.
    patience: AtomicUsize,
    /// How many parties sleep until another one arrives.
    sleepers: AtomicUsize,
    sleep: Mutex<()>,
    arrived: Condvar,
}

impl Gate {
    pub(crate) fn new(parties: usize) -> Arc<Self> {
        Arc::new(Self {
            parties,
            arrivals: AtomicUsize::new(0),
            is_broken: AtomicBool::new(false),
            patience: AtomicUsize::new(MOST_PATIENCE),
            sleepers: AtomicUsize::new(0),
            sleep: Mutex::new(()),
            arrived: Condvar::new(),
        })
    }

    /// Announces a party, which may then ask whether `all_are_here`.
    fn arrive(&self) -> usize {
        // SeqCst: it comes before the look at the sleepers, and theirs at the arrivals after that.
        let arrivals = self.arrivals.fetch_add(1, Ordering::SeqCst) + 1;
        if self.sleepers.load(Ordering::SeqCst) > 0 {
            self.wake();
        }
        arrivals.next_multiple_of(self.parties)
    }

    fn wake(&self) {
        drop(self.lock());
        self.arrived.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        self.sleep.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn all_are_here(&self, arrivals: usize) -> bool {
        self.assert_whole();
        self.arrivals.load(Ordering::SeqCst) >= arrivals
    }

    /// Sleeps until all are here. Somebody who does not come is one who was lost at a point.
    fn sleep_until_all_are_here(&self, arrivals: usize) {
        let deadline = Instant::now() + DEADLINE;
        let mut asleep = self.lock();
        self.sleepers.fetch_add(1, Ordering::SeqCst);
        while !self.all_are_here(arrivals) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "{}: lost: after {DEADLINE:?} somebody still waits who was to be let go; round {}, \
                 seed {}",
                test(),
                ROUND.load(Ordering::Relaxed),
                seed()
            );
            asleep = self
                .arrived
                .wait_timeout(asleep, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        self.sleepers.fetch_sub(1, Ordering::SeqCst);
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
    /// The parties of a test have each a number.
    pub(crate) fn new(gate: &Arc<Gate>, number: u64) -> Self {
        Self {
            gate: gate.clone(),
            random: SmallRng::seed_from_u64(seed().wrapping_mul(1_000).wrapping_add(number)),
        }
    }

    /// Blocks until all parties are here.
    pub(crate) fn meet(&self) {
        let arrivals = self.gate.arrive();
        // Awake at first, so that the parties go on at the same time. On a machine with much else to do
        // the others may wait for this processor: then not for long.
        let patience = self.gate.patience.load(Ordering::Relaxed);
        for _ in 0..patience {
            if self.gate.all_are_here(arrivals) {
                let more = (patience * 2).min(MOST_PATIENCE);
                return self.gate.patience.store(more, Ordering::Relaxed);
            }
            std::hint::spin_loop();
        }
        let less = (patience / 2).max(LEAST_PATIENCE);
        self.gate.patience.store(less, Ordering::Relaxed);
        self.gate.sleep_until_all_are_here(arrivals);
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
            self.gate.wake();
            // A party that waits at a point has to get to the gate.
            remove_all_failpoints();
        }
    }
}
