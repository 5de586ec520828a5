// builds: testing, plain, sync
// says: no rules expected
use neon_failpoint::fail_point_sync;

fn main() {
    fail_point_sync!("x", true, |_| (), ()); // fails
    // twin: fail_point_sync!("x", true, |_| ());
}
