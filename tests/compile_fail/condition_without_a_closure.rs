// builds: testing, plain
// says: expected a `FnOnce(String)` closure, found `bool`
use neon_failpoint::{fail_point_sync, fail_point_with_context_sync, failpoint_context};

fn main() {
    let context = failpoint_context! {};
    fail_point_sync!("x", true); // fails
    // twin: fail_point_sync!("x", true, |_| ());
    fail_point_with_context_sync!("x", &context, true); // fails
    // twin: fail_point_with_context_sync!("x", &context, true, |_| ());
}
