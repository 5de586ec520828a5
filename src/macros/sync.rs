//! The forms of the blocking macros, live and empty.

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
