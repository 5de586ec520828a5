//! The forms of the macros for async code, live and empty.

#[cfg(feature = "testing")]
mod live {
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
                    let _ = waiting.await;
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
/// Names, contexts and tokens are type-checked, as in `sync.rs`.
#[cfg(not(feature = "testing"))]
mod empty {
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
