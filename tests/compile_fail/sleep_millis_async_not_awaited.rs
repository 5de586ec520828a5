// builds: testing, plain
// says: that must be used
#![deny(unused_must_use)]
#![allow(unused_imports)]
use neon_failpoint::*;
use tokio_util::sync::CancellationToken;

async fn task(token: &CancellationToken) {
    let _ = token;
    sleep_millis_async!("x"); // fails
    // twin: let _ = sleep_millis_async!("x").await;
}

fn main() {
    drop(task(&CancellationToken::new()));
}
