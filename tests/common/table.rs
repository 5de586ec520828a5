//! Locks on the global table, for the tests of one binary.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use neon_failpoint::remove_all_failpoints;

static TABLE: RwLock<()> = RwLock::new(());

/// For a test that leaves the names of other tests alone.
pub(crate) fn shared() -> RwLockReadGuard<'static, ()> {
    TABLE.read().unwrap_or_else(PoisonError::into_inner)
}

/// For a test that needs the table to itself. It begins empty.
pub(crate) fn alone() -> RwLockWriteGuard<'static, ()> {
    let table = TABLE.write().unwrap_or_else(PoisonError::into_inner);
    remove_all_failpoints();
    table
}
