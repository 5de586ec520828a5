//! What is hit: a call site, which has a static, or a name. The idle check, and which names were hit
//! that have no call site.

use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic;

use crate::engine::name::{HASH_BITS, hash};
use crate::engine::point::Point;
use crate::engine::sync::{AtomicU32, Ordering as Sync, const_unless_loom};
use crate::engine::table::{Registry, View};

/// Whether failpoints are compiled in.
pub(crate) const ENABLED: bool = cfg!(feature = "testing");

/// Where a hit happens: at a call site with its own static, or by a name.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    /// A macro with a literal name, or a constant one.
    Site(&'static Site),
    /// A function, or a macro with a name that exists only at run time.
    Name(&'a str),
}

/// What a macro hits. A call site is passed on as the one word it is, so that little of it stands at
/// each of them; it becomes a [`Target`] where the code is shared.
pub trait Spot<'a>: Copy + Into<Target<'a>> {
    /// Whether it is known that nothing is configured here; `false` proves nothing.
    #[doc(hidden)]
    fn is_idle(self, rules: Rules) -> bool;
}

impl<'a> Spot<'a> for &'static Site {
    #[inline(always)]
    fn is_idle(self, _: Rules) -> bool {
        // A native site had FAILPOINTS read when it first looked its name up.
        self.is_clear(Registry::global())
    }
}

impl<'a> Spot<'a> for Target<'a> {
    #[inline(always)]
    fn is_idle(self, rules: Rules) -> bool {
        match self {
            Target::Site(site) => site.is_idle(rules),
            Target::Name(_) if rules == Rules::Fail => Registry::global().is_empty(),
            Target::Name(_) => Registry::global().is_idle(),
        }
    }
}

impl From<&'static Site> for Target<'_> {
    #[inline]
    fn from(site: &'static Site) -> Self {
        Self::Site(site)
    }
}

impl Target<'_> {
    /// Returns where it is, if it is a call site.
    pub(crate) fn place(&self) -> Option<(&'static str, u32)> {
        match self {
            Target::Site(site) => Some((site.file(), site.line())),
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

    /// Notes a name that is hit without a call site. [`find`](Self::find) does; what is said before
    /// that, when FAILPOINTS is read, is to know it as well.
    pub(crate) fn note(&self) {
        if let Target::Name(name) = self {
            HIT_BY_NAME.insert(hash(name));
        }
    }

    /// Returns the point that is configured here.
    #[inline(always)]
    pub(crate) fn find<'v>(&self, view: &'v mut View) -> Option<&'v Arc<Point>> {
        let registry = Registry::global();
        match self {
            Target::Site(site) => site.look_up(registry, view),
            Target::Name(name) => {
                let hash = hash(name);
                HIT_BY_NAME.insert(hash);
                view.refresh(registry);
                view.get(hash, name).0
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
pub enum Rules {
    /// This crate's own.
    Native,
    /// Native, and logged: for Neon's `pausable_failpoint!`.
    Pausable,
    /// Native, but a `return` gives the number of milliseconds to sleep, and a sleep is logged: for
    /// Neon's `sleep_millis_async!`.
    Millis,
    /// Those of the `fail` crate: see [`compat`](crate::compat).
    Fail,
}

/// The static behind a failpoint macro with a literal name, or a constant one.
///
/// Hidden, because only the macros create one.
#[derive(Debug)]
pub struct Site {
    pub(super) name: &'static str,
    place: &'static Location<'static>,
    /// The name's hash, above a bit for the kind and two for what a `return` does. (What stands here stands
    /// at each call site, so it is as small as it can be.)
    hash_and_rest: u32,
    /// The last generation at which the name was found absent (I4); or, with [`ARMED`] beside it, at
    /// which it was found configured: macros check that before they evaluate a context.
    pub(super) known: AtomicU32,
}

/// The bit of [`Site::known`] that no generation has.
const ARMED: u32 = 1;

/// How a call site waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum SiteKind {
    /// It awaits.
    Awaits,
    /// It blocks its thread.
    Blocks,
}

/// What a `return` does at a call site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Returns {
    /// Its value goes to a closure, or to the caller.
    Value,
    /// Its value is how many milliseconds to sleep.
    Millis,
    /// Nothing.
    Nothing,
    /// It panics: there is no closure.
    Panics,
}

impl Site {
    const_unless_loom! {
        /// Creates a site that has not looked its name up.
        #[track_caller]
        pub fn new(name: &'static str, kind: SiteKind) -> Self {
            Self {
                name,
                place: Location::caller(),
                hash_and_rest: (hash(name) as u32) << Self::HASH_SHIFT | (kind as u32) << Self::KIND_SHIFT,
                // Not a generation: the first hit looks the name up.
                known: AtomicU32::new(0),
            }
        }
    }

    /// Says what a `return` does here, if that is not [`Returns::Value`].
    pub const fn returning(mut self, returns: Returns) -> Self {
        self.hash_and_rest |= returns as u32;
        self
    }

    const KIND_SHIFT: u32 = 2;
    const HASH_SHIFT: u32 = u32::BITS - HASH_BITS;

    #[inline]
    pub(super) fn hash(&self) -> u64 {
        (self.hash_and_rest >> Self::HASH_SHIFT) as u64
    }

    /// Returns what a `return` does here.
    pub fn returns(&self) -> Returns {
        let is = |returns: Returns| self.hash_and_rest & 0b11 == returns as u32;
        let all = [Returns::Millis, Returns::Nothing, Returns::Panics];
        all.into_iter().find(|r| is(*r)).unwrap_or(Returns::Value)
    }

    /// Returns the name of its failpoint.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the source file.
    pub fn file(&self) -> &'static str {
        self.place.file()
    }

    /// Returns the line in the source file.
    pub fn line(&self) -> u32 {
        self.place.line()
    }

    /// Returns how it waits.
    pub fn kind(&self) -> SiteKind {
        match self.hash_and_rest >> Self::KIND_SHIFT & 1 {
            0 => SiteKind::Awaits,
            _ => SiteKind::Blocks,
        }
    }

    /// Whether the name is known to be absent: two loads, no shared write.
    #[inline(always)]
    pub(crate) fn is_clear(&self, registry: &Registry) -> bool {
        // Relaxed: `known` matters only if it equals the generation, and a value that equals it
        // was stored by a thread that had read that generation and then found the name absent. The
        // load of the generation acquires.
        self.known.load(Sync::Relaxed) == registry.generation()
    }

    /// Whether the last lookup found the name, and nothing was published since.
    #[inline]
    pub(crate) fn is_known_armed(&self, registry: &Registry) -> bool {
        // Relaxed: as in `is_clear`.
        self.known.load(Sync::Relaxed) == registry.generation() | ARMED
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
        let (point, is_everywhere) = view.get(self.hash(), self.name);
        if is_everywhere {
            let known = match point {
                Some(_) => generation | ARMED,
                None => generation,
            };
            // Threads that hit an armed site share its cache line: it is written only to change it.
            if self.known.load(Sync::Relaxed) != known {
                self.known.store(known, Sync::Relaxed);
            }
        }
        point
    }
}

/// Whether `name` was hit without a call site while anything was configured. After hits under some
/// thousand other names this is forgotten: see [`Hashes`].
pub(crate) fn was_hit_by_name(name: &str) -> bool {
    HIT_BY_NAME.contains(hash(name))
}

static HIT_BY_NAME: Hashes = Hashes::new();

/// A set of names' hashes. It takes no lock, never allocates and never grows: a hash whose places are
/// all taken drives out another.
struct Hashes([atomic::AtomicU32; Self::PLACES]);

impl Hashes {
    const PLACES: usize = 1024;
    /// How many places a hash may have.
    const CHOICES: usize = 8;
    /// No hash: a name whose hash it is is not known.
    const FREE: u32 = 0;

    const fn new() -> Self {
        Self([const { atomic::AtomicU32::new(Self::FREE) }; Self::PLACES])
    }

    fn places(&self, hash: u32) -> impl Iterator<Item = &atomic::AtomicU32> {
        let first = hash as usize / Self::CHOICES;
        (0..Self::CHOICES).map(move |i| &self.0[(first + i) % Self::PLACES])
    }

    /// Writes only what is new, so that threads that hit the same names share what they read.
    fn insert(&self, hash: u64) {
        // Relaxed throughout: a hash orders nothing but itself.
        let hash = hash as u32;
        for place in self.places(hash) {
            let mut found = place.load(atomic::Ordering::Relaxed);
            if found == Self::FREE {
                let (free, relaxed) = (Self::FREE, atomic::Ordering::Relaxed);
                found = match place.compare_exchange(free, hash, relaxed, relaxed) {
                    Ok(_) => hash,
                    Err(found) => found,
                };
            }
            if found == hash {
                return;
            }
        }
        if let Some(place) = self.places(hash).nth(hash as usize % Self::CHOICES) {
            place.store(hash, atomic::Ordering::Relaxed);
        }
    }

    fn contains(&self, hash: u64) -> bool {
        let hash = hash as u32;
        let mut places = self.places(hash);
        hash != Self::FREE && places.any(|place| place.load(atomic::Ordering::Relaxed) == hash)
    }
}

#[cfg(all(test, not(neon_failpoint_loom)))]
mod tests {
    use super::*;
    use crate::engine::actions::chain;
    use crate::engine::actions::matcher::Memory;
    use crate::engine::layers::Cause;
    use crate::engine::point::Made;
    use crate::engine::scope::Home;

    fn configure(registry: &Registry, name: &str) {
        let alternatives = chain::parse("off", false, &mut Memory::of_a_call()).unwrap();
        let point = registry.point(&Home::GLOBAL, Made::configured(), name, alternatives, None);
        registry
            .put(&[point], Some(Cause::here("configured")))
            .unwrap();
    }

    #[test]
    fn a_site_remembers_that_it_is_armed_until_something_is_published() {
        let registry = Registry::new();
        let site = Site::new("p", SiteKind::Blocks);
        let mut view = View::default();
        configure(&registry, "p");
        assert!(!site.is_known_armed(&registry));
        assert!(site.look_up(&registry, &mut view).is_some());
        assert!(site.is_known_armed(&registry));
        configure(&registry, "q");
        assert!(!site.is_known_armed(&registry));
    }

    /// What knew a name to be absent, or configured, would be misled if its generation came again.
    #[test]
    fn after_the_last_generation_every_hit_looks() {
        let registry = Registry::before_the_last(3);
        let (site, other) = (
            Site::new("p", SiteKind::Blocks),
            Site::new("other", SiteKind::Blocks),
        );
        let mut view = View::new();
        let mut hit =
            |site: &Site| !site.is_clear(&registry) && site.look_up(&registry, &mut view).is_some();
        for round in 0..5 {
            assert!(!hit(&site) && !hit(&other), "{round}");
            configure(&registry, "p");
            assert!(hit(&site) && !hit(&other), "{round}");
            let is_last = registry.is_at_its_last();
            assert_eq!(is_last, round > 0);
            // What is remembered until then, and no longer.
            assert_eq!(site.is_known_armed(&registry), !is_last);
            assert_eq!(other.is_clear(&registry), !is_last);
            let cause = Cause::here("removed");
            assert!(registry.remove(&Home::GLOBAL, hash("p"), "p", Some(cause)));
            assert!(!hit(&site), "{round}");
            assert_eq!(registry.is_empty(), !is_last);
        }
    }

    #[test]
    fn the_newest_hashes_are_kept_and_no_others_are_found() {
        let hashes = Hashes::new();
        let name = |i: usize| hash(&format!("name-{i}"));
        assert!((0..100).all(|i| !hashes.contains(name(i))));
        for i in (0..100).chain(0..100) {
            hashes.insert(name(i));
        }
        assert!((0..100).all(|i| hashes.contains(name(i))));
        assert!((100..10_000).all(|i| !hashes.contains(name(i))));
        let is_taken = |place: &&atomic::AtomicU32| place.load(atomic::Ordering::Relaxed) != 0;
        assert_eq!(hashes.0.iter().filter(is_taken).count(), 100);
        // Far more than there is room for.
        for i in 100..10_000 {
            hashes.insert(name(i));
            assert!(hashes.contains(name(i)));
        }
        assert!((10_000..20_000).all(|i| !hashes.contains(name(i))));
        assert!(!hashes.contains(0));
    }
}
