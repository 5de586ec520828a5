//! The table of configured failpoints: one immutable snapshot, and how it is replaced.
//!
//! Hits and writers share a few words: the snapshot, `generation`, `empty_at`, and what a site
//! remembers. Invariants (numbered as in the crate's design):
//!
//! - **I1** A hit looks into one snapshot and takes one point from it; that point alone decides
//!   what the hit does. No hit takes a lock before it waits.
//! - **I2** Writers are serialised by one mutex. A writer builds the next snapshot, publishes it,
//!   bumps the generation, and only then retires the points that it replaced or removed.
//! - **I3** Retirement is level-triggered (see [`wait`](crate::wait)). It comes after publishing,
//!   so a waiter that it wakes finds the new snapshot at its next hit.
//! - **I4** A site remembers the generation at which its name was absent. It reads the generation
//!   *before* it looks the name up, and a writer publishes *before* it bumps, so a site that read
//!   generation `g` looks into the snapshot of `g` or a later one. The same holds for the
//!   generation at which a name was present, and for that of a thread's view. `empty_at` serves all
//!   names at once: it is the generation at which the whole table was empty.
//! - **I5** The writer's mutex guards only our own code. Waiters are woken, and callbacks dropped
//!   (their destructor is a user's code), after it is released.
//!
//! How a hit looks into the snapshot is described in [`view`].

mod layers;
#[cfg(all(test, neon_failpoint_loom))]
mod models;
mod view;

use std::sync::Arc;

use crate::draws::Draws;
use crate::point::Point;
use crate::report;
use crate::sync::{
    AtomicBool, AtomicUsize, Mutex, MutexGuard, Ordering, Snapshot, const_unless_loom, lock,
};
use crate::trie::{Named, Trie};
use crate::wait::Released;
pub(crate) use layers::Layers;
pub(crate) use view::{Lent, View};

/// One snapshot: every configured name with its point.
pub(crate) type Table = Trie<Point>;

/// The whole state. The program has one, [`Registry::global`].
#[derive(Debug)]
pub(crate) struct Registry {
    /// `None` is an empty table.
    snapshot: Snapshot<Table>,
    /// Counts publications from 1: a site's `clear_at` begins at 0, which is no generation. (To
    /// mislead a site, it would have to wrap around between two of its hits: 2^32 publications on a
    /// 32-bit machine.)
    generation: AtomicUsize,
    empty_at: AtomicUsize,
    /// Whether FAILPOINTS was read: until then a native hit may not rely on the table.
    env_read: AtomicBool,
    writer: Mutex<Layers>,
    pub(crate) draws: Draws,
}

#[cfg(not(all(test, neon_failpoint_loom)))]
static GLOBAL: Registry = Registry::new();

#[cfg(all(test, neon_failpoint_loom))]
loom::lazy_static! {
    static ref GLOBAL: Registry = Registry::new();
}

impl Registry {
    #[inline]
    pub(crate) fn global() -> &'static Self {
        &GLOBAL
    }
}

impl Registry {
    const_unless_loom! {
        pub(crate) fn new() -> Self {
            Self {
                snapshot: Snapshot::empty(),
                generation: AtomicUsize::new(1),
                empty_at: AtomicUsize::new(1),
                env_read: AtomicBool::new(false),
                writer: Mutex::new(Layers::new()),
                draws: Draws::new(),
            }
        }
    }

    /// Returns the number of the newest snapshot.
    #[inline]
    pub(crate) fn generation(&self) -> usize {
        // Acquire: pairs with the Release in `bump`. A reader of a generation finds the snapshot
        // that was published before it, or a later one (I4).
        self.generation.load(Ordering::Acquire)
    }

    /// Whether a native hit by name knows without a lookup that nothing is configured.
    #[inline]
    pub(crate) fn is_idle(&self) -> bool {
        // In this order: the environment's points are published before it counts as read, so a hit
        // that finds it read first cannot find a table from before.
        self.is_env_read() && self.is_empty()
    }

    /// Whether no name at all is configured.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        // Relaxed: as with a site's `clear_at`, only equality with the generation matters, and that
        // load acquires.
        self.empty_at.load(Ordering::Relaxed) == self.generation()
    }

    /// Returns the configured points, sorted by name.
    pub(crate) fn points(&self) -> Vec<Arc<Point>> {
        let mut points = Vec::new();
        if let Some(table) = self.snapshot.load().as_ref() {
            table.for_each(|point| points.push(point.clone()));
        }
        points.sort_unstable_by(|a, b| a.name().cmp(b.name()));
        points
    }

    /// Puts points into the table, and returns those that are under new names.
    pub(crate) fn put<'p>(&self, points: &'p [Arc<Point>]) -> Vec<&'p Arc<Point>> {
        let mut new = Vec::new();
        let mut layers = self.write();
        let replaced = self.replace(|table| {
            let replaced = points.iter().filter_map(|point| {
                let replaced = table.insert(point.clone());
                if replaced.is_none() {
                    new.push(point);
                }
                replaced
            });
            replaced.collect()
        });
        self.count_on(&replaced.gone);
        layers.note_gone(&replaced.gone);
        drop(layers);
        replaced.finish(points);
        new
    }

    /// Carries the counts of `gone` over to the points that replaced them. Called after those were
    /// published, when no new hit finds `gone`.
    fn count_on(&self, gone: &[Arc<Point>]) {
        for before in gone {
            if let Some(point) = self.find(before.hash(), before.name()) {
                point.follow(before);
            }
        }
    }

    /// Removes the point of that name, if there is one.
    pub(crate) fn remove(&self, hash: u64, name: &str) {
        // Publishing for an absent name would only make idle sites look again.
        if self.find(hash, name).is_some() {
            let mut layers = self.write();
            let replaced = self.replace(|table| table.remove(hash, name).into_iter().collect());
            layers.note_gone(&replaced.gone);
            drop(layers);
            replaced.finish(&[]);
        }
    }

    /// Returns the point of that name in the newest snapshot.
    pub(crate) fn find(&self, hash: u64, name: &str) -> Option<Arc<Point>> {
        self.snapshot.load().as_ref()?.get(hash, name).cloned()
    }

    /// Replaces all points with `points`, and marks FAILPOINTS as read, for
    /// [`compat`](crate::compat)'s scenarios.
    pub(crate) fn reset(&self, points: Vec<Arc<Point>>) {
        let mut layers = self.write();
        let mut ended = Released::default();
        layers.reset(|| self.points(), &mut ended);
        let replaced = self.replace(|table| {
            let mut gone = Vec::new();
            std::mem::replace(table, Table::new()).for_each(|p| gone.push(p.clone()));
            // Of several points with one name the last one stays.
            gone.extend(points.iter().filter_map(|p| table.insert(p.clone())));
            gone
        });
        // Release: pairs with the Acquire in `is_env_read`.
        self.env_read.store(true, Ordering::Release);
        drop(layers);
        replaced.and(ended).finish(&points);
    }

    /// Unless FAILPOINTS was read already, calls `read`, adds the points it returns to the table,
    /// except for names that are already there, and returns its result. A failed reading counts as
    /// one if `failure_counts`.
    ///
    /// `read` runs under the writer's mutex, which makes all others wait for the first reading to
    /// end. So it must be our own code and may not log; no `Once` is involved (I5).
    pub(crate) fn read_env<E>(
        &self,
        failure_counts: bool,
        read: impl FnOnce() -> Result<Vec<Arc<Point>>, E>,
    ) -> Result<Vec<Arc<Point>>, E> {
        let writer = self.write();
        if self.is_env_read() {
            return Ok(Vec::new());
        }
        let points = read();
        let mut added = Vec::new();
        let replaced = points.as_ref().ok().map(|points| {
            self.replace(|table| {
                for point in points {
                    if table.get(point.hash(), point.name()).is_none() {
                        table.insert(point.clone());
                        added.push(point.clone());
                    }
                }
                Vec::new()
            })
        });
        if points.is_ok() || failure_counts {
            // Release: pairs with the Acquire in `is_env_read`. After publishing, so that a hit
            // that finds it read finds its points.
            self.env_read.store(true, Ordering::Release);
        }
        drop(writer);
        if let Some(replaced) = replaced {
            replaced.finish(&added);
        }
        points
    }

    /// Whether the environment's points are in the table.
    #[inline]
    pub(crate) fn is_env_read(&self) -> bool {
        // Acquire: pairs with the Release in `read_env`.
        self.env_read.load(Ordering::Acquire)
    }

    /// Replaces the table with what `change` makes of it, under the writer's mutex. `change`
    /// returns the points that are no longer in it.
    fn replace(&self, change: impl FnOnce(&mut Table) -> Vec<Arc<Point>>) -> Replaced {
        let mut next = self.copy();
        let gone = change(&mut next);
        self.put_in_place(next, gone)
    }

    fn copy(&self) -> Table {
        match self.snapshot.load().as_ref() {
            Some(table) => Table::clone(table),
            None => Table::new(),
        }
    }

    /// The writer's steps of I2.
    fn put_in_place(&self, next: Table, gone: Vec<Arc<Point>>) -> Replaced {
        let is_empty = next.len() == 0;
        let previous = self.publish((!is_empty).then(|| Arc::new(next)));
        self.bump(is_empty);
        let released = Self::retire(&gone);
        Replaced {
            released,
            gone,
            _previous: previous,
        }
    }

    // The steps of I2, one by one: the models also call them in wrong orders, to check that those
    // are caught.

    pub(crate) fn write(&self) -> MutexGuard<'_, Layers> {
        lock(&self.writer)
    }

    pub(crate) fn publish(&self, next: Option<Arc<Table>>) -> Option<Arc<Table>> {
        self.snapshot.replace(next)
    }

    pub(crate) fn bump(&self, is_empty: bool) {
        // Release: pairs with the Acquire in `generation`. One step rather than a load and a store,
        // though the mutex allows those: loom remembers one access per atomic, and a load here
        // would hide the hits' loads from it.
        let add = || {
            let before = self.generation.fetch_add(1, Ordering::Release);
            before.wrapping_add(1)
        };
        let next = match add() {
            // 0 means no generation: sites and views start with it.
            0 => add(),
            next => next,
        };
        if is_empty {
            self.empty_at.store(next, Ordering::Relaxed);
        }
    }

    fn retire(gone: &[Arc<Point>]) -> Released {
        let mut released = Released::default();
        for point in gone {
            released.retire(point);
        }
        released
    }
}

/// What a writer leaves to be finished: it runs others' code, wakers and destructors, and so
/// outlives the writer's mutex (I5).
#[must_use]
pub(crate) struct Replaced {
    released: Released,
    gone: Vec<Arc<Point>>,
    _previous: Option<Arc<Table>>,
}

impl Replaced {
    /// For a change that does not affect the table.
    fn only(released: Released) -> Self {
        Self {
            released,
            gone: Vec::new(),
            _previous: None,
        }
    }

    /// Adds what else is to be woken.
    fn and(mut self, released: Released) -> Self {
        self.released.extend(released);
        self
    }

    /// Wakes the waiters, and only then reports the change: a subscriber that panics keeps no
    /// waiter from being woken. `added` are the points that replaced those that are gone.
    pub(crate) fn finish(self, added: &[Arc<Point>]) {
        self.released.wake();
        if report::may_hear_events() {
            report::configured(&self.gone, added);
        }
    }
}
