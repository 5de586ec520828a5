// builds: testing
// says: `await` is only allowed inside `async` functions and blocks
use neon_failpoint::*;

fn main() {
    fail_point!("x"); // fails
    // twin: fail_point_sync!("x");
    fail_point_with_context!("x", &failpoint_context! {}, |_| ()); // fails
    // twin: fail_point_with_context_sync!("x", &failpoint_context! {}, |_| ());
}
