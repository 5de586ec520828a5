// builds: testing, plain
// says: expected `&FailpointContext`, found `FailpointContext`
use neon_failpoint::{fail_point_with_context_sync, failpoint_context};

fn main() {
    fail_point_with_context_sync!("x", failpoint_context! { "k" => 1 }); // fails
    // twin: fail_point_with_context_sync!("x", &failpoint_context! { "k" => 1 });
}
