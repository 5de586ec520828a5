//! Every action through every way to hit a failpoint, and callbacks and subscribers
//! that use the library from inside a hit (I5).
//!
//! Shares the global table: every test has names of its own. What ends a process, or
//! needs a fresh one, runs in a child: this executable again, with a variable set.

mod common;

use std::cell::Cell;
use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::process::{Command, Output};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

use common::events::{events, listen, with_listener};
use common::{Counter, Runtime, assert_stats, info, now, until, waiters, within_deadline};
use neon_failpoint::FailpointResult::{self, Cancelled, Continue, Return};
use neon_failpoint::{
    configure_failpoint, configure_failpoint_callback, configure_failpoints, fail_point,
    fail_point_sync, fail_point_with_context, fail_point_with_context_sync, failpoint,
    failpoint_blocking, failpoint_context, failpoint_with_cancellation, list_failpoints,
    pausable_failpoint, remove_failpoint, sleep_millis_async,
};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::layer::{Layer, SubscriberExt};

// ---- The ways to hit a failpoint ----

type Hit = Pin<Box<dyn Future<Output = FailpointResult> + Send>>;

/// What a way makes of a `return`.
#[derive(Clone, Copy, Debug, PartialEq)]
enum OnReturn {
    Value,
    Panic,
    Ignore,
    Sleep,
}

#[derive(Debug)]
struct Way {
    /// The form of the macro or function.
    form: &'static str,
    /// The failpoint: a literal at the call site, or a run-time string.
    name: &'static str,
    blocks: bool,
    on_return: OnReturn,
    /// What a cancelled wait gives, where a token can be given.
    cancelled: Option<FailpointResult>,
    hit: fn(&'static str, CancellationToken) -> Hit,
}

/// One hit, by its form. Inside an `async` block, which is what a closure's value is
/// returned from.
macro_rules! hit {
    (function, $n:tt, $c:ident) => {
        failpoint($n, None).await
    };
    (function_with_context, $n:tt, $c:ident) => {
        failpoint($n, Some(&failpoint_context! { "k" => "v" })).await
    };
    (function_with_cancellation, $n:tt, $c:ident) => {
        failpoint_with_cancellation($n, None, &$c).await
    };
    (blocking_function, $n:tt, $c:ident) => {
        failpoint_blocking($n, None)
    };
    (blocking_function_with_context, $n:tt, $c:ident) => {
        failpoint_blocking($n, Some(&failpoint_context! { "k" => "v" }))
    };
    (fail_point, $n:tt, $c:ident) => {{
        fail_point!($n);
        Continue
    }};
    (fail_point_closure, $n:tt, $c:ident) => {{
        fail_point!($n, |value| Return(value));
        Continue
    }};
    (fail_point_condition, $n:tt, $c:ident) => {{
        fail_point!($n, !$c.is_cancelled(), |value| Return(value));
        Continue
    }};
    (fail_point_sync, $n:tt, $c:ident) => {{
        fail_point_sync!($n);
        Continue
    }};
    (fail_point_sync_closure, $n:tt, $c:ident) => {{
        fail_point_sync!($n, |value| Return(value));
        Continue
    }};
    (fail_point_sync_condition, $n:tt, $c:ident) => {{
        fail_point_sync!($n, !$c.is_cancelled(), |value| Return(value));
        Continue
    }};
    (fail_point_with_context, $n:tt, $c:ident) => {{
        fail_point_with_context!($n, &failpoint_context! { "k" => "v" });
        Continue
    }};
    (fail_point_with_context_closure, $n:tt, $c:ident) => {{
        fail_point_with_context!($n, &failpoint_context! { "k" => "v" }, |value| Return(
            value
        ));
        Continue
    }};
    (fail_point_with_context_condition, $n:tt, $c:ident) => {{
        fail_point_with_context!(
            $n,
            &failpoint_context! { "k" => "v" },
            !$c.is_cancelled(),
            |value| Return(value)
        );
        Continue
    }};
    (fail_point_with_context_sync, $n:tt, $c:ident) => {{
        fail_point_with_context_sync!($n, &failpoint_context! { "k" => "v" });
        Continue
    }};
    (fail_point_with_context_sync_closure, $n:tt, $c:ident) => {{
        fail_point_with_context_sync!($n, &failpoint_context! { "k" => "v" }, |value| {
            Return(value)
        });
        Continue
    }};
    (fail_point_with_context_sync_condition, $n:tt, $c:ident) => {{
        fail_point_with_context_sync!(
            $n,
            &failpoint_context! { "k" => "v" },
            !$c.is_cancelled(),
            |value| Return(value)
        );
        Continue
    }};
    (failpoint, $n:tt, $c:ident) => {
        failpoint!($n).await
    };
    (failpoint_context, $n:tt, $c:ident) => {
        failpoint!($n, &failpoint_context! { "k" => "v" }).await
    };
    (failpoint_cancel, $n:tt, $c:ident) => {
        failpoint!($n, cancel = &$c).await
    };
    (failpoint_context_cancel, $n:tt, $c:ident) => {
        failpoint!($n, &failpoint_context! { "k" => "v" }, cancel = &$c).await
    };
    (pausable_failpoint, $n:tt, $c:ident) => {
        match pausable_failpoint!($n).await {
            Ok(()) => Continue,
            Err(()) => Cancelled,
        }
    };
    (pausable_failpoint_cancel, $n:tt, $c:ident) => {
        match pausable_failpoint!($n, &$c).await {
            Ok(()) => Continue,
            Err(()) => Cancelled,
        }
    };
    (sleep_millis_async, $n:tt, $c:ident) => {{
        sleep_millis_async!($n).await;
        Continue
    }};
    (sleep_millis_async_cancel, $n:tt, $c:ident) => {{
        sleep_millis_async!($n, &$c).await;
        Continue
    }};
}

/// The table of ways, each with a literal and with a run-time name, and the test of
/// each.
macro_rules! ways {
    ($($form:ident: $literal:literal, $waits:ident, $on_return:ident, $cancelled:expr;)*) => {
        const WAYS: &[Way] = &[$(
            Way {
                form: stringify!($form),
                name: $literal,
                blocks: ways!($waits),
                on_return: OnReturn::$on_return,
                cancelled: $cancelled,
                hit: |_, cancel| {
                    Box::pin(async move {
                        let _ = &cancel;
                        hit!($form, $literal, cancel)
                    })
                },
            },
            Way {
                form: stringify!($form),
                name: concat!($literal, ", at run time"),
                blocks: ways!($waits),
                on_return: OnReturn::$on_return,
                cancelled: $cancelled,
                hit: |name, cancel| {
                    Box::pin(async move {
                        let _ = &cancel;
                        hit!($form, name, cancel)
                    })
                },
            },
        )*];

        mod every_action_works_in {
            $(#[test]
            fn $form() {
                super::every_action_works_in(stringify!($form));
            })*
        }
    };
    (awaits) => { false };
    (blocks) => { true };
}

// Odd names, because any text is one.
ways! {
    function: "function", awaits, Value, None;
    function_with_context: "function with context", awaits, Value, None;
    function_with_cancellation: "function, cancel", awaits, Value, Some(Cancelled);
    blocking_function: "blocking function", blocks, Value, None;
    blocking_function_with_context: "blocking function, context", blocks, Value, None;
    fail_point: "fail_point!", awaits, Panic, None;
    fail_point_closure: "fail_point! closure", awaits, Value, None;
    fail_point_condition: "fail_point! condition", awaits, Value, None;
    fail_point_sync: "fail_point_sync!", blocks, Panic, None;
    fail_point_sync_closure: "fail_point_sync!/closure", blocks, Value, None;
    fail_point_sync_condition: "fail_point_sync!/condition", blocks, Value, None;
    fail_point_with_context: "fail_point_with_context!", awaits, Panic, None;
    fail_point_with_context_closure: "closure (with context)", awaits, Value, None;
    fail_point_with_context_condition: "condition (with context)", awaits, Value, None;
    fail_point_with_context_sync: "sync::context", blocks, Panic, None;
    fail_point_with_context_sync_closure: "sync::context::closure", blocks, Value, None;
    fail_point_with_context_sync_condition: "sync::context::condition", blocks, Value, None;
    failpoint: "\"failpoint!\"", awaits, Value, None;
    failpoint_context: "failpoint! {context}", awaits, Value, None;
    failpoint_cancel: "failpoint! 100%n*cancel", awaits, Value, Some(Cancelled);
    failpoint_context_cancel: "failpoint! = context; -> cancel", awaits, Value, Some(Cancelled);
    pausable_failpoint: "pausable\nfailpoint", awaits, Ignore, None;
    pausable_failpoint_cancel: "pausable\\cancel", awaits, Ignore, Some(Cancelled);
    sleep_millis_async: "süeep", awaits, Sleep, None;
    sleep_millis_async_cancel: "sleep, cancel", awaits, Sleep, Some(Continue);
}

impl Way {
    fn start(&self, cancel: &CancellationToken) -> Hit {
        (self.hit)(self.name, cancel.clone())
    }

    /// A hit that has to be over at its first poll.
    fn at_once(&self) -> FailpointResult {
        now(self.start(&CancellationToken::new()))
    }

    /// What is said before an action fires: by the macro that pauses, as Neon's says it.
    fn announced(&self) -> Vec<String> {
        match self.on_return {
            OnReturn::Ignore => vec![format!("INFO neon_failpoint: at failpoint {}", self.name)],
            OnReturn::Value | OnReturn::Panic | OnReturn::Sleep => Vec::new(),
        }
    }

    fn has_context(&self) -> bool {
        self.form.contains("context")
    }

    fn configure(&self, actions: &str) {
        configure_failpoint(self.name, actions).unwrap();
    }
}

// ---- Tools ----

/// The message that `f` panics with.
fn panic_of<R: std::fmt::Debug>(f: impl FnOnce() -> R) -> String {
    let panic = catch_unwind(AssertUnwindSafe(f)).expect_err("it does not panic");
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => panic.downcast::<&str>().unwrap().to_string(),
    }
}

/// A hit that waits: a task polled by hand, or a thread.
enum Waiting {
    Task(Hit, Arc<Counter>),
    Thread(thread::JoinHandle<FailpointResult>),
}

impl Waiting {
    fn start(way: &Way, cancel: &CancellationToken) -> Self {
        let mut hit = way.start(cancel);
        let waiting = if way.blocks {
            Self::Thread(thread::spawn(move || now(hit)))
        } else {
            let (counter, waker) = Counter::new();
            let polled = hit.as_mut().poll(&mut Context::from_waker(&waker));
            assert_eq!(polled, Poll::Pending, "{way:?}");
            Self::Task(hit, counter)
        };
        until("one waits", || waiters(way.name) == 1);
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

/// Set in a child process: what it is to do.
const CHILD: &str = "NEON_FAILPOINT_TEST_CHILD";

/// Runs `test` of this executable in a process of its own.
fn child(test: &str, role: &str, variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args([test, "--exact"])
        .env_remove("FAILPOINTS")
        .env_remove("FAILPOINTS_SEED")
        .env(CHILD, role)
        .envs(variables.iter().copied());
    within_deadline(role, move || command.output().unwrap())
}

// ---- Every action in every way ----

fn every_action_works_in(form: &str) {
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
                for part in [format!("{:?}", way.name).as_str(), file!()] {
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
    // The texts of `fail` 0.5.1.
    for (actions, message) in [
        ("panic", format!("failpoint {} panic", way.name)),
        ("panic()", String::new()),
        ("panic({boom} (1))", "{boom} (1)".to_owned()),
        ("125%panic(x)", "x".to_owned()),
        ("1*panic(first)->panic(second)", "first".to_owned()),
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
    let first = hit.as_mut().poll(&mut Context::from_waker(&waker));
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

#[test]
fn exit_names_the_point_on_standard_error_and_ends_the_process_with_1() {
    const TEST: &str = "exit_names_the_point_on_standard_error_and_ends_the_process_with_1";
    if let Ok(number) = env::var(CHILD) {
        let way = &WAYS[number.parse::<usize>().unwrap()];
        way.configure("0%panic->125%exit");
        let result = way.at_once();
        panic!("{way:?} survived with {result:?}");
    }
    for (i, way) in WAYS.iter().enumerate() {
        let output = child(TEST, &i.to_string(), &[]);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{way:?}: {stderr}");
        let expected = format!("failpoint {:?}: exit", way.name);
        assert_eq!(stderr.lines().collect::<Vec<_>>(), [expected], "{way:?}");
    }
}

// ---- Where a `return` has nowhere to go ----

#[test]
fn a_return_without_a_closure_panics_with_the_line_of_the_call_site() {
    let context = &failpoint_context! {};
    let name = "actions-line";
    configure_failpoint(name, "return(x)").unwrap();
    type Site<'a> = &'a dyn Fn(&Cell<u32>);
    let sites: [Site<'_>; 8] = [
        &|line| {
            line.set(line!() + 1);
            fail_point_sync!("actions-line");
        },
        &|line| {
            line.set(line!() + 1);
            fail_point_sync!(name);
        },
        &|line| {
            line.set(line!() + 1);
            fail_point_with_context_sync!("actions-line", context);
        },
        &|line| {
            line.set(line!() + 1);
            fail_point_with_context_sync!(name, context);
        },
        &|line| {
            now(async {
                line.set(line!() + 1);
                fail_point!("actions-line");
            })
        },
        &|line| {
            now(async {
                line.set(line!() + 1);
                fail_point!(name);
            })
        },
        &|line| {
            now(async {
                line.set(line!() + 1);
                fail_point_with_context!("actions-line", context);
            })
        },
        &|line| {
            now(async {
                line.set(line!() + 1);
                fail_point_with_context!(name, context);
            })
        },
    ];
    for (i, site) in sites.iter().enumerate() {
        let line = Cell::new(0);
        let message = panic_of(|| site(&line));
        let expected = format!("\"actions-line\" at {}:{} ", file!(), line.get());
        assert!(
            message.contains(&expected),
            "{i}: {message}, not {expected}"
        );
    }
}

// ---- I5: a user's code inside a hit ----

#[test]
fn a_callback_may_configure_remove_hit_and_list_its_own_point_and_others() {
    within_deadline("a user's code inside a hit", || {
        let own = "actions-callback-own";
        let other = "actions-callback-other";
        let log = Arc::new(AtomicUsize::new(0));
        configure_failpoint(other, "return(other)").unwrap();

        let callback = |what: fn()| configure_failpoint_callback(own, what).unwrap();
        let hit = || failpoint_blocking(own, None);

        callback(|| configure_failpoint("actions-callback-own", "return(own)").unwrap());
        assert_eq!((hit(), hit()), (Continue, Return("own".to_owned())));

        callback(|| remove_failpoint("actions-callback-own"));
        assert_eq!((hit(), hit()), (Continue, Continue));
        assert!(info(own).is_none());

        callback(|| {
            let result = failpoint_blocking("actions-callback-other", None);
            assert_eq!(result, Return("other".to_owned()));
            assert_stats("actions-callback-own", (1, 1, 0));
        });
        assert_eq!(hit(), Continue);

        // It hits its own point: once more, and from within an async hit.
        let depth = log.clone();
        let again = move || {
            if depth.fetch_add(1, Ordering::SeqCst) < 10 {
                assert_eq!(now(failpoint("actions-callback-own", None)), Continue);
            }
        };
        configure_failpoint_callback(own, again).unwrap();
        assert_eq!(now(failpoint(own, None)), Continue);
        assert_eq!(log.load(Ordering::SeqCst), 11);
    });
}

/// Uses the library when it is dropped.
struct UsesFailpointsWhenDropped {
    own: &'static str,
    next: FailpointResult,
    dropped: Arc<AtomicUsize>,
}

impl Drop for UsesFailpointsWhenDropped {
    fn drop(&mut self) {
        let own = self.own;
        let left = format!("{own}: left by the destructor");
        list_failpoints();
        // It is dropped after what takes its place took effect.
        assert_eq!(failpoint_blocking(own, None), self.next);
        assert_eq!(now(failpoint(own, None)), self.next);
        configure_failpoint(&left, "return(left)").unwrap();
        assert_eq!(failpoint_blocking(&left, None), Return("left".into()));
        remove_failpoint(&left);
        configure_failpoint(own, "return(last word)").unwrap();
        self.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_destructor_of_a_callback_may_use_failpoints_whoever_drops_it() {
    type Drops = (&'static str, FailpointResult, fn(&'static str));
    let next = || Return("next".to_owned());
    let ways: [Drops; 5] = [
        ("actions-drop-replaced", next(), |name| {
            configure_failpoint(name, "return(next)").unwrap();
        }),
        ("actions-drop-replaced-by-a-callback", Continue, |name| {
            configure_failpoint_callback(name, || {}).unwrap();
        }),
        ("actions-drop-removed", Continue, |name| {
            remove_failpoint(name)
        }),
        ("actions-drop-in-a-batch", next(), |name| {
            let other = ("actions-drop-batch-2", "off");
            configure_failpoints([(name, "return(next)"), other]).unwrap();
        }),
        // Removed from inside: the hit itself is the last to hold it.
        ("actions-drop-by-the-hit", Continue, |name| {
            assert_eq!(failpoint_blocking(name, None), Continue);
        }),
    ];
    for (own, next, drop_it) in ways {
        let dropped = Arc::new(AtomicUsize::new(0));
        let captured = UsesFailpointsWhenDropped {
            own,
            next,
            dropped: dropped.clone(),
        };
        within_deadline(own, move || {
            // The whole of it is captured, not the field alone.
            let callback = move || remove_failpoint({ &captured }.own);
            configure_failpoint_callback(own, callback).unwrap();
            drop_it(own);
            // The hit may be the last to hold it, a moment longer.
            until("it is dropped", || dropped.load(Ordering::SeqCst) == 1);
            // The destructor's configuration came last and stays.
            let result = failpoint_blocking(own, None);
            assert_eq!(result, Return("last word".to_owned()), "{own}");
        });
    }
}

#[test]
fn a_callback_is_dropped_by_who_removes_it_whatever_other_threads_saw_last() {
    let name = "actions-callback-not-kept";
    let captured = Arc::new(());
    let held = captured.clone();
    configure_failpoint_callback(name, move || drop(held.clone())).unwrap();
    let (has_hit, hit) = mpsc::channel();
    let (stop, stopped) = mpsc::channel::<()>();
    let other = thread::spawn(move || {
        assert_eq!(failpoint_blocking(name, None), Continue);
        has_hit.send(()).unwrap();
        // It looks at no failpoint while the point is removed.
        assert!(stopped.recv().is_err());
        failpoint_blocking(name, None)
    });
    hit.recv().unwrap();
    assert_eq!(Arc::strong_count(&captured), 2);
    remove_failpoint(name);
    assert_eq!(Arc::strong_count(&captured), 1);
    drop(stop);
    assert_eq!(other.join().unwrap(), Continue);
}

#[test]
fn a_destructor_of_a_thread_local_may_use_failpoints() {
    struct Last(Cell<Option<mpsc::Sender<FailpointResult>>>);

    impl Drop for Last {
        fn drop(&mut self) {
            let name = "actions-thread-local";
            configure_failpoint_callback(name, || drop(list_failpoints())).unwrap();
            let callback = failpoint_blocking(name, None);
            assert_eq!((callback, now(failpoint(name, None))), (Continue, Continue));
            configure_failpoint(name, "return(last)").unwrap();
            let _ = self.0.take().unwrap().send(failpoint_blocking(name, None));
        }
    }

    thread_local! {
        static LAST: Last = const { Last(Cell::new(None)) };
    }

    // The library may have thread-locals, too: dropped before or after this one.
    for library_first in [false, true] {
        let hit = || assert_eq!(failpoint_blocking("actions-idle", None), Continue);
        let (sender, result) = mpsc::channel();
        let thread = thread::spawn(move || {
            if library_first {
                hit();
            }
            LAST.with(|last| last.0.set(Some(sender)));
            hit();
        });
        within_deadline("a thread's end", || thread.join().unwrap());
        assert_eq!(result.recv(), Ok(Return("last".to_owned())));
    }
}

#[test]
fn a_callback_may_panic_and_the_point_still_works() {
    let name = "actions-callback-panics";
    configure_failpoint_callback(name, || panic!("callback")).unwrap();
    for _ in 0..2 {
        assert_eq!(panic_of(|| failpoint_blocking(name, None)), "callback");
        assert_eq!(panic_of(|| now(failpoint(name, None))), "callback");
    }
    configure_failpoint(name, "return(x)").unwrap();
    assert_eq!(failpoint_blocking(name, None), Return("x".to_owned()));
}

#[test]
fn a_subscriber_may_hit_and_configure_failpoints_inside_an_event() {
    within_deadline("a user's code inside a hit", || {
        let prints = "actions-subscriber-prints";
        let inside = "actions-subscriber-inside";
        configure_failpoint(prints, "print(an event)").unwrap();
        let calls = Rc::new(Cell::new(0));
        let seen = calls.clone();
        let listener = move |_: &str| {
            seen.set(seen.get() + 1);
            configure_failpoint(inside, "return(x)").unwrap();
            assert_eq!(failpoint_blocking(inside, None), Return("x".to_owned()));
            assert_eq!(now(failpoint(inside, None)), Return("x".to_owned()));
            remove_failpoint(inside);
            list_failpoints();
        };
        with_listener(listener, || {
            // `print`, in both kinds of hit; the error about a `return` that is no
            // number; the warning about a misspelling.
            assert_eq!(failpoint_blocking(prints, None), Continue);
            assert_eq!(now(failpoint(prints, None)), Continue);
            configure_failpoint("actions-subscriber-sleeps", "return(soon)").unwrap();
            now(sleep_millis_async!("actions-subscriber-sleeps"));
            configure_failpoint("actions-subscriber-sleep", "off").unwrap();
        });
        assert_eq!(calls.get(), 4);
    });
}

#[test]
fn a_misspelled_name_is_warned_of_and_a_right_one_is_not() {
    let right = || configure_failpoint("actions-spelled-right", "off").unwrap();
    let wrong = || configure_failpoint("actions-speled-righ", "off").unwrap();
    fail_point_sync!("actions-spelled-right");
    assert_eq!(events(right).1, [""; 0]);
    let (_, events) = events(wrong);
    let [event] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert!(event.starts_with("WARN neon_failpoint: failpoint \"actions-speled-righ\""));
    assert!(
        event.contains("did you mean \"actions-spelled-right\""),
        "{event}"
    );
}

/// What a child does whose subscriber and logger hit failpoints, from the first event
/// of the process on.
fn log_hits_failpoints() {
    struct Hits;

    impl<S: tracing::Subscriber> Layer<S> for Hits {
        fn on_event(&self, _: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
            hit_from_a_logger();
        }
    }

    impl log::Log for Hits {
        fn enabled(&self, _: &log::Metadata<'_>) -> bool {
            true
        }

        fn log(&self, _: &log::Record<'_>) {
            hit_from_a_logger();
        }

        fn flush(&self) {
            hit_from_a_logger();
        }
    }

    fn hit_from_a_logger() {
        let _ = failpoint_blocking("inside", None);
        let _ = now(failpoint("inside", None));
        fail_point_sync!("inside", |_| ());
        list_failpoints();
    }

    let subscriber = tracing_subscriber::registry().with(Hits);
    tracing::subscriber::set_global_default(subscriber).unwrap();
    log::set_logger(&Hits).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
}

#[test]
fn a_logger_that_hits_failpoints_does_not_hang_the_first_reading_of_the_environment() {
    const TEST: &str =
        "a_logger_that_hits_failpoints_does_not_hang_the_first_reading_of_the_environment";
    type Role = (&'static str, fn());
    let roles: [Role; 6] = [
        ("hit", || {
            assert_eq!(failpoint_blocking("from-env", None), Return("1".to_owned()));
        }),
        ("hit of a site", || fail_point_sync!("idle")),
        ("async hit", || {
            assert_eq!(now(failpoint("from-env", None)), Return("1".to_owned()));
        }),
        ("list", || {
            let points = list_failpoints();
            assert_eq!(points.iter().filter(|p| p.is_configured()).count(), 3);
        }),
        ("init", || neon_failpoint::init().unwrap()),
        ("configure", || {
            configure_failpoint("mine", "1%off").unwrap()
        }),
    ];
    if let Ok(child) = env::var(CHILD) {
        log_hits_failpoints();
        let role = roles.iter().find(|(role, _)| *role == child).unwrap();
        within_deadline(role.0, role.1);
        // Every role ends in the exit, whose flush hits a point, too.
        let _ = failpoint_blocking("the-end", None);
        panic!("it survived");
    }
    for (role, _) in roles {
        let points = "from-env=return(1);inside=50%off->off;the-end=exit";
        let output = child(TEST, role, &[("FAILPOINTS", points)]);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{role}: {stderr}");
        assert!(
            stderr.ends_with("failpoint \"the-end\": exit\n"),
            "{stderr}"
        );
    }
}
