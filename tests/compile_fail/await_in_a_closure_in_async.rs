// builds: testing
// says: `await` is only allowed inside `async` functions and blocks
use neon_failpoint::fail_point;

async fn task(shards: Vec<u8>) {
    shards.iter().for_each(|_| fail_point!("x")); // fails
    // twin: for _ in shards { fail_point!("x") }
}

fn main() {
    drop(task(Vec::new()));
}
