//! FAILPOINTS and FAILPOINTS_SEED: read once, by `init` or at the first use of the native API.

use std::env::VarError;
use std::sync::Arc;

use crate::engine::actions::chain::{self, Entry, EntryProblem};
use crate::engine::exit::end_process;
use crate::engine::inside::Inside;
use crate::engine::point::{Made, Point};
use crate::engine::scope::Home;
use crate::engine::site::ENABLED;
use crate::engine::suggest::announce_env;
use crate::engine::table::{Ended, Registry};
use crate::engine::trie::Named;
use crate::engine::watch;
use crate::error::{Error, Place, Problem};

const VARIABLE: &str = "FAILPOINTS";
const SEED: &str = "FAILPOINTS_SEED";

/// Configures the failpoints of the environment variable `FAILPOINTS`.
///
/// Its value is `name=actions;name=actions`. Of several entries with the same name the last one
/// counts; white space around names and entries is ignored. `FAILPOINTS_SEED` is the seed of
/// percentages and random times (see [`set_seed`](crate::set_seed)), `FAILPOINTS_WAIT_DEADLINE` the
/// deadline of waits (see [`set_wait_deadline`](crate::set_wait_deadline)). An empty variable counts as
/// unset.
///
/// The variable is read once in the life of a process: called again, or after a scenario of
/// [`compat`](crate::compat), this does nothing. Call it to handle a bad value as an error.
/// Otherwise the first use of the native API (any hit, a configure, a list) reads the variable, and
/// a bad value ends the process with a message on standard error and status 2: a run that was meant
/// to inject faults must not continue without them. A name that is configured already keeps its
/// configuration.
///
/// # Errors
///
/// If the value is not UTF-8 or does not follow the grammar, with the entry and the byte, or if
/// `FAILPOINTS_SEED` is not a whole number, or `FAILPOINTS_WAIT_DEADLINE` no time: then nothing
/// takes effect, and the variable counts as read. In a build without the feature `testing`, if the
/// value is not empty.
///
/// # Examples
///
/// ```no_run
/// fn main() -> Result<(), neon_failpoint::Error> {
///     neon_failpoint::init()?;
///     // FAILPOINTS="before-commit=sleep(100);after-commit=1*return(lost)" took effect.
///     Ok(())
/// }
/// ```
pub fn init() -> Result<(), Error> {
    if !ENABLED {
        return match std::env::var_os(VARIABLE) {
            Some(value) if !value.is_empty() => Err(Error::feature(
                "the environment variable FAILPOINTS",
                "testing",
            )),
            _ => Ok(()),
        };
    }
    read_env(true)
}

/// Reads the environment unless that was done already; a bad value ends the process.
#[inline]
pub(crate) fn read_once() {
    if ENABLED && !Registry::global().is_env_read() {
        read_or_exit();
    }
}

#[cold]
fn read_or_exit() {
    // A failure does not count as a reading: while this thread ends the process, other threads come
    // here as well and do not continue without faults.
    if is_unset() {
        return Registry::global().no_env();
    }
    if let Err(error) = read_env(false) {
        let _inside = Inside::enter();
        end_process(&format!("neon_failpoint: {error}"), 2);
    }
}

/// Whether there is nothing to read. This neither allocates nor takes a lock of ours, so that the first
/// hit of a process may be in its allocator.
fn is_unset() -> bool {
    let _inside = Inside::enter();
    [VARIABLE, SEED, watch::VARIABLE]
        .iter()
        .all(|variable| std::env::var_os(variable).is_none())
}

fn read_env(failure_counts: bool) -> Result<(), Error> {
    let registry = Registry::global();
    let points = registry.read_env(failure_counts, || read(registry))?;
    announce_env(&points);
    Ok(())
}

/// Returns the points of the environment. It runs none of others' code: the registry's lock is
/// held.
fn read(registry: &Registry) -> Result<Vec<Arc<Point>>, Error> {
    let seed = seed()?;
    watch::of_environment()?;
    let text = variable(VARIABLE)?;
    let entries = entries(&text)?;
    // Nothing can fail from here on.
    if let Some(seed) = seed {
        registry.draws.set_seed(seed);
    }
    // The last of several entries counts, but the table keeps the first that it is given.
    let entries = entries.into_iter().rev();
    Ok(entries.map(|e| point(registry, &Home::GLOBAL, e)).collect())
}

/// Configures what `text`, a value of FAILPOINTS, says, in the current scope. The variable is read once in
/// the life of a process; tests of what may stand in it call this.
pub fn configure_entries(text: &str) -> Result<(), Error> {
    let registry = Registry::global();
    let home = registry.home();
    let entries = entries(text)?.into_iter();
    let points: Vec<Arc<Point>> = entries.map(|e| point(registry, &home, e)).collect();
    let put = registry.put(&points, None);
    put.map(drop)
        .map_err(|Ended| Error::of_point(points[0].name(), Problem::ScopeEnded))
}

fn entries(text: &str) -> Result<Vec<Entry<'_>>, Error> {
    chain::entries(text).map_err(|e| {
        let EntryProblem {
            number,
            name,
            problem,
        } = e;
        let error = match name {
            Some(name) => Error::of_point(&name, problem),
            None => Error::new(problem),
        };
        error.at(Place::Env(number))
    })
}

fn point(registry: &Registry, home: &Home, entry: Entry<'_>) -> Arc<Point> {
    let (name, actions) = (entry.name, entry.actions);
    let text = Some(actions.into());
    registry.point(home, Made::Environment, name, entry.alternatives, text)
}

/// Returns the seed of the environment, if it has one.
pub(crate) fn seed() -> Result<Option<u64>, Error> {
    match variable(SEED)?.trim() {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| {
            let value = text.to_owned();
            Error::new(Problem::Seed { value })
        }),
    }
}

/// Returns the value of an environment variable; empty if it is unset.
fn variable(variable: &'static str) -> Result<String, Error> {
    match std::env::var(variable) {
        Ok(value) => Ok(value),
        Err(VarError::NotPresent) => Ok(String::new()),
        Err(VarError::NotUnicode(value)) => {
            let text = std::str::from_utf8(value.as_encoded_bytes());
            let position = text.map_or_else(|e| e.valid_up_to(), str::len);
            Err(Error::new(Problem::NotUnicode { variable, position }))
        }
    }
}
