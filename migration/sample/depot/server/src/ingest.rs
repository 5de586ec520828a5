//! What tenants ask for.

use std::sync::PoisonError;

use fail::fail_point;

use crate::view::View;
use crate::Server;

impl Server {
    /// Stores a tenant's value.
    pub async fn ingest(&self, tenant: &str, key: &str, value: &str) -> Result<(), String> {
        fail_point!("ingest-begin", |reason| Err(reason.unwrap_or_default()));
        if key.len() > self.longest_key().await {
            return Err("the key is too long".to_owned());
        }
        let (key, value) = (format!("{tenant}/{key}"), value.to_owned());
        let stored = self.with_store(move |store| store.put(&key, &value)).await;
        fail_point!("ingest-stored");
        stored.map_err(|error| error.to_string())
    }

    /// How long a key may be.
    async fn longest_key(&self) -> usize {
        fail_point!("longest-key", |length| length
            .map_or(0, |length| length.parse().unwrap()));
        64
    }

    /// How many values there are.
    pub async fn count(&self) -> usize {
        let store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let count = store.all().map_or(0, |all| all.len());
        fail_point!("count-read");
        count
    }

    /// The keys of all tenants.
    pub async fn keys(&self) -> Vec<String> {
        let view = View::of(&self.store);
        let keys = view.keys();
        fail_point!("keys-read");
        keys
    }
}
