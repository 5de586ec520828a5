//! Broken variants of the replacement, as wrappers around it: the scripts are only worth something
//! if they notice each of them.

use crate::api::{Fail, Happened, Ours};
use crate::script::{Form, Naming, Site};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Debug, Display, Formatter};
use std::sync::{Mutex, MutexGuard, OnceLock};

macro_rules! mutants {
    ($($(#[doc = $doc:literal])* $mutant:ident = $name:literal,)*) => {
        /// One way to be broken.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Mutant {
            $($(#[doc = $doc])* $mutant,)*
        }

        impl Mutant {
            /// Every mutant.
            pub const ALL: [Self; [$($name),*].len()] = [$(Self::$mutant),*];
        }

        impl Display for Mutant {
            fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(Self::$mutant => $name,)*
                })
            }
        }
    };
}

mutants! {
    /// `n*` fires once more.
    CountOffByOne = "count-off-by-one",
    /// `remove` leaves paused threads where they are.
    NoWake = "no-wake-on-remove",
    /// `setup` keeps what was configured.
    SetupWipesNothing = "setup-that-wipes-nothing",
    /// `teardown` keeps what was configured.
    TeardownWipesNothing = "teardown-that-wipes-nothing",
    /// A guard puts back what it found.
    GuardRestores = "guard-that-restores",
    /// An error says the same in better English.
    OtherErrorText = "another-error-text",
    /// A refused configuration takes the earlier one with it.
    RefusalRemoves = "refusal-that-removes",
    /// `print` logs with the target of another crate.
    OtherLogTarget = "wrong-log-target",
    /// The last alternative is tried first.
    ChainReversed = "chain-order-reversed",
    /// The macro's condition is not looked at.
    ConditionIgnored = "condition-ignored",
    /// A bare `return` gives the empty text.
    EmptyForNothing = "empty-text-for-a-bare-return",
    /// Only names known at compile time are looked up.
    RunTimeNameIgnored = "run-time-name-ignored",
    /// Points with a callback are not listed.
    CallbackUnlisted = "callback-not-listed",
}

static CHOSEN: OnceLock<Mutant> = OnceLock::new();

/// Decides how [`Mutated`] is broken in this process.
pub(crate) fn choose(mutant: Mutant) {
    CHOSEN.get_or_init(|| mutant);
}

fn is(mutant: Mutant) -> bool {
    CHOSEN.get() == Some(&mutant)
}

/// What the wrapper has to know besides what the replacement knows.
#[derive(Debug)]
struct Notes {
    /// The names that count as removed but are not.
    removed: BTreeSet<String>,
    /// The actions as they were given, by name.
    given: BTreeMap<String, String>,
}

static NOTES: Mutex<Notes> = Mutex::new(Notes {
    removed: BTreeSet::new(),
    given: BTreeMap::new(),
});

fn notes() -> MutexGuard<'static, Notes> {
    NOTES
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// The replacement, broken in the chosen way.
#[derive(Debug)]
pub(crate) enum Mutated {}

/// A guard that may put back what it found.
pub(crate) struct Guard {
    inner: Option<<Ours as Fail>::Guard>,
    found: Option<(String, String)>,
}

impl Debug for Guard {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.inner {
            Some(inner) => inner.fmt(f),
            None => f.write_str("dropped"),
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.inner = None;
        restore(self.found.take());
    }
}

/// Creates a guard with `make`, which is to put back what `name` does now.
fn guard(
    name: &str,
    make: impl FnOnce() -> Result<<Ours as Fail>::Guard, String>,
) -> Result<Guard, String> {
    let mut list = Mutated::list().into_iter();
    let found = list.find(|(listed, _)| listed == name && is(Mutant::GuardRestores));
    Ok(Guard {
        inner: Some(make()?),
        found,
    })
}

fn restore(list: impl IntoIterator<Item = (String, String)>) {
    for (name, actions) in list {
        // A callback cannot be put back, because its text is not an action.
        let _ = Mutated::cfg(&name, &actions);
    }
}

/// Notes that `name` is configured, and returns the actions to configure.
fn given(name: &str, actions: &str) -> String {
    let mut notes = notes();
    notes.removed.remove(name);
    notes.given.insert(name.to_owned(), actions.to_owned());
    rewrite(actions)
}

/// Returns the actions that the replacement gets instead of these.
fn rewrite(actions: &str) -> String {
    let mut alternatives: Vec<_> = actions.split("->").map(str::to_owned).collect();
    if is(Mutant::ChainReversed) {
        alternatives.reverse();
    }
    if is(Mutant::CountOffByOne) {
        alternatives = alternatives.iter().map(|text| one_more(text)).collect();
    }
    alternatives.join("->")
}

/// `2*return` for `1*return`.
fn one_more(alternative: &str) -> String {
    let head = alternative.split('(').next().unwrap_or_default();
    let Some(star) = head.find('*') else {
        return alternative.to_owned();
    };
    let start = head.find('%').map_or(0, |percent| percent + 1);
    match head
        .get(start..star)
        .and_then(|count| count.parse::<usize>().ok())
    {
        Some(count) => {
            let more = count.saturating_add(1);
            format!("{}{more}{}", &alternative[..start], &alternative[star..])
        }
        None => alternative.to_owned(),
    }
}

fn reword(error: String) -> String {
    if is(Mutant::OtherErrorText) {
        error.replace("sleep require timeout", "sleep requires a timeout")
    } else {
        error
    }
}

impl Fail for Mutated {
    type Guard = Guard;
    type Scenario = <Ours as Fail>::Scenario;
    type Stay = ();

    fn enter() {}

    fn cfg(name: &str, actions: &str) -> Result<(), String> {
        let result = Ours::cfg(name, &given(name, actions));
        if result.is_err() && is(Mutant::RefusalRemoves) {
            Ours::remove(name);
        }
        result.map_err(reword)
    }

    fn cfg_callback(name: &str, f: impl Fn() + Send + Sync + 'static) -> Result<(), String> {
        given(name, "callback");
        Ours::cfg_callback(name, f)
    }

    fn remove(name: &str) {
        if is(Mutant::NoWake) {
            notes().removed.insert(name.to_owned());
        } else {
            Ours::remove(name);
        }
    }

    fn list() -> Vec<(String, String)> {
        let notes = notes();
        let mut list = Ours::list();
        list.retain(|(name, text)| {
            let hidden = text == "callback" && is(Mutant::CallbackUnlisted);
            !hidden && !notes.removed.contains(name)
        });
        for (name, text) in &mut list {
            if let Some(given) = notes.given.get(name) {
                if rewrite(given) == *text {
                    text.clone_from(given);
                }
            }
        }
        list
    }

    fn has_failpoints() -> bool {
        Ours::has_failpoints()
    }

    fn guard(name: &str, actions: &str) -> Result<Guard, String> {
        guard(name, || {
            Ours::guard(name, &given(name, actions)).map_err(reword)
        })
    }

    fn guard_with_callback(
        name: &str,
        f: impl Fn() + Send + Sync + 'static,
    ) -> Result<Guard, String> {
        given(name, "callback");
        guard(name, || Ours::guard_with_callback(name, f))
    }

    fn setup() -> Self::Scenario {
        let before = Self::list();
        let scenario = Ours::setup();
        notes().removed.clear();
        if is(Mutant::SetupWipesNothing) {
            restore(before);
        }
        scenario
    }

    fn teardown(scenario: Self::Scenario) {
        let before = Self::list();
        Ours::teardown(scenario);
        if is(Mutant::TeardownWipesNothing) {
            restore(before);
        }
    }

    fn hit(site: &Site) -> Happened {
        if notes().removed.contains(&site.name) {
            return Happened::WentOn;
        }
        if site.naming == Naming::RunTime && is(Mutant::RunTimeNameIgnored) {
            return Happened::WentOn;
        }
        let mut site = site.clone();
        if site.form == Form::Condition(false) && is(Mutant::ConditionIgnored) {
            site.form = Form::Condition(true);
        }
        match Ours::hit(&site) {
            Happened::Returned(None) if is(Mutant::EmptyForNothing) => {
                Happened::Returned(Some(String::new()))
            }
            happened => happened,
        }
    }

    fn log_target(target: &str) -> &str {
        if is(Mutant::OtherLogTarget) {
            "neon_failpoint"
        } else {
            target
        }
    }
}
