// builds: testing, plain
// says: unused `Result` that must be used
#![deny(unused_must_use)]
use neon_failpoint::pausable_failpoint;

async fn task() -> Result<(), ()> {
    pausable_failpoint!("x").await; // fails
    // twin: pausable_failpoint!("x").await?;
    Ok(())
}

fn main() {
    drop(task());
}
