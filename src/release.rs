//! Letting some of those go who wait at a point.

use std::sync::Arc;

use crate::config;
use crate::context::Matcher;
use crate::error::{Error, Problem};
use crate::name::hash;
use crate::point::Point;
use crate::table::Registry;
use crate::wait::Released;
use crate::{env, suggest};

/// Lets the first `n` go who wait at the failpoint `name`, in the order of arrival, and leaves
/// the point as it is: the others wait on. How many went.
///
/// Who went goes on with [`Continue`](crate::FailpointResult::Continue), whatever becomes of
/// its token afterwards. Who was cancelled or dropped before does not count.
/// [`Armed::release`](crate::Armed::release) does the same for a guard.
///
/// # Errors
///
/// A name that is not configured.
///
/// # Panics
///
/// Where the waker of a task does, after everybody was woken.
///
/// ```
/// # if !neon_failpoint::has_failpoints() { return }
/// use neon_failpoint::{configure_failpoint, fail_point_sync, release_failpoint};
/// use neon_failpoint::wait_until_paused;
///
/// configure_failpoint("release-doc", "pause").unwrap();
/// let threads = [(); 3].map(|()| std::thread::spawn(|| fail_point_sync!("release-doc")));
/// wait_until_paused("release-doc", 3).blocking().unwrap();
/// assert_eq!(release_failpoint("release-doc", 2).unwrap(), 2);
/// assert_eq!(release_failpoint("release-doc", usize::MAX).unwrap(), 1);
/// # for thread in threads { thread.join().unwrap() }
/// ```
pub fn release_failpoint(name: impl AsRef<str>, n: usize) -> Result<usize, Error> {
    Ok(some(&find(name.as_ref())?, n, &[]))
}

/// Lets those go who wait at the failpoint `name` and whose hit had a context that matches;
/// the others wait on. How many went.
///
/// `matchers` are as in
/// [`configure_failpoint_with_context`](crate::configure_failpoint_with_context). Otherwise as
/// [`release_failpoint`].
///
/// # Errors
///
/// A name that is not configured; an empty key; an invalid regular expression; a build without
/// the feature `context`. Then nobody went.
///
/// # Panics
///
/// As [`release_failpoint`].
pub fn release_failpoint_matching<K, V>(
    name: impl AsRef<str>,
    matchers: impl IntoIterator<Item = (K, V)>,
) -> Result<usize, Error>
where
    K: Into<String>,
    V: Into<String>,
{
    first_matching(name.as_ref(), usize::MAX, config::pairs(matchers))
}

/// Lets the first `n` go whose hit had a context that matches.
pub(crate) fn first_matching(
    name: &str,
    n: usize,
    matchers: Vec<(String, String)>,
) -> Result<usize, Error> {
    let matchers = config::matchers(name, matchers)?;
    Ok(some(&find(name)?, n, &matchers))
}

fn find(name: &str) -> Result<Arc<Point>, Error> {
    env::read_once();
    let point = Registry::global().find(hash(name), name);
    point.ok_or_else(|| not_configured(name))
}

/// For a call that needs a point to be there.
pub(crate) fn not_configured(name: &str) -> Error {
    let similar = suggest::similar(name);
    Error::of_point(name, Problem::NotConfigured { similar })
}

/// Lets the first `n` go whose context has what `matchers` demand.
pub(crate) fn some(point: &Arc<Point>, n: usize, matchers: &[Matcher]) -> usize {
    let matches = |context: Option<&_>| match context {
        Some(context) => matchers.iter().all(|m| m.matches(context)),
        None => matchers.is_empty(),
    };
    let mut released = Released::default();
    let count = released.some(point, n, matches);
    released.wake();
    count
}
