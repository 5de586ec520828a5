//! Panics of a run are heard, and kept from standard error: there are hundreds of runs.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{PanicHookInfo, set_hook, take_hook};
use std::sync::{Arc, Once};

/// A run, or what is run for crashes, which hears of the panics of its threads.
pub(super) trait Hears: Send + Sync {
    fn panicked(&self, message: &str);

    /// Whether they go on to the hook that was there before, all the same.
    fn is_loud(&self) -> bool {
        false
    }
}

thread_local! {
    static WATCHER: RefCell<Option<Arc<dyn Hears>>> = const { RefCell::new(None) };
}

/// Sets the run that hears of this thread's panics, and returns the one that did.
pub(super) fn watch(run: Option<Arc<dyn Hears>>) -> Option<Arc<dyn Hears>> {
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
            let is_loud = watcher.ok().flatten().is_none_or(|run| {
                run.panicked(&describe(info));
                run.is_loud()
            });
            if is_loud {
                before(info);
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
