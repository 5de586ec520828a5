//! A server on the engine: tenants put values in, background tasks keep it small.

#[macro_use]
mod macros;
mod background;
mod ingest;
mod upload;
mod view;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use engine::Store;
use tokio_util::sync::CancellationToken;

/// The server. Its clones are one.
#[derive(Debug, Clone)]
pub struct Server {
    store: Arc<Mutex<Store>>,
    /// Ends the background tasks.
    pub cancel: CancellationToken,
}

impl Server {
    /// A server on the store in the folder.
    pub fn open(folder: &Path) -> std::io::Result<Server> {
        Ok(Server {
            store: Arc::new(Mutex::new(Store::open(folder)?)),
            cancel: CancellationToken::new(),
        })
    }

    /// Runs something on the store, off the runtime's threads.
    async fn with_store<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Store) -> T + Send + 'static,
    ) -> T {
        let store = Arc::clone(&self.store);
        let work = move || work(&mut store.lock().unwrap_or_else(PoisonError::into_inner));
        tokio::task::spawn_blocking(work).await.expect("no panic")
    }
}

#[cfg(test)]
mod tests {
    use super::Server;

    #[tokio::test]
    async fn a_value_that_was_ingested_is_uploaded_and_counted() {
        let folder = std::env::temp_dir().join(format!("server-{}", std::process::id()));
        let server = Server::open(&folder).unwrap();
        server.ingest("acme", "a", "1").await.unwrap();
        assert_eq!(server.upload("acme", &["ab", "c"]).await, Ok(3));
        server.stop().await;
        assert_eq!(server.count().await, 1);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
