// builds: testing, plain
// says: expected `()`, found `usize`
use neon_failpoint::fail_point_sync;

fn main() {
    fail_point_sync!("x", |value| value.len()); // fails
    // twin: fail_point_sync!("x", |_| ());
}
