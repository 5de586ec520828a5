// builds: testing, plain
// says: a wait does nothing unless you `.await` it or call `blocking`
#![deny(unused_must_use)]
use neon_failpoint::{wait_for_hits, wait_until_fired, wait_until_paused};

fn main() {
    wait_for_hits("x", 1); // fails
    // twin: let _ = wait_for_hits("x", 1).blocking();
    wait_until_paused("x", 1); // fails
    // twin: let _ = wait_until_paused("x", 1).blocking();
    wait_until_fired("x", 1); // fails
    // twin: let _ = wait_until_fired("x", 1).blocking();
    wait_until_fired("x", 1).unless(std::future::ready(())); // fails
    // twin: let _ = wait_until_fired("x", 1).unless(std::future::ready(())).blocking();
}
