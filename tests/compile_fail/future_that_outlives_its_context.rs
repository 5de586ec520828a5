// builds: testing, plain
// says: does not live long enough
use neon_failpoint::{FailpointContext, failpoint};

fn spawn(_: impl Future + Send + 'static) {}

fn main() {
    let context = FailpointContext::new();
    spawn(failpoint("x", Some(&context))); // fails
    // twin: spawn(async move { failpoint("x", Some(&context)).await });
}
