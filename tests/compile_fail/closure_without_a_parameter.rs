// builds: testing, plain
// says: closure is expected to take 1 argument, but it takes 0 arguments
use neon_failpoint::fail_point_sync;

fn main() {
    fail_point_sync!("x", || ()); // fails
    // twin: fail_point_sync!("x", |_| ());
}
