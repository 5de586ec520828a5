//! Proves what the library tells through `tracing`: one event for each hit that fires, each
//! wait that ends and each change of a configuration, with the documented names, and what
//! becomes of a subscriber that uses failpoints itself. Shares the global table and one
//! subscriber: every test has names of its own, and looks at the events of those; those that
//! remove everything run alone. What needs a process to itself runs in a child: this
//! executable again, with the name of the case in a variable.

mod common;
#[path = "common/control.rs"]
mod control;

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Once};
use std::task::{Context, Waker};
use std::thread;
use std::time::Duration;

use common::{Runtime, now, poll_once, until, waiters, within_deadline};
use control::{Crew, alone, panic_of, shared};
use neon_failpoint::FailpointResult::{Cancelled, Continue, Return};
use neon_failpoint::{
    arm, arm_callback, compat, configure_failpoint, configure_failpoint_callback,
    configure_failpoint_with_context, configure_failpoints, fail_point, fail_point_sync,
    fail_point_with_context_sync, failpoint, failpoint_blocking, failpoint_context,
    failpoint_with_cancellation, init, list_failpoints, release_failpoint,
    release_failpoint_matching, remove_all_failpoints, remove_failpoint, wait_for_hits,
    wait_until_paused,
};
use tokio_util::sync::CancellationToken;
use tracing::Level;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::{Layer, SubscriberExt};

// What is heard.

/// An event of the library at debug level.
#[derive(Clone, Debug, PartialEq)]
struct Told {
    target: String,
    message: String,
    /// In the order of the event, with the type of each.
    fields: Vec<(&'static str, &'static str, String)>,
}

impl Told {
    fn get(&self, name: &str) -> Option<&str> {
        let field = self.fields.iter().find(|(n, ..)| *n == name);
        field.map(|(.., value)| value.as_str())
    }

    /// `message: field=value ..`, without the name of the point and without times.
    fn line(&self) -> String {
        let fields = self.fields.iter();
        let fields =
            fields.filter(|(n, ..)| !matches!(*n, "failpoint" | "waited_ms" | "file" | "line"));
        let fields: Vec<_> = fields.map(|(n, _, v)| format!(" {n}={v}")).collect();
        format!("{}:{}", self.message, fields.concat())
    }
}

impl Visit for Told {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.push((field.name(), "str", value.to_owned()));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.fields.push((field.name(), "u64", value.to_string()));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            name => self.fields.push((name, "text", format!("{value:?}"))),
        }
    }
}

type Hook = Arc<dyn Fn(&Told) + Send + Sync>;

static EVENTS: Mutex<Vec<Told>> = Mutex::new(Vec::new());
static HOOKS: Mutex<Vec<(String, Hook)>> = Mutex::new(Vec::new());

struct Listening;

impl<S: tracing::Subscriber> Layer<S> for Listening {
    fn on_event(&self, event: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        if *event.metadata().level() != Level::DEBUG
            || !event.metadata().target().starts_with("neon_failpoint")
        {
            return;
        }
        let mut told = Told {
            target: event.metadata().target().to_owned(),
            message: String::new(),
            fields: Vec::new(),
        };
        event.record(&mut told);
        EVENTS.lock().unwrap().push(told.clone());
        let hooks = HOOKS.lock().unwrap().clone();
        for (name, hook) in hooks {
            if told.get("failpoint") == Some(&name) {
                hook(&told);
            }
        }
    }
}

fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let subscriber = tracing_subscriber::registry().with(Listening);
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
}

/// The events about `name` since the last call.
fn told(name: &str) -> Vec<Told> {
    let mut events = EVENTS.lock().unwrap();
    let (ours, others) = std::mem::take(&mut *events)
        .into_iter()
        .partition(|told| told.get("failpoint") == Some(name));
    *events = others;
    ours
}

fn lines(name: &str) -> Vec<String> {
    told(name).iter().map(Told::line).collect()
}

/// Calls `hook` at every event about `name` until it is dropped.
struct Hooked(String);

impl Hooked {
    fn new(name: &str, hook: impl Fn(&Told) + Send + Sync + 'static) -> Self {
        listen();
        HOOKS
            .lock()
            .unwrap()
            .push((name.to_owned(), Arc::new(hook)));
        Self(name.to_owned())
    }
}

impl Drop for Hooked {
    fn drop(&mut self) {
        HOOKS.lock().unwrap().retain(|(name, _)| *name != self.0);
    }
}

fn hit(name: &str) {
    let _ = failpoint_blocking(name, None);
}

// Hits.

#[test]
fn a_hit_that_fires_is_told_once_with_action_number_context_and_place() {
    let _table = shared();
    listen();
    let name = "events-fired";
    configure_failpoint(name, "1*off->when(k=v)1*return(a b)->0*panic->print(x)").unwrap();
    told(name);
    hit(name);
    let context = failpoint_context! { "k" => "v", "l" => 1 };
    fail_point_with_context_sync!("events-fired", &context, |_| ());
    let line = line!() - 1;
    fail_point_sync!("events-fired", |_| ());
    let events = told(name);
    let fields = |told: &Told| told.fields.clone();
    let named = ("failpoint", "str", name.to_owned());
    let site = |line: u32| {
        [
            ("file", "str", file!().to_owned()),
            ("line", "u64", line.to_string()),
        ]
    };
    let action = |text: &str, hit: usize| {
        [
            named.clone(),
            ("action", "str", text.to_owned()),
            ("hit", "u64", hit.to_string()),
        ]
    };
    let context = ("context", "str", r#"k="v", l="1""#.to_owned());
    assert_eq!(events.len(), 3, "{events:?}");
    assert_eq!(fields(&events[0]), action("off", 1));
    let mut expected = action("return(a b)", 2).to_vec();
    expected.push(context);
    expected.extend(site(line));
    assert_eq!(fields(&events[1]), expected);
    let mut expected = action("print(x)", 3).to_vec();
    expected.extend(site(line + 2));
    assert_eq!(fields(&events[2]), expected);
    for told in events {
        assert_eq!(told.target, "neon_failpoint");
        assert_eq!(told.message, "failpoint fired");
    }
    remove_failpoint(name);
}

#[test]
fn every_way_to_hit_is_told_alike_and_a_hit_that_nothing_took_is_not() {
    let _table = shared();
    listen();
    let name = "events-ways";
    let guard = arm(name, "off").unwrap();
    told(name);
    Runtime::CurrentThread.run("all ways", || async {
        fail_point!("events-ways");
        fail_point_sync!("events-ways");
        let _ = failpoint("events-ways", None).await;
        let _ = failpoint_blocking("events-ways", None);
        compat::fail_point!("events-ways");
        compat::async_fail_point!("events-ways");
        compat::eval("events-ways", |_| ());
    });
    let expected: Vec<_> = (1..=7)
        .map(|n| format!("failpoint fired: action=off hit={n}"))
        .collect();
    assert_eq!(lines(name), expected);
    guard.configure("0*off->0%return->when(k=v)return").unwrap();
    told(name);
    hit(name);
    drop(guard);
    told(name);
    // Idle, and in tasks that never were polled.
    hit(name);
    drop(failpoint(name, None));
    assert_eq!(lines(name), [""; 0]);
}

#[test]
fn a_hit_is_told_before_its_action_is_done() {
    let _table = shared();
    let name = "events-before";
    let guard = arm(name, "1*panic(oh)->pause").unwrap();
    let seen = Arc::new(AtomicUsize::new(0));
    let counts = seen.clone();
    let _hooked = Hooked::new(name, move |told| {
        if told.message == "failpoint fired" {
            counts.fetch_add(1, Ordering::SeqCst);
            assert_eq!(waiters("events-before"), 0);
        }
    });
    assert_eq!(panic_of(|| hit(name)), "oh");
    assert_eq!(seen.load(Ordering::SeqCst), 1);
    let mut waiting = Box::pin(failpoint(name, None));
    assert!(poll_once(waiting.as_mut()).is_pending());
    assert_eq!(seen.load(Ordering::SeqCst), 2);
    drop(guard);
    assert_eq!(now(waiting), Continue);
    assert_eq!(seen.load(Ordering::SeqCst), 2);
}

#[test]
fn eight_threads_are_told_of_exactly_as_often_as_they_fire() {
    let _table = shared();
    listen();
    let name = "events-threads";
    let guard = arm(name, "1000*off->0*return").unwrap();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..250).for_each(|_| hit(name)));
        }
    });
    let fired = told(name)
        .iter()
        .filter(|t| t.message == "failpoint fired")
        .count();
    assert_eq!((fired, guard.hits(), guard.fired()), (1_000, 2_000, 1_000));
}

// Waits.

#[test]
fn every_end_of_a_wait_is_told_once_with_its_reason_and_its_time() {
    let _table = shared();
    listen();
    type End = fn(&str);
    let ends: [(&str, &str, End); 9] = [
        ("release", "released", |n| {
            assert_eq!(release_failpoint(n, 1).unwrap(), 1)
        }),
        ("matching", "released", |n| {
            assert_eq!(release_failpoint_matching(n, [("k", "v")]).unwrap(), 1);
        }),
        ("configure", "reconfigured", |n| {
            configure_failpoint(n, "off").unwrap()
        }),
        ("batch", "reconfigured", |n| {
            configure_failpoints([(n, "pause")]).unwrap()
        }),
        ("callback", "reconfigured", |n| {
            configure_failpoint_callback(n, || {}).unwrap()
        }),
        ("remove", "reconfigured", |n| remove_failpoint(n)),
        ("compat", "reconfigured", |n| compat::remove(n)),
        ("armed over", "reconfigured", |n| {
            std::mem::forget(arm(n, "off").unwrap())
        }),
        ("disarmed", "reconfigured", |_| {}),
    ];
    for (what, why, end) in ends {
        Crew::each("ends of waits", move |crew| async move {
            let name = crew.name(&format!("events-ends-{what}"));
            configure_failpoint(&name, "pause").unwrap();
            let guard = (what == "disarmed").then(|| arm(&name, "pause").unwrap());
            let hit = crew.hit_with(&name, Some(failpoint_context! { "k" => "v" }));
            crew.wait(wait_until_paused(&name, 1)).await.unwrap();
            let since = common::info(&name).unwrap().waiters()[0].since();
            crew.until("some time went by", || {
                since.elapsed() > Duration::from_millis(2)
            })
            .await;
            told(&name);
            end(&name);
            drop(guard);
            assert_eq!(hit.result().await, Continue);
            let ended: Vec<_> = told(&name)
                .into_iter()
                .filter(|told| told.message == "wait ended")
                .collect();
            assert_eq!(ended.len(), 1, "{what}: {ended:?}");
            let fields: Vec<_> = ended[0]
                .fields
                .iter()
                .map(|(n, kind, _)| (*n, *kind))
                .collect();
            assert_eq!(
                fields,
                [("failpoint", "str"), ("why", "str"), ("waited_ms", "u64")]
            );
            assert_eq!(ended[0].get("why"), Some(why), "{what}, {crew:?}");
            let waited: u64 = ended[0].get("waited_ms").unwrap().parse().unwrap();
            assert!((2..60_000).contains(&waited), "{waited}");
            assert_eq!(ended[0].target, "neon_failpoint");
            remove_failpoint(&name);
        });
    }
}

#[test]
fn a_sleep_that_is_over_a_cancelled_wait_and_a_dropped_one_are_told_once() {
    let _table = shared();
    listen();
    fn whys(name: &str) -> Vec<String> {
        let told = told(name);
        let ended = told.iter().filter(|told| told.message == "wait ended");
        ended
            .map(|told| told.get("why").unwrap().to_owned())
            .collect()
    }
    Crew::each("a sleep", |crew| async move {
        let name = crew.name("events-sleep");
        let _guard = arm(&name, "sleep(3)").unwrap();
        assert_eq!(crew.hit(&name).result().await, Continue);
        assert_eq!(whys(&name), ["elapsed"]);
    });
    let name = "events-cancelled";
    let guard = arm(name, "pause").unwrap();
    let token = CancellationToken::new();
    let mut cancelled = Box::pin(failpoint_with_cancellation(name, None, &token));
    assert!(poll_once(cancelled.as_mut()).is_pending());
    token.cancel();
    assert_eq!(
        poll_once(cancelled.as_mut()),
        std::task::Poll::Ready(Cancelled)
    );
    drop(cancelled);
    assert_eq!(whys(name), ["cancelled"]);
    let mut dropped = Box::pin(failpoint(name, None));
    assert!(poll_once(dropped.as_mut()).is_pending());
    drop(dropped);
    assert_eq!(whys(name), ["dropped"]);
    // Released, and dropped before it looked: as it was counted.
    let mut dropped = Box::pin(failpoint(name, None));
    assert!(poll_once(dropped.as_mut()).is_pending());
    assert_eq!(guard.release_one(), 1);
    drop(dropped);
    assert_eq!(whys(name), ["released"]);
    // Runtimes that shut down.
    let runtime = Runtime::MultiThread.build();
    let _task = runtime.spawn(async { failpoint("events-cancelled", None).await });
    guard.wait_until_paused(1).blocking().unwrap();
    drop(runtime);
    assert_eq!(whys(name), ["dropped"]);
}

/// A hit that is polled by hand, and stands there.
fn standing<'a>(
    name: &'a str,
) -> Pin<Box<impl Future<Output = neon_failpoint::FailpointResult> + 'a>> {
    let mut hit = Box::pin(failpoint(name, None));
    assert!(
        hit.as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_pending()
    );
    hit
}

/// What is told is what happened, however late the task looks.
#[test]
fn a_wait_that_a_guard_ended_is_told_as_reconfigured_though_the_guard_is_gone() {
    let _table = shared();
    listen();
    let name = "events-came-and-went";
    configure_failpoint(name, "pause").unwrap();
    let hit = standing(name);
    drop(arm(name, "off").unwrap());
    told(name);
    assert_eq!(now(hit), Continue);
    assert_eq!(lines(name), ["wait ended: why=reconfigured"]);
    remove_failpoint(name);
}

#[test]
fn a_wait_that_was_released_is_told_as_released_though_the_point_changed_then() {
    let _table = shared();
    listen();
    let name = "events-released-then";
    for is_dropped in [false, true] {
        configure_failpoint(name, "pause").unwrap();
        let hit = standing(name);
        assert_eq!(release_failpoint(name, 1).unwrap(), 1);
        remove_failpoint(name);
        told(name);
        match is_dropped {
            true => drop(hit),
            false => assert_eq!(now(hit), Continue),
        }
        assert_eq!(lines(name), ["wait ended: why=released"], "{is_dropped}");
    }
}

/// A point that goes between the hit and its wait: nobody stood there.
#[test]
fn a_wait_that_never_began_is_told_alike_by_tasks_and_threads() {
    let _table = shared();
    let name = "events-never-began";
    let _hooked = Hooked::new(name, move |told| {
        if told.message == "failpoint fired" {
            remove_failpoint("events-never-began");
        }
    });
    let run = |hit: fn(&str)| {
        configure_failpoint(name, "pause").unwrap();
        told(name);
        hit(name);
        // The removal is not told: a subscriber caused it.
        lines(name)
    };
    let by_thread = run(hit);
    let by_task = run(|name| assert_eq!(now(failpoint(name, None)), Continue));
    assert_eq!(by_thread, by_task);
}

// Configurations.

#[test]
fn every_change_of_a_configuration_is_told_once_with_what_was_and_what_is() {
    let _table = alone();
    listen();
    let name = "events-changes";
    let changed = |old: Option<&str>, new: Option<&str>| {
        let text = |which: &str, text: Option<&str>| text.map(|t| format!(" {which}={t}"));
        let texts = [text("old", old), text("new", new)].map(Option::unwrap_or_default);
        vec![format!("configuration changed:{}", texts.concat())]
    };
    let none: [String; 0] = [];
    told(name);
    configure_failpoint(name, "2*off -> return").unwrap();
    let told_of = told(name);
    assert_eq!(told_of[0].target, "neon_failpoint");
    let fields = [
        ("failpoint", "str", name.to_owned()),
        ("new", "str", "2*off->return".to_owned()),
    ];
    assert_eq!(told_of[0].fields, fields);
    assert_eq!(told_of.len(), 1);
    configure_failpoint_with_context(name, "off", [("k", "v")]).unwrap();
    assert_eq!(
        lines(name),
        changed(Some("2*off->return"), Some("when(k=\"v\")off"))
    );
    configure_failpoint(name, "off").unwrap();
    told(name);
    configure_failpoints([(name, "return(1)"), ("events-changes-too", "pause")]).unwrap();
    assert_eq!(lines(name), changed(Some("off"), Some("return(1)")));
    assert_eq!(lines("events-changes-too"), changed(None, Some("pause")));
    configure_failpoint_callback(name, || {}).unwrap();
    assert_eq!(lines(name), changed(Some("return(1)"), Some("callback")));
    compat::cfg(name, "off").unwrap();
    assert_eq!(lines(name), changed(Some("callback"), Some("off")));

    let older = arm(name, "return(2)").unwrap();
    assert_eq!(lines(name), changed(Some("off"), Some("return(2)")));
    let younger = arm_callback(name, || {}).unwrap();
    assert_eq!(lines(name), changed(Some("return(2)"), Some("callback")));
    younger.configure("return(3)").unwrap();
    assert_eq!(lines(name), changed(Some("callback"), Some("return(3)")));
    // Beneath another nothing changes for whoever hits.
    older.configure("return(4)").unwrap();
    assert_eq!(lines(name), none);
    drop(younger);
    assert_eq!(lines(name), changed(Some("return(3)"), Some("return(4)")));
    remove_failpoint(name);
    assert_eq!(lines(name), changed(Some("return(4)"), None));
    drop(older);
    assert_eq!(lines(name), changed(None, Some("off")));

    // What changes nothing.
    assert!(configure_failpoint(name, "of").is_err());
    assert!(configure_failpoints([(name, "pause"), ("x", "")]).is_err());
    assert!(arm(name, "of").is_err());
    remove_failpoint("events-changes-absent");
    list_failpoints();
    hit("events-changes-absent");
    assert_eq!(lines(name), none);
    assert_eq!(lines("events-changes-absent"), none);

    remove_all_failpoints();
    assert_eq!(lines(name), changed(Some("off"), None));
    assert_eq!(lines("events-changes-too"), changed(Some("pause"), None));
    remove_all_failpoints();
    assert_eq!(lines(name), none);
    let guard = arm(name, "off").unwrap();
    assert_eq!(lines(name), changed(None, Some("off")));
    compat::FailScenario::setup().teardown();
    assert_eq!(lines(name), changed(Some("off"), None));
    drop(guard);
    assert_eq!(lines(name), none);
    let guard = arm(name, "off").unwrap();
    told(name);
    drop(guard);
    assert_eq!(lines(name), changed(Some("off"), None));
}

// A subscriber that uses failpoints.

#[test]
fn a_subscriber_that_hits_waits_and_configures_does_not_hear_of_itself() {
    let _table = shared();
    within_deadline("a subscriber that uses everything", || {
        let name = "events-subscriber";
        let calls = Arc::new(AtomicUsize::new(0));
        let counts = calls.clone();
        let guard = Arc::new(arm(name, "off").unwrap());
        let uses = Arc::downgrade(&guard);
        let hooked = Hooked::new(name, move |told| {
            counts.fetch_add(1, Ordering::SeqCst);
            let Some(guard) = uses.upgrade() else { return };
            hit("events-subscriber");
            fail_point_sync!("events-subscriber", |_| ());
            wait_for_hits("events-subscriber", 1).blocking().unwrap();
            list_failpoints();
            release_failpoint("events-subscriber", 1).unwrap();
            if told.message == "failpoint fired" {
                drop(arm("events-subscriber", "off").unwrap());
                guard.configure("off").unwrap();
                hit("events-subscriber");
            }
        });
        told(name);
        for n in 1..=3 {
            hit(name);
            assert_eq!(calls.load(Ordering::SeqCst), n);
        }
        // A wait that ends, in a task and in a thread.
        hooked_out(hooked);
        guard.configure("pause").unwrap();
        let again = Arc::new(AtomicUsize::new(0));
        let counts = again.clone();
        let hooked = Hooked::new(name, move |told| {
            if told.message == "wait ended" {
                counts.fetch_add(1, Ordering::SeqCst);
                let _ = list_failpoints();
                hit("events-subscriber-other");
                let _ = wait_for_hits("events-subscriber-other", 0).blocking();
            }
        });
        let other = arm("events-subscriber-other", "off").unwrap();
        let thread = thread::spawn(move || hit(name));
        let task = standing(name);
        guard.wait_until_paused(2).blocking().unwrap();
        assert_eq!(guard.release_all(), 2);
        thread.join().unwrap();
        assert_eq!(now(task), Continue);
        assert_eq!((again.load(Ordering::SeqCst), other.hits()), (2, 2));
        hooked_out(hooked);
    });
}

fn hooked_out(hooked: Hooked) {
    drop(hooked);
}

#[test]
fn a_subscriber_that_changes_the_point_does_not_change_the_hit_it_is_told_of() {
    let _table = shared();
    let name = "events-changes-it";
    let guard = arm(name, "return(first)").unwrap();
    let _hooked = Hooked::new(name, |told| {
        if told.message == "failpoint fired" {
            configure_failpoint("events-changes-it", "return(second)").unwrap();
        }
    });
    let value = |text: &str| Return(text.to_owned());
    assert_eq!(failpoint_blocking(name, None), value("first"));
    assert_eq!(now(failpoint(name, None)), value("second"));
    drop(guard);
}

#[test]
fn a_subscriber_that_panics_leaves_the_library_usable() {
    let _table = shared();
    let name = "events-panics";
    let guard = arm(name, "off").unwrap();
    let hooked = Hooked::new(name, |_| panic!("the subscriber panics"));
    assert_eq!(panic_of(|| hit(name)), "the subscriber panics");
    assert_eq!(
        panic_of(|| configure_failpoint(name, "pause")),
        "the subscriber panics"
    );
    drop(hooked);
    told(name);
    let thread = thread::spawn(move || hit(name));
    guard.wait_until_paused(1).blocking().unwrap();
    assert_eq!(guard.release_all(), 1);
    thread.join().unwrap();
    until("the end is told", || {
        lines(name)
            .iter()
            .any(|line| line == "wait ended: why=released")
    });
}

// Children.

const CASE: &str = "NEON_FAILPOINT_EVENTS_CASE";

static HEARD: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// A subscriber that is asked about every event, and keeps their levels in [`HEARD`].
struct Asked {
    most: LevelFilter,
    enabled: fn() -> bool,
}

impl Asked {
    fn listen(most: LevelFilter, enabled: fn() -> bool) {
        tracing::subscriber::set_global_default(Self { most, enabled }).unwrap();
    }
}

impl tracing::Subscriber for Asked {
    fn register_callsite(
        &self,
        _: &'static tracing::Metadata<'static>,
    ) -> tracing::subscriber::Interest {
        tracing::subscriber::Interest::sometimes()
    }
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        (self.enabled)()
    }
    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.most)
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        let level = event.metadata().level().to_string();
        HEARD.lock().unwrap().push(level);
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

const CASES: &[(&str, fn())] = &[
    ("env", || {
        listen();
        // Configured before the variable is read: it keeps that.
        compat::cfg("kept", "off").unwrap();
        told("kept");
        init().unwrap();
        for name in ["kept", "twice", "once"] {
            println!("said: {name}: {:?}", lines(name));
        }
    }),
    ("nobody", || {
        Asked::listen(LevelFilter::INFO, || true);
        let guard = arm("nobody", "1*print->pause").unwrap();
        hit("nobody");
        let waiting = standing("nobody");
        guard.release_all();
        assert_eq!(now(waiting), Continue);
        drop(guard);
        println!("said: {:?}", HEARD.lock().unwrap());
    }),
    ("lists", || {
        // It takes the lock of those who configure.
        Asked::listen(LevelFilter::DEBUG, || list_failpoints().len() < 100);
        configure_failpoint("lists", "off").unwrap();
        let guard = arm("lists", "off").unwrap();
        guard.configure("return").unwrap();
        drop(guard);
        remove_failpoint("lists");
        let heard = HEARD.lock().unwrap();
        println!("said: {} events", heard.len());
    }),
    ("drops", || {
        static PANICS: AtomicBool = AtomicBool::new(false);
        Asked::listen(LevelFilter::DEBUG, || {
            assert!(!PANICS.load(Ordering::SeqCst), "asked");
            true
        });
        let _guard = arm("drops", "pause").unwrap();
        let panicked = panic_of(|| {
            let _waiting = standing("drops");
            PANICS.store(true, Ordering::SeqCst);
            panic!("the test fails");
        });
        PANICS.store(false, Ordering::SeqCst);
        let point = list_failpoints().into_iter().find(|p| p.name() == "drops");
        println!("said: {panicked}, {} wait", point.unwrap().waiters().len());
    }),
    ("panics", || {
        static PANICS: AtomicBool = AtomicBool::new(false);
        Asked::listen(LevelFilter::DEBUG, || {
            assert!(!PANICS.load(Ordering::SeqCst), "asked");
            true
        });
        let changes: [(&str, fn()); 4] = [
            ("configured", || {
                configure_failpoint("panics", "off").unwrap()
            }),
            ("removed", || remove_failpoint("panics")),
            ("reset", remove_all_failpoints),
            ("armed", || drop(arm("panics", "off"))),
        ];
        for (how, change) in changes {
            configure_failpoint("panics", "pause").unwrap();
            let waiting = standing("panics");
            PANICS.store(true, Ordering::SeqCst);
            let panicked = panic_of(change);
            PANICS.store(false, Ordering::SeqCst);
            // Who waited goes on, and nothing is left half done.
            assert_eq!(now(waiting), Continue, "{how}");
            println!("said: {how}: {panicked}");
            remove_failpoint("panics");
            assert_eq!(now(failpoint("panics", None)), Continue, "{how}");
        }
    }),
    ("print", || {
        struct Hitting;
        impl<S: tracing::Subscriber> Layer<S> for Hitting {
            fn on_event(
                &self,
                _: &tracing::Event<'_>,
                _: tracing_subscriber::layer::Context<'_, S>,
            ) {
                hit("prints");
            }
        }
        let subscriber = tracing_subscriber::registry().with(Hitting);
        tracing::subscriber::set_global_default(subscriber).unwrap();
        configure_failpoint("prints", "print").unwrap();
        hit("prints");
        println!("said: it came back");
    }),
];

/// Runs in the child: the case that the variable names.
#[test]
fn child() {
    if let Ok(wanted) = std::env::var(CASE) {
        let case = CASES.iter().find(|(name, _)| *name == wanted);
        within_deadline("a case", case.expect("a known case").1);
    }
}

/// What the case says; `None` where its process does not come to a good end.
fn said(case: &str, failpoints: &str) -> Option<Vec<String>> {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["child", "--exact", "--nocapture"]);
    child.env(CASE, case).env("FAILPOINTS", failpoints);
    let output = child.output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = stdout.lines().filter_map(|line| line.split_once("said: "));
    let said = said.map(|(_, said)| said.to_owned()).collect();
    output.status.success().then_some(said)
}

#[test]
fn what_the_environment_configures_is_told_as_it_is_and_what_it_does_not_change_is_not() {
    let failpoints = "once=return(1);twice=off;kept=return;twice=return(2)";
    assert_eq!(
        said("env", failpoints).unwrap(),
        [
            "kept: []",
            r#"twice: ["configuration changed: new=return(2)"]"#,
            r#"once: ["configuration changed: new=return(1)"]"#,
        ]
    );
}

#[test]
fn nothing_is_told_to_who_listens_only_to_what_is_said() {
    assert_eq!(said("nobody", "").unwrap(), [r#"["INFO"]"#]);
}

#[test]
fn a_subscriber_that_lists_the_points_when_it_is_asked_comes_back() {
    // Five changes of one name.
    assert_eq!(said("lists", ""), Some(vec!["5 events".to_owned()]));
}

#[test]
fn a_subscriber_that_panics_when_it_is_asked_leaves_nobody_waiting() {
    let said = said("panics", "").unwrap();
    let hows = ["configured", "removed", "reset", "armed"];
    assert_eq!(said, hows.map(|how| format!("{how}: asked")));
}

#[test]
fn a_subscriber_that_panics_over_a_wait_that_a_panic_dropped_does_not_end_the_process() {
    assert_eq!(said("drops", "").unwrap(), ["the test fails, 0 wait"]);
}

#[test]
fn a_subscriber_that_hits_a_point_that_prints_comes_back() {
    assert_eq!(said("print", ""), Some(vec!["it came back".to_owned()]));
}
