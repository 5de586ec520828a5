//! How many there may be of something at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// Panics as soon as there are more than so many.
#[derive(Debug)]
pub(crate) struct Limit {
    what: &'static str,
    most: usize,
    now: AtomicUsize,
}

impl Limit {
    pub(crate) fn new(what: &'static str, most: usize) -> Arc<Self> {
        Arc::new(Self {
            what,
            most,
            now: AtomicUsize::new(0),
        })
    }

    /// Counts one more until what it returns is dropped.
    pub(crate) fn enter(self: &Arc<Self>) -> Inside {
        let now = self.now.fetch_add(1, SeqCst) + 1;
        let inside = Inside(self.clone());
        assert!(now <= self.most, "{now} {} at once", self.what);
        inside
    }

    pub(crate) fn now(&self) -> usize {
        self.now.load(SeqCst)
    }
}

/// One that is there.
#[derive(Debug)]
pub(crate) struct Inside(Arc<Limit>);

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, SeqCst);
    }
}
