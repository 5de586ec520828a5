//! Proves how the waits of async hits end, and what is left of them: by every way to
//! reconfigure, by removal, cancellation, drop, timeout and shutdown; and that wakers
//! may do what they like. Shares the global table: every test has names of its own.

mod common;

use std::future::Future;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use common::{
    Counter, End, Runtime, WAITS, assert_stats, block_on, info, now, on_both_runtimes, poll_once,
    until, until_async, waiters, within_deadline,
};
use neon_failpoint::FailpointResult::{self, Cancelled, Continue, Return};
use neon_failpoint::{
    FailpointContext, configure_failpoint, configure_failpoint_callback, fail_point,
    fail_point_with_context, failpoint, failpoint_blocking, failpoint_context,
    failpoint_with_cancellation, list_failpoints, pausable_failpoint, remove_failpoint,
    sleep_millis_async,
};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

const HOUR: Duration = Duration::from_secs(3600);

/// A task that hits `name`.
fn spawn_hit(name: &str) -> JoinHandle<FailpointResult> {
    let name = name.to_owned();
    tokio::spawn(async move { failpoint(&name, None).await })
}

async fn until_waiting(name: &str, n: usize) {
    until_async("everybody waits", || waiters(name) == n).await;
}

fn poll_with<F: Future + ?Sized>(future: Pin<&mut F>, waker: &Waker) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(waker))
}

// How a wait ends: the configuration goes.

#[test]
fn every_end_of_a_configuration_lets_a_waiting_task_go_on() {
    on_both_runtimes("a waiting task is let go", |runtime| async move {
        for action in WAITS {
            for end in End::ALL {
                let name = format!("async-ends-{runtime:?}-{action}-{end:?}");
                configure_failpoint(&name, action).unwrap();
                let task = spawn_hit(&name);
                until_waiting(&name, 1).await;
                assert_stats(&name, (1, 1, 1));

                let ended = end.apply(&name);
                assert_eq!(task.await.unwrap(), Continue, "{name}");
                ended.assert_for_later_hits_only(&name, || now(failpoint(&name, None)));
            }
        }
    });
}

/// I3: the same text is a new configuration, for which only later hits wait.
#[test]
fn the_same_actions_again_let_a_waiting_task_go_and_stop_the_next_hit() {
    on_both_runtimes("a waiting task is let go", |runtime| async move {
        for action in WAITS {
            let name = format!("async-same-{runtime:?}-{action}");
            configure_failpoint(&name, action).unwrap();
            let first = spawn_hit(&name);
            until_waiting(&name, 1).await;

            configure_failpoint(&name, action).unwrap();
            assert_eq!(first.await.unwrap(), Continue, "{name}");
            assert_stats(&name, (0, 0, 0));

            let second = spawn_hit(&name);
            until_waiting(&name, 1).await;
            remove_failpoint(&name);
            assert_eq!(second.await.unwrap(), Continue, "{name}");
        }
    });
}

#[test]
fn every_macro_that_awaits_waits_and_is_let_go() {
    type Wait = Pin<Box<dyn Future<Output = ()> + Send>>;
    macro_rules! wait {
        ($name:literal, $hit:expr) => {
            ($name, Box::pin(async move { $hit }) as Wait)
        };
    }
    let at_run_time: &'static str = "macro-waits-14";
    let context = failpoint_context! { "k" => "v" };
    let (with, token) = (move || context.clone(), CancellationToken::new());
    let (c4, c5, c8, c9) = (with.clone(), with.clone(), with.clone(), with.clone());
    let (t3, t5, t11, t13) = (token.clone(), token.clone(), token.clone(), token.clone());
    let waits = [
        wait!("macro-waits-1", {
            assert_eq!(failpoint!("macro-waits-1").await, Continue)
        }),
        wait!("macro-waits-3", {
            assert_eq!(failpoint!("macro-waits-3", cancel = &t3).await, Continue)
        }),
        wait!("macro-waits-4", {
            assert_eq!(failpoint!("macro-waits-4", &c4()).await, Continue)
        }),
        wait!("macro-waits-5", {
            let result = failpoint!("macro-waits-5", &c5(), cancel = &t5).await;
            assert_eq!(result, Continue)
        }),
        wait!("macro-waits-6", fail_point!("macro-waits-6")),
        wait!("macro-waits-7", {
            fail_point!("macro-waits-7", |_| unreachable!());
            fail_point!("macro-waits-7", false, |_| unreachable!())
        }),
        wait!("macro-waits-2", {
            fail_point!("macro-waits-2", true, |_| unreachable!())
        }),
        wait!("macro-waits-8", {
            fail_point_with_context!("macro-waits-8", &c8())
        }),
        wait!("macro-waits-9", {
            fail_point_with_context!("macro-waits-9", &c9(), true, |_| unreachable!())
        }),
        wait!("macro-waits-15", {
            fail_point_with_context!("macro-waits-15", &with(), |_| unreachable!())
        }),
        wait!("macro-waits-10", {
            assert_eq!(pausable_failpoint!("macro-waits-10").await, Ok(()))
        }),
        wait!("macro-waits-11", {
            assert_eq!(pausable_failpoint!("macro-waits-11", &t11).await, Ok(()))
        }),
        wait!(
            "macro-waits-12",
            sleep_millis_async!("macro-waits-12").await
        ),
        wait!("macro-waits-13", {
            sleep_millis_async!("macro-waits-13", &t13).await
        }),
        wait!("macro-waits-14", fail_point!(at_run_time)),
    ];
    for (name, mut wait) in waits {
        configure_failpoint(name, "pause").unwrap();
        let (counter, waker) = Counter::new();
        assert!(poll_with(wait.as_mut(), &waker).is_pending(), "{name}");
        assert_stats(name, (1, 1, 1));
        configure_failpoint(name, "return").unwrap();
        assert_eq!(counter.woken(), 1, "{name}");
        assert!(poll_with(wait.as_mut(), &waker).is_ready(), "{name}");
        assert_stats(name, (0, 0, 0));
        remove_failpoint(name);
    }
}

/// What Neon's older macro was configured with.
#[tokio::test(start_paused = true)]
async fn a_return_that_is_slept_by_sleep_millis_async_ends_early_too() {
    let name = "millis-return";
    configure_failpoint(name, "return(3600000)").unwrap();
    let mut sleep = pin!(sleep_millis_async!("millis-return"));
    assert!(poll_once(sleep.as_mut()).is_pending());
    assert_stats(name, (1, 1, 1));
    remove_failpoint(name);
    assert!(poll_once(sleep).is_ready());
}

#[tokio::test(start_paused = true)]
async fn a_sleep_that_is_over_leaves_no_waiter() {
    let name = "sleep-over";
    configure_failpoint(name, "sleep(1000)").unwrap();
    let mut hit = pin!(failpoint(name, None));
    assert!(poll_once(hit.as_mut()).is_pending());
    assert_stats(name, (1, 1, 1));
    assert_eq!(hit.await, Continue);
    assert_stats(name, (1, 1, 0));
}

/// I3: retirement is level-triggered. The waker's clone is made between the choice
/// of the point and the entry into its list, and there it reconfigures the point.
#[test]
fn a_hit_whose_point_goes_before_it_is_listed_does_not_wait() {
    for end in [End::Configure, End::Remove] {
        let name = format!("gone-before-listed-{end:?}");
        configure_failpoint(&name, "pause").unwrap();
        let go = {
            let name = name.clone();
            move |event| {
                if event == Event::Clone {
                    end.apply(&name);
                }
            }
        };
        let waker = hooked(Arc::new(go));
        assert_eq!(
            poll_with(pin!(failpoint(&name, None)), &waker),
            Poll::Ready(Continue)
        );
        assert_eq!(waiters(&name), 0);
    }
}

#[test]
fn a_thousand_tasks_are_let_go_by_one_reconfiguration() {
    on_both_runtimes("a thousand tasks are let go", |runtime| async move {
        for action in WAITS {
            let name: Arc<str> = format!("thousand-{runtime:?}-{action}").into();
            configure_failpoint(&*name, action).unwrap();
            let mut tasks = JoinSet::new();
            for _ in 0..1_000 {
                let name = name.clone();
                tasks.spawn(async move { failpoint(&name, None).await });
            }
            until_waiting(&name, 1_000).await;
            assert_stats(&name, (1_000, 1_000, 1_000));
            configure_failpoint(&*name, "return(new)").unwrap();
            let results = tasks.join_all().await;
            assert!(results.iter().all(|r| *r == Continue), "{name}");
            assert_stats(&name, (0, 0, 0));
            remove_failpoint(&*name);
        }
    });
}

// How a wait ends: the hit goes.

#[test]
fn cancellation_ends_a_wait_and_leaves_the_hit_spent() {
    on_both_runtimes("a waiting task is cancelled", |runtime| async move {
        for action in WAITS {
            let name: Arc<str> = format!("cancelled-{runtime:?}-{action}").into();
            configure_failpoint(&*name, format!("1*{action}")).unwrap();
            let token = CancellationToken::new();
            let task = tokio::spawn({
                let (name, token) = (name.clone(), token.clone());
                async move { failpoint_with_cancellation(&name, None, &token).await }
            });
            until_waiting(&name, 1).await;
            token.cancel();
            assert_eq!(task.await.unwrap(), Cancelled, "{name}");
            assert_stats(&name, (1, 1, 0));
            // I6: the one time of `1*` is gone.
            assert_eq!(failpoint(&name, None).await, Continue);
            assert_stats(&name, (2, 1, 0));
            remove_failpoint(&*name);
        }
    });
}

#[test]
fn every_macro_with_a_token_is_cancelled() {
    let token = CancellationToken::new();
    let context = FailpointContext::new();
    let mut by_site = pin!(failpoint!("macro-cancelled-1", cancel = &token));
    let mut with_context = pin!(failpoint!("macro-cancelled-2", &context, cancel = &token));
    let mut pausable = pin!(pausable_failpoint!("macro-cancelled-3", &token));
    let mut millis = pin!(sleep_millis_async!("macro-cancelled-4", &token));
    let names: Vec<String> = (1..=4).map(|i| format!("macro-cancelled-{i}")).collect();
    for name in &names {
        configure_failpoint(name, "pause").unwrap();
    }
    assert!(poll_once(by_site.as_mut()).is_pending());
    assert!(poll_once(with_context.as_mut()).is_pending());
    assert!(poll_once(pausable.as_mut()).is_pending());
    assert!(poll_once(millis.as_mut()).is_pending());
    for name in &names {
        assert_stats(name, (1, 1, 1));
    }
    token.cancel();
    assert_eq!(poll_once(by_site), Poll::Ready(Cancelled));
    assert_eq!(poll_once(with_context), Poll::Ready(Cancelled));
    assert_eq!(poll_once(pausable), Poll::Ready(Err(())));
    assert_eq!(poll_once(millis), Poll::Ready(()));
    for name in &names {
        // Not only once the futures are dropped, which is at the end of this test.
        assert_stats(name, (1, 1, 0));
    }
}

#[test]
fn a_token_cancelled_before_the_hit_matters_only_where_the_action_waits() {
    Runtime::CurrentThread.run("no hit waits", || async {
        let token = CancellationToken::new();
        token.cancel();
        let cases = [
            (Some("pause"), Cancelled),
            (Some("sleep(3600000)"), Cancelled),
            (Some("sleep(0)"), Cancelled),
            (Some("1*off->pause"), Continue),
            (Some("return(x)"), Return("x".to_owned())),
            (Some("return"), Return(String::new())),
            (Some("off"), Continue),
            (Some("print(cancelled before)"), Continue),
            (Some("yield"), Continue),
            (Some("delay(0)"), Continue),
            (Some("when(no=match)pause"), Continue),
            (Some("0%pause"), Continue),
            (Some("0*pause"), Continue),
            (None, Continue),
        ];
        for (i, (actions, expected)) in cases.into_iter().enumerate() {
            let name = format!("cancelled-before-{i}");
            if let Some(actions) = actions {
                configure_failpoint(&name, actions).unwrap();
            }
            let result = failpoint_with_cancellation(&name, None, &token).await;
            assert_eq!(result, expected, "{actions:?}");
            if actions.is_some() {
                assert_eq!(info(&name).unwrap().hits(), 1, "{actions:?}");
                assert_eq!(waiters(&name), 0, "{actions:?}");
            }
        }
        let calls = Arc::new(AtomicUsize::new(0));
        let count = calls.clone();
        configure_failpoint_callback("cancelled-before-callback", move || {
            count.fetch_add(1, Ordering::SeqCst);
        })
        .unwrap();
        let hit = failpoint_with_cancellation("cancelled-before-callback", None, &token);
        assert_eq!(hit.await, Continue);
        assert_eq!(calls.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn cancellation_and_release_ready_at_one_poll_is_cancelled() {
    for release_first in [true, false] {
        let name = format!("both-ready-{release_first}");
        configure_failpoint(&name, "pause").unwrap();
        let token = CancellationToken::new();
        let mut hit = pin!(failpoint_with_cancellation(&name, None, &token));
        assert!(poll_once(hit.as_mut()).is_pending());
        if release_first {
            remove_failpoint(&name);
            token.cancel();
        } else {
            token.cancel();
            remove_failpoint(&name);
        }
        assert_eq!(poll_once(hit.as_mut()), Poll::Ready(Cancelled));
        assert_eq!(poll_once(hit), Poll::Ready(Continue), "polled after ready");
    }
}

#[tokio::test(start_paused = true)]
async fn cancellation_and_the_end_of_a_sleep_ready_at_one_poll_is_cancelled() {
    let name = "both-ready-sleep";
    configure_failpoint(name, "sleep(1000)").unwrap();
    let token = CancellationToken::new();
    let mut hit = pin!(failpoint_with_cancellation(name, None, &token));
    assert!(poll_once(hit.as_mut()).is_pending());
    tokio::time::advance(HOUR).await;
    token.cancel();
    assert_eq!(poll_once(hit), Poll::Ready(Cancelled));
    assert_stats(name, (1, 1, 0));
}

#[test]
fn a_release_seen_before_the_cancellation_is_continue() {
    let name = "release-then-cancel";
    configure_failpoint(name, "pause").unwrap();
    let token = CancellationToken::new();
    let mut hit = pin!(failpoint_with_cancellation(name, None, &token));
    assert!(poll_once(hit.as_mut()).is_pending());
    remove_failpoint(name);
    assert_eq!(poll_once(hit.as_mut()), Poll::Ready(Continue));
    token.cancel();
    assert_eq!(poll_once(hit), Poll::Ready(Continue), "polled after ready");
}

#[tokio::test]
async fn a_waiting_future_that_is_dropped_leaves_the_list_and_the_hit_spent() {
    for action in WAITS {
        let name = format!("dropped-{action}");
        configure_failpoint(&name, format!("1*{action}->off")).unwrap();
        let mut hit = Box::pin(failpoint(&name, None));
        assert!(poll_once(hit.as_mut()).is_pending());
        assert_stats(&name, (1, 1, 1));
        drop(hit);
        assert_stats(&name, (1, 1, 0));
        // The next alternative's turn: I6, the one time of `1*` is gone.
        assert_eq!(now(failpoint(&name, None)), Continue);
        assert_stats(&name, (2, 2, 0));
    }
}

#[test]
fn a_task_that_is_aborted_while_it_waits_leaves_no_waiter() {
    on_both_runtimes("an aborted task ends", |runtime| async move {
        for action in WAITS {
            let name = format!("aborted-{runtime:?}-{action}");
            configure_failpoint(&name, action).unwrap();
            let task = spawn_hit(&name);
            until_waiting(&name, 1).await;
            task.abort();
            assert!(task.await.unwrap_err().is_cancelled());
            assert_stats(&name, (1, 1, 0));
        }
    });
}

#[test]
fn a_future_that_is_never_polled_spends_nothing() {
    let (name, token) = ("never-polled", CancellationToken::new());
    configure_failpoint(name, "1*pause").unwrap();
    let context = FailpointContext::new();
    drop(failpoint(name, None));
    drop(failpoint_with_cancellation(name, Some(&context), &token));
    drop(failpoint!("never-polled"));
    drop(failpoint!("never-polled", &context));
    drop(pausable_failpoint!("never-polled"));
    drop(sleep_millis_async!("never-polled", &token));
    drop(async { fail_point!("never-polled") });
    assert_stats(name, (0, 0, 0));
    // I6: the one time of `1*` is still there.
    assert!(poll_once(pin!(failpoint(name, None))).is_pending());
    assert_stats(name, (1, 1, 0));
}

#[test]
fn a_timeout_ends_a_wait_and_leaves_the_hit_spent() {
    for (runtime, limit) in [
        (Runtime::CurrentThread, Duration::from_millis(2)),
        (Runtime::MultiThread, Duration::from_millis(2)),
        (Runtime::PausedClock, Duration::from_secs(60)),
    ] {
        runtime.run("a timeout ends the wait", move || async move {
            for action in WAITS {
                let name = format!("timed-out-{runtime:?}-{action}");
                configure_failpoint(&name, action).unwrap();
                assert!(timeout(limit, failpoint(&name, None)).await.is_err());
                assert_stats(&name, (1, 1, 0));
            }
        });
    }
}

// Who waits.

#[test]
fn waiters_are_listed_in_order_of_arrival_with_kind_time_and_context() {
    within_deadline("all are let go", || {
        let name = "listed";
        let context = |v: &str| FailpointContext::from_iter([("key", v)]);
        let before = Instant::now();
        configure_failpoint(name, "pause").unwrap();
        let arrived = |n| until("everybody waits", || waiters(name) == n);

        let (first, fourth) = (context("first"), context("fourth"));
        let mut first = Box::pin(failpoint(name, Some(&first)));
        assert!(poll_once(first.as_mut()).is_pending());
        let second = thread::spawn(move || failpoint_blocking(name, Some(&context("second"))));
        arrived(2);
        let mut third = Box::pin(failpoint!("listed"));
        assert!(poll_once(third.as_mut()).is_pending());
        let mut fourth = Box::pin(failpoint!("listed", &fourth));
        assert!(poll_once(fourth.as_mut()).is_pending());
        let fifth = thread::spawn(move || failpoint_blocking(name, None));
        arrived(5);

        let listed = |expected: &[(bool, Option<&str>)]| {
            let point = info(name).unwrap();
            let seen: Vec<_> = point
                .waiters()
                .iter()
                .map(|w| (w.is_blocking(), w.context().and_then(|c| c.get("key"))))
                .collect();
            assert_eq!(seen, expected);
            let mut times = vec![before];
            times.extend(point.waiters().iter().map(|w| w.since()));
            times.push(Instant::now());
            assert!(times.is_sorted(), "{times:?}");
        };
        listed(&[
            (false, Some("first")),
            (true, Some("second")),
            (false, None),
            (false, Some("fourth")),
            (true, None),
        ]);
        // Polling again is no new arrival.
        assert!(poll_once(fourth.as_mut()).is_pending());
        assert!(poll_once(first.as_mut()).is_pending());
        drop(third);
        listed(&[
            (false, Some("first")),
            (true, Some("second")),
            (false, Some("fourth")),
            (true, None),
        ]);
        remove_failpoint(name);
        assert_eq!(poll_once(first.as_mut()), Poll::Ready(Continue));
        assert_eq!(poll_once(fourth.as_mut()), Poll::Ready(Continue));
        assert_eq!(second.join().unwrap(), Continue);
        assert_eq!(fifth.join().unwrap(), Continue);
    });
}

// Wakers.

#[test]
fn of_a_waiter_polled_with_many_wakers_only_the_last_is_woken() {
    let name = "last-waker";
    configure_failpoint(name, "pause").unwrap();
    let mut hit = Box::pin(failpoint(name, None));
    let wakers: Vec<_> = (0..4).map(|_| Counter::new()).collect();
    for (_, waker) in &wakers {
        assert!(poll_with(hit.as_mut(), waker).is_pending());
        assert!(poll_with(hit.as_mut(), waker).is_pending());
        assert_stats(name, (1, 1, 1));
    }
    remove_failpoint(name);
    let woken: Vec<_> = wakers.iter().map(|(counter, _)| counter.woken()).collect();
    assert_eq!(woken, [0, 0, 0, 1]);
    assert!(poll_with(hit.as_mut(), &wakers[0].1).is_ready());
    // Ours and that of the waker beside it: no clone is left behind.
    for (counter, _) in &wakers {
        assert_eq!(Arc::strong_count(counter), 2);
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Event {
    Clone,
    Wake,
    Drop,
}

type Hook = Arc<dyn Fn(Event) + Send + Sync>;

/// A waker that calls `hook` for all that happens to it and to its clones.
fn hooked(hook: Hook) -> Waker {
    fn raw(hook: Hook) -> RawWaker {
        let hook: *mut Hook = Box::into_raw(Box::new(hook));
        RawWaker::new(hook.cast_const().cast(), &VTABLE)
    }
    static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, drop_waker);

    /// The hook of a waker, which its owner may end.
    ///
    /// # Safety
    ///
    /// `hook` is that of a `raw` that was not ended.
    unsafe fn borrow(hook: *const ()) -> ManuallyDrop<Box<Hook>> {
        // SAFETY: `raw` made the pointer of a box, and nobody ended it.
        ManuallyDrop::new(unsafe { Box::from_raw(hook.cast_mut().cast()) })
    }
    // SAFETY, of all four: this vtable is paired with pointers of `raw` only, each
    // waker has a box of its own, and `wake` and `drop_waker` are its last calls.
    unsafe fn clone(hook: *const ()) -> RawWaker {
        // SAFETY: see above.
        let hook = unsafe { borrow(hook) };
        hook(Event::Clone);
        raw(Hook::clone(&hook))
    }
    unsafe fn wake(hook: *const ()) {
        // SAFETY: see above.
        let hook = ManuallyDrop::into_inner(unsafe { borrow(hook) });
        hook(Event::Wake);
    }
    unsafe fn wake_by_ref(hook: *const ()) {
        // SAFETY: see above.
        let hook = unsafe { borrow(hook) };
        hook(Event::Wake);
    }
    unsafe fn drop_waker(hook: *const ()) {
        // SAFETY: see above.
        let hook = ManuallyDrop::into_inner(unsafe { borrow(hook) });
        hook(Event::Drop);
    }

    // SAFETY: the functions of the vtable keep the contract of a waker: a hook is
    // Send and Sync, and each waker has a box of its own.
    unsafe { Waker::from_raw(raw(hook)) }
}

/// I5: no lock of ours is held while a waker is cloned, woken or dropped.
#[test]
fn a_waker_may_hit_configure_remove_and_list_whatever_happens_to_it() {
    type Act = fn(&str);
    let acts: [(&str, Act); 8] = [
        ("hit", |name| drop(poll_once(pin!(failpoint(name, None))))),
        ("hit-other", |name| {
            let result = failpoint_blocking(&format!("{name}-other"), None);
            assert_eq!(result, Return("other".to_owned()));
        }),
        ("configure", |name| {
            configure_failpoint(name, "pause").unwrap()
        }),
        ("configure-other", |name| {
            configure_failpoint(format!("{name}-other"), "return(other)").unwrap();
        }),
        ("batch", |name| {
            let batch = [(name, "pause"), (&format!("{name}-other"), "return(other)")];
            neon_failpoint::configure_failpoints(batch).unwrap();
        }),
        ("remove", |name| remove_failpoint(name)),
        ("remove-other", |name| {
            remove_failpoint(format!("{name}-other"));
        }),
        ("list", |_| drop(list_failpoints())),
    ];
    for event in [Event::Clone, Event::Wake, Event::Drop] {
        for (what, act) in acts {
            let name = format!("hooked-{event:?}-{what}");
            let message = format!("a waker's {event:?} does: {what}");
            within_deadline(&message, move || {
                hooked_waker_lives_through(&name, event, act)
            });
        }
    }
}

fn hooked_waker_lives_through(name: &str, event: Event, act: fn(&str)) {
    let happened = Arc::new(AtomicUsize::new(0));
    let hook: Hook = {
        let (name, happened) = (name.to_owned(), happened.clone());
        Arc::new(move |e| {
            if e == event {
                happened.fetch_add(1, Ordering::SeqCst);
                act(&name);
            }
        })
    };
    configure_failpoint(format!("{name}-other"), "return(other)").unwrap();
    configure_failpoint(name, "pause").unwrap();
    let (a, b) = (hooked(hook.clone()), hooked(hook));
    let mut stays = Box::pin(failpoint(name, None));
    let mut leaves = Box::pin(failpoint(name, None));
    // Enters the list, is polled with another waker, leaves it, is let go.
    let mut over = [false; 2];
    for waker in [&a, &b, &a] {
        over[0] |= poll_with(stays.as_mut(), waker).is_ready();
        over[1] |= poll_with(leaves.as_mut(), waker).is_ready();
    }
    drop(leaves);
    configure_failpoint(name, "off").unwrap();
    assert!(over[0] || poll_with(stays.as_mut(), &b).is_ready());
    drop((a, b, stays));
    assert!(happened.load(Ordering::SeqCst) > 0, "never: {event:?}");
    assert_eq!(waiters(name), 0);
    // Everything works as before.
    configure_failpoint(name, "return(after)").unwrap();
    assert_eq!(now(failpoint(name, None)), Return("after".to_owned()));
}

/// I2: points are retired after everything that takes their place was published. I3:
/// so whoever is woken sees it, at a site, by name, and at the other points of a batch.
#[test]
fn a_hit_made_by_the_waker_itself_sees_the_new_configuration() {
    async fn site() -> FailpointResult {
        fail_point!("hit-by-waker", Return);
        Continue
    }
    let name = "hit-by-waker";
    for end in [End::Configure, End::Batch, End::InsideCallback, End::Remove] {
        within_deadline("a hit made by a waker", move || {
            configure_failpoint(name, "pause").unwrap();
            let seen = Arc::new(Mutex::new(Vec::new()));
            let hook = {
                let seen = seen.clone();
                move |event| {
                    if event == Event::Wake {
                        let hits = [
                            now(site()),
                            failpoint_blocking(name, None),
                            now(failpoint!("hit-by-waker")),
                        ];
                        seen.lock().unwrap().extend(hits);
                    }
                }
            };
            let waker = hooked(Arc::new(hook));
            let mut hit = pin!(failpoint(name, None));
            assert!(poll_with(hit.as_mut(), &waker).is_pending());
            end.apply(name);
            let new = match end {
                End::Remove => Continue,
                _ => Return("new".to_owned()),
            };
            assert_eq!(*seen.lock().unwrap(), vec![new; 3], "{end:?}");
            assert_eq!(poll_once(hit), Poll::Ready(Continue));
        });
    }
}

#[test]
fn a_waker_that_panics_keeps_nobody_else_asleep() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("this waker panics");
        }
    }
    for end in [End::Configure, End::Batch, End::ToCallback, End::Remove] {
        within_deadline("the others are let go", move || {
            let name = format!("waker-panics-{end:?}");
            configure_failpoint(&name, "pause").unwrap();
            let thread = thread::spawn({
                let name = name.clone();
                move || failpoint_blocking(&name, None)
            });
            until("the thread waits", || waiters(&name) == 1);
            let counters: Vec<_> = (0..3).map(|_| Counter::new()).collect();
            let mut hits: Vec<_> = (0..5).map(|_| Box::pin(failpoint(&name, None))).collect();
            for (i, hit) in hits.iter_mut().enumerate() {
                // Every second one panics.
                let waker = match i % 2 {
                    0 => counters[i / 2].1.clone(),
                    _ => Waker::from(Arc::new(Panics)),
                };
                assert!(poll_with(hit.as_mut(), &waker).is_pending());
            }
            let panic = catch_unwind(|| end.apply(&name)).map(drop).unwrap_err();
            assert_eq!(panic.downcast_ref(), Some(&"this waker panics"), "{name}");
            let woken: Vec<_> = counters.iter().map(|(c, _)| c.woken()).collect();
            assert_eq!(woken, [1, 1, 1], "{name}");
            assert_eq!(thread.join().unwrap(), Continue);
            for hit in &mut hits {
                assert_eq!(poll_once(hit.as_mut()), Poll::Ready(Continue));
            }
            // I7, I8: the new configuration is there, and nothing is poisoned.
            assert_eq!(info(&name).is_none(), end == End::Remove);
            configure_failpoint(&name, "return(after)").unwrap();
            assert_eq!(now(failpoint(&name, None)), Return("after".to_owned()));
        });
    }
}

// Runtimes, or none.

#[test]
fn a_pause_needs_no_runtime() {
    within_deadline("a pause without a runtime", || {
        assert!(tokio::runtime::Handle::try_current().is_err());
        let (name, token) = ("no-runtime", CancellationToken::new());
        let hits = || {
            let token = token.clone();
            let paused = thread::spawn(move || block_on(failpoint(name, None)));
            let cancelled =
                thread::spawn(move || block_on(failpoint_with_cancellation(name, None, &token)));
            until("both wait", || waiters(name) == 2);
            (paused, cancelled)
        };
        configure_failpoint(name, "pause").unwrap();
        let (paused, cancelled) = hits();
        token.cancel();
        assert_eq!(cancelled.join().unwrap(), Cancelled);
        assert_stats(name, (2, 2, 1));
        configure_failpoint(name, "yield").unwrap();
        assert_eq!(paused.join().unwrap(), Continue);
        assert_eq!(block_on(failpoint(name, None)), Continue);
        assert_stats(name, (1, 1, 0));
    });
}

/// I8 names this panic as tokio's.
#[test]
fn a_sleep_without_a_timer_panics_and_leaves_no_waiter() {
    let name = "no-timer";
    configure_failpoint(name, "sleep(3600000)").unwrap();
    let mut hit = Box::pin(failpoint(name, None));
    let poll = AssertUnwindSafe(|| poll_once(hit.as_mut()));
    let panic = catch_unwind(poll).map(drop).unwrap_err();
    let message = panic.downcast_ref::<&str>().copied().map(str::to_owned);
    let message = message.or_else(|| panic.downcast_ref::<String>().cloned());
    assert!(message.unwrap().contains("no reactor running"));
    assert_stats(name, (1, 1, 0));
    assert_eq!(poll_once(hit.as_mut()), Poll::Ready(Continue));
    assert_stats(name, (1, 1, 0));
}

#[test]
fn a_sleep_follows_the_paused_clock() {
    Runtime::PausedClock.run("the clock moves on", || async {
        let name = "paused-clock-sleep";
        configure_failpoint(name, "sleep(3600000)").unwrap();
        let start = tokio::time::Instant::now();
        assert_eq!(failpoint(name, None).await, Continue);
        assert_eq!(start.elapsed(), HOUR);
        assert_stats(name, (1, 1, 0));

        let task = spawn_hit(name);
        until_waiting(name, 1).await;
        remove_failpoint(name);
        assert_eq!(task.await.unwrap(), Continue);
        assert_eq!(start.elapsed(), HOUR, "ended early, the clock did not move");
    });
}

#[test]
fn a_pause_counts_as_idle_for_the_paused_clock() {
    Runtime::PausedClock.run("the clock moves on", || async {
        let name = "paused-clock-pause";
        configure_failpoint(name, "pause").unwrap();
        let task = spawn_hit(name);
        let start = tokio::time::Instant::now();
        tokio::time::sleep(24 * HOUR).await;
        assert_eq!(start.elapsed(), 24 * HOUR);
        assert_stats(name, (1, 1, 1));
        remove_failpoint(name);
        assert_eq!(task.await.unwrap(), Continue);
    });
}

#[test]
fn the_shutdown_of_a_runtime_leaves_no_waiter() {
    for kind in [Runtime::CurrentThread, Runtime::MultiThread] {
        for action in WAITS {
            for in_background in [false, true] {
                let name = format!("shutdown-{kind:?}-{action}-{in_background}");
                within_deadline("the runtime shuts down", move || {
                    let runtime = kind.build();
                    configure_failpoint(&name, action).unwrap();
                    runtime.block_on(async {
                        for _ in 0..10 {
                            drop(spawn_hit(&name));
                        }
                        until_waiting(&name, 10).await;
                    });
                    if in_background {
                        runtime.shutdown_background();
                        until("nobody waits", || waiters(&name) == 0);
                    } else {
                        drop(runtime);
                    }
                    assert_stats(&name, (10, 10, 0));
                });
            }
        }
    }
}
