// builds: testing, plain
// says: that must be used
#![deny(unused_must_use)]
#![allow(unused_imports)]
use neon_failpoint::*;
use tokio_util::sync::CancellationToken;

async fn task(token: &CancellationToken) {
    let _ = token;
    failpoint!("x", &failpoint_context! {}, cancel = token); // fails
    // twin: let _ = failpoint!("x", &failpoint_context! {}, cancel = token).await;
}

fn main() {
    drop(task(&CancellationToken::new()));
}
