//! One configuration of one name: its rules, its counters, its waiters.

use std::collections::HashSet;
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
#[cfg(feature = "http")]
use crate::engine::timer::Alarm;
use crate::engine::trie::Named;
use crate::engine::waiters::Waiters;

/// What a name was configured to do. Reconfiguring the name creates a new `Point`; this one is then
/// retired and decides nothing any more (I1, I3).
pub(crate) struct Point {
    name: Box<str>,
    hash: u64,
    home: Home,
    rules: Vec<Rule>,
    /// The text it was configured by, if that differs from [`actions`](Self::actions).
    text: Option<Box<str>>,
    /// Hits that no rule took. Every hit counts once, here or in its rule.
    skipped: AtomicUsize,
    pub(crate) waiters: Waiters,
    totals: Totals,
    /// What removes it by itself: see [`lifetime`](super::lifetime).
    #[cfg(feature = "http")]
    lifetime: std::sync::Mutex<Option<Alarm>>,
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
            rules: rules.map(|(a, draw)| Rule::new(a, draw)).collect(),
            text,
            skipped: AtomicUsize::new(0),
            waiters: Waiters::new(),
            totals: Totals {
                hits: AtomicUsize::new(0),
                fired: AtomicUsize::new(0),
                delay: std::sync::Mutex::new(Duration::ZERO),
            },
            #[cfg(feature = "http")]
            lifetime: std::sync::Mutex::new(None),
        })
    }

    /// Returns the scope that it is in.
    pub(crate) fn home(&self) -> &Home {
        &self.home
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

    /// Whether some alternative has a percentage below 100, or a time to draw.
    pub(crate) fn draws(&self) -> bool {
        let draws = |rule: &Rule| rule.draw.is_some() || rule.alternative.action.draws_time();
        self.rules.iter().any(draws)
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

    /// Keeps the alarm that removes it.
    #[cfg(feature = "http")]
    pub(super) fn begin_lifetime(&self, alarm: Alarm) {
        *unpoisoned(self.lifetime.lock()) = Some(alarm);
    }

    /// Drops that alarm: the point is removed or replaced already.
    #[cfg(feature = "http")]
    pub(super) fn end_lifetime(&self) {
        // After the lock is released: it takes one of its own.
        let alarm = unpoisoned(self.lifetime.lock()).take();
        drop(alarm);
    }

    /// Returns how long it is until it is removed by itself, if it is at all.
    #[cfg(feature = "http")]
    pub(crate) fn lifetime(&self) -> Option<Duration> {
        unpoisoned(self.lifetime.lock()).as_ref()?.left()
    }

    /// Returns the arguments of every `return` that a hit may come to.
    #[cfg(feature = "http")]
    pub(crate) fn returns(&self) -> Vec<Option<&str>> {
        let mut returns = Vec::new();
        for rule in &self.rules {
            let alternative = &rule.alternative;
            if let Action::Return(value) = &alternative.action {
                returns.push(value.as_deref());
            }
            let is_always = alternative.matchers.is_empty()
                && alternative.count.is_none()
                && alternative.percent.is_none_or(|percent| percent >= 100.0);
            if is_always {
                break;
            }
        }
        returns
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
