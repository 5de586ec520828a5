// builds: sync
// says: needs the feature `async` of neon_failpoint
#![allow(unused_imports)]
use neon_failpoint::*;

fn main() {
    fail_point!("x"); // fails
    // twin: fail_point_sync!("x");
}
