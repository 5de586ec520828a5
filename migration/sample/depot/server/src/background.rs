//! Tasks that nobody waits for.

use tokio::task::JoinHandle;
use utils::{pausable_failpoint, sleep_millis_async};

use crate::Server;

impl Server {
    /// Compacts until the server is stopped, and says how often it did.
    pub fn keep_small(&self) -> JoinHandle<usize> {
        let server = self.clone();
        tokio::spawn(async move {
            let mut rounds = 0;
            while server.compact().await.is_ok() && !server.cancel.is_cancelled() {
                tracing::info!("{} keys", server.keys().await.len());
                rounds += 1;
                tokio::task::yield_now().await;
            }
            rounds
        })
    }

    /// One compaction. An error where the server is stopped meanwhile.
    pub async fn compact(&self) -> Result<(), ()> {
        pausable_failpoint!("compact-begin", &self.cancel)?;
        let compacted = self.with_store(|store| {
            store.flush()?;
            store.compact()
        });
        compacted.await.map(|_| ()).map_err(|_| ())
    }

    /// Stops the background tasks, and flushes.
    pub async fn stop(&self) {
        pausable_failpoint!("stop-begin");
        self.cancel.cancel();
        sleep_millis_async!("stop-slow");
        let flushed = self.with_store(|store| {
            fail::fail_point!("stop-flush", |_| Ok(()));
            store.flush()
        });
        let _ = flushed.await;
    }
}
