// builds: sync
// says: needs the feature `async` of neon_failpoint
#![allow(unused_imports)]
use neon_failpoint::*;

fn main() {
    sleep_millis_async!("x"); // fails
    // twin: fail_point_sync!("x");
}
