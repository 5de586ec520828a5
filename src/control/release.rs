//! Releasing waiters of a point.

use std::sync::Arc;

use crate::control::config;
use crate::engine::actions::matcher::{Matcher, Memory};
use crate::engine::env;
use crate::engine::name::hash;
use crate::engine::point::Point;
use crate::engine::scope::Home;
use crate::engine::site::ENABLED;
use crate::engine::suggest;
use crate::engine::table::Registry;
use crate::engine::wakeups::Wakeups;
use crate::error::{Error, Problem};

/// Releases the first `n` waiters of the failpoint `name`, in order of arrival.
///
/// Returns the number of waiters released. The point stays as it is, and its other waiters keep
/// waiting.
///
/// A released waiter ends with [`Continue`](crate::FailpointResult::Continue), whatever happens to
/// its token afterwards. A waiter that was cancelled or dropped before does not count.
/// [`Armed::release`](crate::Armed::release) does the same for a guard.
///
/// # Errors
///
/// If `name` is not configured, or the build lacks the feature `testing`.
///
/// # Panics
///
/// If the waker of a task panics, after all waiters were woken.
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
    let home = Registry::global().home();
    Ok(release_first(&find(&home, name.as_ref())?, n, &[]))
}

/// Releases the waiters of the failpoint `name` whose hits had a matching context.
///
/// Returns the number of waiters released; the others keep waiting. `matchers` are as in
/// [`configure_failpoint_with_context`](crate::configure_failpoint_with_context). Otherwise as
/// [`release_failpoint`].
///
/// # Errors
///
/// If `name` is not configured, a key is empty, a regular expression is invalid, or the build lacks
/// the features `testing` and `context`. Then no waiter is released.
///
/// # Panics
///
/// As [`release_failpoint`].
///
/// ```
/// # if !neon_failpoint::has_failpoints() || !cfg!(feature = "context") { return }
/// use neon_failpoint::{configure_failpoint, fail_point_with_context_sync, failpoint_context};
/// use neon_failpoint::{release_failpoint_matching, remove_failpoint, wait_until_paused};
///
/// configure_failpoint("matching-doc", "pause").unwrap();
/// let threads = ["t-1", "t-2"].map(|tenant| {
///     std::thread::spawn(move || {
///         let context = failpoint_context! { "tenant" => tenant };
///         fail_point_with_context_sync!("matching-doc", &context);
///     })
/// });
/// wait_until_paused("matching-doc", 2).blocking().unwrap();
/// assert_eq!(release_failpoint_matching("matching-doc", [("tenant", "t-[13]")]).unwrap(), 1);
/// remove_failpoint("matching-doc");
/// # for thread in threads { thread.join().unwrap() }
/// ```
pub fn release_failpoint_matching<K, V>(
    name: impl AsRef<str>,
    matchers: impl IntoIterator<Item = (K, V)>,
) -> Result<usize, Error>
where
    K: Into<String>,
    V: Into<String>,
{
    let home = Registry::global().home();
    first_matching(&home, name.as_ref(), usize::MAX, config::pairs(matchers))
}

/// Releases the first `n` waiters in the scope `home` whose hits had a matching context.
pub(crate) fn first_matching(
    home: &Home,
    name: &str,
    n: usize,
    matchers: Vec<(String, String)>,
) -> Result<usize, Error> {
    let matchers = config::matchers(name, matchers, &mut Memory::of_a_call())?;
    Ok(release_first(&find(home, name)?, n, &matchers))
}

fn find(home: &Home, name: &str) -> Result<Arc<Point>, Error> {
    env::read_once();
    let point = Registry::global().find(home, hash(name), name);
    point.ok_or_else(|| not_configured(home, name))
}

/// The error of a call that needs a configured point in the scope `home`.
pub(crate) fn not_configured(home: &Home, name: &str) -> Error {
    if !ENABLED {
        return Error::feature("a wait or a release", "testing");
    }
    if home.is_ended() {
        return Error::of_point(name, Problem::ScopeEnded);
    }
    let problem = Problem::NotConfigured {
        about: suggest::about_unconfigured(name),
        elsewhere: Registry::global()
            .is_configured(hash(name), name)
            .then_some(match home {
                Home(None) => "it is in a scope, and this call is outside of it",
                Home(Some(_)) => "it is outside of this scope, and a call acts in its own",
            }),
        guard: Registry::global().about_guard_of(home, name),
    };
    Error::of_point(name, problem)
}

/// Releases the first `n` waiters whose contexts satisfy `matchers`; returns their number.
pub(crate) fn release_first(point: &Arc<Point>, n: usize, matchers: &[Matcher]) -> usize {
    let mut wakeups = Wakeups::default();
    let count = wakeups.release(point, n, matchers);
    wakeups.wake();
    count
}
