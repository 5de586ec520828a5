//! The surface of Neon's utils: its macros in both forms, its log lines, and
//! `apply_failpoint`. (`init` reads the environment: see `tests/process/env.rs`.)

use std::future::Future;
use std::task::Context;
use std::time::Duration;

use crate::common::events::{events, listen};
use crate::common::{Counter, Runtime, info, now, poll_once, until_waiting_async, waiters};
use neon_failpoint::failpoint_support::{apply_failpoint, pausable_failpoint, sleep_millis_async};
use neon_failpoint::{FailpointResult, failpoint_blocking, isolate, remove_failpoint};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// What is left of a project's own utils.
mod utils {
    pub(crate) mod failpoint_support {
        pub(crate) use neon_failpoint::failpoint_support::implicit_await::*;
    }
    pub(crate) use failpoint_support::{pausable_failpoint, sleep_millis_async};
}

/// A place to pause with a token, by a literal and by a name, awaited by the caller or not.
async fn checkpoint(form: &str, name: &str, cancel: &CancellationToken) -> Result<u32, ()> {
    match form {
        "awaited" => pausable_failpoint!("support-pausable", cancel).await?,
        "awaited, by name" => pausable_failpoint!(name, cancel).await?,
        "implicit" => utils::pausable_failpoint!("support-pausable", cancel)?,
        "implicit, by name" => utils::failpoint_support::pausable_failpoint!(name, cancel)?,
        other => panic!("{other}"),
    }
    Ok(7)
}

const FORMS: [&str; 4] = [
    "awaited",
    "awaited, by name",
    "implicit",
    "implicit, by name",
];

#[test]
fn a_pause_ends_by_release_and_by_a_token_cancelled_before_or_during_it() {
    let _alone = isolate();
    listen();
    let name = "support-pausable";
    for form in FORMS {
        let cancel = CancellationToken::new();
        // Idle.
        assert_eq!(now(checkpoint(form, name, &cancel)), Ok(7), "{form}");

        apply_failpoint(name, "pause").unwrap();
        let mut hit = Box::pin(checkpoint(form, name, &cancel));
        assert!(poll_once(hit.as_mut()).is_pending());
        assert_eq!(waiters(name), 1);
        remove_failpoint(name);
        assert_eq!(now(hit), Ok(7), "{form}");
        // After the wait.
        cancel.cancel();
        assert_eq!(now(checkpoint(form, name, &cancel)), Ok(7), "{form}");

        apply_failpoint(name, "pause").unwrap();
        assert_eq!(now(checkpoint(form, name, &cancel)), Err(()), "{form}");
        assert_eq!(waiters(name), 0);

        let cancel = CancellationToken::new();
        let mut hit = Box::pin(checkpoint(form, name, &cancel));
        let (counter, waker) = Counter::new();
        let poll = hit.as_mut().poll(&mut Context::from_waker(&waker));
        assert!(poll.is_pending());
        cancel.cancel();
        assert_ne!(counter.woken(), 0);
        assert_eq!(now(hit), Err(()), "{form}");
        assert_eq!(waiters(name), 0);

        // A token matters to what waits alone, and a `return` returns nothing.
        apply_failpoint(name, "return(5)").unwrap();
        assert_eq!(now(checkpoint(form, name, &cancel)), Ok(7), "{form}");
        remove_failpoint(name);
    }
}

#[test]
fn without_a_token_the_implicit_form_is_unit() {
    let _alone = isolate();
    listen();
    async fn site(name: &str) {
        let () = utils::pausable_failpoint!("support-unit");
        let () = utils::pausable_failpoint!(name);
        let () = utils::sleep_millis_async!("support-unit");
        let () = utils::sleep_millis_async!(name);
    }
    now(site("support-unit"));
    apply_failpoint("support-unit", "return").unwrap();
    now(site("support-unit"));
    assert_eq!(info("support-unit").unwrap().hits(), 4);
}

#[test]
fn a_token_by_value_is_only_borrowed() {
    let _alone = isolate();
    async fn site(cancel: CancellationToken) -> Result<CancellationToken, ()> {
        utils::pausable_failpoint!("support-token", cancel)?;
        utils::sleep_millis_async!("support-token", cancel);
        Ok(cancel)
    }
    assert!(now(site(CancellationToken::new())).is_ok());
}

/// How long a place to sleep took by tokio's clock, which stands still otherwise.
async fn slept<F: Future<Output = ()>>(sleep: F) -> Duration {
    let start = Instant::now();
    sleep.await;
    start.elapsed()
}

#[test]
fn a_sleep_takes_what_sleep_or_return_say() {
    let _alone = isolate();
    Runtime::PausedClock.run("sleeps", || async {
        listen();
        let name = "support-sleep";
        let cancel = CancellationToken::new();
        for actions in ["sleep(250)", "return(250)", "1*return(250)->off"] {
            for form in 0..6 {
                apply_failpoint(name, actions).unwrap();
                let time = slept(async {
                    match form {
                        0 => sleep_millis_async!("support-sleep").await,
                        1 => sleep_millis_async!(name, &cancel).await,
                        2 => utils::sleep_millis_async!("support-sleep"),
                        3 => utils::sleep_millis_async!("support-sleep", &cancel),
                        4 => utils::sleep_millis_async!(name),
                        _ => utils::sleep_millis_async!(name, cancel),
                    }
                });
                assert_eq!(time.await, Duration::from_millis(250), "{actions}, {form}");
            }
        }
        remove_failpoint(name);
        let idle = slept(async { utils::sleep_millis_async!("support-sleep") }).await;
        assert_eq!(idle, Duration::ZERO);
    });
}

#[test]
fn a_sleep_ends_with_its_token() {
    let _alone = isolate();
    Runtime::PausedClock.run("sleeps that are cancelled", || async {
        listen();
        let name = "support-sleep-cancel";
        apply_failpoint(name, "return(1000)").unwrap();
        let cancel = CancellationToken::new();
        let child = cancel.clone();
        let hit = tokio::spawn(slept(async move {
            utils::sleep_millis_async!("support-sleep-cancel", &child);
        }));
        until_waiting_async(name, 1).await;
        cancel.cancel();
        assert!(hit.await.unwrap() < Duration::from_millis(1000));
        // Before.
        let hit = slept(sleep_millis_async!(name, &cancel)).await;
        assert_eq!(hit, Duration::ZERO);
        assert_eq!(waiters(name), 0);
    });
}

#[test]
fn a_return_that_is_no_number_is_a_logged_error() {
    let _alone = isolate();
    let name = "support-garbage";
    for (actions, value) in [
        ("return(soon)", "soon"),
        ("return(-5)", "-5"),
        ("return(1.5)", "1.5"),
        ("return", ""),
    ] {
        apply_failpoint(name, actions).unwrap();
        let (_, lines) = events(|| now(async { utils::sleep_millis_async!("support-garbage") }));
        assert_eq!(
            lines,
            [format!(
                "ERROR neon_failpoint: failpoint \"support-garbage\" was to sleep, but its return \
                 value {value:?} is not a whole number of milliseconds"
            )]
        );
    }
}

#[test]
fn the_log_has_neons_lines() {
    let _alone = isolate();
    Runtime::PausedClock.run("log lines", || async {
        let name = "support-lines";
        let at = "INFO neon_failpoint: at failpoint support-lines";
        let sleeping = "INFO neon_failpoint: failpoint \"support-lines\": sleeping for 20ms";
        let done = "INFO neon_failpoint: failpoint \"support-lines\": sleep done";
        let cancelled = CancellationToken::new();
        cancelled.cancel();

        let pausable = || {
            events(|| {
                let hit = async {
                    let _ = utils::pausable_failpoint!("support-lines", &cancelled);
                };
                now(hit);
            })
            .1
        };
        assert_eq!(pausable(), [""; 0]);
        for actions in ["pause", "sleep(20)", "return", "delay(1)"] {
            apply_failpoint(name, actions).unwrap();
            assert_eq!(pausable(), [at], "{actions}");
        }
        apply_failpoint(name, "print(text)").unwrap();
        assert_eq!(pausable(), [at, "INFO neon_failpoint: text"]);
        apply_failpoint(name, "off").unwrap();
        assert_eq!(pausable(), [""; 0]);
        apply_failpoint(name, "yield").unwrap();
        let mut hit = Box::pin(pausable_failpoint!("support-lines"));
        let (_, lines) = events(|| poll_once(hit.as_mut()).is_pending());
        assert_eq!(lines, [at]);

        // The one that sleeps: its end is said also where it was cancelled.
        for actions in ["sleep(20)", "return(20)"] {
            apply_failpoint(name, actions).unwrap();
            let mut hit = Box::pin(sleep_millis_async!("support-lines"));
            let (pending, lines) = events(|| poll_once(hit.as_mut()).is_pending());
            assert!(pending);
            assert_eq!(lines, [sleeping], "{actions}");
            tokio::time::advance(Duration::from_millis(21)).await;
            let (ready, lines) = events(|| poll_once(hit.as_mut()).is_ready());
            assert!(ready);
            assert_eq!(lines, [done], "{actions}");

            let (_, lines) = events(|| now(sleep_millis_async!("support-lines", &cancelled)));
            assert_eq!(lines, [sleeping, done], "{actions}");
        }
        apply_failpoint(name, "pause").unwrap();
        let (_, lines) = events(|| now(sleep_millis_async!("support-lines", &cancelled)));
        assert_eq!(lines, [at]);

        // Other call sites say nothing.
        let (_, lines) = events(|| {
            let mut hit = Box::pin(neon_failpoint::failpoint!("support-lines"));
            poll_once(hit.as_mut()).is_pending()
        });
        assert_eq!(lines, [""; 0]);
    });
}

#[test]
fn apply_failpoint_takes_what_either_grammar_takes() {
    let _alone = isolate();
    // Of `fail` alone.
    apply_failpoint("support-apply", "print(:()").unwrap();
    // Of the native one alone.
    apply_failpoint("support-apply", "1*off->return(a->b)").unwrap();
    let result = failpoint_blocking("support-apply", None);
    assert_eq!(result, FailpointResult::Continue);
    let result = failpoint_blocking("support-apply", None);
    assert_eq!(result, FailpointResult::Return("a->b".to_owned()));
    #[cfg(feature = "context")]
    apply_failpoint("support-apply", "when(tenant=x)pause->exit").unwrap();
    apply_failpoint("support-apply", "exit").unwrap();
    assert_eq!(info("support-apply").unwrap().actions(), Some("exit"));

    let error = apply_failpoint("support-apply", "slep(5)").unwrap_err();
    assert_eq!(
        error,
        "failpoint \"support-apply\": unknown action \"slep\" at byte 0 of the actions; expected \
         one of off, return, sleep, pause, panic, print, yield, delay, exit; did you mean \"sleep\"?"
    );
    assert_eq!(info("support-apply").unwrap().actions(), Some("exit"));
    remove_failpoint("support-apply");
    assert!(info("support-apply").is_none());
}
