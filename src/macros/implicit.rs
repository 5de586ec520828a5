//! The macros of [`failpoint_support::implicit_await`](crate::failpoint_support::implicit_await),
//! which await in place.

/// Hits a failpoint to pause at, and awaits in place.
///
/// [`pausable_failpoint!`](crate::pausable_failpoint!) leaves the await to the caller instead.
/// `pausable_failpoint!(name)` is `()`; `pausable_failpoint!(name, &token)` is a `Result<(), ()>`,
/// `Err(())` if the token ended the wait. A token by value is only borrowed.
///
/// # Panics and cancel safety
///
/// As [`failpoint`](crate::failpoint()).
///
#[cfg_attr(feature = "async", doc = "```")]
#[cfg_attr(not(feature = "async"), doc = "```ignore")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use neon_failpoint::failpoint_support::implicit_await::pausable_failpoint;
/// use tokio_util::sync::CancellationToken;
///
/// async fn checkpoint(cancel: &CancellationToken) -> Result<u32, ()> {
///     pausable_failpoint!("implicit-pausable-doc");
///     pausable_failpoint!("implicit-pausable-doc-cancel", cancel)?;
///     Ok(7)
/// }
///
/// assert_eq!(checkpoint(&CancellationToken::new()).await, Ok(7));
/// # }
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! __implicit_pausable_failpoint {
    ($name:literal $(, $cancel:expr)? $(,)?) => {
        $crate::__implicit_pause!($crate::__site!($name, Awaits, $crate::__private::Returns::Nothing) $(, $cancel)?)
    };
    (const $name:block $(, $cancel:expr)? $(,)?) => {
        $crate::__implicit_pause!($crate::__site!(const $name, Awaits, $crate::__private::Returns::Nothing) $(, $cancel)?)
    };
    ($name:expr $(, $cancel:expr)? $(,)?) => {
        $crate::__implicit_pause!($crate::__private::by_name($name) $(, $cancel)?)
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __implicit_pause {
    ($target:expr) => {{
        let _ = $crate::__pause_at!(@await $target);
    }};
    ($target:expr, $cancel:expr) => {
        $crate::__pause_at!(@await $target, &$cancel)
    };
}

/// Hits a failpoint to sleep at, and awaits in place.
///
/// [`sleep_millis_async!`](crate::sleep_millis_async!) leaves the await to the caller instead.
/// `sleep_millis_async!(name)` or `sleep_millis_async!(name, &token)`; both are `()`. A token by
/// value is only borrowed.
///
/// # Panics and cancel safety
///
/// As [`failpoint`](crate::failpoint()).
///
#[cfg_attr(feature = "async", doc = "```")]
#[cfg_attr(not(feature = "async"), doc = "```ignore")]
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// # if !neon_failpoint::has_failpoints() { return }
/// use neon_failpoint::failpoint_support::{apply_failpoint, implicit_await::sleep_millis_async};
/// use tokio::time::{Duration, Instant};
///
/// apply_failpoint("implicit-sleep-doc", "return(250)").unwrap();
/// let start = Instant::now();
/// sleep_millis_async!("implicit-sleep-doc");
/// assert_eq!(start.elapsed(), Duration::from_millis(250));
/// # }
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! __implicit_sleep_millis_async {
    ($name:literal $(, $cancel:expr)? $(,)?) => {
        $crate::__sleep_at!(@await $crate::__site!($name, Awaits, $crate::__private::Returns::Millis) $(, &$cancel)?)
    };
    (const $name:block $(, $cancel:expr)? $(,)?) => {
        $crate::__sleep_at!(@await $crate::__site!(const $name, Awaits, $crate::__private::Returns::Millis) $(, &$cancel)?)
    };
    ($name:expr $(, $cancel:expr)? $(,)?) => {
        $crate::__sleep_at!(@await $crate::__private::by_name($name) $(, &$cancel)?)
    };
}
