// builds: testing, plain
// says: expected `&str`, found integer
use neon_failpoint::{fail_point, fail_point_sync, failpoint};

async fn task() {
    fail_point!(1); // fails
    // twin: fail_point!("1");
    fail_point_sync!(1 + 1); // fails
    // twin: fail_point_sync!(&(1 + 1).to_string());
    let _ = failpoint!(3).await; // fails
    // twin: let _ = failpoint!("3").await;
}

fn main() {
    drop(task());
}
