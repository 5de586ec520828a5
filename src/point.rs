//! One configuration of one name: its rules, its counters, its waiters.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use crate::action::{Alternative, CallbackFn, Rule, Task, text};
use crate::context::{FailpointContext, Matcher};
use crate::draws::Draws;
use crate::name::hash;
use crate::sync::{AtomicUsize, Ordering};
use crate::trie::Named;
use crate::wait::{Released, Waiters};

/// What a name was configured to do. Reconfiguring the name creates a new `Point`; this one is then
/// retired and decides nothing any more (I1, I3).
#[derive(Debug)]
pub(crate) struct Point {
    name: Box<str>,
    hash: u64,
    rules: Vec<Rule>,
    /// The text it was configured by, if that differs from [`actions`](Self::actions).
    text: Option<Box<str>>,
    /// Hits that no rule took. Every hit counts once, here or in its rule.
    skipped: AtomicUsize,
    pub(crate) waiters: Waiters,
    totals: Totals,
}

/// What was counted since the name most recently became configured: hits by earlier configurations,
/// added by writers, and delays by those and this one.
#[derive(Debug)]
struct Totals {
    hits: AtomicUsize,
    fired: AtomicUsize,
    // A plain mutex of std: not every target has an atomic large enough for a duration.
    delay: std::sync::Mutex<Duration>,
}

impl Totals {
    fn delay(&self) -> std::sync::MutexGuard<'_, Duration> {
        self.delay.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The counts at one time. Each counter is read once for both, so that `fired` never exceeds
/// `hits`, even during hits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counts {
    pub(crate) hits: usize,
    pub(crate) fired: usize,
}

impl Point {
    pub(crate) fn new(
        name: impl Into<Box<str>>,
        alternatives: Vec<Alternative>,
        text: Option<Box<str>>,
        draws: &Draws,
    ) -> Arc<Self> {
        let name = name.into();
        let draws = draws.of(&name, &alternatives).into_iter();
        // If no alternative draws, the list is empty.
        let draws = draws.chain(std::iter::repeat_with(|| None));
        let rules = alternatives.into_iter().zip(draws);
        Arc::new(Self {
            hash: hash(&name),
            name,
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

    /// Evaluates one hit: returns the task of the first alternative that takes it.
    #[inline]
    pub(crate) fn pick(&self, context: Option<&FailpointContext>) -> Option<&Task> {
        match self.rules.iter().find(|rule| rule.take(context)) {
            Some(rule) => Some(rule.task()),
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

    /// Wakes the observers that wait for no more hits than there were.
    #[cold]
    pub(crate) fn tell_observers(&self) {
        let hits = self.hits_until_now();
        // Observers that wait for more are not worth the lock (I1).
        if hits >= self.waiters.wake_at() {
            let mut released = Released::default();
            self.waiters.take_hit(hits, &mut released);
            released.wake();
        }
    }

    /// Puts back what [`take_callback`](Self::take_callback) took.
    pub(crate) fn put_callback(&self, function: CallbackFn) {
        let callback = self.rules.iter().find_map(|rule| match rule.task() {
            Task::Callback(callback) => Some(callback),
            _ => None,
        });
        if let Some(callback) = callback {
            callback.put(function);
        }
    }

    /// Takes the callback, if there is one: it must not outlive the configuration.
    pub(crate) fn take_callback(&self) -> Option<CallbackFn> {
        self.rules.iter().find_map(|rule| match rule.task() {
            Task::Callback(callback) => callback.take(),
            _ => None,
        })
    }

    /// Whether some alternative has a percentage below 100.
    pub(crate) fn draws(&self) -> bool {
        self.rules.iter().any(Rule::draws)
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
    /// other: see [`wait::observe`](crate::wait).
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
        let mut total = self.totals.delay();
        *total = total.saturating_add(delay);
    }

    /// Returns how long hits took since the name most recently became configured.
    pub(crate) fn all_delay(&self) -> Duration {
        *self.totals.delay()
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
        let matchers = self.rules.iter().flat_map(|r| &r.alternative().matchers);
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
        text::write(self.rules.iter().map(Rule::alternative))
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
