//! One configuration of one name: its rules, its counters, its waiters.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use crate::action::{Alternative, Function, Rule, Task, text};
use crate::context::{FailpointContext, Matcher};
use crate::draws::Draws;
use crate::name::hash;
use crate::sync::{AtomicUsize, Ordering};
use crate::trie::Named;
use crate::wait::{Released, Waiters};

/// What a name was configured to do. Configuring the name again makes a new
/// `Point`; this one is then retired and decides nothing any more (I1, I3).
#[derive(Debug)]
pub(crate) struct Point {
    name: Box<str>,
    hash: u64,
    rules: Vec<Rule>,
    /// The text it was configured by, where that is not [`actions`](Self::actions).
    text: Option<Box<str>>,
    /// Hits that no rule took. Every hit counts once, here or in its rule.
    passed: AtomicUsize,
    pub(crate) waiters: Waiters,
    totals: Totals,
}

/// What was counted since the name was last absent: hits by earlier configurations, which
/// writers add, and delays by this one, too.
#[derive(Debug)]
struct Totals {
    hits: AtomicUsize,
    fired: AtomicUsize,
    // A plain mutex of std: no atomic of every machine is large enough for a time.
    delay: std::sync::Mutex<Duration>,
}

impl Totals {
    fn delay(&self) -> std::sync::MutexGuard<'_, Duration> {
        self.delay.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Point {
    pub(crate) fn new(
        name: impl Into<Box<str>>,
        alternatives: Vec<Alternative>,
        text: Option<&str>,
        draws: &Draws,
    ) -> Arc<Self> {
        let name = name.into();
        let draws = draws.of(&name, &alternatives).into_iter();
        // Where none draws there is not even a list of that.
        let draws = draws.chain(std::iter::repeat_with(|| None));
        let rules = alternatives.into_iter().zip(draws);
        Arc::new(Self {
            hash: hash(&name),
            name,
            rules: rules.map(|(a, draw)| Rule::new(a, draw)).collect(),
            text: text.map(Box::from),
            passed: AtomicUsize::new(0),
            waiters: Waiters::new(),
            totals: Totals {
                hits: AtomicUsize::new(0),
                fired: AtomicUsize::new(0),
                delay: std::sync::Mutex::new(Duration::ZERO),
            },
        })
    }

    /// Evaluates one hit: the task of the first alternative that takes it.
    #[inline]
    pub(crate) fn pick(&self, context: Option<&FailpointContext>) -> Option<&Task> {
        match self.rules.iter().find(|rule| rule.take(context)) {
            Some(rule) => Some(rule.task()),
            None => {
                self.pass();
                None
            }
        }
    }

    /// Counts a hit that no rule takes.
    #[inline]
    pub(crate) fn pass(&self) {
        // AcqRel: as for a rule's count.
        self.passed.fetch_add(1, Ordering::AcqRel);
    }

    /// Whether an observer waits for hits. Comes after the hit was counted.
    #[inline]
    pub(crate) fn is_watched(&self) -> bool {
        self.waiters.wake_at() != usize::MAX
    }

    /// Wakes the observers who wait for no more hits than there were.
    #[cold]
    pub(crate) fn tell_observers(&self) {
        let hits = self.hits_until_now();
        // Who waits for more is not worth the lock (I1).
        if hits >= self.waiters.wake_at() {
            let mut released = Released::default();
            self.waiters.take_hit(hits, &mut released);
            released.wake();
        }
    }

    /// Gives back what [`take_callback`](Self::take_callback) took.
    pub(crate) fn put_callback(&self, function: Function) {
        let callback = self.rules.iter().find_map(|rule| match rule.task() {
            Task::Callback(callback) => Some(callback),
            _ => None,
        });
        if let Some(callback) = callback {
            callback.put(function);
        }
    }

    /// Gives up the callback, if it has one: it is not for longer than the configuration.
    pub(crate) fn take_callback(&self) -> Option<Function> {
        self.rules.iter().find_map(|rule| match rule.task() {
            Task::Callback(callback) => callback.take(),
            _ => None,
        })
    }

    /// Whether some alternative depends on luck.
    pub(crate) fn draws(&self) -> bool {
        self.rules.iter().any(Rule::draws)
    }

    /// How often the point was evaluated.
    pub(crate) fn hits(&self) -> usize {
        self.fired()
            .wrapping_add(self.passed.load(Ordering::Relaxed))
    }

    /// How often the point was evaluated, every hit included that would find out by the
    /// same means: see [`wait::observe`](crate::wait).
    #[cold]
    pub(crate) fn hits_until_now(&self) -> usize {
        let fired = self.rules.iter().map(Rule::fired_until_now);
        let passed = self.passed.fetch_add(0, Ordering::AcqRel);
        fired.fold(passed, usize::wrapping_add)
    }

    /// Counts on from `before`, which the point takes the place of.
    pub(crate) fn follow(&self, before: &Point) {
        // Relaxed: statistics.
        let add = |total: &AtomicUsize, more| {
            if more > 0 {
                total.fetch_add(more, Ordering::Relaxed);
            }
        };
        add(&self.totals.hits, before.all_hits());
        add(&self.totals.fired, before.all_fired());
        self.add_delay(before.all_delay());
    }

    /// Counts time that a hit took.
    pub(crate) fn add_delay(&self, delay: Duration) {
        let mut total = self.totals.delay();
        *total = total.saturating_add(delay);
    }

    /// How long hits took since the name was last absent.
    pub(crate) fn all_delay(&self) -> Duration {
        *self.totals.delay()
    }

    /// How often the name was evaluated since it was last absent.
    pub(crate) fn all_hits(&self) -> usize {
        let earlier = self.totals.hits.load(Ordering::Relaxed);
        earlier.wrapping_add(self.hits())
    }

    /// How often an alternative was chosen since the name was last absent.
    pub(crate) fn all_fired(&self) -> usize {
        let earlier = self.totals.fired.load(Ordering::Relaxed);
        earlier.wrapping_add(self.fired())
    }

    /// How often an alternative was chosen.
    pub(crate) fn fired(&self) -> usize {
        self.rules
            .iter()
            .map(Rule::fired)
            .fold(0, usize::wrapping_add)
    }

    /// The matchers of its alternatives, each once.
    pub(crate) fn matchers(&self) -> Vec<(String, String)> {
        let matchers = self.rules.iter().flat_map(|r| &r.alternative().matchers);
        let mut seen = HashSet::new();
        let pairs = matchers.map(Matcher::pair);
        pairs.filter(|pair| seen.insert(pair.clone())).collect()
    }

    /// The text it was configured by.
    pub(crate) fn text(&self) -> String {
        match &self.text {
            Some(text) => text.to_string(),
            None => self.actions(),
        }
    }

    /// The configuration as text that parses back to the same rules.
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
