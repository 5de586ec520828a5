//! Proves how the waits of blocked threads end: by every way to reconfigure and by
//! removal, on plain threads and in `spawn_blocking`, and that they leave the threads'
//! own signals alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use crate::common::end::End;
use crate::common::{
    DEADLINE, Runtime, WAITS, assert_stats, in_current_scope, spawn, until_waiting, within_deadline,
};
use neon_failpoint::FailpointResult::{self, Continue, Return};
use neon_failpoint::{
    configure_failpoint, fail_point_sync, fail_point_with_context_sync, failpoint_blocking,
    failpoint_context, isolate, remove_failpoint,
};

/// A thread that hits `name`.
fn spawn_hit(name: &str) -> JoinHandle<FailpointResult> {
    let name = name.to_owned();
    spawn(move || failpoint_blocking(&name, None))
}

#[test]
fn every_end_of_a_configuration_lets_a_blocked_thread_go_on() {
    let _alone = isolate();
    within_deadline("a blocked thread is let go", || {
        for action in WAITS {
            for end in End::ALL {
                let name = format!("thread-ends-{action}-{end:?}");
                configure_failpoint(&name, action).unwrap();
                let thread = spawn_hit(&name);
                until_waiting(&name, 1);
                assert_stats(&name, (1, 1, 1));

                let ended = end.apply(&name);
                assert_eq!(thread.join().unwrap(), Continue, "{name}");
                ended.assert_for_later_hits_only(&name, || failpoint_blocking(&name, None));
            }
        }
    });
}

/// I3: the same text is a new configuration, for which only later hits wait.
#[test]
fn the_same_actions_again_let_a_blocked_thread_go_and_stop_the_next_hit() {
    let _alone = isolate();
    within_deadline("a blocked thread is let go", || {
        for action in WAITS {
            let name = format!("thread-same-{action}");
            configure_failpoint(&name, action).unwrap();
            let first = spawn_hit(&name);
            until_waiting(&name, 1);

            configure_failpoint(&name, action).unwrap();
            assert_eq!(first.join().unwrap(), Continue, "{name}");
            assert_stats(&name, (0, 0, 0));

            let second = spawn_hit(&name);
            until_waiting(&name, 1);
            remove_failpoint(&name);
            assert_eq!(second.join().unwrap(), Continue, "{name}");
        }
    });
}

#[test]
fn every_end_of_a_configuration_lets_spawn_blocking_go_on() {
    let _alone = isolate();
    for kind in [Runtime::CurrentThread, Runtime::MultiThread] {
        within_deadline("a blocking task is let go", move || {
            let runtime = kind.build();
            for action in WAITS {
                for end in End::ALL {
                    let name: Arc<str> = format!("task-ends-{kind:?}-{action}-{end:?}").into();
                    configure_failpoint(&*name, action).unwrap();
                    let hit = name.clone();
                    let task = runtime
                        .spawn_blocking(in_current_scope(move || failpoint_blocking(&hit, None)));
                    until_waiting(&name, 1);

                    let ended = end.apply(&name);
                    assert_eq!(runtime.block_on(task).unwrap(), Continue, "{name}");
                    ended.assert_for_later_hits_only(&name, || failpoint_blocking(&name, None));
                }
            }
        });
    }
}

#[test]
fn a_blocking_waiter_holds_the_drop_of_its_runtime_until_its_point_goes() {
    let _alone = isolate();
    within_deadline("the runtime is dropped", || {
        let name = "runtime-drop";
        configure_failpoint(name, "pause").unwrap();
        let runtime = Runtime::MultiThread.build();
        runtime.spawn_blocking(in_current_scope(move || failpoint_blocking(name, None)));
        until_waiting(name, 1);
        let is_dropped = Arc::new(AtomicBool::new(false));
        let drops = {
            let is_dropped = is_dropped.clone();
            spawn(move || {
                drop(runtime);
                is_dropped.store(true, Ordering::SeqCst);
            })
        };
        assert_stats(name, (1, 1, 1));
        assert!(!is_dropped.load(Ordering::SeqCst));
        remove_failpoint(name);
        drops.join().unwrap();
    });
}

#[test]
fn every_blocking_macro_waits_and_is_let_go() {
    let _alone = isolate();
    let at_run_time: &'static str = "thread-macro-6";
    type Hit = fn(&'static str);
    let hits: [(&str, Hit); 6] = [
        ("thread-macro-1", |_| fail_point_sync!("thread-macro-1")),
        ("thread-macro-2", |_| {
            fail_point_sync!("thread-macro-2", |_| unreachable!());
        }),
        ("thread-macro-3", |_| {
            fail_point_sync!("thread-macro-3", true, |_| unreachable!());
        }),
        ("thread-macro-4", |_| {
            fail_point_with_context_sync!("thread-macro-4", &failpoint_context! { "k" => "v" });
        }),
        ("thread-macro-5", |_| {
            let context = failpoint_context! { "k" => "v" };
            fail_point_with_context_sync!("thread-macro-5", &context, |_| unreachable!());
        }),
        (at_run_time, |name| fail_point_sync!(name)),
    ];
    within_deadline("a blocked thread is let go", move || {
        for (name, hit) in hits {
            configure_failpoint(name, "pause").unwrap();
            let thread = spawn(move || hit(name));
            until_waiting(name, 1);
            configure_failpoint(name, "return").unwrap();
            thread.join().unwrap();
            assert_stats(name, (0, 0, 0));
            remove_failpoint(name);
        }
    });
}

#[test]
fn a_sleep_that_is_over_leaves_no_waiter_and_the_hit_spent() {
    let _alone = isolate();
    let name = "thread-sleep-over";
    configure_failpoint(name, "1*sleep(1)->1*sleep(0)").unwrap();
    for n in 1..=2 {
        assert_eq!(failpoint_blocking(name, None), Continue);
        assert_stats(name, (n, n, 0));
    }
    assert_eq!(failpoint_blocking(name, None), Continue);
    assert_stats(name, (3, 2, 0));
}

#[test]
fn many_threads_are_let_go_by_one_reconfiguration() {
    let _alone = isolate();
    within_deadline("all threads are let go", || {
        for action in WAITS {
            let name = format!("many-threads-{action}");
            configure_failpoint(&name, action).unwrap();
            let threads: Vec<_> = (0..64).map(|_| spawn_hit(&name)).collect();
            until_waiting(&name, 64);
            assert_stats(&name, (64, 64, 64));
            configure_failpoint(&name, "return(new)").unwrap();
            for thread in threads {
                assert_eq!(thread.join().unwrap(), Continue, "{name}");
            }
            assert_stats(&name, (0, 0, 0));
            assert_eq!(failpoint_blocking(&name, None), Return("new".to_owned()));
        }
    });
}

/// What a program says to itself with `unpark` is still there after a wait.
#[test]
fn a_blocked_thread_swallows_no_unpark_token() {
    let _alone = isolate();
    within_deadline("a blocked thread is let go", || {
        for (i, action) in WAITS.into_iter().enumerate() {
            for before in [true, false] {
                let name = format!("unpark-{i}-{before}");
                configure_failpoint(&name, action).unwrap();
                let hit = name.clone();
                let thread = spawn(move || {
                    if before {
                        thread::current().unpark();
                    }
                    assert_eq!(failpoint_blocking(&hit, None), Continue);
                    let start = Instant::now();
                    thread::park_timeout(DEADLINE / 2);
                    start.elapsed()
                });
                until_waiting(&name, 1);
                if !before {
                    thread.thread().unpark();
                }
                // The token does not end the wait either.
                assert_stats(&name, (1, 1, 1));
                remove_failpoint(&name);
                let parked = thread.join().unwrap();
                assert!(parked < DEADLINE / 2, "{action}: the token is gone");
            }
        }
    });
}

/// Blocking sleeps are real time: nothing of tokio's clock is in them.
#[test]
fn a_blocking_sleep_does_not_move_the_paused_clock() {
    let _alone = isolate();
    Runtime::PausedClock.run("the sleep ends", || async {
        let name = "paused-clock-blocking";
        configure_failpoint(name, "sleep(5)").unwrap();
        let start = tokio::time::Instant::now();
        assert_eq!(failpoint_blocking(name, None), Continue);
        assert_eq!(start.elapsed().as_nanos(), 0);
        let hit =
            tokio::task::spawn_blocking(in_current_scope(move || failpoint_blocking(name, None)));
        assert_eq!(hit.await.unwrap(), Continue);
        assert_eq!(start.elapsed().as_nanos(), 0);
        assert_stats(name, (2, 2, 0));
    });
}
