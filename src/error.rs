//! The error type of this crate.

use std::cell::Cell;
use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// What was refused, where, and what would have been accepted.
///
/// A call that returns an error has changed no configuration. The text names the failpoint, the
/// offending word with its byte position, and what was expected. It is written for people and may
/// change in any release; programs should use [`is_timeout`](Self::is_timeout) and the like.
///
/// ```
/// # if !neon_failpoint::has_failpoints() { return }
/// let error = neon_failpoint::configure_failpoint("error-doc", "3*retrun").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "failpoint \"error-doc\": unknown action \"retrun\" at byte 2 of the actions; expected one \
///      of off, return, sleep, pause, panic, print, yield, delay, exit; did you mean \"return\"?",
/// );
/// ```
pub struct Error(Arc<Inner>);

/// The feature that a build without failpoints lacks.
const TESTING: &str = "testing";

/// What brings it to tests.
const IN_CARGO_TOML: &str = concat!(
    "[dev-dependencies] neon_failpoint = { version = \"",
    env!("CARGO_PKG_VERSION_MAJOR"),
    ".",
    env!("CARGO_PKG_VERSION_MINOR"),
    "\", features = [\"testing\"] }"
);

thread_local! {
    /// The error that this thread made last: a guard that fails a test says it if it is still there,
    /// because it may be what the test was about to return.
    static LATEST: Cell<Weak<Inner>> = const { Cell::new(Weak::new()) };
}

#[derive(Clone)]
struct Inner {
    place: Place,
    name: Option<String>,
    problem: Problem,
}

/// The text that the failpoint was configured by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A call that configures one point, or none at all.
    Call,
    /// The entry of that number in a batch, counted from 1.
    Batch(usize),
    /// The entry of that number in the environment variable, counted from 1.
    Env(usize),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Problem {
    EmptyName,
    EmptyActions,
    /// A part of the text that the grammar does not allow there.
    Syntax(Syntax),
    /// The key of a matcher, what is wrong with it, and what was expected. It comes from a call,
    /// not from a text, so there is no position.
    Key {
        key: String,
        what: &'static str,
        expected: &'static str,
    },
    #[cfg_attr(
        not(feature = "context"),
        expect(dead_code, reason = "there is no regex to be wrong")
    )]
    Regex {
        key: String,
        regex: Box<str>,
        reason: Box<str>,
        /// What would be right if it is one, but needs too much memory.
        smaller: Option<&'static str>,
    },
    Duplicate {
        first: usize,
    },
    /// The environment variable is not UTF-8 from that byte on.
    NotUnicode {
        variable: &'static str,
        position: usize,
    },
    Seed {
        value: String,
    },
    /// A bad value of FAILPOINTS_WAIT_DEADLINE.
    WaitDeadline {
        value: String,
    },
    /// The call needs a configured point, and there is none.
    NotConfigured {
        /// What is known about the name, unless it is configured elsewhere: where its call sites are, or
        /// which names are like it.
        about: Option<String>,
        /// Where else it is configured, if it is.
        elsewhere: Option<&'static str>,
        /// What became of the last guard that configured it.
        guard: Option<String>,
    },
    /// What the guard configured is no longer there: how that came about, if it is known.
    Ended(Option<String>),
    /// The point was removed during a wait: how that came about, if it is known.
    Removed(Option<String>),
    /// Another thread came in the way of the guard; whether the point was there when the wait began.
    Disturbed {
        how: Box<str>,
        was_there: bool,
    },
    /// The scope that the call acts in has ended.
    ScopeEnded,
    /// The goal of a wait was not reached in time.
    Deadline {
        /// How much of the goal was reached.
        came: String,
        limit: Duration,
        /// A hint about the point, and every configured point with its waiters.
        state: String,
    },
    /// What was to reach the goal of a wait ended before.
    TaskEnded {
        /// How much of the goal was reached.
        came: String,
        /// As for a deadline.
        state: String,
    },
    /// The build lacks a feature that the call needs.
    Feature {
        what: &'static str,
        feature: &'static str,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Syntax {
    /// What is wrong with `word`, as in `unknown action`.
    pub(crate) what: &'static str,
    pub(crate) word: String,
    pub(crate) position: usize,
    pub(crate) expected: String,
    /// What `word` may have been meant to be.
    pub(crate) meant: Option<Box<str>>,
}

impl Error {
    pub(crate) fn new(problem: Problem) -> Self {
        Self::made(Inner {
            place: Place::Call,
            name: None,
            problem,
        })
    }

    pub(crate) fn of_point(name: &str, problem: Problem) -> Self {
        Self::made(Inner {
            place: Place::Call,
            name: Some(name.to_owned()),
            problem,
        })
    }

    fn made(inner: Inner) -> Self {
        let inner = Arc::new(inner);
        // An error means that the thread is ending.
        let _ = LATEST.try_with(|latest| latest.replace(Arc::downgrade(&inner)));
        Self(inner)
    }

    /// Returns the error that this thread made last, if it was not dropped since, and forgets it: what a
    /// panic takes the place of may never be dropped, and is no news to the next test of the thread.
    pub(crate) fn take_latest() -> Option<Self> {
        let latest = LATEST.try_with(|latest| latest.take().upgrade());
        latest.ok()?.map(Self)
    }

    /// Returns whether the call, a wait or a release, needs a configured failpoint and found none.
    ///
    /// ```
    /// # if !neon_failpoint::has_failpoints() { return }
    /// let error = neon_failpoint::release_failpoint("never-armed", 1).unwrap_err();
    /// assert!(error.is_not_configured());
    /// ```
    pub fn is_not_configured(&self) -> bool {
        matches!(
            self.0.problem,
            Problem::NotConfigured { .. }
                | Problem::Ended(_)
                | Problem::Disturbed {
                    was_there: false,
                    ..
                }
        )
    }

    /// Returns whether the failpoint was removed during a [`Wait`](crate::Wait) for it, or its
    /// [scope](crate::Scope) has ended.
    pub fn is_removed(&self) -> bool {
        matches!(
            self.0.problem,
            Problem::Removed(_)
                | Problem::Disturbed {
                    was_there: true,
                    ..
                }
                | Problem::ScopeEnded
        )
    }

    /// Returns whether the deadline of a [`Wait`](crate::Wait) has passed.
    ///
    /// ```
    /// # if !neon_failpoint::has_failpoints() { return }
    /// let point = neon_failpoint::arm("timeout-doc", "off").unwrap();
    /// let wait = point.wait_for_hits(1).within(std::time::Duration::from_millis(1));
    /// assert!(wait.blocking().unwrap_err().is_timeout());
    /// ```
    pub fn is_timeout(&self) -> bool {
        matches!(self.0.problem, Problem::Deadline { .. })
    }

    pub(crate) fn at(self, place: Place) -> Self {
        let inner = Arc::unwrap_or_clone(self.0);
        Self::made(Inner { place, ..inner })
    }

    /// The error of a build that lacks `feature`, which `what` needs.
    pub(crate) fn feature(what: &'static str, feature: &'static str) -> Self {
        Self::new(Problem::Feature { what, feature })
    }
}

impl std::error::Error for Error {}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // This is what `unwrap`, and a `main` that returns it, print: for people as well.
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner {
            place,
            name,
            problem,
        } = &*self.0;
        match place {
            Place::Call => {}
            Place::Batch(number) => write!(f, "entry {number} of the batch: ")?,
            Place::Env(number) => write!(f, "FAILPOINTS, entry {number}: ")?,
        }
        if let Some(name) = name {
            write!(f, "failpoint {}: ", Word(name))?;
        }
        match problem {
            Problem::EmptyName => write!(f, "the name is empty; expected the name of a failpoint"),
            Problem::EmptyActions => write!(
                f,
                "the actions are empty; expected [p%][n*]action[(argument)], \"off\" to do nothing"
            ),
            Problem::Syntax(syntax) => syntax.write(f, *place),
            Problem::Key {
                key,
                what,
                expected,
            } => {
                write!(f, "{what}")?;
                if !key.is_empty() {
                    write!(f, " {}", Word(key))?;
                }
                write!(f, "; expected {expected}")
            }
            Problem::Regex {
                key,
                regex,
                reason,
                smaller,
            } => {
                let what = match smaller {
                    None => "is not a regular expression",
                    Some(_) => "needs too much memory",
                };
                let (key, regex) = (Word(key), Word(regex));
                write!(f, "the matcher for key {key} {what}: {regex}: {reason}")?;
                match smaller {
                    None => Ok(()),
                    Some(smaller) => write!(f, "; expected {smaller}"),
                }
            }
            Problem::Duplicate { first } => {
                write!(
                    f,
                    "entry {first} configures the same name; expected each name once"
                )
            }
            Problem::NotUnicode { variable, position } => {
                write!(
                    f,
                    "{variable} is not UTF-8 at byte {position}; expected UTF-8 text"
                )
            }
            Problem::Seed { value } => write!(
                f,
                "FAILPOINTS_SEED is {}; expected a whole number from 0 to {}",
                Word(value),
                u64::MAX
            ),
            Problem::WaitDeadline { value } => write!(
                f,
                "FAILPOINTS_WAIT_DEADLINE is {}; expected a time such as 10s, 500ms or 2min (a number \
                 alone is milliseconds), or off",
                Word(value)
            ),
            Problem::NotConfigured {
                about,
                elsewhere,
                guard,
            } => {
                write!(f, "it is not configured; expected a name that is")?;
                if let Some(guard) = guard {
                    write!(f, "; {guard}")?;
                }
                match (elsewhere, about) {
                    (Some(elsewhere), _) => write!(f, "; {elsewhere}"),
                    (None, Some(about)) => write!(f, "; {about}"),
                    (None, None) => Ok(()),
                }
            }
            Problem::Ended(how) => write!(
                f,
                "it is not configured by this guard any more: {}",
                how.as_deref().unwrap_or(
                    "the guard was dropped, the point was removed, or `remove_all_failpoints` or a \
                     scenario of `compat` ended all guards"
                )
            ),
            Problem::Disturbed { how, .. } => write!(f, "{how}"),
            Problem::ScopeEnded => write!(
                f,
                "its scope has ended; expected a scope with an owner: the `Isolated` of `isolate`, \
                 or a handle"
            ),
            Problem::Removed(how) => {
                write!(f, "it was removed during the wait")?;
                if let Some(how) = how {
                    write!(f, ": {how}")?;
                }
                write!(f, "; expected it to stay configured")
            }
            Problem::Deadline { came, limit, state } => {
                write!(f, "{came} within {limit:?}; {state}")
            }
            Problem::TaskEnded { came, state } => {
                write!(f, "the task ended first: {came}; {state}")
            }
            Problem::Feature { what, feature } => {
                write!(
                    f,
                    "{what} needs the feature `{feature}` of neon_failpoint, and this build is \
                     without it"
                )?;
                match *feature {
                    TESTING => write!(
                        f,
                        "; for tests and examples, Cargo.toml has: {IN_CARGO_TOML}"
                    ),
                    _ => Ok(()),
                }
            }
        }
    }
}

impl Syntax {
    fn write(&self, f: &mut fmt::Formatter<'_>, place: Place) -> fmt::Result {
        let text = match place {
            Place::Env(_) => "FAILPOINTS",
            Place::Call | Place::Batch(_) => "the actions",
        };
        write!(f, "{}", self.what)?;
        if !self.word.is_empty() {
            write!(f, " {}", Word(&self.word))?;
        }
        write!(
            f,
            " at byte {} of {text}; expected {}",
            self.position, self.expected
        )?;
        if let Some(meant) = &self.meant {
            write!(f, "; did you mean \"{meant}\"?")?;
        }
        Ok(())
    }
}

/// A number of times, for people.
pub(crate) fn times(n: usize) -> String {
    match n {
        1 => "once".to_owned(),
        _ => format!("{n} times"),
    }
}

/// A user's text in quotes, truncated if it is long.
pub(crate) struct Word<'a>(pub(crate) &'a str);

impl Word<'_> {
    /// The most characters of it that are shown.
    pub(crate) const MOST: usize = 60;
}

impl fmt::Display for Word<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(Self::MOST) {
            None => write!(f, "{:?}", self.0),
            Some((end, _)) => write!(
                f,
                "{:?} and {} more bytes",
                &self.0[..end],
                self.0.len() - end
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_words_are_cut() {
        let error = Error::of_point(&"(".repeat(1 << 20), Problem::EmptyActions);
        assert!(error.to_string().len() < 300, "{error}");
    }

    #[test]
    fn error_is_send_and_sync() {
        fn check<T: std::error::Error + Send + Sync + 'static>() {}
        check::<Error>();
    }
}
