// builds: testing, plain, sync
// says: borrowed value does not live long enough
use neon_failpoint::configure_failpoint_callback;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn main() {
    let hits = Arc::new(AtomicUsize::new(0));
    let seen = &hits; // fails
    // twin: let seen = hits.clone();
    let count = move || _ = seen.fetch_add(1, Ordering::Relaxed);
    let _ = configure_failpoint_callback("x", count);
    println!("{hits:?}");
}
