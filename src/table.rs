//! The table of configured failpoints: one immutable snapshot, and how it is replaced.
//!
//! A hit and a writer meet in a few words: the snapshot, `generation`, `empty_at`, and
//! what a site remembers. What holds here (the numbers are those of the design):
//!
//! - **I1** A hit looks into one snapshot and takes one point from it; that point alone
//!   decides what the hit does. No hit takes a lock before it waits.
//! - **I2** Writers are serialised by one mutex. A writer builds the next snapshot,
//!   publishes it, bumps the generation, and only then retires the points that it
//!   replaced or removed.
//! - **I3** Retirement is level-triggered (see [`wait`](crate::wait)). It comes after
//!   publishing, so who is woken by it finds the new snapshot at its next hit.
//! - **I4** A site remembers the generation at which its name was absent. It reads
//!   the generation *before* it looks the name up: a writer publishes *before* it
//!   bumps, so a site that read generation `g` looks into the snapshot of `g` or a
//!   later one. So it is with the generation at which a name was there, and with that
//!   of a thread's view. `empty_at` is the same for every name at once: the generation at
//!   which the whole table was empty.
//! - **I5** The writer's mutex guards only our own code. Waiters are woken, and
//!   callbacks dropped (their destructor is a user's code), after it is released.
//!
//! How a hit looks into the snapshot is in [`view`].

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

/// All the state there is. The program has one, [`Registry::global`].
#[derive(Debug)]
pub(crate) struct Registry {
    /// `None` is an empty table.
    snapshot: Snapshot<Table>,
    /// Counts publications from 1: a site's `clear_at` begins at 0, which is no
    /// generation. (It would have to wrap around between two hits of one site to
    /// mislead it: 2^32 publications on a 32-bit machine.)
    generation: AtomicUsize,
    empty_at: AtomicUsize,
    /// Whether FAILPOINTS was read: until then a native hit may not go by the table.
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

    /// The number of the newest snapshot.
    #[inline]
    pub(crate) fn generation(&self) -> usize {
        // Acquire: pairs with the Release in `bump`. Who reads a generation finds
        // the snapshot that was published before it, or a later one (I4).
        self.generation.load(Ordering::Acquire)
    }

    /// Whether a native hit by name can know without looking that nothing is configured.
    #[inline]
    pub(crate) fn is_idle(&self) -> bool {
        // In this order: the environment's points are published before it counts as
        // read, so who finds it read first does not find a table from before.
        self.is_env_read() && self.is_empty()
    }

    /// Whether no name at all is configured.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        // Relaxed: as with a site's `clear_at`, only equality with the generation
        // says anything, and that load acquires.
        self.empty_at.load(Ordering::Relaxed) == self.generation()
    }

    /// The configured points, sorted by name.
    pub(crate) fn points(&self) -> Vec<Arc<Point>> {
        let mut points = Vec::new();
        if let Some(table) = self.snapshot.load().as_ref() {
            table.for_each(|point| points.push(point.clone()));
        }
        points.sort_unstable_by(|a, b| a.name().cmp(b.name()));
        points
    }

    /// Puts points into the table, and returns which of them are under new names.
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

    /// Has those that took the place of `gone` count on from them. Comes after they are
    /// published, when nobody finds what is gone any more.
    fn count_on(&self, gone: &[Arc<Point>]) {
        for before in gone {
            if let Some(point) = self.find(before.hash(), before.name()) {
                point.follow(before);
            }
        }
    }

    /// Removes the point of that name, if there is one.
    pub(crate) fn remove(&self, hash: u64, name: &str) {
        // Nothing to publish, and no site to wake from its idleness, for an absent name.
        if self.find(hash, name).is_some() {
            let mut layers = self.write();
            let replaced = self.replace(|table| table.remove(hash, name).into_iter().collect());
            layers.note_gone(&replaced.gone);
            drop(layers);
            replaced.finish(&[]);
        }
    }

    /// The point of that name in the newest snapshot.
    pub(crate) fn find(&self, hash: u64, name: &str) -> Option<Arc<Point>> {
        self.snapshot.load().as_ref()?.get(hash, name).cloned()
    }

    /// Replaces every point by `points`, and takes FAILPOINTS as read: what
    /// [`compat`](crate::compat)'s scenarios do.
    pub(crate) fn reset(&self, points: Vec<Arc<Point>>) {
        let mut layers = self.write();
        let mut ended = Released::default();
        layers.reset(|| self.points(), &mut ended);
        let replaced = self.replace(|table| {
            let mut gone = Vec::new();
            std::mem::replace(table, Table::new()).for_each(|p| gone.push(p.clone()));
            // Of several with one name the last one stays.
            gone.extend(points.iter().filter_map(|p| table.insert(p.clone())));
            gone
        });
        // Release: pairs with the Acquire in `is_env_read`.
        self.env_read.store(true, Ordering::Release);
        drop(layers);
        replaced.and(ended).finish(&points);
    }

    /// Where FAILPOINTS was not read yet: calls `read` and adds what it returns to
    /// the table, names that are there already excepted. Returns what `read` did. A
    /// failed reading counts as one if `failure_counts`.
    ///
    /// `read` runs under the writer's mutex, which is what makes everybody else
    /// wait for the first reading to end. So it must be our own code and may not
    /// log; no `Once` is involved (I5).
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
            // Release: pairs with the Acquire in `is_env_read`. After publishing, so
            // that who finds it read finds its points.
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

    /// Replaces the table, under the writer's mutex, by what `change` makes of it; `change`
    /// returns the points that are in it no more.
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

    // The steps of I2, one by one: the models call them in wrong orders as well, to
    // see that those are caught.

    pub(crate) fn write(&self) -> MutexGuard<'_, Layers> {
        lock(&self.writer)
    }

    pub(crate) fn publish(&self, next: Option<Arc<Table>>) -> Option<Arc<Table>> {
        self.snapshot.replace(next)
    }

    pub(crate) fn bump(&self, is_empty: bool) {
        // Release: pairs with the Acquire in `generation`. One step rather than a load
        // and a store, though the mutex allows those: loom keeps one access to an atomic
        // in mind, and a load here would hide the hits' from it.
        let add = || {
            let before = self.generation.fetch_add(1, Ordering::Release);
            before.wrapping_add(1)
        };
        let next = match add() {
            // What sites and views have that saw no generation yet.
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

/// What a writer leaves behind: it runs others' code, wakers and destructors, and
/// so outlives the writer's mutex (I5).
#[must_use]
pub(crate) struct Replaced {
    released: Released,
    gone: Vec<Arc<Point>>,
    _previous: Option<Arc<Table>>,
}

impl Replaced {
    /// Of a change that the table has no part in.
    fn only(released: Released) -> Self {
        Self {
            released,
            gone: Vec::new(),
            _previous: None,
        }
    }

    /// With what else is to be woken.
    fn and(mut self, released: Released) -> Self {
        self.released.extend(released);
        self
    }

    /// Wakes who was let go, and only then reports the change: a subscriber that panics
    /// keeps nobody from waking up. `added` are the points that took the place of what is gone.
    pub(crate) fn finish(self, added: &[Arc<Point>]) {
        self.released.wake();
        if report::may_hear_events() {
            report::configured(&self.gone, added);
        }
    }
}
