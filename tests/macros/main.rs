//! Proves that the macros can stand wherever users put them, with any name and any
//! closure, however they are imported. Most of the proof is that this compiles.
//!
//! Alone for the crate's root, which imports macros and gives the crate another name, and for its
//! hundreds of call sites, which every list elsewhere would have to go through.
#![cfg(all(
    feature = "testing",
    feature = "async",
    feature = "context",
    feature = "runtime"
))]

#[path = "../common/mod.rs"]
mod common;

// One of the ways to import a macro; the crate has another name here.
#[macro_use(fail_point, fail_point_sync)]
extern crate neon_failpoint as renamed;

/// Every form of every macro that hits a point, once each: in an `async` block whose
/// value is `()`.
macro_rules! hit_by_every_macro {
    ($($name:tt)+) => {{
        let token = &CancellationToken::new();
        fail_point!($($name)+);
        fail_point!($($name)+, |_| ());
        fail_point!($($name)+, true, |_| ());
        fail_point_sync!($($name)+);
        fail_point_sync!($($name)+, |_| ());
        fail_point_sync!($($name)+, true, |_| ());
        fail_point_with_context!($($name)+, &failpoint_context! {});
        fail_point_with_context!($($name)+, &failpoint_context! {}, |_| ());
        fail_point_with_context!($($name)+, &failpoint_context! {}, true, |_| ());
        fail_point_with_context_sync!($($name)+, &failpoint_context! {});
        fail_point_with_context_sync!($($name)+, &failpoint_context! {}, |_| ());
        fail_point_with_context_sync!($($name)+, &failpoint_context! {}, true, |_| ());
        let _ = failpoint!($($name)+).await;
        let _ = failpoint!($($name)+, &failpoint_context! {}).await;
        let _ = failpoint!($($name)+, cancel = token).await;
        let _ = failpoint!($($name)+, &failpoint_context! {}, cancel = token).await;
        let _ = pausable_failpoint!($($name)+).await;
        let _ = pausable_failpoint!($($name)+, token).await;
        sleep_millis_async!($($name)+).await;
        sleep_millis_async!($($name)+, token).await;
    }};
}

/// How many that are.
const FORMS: usize = 20;

// After the macro that they use.
mod a_closure;
mod a_name;
mod a_panic;
mod a_statement_or_expression;
mod an_enclosing_function;
mod evaluation;
mod futures;
mod hygiene;
mod imports;
#[no_implicit_prelude]
mod without_a_prelude;

/// As a crate does that offers the macros as its own.
mod reexports {
    pub(crate) use neon_failpoint::{fail_point, fail_point_sync as sync_point, failpoint};
}

/// What most modules here need.
mod prelude {
    pub(crate) use crate::common::{assert_stats, now};
    pub(crate) use neon_failpoint::*;
    pub(crate) use std::fmt::{Debug, Display};
    pub(crate) use std::future::Future;
    pub(crate) use std::num::ParseIntError;
    pub(crate) use std::pin::Pin;
    pub(crate) use tokio_util::sync::CancellationToken;

    /// Configures `name` to return `value`.
    pub(crate) fn returns(name: &str, value: &str) {
        configure_failpoint(name, format!("return({value})")).unwrap();
    }

    /// Configures `name` so that its hits are counted.
    pub(crate) fn counts(name: &str) {
        configure_failpoint(name, "off").unwrap();
    }
}
