// builds: testing, plain, sync
// says: unexpected end of macro invocation
use neon_failpoint::fail_point_sync;

fn main() {
    fail_point_sync!(); // fails
    // twin: fail_point_sync!("x");
}
