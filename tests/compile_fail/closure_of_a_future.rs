// builds: testing, plain
// says: `fail_point!` takes one
#![allow(unused_imports)]
use neon_failpoint::*;
use tokio_util::sync::CancellationToken;

fn failed(value: String) -> Result<(), String> {
    Err(value)
}

async fn task(token: &CancellationToken) -> Result<(), String> {
    let _ = (token, failed);
    failpoint!("x", Err).await; // fails
    // twin: fail_point!("x", Err);
    failpoint!("x", |value| failed(value)); // fails
    // twin: fail_point!("x", |value| failed(value));
    failpoint!("x", || Ok(())); // fails
    // twin: fail_point!("x", |_| Ok(()));
    failpoint!("x", move |value| Err(value)).await; // fails
    // twin: fail_point!("x", move |value| Err(value));
    failpoint!("x", &failpoint_context! {}, Err).await; // fails
    // twin: fail_point_with_context!("x", &failpoint_context! {}, Err);
    failpoint!("x", true, |value| Err(value)); // fails
    // twin: fail_point!("x", true, |value| Err(value));
    pausable_failpoint!("x", Err).await; // fails
    // twin: fail_point!("x", Err);
    sleep_millis_async!("x", |_| Ok(())).await; // fails
    // twin: fail_point!("x", |_| Ok(()));
    Ok(())
}

fn main() {
    drop(task(&CancellationToken::new()));
}
