//! Proves that the macros need no name of the standard library: its names are out of reach here, or
//! mean something else.

#![allow(dead_code)]

use ::neon_failpoint::*;
use ::std::assert_eq;

// What a macro could have meant by these names.
mod core {}
mod std {}
struct Option;
struct String;
struct Some;
struct None;
struct Ok;
struct Err;
trait Into {}
trait Future {}

async fn task(
    name: &str,
    token: &::tokio_util::sync::CancellationToken,
) -> (&'static str, ::std::string::String) {
    fail_point!("macros-no-prelude");
    fail_point!(name);
    fail_point_sync!("macros-no-prelude");
    fail_point_sync!(name);
    let context = &failpoint_context! { "k" => "v", "n" => 1 };
    fail_point_with_context!("macros-no-prelude", context);
    fail_point_with_context_sync!("macros-no-prelude", context);
    let _ = failpoint!("macros-no-prelude").await;
    let _ = failpoint!(name, context, cancel = token).await;
    let _ = pausable_failpoint!("macros-no-prelude", token).await;
    sleep_millis_async!("macros-no-prelude", token).await;
    fail_point_with_context_sync!("macros-no-prelude", context, false, |v| ("1", v));
    fail_point_with_context!("macros-no-prelude", context, false, |v| ("2", v));
    fail_point_sync!("macros-no-prelude", false, |v| ("3", v));
    fail_point!("macros-no-prelude", |v| ("4", v));
    ::std::unreachable!()
}

#[test]
fn the_macros_need_no_name_of_the_standard_library() {
    let _alone = isolate();
    let name = "macros-no-prelude";
    configure_failpoint(name, "10*off->return(x)").unwrap();
    let token = ::tokio_util::sync::CancellationToken::new();
    let (which, value) = crate::common::now(task(name, &token));
    assert_eq!((which, &*value), ("4", "x"));
}
