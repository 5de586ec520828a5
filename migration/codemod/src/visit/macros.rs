//! The macros to look for.

use std::collections::{HashMap, HashSet};

use crate::facts::Kind;

/// The macros to look for, by the last segment of their path.
#[derive(Debug, Clone, Default)]
pub struct Names {
    wrappers: HashSet<String>,
    aliases: HashMap<String, Kind>,
}

impl Names {
    /// The macros of `fail`, of Neon and of the native crate, a project's wrappers, and names
    /// that imports give them.
    #[must_use]
    pub fn new(
        wrappers: impl IntoIterator<Item = String>,
        aliases: impl IntoIterator<Item = (String, Kind)>,
    ) -> Names {
        Names {
            wrappers: wrappers.into_iter().collect(),
            aliases: aliases.into_iter().collect(),
        }
    }

    /// What a macro of this name is, if it is looked for.
    #[must_use]
    pub fn kind(&self, name: &str) -> Option<Kind> {
        match name {
            "fail_point" => Some(Kind::FailPoint),
            "async_fail_point" => Some(Kind::AsyncFailPoint),
            "pausable_failpoint" => Some(Kind::Pausable),
            "sleep_millis_async" => Some(Kind::SleepMillis),
            _ if self.wrappers.contains(name) => Some(Kind::Wrapper),
            _ if self.aliases.contains_key(name) => self.aliases.get(name).copied(),
            // A project may have wrappers of these names.
            "failpoint" => Some(Kind::Native),
            "fail_point_with_context" => Some(Kind::WithContext),
            "fail_point_sync" => Some(Kind::Sync),
            "fail_point_with_context_sync" => Some(Kind::SyncWithContext),
            _ => None,
        }
    }
}
