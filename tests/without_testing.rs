//! Proves that nothing of a failpoint is left in a build without the feature
//! `testing`, and that what was made for one is not reported as unused there.
//!
//! Alone for the lints of the crate. Run with `cargo test --test without_testing`, and with
//! `--no-default-features`; with `--all-features` this file is empty.
#![cfg(not(feature = "testing"))]
#![deny(warnings)]
// As users write them; so it is said with failpoints, too.
#![allow(clippy::redundant_closure)]

use std::process::Command;

use neon_failpoint::{
    FailpointConfig, FailpointContext, FailpointResult, configure_failpoint,
    configure_failpoint_callback, configure_failpoint_with_context, configure_failpoints,
    fail_point_sync, fail_point_with_context_sync, failpoint_blocking, failpoint_context,
    failpoint_support, has_failpoints, init, list_failpoints, release_failpoint,
    remove_all_failpoints, remove_failpoint, set_seed, wait_for_hits, wait_until_paused,
};

/// Stands at the place of every argument: what it is for is never evaluated.
fn never<T>() -> T {
    panic!("an argument was evaluated")
}

#[test]
fn has_failpoints_says_no_at_compile_time() {
    const { assert!(!has_failpoints()) }
}

#[test]
fn blocking_macros_evaluate_none_of_their_arguments() {
    fn site() -> u8 {
        fail_point_sync!("a");
        fail_point_sync!(never::<&str>());
        fail_point_sync!(never::<&str>(), never::<fn(String) -> u8>());
        fail_point_sync!(
            never::<&str>(),
            never::<bool>(),
            never::<fn(String) -> u8>()
        );
        fail_point_sync!("a", |_| 1);
        fail_point_sync!("a", true, |_| 1);
        fail_point_with_context_sync!("a", never::<&FailpointContext>());
        fail_point_with_context_sync!("a", &failpoint_context! { "k" => never::<u8>() });
        fail_point_with_context_sync!(never::<&str>(), never::<&FailpointContext>(), |_| 1);
        fail_point_with_context_sync!("a", never::<&FailpointContext>(), never(), |_| 1);
        let () = fail_point_sync!("a");
        0
    }
    assert_eq!(site(), 0);
}

#[test]
fn a_context_is_type_checked_and_empty() {
    let context = failpoint_context! {
        "k" => never::<u8>(),
        never::<String>() => never::<&dyn std::fmt::Display>(),
    };
    assert_eq!(context, FailpointContext::new());
    // Values are borrowed there, not moved, as with `testing`.
    let value = String::from("v");
    let context = failpoint_context! { "k" => value };
    assert_eq!((context.get("k"), value.as_str()), (None, "v"));
    // One that is made by hand is a context as ever.
    assert_eq!(
        FailpointContext::from_iter([("k", value)]).get("k"),
        Some("v")
    );
}

#[test]
fn a_blocking_hit_goes_on() {
    let context = FailpointContext::from_iter([("k", "v")]);
    for context in [None, Some(&context)] {
        assert_eq!(failpoint_blocking("a", context), FailpointResult::Continue);
    }
}

#[test]
fn configuring_is_an_error_that_names_the_feature_whatever_is_configured() {
    let batch: [FailpointConfig; 1] = [("a", "off").into()];
    for result in [
        configure_failpoint("a", "off"),
        configure_failpoint("a", "no action"),
        configure_failpoint("", "off"),
        configure_failpoint_with_context("a", "off", [("k", "v")]),
        configure_failpoint_callback("a", never::<()>),
        configure_failpoints(batch),
    ] {
        let error = result.unwrap_err().to_string();
        assert!(error.contains("feature `testing`"), "{error}");
        // What is to be written, and where.
        let line = "neon_failpoint = { version = \"0.1\", features = [\"testing\"] }";
        for part in ["Cargo.toml", "[dev-dependencies]", line] {
            assert!(error.contains(part), "{part}: {error}");
        }
    }
    for error in [
        wait_for_hits("a", 1).blocking().unwrap_err(),
        wait_until_paused("a", 1).blocking().unwrap_err(),
        release_failpoint("a", 1).unwrap_err(),
    ] {
        let error = error.to_string();
        assert!(error.contains("feature `testing`"), "{error}");
    }
    let error = failpoint_support::apply_failpoint("a", "off").unwrap_err();
    assert!(error.contains("feature `testing`"), "{error}");
    let none: [FailpointConfig; 0] = [];
    configure_failpoints(none).unwrap();
    assert!(list_failpoints().is_empty());
}

#[test]
fn removing_listing_and_seeding_do_nothing() {
    remove_failpoint("a");
    remove_failpoint("");
    remove_all_failpoints();
    set_seed(7);
    assert!(list_failpoints().is_empty());
}

#[test]
fn init_is_an_error_where_failpoints_is_set_and_ok_where_it_is_not() {
    const TEST: &str = "init_is_an_error_where_failpoints_is_set_and_ok_where_it_is_not";
    const CHILD: &str = "NEON_FAILPOINT_TEST_CHILD";
    if std::env::var_os(CHILD).is_some() {
        // Uses that read the variable with `testing`, where a bad value ends the process.
        fail_point_sync!("a");
        assert_eq!(failpoint_blocking("a", None), FailpointResult::Continue);
        assert!(list_failpoints().is_empty());
        match init() {
            Ok(()) => println!("init: ok"),
            Err(error) => println!("init: {error}"),
        }
        match std::panic::catch_unwind(failpoint_support::init) {
            Ok(_scenario) => println!("init: ok"),
            Err(panic) => println!("init: {}", panic.downcast::<String>().unwrap()),
        }
        return;
    }
    for (value, ok) in [
        (None, true),
        (Some(""), true),
        (Some("a=off"), false),
        (Some("a=?"), false),
    ] {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args([TEST, "--exact", "--nocapture"]).env(CHILD, "1");
        match value {
            Some(value) => child.env("FAILPOINTS", value),
            None => child.env_remove("FAILPOINTS"),
        };
        let output = child.output().unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{value:?}: {stdout}");
        // The harness prints on these lines, too.
        let said: Vec<&str> = stdout
            .lines()
            .filter_map(|l| Some(l.split_once("init: ")?.1))
            .collect();
        assert_eq!(said.len(), 2, "{value:?}: {stdout}");
        for said in said {
            if ok {
                assert_eq!(said, "ok", "{value:?}");
            } else {
                assert!(said.contains("FAILPOINTS"), "{value:?}: {said}");
                assert!(said.contains("feature `testing`"), "{value:?}: {said}");
            }
        }
    }
}

#[test]
fn a_context_made_for_a_blocking_macro_is_not_unused() {
    let context = failpoint_context! { "k" => "v" };
    let value = 1;
    fail_point_with_context_sync!("a", &context);
    fail_point_with_context_sync!("a", &failpoint_context! { "k" => value }, |_| ());
}

#[test]
fn a_name_made_for_a_blocking_macro_is_not_unused() {
    let name = "a";
    fail_point_sync!(name);
    let name = String::from("a");
    fail_point_sync!(&name, |_| ());
    let name = String::from("a");
    fail_point_sync!(&name, true, |_| ());
    let name = "a";
    fail_point_with_context_sync!(name, &FailpointContext::new());
    let name = "a";
    fail_point_with_context_sync!(name, &FailpointContext::new(), |_| ());
    let name = "a";
    fail_point_with_context_sync!(name, &FailpointContext::new(), true, |_| ());
}

/// What only the arguments of macros use; the crate denies the lint that reports the unused.
mod for_arguments_only {
    use std::num::ParseIntError as OfParse;

    pub(crate) const NAME: &str = "a";
    pub(crate) const LEAST: u8 = 3;

    #[derive(Debug, PartialEq)]
    pub(crate) enum Failure {
        Injected(String),
        Parse(OfParse),
    }

    impl From<OfParse> for Failure {
        fn from(error: OfParse) -> Self {
            Self::Parse(error)
        }
    }

    pub(crate) fn injected(value: String) -> Failure {
        Failure::Injected(value)
    }

    pub(crate) struct Shard {
        pub(crate) number: u8,
    }

    impl Shard {
        pub(crate) fn is_odd(&self) -> bool {
            self.number % 2 == 1
        }
    }
}

#[test]
fn what_only_arguments_use_is_not_unused() {
    use for_arguments_only::{Failure, LEAST, NAME, Shard, injected};

    fn site(shard: &Shard, tenant: &str) -> Result<u8, Failure> {
        let reason = "lost";
        let is_large = |number: u8| number >= LEAST;
        let mut count = 0;
        fail_point_sync!(const { NAME }, |value| Err(injected(value + reason)));
        fail_point_sync!("a", shard.is_odd() && is_large(3), |value| {
            count += 1;
            let number: u8 = value.parse()?;
            Ok(number + count)
        });
        let context = failpoint_context! { "tenant" => tenant };
        let other = "other";
        fail_point_with_context_sync!(NAME, &context, |_| Err(injected(other.to_owned())));
        let is_lost = false;
        fail_point_with_context_sync!("a", &context, is_lost, |value| Err(injected(value)));
        Ok(7)
    }

    assert_eq!(site(&Shard { number: 1 }, "t"), Ok(7));
}

#[test]
fn a_value_that_a_closure_would_move_stays() {
    fn site(text: String) -> String {
        fail_point_sync!("a", |_| text);
        fail_point_sync!("a", text.is_empty(), move |value| value + &text);
        text
    }
    assert_eq!(site("kept".to_owned()), "kept");
}

#[cfg(feature = "async")]
mod async_code {
    use super::*;
    use neon_failpoint::{
        fail_point, fail_point_with_context, failpoint, failpoint_with_cancellation,
        pausable_failpoint, sleep_millis_async,
    };
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};
    use tokio_util::sync::CancellationToken;

    fn now<T>(future: impl Future<Output = T>) -> T {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => value,
            Poll::Pending => panic!("it waits"),
        }
    }

    #[test]
    fn macros_evaluate_none_of_their_arguments() {
        async fn site() -> u8 {
            fail_point!("a");
            fail_point!(never::<&str>());
            fail_point!(never::<&str>(), never::<fn(String) -> u8>());
            fail_point!(
                never::<&str>(),
                never::<bool>(),
                never::<fn(String) -> u8>()
            );
            fail_point!("a", |_| 1);
            fail_point!("a", true, |_| 1);
            fail_point_with_context!("a", never::<&FailpointContext>());
            fail_point_with_context!("a", &failpoint_context! { "k" => never::<u8>() });
            fail_point_with_context!(never::<&str>(), never::<&FailpointContext>(), |_| 1);
            fail_point_with_context!("a", never::<&FailpointContext>(), never(), |_| 1);
            let () = fail_point!("a");
            0
        }
        assert_eq!(now(site()), 0);
    }

    #[test]
    fn futures_of_macros_are_ready_and_evaluate_none_of_their_arguments() {
        now(async {
            let go_on = FailpointResult::Continue;
            assert_eq!(failpoint!("a").await, go_on);
            assert_eq!(failpoint!(never::<&str>()).await, go_on);
            assert_eq!(failpoint!("a", never::<&FailpointContext>()).await, go_on);
            assert_eq!(
                failpoint!("a", cancel = never::<&CancellationToken>()).await,
                go_on
            );
            assert_eq!(failpoint!("a", never(), cancel = never()).await, go_on);
            assert_eq!(pausable_failpoint!("a").await, Ok(()));
            assert_eq!(pausable_failpoint!(never::<&str>(), never()).await, Ok(()));
            sleep_millis_async!("a").await;
            sleep_millis_async!(never::<&str>(), never()).await;
        });
    }

    #[test]
    fn macros_that_await_inside_evaluate_none_of_their_arguments() {
        use neon_failpoint::failpoint_support::implicit_await;

        async fn site() -> Result<u8, ()> {
            let () = implicit_await::pausable_failpoint!("a");
            let () = implicit_await::pausable_failpoint!(never::<&str>());
            implicit_await::pausable_failpoint!(never::<&str>(), never::<CancellationToken>())?;
            let () = implicit_await::sleep_millis_async!("a");
            let () = implicit_await::sleep_millis_async!(never::<&str>());
            implicit_await::sleep_millis_async!("a", never::<&CancellationToken>());
            let (first, second) = (CancellationToken::new(), CancellationToken::new());
            implicit_await::pausable_failpoint!("a", first)?;
            implicit_await::sleep_millis_async!("a", &second);
            Ok(0)
        }
        assert_eq!(now(site()), Ok(0));
    }

    #[test]
    fn hits_go_on_at_the_first_poll() {
        let context = failpoint_context! { "k" => "v" };
        let token = CancellationToken::new();
        for cancelled in [false, true] {
            if cancelled {
                token.cancel();
            }
            for context in [None, Some(&context)] {
                let go_on = FailpointResult::Continue;
                assert_eq!(now(failpoint("a", context)), go_on);
                assert_eq!(
                    now(failpoint_with_cancellation("a", context, &token)),
                    go_on
                );
            }
        }
    }

    #[test]
    fn an_async_function_is_as_large_as_one_without_the_macros() {
        async fn step(data: &mut [u8; 64]) -> u8 {
            tokio::task::yield_now().await;
            data[0]
        }

        async fn without(mut data: [u8; 64]) -> Result<u8, String> {
            let one = step(&mut data).await;
            let other = step(&mut data).await;
            Ok(one + other)
        }

        async fn with(mut data: [u8; 64]) -> Result<u8, String> {
            fail_point!("a");
            fail_point!("a", |value| Err(value));
            let one = step(&mut data).await;
            fail_point!("a", one == 1, |value| Err(value));
            fail_point!(&format!("a-{one}"), |value| Err(value));
            fail_point_with_context!("a", &failpoint_context! { "k" => one });
            fail_point_with_context!("a", &failpoint_context! { "k" => data[1] }, |value| {
                let number: u8 = value.parse().map_err(|_| value)?;
                Ok(number)
            });
            let other = step(&mut data).await;
            fail_point_sync!("a", |value| Err(value));
            Ok(one + other)
        }

        async fn empty() {}

        async fn point() {
            fail_point!("a");
        }

        let sizes = (size_of_val(&with([0; 64])), size_of_val(&point()));
        assert_eq!(
            sizes,
            (size_of_val(&without([0; 64])), size_of_val(&empty()))
        );
    }

    #[test]
    fn a_future_holds_nothing_of_what_macros_would_await_move_or_borrow() {
        use neon_failpoint::failpoint_support::implicit_await;

        async fn step() {
            tokio::task::yield_now().await;
        }

        async fn is_large(data: [u8; 512]) -> bool {
            step().await;
            data[0] > 3
        }

        async fn without(text: String, token: CancellationToken) -> String {
            step().await;
            drop(token);
            text
        }

        async fn with(text: String, token: CancellationToken) -> String {
            fail_point!("a", is_large([1; 512]).await, |value| value);
            fail_point!("a", |_| text);
            fail_point!(&{
                is_large([2; 512]).await;
                format!("a-{text}")
            });
            step().await;
            fail_point!("a", text.is_empty(), |value| value + &text);
            fail_point_with_context!(
                "a",
                &failpoint_context! { "large" => is_large([3; 512]).await }
            );
            fail_point_sync!("a", is_large([4; 512]).await, |_| text);
            let _ = implicit_await::pausable_failpoint!("a", token);
            implicit_await::sleep_millis_async!("a", {
                is_large([5; 512]).await;
                token.clone()
            });
            drop(token);
            text
        }

        let token = CancellationToken::new();
        assert_eq!(
            size_of_val(&with(String::new(), token.clone())),
            size_of_val(&without(String::new(), token))
        );
    }

    #[test]
    fn what_a_caller_awaits_has_no_size() {
        let (context, token) = (failpoint_context! {}, CancellationToken::new());
        let sizes = [
            size_of_val(&failpoint!("a")),
            size_of_val(&failpoint!("a", &context)),
            size_of_val(&failpoint!("a", &context, cancel = &token)),
            size_of_val(&pausable_failpoint!("a", &token)),
            size_of_val(&sleep_millis_async!("a", &token)),
        ];
        assert_eq!(sizes, [0; 5]);
    }

    #[test]
    fn a_future_that_holds_what_is_not_send_between_its_awaits_stays_send() {
        use neon_failpoint::failpoint_support::implicit_await;

        async fn site(token: &CancellationToken) -> Result<u8, ()> {
            tokio::task::yield_now().await;
            let number = std::rc::Rc::new(7);
            fail_point!("a");
            fail_point!("a", *number == 8, |_| Ok(*number));
            fail_point_with_context!("a", &failpoint_context! { "k" => number }, |_| Err(()));
            implicit_await::pausable_failpoint!("a", token)?;
            implicit_await::sleep_millis_async!("a", token);
            Ok(*number)
        }

        fn is_send(_: &(impl Future + Send)) {}
        is_send(&site(&CancellationToken::new()));
    }

    #[test]
    fn what_only_arguments_of_macros_use_is_not_unused() {
        use super::for_arguments_only::{Failure, LEAST, NAME, Shard, injected};

        async fn site(shard: &Shard, tenant: &str) -> Result<u8, Failure> {
            let reason = "lost";
            let is_large = |number: u8| number >= LEAST;
            fail_point!(const { NAME }, |value| Err(injected(value + reason)));
            fail_point!("a", shard.is_odd() && is_large(3), |value| {
                let number: u8 = value.parse()?;
                Ok(number)
            });
            let context = failpoint_context! { "tenant" => tenant };
            let is_lost = false;
            fail_point_with_context!(NAME, &context, is_lost, |value| Err(injected(value)));
            let token = CancellationToken::new();
            let _ = failpoint!(const { NAME }, &context, cancel = &token).await;
            let _ = pausable_failpoint!(const { NAME }).await;
            sleep_millis_async!(const { NAME }).await;
            Ok(7)
        }

        assert_eq!(now(site(&Shard { number: 1 }, "t")), Ok(7));
    }

    #[test]
    fn contexts_and_tokens_made_for_macros_are_not_unused() {
        now(async {
            let token = CancellationToken::new();
            let _ = failpoint!("a", cancel = &token).await;
            let (context, token) = (failpoint_context! {}, CancellationToken::new());
            let _ = failpoint!("a", &context, cancel = &token).await;
            let context = failpoint_context! {};
            let _ = failpoint!("a", &context).await;
            let token = CancellationToken::new();
            let _ = pausable_failpoint!("a", &token).await;
            let token = CancellationToken::new();
            sleep_millis_async!("a", &token).await;
            let context = failpoint_context! {};
            fail_point_with_context!("a", &context);
            let value = 1;
            fail_point_with_context!("a", &failpoint_context! { "k" => value }, |_| ());
            let context = failpoint_context! {};
            fail_point_with_context!("a", &context, true, |_| ());
        });
    }

    #[test]
    fn names_made_for_macros_are_not_unused() {
        let context = &failpoint_context! {};
        let token = &CancellationToken::new();
        now(async {
            let name = "a";
            fail_point!(name);
            let name = String::from("a");
            fail_point!(&name, |_| ());
            let name = String::from("a");
            fail_point!(&name, true, |_| ());
            let name = "a";
            fail_point_with_context!(name, context);
            let name = "a";
            fail_point_with_context!(name, context, |_| ());
            let name = "a";
            fail_point_with_context!(name, context, true, |_| ());
            let name = "a";
            let _ = failpoint!(name).await;
            let name = "a";
            let _ = failpoint!(name, context).await;
            let name = "a";
            let _ = failpoint!(name, cancel = token).await;
            let name = "a";
            let _ = failpoint!(name, context, cancel = token).await;
            let name = "a";
            let _ = pausable_failpoint!(name).await;
            let name = "a";
            let _ = pausable_failpoint!(name, token).await;
            let name = "a";
            sleep_millis_async!(name).await;
            let name = "a";
            sleep_millis_async!(name, token).await;
        });
    }
}

#[test]
#[cfg(feature = "explore")]
#[should_panic(expected = "`testing`")]
fn there_are_no_crashes_to_explore() {
    use std::future::ready;
    neon_failpoint::explore::crashes(|_| ready(never::<()>()), |_| ready(never::<()>()));
}
