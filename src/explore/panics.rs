//! Panics of a run are heard, and kept from standard error: there are hundreds of runs.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{PanicHookInfo, catch_unwind, panic_any, set_hook, take_hook};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use crate::engine::sync::unpoisoned;

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

/// Makes sure that the process has a hook that tells of panics. Panics of threads that belong to no run go on to
/// the hook that was there before.
pub(super) fn install() {
    // Two explorations that begin at once may each find that there is none.
    static INSTALLING: Mutex<()> = Mutex::new(());
    let _installing = unpoisoned(INSTALLING.lock());
    if is_installed() {
        return;
    }
    let before = take_hook();
    set_hook(Box::new(move |info| {
        if info.payload().is::<Probe>() {
            let _ = PROBED.try_with(|probed| probed.set(true));
            return;
        }
        let watcher = WATCHER.try_with(|watcher| watcher.borrow().clone());
        let watcher = watcher.ok().flatten();
        if let Some(run) = &watcher {
            run.panicked(&describe(info));
        }
        if watcher.is_none_or(|run| run.is_loud()) {
            before(info);
        }
    }));
    HAS_BEEN.store(true, Ordering::SeqCst);
}

static HAS_BEEN: AtomicBool = AtomicBool::new(false);

/// The payload of a panic that only asks whether the hook is ours.
struct Probe;

thread_local! {
    static PROBED: Cell<bool> = const { Cell::new(false) };
}

/// Whether our hook is called: somebody may have set another since.
fn is_installed() -> bool {
    if !HAS_BEEN.load(Ordering::SeqCst) {
        return false;
    }
    PROBED.set(false);
    let probed = catch_unwind(|| panic_any(Probe));
    drop(probed);
    PROBED.get()
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
