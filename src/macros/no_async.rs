//! The macros for async code in a build without the feature `async`: an error that says what to do.

macro_rules! needs_async {
    // `$d` is the dollar sign of the macro that is defined.
    ($d:tt $($hidden:ident: $does:literal, $instead:literal;)*) => {$(
        #[doc(hidden)]
        #[macro_export]
        macro_rules! $hidden {
            ($d($d args:tt)*) => {
                ::core::compile_error!(::core::concat!(
                    $does, " and needs the feature `async` of neon_failpoint; ", $instead, " does not"
                ))
            };
        }
    )*};
}

needs_async! {
    $
    __fail_point: "`fail_point!` awaits", "`fail_point_sync!`";
    __fail_point_with_context:
        "`fail_point_with_context!` awaits", "`fail_point_with_context_sync!`";
    __failpoint: "`failpoint!` makes a future", "`failpoint_blocking`";
    __pausable_failpoint: "`pausable_failpoint!` makes a future", "`fail_point_sync!`";
    __sleep_millis_async: "`sleep_millis_async!` makes a future", "`fail_point_sync!`";
    __pause_at: "`pausable_failpoint!` awaits", "`fail_point_sync!`";
    __sleep_at: "`sleep_millis_async!` awaits", "`fail_point_sync!`";
}
