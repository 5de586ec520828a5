// builds: testing, plain, sync
// says: `fail_point` is ambiguous
// An error in most compilers; some (1.95) warn, and take the glob that comes first.
#![deny(future_incompatible)]
#![allow(unused_imports)]
use neon_failpoint::compat::*;
use neon_failpoint::*;
// twin: use neon_failpoint::compat::fail_point;

fn main() {
    fail_point!("x"); // fails
    // twin: fail_point!("x");
}
