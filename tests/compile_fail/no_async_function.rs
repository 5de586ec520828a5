// builds: sync
// says: cannot find function `failpoint_with_cancellation`
fn main() {
    let _ = neon_failpoint::failpoint_with_cancellation("x", None); // fails
    // twin: let _ = neon_failpoint::failpoint_blocking("x", None);
}
