//! What is compiled in, what is configured, and what waits there.

use std::fmt;
use std::time::Duration;

use crate::engine::env;
use crate::engine::point::Point;
use crate::engine::scope::Home;
use crate::engine::site::{self, Site, SiteKind};
use crate::engine::table::Registry;
use crate::engine::trie::Named;
use crate::engine::waiters::{Counts, WaiterInfo};

/// Returns every failpoint that is compiled in or configured, sorted by name.
///
/// Compiled in are the macros with a literal name, or with a constant in `const { .. }`, on the
/// targets listed in the page of [limits](crate::limits#where-it-runs). A name made at run time is listed
/// only while it is configured. In a [scope](crate::Scope) each name is listed as a hit there sees
/// it.
///
/// ```
/// # if !neon_failpoint::has_failpoints() { return }
/// use neon_failpoint::{configure_failpoint, fail_point_sync, list_failpoints};
///
/// configure_failpoint("list-doc", "2*off -> print(done)").unwrap();
/// fail_point_sync!("list-doc");
///
/// let points = list_failpoints();
/// let point = points.iter().find(|p| p.name() == "list-doc").unwrap();
/// assert_eq!(point.actions(), Some("2*off->print(done)"));
/// assert_eq!((point.hits(), point.fired()), (1, 1));
/// assert_eq!(point.call_sites().len(), 1);
/// ```
pub fn list_failpoints() -> Vec<FailpointInfo> {
    list(&Registry::global().home())
}

/// [`list_failpoints`] in the scope `home`.
pub(crate) fn list(home: &Home) -> Vec<FailpointInfo> {
    env::read_once();
    let (points, beneath) = Registry::global().layered_points(home);
    // Both are sorted by name.
    let (mut points, sites) = (points.iter().peekable(), site::by_name());
    let mut infos = Vec::<FailpointInfo>::with_capacity(points.len());
    for site in sites {
        while let Some(point) = points.next_if(|point| point.name() <= site.name()) {
            infos.push(FailpointInfo::of(point, home));
        }
        match infos.last_mut() {
            Some(last) if last.name == site.name() => last.call_sites.push(CallSite::of(site)),
            _ => {
                let mut info = FailpointInfo::new(site.name());
                info.call_sites.push(CallSite::of(site));
                infos.push(info);
            }
        }
    }
    infos.extend(points.map(|point| FailpointInfo::of(point, home)));
    for point in &beneath {
        if let Ok(at) = infos.binary_search_by(|info| info.name().cmp(point.name())) {
            if infos[at].is_configured() {
                infos[at].totals.add(point, point.counts());
            }
        }
    }
    infos
}

/// Returns the state of the failpoint `name` in the scope `home`, whether it exists or not.
#[cfg(feature = "http")]
pub(crate) fn state(home: &Home, name: &str) -> FailpointInfo {
    let mut all = list(home);
    match all.binary_search_by(|info| info.name().cmp(name)) {
        Ok(at) => all.swap_remove(at),
        Err(_) => FailpointInfo::new(name),
    }
}

/// Lists every configured point that a scope sees with its waiters, each on a new line.
pub(crate) fn report(home: &Home) -> String {
    let all = list(home);
    let configured = all.iter().filter(|info| info.is_configured());
    configured.map(|info| format!("\n  {info}")).collect()
}

/// The state of a failpoint when [`list_failpoints`] was called.
///
/// ```
/// # if !neon_failpoint::has_failpoints() { return }
/// use neon_failpoint::{arm, fail_point_sync, list_failpoints};
///
/// let _point = arm("info-doc", "1*off").unwrap();
/// for _ in 0..2 {
///     fail_point_sync!("info-doc");
/// }
/// let points = list_failpoints();
/// let point = points.iter().find(|point| point.name() == "info-doc").unwrap();
/// assert_eq!((point.actions(), point.hits(), point.fired()), (Some("1*off"), 2, 1));
/// assert!(point.waiters().is_empty());
/// for site in point.call_sites() {
///     println!("{}:{}, awaits: {}", site.file(), site.line(), site.awaits());
/// }
/// ```
#[derive(Clone, Debug)]
pub struct FailpointInfo {
    name: String,
    call_sites: Vec<CallSite>,
    origin: Option<Origin>,
    actions: Option<String>,
    matchers: Vec<(String, String)>,
    hits: usize,
    fired: usize,
    turned_away: usize,
    /// The same for people, with the context of the last one.
    about_turned_away: Option<String>,
    totals: FailpointTotals,
    waiters: Vec<WaiterInfo>,
    observers: usize,
    /// How long it is until it is removed by itself, if it is.
    #[cfg(feature = "http")]
    pub(crate) ttl: Option<Duration>,
}

impl FailpointInfo {
    /// The state of a name that is not configured.
    fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            call_sites: Vec::new(),
            origin: None,
            actions: None,
            matchers: Vec::new(),
            hits: 0,
            fired: 0,
            turned_away: 0,
            about_turned_away: None,
            totals: FailpointTotals::default(),
            waiters: Vec::new(),
            observers: 0,
            #[cfg(feature = "http")]
            ttl: None,
        }
    }

    fn of(point: &Point, home: &Home) -> Self {
        let origin = match point.home() {
            Home(None) => Origin::Global,
            own if own.id() == home.id() => Origin::Scope,
            Home(Some(_)) => Origin::Outer,
        };
        let counts = point.counts();
        let mut totals = FailpointTotals::default();
        totals.add(point, counts);
        Self {
            origin: Some(origin),
            actions: Some(point.actions()),
            matchers: point.matchers(),
            hits: counts.hits,
            fired: counts.fired,
            turned_away: point.turned_away(),
            about_turned_away: point.about_turned_away(),
            totals,
            waiters: point.waiters.infos(),
            observers: point.waiters.observers(),
            #[cfg(feature = "http")]
            ttl: point.lifetime(),
            ..Self::new(point.name())
        }
    }

    /// Returns its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the macros that have its name as a literal or a constant, sorted by file and line.
    pub fn call_sites(&self) -> &[CallSite] {
        &self.call_sites
    }

    /// Returns whether it is configured; otherwise it is only compiled in.
    pub fn is_configured(&self) -> bool {
        self.actions.is_some()
    }

    /// Returns where it is configured, as seen from the scope of the call that listed it; `None` if it
    /// is not configured. See [`Scope`](crate::Scope).
    pub fn origin(&self) -> Option<Origin> {
        self.origin
    }

    /// Returns its actions, as text that configures the same again; `None` if it is not configured.
    ///
    /// Counts are those it was configured with. Two things have no such text: a callback is listed
    /// as `callback`; and an argument with an unmatched parenthesis, which
    /// [`compat`](crate::compat) accepts as `fail` does, is listed as it is.
    pub fn actions(&self) -> Option<&str> {
        self.actions.as_deref()
    }

    /// Returns the matchers in its actions, each once, as pairs of a key and a regular expression. Of
    /// one that must not match, `when(key!=regex)`, the key has a `!` after it.
    pub fn matchers(&self) -> &[(String, String)] {
        &self.matchers
    }

    /// Returns the number of hits since it was configured.
    ///
    /// Every evaluation counts, whether an alternative fired or not.
    pub fn hits(&self) -> usize {
        self.hits
    }

    /// Returns how often an alternative fired since it was configured, `off` included.
    pub fn fired(&self) -> usize {
        self.fired
    }

    /// Returns how many of the hits matchers turned away, and no alternative took.
    ///
    /// What the last of them was about is in the text that this formats as: the keys and values of its
    /// context, long ones cut, or that it had none. (From the 257th hit on it
    /// is noted of one in 4096.)
    ///
    /// ```
    /// # if !neon_failpoint::has_failpoints() || !cfg!(feature = "context") { return }
    /// use neon_failpoint::{arm, fail_point_with_context_sync, failpoint_context, list_failpoints};
    ///
    /// let _point = arm("turned-away-doc", "when(tenant=t-1)off").unwrap();
    /// // A key is misspelled.
    /// let context = failpoint_context! { "tennant" => "t-1" };
    /// fail_point_with_context_sync!("turned-away-doc", &context);
    ///
    /// let points = list_failpoints();
    /// let point = points.iter().find(|point| point.name() == "turned-away-doc").unwrap();
    /// assert_eq!(point.turned_away(), 1);
    /// let text = r#"1 hit was turned away by matchers, it had tennant="t-1""#;
    /// assert!(point.to_string().contains(text));
    /// ```
    pub fn turned_away(&self) -> usize {
        self.turned_away
    }

    /// Returns what was counted under this name since it most recently became configured.
    ///
    /// Reconfiguring the name does not reset these counts.
    pub fn totals(&self) -> FailpointTotals {
        self.totals
    }

    /// Returns its waiters, in order of arrival.
    pub fn waiters(&self) -> &[WaiterInfo] {
        &self.waiters
    }

    /// Returns the number of observers: each [`Wait`](crate::Wait) for it that was polled and is
    /// not over.
    pub fn observers(&self) -> usize {
        self.observers
    }
}

/// Formats as one line, for people, with the first ten waiters.
impl fmt::Display for FailpointInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.name)?;
        match &self.actions {
            None => write!(f, ": not configured")?,
            Some(actions) => write!(
                f,
                "{} ({actions}): hits {}, fired {}, waiting {}",
                match self.origin {
                    Some(Origin::Scope) => " of this scope",
                    Some(Origin::Outer) => " of an outer scope",
                    Some(Origin::Global) | None => "",
                },
                self.hits,
                self.fired,
                self.waiters.len()
            )?,
        }
        const MOST: usize = 10;
        for (i, waiter) in self.waiters.iter().take(MOST).enumerate() {
            write!(f, "{} {waiter}", if i == 0 { ":" } else { "," })?;
        }
        if let Some(more @ 1..) = self.waiters.len().checked_sub(MOST) {
            write!(f, " and {more} more")?;
        }
        if let Some(about) = &self.about_turned_away {
            write!(f, "; {about}")?;
        }
        for (i, site) in self.call_sites.iter().enumerate() {
            write!(f, "{} {site}", if i == 0 { "; at" } else { "," })?;
        }
        Ok(())
    }
}

/// Where a failpoint is configured: see [`FailpointInfo::origin`].
///
/// ```
/// # if !neon_failpoint::has_failpoints() { return }
/// use neon_failpoint::{Origin, arm, isolate, list_failpoints};
///
/// let _everywhere = arm("origin-doc", "off").unwrap();
/// let _alone = isolate();
/// let origin = || {
///     let points = list_failpoints();
///     points.iter().find(|point| point.name() == "origin-doc").unwrap().origin()
/// };
/// assert_eq!(origin(), Some(Origin::Global));
/// let _here = arm("origin-doc", "pause").unwrap();
/// assert_eq!(origin(), Some(Origin::Scope));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// In the scope itself.
    Scope,
    /// In a scope around it.
    Outer,
    /// Outside of all scopes.
    Global,
}

/// What was counted under a name since it most recently became configured.
///
/// The counts only grow while the name stays configured, as metrics need it. A hit that is under
/// way while its configuration is replaced may be missing.
///
/// ```
/// # if !neon_failpoint::has_failpoints() { return }
/// use neon_failpoint::{arm, fail_point_sync, list_failpoints};
///
/// let point = arm("totals-doc", "delay(1)").unwrap();
/// fail_point_sync!("totals-doc");
/// point.configure("off").unwrap();
/// fail_point_sync!("totals-doc");
/// for point in list_failpoints().iter().filter(|point| point.name() == "totals-doc") {
///     let totals = point.totals();
///     assert_eq!((totals.hits, totals.fired, point.hits()), (2, 2, 1));
///     assert!(totals.delay.as_millis() >= 1);
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FailpointTotals {
    /// Evaluations.
    pub hits: usize,
    /// Evaluations that chose an alternative, `off` included.
    pub fired: usize,
    /// The total real time that hits spent waiting, sleeping and keeping threads busy. A wait
    /// counts when it is over.
    pub delay: Duration,
}

impl FailpointTotals {
    /// Adds what `point`, with its own `counts`, and its predecessors counted.
    fn add(&mut self, point: &Point, counts: Counts) {
        let all = point.all_counts(counts);
        self.hits += all.hits;
        self.fired += all.fired;
        self.delay += point.all_delay();
    }
}

/// A failpoint macro with a literal or constant name, compiled into this program: see
/// [`FailpointInfo::call_sites`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallSite {
    file: &'static str,
    line: u32,
    awaits: bool,
}

impl CallSite {
    fn of(site: &Site) -> Self {
        Self {
            file: site.file(),
            line: site.line(),
            awaits: site.kind() == SiteKind::Awaits,
        }
    }

    /// Returns the source file, as the compiler was given it.
    pub fn file(&self) -> &'static str {
        self.file
    }

    /// Returns the line in that file.
    pub fn line(&self) -> u32 {
        self.line
    }

    /// Returns whether it awaits; otherwise it blocks its thread.
    pub fn awaits(&self) -> bool {
        self.awaits
    }
}

/// Formats as `file:line`.
impl fmt::Display for CallSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}
