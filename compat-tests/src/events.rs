//! What happens on a thread, as a list of texts, and the logger that adds to it.

use crate::api::Fail;
use log::{LevelFilter, Log, Metadata, Record};
use std::cell::{Cell, RefCell};
use std::fmt::{self, Debug, Formatter};
use std::marker::PhantomData;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, RwLock};

thread_local! {
    static EVENTS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    static LOGGING: Cell<bool> = const { Cell::new(false) };
}

/// Adds an event to those of this thread.
pub(crate) fn add(event: impl Into<String>) {
    EVENTS.with_borrow_mut(|events| events.push(event.into()));
}

/// Runs `f` and describes what happened during it, including a panic.
pub(crate) fn during(f: impl FnOnce()) -> String {
    let before = EVENTS.take();
    if let Err(payload) = panic::catch_unwind(AssertUnwindSafe(f)) {
        let message = payload.downcast_ref::<String>().map(String::as_str);
        let message = message.or_else(|| payload.downcast_ref::<&str>().copied());
        add(format!(
            "panicked {:?}",
            message.unwrap_or("with something that is no text")
        ));
    }
    EVENTS.replace(before).join(", then ")
}

type Hook = Arc<dyn Fn() + Send + Sync>;

static HOOK: RwLock<Option<Hook>> = RwLock::new(None);

/// Sets what each log record also runs from now on.
pub(crate) fn on_log(hook: Option<Hook>) {
    *HOOK
        .write()
        .unwrap_or_else(|poisoned| poisoned.into_inner()) = hook;
}

/// Adds each log record to the events of the thread that logs it.
struct Logger<F>(PhantomData<fn() -> F>);

impl<F> Debug for Logger<F> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("Logger")
    }
}

impl<F: Fail> Log for Logger<F> {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let level = record.level().as_str().to_lowercase();
        let target = F::log_target(record.target());
        add(format!(
            "logged {level} {target} {:?}",
            record.args().to_string()
        ));
        if !LOGGING.replace(true) {
            let hook = HOOK
                .read()
                .unwrap_or_else(|poisoned| poisoned.into_inner())
                .clone();
            let ended = hook.map(|hook| panic::catch_unwind(AssertUnwindSafe(|| hook())));
            LOGGING.set(false);
            if let Some(Err(payload)) = ended {
                panic::resume_unwind(payload);
            }
        }
    }

    fn flush(&self) {}
}

/// Installs the process's logger and silences panics.
pub(crate) fn listen<F: Fail>() {
    if log::set_boxed_logger(Box::new(Logger::<F>(PhantomData))).is_ok() {
        log::set_max_level(LevelFilter::Trace);
    }
    panic::set_hook(Box::new(|_| {}));
}
