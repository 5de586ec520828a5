//! Destructors that run others' code: wakers, callbacks, subscribers.

use std::panic::{AssertUnwindSafe, catch_unwind};

#[cfg(feature = "async")]
use crate::engine::report;

/// Does `work`, in a destructor. While the thread is panicking, a panic of `work` would abort the
/// process: then it is swallowed, and there is no result.
pub(crate) fn in_destructor<T>(work: impl FnOnce() -> T) -> Option<T> {
    if !std::thread::panicking() {
        return Some(work());
    }
    caught(work)
}

/// Does `work` in a destructor that must not unwind. A panic goes no further, and is heard.
#[cfg(feature = "async")]
pub(crate) fn without_unwinding(work: impl FnOnce()) {
    if caught(work).is_none() {
        report::panicked_in_a_destructor();
    }
}

fn caught<T>(work: impl FnOnce() -> T) -> Option<T> {
    let done = catch_unwind(AssertUnwindSafe(work));
    // Leaked: the destructor of the panic's payload could panic, too.
    done.map_err(std::mem::forget).ok()
}
