// builds: sync
// says: needs the feature `async` of neon_failpoint
#![allow(unused_imports)]
use neon_failpoint::*;

fn main() {
    fail_point_with_context!("x", &failpoint_context! {}); // fails
    // twin: fail_point_with_context_sync!("x", &failpoint_context! {});
}
