//! Panics of a run are heard, and kept from standard error: there are hundreds of runs.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{PanicHookInfo, set_hook, take_hook};
use std::sync::{Arc, Mutex, Once};

use crate::engine::sync::unpoisoned;
use crate::explore::run::Run;

thread_local! {
    static WATCHER: RefCell<Option<Arc<Run>>> = const { RefCell::new(None) };
    static LISTENER: RefCell<Option<Arc<Heard>>> = const { RefCell::new(None) };
}

/// The panics of what is run outside of an exploration.
pub(super) struct Heard {
    /// Whether they are printed all the same.
    is_loud: bool,
    texts: Mutex<Vec<String>>,
}

impl Heard {
    pub(super) fn new(is_loud: bool) -> Self {
        Self {
            is_loud,
            texts: Mutex::default(),
        }
    }

    pub(super) fn first(&self) -> Option<String> {
        unpoisoned(self.texts.lock()).first().cloned()
    }
}

/// Sets what hears of this thread's panics, and returns what did.
pub(super) fn listen(heard: Option<Arc<Heard>>) -> Option<Arc<Heard>> {
    LISTENER
        .try_with(|listener| listener.replace(heard))
        .ok()
        .flatten()
}

/// Sets the run that hears of this thread's panics, and returns the one that did.
pub(super) fn watch(run: Option<Arc<Run>>) -> Option<Arc<Run>> {
    // An error means that the thread is ending.
    WATCHER
        .try_with(|watcher| watcher.replace(run))
        .ok()
        .flatten()
}

/// Puts a hook before the one that is there. Panics of other threads go on to that.
pub(super) fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            let watcher = WATCHER.try_with(|watcher| watcher.borrow().clone());
            match watcher.ok().flatten() {
                Some(run) => run.panicked(&describe(info)),
                None => {
                    let listener = LISTENER.try_with(|listener| listener.borrow().clone());
                    let is_loud = listener.ok().flatten().is_none_or(|heard| {
                        let text = describe(info);
                        unpoisoned(heard.texts.lock()).push(text);
                        heard.is_loud
                    });
                    if is_loud {
                        before(info);
                    }
                }
            }
        }));
    });
}

fn describe(info: &PanicHookInfo<'_>) -> String {
    let place = match info.location() {
        Some(place) => format!("at {}:{}:{}: ", place.file(), place.line(), place.column()),
        None => String::new(),
    };
    format!("{place}{}", text(info.payload()))
}

/// Returns the message of a panic.
pub(super) fn text(payload: &dyn Any) -> &str {
    let owned = || payload.downcast_ref::<String>().map(String::as_str);
    let literal = payload.downcast_ref::<&str>().copied();
    literal.or_else(owned).unwrap_or("(not a text)")
}
