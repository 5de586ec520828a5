// builds: testing, plain
// says: expected `&str`, found `String`
use neon_failpoint::{fail_point, fail_point_sync};

async fn task(shard: u8) {
    fail_point!(format!("x-{shard}")); // fails
    // twin: fail_point!(&format!("x-{shard}"));
    fail_point_sync!(shard.to_string()); // fails
    // twin: fail_point_sync!(&shard.to_string());
}

fn main() {
    drop(task(1));
}
