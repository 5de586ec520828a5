//! Proves what a wait for hits or for who stands at a point is answered by, when it is an
//! error, which deadline ends it and with which words, and that it is woken for nothing else
//! and leaves nothing behind. Shares the global table: every test has names of its own; those
//! that remove everything, or set the deadline of the process, run alone.

mod common;
#[path = "common/control.rs"]
mod control;

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use common::{
    Counter, Runtime, WAITS, block_on, now, on_both_runtimes, poll_once, until, waiters,
    within_deadline,
};
use control::{Calling, Crew, alone, panic_of, shared};
use neon_failpoint::FailpointResult::{self, Cancelled, Continue, Return};
use neon_failpoint::{
    Error, Wait, arm, arm_callback, arm_with_context, compat, configure_failpoint,
    configure_failpoint_callback, configure_failpoints, fail_point, fail_point_sync, failpoint,
    failpoint_blocking, failpoint_context, failpoint_with_cancellation, list_failpoints,
    remove_all_failpoints, remove_failpoint, set_wait_deadline, wait_for_hits, wait_until_paused,
};
use tokio_util::sync::CancellationToken;

const HOUR: Duration = Duration::from_secs(3600);

fn hit(name: &str) -> FailpointResult {
    failpoint_blocking(name, None)
}

#[track_caller]
fn assert_says(error: &Error, words: &[&str]) {
    let text = error.to_string();
    for word in words {
        assert!(text.contains(word), "{word:?} is not in: {text}");
    }
}

/// Polls with this waker, inside a runtime whose clock stands still.
struct ByHand {
    runtime: tokio::runtime::Runtime,
    wait: Pin<Box<Wait>>,
    counter: Arc<Counter>,
    waker: Waker,
}

impl ByHand {
    fn new(wait: Wait) -> Self {
        let (counter, waker) = Counter::new();
        Self {
            runtime: Runtime::PausedClock.build(),
            wait: Box::pin(wait),
            counter,
            waker,
        }
    }

    fn poll(&mut self) -> Poll<Result<(), Error>> {
        let _entered = self.runtime.enter();
        let mut context = Context::from_waker(&self.waker);
        self.wait.as_mut().poll(&mut context)
    }

    #[track_caller]
    fn assert_pending(&mut self) {
        assert!(self.poll().is_pending());
    }

    #[track_caller]
    fn assert_woken(&self, times: usize) {
        assert_eq!(self.counter.woken(), times);
    }

    #[track_caller]
    fn result(&mut self) -> Result<(), Error> {
        match self.poll() {
            Poll::Ready(result) => result,
            Poll::Pending => panic!("it is still pending"),
        }
    }
}

// Level-triggered.

#[test]
fn hits_from_before_the_call_count_from_when_the_point_was_armed() {
    let _table = shared();
    Crew::each("hits from before", |crew| async move {
        let name = crew.name("wait-before");
        let guard = arm(&name, "1*off->0*off").unwrap();
        for n in 0..=3 {
            for m in 0..=n {
                crew.wait(guard.wait_for_hits(m)).await.unwrap();
                crew.wait(wait_for_hits(&name, m)).await.unwrap();
            }
            let early = wait_for_hits(&name, n + 1).within(Duration::ZERO);
            assert_says(&crew.wait(early).await.unwrap_err(), &["hits"]);
            assert_eq!(crew.hit(&name).result().await, Continue);
        }
    });
}

#[test]
fn who_stands_there_already_counts() {
    let _table = shared();
    Crew::each("who stands there", |crew| async move {
        for waits in WAITS {
            let name = crew.name(&format!("wait-there-{waits}"));
            let guard = arm(&name, waits).unwrap();
            let hits: Vec<_> = (0..3).map(|_| crew.hit(&name)).collect();
            crew.until("all wait", || waiters(&name) == 3).await;
            for n in 0..=3 {
                crew.wait(guard.wait_until_paused(n)).await.unwrap();
                crew.wait(wait_until_paused(&name, n)).await.unwrap();
            }
            // And who has gone does not.
            assert_eq!(guard.release_one(), 1);
            let gone = guard.wait_until_paused(3).within(Duration::ZERO);
            assert!(crew.wait(gone).await.is_err());
            drop(guard);
            for hit in hits {
                assert_eq!(hit.result().await, Continue);
            }
        }
    });
}

#[test]
fn a_wait_is_answered_by_whoever_comes_later() {
    let _table = shared();
    Crew::each("who comes later", |crew| async move {
        let name = crew.name("wait-later");
        let guard = arm(&name, "pause").unwrap();
        let (hits, paused) = (guard.wait_for_hits(2), guard.wait_until_paused(3));
        let hitters: Vec<_> = (0..3).map(|_| crew.hit(&name)).collect();
        crew.wait(hits).await.unwrap();
        crew.wait(paused).await.unwrap();
        assert_eq!((guard.hits(), waiters(&name)), (3, 3));
        drop(guard);
        for hit in hitters {
            assert_eq!(hit.result().await, Continue);
        }
    });
}

#[test]
fn zero_is_reached_where_the_point_is_configured_and_only_there() {
    let _table = shared();
    let waits: [fn() -> Wait; 2] = [
        || wait_for_hits("wait-zero", 0),
        || wait_until_paused("wait-zero", 0),
    ];
    for wait in waits {
        assert!(wait().blocking().is_err());
        assert!(now(wait()).is_err());
        let _guard = arm("wait-zero", "off").unwrap();
        wait().blocking().unwrap();
        now(wait()).unwrap();
        wait().within(Duration::ZERO).blocking().unwrap();
    }
}

#[test]
fn a_hit_counts_whichever_way_it_came_and_whatever_it_did() {
    let _table = shared();
    let name = "wait-ways";
    let guard = arm(name, "1*return(a)->1*off->0*panic->1*yield->1*print").unwrap();
    let mut wait = ByHand::new(guard.wait_for_hits(7));
    wait.assert_pending();
    let site = || fail_point_sync!("wait-ways", |_| ());
    site();
    assert_eq!(hit(name), Continue);
    assert_eq!(block_on(failpoint(name, None)), Continue);
    block_on(async { fail_point!("wait-ways", |_| ()) });
    assert_eq!(compat::eval(name, |_| ()), None);
    compat::fail_point!("wait-ways");
    wait.assert_woken(0);
    wait.assert_pending();
    let context = failpoint_context! { "k" => "v" };
    assert_eq!(failpoint_blocking(name, Some(&context)), Continue);
    wait.assert_woken(1);
    wait.result().unwrap();
    assert_eq!((guard.hits(), guard.fired()), (7, 4));
    // A panic is a hit as well, and one that waits counts before its wait is over.
    guard.configure("1*panic->pause").unwrap();
    panic_of(|| hit(name));
    guard.wait_for_hits(1).blocking().unwrap();
    let mut waiting = pin!(failpoint(name, None));
    assert!(poll_once(waiting.as_mut()).is_pending());
    guard.wait_for_hits(2).blocking().unwrap();
}

// Errors.

#[test]
fn a_name_that_is_not_armed_is_an_error_at_once_that_names_the_nearest() {
    let _table = shared();
    fn never_called() {
        fail_point_sync!("wait-unarmed-site");
    }
    let _: fn() = never_called;
    for wait in [
        wait_for_hits("wait-unarmed-sit", 1),
        wait_until_paused("wait-unarmed-sit", 1),
    ] {
        // Ready at its first poll, without a runtime.
        let error = now(wait).unwrap_err();
        assert_says(&error, &["\"wait-unarmed-sit\"", "not configured"]);
        assert_says(&error, &["\"wait-unarmed-site\""]);
    }
    let start = Instant::now();
    let error = wait_for_hits("wait-unarmed-site", 1)
        .blocking()
        .unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(20));
    assert_says(&error, &["\"wait-unarmed-site\"", "not configured"]);
    for odd in ["", "\0", "a name that nobody has"] {
        assert_says(
            &now(wait_for_hits(odd, 0)).unwrap_err(),
            &["not configured"],
        );
    }
}

#[test]
fn removing_the_point_is_an_error_of_who_waits() {
    let _table = alone();
    type Remove = fn(&str);
    let removes: [(&str, Remove); 4] = [
        ("remove", |n| remove_failpoint(n)),
        ("compat", |n| compat::remove(n)),
        ("all", |_| remove_all_failpoints()),
        ("scenario", |_| compat::FailScenario::setup().teardown()),
    ];
    for (what, remove) in removes {
        for by_guard in [false, true] {
            let name = "wait-removed";
            let guard = arm(name, "off").unwrap();
            let make = |n| match by_guard {
                true => guard.wait_for_hits(n),
                false => wait_for_hits(name, n),
            };
            assert_eq!(hit(name), Continue);
            let (mut wait, blocking) = (ByHand::new(make(2)), make(3));
            wait.assert_pending();
            let blocked = thread::spawn(move || blocking.blocking());
            // It is there once it blocks, or it comes to a name that is not armed.
            remove(name);
            wait.assert_woken(1);
            assert_says(&wait.result().unwrap_err(), &["removed", name]);
            let error = within_deadline(what, move || blocked.join().unwrap());
            assert_says(&error.unwrap_err(), &["configured"]);
        }
    }
}

#[test]
fn a_wait_of_a_guard_is_over_when_the_guard_is() {
    let _table = shared();
    let name = "wait-guard-over";
    configure_failpoint(name, "off").unwrap();
    let older = arm(name, "off").unwrap();
    let mut beneath = ByHand::new(older.wait_for_hits(1));
    let guard = arm(name, "off").unwrap();
    beneath.assert_pending();
    let (mut on_top, late) = (ByHand::new(guard.wait_for_hits(1)), guard.wait_for_hits(0));
    on_top.assert_pending();
    let mut by_name = ByHand::new(wait_for_hits(name, 1));
    by_name.assert_pending();
    drop(older);
    beneath.assert_woken(1);
    assert_says(&beneath.result().unwrap_err(), &["removed"]);
    on_top.assert_woken(0);
    drop(guard);
    assert_says(&on_top.result().unwrap_err(), &["removed"]);
    assert_says(&now(late).unwrap_err(), &["not configured"]);
    // By name it goes on at what is there now, and the count begins again.
    by_name.assert_pending();
    assert_eq!(hit(name), Continue);
    by_name.result().unwrap();
    remove_failpoint(name);
}

// Reconfigured.

#[test]
fn a_wait_goes_on_when_the_point_is_configured_anew_and_its_count_begins_again() {
    let _table = shared();
    type Configure = fn(&neon_failpoint::Armed);
    let ways: [Configure; 6] = [
        |g| g.configure("off").unwrap(),
        |g| g.configure_callback(|| {}).unwrap(),
        |g| configure_failpoint(g.name(), "off").unwrap(),
        |g| configure_failpoints([(g.name(), "off")]).unwrap(),
        |g| configure_failpoint_callback(g.name(), || {}).unwrap(),
        |g| compat::cfg(g.name(), "off").unwrap(),
    ];
    for (way, configure) in ways.into_iter().enumerate() {
        let name = format!("wait-anew-{way}");
        let guard = arm(&name, "off").unwrap();
        let mut waits = [
            ByHand::new(guard.wait_for_hits(3)),
            ByHand::new(wait_for_hits(&name, 3)),
        ];
        waits.iter_mut().for_each(ByHand::assert_pending);
        for _ in 0..2 {
            assert_eq!([hit(&name), hit(&name)], [Continue, Continue]);
            configure(&guard);
            waits.iter_mut().for_each(ByHand::assert_pending);
        }
        assert_eq!([hit(&name), hit(&name)], [Continue, Continue]);
        waits.iter_mut().for_each(ByHand::assert_pending);
        assert_eq!(hit(&name), Continue);
        for wait in &mut waits {
            // One for each configuration, one for the hit.
            wait.assert_woken(3);
            wait.result().unwrap();
        }
    }
}

#[test]
fn a_wait_for_who_stands_there_goes_on_at_the_next_configuration() {
    let _table = shared();
    Crew::each("the next configuration", |crew| async move {
        let name = crew.name("wait-next");
        configure_failpoint(&name, "pause").unwrap();
        let early = crew.hit(&name);
        crew.wait(wait_until_paused(&name, 1)).await.unwrap();
        let waiting = wait_until_paused(&name, 2);
        let blocked = (crew == Crew::Threads).then(|| {
            let waiting = wait_until_paused(&name, 2);
            thread::spawn(move || waiting.blocking())
        });
        configure_failpoint(&name, "sleep(3600000)").unwrap();
        assert_eq!(early.result().await, Continue);
        let late = [crew.hit(&name), crew.hit(&name)];
        crew.wait(waiting).await.unwrap();
        assert_eq!(waiters(&name), 2);
        if let Some(blocked) = blocked {
            blocked.join().unwrap().unwrap();
        }
        remove_failpoint(&name);
        for hit in late {
            assert_eq!(hit.result().await, Continue);
        }
    });
}

#[test]
fn a_wait_of_a_guard_goes_on_when_a_younger_one_that_was_on_top_has_gone() {
    let _table = shared();
    let name = "wait-suspended";
    let older = arm(name, "off").unwrap();
    assert_eq!(hit(name), Continue);
    let mut hits = ByHand::new(older.wait_for_hits(3));
    hits.assert_pending();
    let younger = arm(name, "off").unwrap();
    let mut begun_beneath = ByHand::new(older.wait_for_hits(3));
    for _ in 0..5 {
        assert_eq!(hit(name), Continue);
        hits.assert_pending();
        begun_beneath.assert_pending();
    }
    // What is reached beneath is reached.
    older.wait_for_hits(1).blocking().unwrap();
    drop(younger);
    assert_eq!(older.hits(), 1);
    assert_eq!(hit(name), Continue);
    hits.assert_pending();
    begun_beneath.assert_pending();
    assert_eq!(hit(name), Continue);
    hits.result().unwrap();
    begun_beneath.result().unwrap();
    // Configured beneath another, it begins again.
    let mut hits = ByHand::new(older.wait_for_hits(4));
    hits.assert_pending();
    let younger = arm(name, "off").unwrap();
    hits.assert_pending();
    older.configure("off").unwrap();
    hits.assert_pending();
    drop(younger);
    for n in 0..4 {
        assert!(hits.poll().is_pending(), "after {n}");
        assert_eq!(hit(name), Continue);
    }
    hits.result().unwrap();
}

// Wake-ups.

#[test]
fn nobody_is_woken_before_what_it_waits_for_and_then_once() {
    let _table = shared();
    let name = "wait-wakes";
    let guard = arm(name, "9*off->pause").unwrap();
    let mut hits: Vec<_> = [3, 1, 2, 12, 3]
        .map(|n| (n, ByHand::new(guard.wait_for_hits(n))))
        .into();
    let mut paused: Vec<_> = [2, 1, 3, 2]
        .map(|n| (n, ByHand::new(guard.wait_until_paused(n))))
        .into();
    for (_, wait) in hits.iter_mut().chain(&mut paused) {
        wait.assert_pending();
    }
    let mut waiting = Vec::new();
    for count in 1..=12_usize {
        let mut hit = Box::pin(failpoint(name, None));
        if poll_once(hit.as_mut()).is_pending() {
            waiting.push(hit);
        }
        assert_eq!(waiting.len(), count.saturating_sub(9));
        for (n, wait) in &hits {
            wait.assert_woken(usize::from(*n <= count));
        }
        for (n, wait) in &paused {
            wait.assert_woken(usize::from(*n <= waiting.len()));
        }
        // Who looks unasked changes nothing.
        for (n, wait) in &mut hits {
            if *n > count {
                wait.assert_pending();
            }
        }
    }
    // Once and for all, though some have gone since.
    guard.release_all();
    for (_, wait) in hits.iter_mut().chain(&mut paused) {
        wait.assert_woken(1);
        wait.result().unwrap();
    }
    assert_eq!(waiting.into_iter().map(now).count(), 3);
}

#[test]
fn another_waker_takes_the_place_of_the_first() {
    let _table = shared();
    let guard = arm("wait-wakers", "off").unwrap();
    let mut wait = ByHand::new(guard.wait_for_hits(1));
    wait.assert_pending();
    let (first, first_waker) = (wait.counter.clone(), wait.waker.clone());
    (wait.counter, wait.waker) = Counter::new();
    wait.assert_pending();
    assert_eq!(hit("wait-wakers"), Continue);
    assert_eq!((first.woken(), wait.counter.woken()), (0, 1));
    drop(first_waker);
    assert_eq!(Arc::strong_count(&first), 1);
    wait.result().unwrap();
}

#[test]
fn two_hundred_waits_are_answered_by_one_hit() {
    let _table = shared();
    on_both_runtimes("two hundred waits", |runtime| async move {
        let name = format!("wait-200-{runtime:?}");
        let guard = arm(&name, "pause").unwrap();
        let tasks: Vec<_> = (0..200)
            .map(|i| {
                let wait = match i % 4 {
                    0 => guard.wait_for_hits(1),
                    1 => guard.wait_until_paused(1),
                    2 => wait_for_hits(&name, 1),
                    _ => wait_until_paused(&name, 1),
                };
                tokio::spawn(wait)
            })
            .collect();
        let blocked: Vec<_> = (0..8)
            .map(|_| {
                let wait = guard.wait_for_hits(1);
                thread::spawn(|| wait.blocking())
            })
            .collect();
        let hit = Crew::MultiThread.hit(&name);
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        for thread in blocked {
            thread.join().unwrap().unwrap();
        }
        assert_eq!(guard.release_all(), 1);
        assert_eq!(hit.result().await, Continue);
    });
}

/// Each round a new count and new waits; a wake-up that is lost hangs.
#[test]
fn no_wake_up_is_lost_between_threads_that_hit_and_threads_that_wait() {
    let _table = shared();
    within_deadline("no wake-up is lost", || {
        let name = "wait-race";
        let guard = Arc::new(arm(name, "2*off->0*off").unwrap());
        let gate = Arc::new(Barrier::new(4));
        let rounds = 3_000;
        let hitters = [0, 1].map(|_| {
            let gate = gate.clone();
            thread::spawn(move || {
                for _ in 0..rounds {
                    gate.wait();
                    assert_eq!([hit(name), hit(name)], [Continue, Continue]);
                    gate.wait();
                }
            })
        });
        let waiter = {
            let (gate, guard) = (gate.clone(), guard.clone());
            thread::spawn(move || {
                for round in 0..rounds {
                    gate.wait();
                    match round % 2 {
                        0 => guard.wait_for_hits(1 + round % 4).blocking().unwrap(),
                        _ => wait_for_hits(name, 4).blocking().unwrap(),
                    }
                    gate.wait();
                }
            })
        };
        let runtime = Runtime::CurrentThread.build();
        for _ in 0..rounds {
            guard.configure("2*off->0*off").unwrap();
            gate.wait();
            runtime.block_on(guard.wait_for_hits(4)).unwrap();
            gate.wait();
        }
        hitters.into_iter().for_each(|h| h.join().unwrap());
        waiter.join().unwrap();
    });
}

#[test]
fn no_wake_up_is_lost_between_those_who_come_to_wait_and_who_waits_for_them() {
    let _table = shared();
    within_deadline("nobody who stands there is missed", || {
        let name = "wait-race-paused";
        let guard = arm(name, "pause").unwrap();
        let gate = Arc::new(Barrier::new(3));
        let rounds = 2_000;
        let thread = {
            let gate = gate.clone();
            thread::spawn(move || {
                for _ in 0..rounds {
                    gate.wait();
                    assert_eq!(hit(name), Continue);
                    gate.wait();
                }
            })
        };
        let task = {
            let gate = gate.clone();
            thread::spawn(move || {
                for _ in 0..rounds {
                    gate.wait();
                    assert_eq!(block_on(failpoint(name, None)), Continue);
                    gate.wait();
                }
            })
        };
        let runtime = Runtime::CurrentThread.build();
        for round in 0..rounds {
            gate.wait();
            match round % 3 {
                0 => guard.wait_until_paused(2).blocking().unwrap(),
                1 => runtime.block_on(guard.wait_until_paused(2)).unwrap(),
                _ => runtime.block_on(wait_until_paused(name, 2)).unwrap(),
            }
            assert_eq!(guard.release_all(), 2);
            gate.wait();
        }
        thread.join().unwrap();
        task.join().unwrap();
    });
}

#[test]
fn a_wait_against_configuring_sees_the_count_of_one_configuration() {
    let _table = shared();
    within_deadline("waits against configuring", || {
        let name = "wait-race-anew";
        let guard = arm(name, "off").unwrap();
        let is_configured = AtomicBool::new(false);
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            // Until nobody waits any more.
            scope.spawn(|| {
                while !stop.load(Ordering::SeqCst) {
                    let _ = hit(name);
                }
            });
            scope.spawn(|| {
                for i in 0..5_000 {
                    match i % 3 {
                        0 => drop(arm(name, "off").unwrap()),
                        1 => guard.configure("off").unwrap(),
                        _ => configure_failpoint(name, "0*off").unwrap(),
                    }
                }
                is_configured.store(true, Ordering::SeqCst);
            });
            while !is_configured.load(Ordering::SeqCst) {
                guard.wait_for_hits(2).within(HOUR).blocking().unwrap();
                wait_for_hits(name, 2).within(HOUR).blocking().unwrap();
                let short = Duration::from_micros(50);
                let many = wait_for_hits(name, usize::MAX).within(short);
                assert!(many.blocking().is_err());
            }
            stop.store(true, Ordering::SeqCst);
        });
    });
}

// Deadlines.

#[test]
fn the_deadline_is_thirty_seconds_of_tokios_clock_unless_something_else_is_said() {
    let _table = alone();
    Runtime::PausedClock.run("paused clock", || async {
        let seconds = |wait: Wait| async {
            let start = tokio::time::Instant::now();
            wait.await.unwrap_err();
            let elapsed = start.elapsed();
            // tokio's timer counts whole milliseconds.
            assert!(elapsed.subsec_millis() <= 1, "{elapsed:?}");
            elapsed.as_secs()
        };
        let name = "wait-deadlines";
        let guard = arm(name, "off").unwrap();
        assert_eq!(seconds(guard.wait_for_hits(1)).await, 30);
        assert_eq!(seconds(wait_until_paused(name, 1)).await, 30);
        let call = |wait: Wait| wait.within(Duration::from_secs(3));
        assert_eq!(seconds(call(wait_for_hits(name, 1))).await, 3);
        set_wait_deadline(Duration::from_secs(7));
        assert_eq!(seconds(guard.wait_for_hits(1)).await, 7);
        assert_eq!(seconds(wait_for_hits(name, 1)).await, 7);
        assert_eq!(seconds(call(guard.wait_for_hits(1))).await, 3);
        let guard = guard.with_deadline(Duration::from_secs(5));
        assert_eq!(seconds(guard.wait_for_hits(1)).await, 5);
        assert_eq!(seconds(guard.wait_until_paused(1)).await, 5);
        assert_eq!(seconds(wait_for_hits(name, 1)).await, 7);
        assert_eq!(seconds(call(guard.wait_for_hits(1))).await, 3);
        // What is there when the deadline comes is no error, and reconfiguring is none either
        // but does not make it longer.
        let start = tokio::time::Instant::now();
        let waiting = tokio::spawn(guard.wait_for_hits(2));
        tokio::time::sleep(Duration::from_secs(2)).await;
        guard.configure("off").unwrap();
        assert!(waiting.await.unwrap().is_err());
        assert_eq!(start.elapsed().as_secs(), 5);
        set_wait_deadline(Duration::from_secs(30));
    });
}

#[test]
fn a_blocking_wait_has_the_same_deadlines_in_real_time() {
    let _table = alone();
    within_deadline("blocking deadlines", || {
        let name = "wait-deadlines-blocking";
        let guard = arm(name, "off").unwrap();
        let is_over = |wait: Wait, millis: u64| {
            let start = Instant::now();
            let text = wait.blocking().unwrap_err().to_string();
            assert!(text.contains(&format!("within {millis}ms")), "{text}");
            assert!(start.elapsed() >= Duration::from_millis(millis));
        };
        set_wait_deadline(Duration::from_millis(7));
        is_over(wait_for_hits(name, 1), 7);
        is_over(guard.wait_until_paused(1), 7);
        let guard = guard.with_deadline(Duration::from_millis(5));
        is_over(guard.wait_for_hits(1), 5);
        is_over(guard.wait_for_hits(1).within(Duration::from_millis(3)), 3);
        set_wait_deadline(Duration::from_secs(30));
        // Longer than any clock can tell.
        let hitter = thread::spawn(move || {
            until("somebody hits", || hit(name) == Continue);
        });
        for _ in 0..2 {
            let wait = guard.wait_for_hits(1).within(Duration::MAX);
            wait.blocking().unwrap();
        }
        let runtime = Runtime::CurrentThread.build();
        runtime
            .block_on(guard.wait_for_hits(1).within(Duration::MAX))
            .unwrap();
        hitter.join().unwrap();
    });
}

#[test]
fn a_wait_that_was_polled_can_have_another_deadline() {
    let _table = shared();
    Runtime::PausedClock.run("another deadline", || async {
        let _guard = arm("wait-deadline-later", "off").unwrap();
        let mut wait = wait_for_hits("wait-deadline-later", 1).within(Duration::from_secs(5));
        assert!(poll_once(Pin::new(&mut wait)).is_pending());
        let start = tokio::time::Instant::now();
        let error = wait.within(HOUR).await.unwrap_err();
        assert_says(&error, &["within 3600s"]);
        assert_eq!(start.elapsed().as_secs(), 3600);
    });
}

#[test]
fn a_wait_without_a_deadline_needs_no_runtime() {
    let _table = shared();
    let name = "wait-no-deadline";
    let guard = arm(name, "off").unwrap();
    let mut wait = guard.wait_for_hits(1).within(Duration::MAX);
    assert!(poll_once(Pin::new(&mut wait)).is_pending());
    assert_eq!(hit(name), Continue);
    now(wait).unwrap();
}

#[test]
fn a_deadline_lists_the_first_waiters_and_counts_the_others() {
    let _table = shared();
    let name = "wait-deadline-many";
    let guard = arm(name, "pause").unwrap();
    let hits: Vec<_> = (0..13)
        .map(|_| {
            let mut hit = Box::pin(failpoint(name, None));
            assert!(poll_once(hit.as_mut()).is_pending());
            hit
        })
        .collect();
    let text = |n| {
        let wait = guard.wait_until_paused(n).within(Duration::ZERO);
        let text = wait.blocking().unwrap_err().to_string();
        let at = text.find(&format!("{name:?} (pause)")).unwrap();
        text[at..].lines().next().unwrap().to_owned()
    };
    let line = text(14);
    assert!(line.contains("waiting 13: a task for"), "{line}");
    assert_eq!(line.matches("a task for").count(), 10, "{line}");
    assert!(line.ends_with(" and 3 more"), "{line}");
    assert_eq!(guard.release(3), 3);
    let line = text(14);
    assert_eq!(line.matches("a task for").count(), 10, "{line}");
    assert!(!line.contains("more"), "{line}");
    drop(hits);
}

/// The deadline that it had, not the one that somebody set meanwhile.
#[test]
fn an_error_names_the_deadline_that_ended_the_wait() {
    let _table = alone();
    Runtime::PausedClock.run("the deadline that ended it", || async {
        let name = "wait-deadline-named";
        let _guard = arm(name, "off").unwrap();
        set_wait_deadline(Duration::from_secs(4));
        let waiting = tokio::spawn(wait_for_hits(name, 1));
        tokio::task::yield_now().await;
        set_wait_deadline(Duration::from_secs(30));
        let start = tokio::time::Instant::now();
        let error = waiting.await.unwrap().unwrap_err();
        assert_eq!(start.elapsed().as_secs(), 4);
        assert_says(&error, &["within 4s"]);
    });
}

#[test]
fn a_wait_that_is_answered_needs_no_timer_and_one_that_is_not_says_what_it_needs() {
    let _table = shared();
    let guard = arm("wait-timer", "off").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.unwrap();
    runtime.block_on(guard.wait_for_hits(0)).unwrap();
    let text = panic_of(|| runtime.block_on(guard.wait_for_hits(1)));
    assert!(text.contains("timer"), "{text}");
    let text = panic_of(|| block_on(guard.wait_for_hits(1)));
    assert!(text.contains("runtime"), "{text}");
    // And nothing of it is left.
    let _ = hit("wait-timer");
    block_on(guard.wait_for_hits(1)).unwrap();
}

#[test]
fn the_error_says_who_waits_where_since_when_and_how_often_each_point_was_hit() {
    let _table = alone();
    within_deadline("a wait that nobody answers", || {
        let guard = arm_with_context("wait-text-a", "pause", [("tenant", "t-.")]).unwrap();
        configure_failpoint("wait-text-b", "2*off->0*off").unwrap();
        configure_failpoint("wait-text-c", "sleep(3600000)").unwrap();
        let context = failpoint_context! { "tenant" => "t-1", "op" => "x" };
        let mut task = pin!(failpoint("wait-text-a", Some(&context)));
        assert!(poll_once(task.as_mut()).is_pending());
        assert_eq!(
            [hit("wait-text-b"), hit("wait-text-b"), hit("wait-text-b")],
            [(); 3].map(|()| Continue)
        );
        let thread = thread::spawn(|| hit("wait-text-c"));
        wait_until_paused("wait-text-c", 1).blocking().unwrap();
        let millis = Duration::from_millis(20);
        let error = guard.wait_until_paused(2).within(millis).blocking();
        let error = error.unwrap_err();
        assert_says(&error, &["\"wait-text-a\"", "1 of 2", "within 20ms"]);
        let text = error.to_string();
        let line = |name: &str| {
            let mut lines = text.lines().skip(1);
            let line = lines.find(|line| line.contains(name));
            line.unwrap_or_else(|| panic!("{name}: {text}")).to_owned()
        };
        let (a, b, c) = (line("text-a"), line("text-b"), line("text-c"));
        for (line, words) in [
            (
                &a,
                [
                    "hits 1",
                    "fired 1",
                    "waiting 1",
                    "a task for 0.0",
                    r#"op="x", tenant="t-1""#,
                ],
            ),
            (
                &b,
                [
                    "hits 3",
                    "fired 2",
                    "waiting 0",
                    "2*off->0*off",
                    "wait-text-b",
                ],
            ),
            (
                &c,
                [
                    "hits 1",
                    "fired 1",
                    "waiting 1",
                    "a thread for ",
                    "sleep(3600000)",
                ],
            ),
        ] {
            for word in words {
                assert!(line.contains(word), "{word}: {line}");
            }
        }
        assert_eq!(text.lines().count(), 4, "{text}");
        let hits = wait_for_hits("wait-text-b", 5).within(Duration::ZERO);
        assert_says(&hits.blocking().unwrap_err(), &["3 of 5", "hits"]);
        drop(guard);
        assert_eq!(now(task), Continue);
        remove_all_failpoints();
        assert_eq!(thread.join().unwrap(), Continue);
    });
}

// What is left of a wait.

#[test]
fn a_wait_that_is_dropped_leaves_nothing_and_uses_nothing_up() {
    let _table = shared();
    let name = "wait-dropped";
    let guard = arm(name, "pause").unwrap();
    let mut kept = ByHand::new(guard.wait_for_hits(1));
    kept.assert_pending();
    for wait in [guard.wait_for_hits(1), guard.wait_until_paused(1)] {
        let mut wait = ByHand::new(wait);
        wait.assert_pending();
        let counter = wait.counter.clone();
        drop(wait);
        assert_eq!(Arc::strong_count(&counter), 1);
    }
    // Before it was ever polled, and after it was answered.
    drop(guard.wait_for_hits(1));
    let mut waiting = pin!(failpoint(name, None));
    assert!(poll_once(waiting.as_mut()).is_pending());
    let mut answered = ByHand::new(guard.wait_until_paused(1));
    answered.result().unwrap();
    let counter = answered.counter.clone();
    drop(answered);
    assert_eq!(Arc::strong_count(&counter), 1);
    kept.result().unwrap();
    guard.wait_until_paused(1).blocking().unwrap();
    // Through a timeout, on both runtimes.
    on_both_runtimes("a timeout", |runtime| async move {
        let name = format!("wait-timeout-{runtime:?}");
        let guard = arm(&name, "off").unwrap();
        for _ in 0..3 {
            let wait = guard.wait_for_hits(1);
            let early = tokio::time::timeout(Duration::from_millis(1), wait).await;
            assert!(early.is_err());
        }
        assert_eq!(Crew::MultiThread.hit(&name).result().await, Continue);
        guard.wait_for_hits(1).await.unwrap();
    });
    drop(guard);
    assert_eq!(now(waiting), Continue);
}

#[test]
fn a_wait_may_be_polled_again_after_it_was_ready() {
    let _table = shared();
    let guard = arm("wait-again", "off").unwrap();
    let mut wait = ByHand::new(guard.wait_for_hits(1));
    assert_eq!(hit("wait-again"), Continue);
    wait.result().unwrap();
    wait.result().unwrap();
    let counter = wait.counter.clone();
    drop(wait);
    assert_eq!(Arc::strong_count(&counter), 1);
    let mut over = ByHand::new(guard.wait_for_hits(2).within(Duration::ZERO));
    over.runtime
        .block_on(async { assert!(over.wait.as_mut().await.is_err()) });
    assert!(over.result().is_err());
}

#[test]
fn a_wait_is_send_and_borrows_nothing() {
    fn check<T: Send + 'static>(_: &T) {}
    let _table = shared();
    let guard = arm("wait-send", "off").unwrap();
    let wait = {
        let name = String::from("wait-send");
        wait_for_hits(&name, 1)
    };
    check(&wait);
    check(&guard.wait_until_paused(1));
    assert!(format!("{wait:?}").contains("wait-send"));
}

// Others' code.

#[test]
fn a_callback_may_wait_for_what_happens_at_its_own_point() {
    let _table = shared();
    within_deadline("a wait inside a callback", || {
        let name = "wait-inside";
        let guard = Arc::new(arm(name, "off").unwrap());
        let waits = Arc::downgrade(&guard);
        guard
            .configure_callback(move || {
                // This hit and that of the other thread.
                let guard = waits.upgrade().unwrap();
                guard.wait_for_hits(2).blocking().unwrap();
                wait_for_hits("wait-inside", 1).blocking().unwrap();
                let early = wait_until_paused("wait-inside", 1).within(Duration::ZERO);
                assert!(early.blocking().is_err());
            })
            .unwrap();
        let threads = [0, 1].map(|_| thread::spawn(move || hit(name)));
        for thread in threads {
            assert_eq!(thread.join().unwrap(), Continue);
        }
        assert_eq!(guard.hits(), 2);
    });
}

#[test]
fn a_waker_may_hit_wait_list_and_change_the_point_that_it_is_woken_for() {
    let _table = shared();
    within_deadline("a waker that uses everything", || {
        for paused in [false, true] {
            let name = format!("wait-waker-{paused}");
            let guard = Arc::new(arm(&name, "pause").unwrap());
            let wakes = Arc::new(AtomicUsize::new(0));
            let waker = {
                let (name, counts) = (name.clone(), wakes.clone());
                let guard = Arc::downgrade(&guard);
                Calling::waker(move || {
                    counts.fetch_add(1, Ordering::SeqCst);
                    let guard = guard.upgrade().unwrap();
                    assert!(guard.wait_for_hits(1).blocking().is_ok());
                    list_failpoints();
                    guard.configure("return(new)").unwrap();
                    assert_eq!(hit(&name), Return("new".to_owned()));
                })
            };
            let runtime = Runtime::CurrentThread.build();
            let mut wait = pin!(match paused {
                true => guard.wait_until_paused(1),
                false => guard.wait_for_hits(1),
            });
            {
                let _entered = runtime.enter();
                let mut context = Context::from_waker(&waker);
                assert!(wait.as_mut().poll(&mut context).is_pending());
            }
            // It waits under a configuration that is over at once.
            assert_eq!(hit(&name), Continue);
            assert_eq!(wakes.load(Ordering::SeqCst), 1);
            assert_eq!((guard.hits(), waiters(&name)), (1, 0));
            runtime.block_on(wait).unwrap();
        }
    });
}

/// A waker that panics takes the hit with it, but leaves nobody in the list who is not there.
#[test]
fn a_waker_that_panics_leaves_no_waiter_behind() {
    let _table = shared();
    within_deadline("a waker that panics", || {
        for by_thread in [false, true] {
            let name = format!("wait-panics-{by_thread}");
            let guard = arm(&name, "pause").unwrap();
            let runtime = Runtime::CurrentThread.build();
            let _entered = runtime.enter();
            let waker = Calling::waker(|| panic!("the waker panics"));
            let mut wait = pin!(guard.wait_until_paused(1));
            let mut context = Context::from_waker(&waker);
            assert!(wait.as_mut().poll(&mut context).is_pending());
            let text = panic_of(|| match by_thread {
                true => hit(&name),
                false => block_on(failpoint(&name, None)),
            });
            assert_eq!(text, "the waker panics");
            assert_eq!(guard.waiters().len(), 0, "by a thread: {by_thread}");
            assert_eq!(guard.release_all(), 0);
            now(wait).unwrap();
        }
    });
}

#[test]
fn who_was_cancelled_or_dropped_does_not_stand_there_any_more() {
    let _table = shared();
    let guard = arm("wait-cancelled", "pause").unwrap();
    let mut wait = ByHand::new(guard.wait_until_paused(2));
    wait.assert_pending();
    let cancel = CancellationToken::new();
    let mut cancelled = Box::pin(failpoint_with_cancellation("wait-cancelled", None, &cancel));
    assert!(poll_once(cancelled.as_mut()).is_pending());
    cancel.cancel();
    assert_eq!(now(cancelled), Cancelled);
    let mut dropped = Box::pin(failpoint("wait-cancelled", None));
    assert!(poll_once(dropped.as_mut()).is_pending());
    drop(dropped);
    wait.assert_pending();
    wait.assert_woken(0);
    let mut both = [0, 1].map(|_| Box::pin(failpoint("wait-cancelled", None)));
    for hit in &mut both {
        assert!(poll_once(hit.as_mut()).is_pending());
    }
    wait.assert_woken(1);
    wait.result().unwrap();
    let calls = arm_callback("wait-cancelled", || {}).unwrap();
    assert!(both.into_iter().all(|hit| now(hit) == Continue));
    drop((calls, guard));
}
