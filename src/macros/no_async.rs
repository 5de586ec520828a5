//! The macros for async code in a build without the feature `async`: an error that
//! says what to do.

#[doc(hidden)]
#[macro_export]
macro_rules! __fail_point {
    ($($args:tt)*) => {
        ::core::compile_error!(
            "`fail_point!` awaits and needs the feature `async` of neon_failpoint; \
             `fail_point_sync!` does not"
        )
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __fail_point_with_context {
    ($($args:tt)*) => {
        ::core::compile_error!(
            "`fail_point_with_context!` awaits and needs the feature `async` of neon_failpoint; \
             `fail_point_with_context_sync!` does not"
        )
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __failpoint {
    ($($args:tt)*) => {
        ::core::compile_error!(
            "`failpoint!` makes a future and needs the feature `async` of neon_failpoint; \
             `failpoint_blocking` does not"
        )
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __pausable_failpoint {
    ($($args:tt)*) => {
        ::core::compile_error!(
            "`pausable_failpoint!` makes a future and needs the feature `async` of \
             neon_failpoint; `fail_point_sync!` does not"
        )
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __sleep_millis_async {
    ($($args:tt)*) => {
        ::core::compile_error!(
            "`sleep_millis_async!` makes a future and needs the feature `async` of \
             neon_failpoint; `fail_point_sync!` does not"
        )
    };
}
