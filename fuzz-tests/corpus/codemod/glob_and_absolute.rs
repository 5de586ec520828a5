use neon_failpoint::failpoint_support::implicit_await::*;
async fn f() { ::fail::fail_point!("x"); pausable_failpoint!("a"); }
async fn g() { fail_point!("x"); }
