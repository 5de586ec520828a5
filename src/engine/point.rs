//! One configuration of one name: its rules, its counters, its waiters.

use std::collections::HashSet;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::actions::action::{Action, Callback, CallbackFn};
use crate::engine::actions::chain::{self, Alternative};
use crate::engine::actions::matcher::{Matcher, all_match};
use crate::engine::context::FailpointContext;
use crate::engine::draws::Draw;
use crate::engine::name::hash;
use crate::engine::scope::Home;
use crate::engine::sync::{AtomicUsize, Ordering, unpoisoned};
use crate::engine::trie::Named;
use crate::engine::waiters::Waiters;

/// What a name was configured to do. Reconfiguring the name creates a new `Point`; this one is then
/// retired and decides nothing any more (I1, I3).
pub(crate) struct Point {
    name: Box<str>,
    hash: u64,
    home: Home,
    made: Made,
    rules: Vec<Rule>,
    /// The text it was configured by, if that differs from [`actions`](Self::actions).
    text: Option<Box<str>>,
    /// Hits that no rule took. Every hit counts once, here or in its rule.
    skipped: AtomicUsize,
    pub(crate) waiters: Waiters,
    totals: Totals,
}

/// Who configured a point, and where.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Made {
    /// A call that returned a guard, or one of the guard's.
    Armed(&'static Location<'static>),
    /// Any other call.
    Configured(&'static Location<'static>),
    /// FAILPOINTS.
    Environment,
    /// Somebody outside of the process.
    #[cfg_attr(not(feature = "http"), expect(dead_code))]
    Http,
}

impl Made {
    /// The place is that of the public function's caller.
    #[track_caller]
    pub(crate) fn armed() -> Self {
        Self::Armed(Location::caller())
    }

    /// The place is that of the public function's caller.
    #[track_caller]
    pub(crate) fn configured() -> Self {
        Self::Configured(Location::caller())
    }
}

/// Formats for people, as in `armed at tests/upload.rs:12:17`.
impl fmt::Display for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Armed(place) => write!(f, "armed at {place}"),
            Self::Configured(place) => write!(f, "configured at {place}"),
            Self::Environment => f.write_str("configured by FAILPOINTS"),
            Self::Http => f.write_str("configured over HTTP"),
        }
    }
}

/// What was counted since the name most recently became configured: hits by earlier configurations,
/// added by writers, and delays by those and this one.
struct Totals {
    hits: AtomicUsize,
    fired: AtomicUsize,
    // A plain mutex of std: not every target has an atomic large enough for a duration.
    delay: std::sync::Mutex<Duration>,
}

/// The counts at one time. Each counter is read once for both, so that `fired` never exceeds
/// `hits`, even during hits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counts {
    pub(crate) hits: usize,
    pub(crate) fired: usize,
}

impl Point {
    /// Creates a point for the scope `home`. `draws` may be shorter than the chain: then the rest
    /// does not draw.
    pub(crate) fn new(
        home: Home,
        made: Made,
        name: Box<str>,
        alternatives: Vec<Alternative>,
        text: Option<Box<str>>,
        draws: Vec<Option<Draw>>,
    ) -> Arc<Self> {
        let draws = draws.into_iter().chain(std::iter::repeat_with(|| None));
        let rules = alternatives.into_iter().zip(draws);
        Arc::new(Self {
            hash: hash(&name),
            name,
            home,
            made,
            rules: rules.map(|(a, draw)| Rule::new(a, draw)).collect(),
            text,
            skipped: AtomicUsize::new(0),
            waiters: Waiters::new(),
            totals: Totals {
                hits: AtomicUsize::new(0),
                fired: AtomicUsize::new(0),
                delay: std::sync::Mutex::new(Duration::ZERO),
            },
        })
    }

    /// Returns the scope that it is in.
    pub(crate) fn home(&self) -> &Home {
        &self.home
    }

    /// Returns who configured it, and where.
    pub(crate) fn made(&self) -> Made {
        self.made
    }

    /// Evaluates one hit: returns the action of the first alternative that takes it.
    #[inline]
    pub(crate) fn pick(&self, context: Option<&FailpointContext>) -> Option<&Action> {
        match self.rules.iter().find(|rule| rule.take(context)) {
            Some(rule) => Some(&rule.alternative.action),
            None => {
                self.skip();
                None
            }
        }
    }

    /// Counts a hit that no rule takes.
    #[inline]
    pub(crate) fn skip(&self) {
        // AcqRel: as for a rule's count.
        self.skipped.fetch_add(1, Ordering::AcqRel);
    }

    /// Whether an observer waits for hits. Called after the hit was counted.
    #[inline]
    pub(crate) fn is_watched(&self) -> bool {
        self.waiters.wake_at() != usize::MAX
    }

    /// Puts back what [`take_callback`](Self::take_callback) took.
    pub(crate) fn put_callback(&self, function: CallbackFn) {
        if let Some(callback) = self.callback() {
            callback.put(function);
        }
    }

    /// Takes the callback, if there is one: it must not outlive the configuration.
    pub(crate) fn take_callback(&self) -> Option<CallbackFn> {
        self.callback()?.take()
    }

    fn callback(&self) -> Option<&Callback> {
        let actions = self.rules.iter().map(|rule| &rule.alternative.action);
        actions.into_iter().find_map(|action| match action {
            Action::Callback(callback) => Some(callback),
            _ => None,
        })
    }

    /// Whether some alternative has a percentage below 100.
    pub(crate) fn draws(&self) -> bool {
        self.rules.iter().any(|rule| rule.draw.is_some())
    }

    /// Returns the number of hits.
    pub(crate) fn hits(&self) -> usize {
        self.counts().hits
    }

    /// Returns the number of hits, and how many of them chose an alternative.
    pub(crate) fn counts(&self) -> Counts {
        let fired = self.fired();
        let skipped = self.skipped.load(Ordering::Relaxed);
        let hits = fired.wrapping_add(skipped);
        Counts { hits, fired }
    }

    /// Returns the number of hits, by read-modify-writes, so that hits and observers see each
    /// other: see [`observer`](super::observer).
    #[cold]
    pub(crate) fn hits_until_now(&self) -> usize {
        let fired = self.rules.iter().map(Rule::fired_until_now);
        let skipped = self.skipped.fetch_add(0, Ordering::AcqRel);
        fired.fold(skipped, usize::wrapping_add)
    }

    /// Adds the counts of `before`, which this point replaces.
    pub(crate) fn follow(&self, before: &Point) {
        // Relaxed: statistics.
        let add = |total: &AtomicUsize, more| {
            if more > 0 {
                total.fetch_add(more, Ordering::Relaxed);
            }
        };
        let all = before.all_counts(before.counts());
        add(&self.totals.hits, all.hits);
        add(&self.totals.fired, all.fired);
        self.add_delay(before.all_delay());
    }

    /// Counts time that a hit took.
    pub(crate) fn add_delay(&self, delay: Duration) {
        let mut total = unpoisoned(self.totals.delay.lock());
        *total = total.saturating_add(delay);
    }

    /// Returns how long hits took since the name most recently became configured.
    pub(crate) fn all_delay(&self) -> Duration {
        *unpoisoned(self.totals.delay.lock())
    }

    /// Returns the `own` counts of this point plus those of earlier configurations since the name
    /// most recently became configured.
    pub(crate) fn all_counts(&self, own: Counts) -> Counts {
        let earlier = |total: &AtomicUsize| total.load(Ordering::Relaxed);
        Counts {
            hits: earlier(&self.totals.hits).wrapping_add(own.hits),
            fired: earlier(&self.totals.fired).wrapping_add(own.fired),
        }
    }

    /// Returns how often an alternative was chosen.
    pub(crate) fn fired(&self) -> usize {
        self.rules
            .iter()
            .map(Rule::fired)
            .fold(0, usize::wrapping_add)
    }

    /// Returns the matchers of its alternatives, each once.
    pub(crate) fn matchers(&self) -> Vec<(String, String)> {
        let matchers = self.rules.iter().flat_map(|r| &r.alternative.matchers);
        let mut seen = HashSet::new();
        let pairs = matchers.map(Matcher::pair);
        pairs.filter(|pair| seen.insert(pair.clone())).collect()
    }

    /// Returns the text it was configured by.
    pub(crate) fn text(&self) -> String {
        match &self.text {
            Some(text) => text.to_string(),
            None => self.actions(),
        }
    }

    /// Returns the configuration as text that parses back to the same rules.
    pub(crate) fn actions(&self) -> String {
        chain::write(self.rules.iter().map(|rule| &rule.alternative))
    }
}

/// An alternative at work: what it says, and how often it was chosen so far.
#[repr(C)]
struct Rule {
    alternative: Alternative,
    /// Present exactly if the alternative has a percentage below 100.
    draw: Option<Draw>,
    /// Incremented with AcqRel, so that a hit and an observer that waits for it see each other: see
    /// [`observer`](super::observer). Otherwise the number orders nothing but itself.
    fired: AtomicUsize,
    /// Keeps what is allocated after a rule, which hits may read, off the cache line that they all
    /// write: otherwise a hit that runs beside others fetches the line twice (the row `armed2` of
    /// the benchmarks).
    _apart: [u64; 7],
}

impl Rule {
    fn new(alternative: Alternative, draw: Option<Draw>) -> Self {
        Self {
            alternative,
            draw,
            fired: AtomicUsize::new(0),
            _apart: [0; 7],
        }
    }

    fn fired(&self) -> usize {
        self.fired.load(Ordering::Relaxed)
    }

    /// [`fired`](Self::fired), ordered with the hits.
    fn fired_until_now(&self) -> usize {
        self.fired.fetch_add(0, Ordering::AcqRel)
    }

    /// Whether this hit takes the alternative; if so, it is counted.
    ///
    /// I6: the context and the draw come before the count, so that a hit that they reject uses up
    /// none; and the count is taken by a compare-and-swap that never exceeds the limit, so that
    /// `n*` fires exactly `n` times.
    #[inline]
    fn take(&self, context: Option<&FailpointContext>) -> bool {
        let Alternative {
            matchers, count, ..
        } = &self.alternative;
        if count.is_some_and(|n| self.fired() >= n) {
            // Spent: as in `fail`, such an alternative no longer draws.
            return false;
        }
        if !matchers.is_empty() && !all_match(matchers, context) {
            return false;
        }
        if self.draw.as_ref().is_some_and(|draw| !draw.next()) {
            return false;
        }
        match count {
            None => {
                self.fired.fetch_add(1, Ordering::AcqRel);
                true
            }
            Some(n) => self
                .fired
                .fetch_update(Ordering::AcqRel, Ordering::Relaxed, |fired| {
                    (fired < *n).then_some(fired + 1)
                })
                .is_ok(),
        }
    }
}

impl Named for Point {
    #[inline]
    fn name(&self) -> &str {
        &self.name
    }

    #[inline]
    fn hash(&self) -> u64 {
        self.hash
    }
}
