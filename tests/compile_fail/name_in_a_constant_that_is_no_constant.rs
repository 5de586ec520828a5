// builds: testing, plain
// says: non-constant value
use neon_failpoint::fail_point_sync;

fn save(name: &'static str) {
    let _ = name;
    fail_point_sync!(const { name }); // fails
    // twin: fail_point_sync!(name);
}

fn main() {
    save("x");
}
