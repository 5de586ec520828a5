//! Others' code that must not unwind into ours: wakers, callbacks' destructors, subscribers.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Does `work`, in a destructor. While the thread is panicking, a panic of `work` would abort the
/// process: then it is swallowed, and there is no result.
pub(crate) fn in_destructor<T>(work: impl FnOnce() -> T) -> Option<T> {
    if !std::thread::panicking() {
        return Some(work());
    }
    caught(work)
}

/// Does `work`. A panic goes no further: then there is no result.
pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> Option<T> {
    let done = catch_unwind(AssertUnwindSafe(work));
    // Leaked: the destructor of the panic's payload could panic, too.
    done.map_err(std::mem::forget).ok()
}
