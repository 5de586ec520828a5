// builds: testing, plain
// says: expected `bool`, found `Option<u8>`
use neon_failpoint::fail_point_sync;

fn main() {
    let shard = Some(1_u8);
    fail_point_sync!("x", shard, |_| ()); // fails
    // twin: fail_point_sync!("x", shard.is_some(), |_| ());
}
