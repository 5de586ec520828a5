//! How a point is removed by itself once its time is up: whoever configured it from outside may be
//! gone by then.
//!
//! The alarm belongs to the point, and goes with it: a later configuration of the same name has none,
//! or one of its own. It holds the point weakly, and removes that point and no other.

use std::io;
use std::sync::{Arc, Weak};
use std::task::{Wake, Waker};
use std::time::Duration;

use crate::engine::point::Point;
use crate::engine::table::Registry;

/// What is woken when a point's time is up.
struct Lifetime(Weak<Point>);

impl Wake for Lifetime {
    fn wake(self: Arc<Self>) {
        if let Some(point) = self.0.upgrade() {
            Registry::global().expire(&point);
        }
    }
}

/// Has `point`, which is not published yet, removed `time` from now. An error if there is no thread
/// that could do it.
pub(crate) fn limit(point: &Arc<Point>, time: Duration) -> io::Result<()> {
    let waker = Waker::from(Arc::new(Lifetime(Arc::downgrade(point))));
    point.begin_lifetime(super::timer::Alarm::set(time, waker)?);
    Ok(())
}

/// Removes those of `points`, which were published, whose time was up before that: their alarms found
/// nothing to remove.
pub(crate) fn check(points: &[Arc<Point>]) {
    for point in points {
        if point.lifetime() == Some(Duration::ZERO) {
            Registry::global().expire(point);
        }
    }
}
