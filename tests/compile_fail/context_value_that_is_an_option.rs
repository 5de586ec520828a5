// builds: testing, plain
// says: `Option<u8>` doesn't implement `std::fmt::Display`
// The error points at the value, not at the macro: that begins in a line of its own.
use neon_failpoint::*;

fn site(shard: Option<u8>) {
    fail_point_with_context_sync!(
        "x",
        &failpoint_context! {
            "tenant" => 7,
            "shard" =>
                shard, // fails
            // twin: shard.map_or_else(String::new, |shard| shard.to_string()),
            "last" => shard.is_some(),
        }
    );
}

fn main() {
    site(None);
}
