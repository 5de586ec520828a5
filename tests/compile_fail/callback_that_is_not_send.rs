// builds: testing, plain, sync
// says: cannot be shared between threads safely
use neon_failpoint::configure_failpoint_callback;
use std::{cell::Cell, sync::Mutex};

fn main() {
    let (cell, mutex) = (Cell::new(0), Mutex::new(0));
    let _ = configure_failpoint_callback("x", move || _ = (&cell, &mutex)); // fails
    // twin: let _ = configure_failpoint_callback("x", move || _ = &mutex);
    // twin: drop(cell);
}
