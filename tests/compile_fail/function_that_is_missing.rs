// builds: testing, plain
// says: cannot find
use neon_failpoint::*;
use tokio_util::sync::CancellationToken;

fn blocking() -> Result<u8, String> {
    fail_point_sync!("x", |value| no_such_function(value)); // fails
    // twin: fail_point_sync!("x", |value| Err(value));
    fail_point_sync!("x", no_such_condition, |value| Err(value)); // fails
    // twin: fail_point_sync!("x", true, |value| Err(value));
    fail_point_sync!(NO_SUCH_NAME, |value| Err(value)); // fails
    // twin: fail_point_sync!("x", |value| Err(value));
    fail_point_with_context_sync!("x", &failpoint_context! { "k" => no_such_value }); // fails
    // twin: fail_point_with_context_sync!("x", &failpoint_context! { "k" => 1 });
    fail_point_with_context_sync!("x", &failpoint_context! {}, no_such_condition(), |_| Ok(1)); // fails
    // twin: fail_point_with_context_sync!("x", &failpoint_context! {}, true, |_| Ok(1));
    Ok(0)
}

async fn awaiting(token: &CancellationToken) -> Result<u8, String> {
    let _ = token;
    fail_point!("x", |value| no_such_function(value)); // fails
    // twin: fail_point!("x", |value| Err(value));
    fail_point!("x", no_such_condition().await, |value| Err(value)); // fails
    // twin: fail_point!("x", std::future::ready(true).await, |value| Err(value));
    fail_point_with_context!("x", &no_such_context, |value| Err(value)); // fails
    // twin: fail_point_with_context!("x", &failpoint_context! {}, |value| Err(value));
    let _ = failpoint!("x", &no_such_context, cancel = token).await; // fails
    // twin: let _ = failpoint!("x", &failpoint_context! {}, cancel = token).await;
    let _ = pausable_failpoint!("x", &no_such_token).await; // fails
    // twin: let _ = pausable_failpoint!("x", token).await;
    failpoint_support::implicit_await::sleep_millis_async!("x", &no_such_token); // fails
    // twin: failpoint_support::implicit_await::sleep_millis_async!("x", token);
    Ok(1)
}

fn main() {
    let _ = blocking();
    drop(awaiting(&CancellationToken::new()));
}
