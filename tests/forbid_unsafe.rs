//! Proves that the macros work in a crate that forbids unsafe code and denies every
//! lint that a strict project is likely to deny.
//!
//! Alone for the attributes of the crate.
#![cfg(all(feature = "testing", feature = "async", feature = "context"))]
#![forbid(unsafe_code)]
#![deny(
    warnings,
    unused,
    nonstandard_style,
    future_incompatible,
    let_underscore,
    rust_2018_idioms,
    rust_2021_compatibility,
    rust_2024_compatibility,
    elided_lifetimes_in_paths,
    explicit_outlives_requirements,
    macro_use_extern_crate,
    missing_debug_implementations,
    missing_docs,
    non_ascii_idents,
    redundant_imports,
    single_use_lifetimes,
    trivial_casts,
    trivial_numeric_casts,
    unit_bindings,
    unreachable_pub,
    unused_import_braces,
    unused_lifetimes,
    unused_macro_rules,
    unused_qualifications,
    unused_results,
    variant_size_differences
)]
#![deny(clippy::all, clippy::pedantic, clippy::nursery)]
#![deny(
    clippy::absolute_paths,
    clippy::allow_attributes,
    clippy::as_conversions,
    clippy::default_numeric_fallback,
    clippy::exhaustive_enums,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::let_underscore_must_use,
    clippy::let_underscore_untyped,
    clippy::missing_trait_methods,
    clippy::multiple_unsafe_ops_per_block,
    clippy::panic,
    clippy::pattern_type_mismatch,
    clippy::print_stdout,
    clippy::same_name_method,
    clippy::shadow_reuse,
    clippy::shadow_same,
    clippy::shadow_unrelated,
    clippy::str_to_string,
    clippy::undocumented_unsafe_blocks,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm
)]

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use neon_failpoint::{
    Error, FailpointContext, FailpointResult, configure_failpoint, fail_point, fail_point_sync,
    fail_point_with_context, fail_point_with_context_sync, failpoint, failpoint_context,
    list_failpoints, pausable_failpoint, sleep_millis_async,
};
use tokio_util::sync::CancellationToken;

/// The point of the macros that say nothing else.
const PLAIN: &str = "forbid-unsafe-plain";

/// The output of a future that is ready at its first poll.
fn now<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

/// Every form of every blocking macro; returns what the first one does that returns.
fn blocking(tenant: &str, name: &str) -> Result<u32, String> {
    fail_point_sync!("forbid-unsafe-plain");
    fail_point_sync!(PLAIN);
    fail_point_sync!("forbid-unsafe-closure", Err);
    fail_point_sync!(name, |_| Ok(1));
    fail_point_sync!("forbid-unsafe-condition", tenant.is_empty(), |_| Ok(2));
    let context = failpoint_context! { "tenant" => tenant };
    fail_point_with_context_sync!("forbid-unsafe-plain", &context);
    fail_point_with_context_sync!("forbid-unsafe-plain", &failpoint_context! {});
    fail_point_with_context_sync!("forbid-unsafe-context", &context, |value| {
        let number: u32 = value.parse().map_err(|_| value)?;
        Ok(number)
    });
    fail_point_with_context_sync!(name, &context, tenant.is_empty(), |_| Ok(3));
    Ok(0)
}

/// The same of every macro that awaits in place.
async fn awaiting(tenant: &str, name: &str) -> Result<u32, String> {
    fail_point!("forbid-unsafe-plain");
    fail_point!(PLAIN);
    fail_point!("forbid-unsafe-closure", Err);
    fail_point!(name, |_| Ok(1));
    fail_point!("forbid-unsafe-condition", tenant.is_empty(), |_| Ok(2));
    let context = failpoint_context! { "tenant" => tenant };
    fail_point_with_context!("forbid-unsafe-plain", &context);
    fail_point_with_context!("forbid-unsafe-plain", &failpoint_context! {});
    fail_point_with_context!("forbid-unsafe-context", &context, |value| {
        let number: u32 = value.parse().map_err(|_| value)?;
        Ok(number)
    });
    fail_point_with_context!(name, &context, tenant.is_empty(), |_| Ok(3));
    Ok(0)
}

/// The macros that make a future.
async fn futures(context: &FailpointContext, name: &str) -> Result<FailpointResult, ()> {
    let token = CancellationToken::new();
    pausable_failpoint!("forbid-unsafe-plain").await?;
    pausable_failpoint!(name, &token).await?;
    sleep_millis_async!("forbid-unsafe-plain").await;
    sleep_millis_async!(name, &token).await;
    let plain = [
        failpoint!("forbid-unsafe-plain").await,
        failpoint!(name, context).await,
        failpoint!(name, cancel = &token).await,
    ];
    assert!(
        plain
            .iter()
            .all(|result| *result == FailpointResult::Continue)
    );
    Ok(failpoint!(
        "forbid-unsafe-future",
        &failpoint_context! { "tenant" => "a", "n" => 1_u8 },
        cancel = &CancellationToken::new()
    )
    .await)
}

#[test]
fn every_macro_works_in_a_strict_crate() -> Result<(), Error> {
    let name = "forbid-unsafe-run-time";
    let check = |tenant, expected: &Result<u32, String>| {
        assert_eq!(&blocking(tenant, name), expected);
        assert_eq!(now(awaiting(tenant, name)).as_ref(), Some(expected));
    };
    check("a", &Ok(0));
    configure_failpoint(PLAIN, "off")?;
    check("a", &Ok(0));
    for point in list_failpoints() {
        if point.name() == PLAIN {
            // The macros without a closure, in each of the two functions.
            assert_eq!(point.hits(), 8);
        }
    }
    configure_failpoint("forbid-unsafe-condition", "return")?;
    check("a", &Ok(0));
    check("", &Ok(2));
    configure_failpoint(name, "when(tenant=.*)off->return")?;
    check("a", &Ok(1));
    configure_failpoint("forbid-unsafe-closure", "return(why)")?;
    check("a", &Err("why".to_owned()));
    configure_failpoint("forbid-unsafe-closure", "off")?;
    configure_failpoint(name, "off")?;
    configure_failpoint("forbid-unsafe-context", "when(tenant=a)return(7)")?;
    check("a", &Ok(7));

    let context = FailpointContext::new();
    configure_failpoint("forbid-unsafe-future", "when(n=1)return(x)")?;
    let result = now(futures(&context, name));
    assert_eq!(result, Some(Ok(FailpointResult::Return("x".to_owned()))));
    Ok(())
}
