// builds: testing, plain
// says: unused `Result` that must be used
#![deny(unused_must_use)]
use neon_failpoint::{arm, release_failpoint, release_failpoint_matching};

fn main() {
    let point = arm("x", "pause").unwrap();
    release_failpoint("x", 1); // fails
    // twin: assert_eq!(release_failpoint("x", 1).unwrap(), 1);
    release_failpoint_matching("x", [("k", "v")]); // fails
    // twin: assert_eq!(release_failpoint_matching("x", [("k", "v")]).unwrap(), 1);
    point.release_matching([("k", "v")]); // fails
    // twin: assert_eq!(point.release_matching([("k", "v")]).unwrap(), 1);
}
