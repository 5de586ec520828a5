//! The native macros.
//!
//! A public macro turns its name into a target (a static for a literal or a constant, else the name
//! itself) and passes the rest to a hidden macro with the same forms. Each hidden macro exists twice:
//! a live one in `live`, and one in `empty` for builds without `testing`. Neither contains logic: one
//! static, one call into [`__private`](crate::__private).
//!
//! What a live macro has to respect:
//!
//! - The call-site static is inside an argument, `f({ static ..; &SITE }, x)`: in edition 2024 the
//!   temporaries of a block are dropped at its end, and `pausable_failpoint!("x", &token()).await`
//!   must keep the token.
//! - Macros that await in place bind what `begin` returns with `let`, so that the temporaries of
//!   name and context are dropped before the await. Without a context they hand on a call site as a
//!   function, `|| { static ..; &SITE }`: a future holds nothing of that.
//! - The condition comes first, then the hit, then the await; the closure is evaluated last, and
//!   only where it is called.
//!
//! What an empty macro is given is checked in an arm that is never taken, see `__unreached!`: a
//! program compiles without `testing` if it does with it. (But for the awaits of a macro: one in that
//! arm would have a future that holds something be no longer `Send`.)

/// Hits a failpoint in async code: awaits in place, and can return from the function.
///
/// | form | |
/// |---|---|
/// | `fail_point!(name)` | every action but `return`, which panics |
/// | `fail_point!(name, closure)` | `return(value)` calls `closure` with the value as a `String` and returns its result from the enclosing function (or async block, or closure) |
/// | `fail_point!(name, condition, closure)` | the same, where `condition` holds |
///
/// A name that is a string literal, or a constant in `const { .. }`, gets a call-site static: while
/// nothing is configured under it, a hit costs two loads, and the call site is listed. Any other
/// expression of type `&str`, a constant by itself too, is looked up by name, and known once it was
/// hit while something is configured. What is in `const { .. }` can name neither `Self` nor a generic
/// parameter. [`failpoint`](crate::failpoint()) describes the actions.
///
/// Without the feature `testing` the arguments are checked, and nothing is left of the macro in the
/// program. As nothing awaits, it compiles in a function that is not async, too: the mistake shows in
/// the first build with `testing`.
///
/// # Panics
///
/// If the point is configured to `panic`; if it is configured to `return` and there is no closure:
/// the message has the name, the file and the line.
///
/// # Cancel safety
///
/// As [`failpoint`](crate::failpoint()): an enclosing future that is dropped while it waits here
/// leaves the point's list. If what runs then panics (the destructor of a waker, a subscriber), that
/// is reported, and the enclosing future is dropped to its end.
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
        $crate::__fail_point!(
            $crate::__place!($name, Awaits, $crate::__returns!($($($rest)*)?)) $(, $($rest)*)?
        )
    };
    (const $name:block $(, $($rest:tt)*)?) => {
        $crate::__fail_point!(
            $crate::__place!(const $name, Awaits, $crate::__returns!($($($rest)*)?)) $(, $($rest)*)?
        )
    };
    ($name:expr $(, $($rest:tt)*)?) => {
        $crate::__fail_point!($crate::__private::by_name($name) $(, $($rest)*)?)
    };
}

/// Hits a failpoint in synchronous code: [`fail_point!`](crate::fail_point!), but the thread waits.
///
/// The forms are the same, and so is what a name may be.
/// [`failpoint_blocking`](crate::failpoint_blocking) describes the actions.
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
///     // A name that tests share with the code, so that neither can misspell it.
///     fail_point_sync!(const { READ }, |_| Err(std::io::ErrorKind::NotFound.into()));
///     Ok(format!("contents of {path}"))
/// }
///
/// pub const READ: &str = "sync-doc";
/// configure_failpoint(READ, "return").unwrap();
/// assert_eq!(read("a").unwrap_err().kind(), std::io::ErrorKind::NotFound);
/// ```
#[macro_export]
macro_rules! fail_point_sync {
    ($name:literal $(, $($rest:tt)*)?) => {
        $crate::__fail_point_sync!(
            $crate::__site!($name, Blocks, $crate::__returns!($($($rest)*)?)) $(, $($rest)*)?
        )
    };
    (const $name:block $(, $($rest:tt)*)?) => {
        $crate::__fail_point_sync!(
            $crate::__site!(const $name, Blocks, $crate::__returns!($($($rest)*)?)) $(, $($rest)*)?
        )
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
        $crate::__fail_point_with_context!(
            $crate::__site!($name, Awaits, $crate::__returns!(@context $($rest)*)), $($rest)*
        )
    };
    (const $name:block, $($rest:tt)*) => {
        $crate::__fail_point_with_context!(
            $crate::__site!(const $name, Awaits, $crate::__returns!(@context $($rest)*)), $($rest)*
        )
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
        $crate::__fail_point_with_context_sync!(
            $crate::__site!($name, Blocks, $crate::__returns!(@context $($rest)*)), $($rest)*
        )
    };
    (const $name:block, $($rest:tt)*) => {
        $crate::__fail_point_with_context_sync!(
            $crate::__site!(const $name, Blocks, $crate::__returns!(@context $($rest)*)), $($rest)*
        )
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
    (const $name:block $(, $($rest:tt)*)?) => {
        $crate::__failpoint!($crate::__site!(const $name, Awaits) $(, $($rest)*)?)
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
        $crate::__pausable_failpoint!(
            $crate::__site!($name, Awaits, $crate::__private::Returns::Nothing) $(, $($rest)*)?
        )
    };
    (const $name:block $(, $($rest:tt)*)?) => {
        $crate::__pausable_failpoint!(
            $crate::__site!(const $name, Awaits, $crate::__private::Returns::Nothing) $(, $($rest)*)?
        )
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
        $crate::__sleep_millis_async!(
            $crate::__site!($name, Awaits, $crate::__private::Returns::Millis) $(, $($rest)*)?
        )
    };
    (const $name:block $(, $($rest:tt)*)?) => {
        $crate::__sleep_millis_async!(
            $crate::__site!(const $name, Awaits, $crate::__private::Returns::Millis) $(, $($rest)*)?
        )
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
        // `format!` has the compiler point at the value that it cannot format.
        $(context.insert($key, ::std::format!("{}", $value));)*
        context
    }};
}

/// Creates a [`FailpointContext`](crate::FailpointContext) in place: an empty one, because this
/// build lacks the feature `testing`.
#[cfg(not(feature = "testing"))]
#[macro_export]
macro_rules! failpoint_context {
    ($($key:expr => $value:expr),* $(,)?) => {{
        $crate::__unreached! {
            #[allow(unused_mut)]
            let mut context = $crate::FailpointContext::new();
            $(context.insert($key, ::std::format!("{}", $value));)*
        }
        $crate::FailpointContext::new()
    }};
}

/// The forms of the macros that make a future, in either build, and what to say of others.
#[cfg(feature = "async")]
mod futures {
    #[doc(hidden)]
    #[macro_export]
    macro_rules! __failpoint {
        ($target:expr $(,)?) => {
            $crate::__hit!($target, [], [])
        };
        ($target:expr, cancel = $cancel:expr $(,)?) => {
            $crate::__hit!($target, [], [$cancel])
        };
        ($target:expr, $($rest:tt)*) => {
            $crate::__unless_closure!([$($rest)*] $crate::__failpoint!(@context $target, $($rest)*))
        };
        (@context $target:expr, $context:expr, cancel = $cancel:expr $(,)?) => {
            $crate::__hit!($target, [$context], [$cancel])
        };
        (@context $target:expr, $context:expr $(,)?) => {
            $crate::__hit!($target, [$context], [])
        };
    }

    #[doc(hidden)]
    #[macro_export]
    macro_rules! __pausable_failpoint {
        ($target:expr $(,)?) => {
            $crate::__pause_at!($target)
        };
        ($target:expr, $($rest:tt)*) => {
            $crate::__unless_closure!([$($rest)*] $crate::__pausable_failpoint!(@token $target, $($rest)*))
        };
        (@token $target:expr, $cancel:expr $(,)?) => {
            $crate::__pause_at!($target, $cancel)
        };
    }

    #[doc(hidden)]
    #[macro_export]
    macro_rules! __sleep_millis_async {
        ($target:expr $(,)?) => {
            $crate::__sleep_at!($target)
        };
        ($target:expr, $($rest:tt)*) => {
            $crate::__unless_closure!([$($rest)*] $crate::__sleep_millis_async!(@token $target, $($rest)*))
        };
        (@token $target:expr, $cancel:expr $(,)?) => {
            $crate::__sleep_at!($target, $cancel)
        };
    }

    /// The call after the brackets, unless what is in them has a closure where the macros of this
    /// crate have one.
    #[doc(hidden)]
    #[macro_export]
    macro_rules! __unless_closure {
        ([|$($closure:tt)*] $($call:tt)*) => {
            $crate::__unless_closure!()
        };
        ([||$($closure:tt)*] $($call:tt)*) => {
            $crate::__unless_closure!()
        };
        ([move $($closure:tt)*] $($call:tt)*) => {
            $crate::__unless_closure!()
        };
        ([Err $(,)?] $($call:tt)*) => {
            $crate::__unless_closure!()
        };
        ([Ok $(,)?] $($call:tt)*) => {
            $crate::__unless_closure!()
        };
        ([Some $(,)?] $($call:tt)*) => {
            $crate::__unless_closure!()
        };
        ([$other:expr, $($rest:tt)*] $($call:tt)*) => {
            $crate::__unless_closure!([$($rest)*] $($call)*)
        };
        ([$($rest:tt)*] $($call:tt)*) => {
            $($call)*
        };
        () => {
            ::core::compile_error!(
                "this macro makes a future and takes no closure; `fail_point!` takes one, and \
                 `fail_point_with_context!`: they return what it returns from the function"
            )
        };
    }
}
