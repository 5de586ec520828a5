//! Ends a run that neither ends nor comes to rest. It looks by an alarm of the engine's timer.

use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};
use std::time::{Duration, Instant};

use crate::engine::sync::unpoisoned;
use crate::engine::{timer, watch};

/// How often it looks.
const OFTEN: Duration = Duration::from_millis(50);

/// After so long a run that was told to end is thought to block its thread.
const LATE: Duration = Duration::from_secs(5);

/// A run that is watched.
pub(super) trait Rests: Send + Sync {
    /// Returns what changes whenever a hit comes or goes on.
    fn signs_of_life(&self) -> u64;

    /// Takes a step of a run that has not come to rest for so long, if that is enough: a loop that yields,
    /// or a blocking thread, may wait for a task that stands.
    fn need_not_rest(&self, time: Duration);

    /// Ends a run that has neither ended nor come to rest for so long.
    fn does_not_rest(&self, time: Duration);

    fn failure(&self) -> Option<String>;
}

/// What is known of the run that is watched.
struct Watched {
    run: Option<Arc<dyn Rests>>,
    /// How many runs there were.
    count: usize,
    is_over: bool,
    /// The count, and the signs of life, that were seen last, and since when.
    seen: (usize, u64),
    since: Instant,
    stage: Stage,
}

/// What was done about a run that shows no sign of life.
#[derive(Clone, Copy, PartialEq)]
enum Stage {
    Nothing,
    /// It was told to end.
    Ended,
    /// It was said that it does not end.
    Said,
}

/// Watches the runs of an exploration, until it is dropped.
pub(super) struct Watchdog(Arc<Shared>);

struct Shared(Mutex<Watched>);

impl Watchdog {
    pub(super) fn new() -> Self {
        let shared = Arc::new(Shared(Mutex::new(Watched {
            run: None,
            count: 0,
            is_over: false,
            seen: (0, 0),
            since: Instant::now(),
            stage: Stage::Nothing,
        })));
        shared.clone().look_soon();
        Self(shared)
    }

    /// Watches this run, from now on, and no other.
    pub(super) fn watch(&self, run: Option<Arc<dyn Rests>>) {
        let mut watched = unpoisoned(self.0.0.lock());
        watched.count += 1;
        // Dropped after the lock is released (I5).
        let before = std::mem::replace(&mut watched.run, run);
        drop(watched);
        drop(before);
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        unpoisoned(self.0.0.lock()).is_over = true;
        self.watch(None);
    }
}

impl Shared {
    fn look_soon(self: Arc<Self>) {
        // Without a timer, a run that never rests is not ended.
        timer::wake_in(OFTEN, Waker::from(self));
    }

    /// Whether there may be something to see later.
    fn look(&self) -> bool {
        let mut watched = unpoisoned(self.0.lock());
        if watched.is_over {
            return false;
        }
        let Some(run) = watched.run.clone() else {
            return true;
        };
        let now = (watched.count, run.signs_of_life());
        if now != watched.seen {
            watched.seen = now;
            watched.since = Instant::now();
            watched.stage = Stage::Nothing;
            return true;
        }
        let (time, stage) = (watched.since.elapsed(), watched.stage);
        let is_late = match stage {
            Stage::Nothing => time >= watch::deadline(),
            Stage::Ended => time >= LATE,
            Stage::Said => false,
        };
        if is_late {
            watched.since = Instant::now();
            watched.stage = match stage {
                Stage::Nothing => Stage::Ended,
                Stage::Ended | Stage::Said => Stage::Said,
            };
        }
        drop(watched);
        match stage {
            Stage::Nothing if is_late => run.does_not_rest(time),
            Stage::Nothing => run.need_not_rest(time),
            Stage::Ended if is_late => {
                if let Some(failure) = run.failure() {
                    // The thread that would tell it is the one that hangs.
                    watch::write_apart(format!(
                        "neon_failpoint: a run cannot even be ended, because it blocks its thread: \
                         {failure}\n"
                    ));
                }
            }
            Stage::Ended | Stage::Said => {}
        }
        true
    }
}

impl Wake for Shared {
    fn wake(self: Arc<Self>) {
        if self.look() {
            self.look_soon();
        }
    }
}
