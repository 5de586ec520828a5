// builds: testing, plain
// says: that must be used
#![deny(unused_must_use)]
#![allow(unused_imports)]
use neon_failpoint::*;
use tokio_util::sync::CancellationToken;

async fn task(token: &CancellationToken) {
    let _ = token;
    failpoint!("x"); // fails
    // twin: let _ = failpoint!("x").await;
}

fn main() {
    drop(task(&CancellationToken::new()));
}
