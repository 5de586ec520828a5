// builds: testing, plain
// says: no rules expected
use neon_failpoint::failpoint_context;

fn main() {
    let _ = failpoint_context! { "k": "v" }; // fails
    // twin: let _ = failpoint_context! { "k" => "v" };
}
