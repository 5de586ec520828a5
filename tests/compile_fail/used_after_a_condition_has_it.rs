// builds: testing, plain
// says: borrow of moved value
// What a condition moves is gone, with failpoints and without.
use neon_failpoint::fail_point_sync;

fn is_empty(text: String) -> bool {
    text.is_empty()
}

fn site(text: String) -> String {
    let copy = text.clone();
    fail_point_sync!("x", is_empty(text), |value| value);
    copy + &text // fails
    // twin: copy
}

fn main() {
    site(String::new());
}
