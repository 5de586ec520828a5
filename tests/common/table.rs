//! A lock on the global table, for the tests of one binary.

use std::sync::{Mutex, MutexGuard, PoisonError};

use neon_failpoint::remove_all_failpoints;

/// The table, empty, for a test that is in no scope.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static TABLE: Mutex<()> = Mutex::new(());
    let table = TABLE.lock().unwrap_or_else(PoisonError::into_inner);
    remove_all_failpoints();
    table
}
