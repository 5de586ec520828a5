// builds: testing, plain
// says: expected `&CancellationToken`, found `CancellationToken`
use neon_failpoint::*;
use tokio_util::sync::CancellationToken;

async fn task(token: CancellationToken) -> Result<(), ()> {
    sleep_millis_async!("x", token).await; // fails
    // twin: sleep_millis_async!("x", &token).await;
    let _ = failpoint!("x", cancel = token).await; // fails
    // twin: let _ = failpoint!("x", cancel = &token).await;
    pausable_failpoint!("x", token).await // fails
    // twin: pausable_failpoint!("x", &token).await
}

fn main() {
    drop(task(CancellationToken::new()));
}
