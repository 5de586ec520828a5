// builds: testing, plain
// says: expected `Result<u8, String>`, found `Result<&str, _>`
use neon_failpoint::{fail_point, fail_point_sync, fail_point_with_context, failpoint_context};

fn blocking() -> Result<u8, String> {
    fail_point_sync!("x", |_| Ok("1")); // fails
    // twin: fail_point_sync!("x", |_| Ok(1));
    Ok(0)
}

async fn awaiting() -> Result<u8, String> {
    fail_point!("x", |_| Ok("1")); // fails
    // twin: fail_point!("x", |_| Ok(1));
    Ok(0)
}

async fn with_context() -> Result<u8, String> {
    fail_point_with_context!("x", &failpoint_context! {}, |_| Ok("1")); // fails
    // twin: fail_point_with_context!("x", &failpoint_context! {}, |_| Ok(1));
    Ok(0)
}

fn main() {
    let _ = (blocking(), awaiting(), with_context());
}
