//! The ways to hit a failpoint, which every action is tried in.

use std::pin::Pin;

use crate::common::now;
use neon_failpoint::FailpointResult::{self, Cancelled, Continue, Return};
use neon_failpoint::{
    configure_failpoint, fail_point, fail_point_sync, fail_point_with_context,
    fail_point_with_context_sync, failpoint, failpoint_blocking, failpoint_context,
    failpoint_with_cancellation, pausable_failpoint, sleep_millis_async,
};
use tokio_util::sync::CancellationToken;

pub(crate) type Hit = Pin<Box<dyn Future<Output = FailpointResult> + Send>>;

/// What a way makes of a `return`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum OnReturn {
    Value,
    Panic,
    Ignore,
    Sleep,
}

#[derive(Debug)]
pub(crate) struct Way {
    /// The form of the macro or function.
    pub(crate) form: &'static str,
    /// The failpoint: a literal at the call site, or a run-time string.
    pub(crate) name: &'static str,
    pub(crate) blocks: bool,
    pub(crate) on_return: OnReturn,
    /// What a cancelled wait gives, where a token can be given.
    pub(crate) cancelled: Option<FailpointResult>,
    pub(crate) hit: fn(&'static str, CancellationToken) -> Hit,
}

/// One hit, by its form. Inside an `async` block, which is what a closure's value is
/// returned from.
macro_rules! hit {
    (function, $n:tt, $c:ident) => {
        failpoint($n, None).await
    };
    (function_with_context, $n:tt, $c:ident) => {
        failpoint($n, Some(&failpoint_context! { "k" => "v" })).await
    };
    (function_with_cancellation, $n:tt, $c:ident) => {
        failpoint_with_cancellation($n, None, &$c).await
    };
    (blocking_function, $n:tt, $c:ident) => {
        failpoint_blocking($n, None)
    };
    (blocking_function_with_context, $n:tt, $c:ident) => {
        failpoint_blocking($n, Some(&failpoint_context! { "k" => "v" }))
    };
    (fail_point, $n:tt, $c:ident) => {{
        fail_point!($n);
        Continue
    }};
    (fail_point_closure, $n:tt, $c:ident) => {{
        fail_point!($n, |value| Return(value));
        Continue
    }};
    (fail_point_condition, $n:tt, $c:ident) => {{
        fail_point!($n, !$c.is_cancelled(), |value| Return(value));
        Continue
    }};
    (fail_point_sync, $n:tt, $c:ident) => {{
        fail_point_sync!($n);
        Continue
    }};
    (fail_point_sync_closure, $n:tt, $c:ident) => {{
        fail_point_sync!($n, |value| Return(value));
        Continue
    }};
    (fail_point_sync_condition, $n:tt, $c:ident) => {{
        fail_point_sync!($n, !$c.is_cancelled(), |value| Return(value));
        Continue
    }};
    (fail_point_with_context, $n:tt, $c:ident) => {{
        fail_point_with_context!($n, &failpoint_context! { "k" => "v" });
        Continue
    }};
    (fail_point_with_context_closure, $n:tt, $c:ident) => {{
        fail_point_with_context!($n, &failpoint_context! { "k" => "v" }, |value| Return(
            value
        ));
        Continue
    }};
    (fail_point_with_context_condition, $n:tt, $c:ident) => {{
        fail_point_with_context!(
            $n,
            &failpoint_context! { "k" => "v" },
            !$c.is_cancelled(),
            |value| Return(value)
        );
        Continue
    }};
    (fail_point_with_context_sync, $n:tt, $c:ident) => {{
        fail_point_with_context_sync!($n, &failpoint_context! { "k" => "v" });
        Continue
    }};
    (fail_point_with_context_sync_closure, $n:tt, $c:ident) => {{
        fail_point_with_context_sync!($n, &failpoint_context! { "k" => "v" }, |value| {
            Return(value)
        });
        Continue
    }};
    (fail_point_with_context_sync_condition, $n:tt, $c:ident) => {{
        fail_point_with_context_sync!(
            $n,
            &failpoint_context! { "k" => "v" },
            !$c.is_cancelled(),
            |value| Return(value)
        );
        Continue
    }};
    (failpoint, $n:tt, $c:ident) => {
        failpoint!($n).await
    };
    (failpoint_context, $n:tt, $c:ident) => {
        failpoint!($n, &failpoint_context! { "k" => "v" }).await
    };
    (failpoint_cancel, $n:tt, $c:ident) => {
        failpoint!($n, cancel = &$c).await
    };
    (failpoint_context_cancel, $n:tt, $c:ident) => {
        failpoint!($n, &failpoint_context! { "k" => "v" }, cancel = &$c).await
    };
    (pausable_failpoint, $n:tt, $c:ident) => {
        match pausable_failpoint!($n).await {
            Ok(()) => Continue,
            Err(()) => Cancelled,
        }
    };
    (pausable_failpoint_cancel, $n:tt, $c:ident) => {
        match pausable_failpoint!($n, &$c).await {
            Ok(()) => Continue,
            Err(()) => Cancelled,
        }
    };
    (sleep_millis_async, $n:tt, $c:ident) => {{
        sleep_millis_async!($n).await;
        Continue
    }};
    (sleep_millis_async_cancel, $n:tt, $c:ident) => {{
        sleep_millis_async!($n, &$c).await;
        Continue
    }};
}

/// The table of ways, each with a literal and with a run-time name, and the test of
/// each.
macro_rules! ways {
    ($($form:ident: $literal:literal, $waits:ident, $on_return:ident, $cancelled:expr;)*) => {
        pub(crate) const WAYS: &[Way] = &[$(
            Way {
                form: stringify!($form),
                name: $literal,
                blocks: ways!($waits),
                on_return: OnReturn::$on_return,
                cancelled: $cancelled,
                hit: |_, cancel| {
                    Box::pin(async move {
                        let _ = &cancel;
                        hit!($form, $literal, cancel)
                    })
                },
            },
            Way {
                form: stringify!($form),
                name: concat!($literal, ", at run time"),
                blocks: ways!($waits),
                on_return: OnReturn::$on_return,
                cancelled: $cancelled,
                hit: |name, cancel| {
                    Box::pin(async move {
                        let _ = &cancel;
                        hit!($form, name, cancel)
                    })
                },
            },
        )*];

        mod every_action_works_in {
            $(#[test]
            fn $form() {
                crate::actions::every_action::works_in(stringify!($form));
            })*
        }
    };
    (awaits) => { false };
    (blocks) => { true };
}

// Odd names, because any text is one.
ways! {
    function: "function", awaits, Value, None;
    function_with_context: "function with context", awaits, Value, None;
    function_with_cancellation: "function, cancel", awaits, Value, Some(Cancelled);
    blocking_function: "blocking function", blocks, Value, None;
    blocking_function_with_context: "blocking function, context", blocks, Value, None;
    fail_point: "fail_point!", awaits, Panic, None;
    fail_point_closure: "fail_point! closure", awaits, Value, None;
    fail_point_condition: "fail_point! condition", awaits, Value, None;
    fail_point_sync: "fail_point_sync!", blocks, Panic, None;
    fail_point_sync_closure: "fail_point_sync!/closure", blocks, Value, None;
    fail_point_sync_condition: "fail_point_sync!/condition", blocks, Value, None;
    fail_point_with_context: "fail_point_with_context!", awaits, Panic, None;
    fail_point_with_context_closure: "closure (with context)", awaits, Value, None;
    fail_point_with_context_condition: "condition (with context)", awaits, Value, None;
    fail_point_with_context_sync: "sync::context", blocks, Panic, None;
    fail_point_with_context_sync_closure: "sync::context::closure", blocks, Value, None;
    fail_point_with_context_sync_condition: "sync::context::condition", blocks, Value, None;
    failpoint: "\"failpoint!\"", awaits, Value, None;
    failpoint_context: "failpoint! {context}", awaits, Value, None;
    failpoint_cancel: "failpoint! 100%n*cancel", awaits, Value, Some(Cancelled);
    failpoint_context_cancel: "failpoint! = context; -> cancel", awaits, Value, Some(Cancelled);
    pausable_failpoint: "pausable\nfailpoint", awaits, Ignore, None;
    pausable_failpoint_cancel: "pausable\\cancel", awaits, Ignore, Some(Cancelled);
    sleep_millis_async: "süeep", awaits, Sleep, None;
    sleep_millis_async_cancel: "sleep, cancel", awaits, Sleep, Some(Continue);
}

impl Way {
    pub(crate) fn start(&self, cancel: &CancellationToken) -> Hit {
        (self.hit)(self.name, cancel.clone())
    }

    /// A hit that has to be over at its first poll.
    pub(crate) fn at_once(&self) -> FailpointResult {
        now(self.start(&CancellationToken::new()))
    }

    /// What is said before an action fires: by the macro that pauses, as Neon's says it.
    pub(crate) fn announced(&self) -> Vec<String> {
        match self.on_return {
            OnReturn::Ignore => vec![format!("INFO neon_failpoint: at failpoint {}", self.name)],
            OnReturn::Value | OnReturn::Panic | OnReturn::Sleep => Vec::new(),
        }
    }

    pub(crate) fn has_context(&self) -> bool {
        self.form.contains("context")
    }

    pub(crate) fn configure(&self, actions: &str) {
        configure_failpoint(self.name, actions).unwrap();
    }
}

/// Where the call sites are.
pub(crate) const FILE: &str = file!();
