//! A look at the store that nobody can change meanwhile.

use std::sync::{Mutex, MutexGuard, PoisonError};

use engine::Store;

/// The store, locked.
pub(crate) struct View<'a>(MutexGuard<'a, Store>);

impl<'a> View<'a> {
    pub(crate) fn of(store: &'a Mutex<Store>) -> View<'a> {
        View(store.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn keys(&self) -> Vec<String> {
        let all = self.0.all().unwrap_or_default();
        all.into_keys().collect()
    }
}
