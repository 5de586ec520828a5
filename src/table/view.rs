//! A thread's view of the table: the snapshot that it looked into last.
//!
//! To load the shared snapshot takes two locked instructions, one to say that it is in
//! use and one to say that it is not. A thread that kept it instead needs to know only
//! that nothing was published since, and that is one load.
//!
//! - **I4** holds as for a site: a view reads the generation *before* it loads the
//!   snapshot. So one that has the present generation has what was published with it,
//!   or something newer.
//! - **I5** What a view keeps alive after it was replaced is memory alone: names, rules
//!   and compiled expressions, until the thread looks again or ends. A hit that is known to be idle does not
//!   look; and the last one to look frees what was there, which takes a while after
//!   thousands of points were replaced. Retirement
//!   takes waiters and callbacks out of a point, so no destructor of a user waits for a
//!   view.

use std::cell::Cell;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use super::{Registry, Table};
use crate::point::Point;

/// What one thread saw of one registry.
#[derive(Debug, Default)]
pub(crate) struct View {
    /// The generation that was read before `table` was loaded; 0 is none.
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

    /// Looks again if something was published, and returns the generation that is seen.
    #[inline]
    pub(crate) fn refresh(&mut self, registry: &Registry) -> usize {
        let generation = registry.generation();
        if self.generation != generation {
            self.load(registry, generation);
        }
        generation
    }

    /// `generation` was read before.
    #[cold]
    pub(super) fn load(&mut self, registry: &Registry, generation: usize) {
        self.table = registry.snapshot.load().as_ref().map(Arc::clone);
        self.generation = generation;
    }

    /// The point of that name, as it was at the last look.
    #[inline]
    pub(crate) fn get(&self, hash: u64, name: &str) -> Option<&Arc<Point>> {
        self.table.as_ref()?.get(hash, name)
    }
}

thread_local! {
    static VIEW: Cell<View> = const { Cell::new(View::new()) };
}

/// This thread's view of [`Registry::global`], which it has back once this is dropped.
///
/// A second one at the same time, and one of a thread that is ending, has seen nothing
/// yet: it looks for itself, and all is as with the first.
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
        // An error says that the thread is ending: then the view goes as well.
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
