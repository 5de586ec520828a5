//! Ends a run that neither ends nor comes to rest. One thread watches all runs of an exploration.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::control::wait_for::wait_deadline;
use crate::engine::sync::unpoisoned;

/// How often it looks.
const OFTEN: Duration = Duration::from_millis(50);

/// After so long a run that does not come to rest is thought to wait for a task that stands.
const BUSY: Duration = Duration::from_millis(200);

/// After so long a run that was told to end is thought to block its thread.
const LATE: Duration = Duration::from_secs(5);

/// A run that is watched.
pub(super) trait Rests: Send + Sync {
    /// Returns what changes whenever a hit comes or goes on.
    fn signs_of_life(&self) -> u64;

    /// Takes a step of a run that does not come to rest: a loop that yields, or a blocking thread, may
    /// wait for a task that stands.
    fn need_not_rest(&self);

    /// Ends a run that has neither ended nor come to rest for so long.
    fn does_not_rest(&self, time: Duration);

    fn failure(&self) -> Option<String>;
}

#[derive(Default)]
struct Watched {
    run: Option<Arc<dyn Rests>>,
    /// How many runs there were.
    count: usize,
    is_over: bool,
}

#[derive(Default)]
struct Shared {
    watched: Mutex<Watched>,
    over: Condvar,
}

pub(super) struct Watchdog {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Watchdog {
    pub(super) fn new() -> Self {
        let shared = Arc::new(Shared::default());
        let watched = shared.clone();
        let thread = std::thread::Builder::new()
            .name("explorer-watchdog".to_owned())
            .spawn(move || watch(&watched));
        Self {
            shared,
            // Without one, a run that never rests is not ended.
            thread: thread.ok(),
        }
    }

    /// Watches this run, from now on, and no other.
    pub(super) fn watch(&self, run: Option<Arc<dyn Rests>>) {
        let mut watched = unpoisoned(self.shared.watched.lock());
        watched.count += 1;
        // Dropped after the lock is released (I5).
        let _before = std::mem::replace(&mut watched.run, run);
        drop(watched);
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        unpoisoned(self.shared.watched.lock()).is_over = true;
        self.shared.over.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn watch(shared: &Shared) {
    let mut seen = (0, 0);
    let mut since = Instant::now();
    // Whether the run was told to end.
    let mut was_ended = false;
    loop {
        let watched = unpoisoned(shared.watched.lock());
        let waited = shared
            .over
            .wait_timeout_while(watched, OFTEN, |watched| !watched.is_over);
        let watched = waited.unwrap_or_else(PoisonError::into_inner).0;
        if watched.is_over {
            return;
        }
        let (run, count) = (watched.run.clone(), watched.count);
        drop(watched);
        let Some(run) = run else { continue };
        let now = (count, run.signs_of_life());
        if now != seen {
            (seen, since, was_ended) = (now, Instant::now(), false);
            continue;
        }
        if !was_ended && since.elapsed() >= BUSY {
            run.need_not_rest();
        }
        if !was_ended && since.elapsed() >= wait_deadline() {
            run.does_not_rest(since.elapsed());
            (since, was_ended) = (Instant::now(), true);
        } else if was_ended && since.elapsed() >= LATE {
            // Once.
            (since, was_ended) = (Instant::now() + 1000 * wait_deadline(), false);
            if let Some(failure) = run.failure() {
                // The thread that would tell it is the one that hangs.
                eprintln!("a run cannot even be ended, because it blocks its thread: {failure}");
            }
        }
    }
}
