// builds: testing, plain
// says: unused `FailpointResult` that must be used
#![deny(unused_must_use)]
use neon_failpoint::{failpoint, failpoint_blocking};

async fn task() {
    failpoint!("x").await; // fails
    // twin: let _ = failpoint!("x").await;
    failpoint("x", None).await; // fails
    // twin: let _ = failpoint("x", None).await;
    failpoint_blocking("x", None); // fails
    // twin: let _ = failpoint_blocking("x", None);
}

fn main() {
    drop(task());
}
