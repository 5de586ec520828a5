// builds: testing, plain
// says: the trait bound `String: From<
use neon_failpoint::failpoint_context;

fn main() {
    let _ = failpoint_context! { 1 => "v" }; // fails
    // twin: let _ = failpoint_context! { "1" => "v" };
}
