//! Proves how the waits of async hits end, and what is left of them: by every way to
//! reconfigure, by removal, cancellation, drop, timeout and shutdown; and that wakers
//! may do what they like.

mod cancelled;
mod dropped;
mod listed;
mod released;
mod runtimes;
mod wakers;

use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);
