//! An import of the name that nothing else needs.

use fail::fail_point;
use std::time::Duration;

pub async fn run() -> Duration {
    fail_point!("import", |_| Duration::ZERO);
    Duration::from_secs(1)
}

#[tokio::test]
async fn it_returns() {
    assert_eq!(run().await, Duration::from_secs(1));
    fail::cfg("import", "return").unwrap();
    assert_eq!(run().await, Duration::ZERO);
}
