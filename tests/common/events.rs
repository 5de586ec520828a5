//! A subscriber for one thread at a time. It is the global default: with `with_default`,
//! tracing-core caches that an event has no subscriber if a thread without one meets it first while
//! one other thread has one.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Once;

use tracing::Level;
use tracing::field::{Field, Visit};

use super::loggers::on_event;

type Listener = Rc<dyn Fn(&str)>;

thread_local! {
    static LISTENER: RefCell<Option<Listener>> = const { RefCell::new(None) };
}

fn tell_listener(event: &tracing::Event<'_>) {
    // A thread that is ending may have none any more.
    let listener = LISTENER.try_with(|l| l.borrow().clone()).ok().flatten();
    // Debug events have a test file of their own.
    let is_said = *event.metadata().level() <= Level::INFO;
    if let (Some(listener), true) = (listener, is_said) {
        let mut message = Message(String::new());
        event.record(&mut message);
        let metadata = event.metadata();
        let (level, target) = (metadata.level(), metadata.target());
        listener(&format!("{level} {target}: {}", message.0));
    }
}

struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}

/// Installs the subscriber. A test whose hits may log calls this first, for the same reason.
pub(crate) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| on_event(tell_listener));
}

/// Runs `f` while `listener` gets every event of this thread.
pub(crate) fn with_listener<R>(listener: impl Fn(&str) + 'static, f: impl FnOnce() -> R) -> R {
    listen();
    LISTENER.with(|l| *l.borrow_mut() = Some(Rc::new(listener)));
    let result = f();
    LISTENER.with(|l| *l.borrow_mut() = None);
    result
}

/// Returns what `f` logs through `tracing`.
pub(crate) fn events<R>(f: impl FnOnce() -> R) -> (R, Vec<String>) {
    let events = Rc::new(RefCell::new(Vec::new()));
    let sink = events.clone();
    let result = with_listener(move |event| sink.borrow_mut().push(event.to_owned()), f);
    (result, events.take())
}
