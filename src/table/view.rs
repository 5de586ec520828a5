//! A thread's view of the table: the snapshot that it last looked into.
//!
//! Loading the shared snapshot takes two locked instructions, one to mark it as in use and one to
//! unmark it. A thread that keeps the snapshot only has to check that nothing was published since,
//! and that is one load.
//!
//! - **I4** holds as for a site: a view reads the generation *before* it loads the snapshot. So a
//!   view with the present generation has what was published with it, or something newer.
//! - **I5** What a view keeps alive after a replacement is memory alone: names, rules and compiled
//!   expressions, until the thread looks again or ends. A hit that is known to be idle does not
//!   look. The last thread to look frees the old snapshot, which takes a while after thousands of
//!   points were replaced. Retirement takes waiters and callbacks out of a point, so no user's
//!   destructor waits for a view.

use std::cell::Cell;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use super::{Registry, Table};
use crate::point::Point;

/// One thread's view of one registry.
#[derive(Debug, Default)]
pub(crate) struct View {
    /// The generation that was read before `table` was loaded; 0 means none.
    pub(super) generation: usize,
    table: Option<Arc<Table>>,
}

impl View {
    pub(crate) const fn new() -> Self {
        Self {
            generation: 0,
            table: None,
        }
    }

    /// Looks again if something was published, and returns the generation that is now seen.
    #[inline]
    pub(crate) fn refresh(&mut self, registry: &Registry) -> usize {
        let generation = registry.generation();
        if self.generation != generation {
            self.load(registry, generation);
        }
        generation
    }

    /// Loads the snapshot. The caller has read `generation` before.
    #[cold]
    pub(super) fn load(&mut self, registry: &Registry, generation: usize) {
        self.table = registry.snapshot.load().as_ref().map(Arc::clone);
        self.generation = generation;
    }

    /// Returns the point of that name, as of the last look.
    #[inline]
    pub(crate) fn get(&self, hash: u64, name: &str) -> Option<&Arc<Point>> {
        self.table.as_ref()?.get(hash, name)
    }
}

thread_local! {
    static VIEW: Cell<View> = const { Cell::new(View::new()) };
}

/// This thread's view of [`Registry::global`], given back to the thread on drop.
///
/// A second one at the same time, or one in a thread that is ending, starts without a snapshot: it
/// loads one itself, and otherwise works the same.
#[derive(Debug)]
pub(crate) struct Lent(View);

impl Lent {
    #[inline]
    pub(crate) fn new() -> Self {
        Self(VIEW.try_with(Cell::take).unwrap_or_default())
    }
}

impl Drop for Lent {
    #[inline]
    fn drop(&mut self) {
        let view = std::mem::take(&mut self.0);
        // An error means that the thread is ending: then the view goes as well.
        let _ = VIEW.try_with(|kept| kept.set(view));
    }
}

impl Deref for Lent {
    type Target = View;

    #[inline]
    fn deref(&self) -> &View {
        &self.0
    }
}

impl DerefMut for Lent {
    #[inline]
    fn deref_mut(&mut self) -> &mut View {
        &mut self.0
    }
}
