// builds: testing, plain
// says: expected closure signature `fn(String) -> _`
use neon_failpoint::fail_point_sync;

fn site() -> Option<String> {
    fail_point_sync!("x", |value: Option<String>| value); // fails
    // twin: fail_point_sync!("x", |value: String| Some(value));
    None
}

fn main() {
    let _ = site();
}
