//! The ways to end the configuration of a point that has waiters.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use neon_failpoint::{
    FailpointResult, configure_failpoint, configure_failpoint_callback, configure_failpoints,
    remove_failpoint,
};

use super::{assert_stats, hit, info, value};

/// A way to end the configuration of a point that has waiters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum End {
    /// Another configuration, of this point alone.
    Configure,
    Batch,
    /// A callback replaces the actions.
    ToCallback,
    /// The callback of another point configures this one.
    InsideCallback,
    Remove,
}

impl End {
    pub(crate) const ALL: [End; 5] = [
        End::Configure,
        End::Batch,
        End::ToCallback,
        End::InsideCallback,
        End::Remove,
    ];

    /// Ends the present configuration of `name`.
    pub(crate) fn apply(self, name: &str) -> Ended {
        let calls = Arc::new(AtomicUsize::new(0));
        let other = format!("{name}-other");
        match self {
            End::Configure => configure_failpoint(name, "return(new)").unwrap(),
            End::Batch => {
                configure_failpoints([(other.as_str(), "off"), (name, "return(new)")]).unwrap();
            }
            End::ToCallback => {
                let calls = calls.clone();
                let count = move || {
                    calls.fetch_add(1, Ordering::SeqCst);
                };
                configure_failpoint_callback(name, count).unwrap();
            }
            End::InsideCallback => {
                let name = name.to_owned();
                let configure = move || configure_failpoint(&name, "return(new)").unwrap();
                configure_failpoint_callback(&other, configure).unwrap();
                assert_eq!(hit(&other), FailpointResult::Continue);
            }
            End::Remove => remove_failpoint(name),
        }
        remove_failpoint(&other);
        Ended { end: self, calls }
    }
}

/// What remains to be checked once the waiters have continued.
pub(crate) struct Ended {
    end: End,
    calls: Arc<AtomicUsize>,
}

impl Ended {
    /// Asserts that the new configuration was not applied to the former waiters, but is to the next
    /// hit, which `hit` makes.
    #[track_caller]
    pub(crate) fn assert_for_later_hits_only(
        self,
        name: &str,
        hit: impl FnOnce() -> FailpointResult,
    ) {
        let is_removed = self.end == End::Remove;
        assert_eq!(info(name).is_none(), is_removed);
        if !is_removed {
            assert_stats(name, (0, 0, 0));
        }
        assert_eq!(self.calls.load(Ordering::SeqCst), 0);
        let (next, calls) = match self.end {
            End::Configure | End::Batch | End::InsideCallback => (value("new"), 0),
            End::ToCallback => (FailpointResult::Continue, 1),
            End::Remove => (FailpointResult::Continue, 0),
        };
        assert_eq!(hit(), next, "the next hit of {name:?}");
        assert_eq!(self.calls.load(Ordering::SeqCst), calls);
        if !is_removed {
            assert_stats(name, (1, 1, 0));
        }
        remove_failpoint(name);
    }
}
