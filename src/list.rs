//! Listing what is configured.

use crate::env;
use crate::point::Point;
use crate::table::Registry;
use crate::trie::Named;
use crate::wait::WaiterInfo;

/// The configured failpoints, sorted by name.
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
/// assert_eq!(point.actions(), "2*off->print(done)");
/// assert_eq!((point.hits(), point.fired()), (1, 1));
/// ```
pub fn list_failpoints() -> Vec<FailpointInfo> {
    env::read_once();
    let points = Registry::global().points();
    points
        .iter()
        .map(|point| FailpointInfo::of(point))
        .collect()
}

/// A configured failpoint, as it was when [`list_failpoints`] was called.
#[derive(Clone, Debug)]
pub struct FailpointInfo {
    name: String,
    actions: String,
    hits: usize,
    fired: usize,
    waiters: Vec<WaiterInfo>,
}

impl FailpointInfo {
    fn of(point: &Point) -> Self {
        Self {
            name: point.name().to_owned(),
            actions: point.actions(),
            hits: point.hits(),
            fired: point.fired(),
            waiters: point.waiters.infos(),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it was configured to do, as text that configures the same again. Counts are
    /// those it was configured with.
    ///
    /// Two things have no such text: a callback is listed as `callback`; and an argument
    /// with a parenthesis that has no partner, which [`compat`](crate::compat) accepts as
    /// `fail` does, is listed as it is.
    pub fn actions(&self) -> &str {
        &self.actions
    }

    /// How often it was hit since it was configured: every evaluation counts,
    /// whether an alternative took the hit or not.
    pub fn hits(&self) -> usize {
        self.hits
    }

    /// How often an alternative was chosen since it was configured, `off` included.
    pub fn fired(&self) -> usize {
        self.fired
    }

    /// Who waits at it, in the order of arrival.
    pub fn waiters(&self) -> &[WaiterInfo] {
        &self.waiters
    }
}
