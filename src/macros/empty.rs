//! What the native macros become in a build without `testing`: what they are given is checked, and
//! nothing is left.

/// In a build without `testing` a call site is only its name, in code that never runs.
#[doc(hidden)]
#[macro_export]
macro_rules! __site {
    (const $name:block, $kind:ident $(, $($returns:tt)*)?) => {{
        // An item, as the static is: what it cannot name, the name cannot either.
        const _: &::core::primitive::str = const $name;
        $crate::__private::by_name(const $name)
    }};
    ($name:literal, $kind:ident $(, $($returns:tt)*)?) => {
        $crate::__private::by_name($name)
    };
}

#[cfg(feature = "async")]
#[doc(hidden)]
#[macro_export]
macro_rules! __place {
    ($($site:tt)*) => {
        $crate::__site!($($site)*)
    };
}

/// Code that is checked and never runs: an arm after one that always matches.
///
/// To the compiler's checks of types, borrows, moves and unused items the arm is like any other.
/// They are done before it decides what a future holds, and by then, in every profile, the arm is
/// gone. (What stands in an `if false` is still there: a future holds what that awaits.)
#[doc(hidden)]
#[macro_export]
macro_rules! __unreached {
    ($($code:tt)*) => {
        match () {
            () => {}
            #[allow(unreachable_patterns)]
            () => {
                $($code)*
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __fail_point_sync {
    ($target:expr $(,)?) => {{
        $crate::__unreached! { $crate::__private::check_target($target); }
    }};
    ($target:expr, $closure:expr $(,)?) => {{
        $crate::__unreached! {
            $crate::__private::check_target($target);
            return $crate::__private::check_call($closure);
        }
    }};
    ($target:expr, $condition:expr, $closure:expr $(,)?) => {{
        $crate::__unreached! {
            if $condition {
                $crate::__private::check_target($target);
                return $crate::__private::check_call($closure);
            }
        }
    }};
}

#[doc(hidden)]
#[macro_export]
macro_rules! __fail_point_with_context_sync {
    ($target:expr, $context:expr $(,)?) => {{
        $crate::__unreached! {
            $crate::__private::check_target($target);
            $crate::__private::context($context);
        }
    }};
    ($target:expr, $context:expr, $closure:expr $(,)?) => {{
        $crate::__unreached! {
            $crate::__private::check_target($target);
            $crate::__private::context($context);
            return $crate::__private::check_call($closure);
        }
    }};
    ($target:expr, $context:expr, $condition:expr, $closure:expr $(,)?) => {{
        $crate::__unreached! {
            if $condition {
                $crate::__private::check_target($target);
                $crate::__private::context($context);
                return $crate::__private::check_call($closure);
            }
        }
    }};
}

/// The forms of the macros that await: as above, and where the caller awaits a future of no size, which
/// is ready.
#[cfg(feature = "async")]
mod awaiting {
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
    macro_rules! __hit {
        ($target:expr, [$($context:expr)?], [$($cancel:expr)?]) => {{
            $crate::__unreached! {
                $crate::__private::check_target($target);
                $($crate::__private::context($context);)?
                $($crate::__private::token($cancel);)?
            }
            $crate::__private::ready(|| $crate::__private::FailpointResult::Continue)
        }};
    }

    #[doc(hidden)]
    #[macro_export]
    macro_rules! __pause_at {
        ($target:expr $(, $cancel:expr)?) => {{
            $crate::__unreached! {
                $crate::__private::check_target($target);
                $($crate::__private::token($cancel);)?
            }
            $crate::__private::ready(|| ::core::result::Result::<(), ()>::Ok(()))
        }};
        (@await $target:expr $(, $cancel:expr)?) => {{
            $crate::__unreached! {
                $crate::__private::check_target($target);
                $($crate::__private::token($cancel);)?
            }
            ::core::result::Result::<(), ()>::Ok(())
        }};
    }

    #[doc(hidden)]
    #[macro_export]
    macro_rules! __sleep_at {
        ($target:expr $(, $cancel:expr)?) => {{
            $crate::__unreached! {
                $crate::__private::check_target($target);
                $($crate::__private::token($cancel);)?
            }
            $crate::__private::ready(|| ())
        }};
        (@await $target:expr $(, $cancel:expr)?) => {{
            $crate::__unreached! {
                $crate::__private::check_target($target);
                $($crate::__private::token($cancel);)?
            }
        }};
    }
}
