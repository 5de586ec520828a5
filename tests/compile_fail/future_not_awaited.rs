// builds: testing, plain
// says: that must be used
#![deny(unused_must_use)]
use neon_failpoint::{failpoint, failpoint_with_cancellation};
use tokio_util::sync::CancellationToken;

async fn task(token: &CancellationToken) {
    failpoint("x", None); // fails
    // twin: let _ = failpoint("x", None).await;
    failpoint_with_cancellation("x", None, token); // fails
    // twin: let _ = failpoint_with_cancellation("x", None, token).await;
}

fn main() {
    drop(task(&CancellationToken::new()));
}
