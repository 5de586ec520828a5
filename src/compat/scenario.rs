//! Scenarios: one test at a time owns the table.

use std::env::{self, VarError};
use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, MutexGuard};

use crate::compat::fail_api;
use crate::engine::env::seed;
use crate::engine::layers::Cause;
use crate::engine::point::{Made, Point};
use crate::engine::scope::{Home, Turn};
use crate::engine::table::Registry;
use crate::engine::unwind::in_destructor;

/// Outside of all scopes.
static TURN: Turn = Turn::new();

fn turn(home: &Home) -> &Turn {
    home.0.as_ref().map_or(&TURN, |node| &node.turn)
}

/// Whoever has this has the turn in a scope.
struct Held(Home);

impl Drop for Held {
    fn drop(&mut self) {
        turn(&self.0).give_back();
    }
}

/// A test's hold on the failpoints of the process.
///
/// Only one exists at a time: [`setup`](Self::setup) waits for the scenario of another thread to
/// end. Dropping it clears every failpoint, as [`teardown`](Self::teardown) does.
///
/// ```
/// use neon_failpoint::compat::{FailScenario, cfg, list};
///
/// let scenario = FailScenario::setup();
/// cfg("compat-scenario-doc", "off").unwrap();
/// scenario.teardown();
/// assert!(list().is_empty());
/// ```
pub struct FailScenario<'a> {
    /// Given back even if clearing the points, which runs users' destructors, panics.
    held: Held,
    set_up: Cause,
    /// As in `fail`, it stays on its thread.
    _scenario: PhantomData<MutexGuard<'a, ()>>,
}

impl fmt::Debug for FailScenario<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FailScenario").finish_non_exhaustive()
    }
}

impl<'a> FailScenario<'a> {
    /// Begins a scenario with the failpoints of the environment.
    ///
    /// It clears every failpoint, including those configured natively, and configures those of the
    /// environment variable `FAILPOINTS` (`name=actions;name=actions`; of several entries with one
    /// name the last one counts). If `FAILPOINTS_SEED` is set, which `fail` does not know,
    /// percentages draw by it, from the start for each scenario.
    ///
    /// # Panics
    ///
    /// If `FAILPOINTS` is not of that form, with `fail`'s messages: then nothing of it is
    /// configured. If `FAILPOINTS_SEED` is not a number. If this thread has a scenario already.
    #[track_caller]
    pub fn setup() -> Self {
        Self::begin("FailScenario::setup", |home| points(home, &variable()))
    }

    /// Begins a scenario with the points that `read` returns; the panic about a second one names
    /// `caller`.
    #[track_caller]
    pub(crate) fn begin(caller: &str, read: impl FnOnce(&Home) -> Vec<Arc<Point>>) -> Self {
        let registry = Registry::global();
        let home = registry.home();
        if !turn(&home).take() {
            panic!(
                "{caller}: this thread has a scenario already, which has to end first (call \
                 teardown, or drop it)"
            );
        }
        // From here on a panic ends the scenario.
        let scenario = Self {
            held: Held(home.clone()),
            set_up: Cause::here("cleared by a scenario set up"),
            _scenario: PhantomData,
        };
        // Cleared even if the value turns out to be bad.
        registry.reset(&home, &[], Some(scenario.set_up));
        // One scenario draws as another does.
        let draws = registry.draws_of(&home);
        match seed() {
            Ok(None) => draws.restart(),
            Ok(Some(seed)) => draws.set_seed(seed),
            Err(e) => panic!("{e}"),
        }
        registry.reset(&home, &read(&home), Some(scenario.set_up));
        scenario
    }

    /// Ends the scenario: clears every failpoint, and their waiters continue.
    pub fn teardown(self) {
        drop(self);
    }
}

impl Drop for FailScenario<'_> {
    fn drop(&mut self) {
        let reset = || Registry::global().reset(&self.held.0, &[], Some(self.set_up));
        in_destructor(reset);
    }
}

/// Returns the value of `FAILPOINTS`, empty if it is unset.
pub(crate) fn variable() -> String {
    match env::var("FAILPOINTS") {
        Ok(failpoints) => failpoints,
        Err(VarError::NotPresent) => String::new(),
        Err(e) => panic!("invalid failpoints: {e:?}"),
    }
}

/// Returns the entries in a value of `FAILPOINTS`.
pub(crate) fn entries(failpoints: &str) -> impl Iterator<Item = &str> {
    let entries = failpoints.trim().split(';').map(str::trim);
    entries.filter(|entry| !entry.is_empty())
}

/// Returns the points of the environment.
fn points(home: &Home, failpoints: &str) -> Vec<Arc<Point>> {
    let point = |entry: &str| match entry.split_once('=') {
        None => panic!("invalid failpoint: {entry:?}"),
        Some((name, actions)) => fail_api::point(home, Made::Environment, name, actions)
            .unwrap_or_else(|e| panic!("unable to configure failpoint \"{name}\": {e}")),
    };
    entries(failpoints).map(point).collect()
}
