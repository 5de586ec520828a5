//! Proves that a wait ends when its configuration does, in whatever way, and when its time is over.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;

use crate::common::crew::spawn_hit;
use crate::common::end::End;
use crate::common::{
    Counter, WAITS, assert_stats, now, on_both_runtimes, poll_once, poll_with, until_waiting_async,
};
use neon_failpoint::FailpointResult::Continue;
use neon_failpoint::{
    configure_failpoint, fail_point, fail_point_with_context, failpoint, failpoint_context,
    isolate, pausable_failpoint, remove_failpoint, sleep_millis_async,
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

#[test]
fn every_end_of_a_configuration_lets_a_waiting_task_go_on() {
    let _alone = isolate();
    on_both_runtimes("a waiting task is let go", |runtime| async move {
        for action in WAITS {
            for end in End::ALL {
                let name = format!("async-ends-{runtime:?}-{action}-{end:?}");
                configure_failpoint(&name, action).unwrap();
                let task = spawn_hit(&name);
                until_waiting_async(&name, 1).await;
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
    let _alone = isolate();
    on_both_runtimes("a waiting task is let go", |runtime| async move {
        for action in WAITS {
            let name = format!("async-same-{runtime:?}-{action}");
            configure_failpoint(&name, action).unwrap();
            let first = spawn_hit(&name);
            until_waiting_async(&name, 1).await;

            configure_failpoint(&name, action).unwrap();
            assert_eq!(first.await.unwrap(), Continue, "{name}");
            assert_stats(&name, (0, 0, 0));

            let second = spawn_hit(&name);
            until_waiting_async(&name, 1).await;
            remove_failpoint(&name);
            assert_eq!(second.await.unwrap(), Continue, "{name}");
        }
    });
}

#[test]
fn every_macro_that_awaits_waits_and_is_let_go() {
    let _alone = isolate();
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
    let _alone = isolate();
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
    let _alone = isolate();
    let name = "sleep-over";
    configure_failpoint(name, "sleep(1000)").unwrap();
    let mut hit = pin!(failpoint(name, None));
    assert!(poll_once(hit.as_mut()).is_pending());
    assert_stats(name, (1, 1, 1));
    assert_eq!(hit.await, Continue);
    assert_stats(name, (1, 1, 0));
}

#[test]
fn a_thousand_tasks_are_let_go_by_one_reconfiguration() {
    let _alone = isolate();
    on_both_runtimes("a thousand tasks are let go", |runtime| async move {
        for action in WAITS {
            let name: Arc<str> = format!("thousand-{runtime:?}-{action}").into();
            configure_failpoint(&*name, action).unwrap();
            let mut tasks = JoinSet::new();
            for _ in 0..1_000 {
                let name = name.clone();
                tasks.spawn(async move { failpoint(&name, None).await });
            }
            until_waiting_async(&name, 1_000).await;
            assert_stats(&name, (1_000, 1_000, 1_000));
            configure_failpoint(&*name, "return(new)").unwrap();
            let results = tasks.join_all().await;
            assert!(results.iter().all(|r| *r == Continue), "{name}");
            assert_stats(&name, (0, 0, 0));
            remove_failpoint(&*name);
        }
    });
}
