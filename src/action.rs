//! What a configuration says: alternatives, each a task with its conditions.

pub(crate) mod parse;
mod pick;
pub(crate) mod text;

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwapOption;

use crate::context::Matcher;
pub(crate) use pick::Rule;

/// The words of the grammar, in the order in which errors and the documentation list them.
pub(crate) const TASKS: &[&str] = &[
    "off", "return", "sleep", "pause", "panic", "print", "yield", "delay", "exit",
];

/// What a hit does once an alternative is chosen.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Task {
    Off,
    /// `None` without an argument: `fail`'s closures see the difference.
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

/// A user's function, for as long as its point is configured. Two are equal if they are the same
/// one.
#[derive(Clone)]
pub(crate) struct Callback(Arc<ArcSwapOption<Box<dyn Fn() + Send + Sync>>>);

/// A user's function whose point is not at work. Its destructor is a user's code, too.
pub(crate) struct CallbackFn(Arc<Box<dyn Fn() + Send + Sync>>);

impl Callback {
    pub(crate) fn new(f: impl Fn() + Send + Sync + 'static) -> Self {
        let function: Box<dyn Fn() + Send + Sync> = Box::new(f);
        Self(Arc::new(ArcSwapOption::from_pointee(function)))
    }

    /// Calls the function; returns `false` if its point was retired before.
    pub(crate) fn run(&self) -> bool {
        // Held while it runs: it may retire its own point.
        let function = self.0.load_full();
        if let Some(function) = &function {
            function();
        }
        function.is_some()
    }

    /// Takes the function out, for the caller to drop or keep.
    pub(crate) fn take(&self) -> Option<CallbackFn> {
        self.0.swap(None).map(CallbackFn)
    }

    /// Puts the function back.
    pub(crate) fn put(&self, function: CallbackFn) {
        self.0.store(Some(function.0));
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

impl fmt::Debug for CallbackFn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallbackFn")
    }
}

/// `when(..)p%n*task(arg)`: one alternative of a configuration, as plain data.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Alternative {
    /// All of them must match. Sorted by key.
    pub(crate) matchers: Vec<Matcher>,
    /// At least 0; `None`, and 100 or more, means always.
    pub(crate) percent: Option<f64>,
    /// How often it may fire.
    pub(crate) count: Option<usize>,
    pub(crate) task: Task,
}

impl Alternative {
    /// Creates an alternative that always does `task`.
    pub(crate) fn always(task: Task) -> Self {
        Self {
            matchers: Vec::new(),
            percent: None,
            count: None,
            task,
        }
    }

    /// Adds `matchers` to those that are there already.
    pub(crate) fn demand(&mut self, matchers: &[Matcher]) {
        for matcher in matchers {
            // After those with the same key.
            let at = self.matchers.partition_point(|m| m.key() <= matcher.key());
            self.matchers.insert(at, matcher.clone());
        }
    }
}
