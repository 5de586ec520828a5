// builds: testing, plain
// says: `std::fmt::Display`
use neon_failpoint::failpoint_context;

fn main() {
    let shards = vec![1_u8];
    let _ = failpoint_context! { "shards" => shards }; // fails
    // twin: let _ = failpoint_context! { "shards" => format!("{shards:?}") };
}
