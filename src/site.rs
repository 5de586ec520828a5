//! A call site: its static, its idle check, and the list of those compiled in.

#[cfg(all(test, neon_failpoint_loom))]
mod models;

use std::cmp::Ordering;
use std::sync::Arc;

use crate::name::hash;
use crate::point::Point;
use crate::suggest::letters;
use crate::sync::{AtomicUsize, Ordering as Sync, const_unless_loom};
use crate::table::{Registry, View};

/// The static behind a failpoint macro with a literal name.
///
/// Hidden, because only the macros create one.
#[derive(Debug)]
pub struct Site {
    name: &'static str,
    file: &'static str,
    line: u32,
    kind: SiteKind,
    hash: u64,
    letters: u64,
    /// The last generation at which the name was found absent (I4).
    clear_at: AtomicUsize,
    /// The last generation at which it was found configured: macros check this before they evaluate
    /// a context.
    armed_at: AtomicUsize,
}

/// How a call site waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SiteKind {
    /// It awaits.
    Awaits,
    /// It blocks its thread.
    Blocks,
}

impl Site {
    const_unless_loom! {
        /// Creates a site that has not looked its name up.
        pub fn new(name: &'static str, file: &'static str, line: u32, kind: SiteKind) -> Self {
            Self {
                name,
                file,
                line,
                kind,
                hash: hash(name),
                letters: letters(name),
                // Not a generation: the first hit looks the name up.
                clear_at: AtomicUsize::new(0),
                armed_at: AtomicUsize::new(0),
            }
        }
    }

    /// Returns the name of its failpoint.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the source file.
    pub fn file(&self) -> &'static str {
        self.file
    }

    /// Returns the line in the source file.
    pub fn line(&self) -> u32 {
        self.line
    }

    /// Returns the characters of the name: see [`letters`].
    pub(crate) fn letters(&self) -> u64 {
        self.letters
    }

    /// Returns how it waits.
    pub fn kind(&self) -> SiteKind {
        self.kind
    }

    /// Whether the name is known to be absent: two loads, no shared write.
    #[inline(always)]
    pub(crate) fn is_idle(&self, registry: &Registry) -> bool {
        // Relaxed: `clear_at` matters only if it equals the generation, and a value that equals it
        // was stored by a thread that had read that generation and then found the name absent. The
        // load of the generation acquires.
        self.clear_at.load(Sync::Relaxed) == registry.generation()
    }

    /// Whether the last lookup found the name, and nothing was published since.
    #[inline]
    pub(crate) fn is_known_armed(&self, registry: &Registry) -> bool {
        // Relaxed: as with `clear_at`, only equality with the generation matters.
        self.armed_at.load(Sync::Relaxed) == registry.generation()
    }

    /// Looks the name up, and remembers the outcome.
    #[inline]
    pub(crate) fn look_up<'v>(
        &self,
        registry: &Registry,
        view: &'v mut View,
    ) -> Option<&'v Arc<Point>> {
        // I4: the generation that the view read before it loaded the snapshot. One read after the
        // lookup could be that of a snapshot in which the name is configured.
        let generation = view.refresh(registry);
        let point = view.get(self.hash, self.name);
        let remembered = match point {
            Some(_) => &self.armed_at,
            None => &self.clear_at,
        };
        // Threads that hit an armed site share its cache line: it is written only to change it.
        if remembered.load(Sync::Relaxed) != generation {
            remembered.store(generation, Sync::Relaxed);
        }
        point
    }
}

/// The static of a call site, as a [`Target`](crate::hit::Target).
#[cfg(feature = "testing")]
#[doc(hidden)]
#[macro_export]
macro_rules! __site {
    ($name:literal, $kind:ident) => {{
        static SITE: $crate::__private::Site = $crate::__private::Site::new(
            $name,
            ::core::file!(),
            ::core::line!(),
            $crate::__private::SiteKind::$kind,
        );
        $crate::__private::inventory::submit! { $crate::__private::Listed(&SITE) }
        $crate::__private::Target::Site(&SITE)
    }};
}

/// In a build without `testing` a call site is only its name, in code that never runs.
#[cfg(not(feature = "testing"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __site {
    ($name:literal, $kind:ident) => {
        $crate::__private::by_name($name)
    };
}

/// An entry in the list of call sites, which inventory collects before `main`. On targets that
/// inventory does not support the list is empty, and everything else works.
#[derive(Debug)]
pub struct Listed(pub &'static Site);

inventory::collect!(Listed);

/// Returns the call sites compiled into this program.
pub fn sites() -> impl Iterator<Item = &'static Site> {
    inventory::iter::<Listed>().map(|listed| listed.0)
}

/// Returns the call sites, sorted. The comparison is a function pointer, so that the code for
/// sorting is compiled once.
pub(crate) fn sorted(
    compare: fn(&&'static Site, &&'static Site) -> Ordering,
) -> Vec<&'static Site> {
    let mut sites: Vec<_> = sites().collect();
    sites.sort_unstable_by(compare);
    sites
}

/// Returns the call sites, sorted by name, file and line.
pub(crate) fn by_name() -> Vec<&'static Site> {
    sorted(|a, b| (a.name, a.file, a.line).cmp(&(b.name, b.file, b.line)))
}

#[cfg(all(test, not(neon_failpoint_loom)))]
mod tests {
    use super::*;
    use crate::action::parse;

    #[test]
    fn a_site_remembers_that_it_is_armed_until_something_is_published() {
        let registry = Registry::new();
        let configure = |name| {
            let alternatives = parse::actions("off").unwrap();
            let point = Point::new(name, alternatives, None, &registry.draws);
            registry.put(&[point]);
        };
        let site = Site::new("p", file!(), line!(), SiteKind::Blocks);
        let mut view = View::new();
        configure("p");
        assert!(!site.is_known_armed(&registry));
        assert!(site.look_up(&registry, &mut view).is_some());
        assert!(site.is_known_armed(&registry));
        configure("q");
        assert!(!site.is_known_armed(&registry));
    }
}
