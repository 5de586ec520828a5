//! Proves what every action does in a way to hit a failpoint.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use super::ways;
use super::ways::{Hit, OnReturn, WAYS, Way};
use crate::common::events::{events, listen};
use crate::common::{
    Counter, Runtime, assert_stats, info, now, panic_of, poll_with, spawn, until, until_waiting,
};
use neon_failpoint::FailpointResult::{self, Continue, Return};
use neon_failpoint::{configure_failpoint_callback, failpoint_context, isolate, remove_failpoint};
use tokio_util::sync::CancellationToken;

/// A hit that waits: a task polled by hand, or a thread.
enum Waiting {
    Task(Hit, Arc<Counter>),
    Thread(thread::JoinHandle<FailpointResult>),
}

impl Waiting {
    fn start(way: &Way, cancel: &CancellationToken) -> Self {
        let mut hit = way.start(cancel);
        let waiting = if way.blocks {
            Self::Thread(spawn(move || now(hit)))
        } else {
            let (counter, waker) = Counter::new();
            let polled = poll_with(hit.as_mut(), &waker);
            assert_eq!(polled, Poll::Pending, "{way:?}");
            Self::Task(hit, counter)
        };
        until_waiting(way.name, 1);
        waiting
    }

    /// The result, which has to come because of what happened since `start`.
    fn finish(self) -> FailpointResult {
        match self {
            Self::Task(hit, counter) => {
                assert_ne!(counter.woken(), 0, "its waker was not called");
                now(hit)
            }
            Self::Thread(thread) => {
                until("it goes on", || thread.is_finished());
                thread.join().unwrap()
            }
        }
    }
}

pub(crate) fn works_in(form: &str) {
    let _alone = isolate();
    listen();
    let ways: Vec<&Way> = WAYS.iter().filter(|way| way.form == form).collect();
    assert_eq!(ways.len(), 2);
    for way in ways {
        done_at_once(way);
        takes_a_return(way);
        panics(way);
        prints(way);
        yields(way);
        delays(way);
        pauses(way);
        sleeps(way);
        calls_back(way);
        remove_failpoint(way.name);
        assert_eq!(way.at_once(), Continue, "{form}, removed");
    }
}

fn done_at_once(way: &Way) {
    for (actions, fired) in [
        ("off", 1),
        ("0%panic", 0),
        ("0%return(x)", 0),
        ("0.0%pause", 0),
        ("0*panic", 0),
        ("125%off->panic", 1),
        ("0%panic -> 0*panic -> off -> panic", 1),
        ("sleep(0)->panic", 1),
    ] {
        way.configure(actions);
        let result = Runtime::PausedClock
            .build()
            .block_on(way.start(&CancellationToken::new()));
        assert_eq!(result, Continue, "{way:?} {actions}");
        assert_stats(way.name, (1, fired, 0));
    }
}

fn takes_a_return(way: &Way) {
    for (actions, value) in [
        ("return", ""),
        ("return()", ""),
        ("return(x)", "x"),
        ("return( a->b; c, (d) )", " a->b; c, (d) "),
        ("100%return(x)", "x"),
        ("125%return(x)", "x"),
        ("0%return(no)->return(x)->return(no)", "x"),
        ("0*return(no)->1*return(x)->return(no)", "x"),
        ("return(-1)", "-1"),
    ] {
        way.configure(actions);
        let expected = match way.on_return {
            OnReturn::Value => Return(value.to_owned()),
            OnReturn::Ignore | OnReturn::Sleep => Continue,
            OnReturn::Panic => {
                let message = panic_of(|| way.at_once());
                for part in [format!("{:?}", way.name).as_str(), ways::FILE] {
                    assert!(message.contains(part), "{way:?} {actions}: {message}");
                }
                continue;
            }
        };
        let (result, events) = events(|| way.at_once());
        assert_eq!(result, expected, "{way:?} {actions}");
        if way.on_return == OnReturn::Ignore {
            assert_eq!(events, way.announced(), "{way:?} {actions}");
        } else if way.on_return == OnReturn::Sleep {
            let [event] = events.as_slice() else {
                panic!("{way:?} {actions}: {events:?}")
            };
            let about = format!("ERROR neon_failpoint: failpoint {:?}", way.name);
            assert!(event.starts_with(&about), "{event}");
            assert!(event.contains(&format!("{value:?}")), "{event}");
        } else {
            assert!(events.is_empty(), "{events:?}");
        }
        assert_stats(way.name, (1, 1, 0));
    }
}

fn panics(way: &Way) {
    let without = format!("failpoint {} panic", way.name);
    let with = |message| format!("{message} (failpoint {:?})", way.name);
    for (actions, message) in [
        ("panic", without.clone()),
        ("panic()", without),
        ("panic({boom} (1))", with("{boom} (1)")),
        ("125%panic(x)", with("x")),
        ("1*panic(first)->panic(second)", with("first")),
    ] {
        way.configure(actions);
        assert_eq!(panic_of(|| way.at_once()), message, "{way:?} {actions}");
        assert_stats(way.name, (1, 1, 0));
    }
}

fn prints(way: &Way) {
    for (actions, message) in [
        ("print", format!("failpoint {} executed.", way.name)),
        ("print()", String::new()),
        ("print({x} %s)", "{x} %s".to_owned()),
    ] {
        way.configure(actions);
        let (result, events) = events(|| way.at_once());
        assert_eq!(result, Continue, "{way:?} {actions}");
        let mut expected = way.announced();
        expected.push(format!("INFO neon_failpoint: {message}"));
        assert_eq!(events, expected, "{way:?} {actions}");
    }
}

fn yields(way: &Way) {
    way.configure("yield");
    if way.blocks {
        return assert_eq!(way.at_once(), Continue, "{way:?}");
    }
    let mut hit = way.start(&CancellationToken::new());
    let (counter, waker) = Counter::new();
    let first = poll_with(hit.as_mut(), &waker);
    assert_eq!(first, Poll::Pending, "{way:?}");
    assert_eq!(counter.woken(), 1, "{way:?} asks for one more turn");
    assert_eq!(now(hit), Continue, "{way:?}");
}

fn delays(way: &Way) {
    way.configure("delay(2)");
    let start = Instant::now();
    assert_eq!(way.at_once(), Continue, "{way:?}");
    // A lower bound, by the clock that `delay` itself looks at: no load breaks it.
    assert!(start.elapsed() >= Duration::from_millis(2), "{way:?}");
}

fn pauses(way: &Way) {
    let name = way.name;
    let token = CancellationToken::new();
    let reconfigure: [(&str, &dyn Fn()); 3] = [
        ("reconfigured", &|| way.configure("return(too late)")),
        ("configured the same", &|| way.configure("pause")),
        ("removed", &|| remove_failpoint(name)),
    ];
    for (how, release) in reconfigure {
        way.configure("pause");
        let waiting = Waiting::start(way, &token);
        let point = info(name).unwrap();
        let waiter = &point.waiters()[0];
        assert_eq!(waiter.is_blocking(), way.blocks, "{way:?}");
        let context = failpoint_context! { "k" => "v" };
        let context = way.has_context().then_some(&context);
        assert_eq!(waiter.context(), context, "{way:?}");
        assert_stats(name, (1, 1, 1));
        release();
        assert_eq!(waiting.finish(), Continue, "{way:?}, {how}");
    }
    if let Some(cancelled) = &way.cancelled {
        way.configure("pause");
        let waiting = Waiting::start(way, &token);
        token.cancel();
        assert_eq!(waiting.finish(), *cancelled, "{way:?}");
        assert_stats(name, (1, 1, 0));
        assert_eq!(now(way.start(&token)), *cancelled, "{way:?}");
    }
}

fn sleeps(way: &Way) {
    const DAY: &str = "86400000";
    let mut actions = vec![
        format!("sleep({DAY})"),
        format!("0%panic->125%sleep({DAY})"),
    ];
    if way.on_return == OnReturn::Sleep {
        actions.push(format!("return({DAY})"));
    }
    let runtime = Runtime::PausedClock.build();
    for actions in &actions {
        if !way.blocks {
            // All of it, where nobody ends it, by a clock that can be looked at.
            way.configure(actions);
            runtime.block_on(async {
                let start = tokio::time::Instant::now();
                assert_eq!(way.start(&CancellationToken::new()).await, Continue);
                let slept = start.elapsed();
                assert_eq!(slept, Duration::from_secs(86_400), "{way:?} {actions}");
            });
        }
        // Less, where the point is configured again.
        let _entered = runtime.enter();
        let token = CancellationToken::new();
        way.configure(actions);
        let waiting = Waiting::start(way, &token);
        way.configure("return(too late)");
        assert_eq!(waiting.finish(), Continue, "{way:?} {actions}");
        if let Some(cancelled) = &way.cancelled {
            way.configure(actions);
            let waiting = Waiting::start(way, &token);
            token.cancel();
            assert_eq!(waiting.finish(), *cancelled, "{way:?} {actions}");
        }
    }
}

fn calls_back(way: &Way) {
    let calls = Arc::new(AtomicUsize::new(0));
    let seen = calls.clone();
    let count = move || _ = seen.fetch_add(1, Ordering::SeqCst);
    configure_failpoint_callback(way.name, count).unwrap();
    for expected in 1..=3 {
        assert_eq!(way.at_once(), Continue, "{way:?}");
        assert_eq!(calls.load(Ordering::SeqCst), expected, "{way:?}");
    }
    assert_stats(way.name, (3, 3, 0));
    assert_eq!(info(way.name).unwrap().actions(), Some("callback"));
}
