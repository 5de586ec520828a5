//! The table of configured failpoints: one immutable snapshot, how a hit looks into it, and how it
//! is replaced.
//!
//! Hits and writers share a few words: the snapshot, `generation`, `empty_at`, and what a site
//! remembers. I1, I2 and I4 are what this file keeps.
//!
//! Loading the shared snapshot takes two locked instructions, one to mark it as in use and one to
//! unmark it. A thread that keeps the snapshot, in its [`View`], only has to check that nothing was
//! published since, and that is one load. What a view keeps alive after a replacement is memory
//! alone: names, rules and compiled expressions, until the thread looks again or ends. A hit that is
//! known to be idle does not look. The last thread to look frees the old snapshot, which takes a
//! while after thousands of points were replaced. Retirement takes waiters and callbacks out of a
//! point, so no user's destructor waits for a view (I5).

use std::cell::RefCell;
use std::mem::ManuallyDrop;
use std::sync::Arc;

use crate::engine::actions::chain::Alternative;
use crate::engine::draws::{Draws, random};
use crate::engine::inside::Inside;
use crate::engine::layers::{Cause, Layers};
use crate::engine::point::{Made, Point};
use crate::engine::report;
#[cfg(feature = "runtime")]
use crate::engine::scope::RuntimeId;
use crate::engine::scope::{self, Home, Node};
use crate::engine::snapshot::Table;
use crate::engine::sync::{
    AtomicBool, AtomicU32, Locked, Mutex, MutexGuard, Ordering, Snapshot, const_unless_loom, lock,
};
use crate::engine::trie::Named;
use crate::engine::wakeups::Wakeups;

/// The error of a call in a scope that has ended.
#[derive(Debug)]
pub(crate) struct Ended;

/// From one generation to the next: a site keeps a bit of its own beside the generation that it knows.
pub(super) const STEP: u32 = 2;

/// What the generation stays at. Nothing that was seen at this one is remembered, so from then on each hit
/// looks its name up.
const LAST: u32 = u32::MAX - 1;

/// The whole state. The program has one, [`Registry::global`].
#[repr(C)]
pub(crate) struct Registry {
    /// Counts publications in [steps](STEP), from the first on, to the [`LAST`]: what a site knows begins
    /// at 0, which is no generation. Comes first, so that the code at a call site needs no offset.
    generation: AtomicU32,
    empty_at: AtomicU32,
    /// Whether the generation is the last one. Only writers look.
    is_last: AtomicBool,
    /// Whether FAILPOINTS was read: until then a native hit may not rely on the table.
    pub(super) env_read: AtomicBool,
    /// `None` is an empty table.
    snapshot: Snapshot<Table>,
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
                generation: AtomicU32::new(STEP),
                empty_at: AtomicU32::new(STEP),
                is_last: AtomicBool::new(false),
                env_read: AtomicBool::new(false),
                snapshot: Snapshot::empty(),
                writer: Mutex::new(Layers::new()),
                draws: Draws::new(),
            }
        }
    }

    /// One whose generation is the last but so many.
    #[cfg(all(test, not(neon_failpoint_loom)))]
    pub(super) fn before_the_last(generations: u32) -> Self {
        Self {
            generation: AtomicU32::new(LAST - generations * STEP),
            ..Self::new()
        }
    }

    /// Whether the generation is the last one.
    #[cfg(all(test, not(neon_failpoint_loom)))]
    pub(super) fn is_at_its_last(&self) -> bool {
        self.generation() == LAST
    }

    /// Returns the number of the newest snapshot.
    #[inline]
    pub(crate) fn generation(&self) -> u32 {
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
        self.was_empty_at(self.generation())
    }

    /// Whether no name at all was configured at this generation, the newest of late.
    #[inline]
    pub(crate) fn was_empty_at(&self, generation: u32) -> bool {
        // Relaxed: as with what a site knows, only equality with the generation matters, and that
        // load acquires.
        self.empty_at.load(Ordering::Relaxed) == generation
    }

    /// Marks FAILPOINTS as read without any points. It takes no lock, so it may race with `read_env`,
    /// but only if somebody changes the environment at the same time.
    pub(crate) fn no_env(&self) {
        // Release: as in `read_env`.
        self.env_read.store(true, Ordering::Release);
    }

    /// Returns the scope that this thread is in.
    pub(crate) fn home(&self) -> Home {
        // What a thread has entered comes before its runtime, for which the table has to be asked.
        let entered = scope::current(&[]);
        if entered.is_some() {
            return Home(entered);
        }
        let table = self.snapshot.load();
        let of_runtime = |table: &Arc<Table>| scope::current(table.runtimes());
        Home(table.as_ref().and_then(of_runtime))
    }

    /// Returns the draws of what is configured in a scope.
    pub(crate) fn draws_of<'a>(&'a self, home: &'a Home) -> &'a Draws {
        home.0.as_ref().map_or(&self.draws, |node| &node.draws)
    }

    /// Returns the seed of what is configured in a scope: one without a seed of its own has that of
    /// the process.
    pub(crate) fn seed(&self, home: &Home) -> u64 {
        match &home.0 {
            None => self.draws.seed(random),
            Some(node) => node.draws.seed(|| self.draws.seed(random)),
        }
    }

    /// Creates a point for the scope `home`.
    pub(crate) fn point(
        &self,
        home: &Home,
        made: Made,
        name: impl Into<Box<str>>,
        mut alternatives: Vec<Alternative>,
        text: Option<Box<str>>,
    ) -> Arc<Point> {
        let name = name.into();
        let percents: Vec<Option<f64>> = alternatives.iter().map(|a| a.percent).collect();
        let drawn: Vec<bool> = alternatives.iter().map(|a| a.action.draws_time()).collect();
        let otherwise = || match home.0 {
            None => random(),
            Some(_) => self.draws.seed(random),
        };
        let all = self.draws_of(home);
        let draws = all.of(&name, &percents, otherwise);
        let times = all.times(&name, &drawn, otherwise);
        for (alternative, bits) in alternatives.iter_mut().zip(times) {
            if let Some(bits) = bits {
                alternative.action.draw_time_from(bits);
            }
        }
        Point::new(home.clone(), made, name, alternatives, text, draws)
    }

    /// Returns the points that are seen from the scope `home`, sorted by name.
    pub(crate) fn seen_from(&self, home: &Home) -> Vec<Arc<Point>> {
        let mut points = match self.snapshot.load().as_ref() {
            Some(table) => table.seen_from(home.0.as_deref()),
            None => Vec::new(),
        };
        points.sort_unstable_by(|a, b| a.name().cmp(b.name()));
        points
    }

    /// Puts points of one scope into the table, and returns those that are under new names.
    pub(crate) fn put<'p>(
        &self,
        points: &'p [Arc<Point>],
        cause: Option<Cause>,
    ) -> Result<Vec<&'p Arc<Point>>, Ended> {
        let mut new = Vec::new();
        let mut layers = self.write();
        Self::check(points)?;
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
        layers.note_gone(&replaced.gone, cause);
        drop(layers);
        replaced.finish(points);
        Ok(new)
    }

    /// Checks that the scope of new points has not ended.
    pub(super) fn check(points: &[Arc<Point>]) -> Result<(), Ended> {
        match points.iter().any(|point| point.home().is_ended()) {
            false => Ok(()),
            true => Err(Ended),
        }
    }

    /// Carries the counts of `gone` over to the points that replaced them. Called after those were
    /// published, when no new hit finds `gone`.
    pub(super) fn count_on(&self, gone: &[Arc<Point>]) {
        for before in gone {
            if let Some(point) = self.find(before.home(), before.hash(), before.name()) {
                point.follow(before);
            }
        }
    }

    /// Removes the point of that name from a scope, and returns whether there was one.
    pub(crate) fn remove(&self, home: &Home, hash: u64, name: &str, cause: Option<Cause>) -> bool {
        // Publishing for an absent name would only make idle sites look again.
        if self.find(home, hash, name).is_none() {
            return false;
        }
        let mut layers = self.write();
        let remove = |table: &mut Table| table.remove(home.id(), hash, name);
        let replaced = self.replace(|table| remove(table).into_iter().collect());
        layers.note_gone(&replaced.gone, cause);
        drop(layers);
        let was_there = !replaced.gone.is_empty();
        replaced.finish(&[]);
        was_there
    }

    /// Returns the point of that name in a scope, and in no other, as of the newest snapshot.
    pub(crate) fn find(&self, home: &Home, hash: u64, name: &str) -> Option<Arc<Point>> {
        self.snapshot
            .load()
            .as_ref()?
            .get(home.id(), hash, name)
            .cloned()
    }

    /// Whether the name is configured in any scope, or outside of all.
    pub(crate) fn is_configured(&self, hash: u64, name: &str) -> bool {
        let table = self.snapshot.load();
        let is_in =
            |t: &Arc<Table>| t.global(hash, name).is_some() || t.scoped(hash, name).is_some();
        table.as_ref().is_some_and(is_in)
    }

    /// Returns the points of a scope, as of the newest snapshot, sorted by name.
    pub(crate) fn points(&self, home: &Home) -> Vec<Arc<Point>> {
        let table = self.snapshot.load();
        let mut points = table
            .as_ref()
            .map_or(Vec::new(), |table| table.of(home.id()));
        points.sort_unstable_by(|a, b| a.name().cmp(b.name()));
        points
    }

    /// Replaces all points of a scope with `points`, and returns how many there were. Outside of scopes
    /// this marks FAILPOINTS as read, for [`compat`](crate::compat)'s scenarios.
    pub(crate) fn reset(&self, home: &Home, points: &[Arc<Point>], cause: Option<Cause>) -> usize {
        let mut layers = self.write();
        // In a scope that has ended there is nothing to replace.
        let points = Self::check(points).map_or(&[][..], |()| points);
        let replaced = self.clear(&mut layers, home, points, cause);
        if home.0.is_none() {
            // Release: pairs with the Acquire in `is_env_read`.
            self.env_read.store(true, Ordering::Release);
        }
        drop(layers);
        let count = replaced.gone.len();
        replaced.finish(points);
        count
    }

    /// Ends a scope: its points are removed, its waiters wake, and nothing can be configured in it
    /// any more.
    pub(crate) fn end(&self, node: &Arc<Node>, cause: Cause) {
        let home = Home(Some(node.clone()));
        let mut layers = self.write();
        node.end();
        layers.forget_dropped(node.id());
        // Publishing would make idle sites look again.
        if self.points(&home).is_empty() && !layers.has(node.id()) {
            return;
        }
        let replaced = self.clear(&mut layers, &home, &[], Some(cause));
        drop(layers);
        replaced.finish(&[]);
    }

    /// Puts `points` in the place of all that a scope has, and ends its guards.
    fn clear(
        &self,
        layers: &mut Layers,
        home: &Home,
        points: &[Arc<Point>],
        cause: Option<Cause>,
    ) -> Replaced {
        let mut replaced = self.replace(|table| {
            let mut gone = table.clear(home.id());
            // Of several points with one name the last one stays.
            gone.extend(points.iter().filter_map(|p| table.insert(p.clone())));
            gone
        });
        layers.reset(home.id(), &replaced.gone, &mut replaced.wakeups, cause);
        replaced
    }

    /// Makes what runs on a runtime see a scope.
    #[cfg(feature = "runtime")]
    pub(crate) fn attach(&self, runtime: RuntimeId, node: &Arc<Node>) {
        self.change_runtimes(|table| table.attach(runtime, node.clone()));
    }

    /// Undoes an [`attach`](Self::attach).
    #[cfg(feature = "runtime")]
    pub(crate) fn detach(&self, runtime: RuntimeId, node: &Node) {
        self.change_runtimes(|table| table.detach(runtime, node));
    }

    #[cfg(feature = "runtime")]
    fn change_runtimes(&self, change: impl FnOnce(&mut Table)) {
        let writer = self.write();
        let replaced = self.replace(|table| {
            change(table);
            Vec::new()
        });
        drop(writer);
        replaced.finish(&[]);
    }

    /// Changes the number of explorations, which call sites are not idle for.
    #[cfg(feature = "explore")]
    pub(crate) fn count_explorations(&self, count: impl FnOnce(usize) -> usize) {
        let writer = self.write();
        let replaced = self.replace(|table| {
            table.explorations = count(table.explorations);
            Vec::new()
        });
        drop(writer);
        replaced.finish(&[]);
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
                    if table
                        .get(scope::GLOBAL, point.hash(), point.name())
                        .is_none()
                    {
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
    pub(super) fn replace(&self, change: impl FnOnce(&mut Table) -> Vec<Arc<Point>>) -> Replaced {
        let mut next = self.copy();
        let gone = change(&mut next);
        self.put_in_place(next, gone)
    }

    fn copy(&self) -> Table {
        match self.snapshot.load().as_ref() {
            Some(table) => Table::clone(table),
            None => Table::default(),
        }
    }

    /// The writer's steps of I2.
    fn put_in_place(&self, next: Table, gone: Vec<Arc<Point>>) -> Replaced {
        let is_empty = next.is_empty();
        let is_needed = !is_empty || !next.runtimes().is_empty();
        let previous = self.publish(is_needed.then(|| Arc::new(next)));
        self.bump(is_empty);
        let wakeups = Self::retire(&gone);
        Replaced {
            wakeups,
            gone,
            _previous: previous,
        }
    }

    // The steps of I2, one by one: the models also call them in wrong orders, to check that those
    // are caught.

    pub(crate) fn write(&self) -> Locked<MutexGuard<'_, Layers>> {
        lock(&self.writer)
    }

    pub(crate) fn publish(&self, next: Option<Arc<Table>>) -> Option<Arc<Table>> {
        self.snapshot.replace(next)
    }

    pub(crate) fn bump(&self, is_empty: bool) {
        // Relaxed: the writer's mutex orders it.
        if self.is_last.load(Ordering::Relaxed) {
            return;
        }
        // Release: pairs with the Acquire in `generation`. One step rather than a load and a store,
        // though the mutex allows those: loom remembers one access per atomic, and a load here
        // would hide the hits' loads from it.
        match self.generation.fetch_add(STEP, Ordering::Release) + STEP {
            LAST => self.is_last.store(true, Ordering::Relaxed),
            next if is_empty => self.empty_at.store(next, Ordering::Relaxed),
            _ => {}
        }
    }

    pub(super) fn retire(gone: &[Arc<Point>]) -> Wakeups {
        let mut wakeups = Wakeups::default();
        for point in gone {
            wakeups.retire(point);
        }
        wakeups
    }
}

/// One thread's view of one registry.
#[derive(Default)]
pub(crate) struct View {
    /// The generation that was read before `table` was loaded; 0 means none.
    pub(super) generation: u32,
    table: Option<Arc<Table>>,
}

impl View {
    pub(crate) const fn new() -> Self {
        Self {
            generation: 0,
            table: None,
        }
    }

    /// Looks again if something was published, and returns the generation that is now seen; 0, which is
    /// none, if that is not to be remembered.
    #[inline]
    pub(crate) fn refresh(&mut self, registry: &Registry) -> u32 {
        let generation = registry.generation();
        if self.generation != generation {
            self.load(registry, generation);
        }
        self.generation
    }

    /// Loads the snapshot. The caller has read `generation` before.
    #[cold]
    pub(super) fn load(&mut self, registry: &Registry, generation: u32) {
        let _inside = Inside::enter();
        if registry.was_empty_at(generation) {
            // Without the snapshot, whose first load in a thread allocates: an allocator may hit a point.
            *self = Self {
                generation,
                table: None,
            };
            return;
        }
        // A thread that is ending keeps nothing.
        let is_kept = generation != LAST && KEEPER.try_with(|_| ()).is_ok();
        self.table = registry.snapshot.load().as_ref().map(Arc::clone);
        self.generation = if is_kept { generation } else { 0 };
    }

    /// I9: returns the point that a hit of this thread sees, and whether every thread sees the same,
    /// as of the last look.
    #[inline(always)]
    pub(crate) fn get(&self, hash: u64, name: &str) -> (Option<&Arc<Point>>, bool) {
        let Some(table) = &self.table else {
            return (None, true);
        };
        match table.is_the_same_everywhere() {
            true => (table.global(hash, name), true),
            false => Self::get_scoped(table, hash, name),
        }
    }

    /// [`get`](Self::get) while some scope has a point, or an exploration is under way.
    #[cold]
    fn get_scoped<'v>(table: &'v Table, hash: u64, name: &str) -> (Option<&'v Arc<Point>>, bool) {
        let Some(scoped) = table.scoped(hash, name) else {
            return (table.global(hash, name), !table.is_explored());
        };
        let seen = scoped.seen(table.runtimes());
        (seen.or_else(|| table.global(hash, name)), false)
    }
}

thread_local! {
    // Without a destructor, so that it needs no memory, and no check whether it is there.
    static VIEW: ManuallyDrop<RefCell<View>> = const { ManuallyDrop::new(RefCell::new(View::new())) };
    /// What ends the thread's view.
    static KEEPER: Keeper = const { Keeper };
}

struct Keeper;

impl Drop for Keeper {
    fn drop(&mut self) {
        with_view(|view| *view = View::new());
    }
}

/// Calls `look` with this thread's view of [`Registry::global`].
///
/// Meanwhile only our own code may run (I5): a hit from there is one in an allocator that we called, and
/// finds nothing, `None`. A thread that is ending keeps no view, so each of its hits loads the snapshot.
#[inline]
pub(crate) fn with_view<R>(look: impl FnOnce(&mut View) -> R) -> Option<R> {
    // It is there until the thread has ended. (`with`, which the standard library does not mark for that,
    // is not always inlined: a hit then takes half as many instructions again.)
    let looked = VIEW.try_with(|kept| {
        let mut view = kept.try_borrow_mut().ok()?;
        let result = look(&mut view);
        if view.generation == 0 {
            view.table = None;
        }
        Some(result)
    });
    looked.ok().flatten()
}

/// What a writer leaves to be finished: it runs others' code, wakers and destructors, and so
/// outlives the writer's mutex (I5).
#[must_use]
pub(crate) struct Replaced {
    pub(super) wakeups: Wakeups,
    pub(super) gone: Vec<Arc<Point>>,
    _previous: Option<Arc<Table>>,
}

impl Replaced {
    /// For a change that does not affect the table.
    pub(super) fn only(wakeups: Wakeups) -> Self {
        Self {
            wakeups,
            gone: Vec::new(),
            _previous: None,
        }
    }

    /// Wakes the waiters, and only then reports the change: a subscriber that panics keeps no
    /// waiter from being woken. `added` are the points that replaced those that are gone.
    pub(crate) fn finish(self, added: &[Arc<Point>]) {
        self.wakeups.wake();
        if report::may_hear_events() {
            report::configured(&self.gone, added);
        }
    }
}
