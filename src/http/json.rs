//! What the inventory looks like as JSON.
//!
//! The names of the fields are promised in the documentation of [`http`](super): fields may be
//! added, none is renamed or goes.

use std::time::Duration;

use serde::ser::{Serialize, SerializeMap, SerializeStruct, Serializer};

use crate::control::list::{CallSite, FailpointInfo, FailpointTotals};
use crate::engine::context::FailpointContext;
use crate::engine::waiters::WaiterInfo;

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// A point as GET shows it, perhaps with a message in front.
pub(super) struct State<'a> {
    pub(super) message: Option<String>,
    pub(super) point: &'a FailpointInfo,
}

impl Serialize for State<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { message, point } = self;
        let fields = 12 + usize::from(message.is_some());
        let mut object = serializer.serialize_struct("FailpointInfo", fields)?;
        if let Some(message) = message {
            object.serialize_field("msg", message)?;
        }
        object.serialize_field("name", point.name())?;
        object.serialize_field("configured", &point.is_configured())?;
        object.serialize_field("actions", &point.actions())?;
        object.serialize_field("matchers", point.matchers())?;
        object.serialize_field("hits", &point.hits())?;
        object.serialize_field("fired", &point.fired())?;
        object.serialize_field("turned_away", &point.turned_away())?;
        object.serialize_field("totals", &point.totals())?;
        object.serialize_field("ttl_ms", &point.ttl.map(millis))?;
        object.serialize_field("waiters", point.waiters())?;
        object.serialize_field("observers", &point.observers())?;
        object.serialize_field("call_sites", point.call_sites())?;
        object.end()
    }
}

/// With the feature `http`; its fields are in the documentation of [`http`](crate::http).
impl Serialize for FailpointInfo {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let state = State {
            message: None,
            point: self,
        };
        state.serialize(serializer)
    }
}

/// With the feature `http`: `hits`, `fired`, and `delay_ms`, in milliseconds.
impl Serialize for FailpointTotals {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("FailpointTotals", 3)?;
        object.serialize_field("hits", &self.hits)?;
        object.serialize_field("fired", &self.fired)?;
        object.serialize_field("delay_ms", &millis(self.delay))?;
        object.end()
    }
}

/// With the feature `http`: `file`, `line` and `awaits`.
impl Serialize for CallSite {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("CallSite", 3)?;
        object.serialize_field("file", self.file())?;
        object.serialize_field("line", &self.line())?;
        object.serialize_field("awaits", &self.awaits())?;
        object.end()
    }
}

/// With the feature `http`: `blocking`; `waiting_ms`, for how many milliseconds it waited until
/// now; and `context`, an object, or null if the call site gave none.
impl Serialize for WaiterInfo {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("WaiterInfo", 3)?;
        object.serialize_field("blocking", &self.is_blocking())?;
        object.serialize_field("waiting_ms", &millis(self.since().elapsed()))?;
        object.serialize_field("context", &self.context())?;
        object.end()
    }
}

/// With the feature `http`: an object, sorted by key.
impl Serialize for FailpointContext {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        for (key, value) in self.iter() {
            object.serialize_entry(key, value)?;
        }
        object.end()
    }
}
