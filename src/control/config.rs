//! Configuring and removing failpoints.
//!
//! Everything that can be wrong is found while the points are created, before the one call that
//! publishes them (I7).

use std::collections::HashSet;
use std::sync::Arc;

use crate::engine::actions::action::{Action, Callback};
use crate::engine::actions::chain::{self, Alternative};
use crate::engine::actions::matcher::{Matcher, Memory, demand};
use crate::engine::env;
use crate::engine::layers::Cause;
use crate::engine::name::hash;
use crate::engine::point::{Made, Point};
use crate::engine::scope::Home;
use crate::engine::site::ENABLED;
use crate::engine::suggest::announce;
use crate::engine::table::{Ended, Registry};
use crate::engine::trie::Named;
use crate::error::{Error, Place, Problem};

/// Configures the failpoint `name` to do `actions` from its next hit on.
///
/// Waiters of the earlier configuration continue at once. The name need not belong to a call site:
/// it may be hit by name, or be in code that is not linked here. If no call site has the name but
/// one has a name within two edits of it, a warning with both is logged, unless the name was hit as one
/// made at run time.
///
/// The grammar of `actions` is in the [crate's documentation](crate#actions).
///
/// # Errors
///
/// If the name is empty or `actions` do not follow the grammar: the error says where, and the
/// earlier configuration stays. If the build lacks the feature `testing`, or `actions` have a
/// `when(..)` and it lacks `context`: the error names the feature.
///
/// # Panics
///
/// If others' code that it runs panics: the waker of a waiting task, or the destructor of a
/// callback. By then the configuration has taken effect and all waiters were woken.
///
/// # Examples
///
/// ```
/// # if !neon_failpoint::has_failpoints() { return }
/// use neon_failpoint::configure_failpoint;
///
/// // Fails one write in ten, at most three times; all others take 5 ms longer.
/// configure_failpoint("configure-doc", "10%3*return(io error)->sleep(5)").unwrap();
///
/// let error = configure_failpoint("configure-doc", "sleep").unwrap_err();
/// assert!(error.to_string().contains("sleep(N) with N in milliseconds"));
/// ```
#[track_caller]
pub fn configure_failpoint(name: impl Into<String>, actions: impl AsRef<str>) -> Result<(), Error> {
    let home = Registry::global().home();
    put(
        &[point(
            &home,
            Made::configured(),
            name.into(),
            actions.as_ref(),
            [],
        )?],
        Some(configured()),
    )
}

/// Configures the failpoint `name` to do `actions` at hits whose context matches.
///
/// `matchers` are pairs of a key and a regular expression, from a `HashMap` or anything else that
/// iterates over pairs. A hit matches if its context has every key, with a value that the
/// expression matches as a whole. The matchers apply to every alternative of `actions`, in addition
/// to those of a `when(..)` that is already there, which can also demand that a value does not match:
/// `when(tenant!=test_.*)`. A hit that does not match uses up no count and no draw.
///
/// # Errors
///
/// As [`configure_failpoint`]; also if a key is empty, or ends in `!` or a backslash, if a regular
/// expression is invalid or needs more than 1 MiB once compiled (all of one call may need 64 MiB) or 64 MiB
/// to be read, and, if there are matchers, in a build without the feature `context`.
///
/// # Examples
///
/// ```
/// # if !neon_failpoint::has_failpoints() || !cfg!(feature = "context") { return }
/// use neon_failpoint::{FailpointResult, configure_failpoint_with_context};
/// use neon_failpoint::{failpoint_blocking, failpoint_context};
///
/// let matchers = [("tenant", "test_.*")];
/// configure_failpoint_with_context("matchers-doc", "return(no space)", matchers).unwrap();
///
/// let ours = failpoint_context! { "tenant" => "test_1" };
/// let other = failpoint_context! { "tenant" => "prod_1" };
/// assert_ne!(failpoint_blocking("matchers-doc", Some(&ours)), FailpointResult::Continue);
/// assert_eq!(failpoint_blocking("matchers-doc", Some(&other)), FailpointResult::Continue);
/// ```
#[track_caller]
pub fn configure_failpoint_with_context<K, V>(
    name: impl Into<String>,
    actions: impl AsRef<str>,
    matchers: impl IntoIterator<Item = (K, V)>,
) -> Result<(), Error>
where
    K: Into<String>,
    V: Into<String>,
{
    let home = Registry::global().home();
    let point = point(
        &home,
        Made::configured(),
        name.into(),
        actions.as_ref(),
        pairs(matchers),
    )?;
    put(&[point], Some(configured()))
}

/// Configures the failpoint `name` to call `callback` at every hit.
///
/// The callback runs inside the hit, on its thread. No lock is held meanwhile, so it may configure
/// or remove failpoints, including its own.
///
/// # Errors
///
/// As [`configure_failpoint`], except for the actions.
///
/// # Examples
///
/// ```
/// # if !neon_failpoint::has_failpoints() { return }
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicUsize, Ordering};
/// use neon_failpoint::{configure_failpoint_callback, fail_point_sync};
///
/// let calls = Arc::new(AtomicUsize::new(0));
/// let seen = calls.clone();
/// configure_failpoint_callback("callback-doc", move || {
///     seen.fetch_add(1, Ordering::Relaxed);
/// })
/// .unwrap();
///
/// fail_point_sync!("callback-doc");
/// assert_eq!(calls.load(Ordering::Relaxed), 1);
/// ```
#[track_caller]
pub fn configure_failpoint_callback(
    name: impl Into<String>,
    callback: impl Fn() + Send + Sync + 'static,
) -> Result<(), Error> {
    let home = Registry::global().home();
    put(
        &[callback_point(
            &home,
            Made::configured(),
            name.into(),
            callback,
        )?],
        Some(configured()),
    )
}

/// One entry of [`configure_failpoints`].
///
/// Created from `(name, actions)` or `(name, actions, matchers)`.
///
/// ```
/// use neon_failpoint::FailpointConfig;
///
/// let plain = FailpointConfig::from(("before-commit", "pause"));
/// let matching = FailpointConfig::from(("upload", "return", [("tenant", "t-.*")]));
/// # assert_ne!(plain, matching);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailpointConfig {
    name: String,
    actions: String,
    matchers: Vec<(String, String)>,
}

impl<N: Into<String>, A: Into<String>> From<(N, A)> for FailpointConfig {
    fn from((name, actions): (N, A)) -> Self {
        Self {
            name: name.into(),
            actions: actions.into(),
            matchers: Vec::new(),
        }
    }
}

impl<N, A, M, K, V> From<(N, A, M)> for FailpointConfig
where
    N: Into<String>,
    A: Into<String>,
    M: IntoIterator<Item = (K, V)>,
    K: Into<String>,
    V: Into<String>,
{
    fn from((name, actions, matchers): (N, A, M)) -> Self {
        Self {
            name: name.into(),
            actions: actions.into(),
            matchers: pairs(matchers),
        }
    }
}

/// Configures several failpoints at once, or none of them.
///
/// No hit sees only a part of the batch: all entries take effect in one step.
///
/// # Errors
///
/// As [`configure_failpoint_with_context`] for any entry, and if a name occurs twice. The error
/// gives the number of the entry, and everything stays as it was.
///
/// # Examples
///
/// ```
/// # if !neon_failpoint::has_failpoints() { return }
/// use neon_failpoint::configure_failpoints;
///
/// configure_failpoints([("batch-doc-read", "return"), ("batch-doc-write", "off")]).unwrap();
///
/// let error = configure_failpoints([("batch-doc-read", "off"), ("batch-doc-write", "of")]);
/// let text = error.unwrap_err().to_string();
/// assert!(text.starts_with("entry 2 of the batch: failpoint \"batch-doc-write\""), "{text}");
/// ```
#[track_caller]
pub fn configure_failpoints<C: Into<FailpointConfig>>(
    batch: impl IntoIterator<Item = C>,
) -> Result<(), Error> {
    let batch: Vec<FailpointConfig> = batch.into_iter().map(Into::into).collect();
    let home = Registry::global().home();
    let points = batch_points(&home, Made::configured(), batch, false)?;
    put(&points, Some(configured()))
}

/// Creates the points of [`configure_failpoints`] in the scope `home`; with `refuses_harm` actions that
/// may end the thread or the process are an error.
pub(crate) fn batch_points(
    home: &Home,
    made: Made,
    batch: Vec<FailpointConfig>,
    refuses_harm: bool,
) -> Result<Vec<Arc<Point>>, Error> {
    let mut memory = Memory::of_a_call();
    let mut points: Vec<Arc<Point>> = Vec::with_capacity(batch.len());
    let mut hashes = HashSet::with_capacity(batch.len());
    for (number, entry) in (1..).zip(batch) {
        let in_batch = |e: Error| e.at(Place::Batch(number));
        let FailpointConfig {
            name,
            actions,
            matchers,
        } = entry;
        let point = checked(
            home,
            made,
            name,
            actions.into(),
            matchers,
            refuses_harm,
            &mut memory,
        );
        let point = point.map_err(in_batch)?;
        // Another name may have the same hash, but hardly ever has.
        let is_new = hashes.insert(point.hash());
        let same = |p: &Arc<Point>| p.name() == point.name();
        let first = (!is_new).then(|| points.iter().position(same));
        if let Some(first) = first.flatten() {
            let problem = Problem::Duplicate { first: first + 1 };
            return Err(in_batch(Error::of_point(point.name(), problem)));
        }
        points.push(point);
    }
    Ok(points)
}

/// Creates the point `name` that does `actions`, for somebody outside: see [`batch_points`].
#[cfg(feature = "http")]
pub(crate) fn outside_point(
    name: &str,
    actions: &str,
    refuses_harm: bool,
) -> Result<Arc<Point>, Error> {
    let memory = &mut Memory::of_a_call();
    let (name, actions) = (name.to_owned(), actions.into());
    checked(
        &Home::GLOBAL,
        Made::Http,
        name,
        actions,
        [],
        refuses_harm,
        memory,
    )
}

/// Removes the configuration of the failpoint `name`, if it has one.
///
/// Its waiters continue at once.
///
/// ```
/// # if !neon_failpoint::has_failpoints() { return }
/// use neon_failpoint::{FailpointResult, configure_failpoint, failpoint_blocking, remove_failpoint};
///
/// configure_failpoint("remove-doc", "return").unwrap();
/// remove_failpoint("remove-doc");
/// assert_eq!(failpoint_blocking("remove-doc", None), FailpointResult::Continue);
/// ```
#[track_caller]
pub fn remove_failpoint(name: impl AsRef<str>) {
    let cause = Some(Cause::here("removed"));
    remove(&Registry::global().home(), name.as_ref(), cause);
}

/// [`remove_failpoint`] in the scope `home`; returns whether there was one.
pub(crate) fn remove(home: &Home, name: &str, cause: Option<Cause>) -> bool {
    env::read_once();
    Registry::global().remove(home, hash(name), name, cause)
}

/// Removes the configuration of every failpoint of the current [scope](crate::Scope), or, outside of
/// all, of every one that is in none, however it was made.
///
/// Their waiters continue at once.
///
/// ```
/// # if !neon_failpoint::has_failpoints() { return }
/// neon_failpoint::configure_failpoint("remove-all-doc", "pause").unwrap();
/// neon_failpoint::remove_all_failpoints();
/// assert!(neon_failpoint::list_failpoints().iter().all(|point| !point.is_configured()));
/// ```
#[track_caller]
pub fn remove_all_failpoints() {
    let cause = Some(Cause::here("removed by `remove_all_failpoints`"));
    remove_all(&Registry::global().home(), cause);
}

/// [`remove_all_failpoints`] in the scope `home`; returns how many there were.
pub(crate) fn remove_all(home: &Home, cause: Option<Cause>) -> usize {
    env::read_once();
    Registry::global().reset(home, &[], cause)
}

/// Returns whether failpoints are compiled into this program's call sites: the feature `testing`.
///
/// ```
/// if neon_failpoint::has_failpoints() {
///     println!("this build can be told to fail");
/// }
/// ```
pub const fn has_failpoints() -> bool {
    ENABLED
}

/// Sets the seed of percentages and random times for every point that is configured from now on in the
/// current [scope](crate::Scope), or outside of all, and restarts their draws.
///
/// Without this the seed is that of the environment variable `FAILPOINTS_SEED`, or else random; a
/// scope begins with the one that was set around it. It is logged, at info level, when the next point
/// that draws is configured, or written to standard error where nobody listens. See the [crate's
/// documentation](crate#probability) for what a seed repeats.
///
/// ```
/// # if !neon_failpoint::has_failpoints() { return }
/// use neon_failpoint::{configure_failpoint, failpoint_blocking, set_seed};
///
/// let run = || -> Vec<_> {
///     set_seed(7);
///     configure_failpoint("seed-doc", "50%return").unwrap();
///     (0..100).map(|_| failpoint_blocking("seed-doc", None)).collect()
/// };
/// assert_eq!(run(), run());
/// ```
pub fn set_seed(seed: u64) {
    // Read later, FAILPOINTS_SEED would replace this seed.
    env::read_once();
    let registry = Registry::global();
    registry.draws_of(&registry.home()).set_seed(seed);
}

/// Returns the seed of percentages and random times in the current [scope](crate::Scope), or
/// outside of all.
///
/// ```
/// # if !neon_failpoint::has_failpoints() { return }
/// neon_failpoint::set_seed(7);
/// assert_eq!(neon_failpoint::seed(), 7);
/// ```
pub fn seed() -> u64 {
    env::read_once();
    let registry = Registry::global();
    registry.seed(&registry.home())
}

pub(crate) fn pairs<K, V>(matchers: impl IntoIterator<Item = (K, V)>) -> Vec<(String, String)>
where
    K: Into<String>,
    V: Into<String>,
{
    let matchers = matchers.into_iter();
    matchers.map(|(k, v)| (k.into(), v.into())).collect()
}

fn check_name(name: &str) -> Result<(), Error> {
    if !ENABLED {
        Err(Error::feature("configuring a failpoint", "testing"))
    } else if name.is_empty() {
        Err(Error::new(Problem::EmptyName))
    } else {
        Ok(())
    }
}

/// Checks everything that can be wrong about one point, and creates it.
pub(crate) fn point(
    home: &Home,
    made: Made,
    name: String,
    actions: &str,
    matchers: impl IntoIterator<Item = (String, String)>,
) -> Result<Arc<Point>, Error> {
    let memory = &mut Memory::of_a_call();
    checked(home, made, name, actions.into(), matchers, false, memory)
}

fn checked(
    home: &Home,
    made: Made,
    name: String,
    actions: Box<str>,
    matchers: impl IntoIterator<Item = (String, String)>,
    refuses_harm: bool,
    memory: &mut Memory,
) -> Result<Arc<Point>, Error> {
    check_name(&name)?;
    // First, so that the point draws by the seed of the environment.
    env::read_once();
    let of_point = |problem| Error::of_point(&name, problem);
    let mut alternatives = chain::parse(&actions, refuses_harm, memory).map_err(of_point)?;
    let matchers = self::matchers(&name, matchers, memory)?;
    for alternative in &mut alternatives {
        demand(&mut alternative.matchers, &matchers);
    }
    let text = matchers.is_empty().then_some(actions);
    Ok(Registry::global().point(home, made, name, alternatives, text))
}

/// Compiles matchers for the failpoint `name`.
pub(crate) fn matchers(
    name: &str,
    matchers: impl IntoIterator<Item = (String, String)>,
    memory: &mut Memory,
) -> Result<Vec<Matcher>, Error> {
    let matchers = matchers
        .into_iter()
        .map(|(k, v)| Matcher::new(k, v, memory));
    let matchers: Result<Vec<Matcher>, Problem> = matchers.collect();
    matchers.map_err(|problem| Error::of_point(name, problem))
}

/// Creates the point that calls `callback`.
pub(crate) fn callback_point(
    home: &Home,
    made: Made,
    name: String,
    callback: impl Fn() + Send + Sync + 'static,
) -> Result<Arc<Point>, Error> {
    check_name(&name)?;
    env::read_once();
    let always = Alternative::always(Action::Callback(Callback::new(callback)));
    Ok(Registry::global().point(home, made, name, vec![always], None))
}

/// Publishes checked points of one scope, in one step.
pub(crate) fn put(points: &[Arc<Point>], cause: Option<Cause>) -> Result<(), Error> {
    env::read_once();
    let new = Registry::global().put(points, cause);
    // A name that was configured before was checked for its spelling then.
    announce(points, new.map_err(|Ended| scope_ended(&points[0]))?);
    Ok(())
}

#[track_caller]
fn configured() -> Cause {
    Cause::here("configured")
}

/// The error of a call that would configure `point`.
pub(crate) fn scope_ended(point: &Point) -> Error {
    Error::of_point(point.name(), Problem::ScopeEnded)
}
