//! One configuration of one name: its rules, its counters, its waiters.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::action::{Alternative, Function, Rule, Task, text};
use crate::context::FailpointContext;
use crate::draws::Draws;
use crate::name::hash;
use crate::trie::Named;
use crate::wait::Waiters;

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

    /// How often an alternative was chosen.
    pub(crate) fn fired(&self) -> usize {
        self.rules
            .iter()
            .map(Rule::fired)
            .fold(0, usize::wrapping_add)
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
