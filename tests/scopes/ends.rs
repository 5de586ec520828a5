//! Proves what is left when a scope ends: nothing that waits, nothing that is configured, and errors
//! that say so.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::armed;
use crate::common::rounds;
use crate::common::{
    Runtime, block_on, hit, info, now, panic_of, poll_once, spawn_task, until_waiting, value,
    waiting, within_deadline,
};
use neon_failpoint::FailpointResult::Continue;
use neon_failpoint::{
    Error, InScope, Isolated, Scope, arm, arm_callback, configure_failpoint,
    configure_failpoint_callback, configure_failpoint_with_context, configure_failpoints,
    failpoint, isolate, list_failpoints, release_failpoint, remove_all_failpoints,
    remove_failpoint, set_seed, wait_for_hits, wait_until_paused,
};

#[track_caller]
fn assert_says_ended(error: &Error) {
    let text = error.to_string();
    assert!(text.contains("its scope has ended"), "{text}");
    assert!(error.is_removed() && !error.is_not_configured());
}

#[test]
fn one_thousand_tasks_and_one_hundred_threads_wake_when_their_scope_ends() {
    within_deadline("a scope ends with many waiting", || {
        Runtime::MultiThread.build().block_on(async {
            let alone = isolate();
            configure_failpoint("scopes-end-a", "pause").unwrap();
            let _guard = arm("scopes-end-b", "sleep(3600000)").unwrap();
            let name = |i: usize| ["scopes-end-a", "scopes-end-b"][i % 2];
            let tasks: Vec<_> = (0..1_000)
                .map(|i| spawn_task(failpoint(name(i), None)))
                .collect();
            let threads: Vec<_> = (0..100)
                .map(|i| thread::spawn(alone.scope().wrap(move || hit(name(i)))))
                .collect();
            for i in 0..2 {
                wait_until_paused(name(i), 550).await.unwrap();
            }
            drop(alone);
            for task in tasks {
                assert_eq!(task.await.unwrap(), Continue);
            }
            for thread in threads {
                assert_eq!(thread.join().unwrap(), Continue);
            }
            assert!(info(name(0)).is_none() && info(name(1)).is_none());
        });
    });
}

/// The ways in which the last that holds a scope open goes.
#[test]
fn a_scope_ends_with_whatever_holds_it_open_last() {
    let name = "scopes-last";
    type Ends = fn(Scope) -> Box<dyn FnOnce()>;
    let ends: [(&str, Ends); 7] = [
        ("a handle", |scope| Box::new(move || drop(scope))),
        ("a clone", |scope| {
            let clone = scope.clone();
            drop(scope);
            Box::new(move || drop(clone))
        }),
        ("an entry", |scope| {
            let entered = scope.enter();
            drop(scope);
            Box::new(move || drop(entered))
        }),
        ("an attachment", |scope| {
            let runtime = Runtime::CurrentThread.build();
            let attached = scope.attach(runtime.handle());
            drop(scope);
            Box::new(move || drop(attached))
        }),
        ("a future", |scope| {
            let future = async {}.in_scope(&scope);
            drop(scope);
            Box::new(move || drop(future))
        }),
        ("a closure", |scope| {
            let wrapped = scope.wrap(|| ());
            drop(scope);
            Box::new(wrapped)
        }),
        ("a scope inside it", |scope| {
            let inner = scope.run(Scope::new);
            drop(scope);
            Box::new(move || drop(inner))
        }),
    ];
    for (what, end) in ends {
        let scope = Scope::new();
        let guard = scope.run(|| arm(name, "pause")).unwrap();
        let mut hit = scope.run(|| waiting(failpoint(name, None)));
        let mut observer = Box::pin(guard.wait_for_hits(9).within(Duration::MAX));
        assert!(poll_once(observer.as_mut()).is_pending());
        let end = end(scope);
        assert!(poll_once(hit.as_mut()).is_pending(), "{what}");
        assert_eq!(guard.waiters().len(), 1, "{what}");
        end();
        assert_eq!(now(hit), Continue, "{what}");
        assert_says_ended(&now(observer).unwrap_err());
        assert_says_ended(&guard.configure("off").unwrap_err());
    }
}

#[test]
fn an_isolation_ends_its_scope_also_while_there_are_handles() {
    let name = "scopes-isolated-handles";
    let alone = isolate();
    let runtime = Runtime::MultiThread.build();
    let held = alone.scope().clone();
    let entered = held.enter();
    let attached = held.attach(runtime.handle());
    let future = failpoint(name, None).in_scope(&held);
    configure_failpoint(name, "pause").unwrap();
    let waiting = waiting(failpoint(name, None).in_scope(&held));
    drop(alone);
    assert_eq!(now(waiting), Continue);
    assert_eq!((hit(name), now(future)), (Continue, Continue));
    assert_eq!(
        runtime.block_on(async { spawn_task(failpoint(name, None)).await.unwrap() }),
        Continue
    );
    // Still inside, though nothing can be configured there.
    assert_says_ended(&configure_failpoint(name, "off").unwrap_err());
    drop((entered, attached));
    assert!(Scope::current().is_none());
}

#[test]
fn everything_that_configures_in_a_scope_that_has_ended_is_refused_and_changes_nothing() {
    let name = "scopes-ended";
    configure_failpoint(name, "return(global)").unwrap();
    let alone = isolate();
    let scope = alone.scope().clone();
    let guard = armed(name, "guard");
    let (before_hits, before_paused) = (wait_for_hits(name, 9), wait_until_paused(name, 9));
    drop(alone);
    scope.run(|| {
        let pairs = [("k", "v")];
        for error in [
            configure_failpoint(name, "off").unwrap_err(),
            configure_failpoint_with_context(name, "off", pairs).unwrap_err(),
            configure_failpoint_callback(name, || ()).unwrap_err(),
            configure_failpoints([(name, "off"), ("scopes-ended-b", "off")]).unwrap_err(),
            arm(name, "off").unwrap_err(),
            arm_callback(name, || ()).unwrap_err(),
            guard.configure("off").unwrap_err(),
            guard.configure_with_context("off", pairs).unwrap_err(),
            guard.configure_callback(|| ()).unwrap_err(),
            guard.wait_for_hits(1).blocking().unwrap_err(),
            guard.wait_until_paused(1).blocking().unwrap_err(),
            block_on(before_hits).unwrap_err(),
            before_paused.blocking().unwrap_err(),
            wait_for_hits(name, 1).blocking().unwrap_err(),
        ] {
            assert_says_ended(&error);
            assert!(error.to_string().contains(name), "{error}");
        }
        assert!(release_failpoint(name, 1).is_err());
        // What needs nothing there does nothing.
        remove_failpoint(name);
        remove_all_failpoints();
        set_seed(1);
        assert_eq!(
            (guard.hits(), guard.fired(), guard.release_all()),
            (0, 0, 0)
        );
        assert_eq!(hit(name), value("global"), "it shows through");
        // A scope inside one that has ended is one that has not.
        let inner = Scope::new();
        inner.run(|| {
            configure_failpoint(name, "return(inner)").unwrap();
            assert_eq!(hit(name), value("inner"));
        });
        assert_eq!(hit(name), value("global"));
    });
    drop(guard);
    assert_eq!(hit(name), value("global"));
    remove_failpoint(name);
    assert!(info("scopes-ended-b").is_none());
}

#[test]
fn observers_of_every_kind_end_with_their_scope() {
    within_deadline("observers end", || {
        let name = "scopes-observers";
        let alone = isolate();
        let guard = Arc::new(arm(name, "pause").unwrap());
        let threads: Vec<_> = (0..8)
            .map(|i| {
                let guard = guard.clone();
                thread::spawn(alone.scope().wrap(move || match i % 4 {
                    0 => wait_for_hits(name, 9).blocking(),
                    1 => wait_until_paused(name, 9).blocking(),
                    2 => guard.wait_for_hits(9).blocking(),
                    _ => block_on(guard.wait_until_paused(9).within(Duration::MAX)),
                }))
            })
            .collect();
        crate::common::until("all wait", || crate::common::observers(name) == 8);
        drop(alone);
        for thread in threads {
            assert_says_ended(&thread.join().unwrap().unwrap_err());
        }
    });
}

#[test]
fn a_goal_that_was_reached_before_the_scope_ended_counts() {
    let name = "scopes-reached";
    let alone = isolate();
    configure_failpoint(name, "off").unwrap();
    let mut reached = Box::pin(wait_for_hits(name, 1).within(Duration::MAX));
    assert!(poll_once(reached.as_mut()).is_pending());
    let _ = hit(name);
    drop(alone);
    now(reached).unwrap();
}

#[test]
fn the_inner_scopes_of_one_that_ended_go_on() {
    let name = "scopes-inner-goes-on";
    let alone = isolate();
    let inner = Scope::new();
    let point = inner.run(|| arm(name, "pause")).unwrap();
    let mut hit = inner.run(|| waiting(failpoint(name, None)));
    configure_failpoint("scopes-inner-outer", "return(x)").unwrap();
    drop(alone);
    assert!(poll_once(hit.as_mut()).is_pending());
    assert_eq!(
        inner.run(|| crate::common::hit("scopes-inner-outer")),
        Continue
    );
    inner.run(|| configure_failpoint("scopes-inner-outer", "return(own)").unwrap());
    assert_eq!(
        inner.run(|| crate::common::hit("scopes-inner-outer")),
        value("own")
    );
    assert_eq!(point.release_one(), 1);
    assert_eq!(now(hit), Continue);
}

#[test]
fn the_end_drops_callbacks_wakes_everybody_and_passes_on_one_panic() {
    struct Told(Arc<AtomicUsize>);
    impl Told {
        fn is_held(&self) {}
    }
    impl Drop for Told {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
            // Whoever drops it holds no lock.
            let _ = list_failpoints();
            configure_failpoint("scopes-end-destructor", "off").ok();
            remove_failpoint("scopes-end-destructor");
        }
    }
    let drops = Arc::new(AtomicUsize::new(0));
    let mut waits = Vec::new();
    let text = panic_of(|| {
        let alone = isolate();
        let captured = Told(drops.clone());
        let under = Told(drops.clone());
        configure_failpoint_callback("scopes-end-callback", move || captured.is_held()).unwrap();
        configure_failpoint_callback("scopes-end-under", move || under.is_held()).unwrap();
        let guard = arm("scopes-end-under", "pause").unwrap();
        configure_failpoint("scopes-end-pause", "pause").unwrap();
        for (i, name) in ["scopes-end-pause", "scopes-end-under"]
            .iter()
            .cycle()
            .take(6)
            .enumerate()
        {
            let mut wait: crate::common::HitByHand<'_> = Box::pin(failpoint(name, None));
            let waker = crate::common::Calling::waker(move || assert!(i != 2, "the waker panics"));
            assert!(crate::common::poll_with(wait.as_mut(), &waker).is_pending());
            waits.push(wait);
        }
        drop(alone);
        drop(guard);
    });
    assert_eq!(text, "the waker panics");
    assert_eq!(drops.load(Ordering::SeqCst), 2);
    for wait in waits {
        assert_eq!(now(wait), Continue);
    }
    assert!(Scope::current().is_none());
}

/// The inner scope was the last to hold the outer one open.
#[test]
fn a_waker_that_panics_when_an_inner_scope_ends_does_not_keep_the_outer_one_open() {
    let name = "scopes-end-panics";
    let outer = Scope::new();
    let inner = outer.run(Scope::new);
    outer.run(|| configure_failpoint(name, "pause").unwrap());
    let outer_hit = outer.run(|| waiting(failpoint(name, None)));
    inner.run(|| configure_failpoint(name, "pause").unwrap());
    let waker = crate::common::Calling::waker(|| panic!("the waker panics"));
    let mut inner_hit: crate::common::HitByHand<'_> = Box::pin(failpoint(name, None));
    let poll = inner.run(|| crate::common::poll_with(inner_hit.as_mut(), &waker));
    assert!(poll.is_pending());
    drop(outer);
    assert_eq!(panic_of(move || drop(inner)), "the waker panics");
    assert_eq!(now(inner_hit), Continue);
    let mut outer_hit = outer_hit;
    assert!(
        poll_once(outer_hit.as_mut()).is_ready(),
        "the outer scope has ended, too"
    );
}

#[test]
fn a_guard_that_had_to_fire_and_did_is_content_when_its_scope_ended_first() {
    let name = "scopes-must-fire";
    let alone = isolate();
    let fired = armed(name, "x").must_fire();
    let did_not = armed("scopes-must-fire-not", "x").must_fire();
    let _ = hit(name);
    drop(alone);
    drop(fired);
    let text = panic_of(|| drop(did_not));
    assert!(text.contains("was to fire and did not"), "{text}");
}

/// Scopes end while threads hit, wait, configure and list in them.
#[test]
fn a_scope_that_ends_amid_hits_waits_and_calls_leaves_nobody_behind() {
    let rounds = (rounds() / 20).clamp(50, 20_000);
    within_deadline("scopes end amid hits", move || {
        let names = ["scopes-amid-a", "scopes-amid-b"];
        for round in 0..rounds {
            let alone = isolate();
            thread::scope(|threads| {
                for i in 0..3 {
                    let name = names[i % 2];
                    let work = alone.scope().wrap(move || match i {
                        0 => drop((hit(name), hit(name))),
                        1 => {
                            if let Ok(guard) = arm(name, "pause") {
                                let _ = guard.wait_for_hits(1).blocking();
                                let _ = guard.release_all();
                            }
                        }
                        _ => {
                            for _ in 0..3 {
                                if configure_failpoint(name, "pause").is_err() {
                                    break;
                                }
                                let _ = (list_failpoints(), release_failpoint(name, 1));
                            }
                            let _ = wait_until_paused(name, 1).blocking();
                        }
                    });
                    threads.spawn(work);
                }
                for _ in 0..round % 50 * 20 {
                    std::hint::spin_loop();
                }
                drop(alone);
            });
            for name in names {
                assert!(info(name).is_none());
                assert!(release_failpoint(name, 1).is_err());
            }
        }
    });
}

/// A handle that is taken from a runtime while the scope ends must not end the scope around it.
#[test]
fn scopes_that_end_while_workers_take_handles_keep_the_scope_around_them_open() {
    let rounds = (rounds() / 4).max(500);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    let outer = Scope::new();
    outer.run(|| configure_failpoint("scopes-revived", "return(outer)").unwrap());
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let workers = [(); 2].map(|()| {
        let stop = stop.clone();
        runtime.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                for _ in 0..100 {
                    drop(Scope::current());
                    drop(Scope::new());
                }
                tokio::task::yield_now().await;
            }
        })
    });
    let mut lost = None;
    for round in 0..rounds {
        let inner = outer.run(Scope::new);
        let attached = inner.attach(runtime.handle());
        drop(inner);
        for _ in 0..round % 40 {
            std::hint::spin_loop();
        }
        drop(attached);
        if outer.run(|| hit("scopes-revived")) != value("outer") {
            lost = Some(round);
            break;
        }
    }
    stop.store(true, Ordering::Relaxed);
    for worker in workers {
        runtime.block_on(worker).unwrap();
    }
    assert_eq!(
        lost, None,
        "the outer scope, which has a handle, ended in that round"
    );
    outer.run(|| configure_failpoint("scopes-revived", "off").unwrap());
}

#[test]
fn a_wait_in_an_isolation_that_is_dropped_by_a_panic_of_another_thread_ends() {
    within_deadline("a test panics while a thread waits", || {
        let name = "scopes-panicking-test";
        let waits = Arc::new(std::sync::Mutex::new(None));
        let told = waits.clone();
        let test = thread::spawn(move || {
            let alone: Isolated = isolate();
            configure_failpoint(name, "pause").unwrap();
            let threads = [
                thread::spawn(alone.scope().wrap(move || drop(hit(name)))),
                thread::spawn(alone.scope().wrap(move || {
                    assert_says_ended(&wait_for_hits(name, 5).blocking().unwrap_err());
                })),
            ];
            until_waiting(name, 1);
            crate::common::until("it waits", || crate::common::observers(name) == 1);
            *told.lock().unwrap() = Some(threads);
            panic!("the test fails");
        });
        assert!(test.join().is_err());
        for thread in waits.lock().unwrap().take().unwrap() {
            thread.join().unwrap();
        }
    });
}

/// A hit that takes a callback while its scope ends calls it, or does nothing; it is dropped once.
#[test]
fn callbacks_of_scopes_that_end_amid_hits_are_dropped_each_once() {
    let rounds = (rounds() / 20).clamp(50, 20_000);
    within_deadline("callbacks of scopes that end", move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .build()
            .unwrap();
        let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let hitters = [(); 2].map(|()| {
            let stop = stop.clone();
            runtime.spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    assert_eq!(failpoint("scopes-end-called", None).await, Continue);
                    assert_eq!(hit("scopes-end-called"), Continue);
                    tokio::task::yield_now().await;
                }
            })
        });
        let calls = Arc::new(AtomicUsize::new(0));
        for round in 0..rounds {
            let scope = Scope::new();
            let attached = scope.attach(runtime.handle());
            let count = calls.clone();
            let callback = move || {
                count.fetch_add(1, Ordering::SeqCst);
            };
            let guard = scope.run(|| {
                let callback_too = callback.clone();
                configure_failpoint_callback("scopes-end-called", callback).unwrap();
                (round % 2 == 0).then(|| arm_callback("scopes-end-called", callback_too).unwrap())
            });
            for _ in 0..round % 30 * 10 {
                std::hint::spin_loop();
            }
            drop(scope);
            drop(attached);
            drop(guard);
            crate::common::until("the callbacks are dropped", || {
                Arc::strong_count(&calls) == 1
            });
        }
        stop.store(true, Ordering::Relaxed);
        for hitter in hitters {
            runtime.block_on(hitter).unwrap();
        }
    });
}

/// The last handle goes inside of a hit of the scope.
#[test]
fn a_callback_may_end_its_own_scope() {
    let name = "scopes-end-by-callback";
    let scope = Scope::new();
    let slot = Arc::new(std::sync::Mutex::new(None));
    let takes = slot.clone();
    scope.run(|| {
        let callback = move || drop(takes.lock().unwrap().take());
        configure_failpoint_callback(name, callback).unwrap();
        configure_failpoint("scopes-end-by-callback-too", "pause").unwrap();
    });
    let waits = scope.run(|| waiting(failpoint("scopes-end-by-callback-too", None)));
    let runtime = Runtime::CurrentThread.build();
    *slot.lock().unwrap() = Some(scope.attach(runtime.handle()));
    drop(scope);
    within_deadline("a callback ends its scope", move || {
        assert_eq!(runtime.block_on(failpoint(name, None)), Continue);
        assert_eq!(runtime.block_on(failpoint(name, None)), Continue);
    });
    assert_eq!(now(waits), Continue);
    assert_eq!(Arc::strong_count(&slot), 1, "the callback is dropped");
}

/// Nothing hits it, but it is waited for.
#[test]
fn an_observer_of_a_guard_beneath_another_one_ends_with_the_scope() {
    let name = "scopes-end-beneath";
    let alone = isolate();
    let beneath = arm(name, "pause").unwrap();
    let above = arm(name, "pause").unwrap();
    let forever = Duration::MAX;
    let waits = [
        beneath.wait_for_hits(1).within(forever),
        beneath.wait_until_paused(1).within(forever),
        above.wait_for_hits(1).within(forever),
        wait_until_paused(name, 1).within(forever),
    ];
    let (woken, waker) = crate::common::Counter::new();
    let mut waits = waits.map(Box::pin);
    for wait in &mut waits {
        assert!(crate::common::poll_with(wait.as_mut(), &waker).is_pending());
    }
    drop(alone);
    assert_eq!(woken.woken(), 4);
    for wait in waits {
        assert_says_ended(&now(wait).unwrap_err());
    }
    drop((beneath, above));
}
