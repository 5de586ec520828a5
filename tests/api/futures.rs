//! Proves what the futures and types are (Send, `'static`, Unpin, Sync), how small the
//! futures stay, and that a future that is done does not hit again.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use crate::common::{assert_stats, now, poll_once};
use neon_failpoint::FailpointResult::{self, Continue, Return};
use neon_failpoint::{
    Error, FailpointConfig, FailpointContext, FailpointFuture, FailpointInfo, WaiterInfo,
    configure_failpoint, configure_failpoint_callback, fail_point, fail_point_with_context,
    failpoint, failpoint_context, failpoint_with_cancellation, isolate, pausable_failpoint,
    remove_failpoint, sleep_millis_async,
};
use tokio_util::sync::CancellationToken;

fn is_send<T: Send>(_: &T) {}
fn is_static<T: 'static>(_: &T) {}
fn is_unpin<T: Unpin>(_: &T) {}

fn token() -> CancellationToken {
    CancellationToken::new()
}

#[test]
fn types_are_send_sync_and_static() {
    fn check<T: Send + Sync + 'static>() {}
    check::<FailpointContext>();
    check::<FailpointInfo>();
    check::<WaiterInfo>();
    check::<FailpointConfig>();
    check::<Error>();
    check::<FailpointResult>();
}

#[test]
fn futures_are_send() {
    let _alone = isolate();
    let (name, token) = (String::from("send"), token());
    let context = FailpointContext::new();
    is_send(&failpoint(&name, Some(&context)));
    is_send(&failpoint_with_cancellation(&name, Some(&context), &token));
    is_send(&failpoint!("send"));
    is_send(&failpoint!(&name));
    is_send(&failpoint!("send", &context));
    is_send(&failpoint!("send", cancel = &token));
    is_send(&failpoint!("send", &context, cancel = &token));
    is_send(&pausable_failpoint!("send"));
    is_send(&pausable_failpoint!("send", &token));
    is_send(&sleep_millis_async!("send"));
    is_send(&sleep_millis_async!("send", &token));
    is_send(&async { fail_point!("send") });
    is_send(&async { fail_point!(&name) });
    is_send(&async { fail_point!("send", |_| ()) });
    is_send(&async { fail_point!("send", !name.is_empty(), |_| ()) });
    is_send(&async { fail_point_with_context!("send", &context) });
    is_send(&async { fail_point_with_context!("send", &context, |_| ()) });
    is_send(&async { fail_point_with_context!("send", &context, true, |_| ()) });
}

/// What a macro that awaits in place is given is gone before the await, so that it
/// need not be Send.
#[test]
fn temporaries_of_name_context_and_closure_are_not_held_across_the_await() {
    let _alone = isolate();
    is_send(&async { fail_point!(&Rc::new("send-rc".to_owned())) });
    is_send(&async { fail_point!(&Rc::new("send-rc".to_owned()), |_| ()) });
    is_send(&async { fail_point!("send-rc", Rc::new(1) == Rc::new(1), |_| ()) });
    is_send(&async {
        fail_point_with_context!("send-rc", &failpoint_context! { "k" => Rc::new(1) })
    });
    is_send(&async {
        fail_point_with_context!("send-rc", &failpoint_context! { "k" => Rc::new(1) }, |_| ())
    });
    is_send(&async {
        fail_point!("send-rc", |_| {
            let value = Rc::new(1);
            drop(value);
        })
    });
}

#[test]
fn futures_are_static_where_their_arguments_are() {
    let _alone = isolate();
    static TOKEN: std::sync::LazyLock<CancellationToken> = std::sync::LazyLock::new(token);
    static CONTEXT: FailpointContext = FailpointContext::new();
    is_static(&failpoint("static", Some(&CONTEXT)));
    is_static(&failpoint_with_cancellation("static", None, &TOKEN));
    is_static(&failpoint!("static"));
    is_static(&failpoint!("static", cancel = &TOKEN));
    is_static(&failpoint!("static", &CONTEXT, cancel = &TOKEN));
    is_static(&pausable_failpoint!("static"));
    is_static(&pausable_failpoint!("static", &TOKEN));
    is_static(&sleep_millis_async!("static"));
    is_static(&sleep_millis_async!("static", &TOKEN));
    let (name, owned) = (String::from("static"), token());
    is_static(&async move {
        fail_point!(&name);
        fail_point_with_context!("static", &failpoint_context! { "k" => name });
        let _ = failpoint!(
            "static",
            &failpoint_context! { "k" => name },
            cancel = &owned
        )
        .await;
        pausable_failpoint!("static", &owned).await
    });
}

#[test]
fn failpoint_future_is_unpin() {
    let _alone = isolate();
    let token = token();
    is_unpin::<FailpointFuture<'_>>(&failpoint("unpin", None));
    is_unpin::<FailpointFuture<'_>>(&failpoint_with_cancellation("unpin", None, &token));
    is_unpin::<FailpointFuture<'_>>(&failpoint!("unpin"));
    is_unpin::<FailpointFuture<'_>>(&failpoint!("unpin", cancel = &token));
}

/// How many bytes `with` has more than `without`.
fn growth<A, B>(with: &A, without: &B) -> usize {
    size_of_val(with).saturating_sub(size_of_val(without))
}

#[test]
fn future_of_a_call_has_at_most_64_bytes() {
    let _alone = isolate();
    let (token, context) = (token(), FailpointContext::new());
    let sizes = [
        size_of_val(&failpoint("size", Some(&context))),
        size_of_val(&failpoint_with_cancellation("size", None, &token)),
        size_of_val(&failpoint!("size")),
        size_of_val(&failpoint!("size", cancel = &token)),
        size_of_val(&pausable_failpoint!("size", &token)),
        size_of_val(&sleep_millis_async!("size", &token)),
    ];
    assert!(sizes.iter().all(|size| *size <= 64), "{sizes:?}");
}

/// What every function below awaits beside its failpoints.
async fn work(n: u64) -> u64 {
    tokio::task::yield_now().await;
    n
}

type Answer = Result<u64, String>;

async fn without(n: u64) -> Answer {
    Ok(work(n).await)
}

async fn without_but_a_name(n: u64, name: &str) -> Answer {
    Ok(work(n + name.len() as u64).await)
}

async fn without_but_a_context(n: u64, context: &FailpointContext) -> Answer {
    Ok(work(n + context.iter().count() as u64).await)
}

async fn with_one(n: u64) -> Answer {
    fail_point!("size-1");
    Ok(work(n).await)
}

async fn with_closure(n: u64) -> Answer {
    fail_point!("size-1", Err);
    Ok(work(n).await)
}

async fn with_condition(n: u64) -> Answer {
    fail_point!("size-1", n > 7, Err);
    Ok(work(n).await)
}

async fn with_name(n: u64, name: &str) -> Answer {
    fail_point!(name, Err);
    Ok(work(n + name.len() as u64).await)
}

async fn with_context(n: u64, context: &FailpointContext) -> Answer {
    fail_point_with_context!("size-1", context, Err);
    Ok(work(n + context.iter().count() as u64).await)
}

async fn with_context_in_place(n: u64) -> Answer {
    fail_point_with_context!("size-1", &failpoint_context! { "n" => n }, Err);
    Ok(work(n).await)
}

#[test]
fn fail_point_adds_at_most_40_bytes_to_the_function_around_it() {
    let context = FailpointContext::new();
    let plain = without(1);
    let grown = [
        ("one", growth(&with_one(1), &plain)),
        ("closure", growth(&with_closure(1), &plain)),
        ("condition", growth(&with_condition(1), &plain)),
        ("name", {
            growth(&with_name(1, "size-1"), &without_but_a_name(1, "size-1"))
        }),
        ("context", {
            growth(
                &with_context(1, &context),
                &without_but_a_context(1, &context),
            )
        }),
        (
            "context in place",
            growth(&with_context_in_place(1), &plain),
        ),
    ];
    assert!(grown.iter().all(|(_, bytes)| *bytes <= 40), "{grown:?}");
}

macro_rules! ten_times {
    ($($site:tt)*) => {{
        $($site)* $($site)* $($site)* $($site)* $($site)*
        $($site)* $($site)* $($site)* $($site)* $($site)*
    }};
}

async fn with_ten(n: u64) -> Answer {
    ten_times! { fail_point!("size-10"); }
    Ok(work(n).await)
}

async fn with_ten_closures(n: u64) -> Answer {
    ten_times! { fail_point!("size-10", Err); }
    Ok(work(n).await)
}

async fn with_ten_contexts(n: u64) -> Answer {
    ten_times! {
        fail_point_with_context!("size-10", &failpoint_context! { "n" => n }, Err);
    }
    Ok(work(n).await)
}

async fn with_one_awaited(n: u64) -> Answer {
    let _ = pausable_failpoint!("size-10").await;
    Ok(work(n).await)
}

async fn with_ten_awaited(n: u64) -> Answer {
    ten_times! { let _ = pausable_failpoint!("size-10").await; }
    Ok(work(n).await)
}

#[test]
fn ten_sites_are_hardly_larger_than_one() {
    let _alone = isolate();
    let grown = [
        ("fail_point", growth(&with_ten(1), &with_one(1))),
        ("closure", growth(&with_ten_closures(1), &with_closure(1))),
        ("context", {
            growth(&with_ten_contexts(1), &with_context_in_place(1))
        }),
        (
            "awaited",
            growth(&with_ten_awaited(1), &with_one_awaited(1)),
        ),
    ];
    assert!(grown.iter().all(|(_, bytes)| *bytes <= 8), "{grown:?}");
}

#[test]
fn functions_with_failpoints_work() {
    let _alone = isolate();
    let context = FailpointContext::new();
    let all: [fn() -> Answer; 4] = [
        || now_or_yielded(with_one(1)),
        || now_or_yielded(with_ten(1)),
        || now_or_yielded(with_ten_closures(1)),
        || now_or_yielded(with_ten_awaited(1)),
    ];
    for answer in all {
        assert_eq!(answer(), Ok(1));
    }
    assert_eq!(now_or_yielded(with_context(1, &context)), Ok(1));
    assert_eq!(now_or_yielded(with_name(1, "size-none")), Ok(10));
}

/// The answer of a function that yields once.
fn now_or_yielded(function: impl Future<Output = Answer>) -> Answer {
    let mut function = pin!(function);
    // Outside a runtime, tokio's yield wakes at once.
    assert!(poll_once(function.as_mut()).is_pending());
    match poll_once(function) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("still not ready"),
    }
}

#[test]
fn a_future_polled_after_it_was_ready_continues_and_does_not_hit_again() {
    let _alone = isolate();
    configure_failpoint("done", "return(x)").unwrap();
    let mut hit = pin!(failpoint("done", None));
    assert_eq!(poll_once(hit.as_mut()), Poll::Ready(Return("x".to_owned())));
    let mut pausable = pin!(pausable_failpoint!("done"));
    assert_eq!(poll_once(pausable.as_mut()), Poll::Ready(Ok(())));
    let mut millis = pin!(sleep_millis_async!("done"));
    // "x" is no number: nothing but a log line.
    assert_eq!(poll_once(millis.as_mut()), Poll::Ready(()));
    assert_stats("done", (3, 3, 0));
    for _ in 0..3 {
        assert_eq!(poll_once(hit.as_mut()), Poll::Ready(Continue));
        assert_eq!(poll_once(pausable.as_mut()), Poll::Ready(Ok(())));
        assert_eq!(poll_once(millis.as_mut()), Poll::Ready(()));
    }
    assert_stats("done", (3, 3, 0));
}

#[test]
fn an_idle_or_released_future_polled_after_it_was_ready_continues() {
    let _alone = isolate();
    let mut idle = pin!(failpoint("done-idle", None));
    assert_eq!(poll_once(idle.as_mut()), Poll::Ready(Continue));
    configure_failpoint("done-idle", "return(x)").unwrap();
    assert_eq!(poll_once(idle), Poll::Ready(Continue));
    assert_stats("done-idle", (0, 0, 0));

    for actions in ["pause", "yield"] {
        configure_failpoint("done-waited", actions).unwrap();
        let mut hit = pin!(failpoint("done-waited", None));
        assert!(poll_once(hit.as_mut()).is_pending());
        configure_failpoint("done-waited", "return(x)").unwrap();
        assert_eq!(poll_once(hit.as_mut()), Poll::Ready(Continue));
        assert_eq!(poll_once(hit), Poll::Ready(Continue));
        assert_stats("done-waited", (0, 0, 0));
    }
}

#[test]
fn a_hit_that_panics_inside_the_poll_is_not_made_again() {
    let _alone = isolate();
    type Configure = fn(&str);
    let configure: [(&str, Configure); 3] = [
        ("panic", |name| configure_failpoint(name, "panic").unwrap()),
        ("panic(text)", |name| {
            configure_failpoint(name, "panic(text)").unwrap();
        }),
        ("callback", |name| {
            configure_failpoint_callback(name, || panic!("text")).unwrap();
        }),
    ];
    for (what, configure) in configure {
        let name = "panics";
        configure(name);
        let mut hit = pin!(failpoint(name, None));
        let poll = AssertUnwindSafe(|| poll_once(hit.as_mut()));
        assert!(catch_unwind(poll).is_err(), "{what}");
        assert_stats(name, (1, 1, 0));
        assert_eq!(poll_once(hit.as_mut()), Poll::Ready(Continue), "{what}");
        assert_stats(name, (1, 1, 0));
        remove_failpoint(name);
        assert_eq!(now(failpoint(name, None)), Continue);
    }
}

#[test]
fn debug_says_where_a_future_stands() {
    let _alone = isolate();
    configure_failpoint("debug", "pause").unwrap();
    let mut hit = pin!(failpoint("debug", None));
    assert!(format!("{hit:?}").contains("debug"));
    assert!(poll_once(hit.as_mut()).is_pending());
    assert!(format!("{hit:?}").contains("waiting"));
    remove_failpoint("debug");
    assert!(poll_once(hit.as_mut()).is_ready());
    assert!(format!("{hit:?}").contains("done"));
}
