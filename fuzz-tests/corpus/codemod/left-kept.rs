//! Failpoints that a comment asks to keep.
//~ a comment asks to keep it
//~ a comment asks to keep it
//~ a comment asks to keep it
//~ `sync` is a sync function

pub async fn run() -> u32 {
    // failpoint-migrate: keep
    fail::fail_point!("above", |_| 0);
    fail::fail_point!("behind", |_| 0); // failpoint-migrate: keep, a test needs it to block
    // failpoint-migrate: keep
    #[cfg(test)]
    fail::fail_point!(
        "attribute",
        |_| 0
    );
    1
}
pub fn sync() {
    fail::fail_point!("sync"); // failpoint-migrate: keep
}
