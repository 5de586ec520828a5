//! Scenarios: one test at a time owns the table.

use std::env::{self, VarError};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, ThreadId};

use crate::compat::fail_api::point;
use crate::engine::env::seed;
use crate::engine::point::Point;
use crate::engine::sync::unpoisoned;
use crate::engine::table::Registry;
use crate::engine::unwind::in_destructor;

static SCENARIO: Mutex<()> = Mutex::new(());
/// The thread that holds `SCENARIO`.
static OWNER: Mutex<Option<ThreadId>> = Mutex::new(None);

fn owner() -> MutexGuard<'static, Option<ThreadId>> {
    unpoisoned(OWNER.lock())
}

/// This thread's entry in `OWNER`.
#[derive(Debug)]
struct Owner;

impl Drop for Owner {
    fn drop(&mut self) {
        *owner() = None;
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
#[derive(Debug)]
pub struct FailScenario<'a> {
    // In this order: ownership is given up before the next scenario can begin, even if clearing the
    // points, which runs users' destructors, panics.
    _owner: Owner,
    _scenario: MutexGuard<'a, ()>,
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
    pub fn setup() -> Self {
        Self::begin("FailScenario::setup", || points(&variable()))
    }

    /// Begins a scenario with the points that `read` returns; the panic about a second one names
    /// `caller`.
    pub(crate) fn begin(caller: &str, read: impl FnOnce() -> Vec<Arc<Point>>) -> Self {
        let this = thread::current().id();
        if *owner() == Some(this) {
            panic!(
                "{caller}: this thread has a scenario already, which has to end first (call \
                 teardown, or drop it)"
            );
        }
        let scenario = unpoisoned(SCENARIO.lock());
        *owner() = Some(this);
        // From here on a panic ends the scenario.
        let scenario = Self {
            _owner: Owner,
            _scenario: scenario,
        };
        // Cleared even if the value turns out to be bad.
        Registry::global().reset(Vec::new());
        match seed() {
            Ok(None) => {}
            Ok(Some(seed)) => Registry::global().draws.set_seed(seed),
            Err(e) => panic!("{e}"),
        }
        Registry::global().reset(read());
        scenario
    }

    /// Ends the scenario: clears every failpoint, and their waiters continue.
    pub fn teardown(self) {
        drop(self);
    }
}

impl Drop for FailScenario<'_> {
    fn drop(&mut self) {
        in_destructor(|| Registry::global().reset(Vec::new()));
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
fn points(failpoints: &str) -> Vec<Arc<Point>> {
    let point = |entry: &str| match entry.split_once('=') {
        None => panic!("invalid failpoint: {entry:?}"),
        Some((name, actions)) => point(name, actions)
            .unwrap_or_else(|e| panic!("unable to configure failpoint \"{name}\": {e}")),
    };
    entries(failpoints).map(point).collect()
}
