//! Copies to elsewhere.

use tokio::task::spawn_blocking;

use crate::Server;

impl Server {
    /// Uploads the parts of a tenant's backup; says how many bytes it was.
    pub async fn upload(&self, tenant: &str, parts: &[&str]) -> Result<usize, String> {
        // A point for each tenant.
        let point = format!("upload-{tenant}");
        if let Some(reason) = fail::eval(&point, Option::unwrap_or_default) {
            return Err(reason);
        }
        let mut bytes = 0;
        for (number, part) in parts.iter().enumerate() {
            fail::fail_point!("upload-part", number > 0, |_| Err(format!(
                "part {number} was refused"
            )));
            bytes += part.len();
            tracing::info!("part {number} of {tenant} is there");
        }
        spawn_blocking(|| fail::fail_point!("upload-sync"))
            .await
            .unwrap();
        crash_point!("upload-done");
        Ok(bytes)
    }

    /// The sum of all bytes that are stored.
    pub async fn checksum(&self) -> u64 {
        let keys = self.keys().await;
        let sum = spawn_blocking(move || {
            fail::fail_point!("checksum", |_| 0);
            keys.iter().flat_map(|key| key.bytes()).map(u64::from).sum()
        });
        sum.await.unwrap()
    }
}
