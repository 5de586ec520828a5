//! What is hit: a call site, which has a static, or a name. The idle check, and the list of the call
//! sites that are compiled in.

use std::cmp::Ordering;
use std::panic::Location;
use std::sync::{Arc, OnceLock};

use crate::engine::name::{hash, letters};
use crate::engine::point::Point;
use crate::engine::sync::{AtomicUsize, Ordering as Sync, const_unless_loom};
use crate::engine::table::{Registry, View};

/// Whether failpoints are compiled in.
pub(crate) const ENABLED: bool = cfg!(feature = "testing");

/// Where a hit happens: at a call site with its own static, or by a name.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    /// A macro with a literal name.
    Site(&'static Site),
    /// A function, or a macro with a name that exists only at run time.
    Name(&'a str),
}

impl Target<'_> {
    /// Whether it is known that nothing is configured here; `false` proves nothing.
    #[inline(always)]
    pub(crate) fn is_idle(&self, rules: Rules) -> bool {
        let registry = Registry::global();
        match self {
            // A native site had FAILPOINTS read when it first looked its name up.
            Target::Site(site) => site.is_idle(registry),
            Target::Name(_) if rules == Rules::Fail => registry.is_empty(),
            Target::Name(_) => registry.is_idle(),
        }
    }

    /// Returns where it is, if it is a call site.
    pub(crate) fn place(&self) -> Option<(&'static str, u32)> {
        match self {
            Target::Site(site) => Some((site.file, site.line)),
            Target::Name(_) => None,
        }
    }

    /// Returns its call site: for a name, that of the caller.
    #[track_caller]
    pub(crate) fn call_site(&self) -> &'static Location<'static> {
        match self {
            Target::Site(site) => site.place,
            Target::Name(_) => Location::caller(),
        }
    }

    /// Returns the name of the failpoint.
    pub(crate) fn name(&self) -> &str {
        match self {
            Target::Site(site) => site.name(),
            Target::Name(name) => name,
        }
    }

    /// Returns the point that is configured here.
    #[inline]
    pub(crate) fn find<'v>(&self, view: &'v mut View) -> Option<&'v Arc<Point>> {
        let registry = Registry::global();
        match self {
            Target::Site(site) => site.look_up(registry, view),
            Target::Name(name) => {
                view.refresh(registry);
                view.get(hash(name), name).0
            }
        }
    }
}

/// The rules by which a hit runs an action.
///
/// A whole word: in a future it lies beside the tag, and a load that spans more than one earlier
/// store stalls the processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Rules {
    Native,
    /// Native, and logged: for Neon's `pausable_failpoint!`.
    Pausable,
    /// Native, but a `return` gives the number of milliseconds to sleep, and a sleep is logged: for
    /// Neon's `sleep_millis_async!`.
    Millis,
    /// Those of the `fail` crate: see [`compat`](crate::compat).
    Fail,
}

/// The static behind a failpoint macro with a literal name.
///
/// Hidden, because only the macros create one.
#[derive(Debug)]
pub struct Site {
    pub(super) name: &'static str,
    file: &'static str,
    line: u32,
    place: &'static Location<'static>,
    kind: SiteKind,
    pub(super) hash: u64,
    letters: u64,
    /// The last generation at which the name was found absent (I4).
    pub(super) clear_at: AtomicUsize,
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
        #[track_caller]
        pub fn new(name: &'static str, file: &'static str, line: u32, kind: SiteKind) -> Self {
            Self {
                name,
                file,
                line,
                place: Location::caller(),
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

    /// Looks the name up, and remembers the outcome where it is the same in every scope.
    #[inline]
    pub(crate) fn look_up<'v>(
        &self,
        registry: &Registry,
        view: &'v mut View,
    ) -> Option<&'v Arc<Point>> {
        // I4: the generation that the view read before it loaded the snapshot. One read after the
        // lookup could be that of a snapshot in which the name is configured.
        let generation = view.refresh(registry);
        let (point, is_everywhere) = view.get(self.hash, self.name);
        if is_everywhere {
            let remembered = match point {
                Some(_) => &self.armed_at,
                None => &self.clear_at,
            };
            // Threads that hit an armed site share its cache line: it is written only to change it.
            if remembered.load(Sync::Relaxed) != generation {
                remembered.store(generation, Sync::Relaxed);
            }
        }
        point
    }
}

/// An entry in the list of call sites, which inventory collects before `main`. On targets that
/// inventory does not support the list is empty, and everything else works.
#[derive(Debug)]
pub struct Compiled(pub &'static Site);

inventory::collect!(Compiled);

/// Returns the call sites compiled into this program.
pub fn sites() -> impl Iterator<Item = &'static Site> {
    inventory::iter::<Compiled>().map(|entry| entry.0)
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
pub(crate) fn by_name() -> &'static [&'static Site] {
    // Filled by our own code alone, which waits for nothing (I5).
    static BY_NAME: OnceLock<Vec<&'static Site>> = OnceLock::new();
    BY_NAME.get_or_init(|| sorted(|a, b| (a.name, a.file, a.line).cmp(&(b.name, b.file, b.line))))
}

#[cfg(all(test, not(neon_failpoint_loom)))]
mod tests {
    use super::*;
    use crate::engine::actions::chain;
    use crate::engine::actions::matcher::Memory;
    use crate::engine::layers::Cause;
    use crate::engine::point::Made;
    use crate::engine::scope::Home;

    #[test]
    fn a_site_remembers_that_it_is_armed_until_something_is_published() {
        let registry = Registry::new();
        let configure = |name| {
            let alternatives = chain::parse("off", false, &mut Memory::of_a_call()).unwrap();
            let point = registry.point(&Home::GLOBAL, Made::configured(), name, alternatives, None);
            registry
                .put(&[point], Some(Cause::here("configured")))
                .unwrap();
        };
        let site = Site::new("p", file!(), line!(), SiteKind::Blocks);
        let mut view = View::default();
        configure("p");
        assert!(!site.is_known_armed(&registry));
        assert!(site.look_up(&registry, &mut view).is_some());
        assert!(site.is_known_armed(&registry));
        configure("q");
        assert!(!site.is_known_armed(&registry));
    }
}
