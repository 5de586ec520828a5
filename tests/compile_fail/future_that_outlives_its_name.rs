// builds: testing
// says: temporary value dropped while borrowed
use neon_failpoint::failpoint;

fn spawn(_: impl Future + Send + 'static) {}

fn main() {
    spawn(failpoint!(&format!("x-{}", 1))); // fails
    // twin: spawn(async { failpoint!(&format!("x-{}", 1)).await });
    // twin: spawn(failpoint!("x-1"));
}
