//! Every future of the library, dropped after each number of polls from none to all that it takes:
//! nobody is left in a list, no waker and no memory is kept, and the points go on.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::common::race::alone;
use crate::common::{Counter, actions, poll_with, rounds, value};
use crate::memory::Counted;
use neon_failpoint::FailpointResult::Continue;
use neon_failpoint::failpoint_support::implicit_await;
use neon_failpoint::{
    Armed, FailpointContext, InScope, Scope, Wait, arm, compat, configure_failpoint, fail_point,
    fail_point_with_context, failpoint, failpoint_blocking, failpoint_context,
    failpoint_with_cancellation, list_failpoints, pausable_failpoint, release_failpoint,
    remove_all_failpoints, sleep_millis_async, wait_for_hits, wait_until_fired, wait_until_paused,
};
use tokio_util::sync::CancellationToken;

/// What happens before each poll but the first: whoever waits at a point, or for it, goes on.
type Step = fn();

/// Those who wait at any point are let go.
fn release() {
    for point in list_failpoints() {
        // An error is a point that is not configured here.
        let _ = release_failpoint(point.name(), usize::MAX);
    }
}

/// The points change: those who wait go on by that.
fn reconfigure() {
    for point in list_failpoints() {
        if let Some(actions) = point.actions() {
            configure_failpoint(point.name(), actions).unwrap();
        }
    }
}

/// The point is hit by somebody else, who does not stay.
fn hit() {
    let mut hit = Box::pin(failpoint("await-observed", None));
    let _ = crate::common::poll_once(hit.as_mut());
}

/// Asserts that `make`'s future takes `polls` polls, and that none of them is a bad time to drop it.
#[track_caller]
fn drop_each<F: Future>(what: &str, polls: usize, step: Step, make: impl Fn() -> F) {
    for most in 0..=polls {
        let is_ready = drop_after(what, most, step, &make);
        assert_eq!(is_ready, most == polls, "{what}, after {most} polls");
    }
}

/// Polls a future `most` times, or until it is ready, and drops it. Returns whether it was ready.
#[track_caller]
fn drop_after<F: Future>(what: &str, most: usize, step: Step, make: impl Fn() -> F) -> bool {
    let (counter, waker) = Counter::new();
    let ready = {
        let mut future = Box::pin(make());
        (1..=most).any(|poll| {
            if poll > 1 {
                step();
            }
            poll_with(future.as_mut(), &waker).is_ready()
        })
    };
    drop(waker);
    // Ours: no list has kept a waker.
    assert_eq!(Arc::strong_count(&counter), 1, "{what}, after {most} polls");
    for point in list_failpoints() {
        let left = (point.waiters().len(), point.observers());
        assert_eq!(left, (0, 0), "{what}, after {most} polls: {point:?}");
    }
    // Whoever comes next hits as ever.
    let before = actions("await-next").unwrap();
    configure_failpoint("await-next", "return(next)").unwrap();
    assert_eq!(
        failpoint_blocking("await-next", None),
        value("next"),
        "{what}"
    );
    configure_failpoint("await-next", before).unwrap();
    ready
}

async fn every_macro(name: &str, token: &CancellationToken) -> Result<(), String> {
    let context = failpoint_context! { "k" => 1 };
    fail_point!("await-pause");
    fail_point!(name, Err);
    fail_point!("await-pause", !name.is_empty(), Err);
    fail_point_with_context!("await-pause", &context);
    fail_point_with_context!("await-pause", &context, Err);
    let _ = failpoint!("await-pause").await;
    let _ = failpoint!("await-pause", &context, cancel = token).await;
    pausable_failpoint!("await-pause").await.unwrap();
    pausable_failpoint!("await-pause", token).await.unwrap();
    sleep_millis_async!("await-millis").await;
    sleep_millis_async!("await-millis", token).await;
    implicit_await::pausable_failpoint!("await-pause");
    implicit_await::sleep_millis_async!("await-millis");
    compat::async_fail_point!("await-pause");
    compat::async_fail_point!("await-pause", |_| Ok(()));
    Ok(())
}

#[test]
fn a_future_that_is_dropped_at_any_of_its_awaits_leaves_nothing() {
    let _alone = alone("futures dropped at every await");
    for (name, actions) in [
        ("await-next", "off"),
        ("await-off", "off"),
        ("await-pause", "pause"),
        ("await-sleep", "sleep(3600000)"),
        ("await-millis", "return(3600000)"),
        ("await-short", "sleep(1)"),
        ("await-yield", "yield"),
        ("await-observed", "pause"),
    ] {
        configure_failpoint(name, actions).unwrap();
    }
    let counted = Counted::begin();
    let most = (rounds() / 1_000).max(1);
    counted.leaves_nothing("hits", most, hits);
    counted.leaves_nothing("hits by tokio's clock", most, hits_by_tokios_clock);
    counted.leaves_nothing("waits", most, waits);
    counted.leaves_nothing("in scopes", most, in_scopes);
    #[cfg(feature = "http")]
    counted.leaves_nothing("over http", most, over_http);
    #[cfg(feature = "explore")]
    counted.leaves_nothing("cancellable", most, || {
        drop_each("cancellable", 2, release, || {
            neon_failpoint::explore::cancellable(failpoint("await-pause", None))
        });
    });
    remove_all_failpoints();
}

fn hits() {
    let (context, token) = (failpoint_context! { "k" => 1 }, CancellationToken::new());
    let (context, token): (&FailpointContext, &CancellationToken) = (&context, &token);
    for step in [release, reconfigure] {
        for (name, polls) in [
            ("await-idle", 1),
            ("await-off", 1),
            ("await-pause", 2),
            ("await-sleep", 2),
            ("await-yield", 2),
        ] {
            drop_each(name, polls, step, || failpoint(name, None));
            drop_each(name, polls, step, || failpoint(name, Some(context)));
            let with_token = || failpoint_with_cancellation(name, Some(context), token);
            drop_each(name, polls, step, with_token);
        }
        drop_each("every macro", 16, step, || {
            every_macro("await-sleep", token)
        });
    }
    let cancelled = || {
        let token = CancellationToken::new();
        let cancels = token.clone();
        async move {
            let hit = failpoint_with_cancellation("await-pause", None, &token);
            let cancels = async { cancels.cancel() };
            tokio::join!(hit, cancels).0
        }
    };
    drop_each("cancelled", 2, || (), cancelled);
    // By the rules of `fail` a sleep lasts.
    let lasts = || thread::sleep(Duration::from_millis(2));
    drop_each("a sleep of compat", 2, lasts, || async {
        compat::async_fail_point!("await-short");
    });
}

/// The clock stands.
fn hits_by_tokios_clock() {
    let token = &CancellationToken::new();
    let runtime = crate::common::Runtime::PausedClock.build();
    let _inside = runtime.enter();
    drop_each("tokio's clock", 2, release, || {
        failpoint("await-sleep", None)
    });
    drop_each("tokio's clock", 16, release, || {
        every_macro("await-sleep", token)
    });
}

fn waits() {
    let forever = |wait: Wait| wait.within(Duration::MAX);
    let hour = |wait: Wait| wait.within(Duration::from_secs(3_600));
    let name = "await-observed";
    let guard = || arm(name, "pause").unwrap();
    // Nothing was hit there before: each has a point of its own.
    type Make = fn(&Armed) -> Wait;
    let makes: [(&str, Make); 6] = [
        ("wait_for_hits", |_| wait_for_hits("await-observed", 2)),
        ("wait_until_fired", |_| {
            wait_until_fired("await-observed", 2)
        }),
        ("wait_until_paused", |_| {
            wait_until_paused("await-observed", 1)
        }),
        ("Armed::wait_for_hits", |guard| guard.wait_for_hits(2)),
        ("Armed::wait_until_fired", |guard| guard.wait_until_fired(2)),
        ("Armed::wait_until_paused", |guard| {
            guard.wait_until_paused(1)
        }),
    ];
    for (what, make) in makes {
        let polls = if what.ends_with("paused") { 2 } else { 3 };
        for limit in [forever, hour] {
            drop_each(what, polls, hit, || {
                let guard = guard();
                let wait = limit(make(&guard));
                async move {
                    let result = wait.await;
                    drop(guard);
                    result
                }
            });
            drop_each(what, polls, hit, || {
                let guard = guard();
                let task = failpoint("await-pause", None);
                let wait = limit(make(&guard)).unless(task);
                async move {
                    let result = wait.await;
                    drop(guard);
                    result
                }
            });
        }
    }
}

fn in_scopes() {
    let name = "await-scoped";
    let scope = Scope::new();
    let _inside = scope.enter();
    configure_failpoint("await-next", "off").unwrap();
    configure_failpoint(name, "pause").unwrap();
    let three = || async {
        for _ in 0..3 {
            assert_eq!(failpoint(name, None).await, Continue);
        }
    };
    drop_each("in_current_scope", 4, release, || {
        three().in_current_scope()
    });
    drop_each("in_scope", 4, reconfigure, || three().in_scope(&scope));
}

#[cfg(feature = "http")]
fn over_http() {
    use neon_failpoint::http::{Control, Request};

    let control = Control::new();
    for goal in ["hits=2", "fired=2", "paused=1"] {
        let polls = if goal == "paused=1" { 2 } else { 3 };
        drop_each(goal, polls, hit, || {
            configure_failpoint("await-observed", "pause").unwrap();
            let request = Request::new("GET", "/v1/failpoints/await-observed/wait");
            control.handle(request.query(goal))
        });
    }
}
