//! `fail`'s macro and its async counterpart, live and empty under separate names:
//! [`compat`](crate::compat) selects by the feature `testing`, the shim by its own.
//!
//! The arguments are those of `fail` 0.5.1, evaluated in its order. The blocking macro passes the
//! closure before the hit, as `fail` does; the async one creates it after the await, so that it
//! need not be `Send`.

/// Hits a failpoint in synchronous code, as the `fail` crate does.
///
/// | form | |
/// |---|---|
/// | `fail_point!(name)` | every action but `return`, which panics |
/// | `fail_point!(name, closure)` | `return` calls `closure` with its argument, an `Option<String>`, and returns the result from the enclosing function |
/// | `fail_point!(name, condition, closure)` | the same, where `condition` holds |
///
/// A constant as the name, in `const { .. }`, makes a listed call site, as a literal does. (`fail`
/// does not take that; a constant by itself is looked up by name, as there.)
///
/// ```
/// use neon_failpoint::compat::{cfg, fail_point};
///
/// fn limit(strict: bool) -> u32 {
///     fail_point!("compat-macro-doc", strict, |n| n.map_or(1, |n| n.parse().unwrap()));
///     100
/// }
///
/// # if !neon_failpoint::has_failpoints() { return }
/// cfg("compat-macro-doc", "return(10)").unwrap();
/// assert_eq!((limit(true), limit(false)), (10, 100));
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! __compat_fail_point {
    ($name:literal $(, $rest:expr)* $(,)?) => {
        $crate::__compat_hit!(
            $crate::__site!($name, Blocks, $crate::__returns!($($rest)*)) $(, $rest)*
        )
    };
    (const $name:block $(, $rest:expr)* $(,)?) => {
        $crate::__compat_hit!(
            $crate::__site!(const $name, Blocks, $crate::__returns!($($rest)*)) $(, $rest)*
        )
    };
    ($name:expr $(, $rest:expr)* $(,)?) => {
        $crate::__compat_hit!($crate::__private::by_name($name) $(, $rest)*)
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __compat_hit {
    // With a semicolon: the temporaries of a name end here, not with the caller's block.
    ($target:expr) => {{
        $crate::__private::compat_unit($target);
    }};
    ($target:expr, $closure:expr) => {{
        if let ::core::option::Option::Some(res) = $crate::__private::compat_eval($target, $closure)
        {
            return res;
        }
    }};
    ($target:expr, $condition:expr, $closure:expr) => {{
        if $condition {
            $crate::__compat_hit!($target, $closure);
        }
    }};
}

/// A failpoint in synchronous or async code that is not compiled in.
#[doc(hidden)]
#[macro_export]
macro_rules! __compat_no_fail_point {
    ($name:expr $(,)?) => {{}};
    ($name:expr, $closure:expr $(,)?) => {{}};
    ($name:expr, $condition:expr, $closure:expr $(,)?) => {{}};
}

/// Hits a failpoint in async code: [`fail_point!`](crate::compat::fail_point), but it awaits.
///
/// The arguments are the same, so that migrating a call site changes one token. It prints and
/// panics as `fail` does, and does not read FAILPOINTS. A `pause` or a `sleep` ends when it is
/// released or its point is reconfigured or removed. An enclosing future that is dropped meanwhile
/// leaves the point's list.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use neon_failpoint::compat::{async_fail_point, cfg};
///
/// async fn limit() -> u32 {
///     async_fail_point!("compat-async-doc", |n| n.map_or(1, |n| n.parse().unwrap()));
///     100
/// }
///
/// # if !neon_failpoint::has_failpoints() { return }
/// cfg("compat-async-doc", "1*return(10)").unwrap();
/// assert_eq!((limit().await, limit().await), (10, 100));
/// # }
/// ```
#[cfg(feature = "async")]
#[doc(hidden)]
#[macro_export]
macro_rules! __compat_async_fail_point {
    ($name:literal $(, $rest:expr)* $(,)?) => {
        $crate::__compat_await!(
            $crate::__place!($name, Awaits, $crate::__returns!($($rest)*)) $(, $rest)*
        )
    };
    (const $name:block $(, $rest:expr)* $(,)?) => {
        $crate::__compat_await!(
            $crate::__place!(const $name, Awaits, $crate::__returns!($($rest)*)) $(, $rest)*
        )
    };
    ($name:expr $(, $rest:expr)* $(,)?) => {
        $crate::__compat_await!($crate::__private::by_name($name) $(, $rest)*)
    };
}

#[cfg(feature = "async")]
#[doc(hidden)]
#[macro_export]
macro_rules! __compat_await {
    ($place:expr) => {{ $crate::__begun!($crate::__private::compat_begin_unit($place)) }};
    ($place:expr, $closure:expr) => {{ $crate::__begun!($crate::__private::compat_begin($place), $closure) }};
    ($place:expr, $condition:expr, $closure:expr) => {{
        if $condition {
            $crate::__compat_await!($place, $closure)
        }
    }};
}
