//! The native macros that block: right in sync code, and named where an await would do.
//~ `sync` is a sync function
//~ `sync` is a sync function
//~ it blocks: `fail_point!` awaits
//~ it blocks: `fail_point_with_context!` awaits

use neon_failpoint::{fail_point_sync, failpoint_context, fail_point_with_context_sync};

pub fn sync() {
    fail_point_sync!("sync");
    let context = failpoint_context! { "a" => "b" };
    fail_point_with_context_sync!("context", &context);
}
pub async fn waits() {
    fail_point_sync!("waits");
    let context = failpoint_context! { "a" => "b" };
    neon_failpoint::fail_point_with_context_sync!("context", &context);
    neon_failpoint::fail_point_with_context!("done", &context);
    let _ = neon_failpoint::failpoint!("done").await;
}
pub mod other {
    macro_rules! failpoint {
        ($name:expr) => {};
    }
    pub async fn run() {
        failpoint!("not ours");
        other::fail_point_sync!("not ours either");
    }
}
