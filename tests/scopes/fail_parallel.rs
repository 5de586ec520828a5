//! Proves with scopes what the tests of `fail-parallel` 0.6.0 prove with registries, one by one.
//!
//! A registry is handed to each call; a scope is where the test is. All tests here have one name for
//! their points, and run side by side. Each says whose twin it is.

mod beside;
mod store;

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{
    DEADLINE, child, now, panic_of, poll_once, until_waiting, waiters, within_deadline,
};
use neon_failpoint::compat::{self, FailScenario, cfg, cfg_callback, list, remove};
use neon_failpoint::{
    InScope, Scope, arm, arm_callback, configure_failpoint, fail_point, isolate, wait_until_paused,
};

const NAME: &str = "scopes-fail-parallel";

/// The value of a `return`, or 2 where it has none; 0 if it went on.
fn site() -> i64 {
    compat::fail_point!(const { NAME }, |value| value
        .map_or(2, |value| value.parse().unwrap()));
    0
}

/// A site that cannot return.
fn plain_site() {
    compat::fail_point!(const { NAME });
}

async fn async_site() -> Result<(), String> {
    fail_point!(const { NAME }, Err);
    Ok(())
}

/// Twin of `test_has_failpoints`. (In builds without them: `tests/without_testing.rs`.)
#[test]
fn whether_failpoints_are_compiled_in_is_known() {
    assert!(neon_failpoint::has_failpoints());
    assert!(compat::has_failpoints());
}

/// Twin of `test_off`.
#[test]
fn off_does_what_no_configuration_does() {
    let _alone = isolate();
    assert_eq!(site(), 0);
    cfg(NAME, "off").unwrap();
    assert_eq!(site(), 0);
    assert_eq!(now(async_site()), Ok(()));
}

/// Twin of `test_return`.
#[test]
fn return_hands_its_value_to_the_closure_if_it_has_one() {
    let _alone = isolate();
    assert_eq!(site(), 0);
    cfg(NAME, "return(1000)").unwrap();
    assert_eq!(site(), 1000);
    assert_eq!(now(async_site()), Err("1000".to_owned()));
    cfg(NAME, "return").unwrap();
    assert_eq!(site(), 2);
    assert_eq!(now(async_site()), Err(String::new()));
}

/// Twin of `test_sleep`.
#[test]
fn sleep_takes_as_long_as_it_says() {
    let _alone = isolate();
    cfg(NAME, "sleep(50)").unwrap();
    let start = Instant::now();
    plain_site();
    assert!(start.elapsed() >= Duration::from_millis(50));
}

/// Twin of `test_panic`.
#[test]
fn panic_panics_at_the_site() {
    let _alone = isolate();
    cfg(NAME, "panic(msg)").unwrap();
    assert_eq!(panic_of(plain_site), "msg");
    cfg(NAME, "panic").unwrap();
    assert_eq!(panic_of(plain_site), format!("failpoint {NAME} panic"));
}

fn printed() {
    static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let log = |record: &log::Record<'_>| {
        let line = format!("{} {}: {}", record.level(), record.target(), record.args());
        LINES.lock().unwrap().push(line);
    };
    crate::common::loggers::on_record(log, || ());
    let _alone = isolate();
    cfg(NAME, "print(msg)").unwrap();
    plain_site();
    cfg(NAME, "print").unwrap();
    plain_site();
    for line in LINES.lock().unwrap().iter() {
        child::say(line);
    }
}

#[test]
fn played_by_children() {
    child::play(&[("printed", printed), ("their panic", their_panic)]);
}

/// Twin of `test_print`. The logger is the process's.
#[test]
fn print_logs_its_message_or_the_name() {
    let output = child::run("fail_parallel::played_by_children", "printed", &[]);
    let bare = format!("INFO fail: failpoint {NAME} executed.");
    assert_eq!(child::said(&output), ["INFO fail: msg".to_owned(), bare]);
}

/// Twin of `test_pause`.
#[test]
fn a_paused_thread_goes_on_at_each_new_configuration_and_at_the_removal() {
    within_deadline("paused, paused again, removed", || {
        let alone = isolate();
        plain_site();
        cfg(NAME, "pause").unwrap();
        let (went_on, goes_on) = mpsc::channel();
        let hits = move || {
            for hit in 1..=3 {
                plain_site();
                went_on.send(hit).unwrap();
            }
        };
        let thread = thread::spawn(alone.scope().wrap(hits));
        until_waiting(NAME, 1);
        assert!(goes_on.try_recv().is_err());
        cfg(NAME, "pause").unwrap();
        assert_eq!(goes_on.recv_timeout(DEADLINE), Ok(1));
        until_waiting(NAME, 1);
        assert!(goes_on.try_recv().is_err());
        remove(NAME);
        assert_eq!(goes_on.recv_timeout(DEADLINE), Ok(2));
        assert_eq!(goes_on.recv_timeout(DEADLINE), Ok(3));
        thread.join().unwrap();
    });
}

/// Twin of `test_async_pause`.
#[tokio::test]
async fn a_paused_task_goes_on_at_a_new_configuration() {
    let _alone = isolate();
    configure_failpoint(NAME, "pause").unwrap();
    let task = tokio::spawn(async_site());
    wait_until_paused(NAME, 1).await.unwrap();
    assert!(!task.is_finished());
    configure_failpoint(NAME, "off").unwrap();
    assert_eq!(task.await.unwrap(), Ok(()));
}

/// Twin of `test_async_sleep`.
#[tokio::test(start_paused = true)]
async fn tasks_in_two_scopes_sleep_as_long_as_each_says() {
    let begun = tokio::time::Instant::now();
    let sleeper = |millis: u64| {
        let scope = Scope::new();
        let actions = format!("sleep({millis})");
        scope.run(|| configure_failpoint(NAME, actions)).unwrap();
        let slept = async move {
            async_site().await.unwrap();
            begun.elapsed()
        };
        tokio::spawn(slept.in_scope(&scope))
    };
    let (slow, fast) = (sleeper(10), sleeper(5));
    assert_eq!(fast.await.unwrap(), Duration::from_millis(5));
    assert!(!slow.is_finished());
    assert_eq!(slow.await.unwrap(), Duration::from_millis(10));
}

/// Twin of `test_yield`.
#[test]
fn yield_lets_others_run_once() {
    let _alone = isolate();
    cfg(NAME, "yield").unwrap();
    assert_eq!(site(), 0);
    let mut hit = Box::pin(async_site());
    assert!(poll_once(hit.as_mut()).is_pending());
    assert_eq!(now(hit), Ok(()));
}

/// Twin of `test_callback`.
#[test]
fn a_callback_is_called_by_every_site_of_the_name() {
    let _alone = isolate();
    let calls = Arc::new(AtomicUsize::new(0));
    let count = calls.clone();
    cfg_callback(NAME, move || {
        count.fetch_add(1, Ordering::SeqCst);
    })
    .unwrap();
    assert_eq!(site(), 0);
    plain_site();
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

/// Twin of `test_delay`.
#[test]
fn delay_takes_as_long_as_it_says() {
    let _alone = isolate();
    cfg(NAME, "delay(30)").unwrap();
    let start = Instant::now();
    plain_site();
    assert!(start.elapsed() >= Duration::from_millis(30));
}

/// Twin of `test_frequency_and_count`.
#[test]
fn a_percentage_with_a_count_fires_that_often_and_then_never() {
    let _alone = isolate();
    cfg(NAME, "80%4000*return").unwrap();
    let mut fired = 0;
    let mut hits = 0;
    while fired < 4000 {
        fired += i64::from(site() == 2);
        hits += 1;
    }
    // 5,000, and nine standard deviations around it.
    assert!((4700..=5300).contains(&hits), "{hits}");
    assert!((0..hits).all(|_| site() == 0));
}

/// Twin of `test_freq_and_count`.
#[test]
fn alternatives_take_their_counts_in_order() {
    let _alone = isolate();
    let chain = "50%50*return(1)->50%50*return(-1)->50*return";
    cfg(NAME, chain).unwrap();
    let sum: i64 = (0..5000).map(|_| site()).sum();
    // 50 times 1, 50 times -1, 50 times 2, and then none.
    assert_eq!(sum, 100);
}

/// Twin of `test_parse`.
#[test]
fn every_form_of_an_action_is_understood_and_nothing_else() {
    let _alone = isolate();
    for (actions, seen) in [
        ("return", [2; 3]),
        ("return(64)", [64; 3]),
        ("2*return", [2, 2, 0]),
        ("0%return", [0; 3]),
        ("125%2*return", [2, 2, 0]),
        ("125%2*off->return", [0, 0, 2]),
        (" 125%2*off ", [0; 3]),
        ("125%2*sleep(0)->return", [0, 0, 2]),
        ("125%2*print->return", [0, 0, 2]),
        ("125%2*print(msg)->return", [0, 0, 2]),
        ("125%2*yield->return", [0, 0, 2]),
        ("125%2*delay(0)->return", [0, 0, 2]),
    ] {
        cfg(NAME, actions).unwrap();
        assert_eq!([site(), site(), site()], seen, "{actions}");
    }
    compat::cfg(NAME, "return(2%5)").unwrap();
    let value = compat::eval(NAME, |value| value);
    assert_eq!(value, Some(Some("2%5".to_owned())));
    for actions in ["125%2*panic", "125%2*panic(msg)"] {
        cfg(NAME, actions).unwrap();
        panic_of(site);
        panic_of(site);
        assert_eq!(site(), 0);
    }
    configure_failpoint(NAME, "125%2*pause").unwrap();
    for pending in [true, true, false] {
        assert_eq!(
            poll_once(Box::pin(async_site()).as_mut()).is_pending(),
            pending
        );
    }
    for wrong in [
        "delay",
        "sleep",
        "Return",
        "ab%return",
        "ab*return",
        "return(msg",
        "unknown",
    ] {
        assert!(cfg(NAME, wrong).is_err(), "{wrong}");
        assert!(configure_failpoint(NAME, wrong).is_err(), "{wrong}");
    }
}

/// Twin of `test_setup_and_teardown`.
#[test]
fn a_scenario_in_a_scope_ends_with_its_points_and_their_waits() {
    within_deadline("a scenario ends", || {
        for teardown in [false, true] {
            let alone = isolate();
            let scenario = FailScenario::setup();
            let second = format!("{NAME}-second");
            cfg(NAME, "return").unwrap();
            cfg(&second, "pause").unwrap();
            assert_eq!(site(), 2);
            let name = second.clone();
            let hit = move || compat::eval(&name, |_| ());
            let thread = thread::spawn(alone.scope().wrap(hit));
            until_waiting(&second, 1);
            assert!(!thread.is_finished());
            if teardown {
                scenario.teardown();
            } else {
                cfg(NAME, "off").unwrap();
                cfg(&second, "off").unwrap();
            }
            assert_eq!(thread.join().unwrap(), None);
            assert_eq!(site(), 0);
        }
    });
}

/// Twin of `test_condition`.
#[test]
fn a_site_with_a_condition_is_hit_where_it_holds() {
    fn site_if(is_hit: bool) -> u32 {
        compat::fail_point!(const { NAME }, is_hit, |_| 2);
        0
    }
    let _alone = isolate();
    assert_eq!(site_if(false), 0);
    cfg(NAME, "return").unwrap();
    assert_eq!((site_if(false), site_if(true)), (0, 2));
}

/// Twin of `test_list`.
#[test]
fn the_list_has_what_the_scope_configures_and_nothing_of_another() {
    let _alone = isolate();
    assert_eq!(list(), []);
    for actions in ["off", "return"] {
        cfg(NAME, actions).unwrap();
        assert_eq!(list(), [(NAME.to_owned(), actions.to_owned())]);
        assert_eq!(Scope::new().run(list), []);
    }
}

/// Twin of `test_fail_point_send_propagates_failpoints`.
#[test]
fn a_hit_that_is_reported_returns_as_configured() {
    let _alone = isolate();
    let point = arm(NAME, "return(propagated)").unwrap();
    assert_eq!(now(async_site()), Err("propagated".to_owned()));
    point.wait_until_fired(1).blocking().unwrap();
}

/// Twin of `test_fail_point_send_sends_events`.
#[test]
fn a_point_tells_a_channel_of_each_hit_and_of_nothing_else() {
    let _alone = isolate();
    let (sender, events) = mpsc::channel();
    let _told = arm_callback(NAME, move || sender.send(NAME).unwrap()).unwrap();
    assert_eq!(site(), 0);
    assert_eq!(events.try_recv(), Ok(NAME));
    assert!(events.try_recv().is_err());
}

/// Twin of `test_fail_point_send_without_return_expression`.
#[test]
fn a_site_without_a_closure_calls_back_and_is_counted() {
    let _alone = isolate();
    let calls = Arc::new(AtomicUsize::new(0));
    let count = calls.clone();
    let point = arm_callback(NAME, move || {
        count.fetch_add(1, Ordering::SeqCst);
    })
    .unwrap();
    plain_site();
    assert_eq!((calls.load(Ordering::SeqCst), point.hits()), (1, 1));
    assert_eq!(waiters(NAME), 0);
}

/// A test of `fail-parallel` about builds without failpoints, and its twin in `tests/without_testing.rs`.
const WITHOUT_TESTING: (&str, &str) = (
    "test_fail_point_send_without_return_expression_is_disabled",
    "fn blocking_macros_evaluate_none_of_their_arguments()",
);

#[test]
fn each_test_of_fail_parallel_has_a_twin_here() {
    let here = include_str!("fail_parallel.rs");
    let without_testing = include_str!("../without_testing.rs");
    let upstream = upstream();
    let files = ["src/lib.rs", "tests/tests.rs", "tests/no_use_import.rs"];
    let texts = files.map(|file| std::fs::read_to_string(upstream.join(file)).unwrap());
    let lines = texts.iter().flat_map(|text| text.lines()).map(str::trim);
    let tests = lines.filter_map(|line| {
        let function = line.strip_prefix("async ").unwrap_or(line);
        let (name, _) = function.strip_prefix("fn ")?.split_once('(')?;
        name.starts_with("test_").then_some(name)
    });
    let tests: Vec<&str> = tests.collect();
    assert_eq!(tests.len(), 14 + 16 + 1, "{tests:?}");
    for test in tests {
        let (disabled, twin) = WITHOUT_TESTING;
        let has_twin = match test == disabled {
            true => without_testing.contains(twin),
            false => here.contains(&format!("/// Twin of `{test}`.")),
        };
        assert!(has_twin, "{test}");
    }
}

/// A panic that comes from the source of `fail-parallel`.
fn their_panic() {
    let registry = Arc::new(fail_parallel::FailPointRegistry::new());
    fail_parallel::cfg(registry.clone(), NAME, "panic").unwrap();
    panic_of(|| fail_parallel::fail_point!(registry, NAME));
}

/// Where the source of `fail-parallel` is: one of its panics says so.
fn upstream() -> PathBuf {
    let output = child::run("fail_parallel::played_by_children", "their panic", &[]);
    let said = String::from_utf8(output.stderr).unwrap();
    let places = said
        .lines()
        .filter_map(|line| line.split_once("panicked at "));
    // PATH:LINE:COLUMN:
    let paths = places.filter_map(|(_, place)| place.rsplitn(4, ':').last());
    let files = paths.map(PathBuf::from);
    let mut folders = files.filter_map(|file| Some(file.parent()?.parent()?.to_owned()));
    folders.next().unwrap_or_else(|| panic!("no place: {said}"))
}
