//! What the native macros become where failpoints are compiled in: the static of a call site, and one
//! call into [`__private`](crate::__private). `native` says what each has to respect.

/// The static of a call site, by reference. The last argument says what a `return` does there; without
/// it the value is returned.
///
/// Items have no hygiene: a constant whose value is the name must not be shadowed by the static.
#[doc(hidden)]
#[macro_export]
macro_rules! __site {
    ($name:expr, $kind:ident $(, $returns:expr)?) => {{
        $crate::__listed! {
            __FAILPOINT_SITE =
                $crate::__private::Site::new($name, $crate::__private::SiteKind::$kind)
                    $(.returning($returns))?
        }
        &__FAILPOINT_SITE
    }};
}

/// The static of a call site that awaits in place, by a function: its future holds nothing of it.
#[cfg(feature = "async")]
#[doc(hidden)]
#[macro_export]
macro_rules! __place {
    ($($site:tt)*) => {
        || $crate::__site!($($site)*)
    };
}

/// What a `return` does at a call site with these arguments behind its name: the last one is a closure,
/// if there is one besides a context.
#[doc(hidden)]
#[macro_export]
macro_rules! __returns {
    () => {
        $crate::__private::Returns::Panics
    };
    (@context $context:expr $(,)?) => {
        $crate::__private::Returns::Panics
    };
    ($($rest:tt)+) => {
        $crate::__private::Returns::Value
    };
}

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
                $crate::__private::hit_blocking_unit(target, $crate::__private::context($context));
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

/// The forms of the macros that await.
#[cfg(feature = "async")]
mod awaiting {
    #[doc(hidden)]
    #[macro_export]
    macro_rules! __fail_point {
        ($place:expr $(,)?) => {{ $crate::__begun!($crate::__private::begin_unit($place)) }};
        ($place:expr, $closure:expr $(,)?) => {{ $crate::__begun!($crate::__private::begin($place), $closure) }};
        ($place:expr, $condition:expr, $closure:expr $(,)?) => {{
            if $condition {
                $crate::__fail_point!($place, $closure)
            }
        }};
    }

    #[doc(hidden)]
    #[macro_export]
    macro_rules! __fail_point_with_context {
        ($target:expr, $context:expr $(,)?) => {{
            let begun = match $target {
                target if $crate::__private::is_armed(target) => {
                    $crate::__private::begin_unit_with(target, $context)
                }
                _ => ::core::option::Option::None,
            };
            $crate::__begun!(begun)
        }};
        ($target:expr, $context:expr, $closure:expr $(,)?) => {{
            let begun = match $target {
                target if $crate::__private::is_armed(target) => {
                    $crate::__private::begin_with(target, $context)
                }
                _ => ::core::option::Option::None,
            };
            $crate::__begun!(begun, $closure)
        }};
        ($target:expr, $context:expr, $condition:expr, $closure:expr $(,)?) => {{
            if $condition {
                $crate::__fail_point_with_context!($target, $context, $closure)
            }
        }};
    }

    #[doc(hidden)]
    #[macro_export]
    macro_rules! __hit {
        ($target:expr, [], []) => {
            $crate::__private::hit(
                $target,
                ::core::option::Option::None,
                ::core::option::Option::None,
            )
        };
        ($target:expr, [], [$cancel:expr]) => {
            $crate::__private::hit(
                $target,
                ::core::option::Option::None,
                $crate::__private::token($cancel),
            )
        };
        ($target:expr, [$context:expr], []) => {
            $crate::__hit!(@context $target, $context, ::core::option::Option::None)
        };
        ($target:expr, [$context:expr], [$cancel:expr]) => {
            $crate::__hit!(@context $target, $context, $crate::__private::token($cancel))
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
    macro_rules! __pause_at {
        ($target:expr) => {
            $crate::__private::pausable($target, ::core::option::Option::None)
        };
        ($target:expr, $cancel:expr) => {
            $crate::__private::pausable($target, $crate::__private::token($cancel))
        };
        (@await $($arguments:tt)*) => {
            $crate::__pause_at!($($arguments)*).await
        };
    }

    #[doc(hidden)]
    #[macro_export]
    macro_rules! __sleep_at {
        ($target:expr) => {
            $crate::__private::sleep_millis($target, ::core::option::Option::None)
        };
        ($target:expr, $cancel:expr) => {
            $crate::__private::sleep_millis($target, $crate::__private::token($cancel))
        };
        (@await $($arguments:tt)*) => {
            $crate::__sleep_at!($($arguments)*).await
        };
    }
}

/// Awaits what was begun, if anything, and returns if that says so. The future holds nothing of it across
/// the await but what it awaits.
#[cfg(feature = "async")]
#[doc(hidden)]
#[macro_export]
macro_rules! __begun {
    ($begun:expr $(, $closure:expr)?) => {
        'hit: {
            let begun = {
                let begun = $begun;
                match begun {
                    ::core::option::Option::Some(begun) => begun,
                    ::core::option::Option::None => break 'hit,
                }
            };
            let _returned = begun.await;
            $(
                if let ::core::option::Option::Some(value) = _returned.value() {
                    return $crate::__private::call(value, $closure);
                }
            )?
        }
    };
}
