//! One configuration of one name: its rules, its counters, its waiters.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::action::{Alternative, Rule, Task, text};
use crate::context::FailpointContext;
use crate::draws::Draws;
use crate::name::hash;
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
}

impl Point {
    pub(crate) fn new(
        name: &str,
        alternatives: Vec<Alternative>,
        text: Option<&str>,
        draws: &Draws,
    ) -> Arc<Self> {
        let draws = draws.of(name, &alternatives);
        let rules = alternatives.into_iter().zip(draws);
        Arc::new(Self {
            name: name.into(),
            hash: hash(name),
            rules: rules.map(|(a, draw)| Rule::new(a, draw)).collect(),
            text: text.map(Box::from),
            passed: AtomicUsize::new(0),
            waiters: Waiters::new(),
        })
    }

    /// Evaluates one hit: the task of the first alternative that takes it.
    #[inline]
    pub(crate) fn pick(&self, context: Option<&FailpointContext>) -> Option<&Task> {
        match self.rules.iter().find(|rule| rule.take(context)) {
            Some(rule) => Some(rule.task()),
            None => {
                // Relaxed: a statistic.
                self.passed.fetch_add(1, Ordering::Relaxed);
                None
            }
        }
    }

    /// Ends its work: lets its waiters go, and its callback. What others' code has to do
    /// about that is added to `released`.
    pub(crate) fn retire(&self, released: &mut Released) {
        self.waiters.retire(released);
        for rule in &self.rules {
            if let Task::Callback(callback) = rule.task() {
                released.add_callback(callback.retire());
            }
        }
    }

    /// Whether some alternative depends on luck.
    pub(crate) fn draws(&self) -> bool {
        self.rules.iter().any(Rule::draws)
    }

    /// How often the point was evaluated.
    pub(crate) fn hits(&self) -> usize {
        self.fired() + self.passed.load(Ordering::Relaxed)
    }

    /// How often an alternative was chosen.
    pub(crate) fn fired(&self) -> usize {
        self.rules.iter().map(Rule::fired).sum()
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
