//! FAILPOINTS and FAILPOINTS_SEED.

use std::env::VarError;
use std::ffi::OsString;
use std::sync::Arc;

use crate::action::parse::{self, EntryProblem};
use crate::config::after_configuring;
use crate::error::{Error, Place, Problem};
use crate::hit::ENABLED;
use crate::point::Point;
use crate::report;
use crate::table::Registry;

const VARIABLE: &str = "FAILPOINTS";
const SEED: &str = "FAILPOINTS_SEED";

/// Configures the failpoints of the environment variable `FAILPOINTS`.
///
/// Its value is `name=actions;name=actions`; of entries with the same name the last
/// one counts, and white space around names and entries does not. `FAILPOINTS_SEED`
/// is the seed of percentages (see [`set_seed`](crate::set_seed)). A variable that is
/// empty is as good as none.
///
/// The variable is read once in the life of a process: called again, or after a
/// scenario of [`compat`](crate::compat), this does nothing. Call it where a bad value
/// should be an error of yours. Without it the first use of the native API reads
/// the variable (any hit, a configure, a list), and then a bad value ends the process with a
/// message on standard error and status 2: a run that was to inject faults must not
/// go on without them. A name that is configured already keeps its configuration.
///
/// # Errors
///
/// A value that is not UTF-8 or not of the grammar, with the entry and the byte: then
/// none of it takes effect, and it counts as read. In a build without the feature
/// `testing`, any value that is not empty.
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

/// Reads the environment where nothing did so yet; a bad value ends the process.
#[inline]
pub(crate) fn read_once() {
    if ENABLED && !Registry::global().is_env_read() {
        read_or_exit();
    }
}

#[cold]
fn read_or_exit() {
    // A failure does not count as a reading: nobody else goes on without faults while
    // this thread ends the process, but comes here as well.
    if let Err(error) = read_env(false) {
        report::end_process(&format!("neon_failpoint: {error}"), 2);
    }
}

fn read_env(failure_counts: bool) -> Result<(), Error> {
    let registry = Registry::global();
    let points = registry.read_env(failure_counts, || read(registry))?;
    after_configuring(&points, &points);
    Ok(())
}

/// The points of the environment. It calls nobody else's code: the registry's lock
/// is held.
fn read(registry: &Registry) -> Result<Vec<Arc<Point>>, Error> {
    let seed = seed()?;
    let text = variable(VARIABLE)?;
    let entries = parse::entries(&text).map_err(|e| {
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
    })?;
    // Nothing can be wrong any more.
    if let Some(seed) = seed {
        registry.draws.set_seed(seed);
    }
    // The last of several entries counts: the table keeps the first it is given.
    let points = entries.into_iter().rev();
    Ok(points
        .map(|e| Point::new(e.name, e.alternatives, Some(e.actions), &registry.draws))
        .collect())
}

/// The seed of the environment, if it has one.
pub(crate) fn seed() -> Result<Option<u64>, Error> {
    match variable(SEED)?.trim() {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| {
            let value = text.to_owned();
            Error::new(Problem::Seed { value })
        }),
    }
}

/// The value of an environment variable; empty where there is none.
fn variable(variable: &'static str) -> Result<String, Error> {
    match std::env::var(variable) {
        Ok(value) => Ok(value),
        Err(VarError::NotPresent) => Ok(String::new()),
        Err(VarError::NotUnicode(value)) => Err(Error::new(Problem::NotUnicode {
            variable,
            position: valid_up_to(value),
        })),
    }
}

/// The position of the first byte that is not UTF-8.
fn valid_up_to(value: OsString) -> usize {
    let bytes = value.into_encoded_bytes();
    match std::str::from_utf8(&bytes) {
        Ok(text) => text.len(),
        Err(error) => error.valid_up_to(),
    }
}
