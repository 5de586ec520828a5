//! The native macros, and the static of a call site.
//!
//! A public macro turns its name into a target (a static for a literal, else the name itself) and
//! passes the rest to a hidden macro with the same forms. Each hidden macro exists twice: a live
//! one, and an empty one for builds without `testing`. Neither contains logic: one static, one call
//! into [`__private`](crate::__private).
//!
//! What a live macro has to respect:
//!
//! - The call-site static is inside an argument, `f({ static ..; &SITE }, x)`: in edition 2024 the
//!   temporaries of a block are dropped at its end, and `pausable_failpoint!("x", &token()).await`
//!   must keep the token.
//! - Macros that await in place bind what `begin` returns with `let`, so that the temporaries of
//!   name and context are dropped before the await.
//! - The condition comes first, then the hit, then the await; the closure is evaluated last, and
//!   only where it is called.

/// The static of a call site, as a `Target`.
#[cfg(feature = "testing")]
#[doc(hidden)]
#[macro_export]
macro_rules! __site {
    ($name:literal, $kind:ident) => {{
        static SITE: $crate::__private::Site = $crate::__private::Site::new(
            $name,
            ::core::file!(),
            ::core::line!(),
            $crate::__private::SiteKind::$kind,
        );
        $crate::__private::inventory::submit! { $crate::__private::Compiled(&SITE) }
        $crate::__private::Target::Site(&SITE)
    }};
}

/// In a build without `testing` a call site is only its name, in code that never runs.
#[cfg(not(feature = "testing"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __site {
    ($name:literal, $kind:ident) => {
        $crate::__private::by_name($name)
    };
}

/// Hits a failpoint in async code: awaits in place, and can return from the function.
///
/// | form | |
/// |---|---|
/// | `fail_point!(name)` | every action but `return`, which panics |
/// | `fail_point!(name, closure)` | `return(value)` calls `closure` with the value as a `String` and returns its result from the enclosing function (or async block, or closure) |
/// | `fail_point!(name, condition, closure)` | the same, where `condition` holds |
///
/// A name that is a string literal gets a call-site static: while nothing is configured under it, a
/// hit costs two loads. Any other expression of type `&str` is looked up by name.
/// [`failpoint`](crate::failpoint()) describes the actions.
///
/// Without the feature `testing` the macro is empty, and then it compiles in a function that is not
/// async, too: the mistake shows in the first build with `testing`.
///
/// # Panics
///
/// If the point is configured to `panic`; if it is configured to `return` and there is no closure:
/// the message has the name, the file and the line.
///
/// # Cancel safety
///
/// As [`failpoint`](crate::failpoint()): an enclosing future that is dropped while it waits here
/// leaves the point's list.
///
/// # Examples
///
#[cfg_attr(feature = "async", doc = "```")]
#[cfg_attr(not(feature = "async"), doc = "```ignore")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// # if !neon_failpoint::has_failpoints() { return }
/// use neon_failpoint::{configure_failpoint, fail_point};
///
/// async fn commit(id: u64) -> Result<u64, String> {
///     fail_point!("fail-point-doc", |reason| Err(format!("commit: {reason}")));
///     fail_point!("fail-point-doc-odd", id % 2 == 1, |n| Ok(n.parse().unwrap_or(0)));
///     Ok(id)
/// }
///
/// configure_failpoint("fail-point-doc", "1*return(disk full)").unwrap();
/// configure_failpoint("fail-point-doc-odd", "return(99)").unwrap();
/// assert_eq!(commit(2).await, Err("commit: disk full".to_owned()));
/// assert_eq!(commit(2).await, Ok(2));
/// assert_eq!(commit(3).await, Ok(99));
/// # }
/// ```
#[macro_export]
macro_rules! fail_point {
    ($name:literal $(, $($rest:tt)*)?) => {
        $crate::__fail_point!($crate::__site!($name, Awaits) $(, $($rest)*)?)
    };
    ($name:expr $(, $($rest:tt)*)?) => {
        $crate::__fail_point!($crate::__private::by_name($name) $(, $($rest)*)?)
    };
}

/// Hits a failpoint in synchronous code: [`fail_point!`](crate::fail_point!), but the thread waits.
///
/// The forms are the same. [`failpoint_blocking`](crate::failpoint_blocking) describes the actions.
///
/// # Panics
///
/// As [`fail_point!`](crate::fail_point!).
///
/// # Examples
///
/// ```
/// # if !neon_failpoint::has_failpoints() { return }
/// use neon_failpoint::{configure_failpoint, fail_point_sync};
///
/// fn read(path: &str) -> std::io::Result<String> {
///     fail_point_sync!("sync-doc", |_| Err(std::io::ErrorKind::NotFound.into()));
///     Ok(format!("contents of {path}"))
/// }
///
/// configure_failpoint("sync-doc", "return").unwrap();
/// assert_eq!(read("a").unwrap_err().kind(), std::io::ErrorKind::NotFound);
/// ```
#[macro_export]
macro_rules! fail_point_sync {
    ($name:literal $(, $($rest:tt)*)?) => {
        $crate::__fail_point_sync!($crate::__site!($name, Blocks) $(, $($rest)*)?)
    };
    ($name:expr $(, $($rest:tt)*)?) => {
        $crate::__fail_point_sync!($crate::__private::by_name($name) $(, $($rest)*)?)
    };
}

/// [`fail_point!`](crate::fail_point!) with a context.
///
/// | form |
/// |---|
/// | `fail_point_with_context!(name, &context)` |
/// | `fail_point_with_context!(name, &context, closure)` |
/// | `fail_point_with_context!(name, &context, condition, closure)` |
///
/// A lone third argument is always the closure. The context, an expression of type
/// [`&FailpointContext`](crate::FailpointContext), is evaluated only if the point is configured: it
/// may be built in place at no cost to an idle site.
///
/// # Panics
///
/// As [`fail_point!`](crate::fail_point!).
///
/// # Examples
///
#[cfg_attr(feature = "async", doc = "```")]
#[cfg_attr(not(feature = "async"), doc = "```ignore")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// # if !neon_failpoint::has_failpoints() || !cfg!(feature = "context") { return }
/// use neon_failpoint::{configure_failpoint, fail_point_with_context, failpoint_context};
///
/// async fn backup(tenant: &str) -> Result<(), String> {
///     fail_point_with_context!(
///         "context-macro-doc",
///         &failpoint_context! { "tenant" => tenant },
///         Err
///     );
///     Ok(())
/// }
///
/// configure_failpoint("context-macro-doc", "when(tenant=t-1.*)return(broken)").unwrap();
/// assert_eq!(backup("t-17").await, Err("broken".to_owned()));
/// assert_eq!(backup("t-20").await, Ok(()));
/// # }
/// ```
#[macro_export]
macro_rules! fail_point_with_context {
    ($name:literal, $($rest:tt)*) => {
        $crate::__fail_point_with_context!($crate::__site!($name, Awaits), $($rest)*)
    };
    ($name:expr, $($rest:tt)*) => {
        $crate::__fail_point_with_context!($crate::__private::by_name($name), $($rest)*)
    };
}

/// [`fail_point_with_context!`](crate::fail_point_with_context!) for synchronous code, where the
/// thread waits.
///
/// # Panics
///
/// As [`fail_point!`](crate::fail_point!).
///
/// # Examples
///
/// ```
/// # if !neon_failpoint::has_failpoints() || !cfg!(feature = "context") { return }
/// use neon_failpoint::{configure_failpoint, fail_point_with_context_sync, failpoint_context};
///
/// fn flush(shard: u32) -> bool {
///     let context = failpoint_context! { "shard" => shard };
///     fail_point_with_context_sync!("context-sync-doc", &context, |_| false);
///     true
/// }
///
/// configure_failpoint("context-sync-doc", "when(shard=3|4)return").unwrap();
/// assert!(flush(2));
/// assert!(!flush(3));
/// ```
#[macro_export]
macro_rules! fail_point_with_context_sync {
    ($name:literal, $($rest:tt)*) => {
        $crate::__fail_point_with_context_sync!($crate::__site!($name, Blocks), $($rest)*)
    };
    ($name:expr, $($rest:tt)*) => {
        $crate::__fail_point_with_context_sync!($crate::__private::by_name($name), $($rest)*)
    };
}

/// Hits a failpoint: a future of [`FailpointResult`](crate::FailpointResult).
///
/// It is [`failpoint`](crate::failpoint()) through a call-site static, for code that handles the
/// result itself.
///
/// | form |
/// |---|
/// | `failpoint!(name)` |
/// | `failpoint!(name, &context)` |
/// | `failpoint!(name, cancel = &token)` |
/// | `failpoint!(name, &context, cancel = &token)` |
///
/// In the forms with a context, context and token are evaluated when the future is first polled,
/// and only if the point is configured; that future borrows the variables that they name.
///
/// # Panics and cancel safety
///
/// As [`failpoint`](crate::failpoint()).
///
/// # Examples
///
#[cfg_attr(feature = "async", doc = "```")]
#[cfg_attr(not(feature = "async"), doc = "```ignore")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// # if !neon_failpoint::has_failpoints() { return }
/// use neon_failpoint::{FailpointResult, configure_failpoint, failpoint};
///
/// configure_failpoint("future-doc", "return(7)").unwrap();
/// match failpoint!("future-doc").await {
///     FailpointResult::Return(value) => assert_eq!(value, "7"),
///     FailpointResult::Continue | FailpointResult::Cancelled => unreachable!(),
/// }
/// # }
/// ```
#[macro_export]
macro_rules! failpoint {
    ($name:literal $(, $($rest:tt)*)?) => {
        $crate::__failpoint!($crate::__site!($name, Awaits) $(, $($rest)*)?)
    };
    ($name:expr $(, $($rest:tt)*)?) => {
        $crate::__failpoint!($crate::__private::by_name($name) $(, $($rest)*)?)
    };
}

/// Hits a failpoint to pause at: a future of `Result<(), ()>`, `Err(())` if it was cancelled.
///
/// `pausable_failpoint!(name)` or `pausable_failpoint!(name, &token)`. Every action works as in
/// [`failpoint`](crate::failpoint()); a `return` is ignored. A hit at which an action other than
/// `off` fires first logs the line `at failpoint NAME`, at info level, through `tracing`, target
/// `neon_failpoint`.
///
/// # Panics and cancel safety
///
/// As [`failpoint`](crate::failpoint()).
///
/// # Examples
///
#[cfg_attr(feature = "async", doc = "```")]
#[cfg_attr(not(feature = "async"), doc = "```ignore")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// # if !neon_failpoint::has_failpoints() { return }
/// use neon_failpoint::{configure_failpoint, pausable_failpoint};
/// use tokio_util::sync::CancellationToken;
///
/// configure_failpoint("pausable-doc", "pause").unwrap();
/// let shutdown = CancellationToken::new();
/// shutdown.cancel();
/// assert_eq!(pausable_failpoint!("pausable-doc", &shutdown).await, Err(()));
/// # }
/// ```
#[macro_export]
macro_rules! pausable_failpoint {
    ($name:literal $(, $($rest:tt)*)?) => {
        $crate::__pausable_failpoint!($crate::__site!($name, Awaits) $(, $($rest)*)?)
    };
    ($name:expr $(, $($rest:tt)*)?) => {
        $crate::__pausable_failpoint!($crate::__private::by_name($name) $(, $($rest)*)?)
    };
}

/// Hits a failpoint to sleep at: a future of `()`.
///
/// `sleep_millis_async!(name)` or `sleep_millis_async!(name, &token)`. Every action works as in
/// [`failpoint`](crate::failpoint()), except that `return(N)` sleeps N milliseconds as `sleep(N)`
/// does, which is how Neon's earlier macro of this name was configured. A `return` without a number
/// only logs an error that names the point.
///
/// A sleep logs `failpoint "NAME": sleeping for 250ms` and, when it ends or is cancelled,
/// `failpoint "NAME": sleep done`, at info level, through `tracing`, target `neon_failpoint`; a
/// `pause` logs `at failpoint NAME`.
///
/// # Panics and cancel safety
///
/// As [`failpoint`](crate::failpoint()).
///
/// # Examples
///
#[cfg_attr(feature = "async", doc = "```")]
#[cfg_attr(not(feature = "async"), doc = "```ignore")]
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// # if !neon_failpoint::has_failpoints() { return }
/// use neon_failpoint::{configure_failpoint, sleep_millis_async};
/// use tokio::time::{Duration, Instant};
///
/// configure_failpoint("sleep-doc", "return(250)").unwrap();
/// let start = Instant::now();
/// sleep_millis_async!("sleep-doc").await;
/// assert_eq!(start.elapsed(), Duration::from_millis(250));
/// # }
/// ```
#[macro_export]
macro_rules! sleep_millis_async {
    ($name:literal $(, $($rest:tt)*)?) => {
        $crate::__sleep_millis_async!($crate::__site!($name, Awaits) $(, $($rest)*)?)
    };
    ($name:expr $(, $($rest:tt)*)?) => {
        $crate::__sleep_millis_async!($crate::__private::by_name($name) $(, $($rest)*)?)
    };
}

/// Creates a [`FailpointContext`](crate::FailpointContext) in place.
///
/// A key is anything that converts into a `String`, a value anything that implements `Display`. Of
/// several pairs with the same key the last one counts. Without the feature `testing` the values
/// are type-checked but not evaluated, and the context is empty.
///
/// ```
/// # if !neon_failpoint::has_failpoints() { return }
/// use neon_failpoint::failpoint_context;
///
/// let tenant = 17;
/// let context = failpoint_context! { "tenant" => tenant, "operation" => "backup" };
/// assert_eq!(context.get("tenant"), Some("17"));
/// ```
#[cfg(feature = "testing")]
#[macro_export]
macro_rules! failpoint_context {
    ($($key:expr => $value:expr),* $(,)?) => {{
        #[allow(unused_mut)]
        let mut context = $crate::FailpointContext::new();
        $(context.insert($key, ::std::string::ToString::to_string(&$value));)*
        context
    }};
}

/// Creates a [`FailpointContext`](crate::FailpointContext) in place: an empty one, because this
/// build lacks the feature `testing`.
#[cfg(not(feature = "testing"))]
#[macro_export]
macro_rules! failpoint_context {
    ($($key:expr => $value:expr),* $(,)?) => {{
        if false {
            let mut context = $crate::FailpointContext::new();
            $(context.insert($key, ::std::string::ToString::to_string(&$value));)*
        }
        $crate::FailpointContext::new()
    }};
}

/// The forms of the blocking macros.
#[cfg(feature = "testing")]
mod live {
    #[doc(hidden)]
    #[macro_export]
    macro_rules! __fail_point_sync {
        // With a semicolon: the temporaries of a name end here, not with the caller's block.
        ($target:expr $(,)?) => {{
            $crate::__private::hit_blocking_unit($target, ::core::option::Option::None);
        }};
        ($target:expr, $closure:expr $(,)?) => {{
            if let ::core::option::Option::Some(value) =
                $crate::__private::hit_blocking($target, ::core::option::Option::None)
            {
                return $crate::__private::call(value, $closure);
            }
        }};
        ($target:expr, $condition:expr, $closure:expr $(,)?) => {{
            if $condition {
                $crate::__fail_point_sync!($target, $closure)
            }
        }};
    }

    #[doc(hidden)]
    #[macro_export]
    macro_rules! __fail_point_with_context_sync {
        ($target:expr, $context:expr $(,)?) => {{
            match $target {
                target if $crate::__private::is_armed(target) => {
                    $crate::__private::hit_blocking_unit(
                        target,
                        $crate::__private::context($context),
                    );
                }
                _ => {}
            };
        }};
        ($target:expr, $context:expr, $closure:expr $(,)?) => {{
            let value = match $target {
                target if $crate::__private::is_armed(target) => {
                    $crate::__private::hit_blocking(target, $crate::__private::context($context))
                }
                _ => ::core::option::Option::None,
            };
            if let ::core::option::Option::Some(value) = value {
                return $crate::__private::call(value, $closure);
            }
        }};
        ($target:expr, $context:expr, $condition:expr, $closure:expr $(,)?) => {{
            if $condition {
                $crate::__fail_point_with_context_sync!($target, $context, $closure)
            }
        }};
    }
}

/// The macros in a build without `testing`: empty. Names and contexts are type-checked, so that a
/// variable made for one is not unused; conditions and closures are not even that, as in `fail`.
#[cfg(not(feature = "testing"))]
mod empty {
    #[doc(hidden)]
    #[macro_export]
    macro_rules! __fail_point_sync {
        ($target:expr $(,)?) => {{
            if false {
                $crate::__private::check_target($target);
            }
        }};
        ($target:expr, $closure:expr $(,)?) => {
            $crate::__fail_point_sync!($target)
        };
        ($target:expr, $condition:expr, $closure:expr $(,)?) => {
            $crate::__fail_point_sync!($target)
        };
    }

    #[doc(hidden)]
    #[macro_export]
    macro_rules! __fail_point_with_context_sync {
        ($target:expr, $context:expr $(,)?) => {{
            if false {
                $crate::__private::check_target($target);
                $crate::__private::context($context);
            }
        }};
        ($target:expr, $context:expr, $closure:expr $(,)?) => {
            $crate::__fail_point_with_context_sync!($target, $context)
        };
        ($target:expr, $context:expr, $condition:expr, $closure:expr $(,)?) => {
            $crate::__fail_point_with_context_sync!($target, $context)
        };
    }
}

/// The forms of the macros that await.
#[cfg(all(feature = "async", feature = "testing"))]
mod live_async {
    #[doc(hidden)]
    #[macro_export]
    macro_rules! __fail_point {
        ($target:expr $(,)?) => {{
            let waiting = $crate::__private::begin_unit($target, ::core::option::Option::None);
            if let ::core::option::Option::Some(waiting) = waiting {
                let _ = waiting.await;
            }
        }};
        ($target:expr, $closure:expr $(,)?) => {{
            let begun = $crate::__private::begin($target, ::core::option::Option::None);
            $crate::__fail_point!(@begun begun, $closure)
        }};
        ($target:expr, $condition:expr, $closure:expr $(,)?) => {{
            if $condition {
                $crate::__fail_point!($target, $closure)
            }
        }};
        (@begun $begun:ident, $closure:expr) => {
            match $begun {
                $crate::__private::Begun::Continue => {}
                $crate::__private::Begun::Wait(waiting) => {
                    $crate::__wait!(waiting, call, $closure)
                }
                $crate::__private::Begun::Return(value) => {
                    return $crate::__private::call(value, $closure);
                }
            }
        };
    }

    #[doc(hidden)]
    #[macro_export]
    macro_rules! __fail_point_with_context {
        ($target:expr, $context:expr $(,)?) => {{
            let waiting = match $target {
                target if $crate::__private::is_armed(target) => {
                    $crate::__private::begin_unit(target, $crate::__private::context($context))
                }
                _ => ::core::option::Option::None,
            };
            if let ::core::option::Option::Some(waiting) = waiting {
                let _ = waiting.await;
            }
        }};
        ($target:expr, $context:expr, $closure:expr $(,)?) => {{
            let begun = match $target {
                target if $crate::__private::is_armed(target) => {
                    $crate::__private::begin(target, $crate::__private::context($context))
                }
                _ => $crate::__private::Begun::Continue,
            };
            $crate::__fail_point!(@begun begun, $closure)
        }};
        ($target:expr, $context:expr, $condition:expr, $closure:expr $(,)?) => {{
            if $condition {
                $crate::__fail_point_with_context!($target, $context, $closure)
            }
        }};
    }

    #[doc(hidden)]
    #[macro_export]
    macro_rules! __failpoint {
        ($target:expr $(,)?) => {
            $crate::__private::hit(
                $target,
                ::core::option::Option::None,
                ::core::option::Option::None,
            )
        };
        ($target:expr, cancel = $cancel:expr $(,)?) => {
            $crate::__private::hit(
                $target,
                ::core::option::Option::None,
                $crate::__private::token($cancel),
            )
        };
        ($target:expr, $context:expr, cancel = $cancel:expr $(,)?) => {
            $crate::__failpoint!(
                @context $target, $context,
                $crate::__private::token($cancel)
            )
        };
        ($target:expr, $context:expr $(,)?) => {
            $crate::__failpoint!(@context $target, $context, ::core::option::Option::None)
        };
        (@context $target:expr, $context:expr, $cancel:expr) => {
            async {
                match $target {
                    target if $crate::__private::is_armed(target) => {
                        $crate::__private::hit(target, $crate::__private::context($context), $cancel).await
                    }
                    _ => $crate::__private::FailpointResult::Continue,
                }
            }
        };
    }

    #[doc(hidden)]
    #[macro_export]
    macro_rules! __pausable_failpoint {
        ($target:expr $(,)?) => {
            $crate::__private::pausable($target, ::core::option::Option::None)
        };
        ($target:expr, $cancel:expr $(,)?) => {
            $crate::__private::pausable($target, $crate::__private::token($cancel))
        };
    }

    #[doc(hidden)]
    #[macro_export]
    macro_rules! __sleep_millis_async {
        ($target:expr $(,)?) => {
            $crate::__private::sleep_millis($target, ::core::option::Option::None)
        };
        ($target:expr, $cancel:expr $(,)?) => {
            $crate::__private::sleep_millis($target, $crate::__private::token($cancel))
        };
    }
}

/// The macros in a build without `testing`: empty, or an empty future where the caller awaits.
/// Names, contexts and tokens are type-checked, as above.
/// Awaits, and returns if an exploration says so.
#[cfg(feature = "explore")]
#[doc(hidden)]
#[macro_export]
macro_rules! __wait {
    ($waiting:expr, $call:ident, $closure:expr) => {
        if let ::core::option::Option::Some(value) = $crate::__private::returned($waiting.await) {
            return $crate::__private::$call(value, $closure);
        }
    };
}

/// Awaits: without the feature `explore` no wait ends in a `return`.
#[cfg(all(feature = "async", not(feature = "explore")))]
#[doc(hidden)]
#[macro_export]
macro_rules! __wait {
    ($waiting:expr, $call:ident, $closure:expr) => {{
        let _ = $waiting.await;
    }};
}

#[cfg(all(feature = "async", not(feature = "testing")))]
mod empty_async {
    #[doc(hidden)]
    #[macro_export]
    macro_rules! __fail_point {
        ($target:expr $(, $rest:expr)* $(,)?) => {
            $crate::__fail_point_sync!($target $(, $rest)*)
        };
    }

    #[doc(hidden)]
    #[macro_export]
    macro_rules! __fail_point_with_context {
        ($target:expr, $context:expr $(, $rest:expr)* $(,)?) => {
            $crate::__fail_point_with_context_sync!($target, $context $(, $rest)*)
        };
    }

    #[doc(hidden)]
    #[macro_export]
    macro_rules! __failpoint {
        ($target:expr $(,)?) => {{
            $crate::__fail_point_sync!($target);
            $crate::__private::ready($crate::__private::FailpointResult::Continue)
        }};
        ($target:expr, cancel = $cancel:expr $(,)?) => {{
            if false {
                $crate::__private::token($cancel);
            }
            $crate::__failpoint!($target)
        }};
        ($target:expr, $context:expr, cancel = $cancel:expr $(,)?) => {{
            if false {
                $crate::__private::token($cancel);
            }
            $crate::__failpoint!($target, $context)
        }};
        ($target:expr, $context:expr $(,)?) => {{
            $crate::__fail_point_with_context_sync!($target, $context);
            $crate::__private::ready($crate::__private::FailpointResult::Continue)
        }};
    }

    #[doc(hidden)]
    #[macro_export]
    macro_rules! __pausable_failpoint {
        ($target:expr $(, $cancel:expr)? $(,)?) => {{
            $crate::__fail_point_sync!($target);
            $(if false { $crate::__private::token($cancel); })?
            $crate::__private::ready(::core::result::Result::<(), ()>::Ok(()))
        }};
    }

    #[doc(hidden)]
    #[macro_export]
    macro_rules! __sleep_millis_async {
        ($target:expr $(, $cancel:expr)? $(,)?) => {{
            $crate::__fail_point_sync!($target);
            $(if false { $crate::__private::token($cancel); })?
            $crate::__private::ready(())
        }};
    }
}
