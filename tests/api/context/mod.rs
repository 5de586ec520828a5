//! Proves which hits a configuration with context matchers takes, what it refuses, and
//! that the listed text configures the same again.

mod matching;
mod refused;
mod text;
mod types;

use crate::common::now;
use neon_failpoint::FailpointResult::{self, Continue, Return};
use neon_failpoint::{
    FailpointContext, fail_point_with_context, fail_point_with_context_sync, failpoint,
    failpoint_blocking,
};

/// What a hit of `name` with this context gives, in every way to make one.
#[track_caller]
fn hit(name: &str, context: Option<&FailpointContext>) -> FailpointResult {
    let result = failpoint_blocking(name, context);
    assert_eq!(now(failpoint(name, context)), result);
    if let Some(context) = context {
        let sync = || {
            fail_point_with_context_sync!(name, context, Return);
            Continue
        };
        let task = async {
            fail_point_with_context!(name, context, Return);
            Continue
        };
        assert_eq!((sync(), now(task)), (result.clone(), result.clone()));
    }
    result
}

/// The value that `name` returns to a hit with these pairs, if it returns.
#[track_caller]
fn value<const N: usize>(name: &str, pairs: [(&str, &str); N]) -> Option<String> {
    match hit(name, Some(&FailpointContext::from_iter(pairs))) {
        Return(value) => Some(value),
        Continue => None,
        FailpointResult::Cancelled => unreachable!(),
    }
}

/// Whether `name` returns to a hit with these pairs.
#[track_caller]
fn takes<const N: usize>(name: &str, pairs: [(&str, &str); N]) -> bool {
    value(name, pairs).is_some()
}
