//! What a configuration says: alternatives, each a task with its conditions.

pub(crate) mod parse;
mod pick;
pub(crate) mod text;

use std::fmt;
use std::sync::Arc;

use crate::context::Matcher;
pub(crate) use pick::Rule;

/// The words of the grammar, in the order in which errors and documentation list them.
pub(crate) const TASKS: &[&str] = &[
    "off", "return", "sleep", "pause", "panic", "print", "yield", "delay", "exit",
];

/// What a hit does once an alternative was chosen.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Task {
    Off,
    /// Without an argument it is `None`: `fail`'s closures see the difference.
    Return(Option<String>),
    /// Milliseconds.
    Sleep(u64),
    Pause,
    Panic(Option<String>),
    Print(Option<String>),
    Yield,
    /// Milliseconds.
    Delay(u64),
    Exit,
    Callback(Callback),
}

/// A user's function; two are equal where they are the same one.
#[derive(Clone)]
pub(crate) struct Callback(Arc<dyn Fn() + Send + Sync>);

impl Callback {
    pub(crate) fn new(f: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Arc::new(f))
    }

    pub(crate) fn run(&self) {
        (self.0)()
    }
}

impl PartialEq for Callback {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Callback")
    }
}

/// `when(..)p%n*task(arg)`: one alternative of a configuration, as pure data.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Alternative {
    /// All must hold. Sorted by key.
    pub(crate) matchers: Vec<Matcher>,
    /// 0 to 100; `None` is always.
    pub(crate) percent: Option<f64>,
    /// How often it fires at most.
    pub(crate) count: Option<usize>,
    pub(crate) task: Task,
}

impl Alternative {
    /// `task`, always, for every hit.
    pub(crate) fn always(task: Task) -> Self {
        Self {
            matchers: Vec::new(),
            percent: None,
            count: None,
            task,
        }
    }

    /// Demands `matchers` as well as those that are there already.
    pub(crate) fn demand(&mut self, matchers: &[Matcher]) {
        for matcher in matchers {
            // Behind those with the same key.
            let at = self.matchers.partition_point(|m| m.key() <= matcher.key());
            self.matchers.insert(at, matcher.clone());
        }
    }
}
