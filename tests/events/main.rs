//! Proves what the library tells through `tracing`: one event for each hit that fires, each
//! wait that ends and each change of a configuration, with the documented names, and what
//! becomes of a subscriber that uses failpoints itself. What needs a process to itself runs in
//! a child: this executable again, with the name of the case in a variable.
//!
//! Alone for the one subscriber of the process, which keeps every event. Each test is in a scope
//! of its own, and looks at the events of names of its own.
#![cfg(all(
    feature = "testing",
    feature = "async",
    feature = "context",
    feature = "runtime"
))]

mod changes;
mod children;
#[path = "../common/mod.rs"]
mod common;
mod hits;
mod subscribers;
mod waits;

use std::fmt::Debug;
use std::sync::{Arc, Mutex, Once};

use tracing::Level;
use tracing::field::{Field, Visit};

use common::loggers::on_event;

/// An event of the library at debug level.
#[derive(Clone, Debug, PartialEq)]
struct Told {
    target: String,
    message: String,
    /// In the order of the event, with the type of each.
    fields: Vec<(&'static str, &'static str, String)>,
}

impl Told {
    fn get(&self, name: &str) -> Option<&str> {
        let field = self.fields.iter().find(|(n, ..)| *n == name);
        field.map(|(.., value)| value.as_str())
    }

    /// `message: field=value ..`, without the name of the point and without times.
    fn line(&self) -> String {
        let fields = self.fields.iter();
        let fields =
            fields.filter(|(n, ..)| !matches!(*n, "failpoint" | "waited_ms" | "file" | "line"));
        let fields: Vec<_> = fields.map(|(n, _, v)| format!(" {n}={v}")).collect();
        format!("{}:{}", self.message, fields.concat())
    }
}

impl Visit for Told {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.push((field.name(), "str", value.to_owned()));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.fields.push((field.name(), "u64", value.to_string()));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            name => self.fields.push((name, "text", format!("{value:?}"))),
        }
    }
}

type Hook = Arc<dyn Fn(&Told) + Send + Sync>;

static EVENTS: Mutex<Vec<Told>> = Mutex::new(Vec::new());

static HOOKS: Mutex<Vec<(String, Hook)>> = Mutex::new(Vec::new());

fn tell(event: &tracing::Event<'_>) {
    if *event.metadata().level() != Level::DEBUG
        || !event.metadata().target().starts_with("neon_failpoint")
    {
        return;
    }
    let mut told = Told {
        target: event.metadata().target().to_owned(),
        message: String::new(),
        fields: Vec::new(),
    };
    event.record(&mut told);
    EVENTS.lock().unwrap().push(told.clone());
    let hooks = HOOKS.lock().unwrap().clone();
    for (name, hook) in hooks {
        if told.get("failpoint") == Some(&name) {
            hook(&told);
        }
    }
}

fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| on_event(tell));
}

/// The events about `name` since the last call.
fn told(name: &str) -> Vec<Told> {
    let mut events = EVENTS.lock().unwrap();
    let (ours, others) = std::mem::take(&mut *events)
        .into_iter()
        .partition(|told| told.get("failpoint") == Some(name));
    *events = others;
    ours
}

fn lines(name: &str) -> Vec<String> {
    told(name).iter().map(Told::line).collect()
}

/// Calls `hook` at every event about `name` until it is dropped.
struct Hooked(String);

impl Hooked {
    fn new(name: &str, hook: impl Fn(&Told) + Send + Sync + 'static) -> Self {
        listen();
        HOOKS
            .lock()
            .unwrap()
            .push((name.to_owned(), Arc::new(hook)));
        Self(name.to_owned())
    }
}

impl Drop for Hooked {
    fn drop(&mut self) {
        HOOKS.lock().unwrap().retain(|(name, _)| *name != self.0);
    }
}
