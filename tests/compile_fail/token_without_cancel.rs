// builds: testing, plain
// says: expected `&FailpointContext`, found `&CancellationToken`
use neon_failpoint::failpoint;
use tokio_util::sync::CancellationToken;

async fn task(token: &CancellationToken) {
    let _ = failpoint!("x", token).await; // fails
    // twin: let _ = failpoint!("x", cancel = token).await;
}

fn main() {
    drop(task(&CancellationToken::new()));
}
