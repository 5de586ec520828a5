//! The actions: one table, from which all else about them follows.
//!
//! A new action is a variant, its row, and its words in [`Action::parts`]; the compiler and the
//! tests below ask for the rest: what runs it, and the pages that list the actions.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwapOption;

use super::time::Time;
use crate::engine::draws::Bits;
use crate::engine::name::distance;

/// What a hit does once an alternative is chosen.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    Off,
    /// `None` without an argument: `fail`'s closures see the difference.
    Return(Option<String>),
    Sleep(Time),
    Pause,
    Panic(Option<String>),
    Print(Option<String>),
    Yield,
    Delay(Time),
    /// With this status.
    Exit(u8),
    Callback(Callback),
}

/// A word of the grammar.
pub(crate) struct Row {
    pub(crate) word: &'static str,
    pub(crate) argument: Argument,
    /// Whether it may end the thread or the process: those outside may be refused it.
    pub(crate) is_harmful: bool,
    /// Whether `fail` knows it.
    pub(crate) in_fail: bool,
    /// What people write who mean it, in lower case.
    meant_by: &'static [&'static str],
}

/// What a word takes in parentheses, and the action that the two make.
pub(crate) enum Argument {
    /// Nothing; `fail` ignores what stands there.
    Nothing(fn() -> Action),
    /// A text, or nothing.
    Text(fn(Option<String>) -> Action),
    /// How long it takes.
    Time(fn(Time) -> Action),
    /// The status of the process, or nothing for 1.
    Status(fn(u8) -> Action),
}

/// The actions, in the order in which errors list them.
pub(crate) static TABLE: &[Row] = &[
    Row::new("off", Argument::Nothing(|| Action::Off)).meant_by(&[
        "none", "noop", "nothing", "ignore", "skip", "continue", "disable", "disabled",
    ]),
    Row::new("return", Argument::Text(Action::Return)).meant_by(&["ret", "err", "error", "fail"]),
    Row::new("sleep", Argument::Time(Action::Sleep)),
    Row::new("pause", Argument::Nothing(|| Action::Pause)).meant_by(&[
        "wait", "block", "hang", "stop", "halt", "stall", "suspend", "park",
    ]),
    Row::new("panic", Argument::Text(Action::Panic)).harmful(),
    Row::new("print", Argument::Text(Action::Print)).meant_by(&["log", "echo", "println"]),
    Row::new("yield", Argument::Nothing(|| Action::Yield)),
    Row::new("delay", Argument::Time(Action::Delay)).meant_by(&["spin", "busy"]),
    Row::new("exit", Argument::Status(Action::Exit))
        .harmful()
        .not_in_fail()
        .meant_by(&["abort", "crash", "kill", "quit"]),
];

impl Row {
    const fn new(word: &'static str, argument: Argument) -> Self {
        Self {
            word,
            argument,
            is_harmful: false,
            in_fail: true,
            meant_by: &[],
        }
    }

    const fn harmful(mut self) -> Self {
        self.is_harmful = true;
        self
    }

    const fn not_in_fail(mut self) -> Self {
        self.in_fail = false;
        self
    }

    const fn meant_by(mut self, words: &'static [&'static str]) -> Self {
        self.meant_by = words;
        self
    }

    /// Returns the row of `word`.
    pub(crate) fn of(word: &str) -> Option<&'static Self> {
        TABLE.iter().find(|row| row.word == word)
    }

    /// Returns the row that `word` was probably meant to be: it has the word in capitals, one within
    /// two edits, or one that people use for it.
    pub(super) fn meant(word: &str) -> Option<&'static Self> {
        // No word is longer; the distance of a long text would take long.
        if word.len() > 12 {
            return None;
        }
        let word = word.to_ascii_lowercase();
        let edits = |row: &Self| {
            let own = distance(&word, row.word);
            // Another word for it has to be almost right, and one of three letters right.
            let others = row.meant_by.iter().filter_map(|other| {
                let edits = distance(&word, other);
                (edits == 0 || (edits == 1 && other.len() > 3)).then_some(edits)
            });
            others.fold(own, usize::min)
        };
        let distances = TABLE.iter().map(|row| (edits(row), row));
        let (edits, row) = distances.min_by_key(|(edits, _)| *edits)?;
        (edits <= 2 && edits < word.len()).then_some(row)
    }
}

/// Returns the words of the rows that are `listed`.
pub(crate) fn words(listed: fn(&Row) -> bool) -> Vec<&'static str> {
    let rows = TABLE.iter().filter(|row| listed(row));
    rows.map(|row| row.word).collect()
}

impl Action {
    /// Whether each hit that it takes draws a time.
    pub(crate) fn draws_time(&self) -> bool {
        match self {
            Self::Sleep(time) | Self::Delay(time) => time.is_drawn(),
            _ => false,
        }
    }

    /// Draws its time from `bits` from now on.
    pub(crate) fn draw_time_from(&mut self, bits: Bits) {
        if let Self::Sleep(time) | Self::Delay(time) = self {
            time.draw_from(bits);
        }
    }

    /// Returns its word and its argument.
    fn parts(&self) -> (&'static str, Option<Cow<'_, str>>) {
        match self {
            Self::Off => ("off", None),
            Self::Return(value) => ("return", value.as_deref().map(Cow::from)),
            Self::Sleep(time) => ("sleep", Some(time.to_string().into())),
            Self::Pause => ("pause", None),
            Self::Panic(message) => ("panic", message.as_deref().map(Cow::from)),
            Self::Print(message) => ("print", message.as_deref().map(Cow::from)),
            Self::Yield => ("yield", None),
            Self::Delay(time) => ("delay", Some(time.to_string().into())),
            Self::Exit(1) => ("exit", None),
            Self::Exit(status) => ("exit", Some(status.to_string().into())),
            // Not a word of the grammar: a function has no text.
            Self::Callback(_) => ("callback", None),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.parts() {
            (word, None) => f.write_str(word),
            (word, Some(argument)) => write!(f, "{word}({argument})"),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The action that a row makes, of an argument that says whose it is.
    fn action(row: &Row) -> Action {
        match row.argument {
            Argument::Nothing(action) => action(),
            Argument::Text(action) => action(Some("7".to_owned())),
            Argument::Time(action) => action(Time::exactly(7)),
            Argument::Status(action) => action(7),
        }
    }

    #[test]
    fn every_row_makes_the_action_whose_text_has_its_word() {
        for row in TABLE {
            assert_eq!(action(row).parts().0, row.word);
        }
    }

    #[test]
    fn another_word_means_one_row_and_is_none_itself() {
        for row in TABLE {
            for other in row.meant_by {
                assert!(Row::of(other).is_none(), "{other}");
                let meant = Row::meant(other).unwrap();
                assert_eq!(meant.word, row.word, "{other}");
            }
        }
    }

    #[test]
    fn the_pages_list_every_action() {
        let pages = [
            ("src/lib.rs", include_str!("../../lib.rs")),
            ("README.md", include_str!("../../../README.md")),
        ];
        for (row, (name, page)) in TABLE.iter().flat_map(|row| pages.map(|page| (row, page))) {
            let rows = page.lines().filter_map(|line| line.split_once("| `"));
            let mut words = rows.filter_map(|(_, row)| row.split(['`', '(']).next());
            let is_listed = words.any(|word| word == row.word);
            assert!(
                is_listed,
                "{name}: the table of actions has no `{}`",
                row.word
            );
        }
    }
}
