// builds: testing, plain
// says: 0 means that nobody waited there yet
#![deny(unused_must_use)]
use neon_failpoint::arm;

fn main() {
    let point = arm("x", "pause").unwrap();
    point.release_one(); // fails
    // twin: assert_eq!(point.release_one(), 1);
    point.release(2); // fails
    // twin: assert_eq!(point.release(2), 2);
    point.release_all(); // fails
    // twin: let _ = point.release_all();
}
