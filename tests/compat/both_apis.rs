//! `compat` and the native API on one table.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::task::Context;
use std::time::{Duration, Instant};

use neon_failpoint::compat::{
    self, FailGuard, FailScenario, async_fail_point, cfg, cfg_callback, eval, fail_point,
};
use neon_failpoint::{
    FailpointInfo, FailpointResult, configure_failpoint, fail_point_sync, failpoint,
    failpoint_blocking, list_failpoints,
};

use crate::common::loggers::on_record;
use crate::common::{Calling, now, panic_of, until, until_waiting, until_waiting_async};

/// A compat site that returns, as text.
fn compat_site() -> String {
    fail_point!("shared", |value| format!("{value:?}"));
    "went on".to_owned()
}

fn native_site() -> String {
    fail_point_sync!("shared", |value| format!("{value:?}"));
    "went on".to_owned()
}

async fn async_site() -> String {
    async_fail_point!("shared", |value| format!("{value:?}"));
    "went on".to_owned()
}

fn configured() -> Vec<FailpointInfo> {
    let points = list_failpoints().into_iter();
    points.filter(FailpointInfo::is_configured).collect()
}

/// What `log` got since the last call, as `target: text`.
fn logged() -> Vec<String> {
    static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());
    static INSTALL: Once = Once::new();
    fn lines() -> MutexGuard<'static, Vec<String>> {
        LINES.lock().unwrap_or_else(PoisonError::into_inner)
    }
    let gather = |record: &log::Record<'_>| {
        let line = format!("{} {}: {}", record.level(), record.target(), record.args());
        lines().push(line);
    };
    INSTALL.call_once(|| on_record(gather, || {}));
    std::mem::take(&mut lines())
}

#[test]
fn a_point_configured_by_either_api_acts_on_sites_of_both() {
    let _scenario = FailScenario::setup();
    cfg("shared", "1*return->1*return(a)->off").unwrap();
    assert_eq!(
        (compat_site(), native_site()),
        ("None".into(), "\"a\"".into())
    );
    configure_failpoint("shared", "1*return->1*return(a)->off").unwrap();
    assert_eq!(
        (native_site(), compat_site()),
        ("\"\"".into(), "Some(\"a\")".into())
    );
    assert_eq!(
        (native_site(), compat_site()),
        ("went on".into(), "went on".into())
    );
    compat::remove("shared");
    assert!(configured().is_empty());
}

#[test]
fn each_list_has_the_points_of_both() {
    let _scenario = FailScenario::setup();
    cfg("b", " 1*off -> return( x )").unwrap();
    configure_failpoint("a", " 2*off -> pause ").unwrap();
    cfg_callback("c", || {}).unwrap();
    let expected = [
        ("a", " 2*off -> pause "),
        ("b", " 1*off -> return( x )"),
        ("c", "callback"),
    ];
    let expected: Vec<_> = expected
        .iter()
        .map(|(n, a)| (n.to_string(), a.to_string()))
        .collect();
    assert_eq!(compat::list(), expected);
    let natively: Vec<_> = configured()
        .iter()
        .map(|p| p.actions().unwrap().to_owned())
        .collect();
    assert_eq!(natively, ["2*off->pause", "1*off->return( x )", "callback"]);
}

#[test]
fn native_tasks_and_matchers_are_no_words_of_fail_but_do_their_work() {
    let _scenario = FailScenario::setup();
    assert_eq!(
        cfg("shared", "exit").unwrap_err(),
        r#"unrecognized command "exit""#
    );
    assert_eq!(
        cfg("shared", "when(a=b)off").unwrap_err(),
        "parentheses do not match"
    );
    #[cfg(feature = "context")]
    {
        configure_failpoint("shared", "when(a=b)return(1)->return(2)").unwrap();
        assert_eq!(compat_site(), "Some(\"2\")");
    }
}

#[test]
fn print_goes_to_log_with_the_target_fail() {
    let _scenario = FailScenario::setup();
    logged();
    cfg("shared", "1*print->1*print(hello)->off").unwrap();
    compat_site();
    compat_site();
    assert_eq!(
        logged(),
        ["INFO fail: failpoint shared executed.", "INFO fail: hello"]
    );
    // Natively it is an event of `tracing`, which nobody listens to here.
    configure_failpoint("shared", "print").unwrap();
    native_site();
    assert_eq!(logged(), [""; 0]);
}

#[test]
fn a_compat_sleep_lasts_and_a_native_one_ends_with_its_configuration() {
    let _scenario = FailScenario::setup();
    let hits = || configured().first().map_or(0, |p| p.hits());

    cfg("shared", "sleep(300)").unwrap();
    let start = Instant::now();
    let sleeper = std::thread::spawn(compat_site);
    until("the sleeper is there", || hits() == 1);
    compat::remove("shared");
    sleeper.join().unwrap();
    assert!(start.elapsed() >= Duration::from_millis(300));

    cfg("shared", "sleep(3600000)").unwrap();
    let sleeper = std::thread::spawn(native_site);
    until_waiting("shared", 1);
    compat::remove("shared");
    assert_eq!(sleeper.join().unwrap(), "went on");
}

#[test]
fn a_scenario_clears_every_point_and_lets_everybody_go() {
    let scenario = FailScenario::setup();
    configure_failpoint("shared", "pause").unwrap();
    let waiting = [
        std::thread::spawn(compat_site),
        std::thread::spawn(native_site),
    ];
    until_waiting("shared", 2);
    scenario.teardown();
    for thread in waiting {
        assert_eq!(thread.join().unwrap(), "went on");
    }
    let _next = FailScenario::setup();
    assert!(configured().is_empty());
    assert_eq!(
        failpoint_blocking("shared", None),
        FailpointResult::Continue
    );
}

/// In `fail` it deadlocks.
#[test]
fn a_second_setup_on_one_thread_panics_and_says_why() {
    let scenario = FailScenario::setup();
    cfg("shared", "return").unwrap();
    let second = std::panic::catch_unwind(|| drop(FailScenario::setup()));
    let message = *second.unwrap_err().downcast::<String>().unwrap();
    assert!(
        message.contains("this thread has a scenario already"),
        "{message}"
    );
    assert_eq!(compat_site(), "None", "the first one goes on");
    drop(scenario);
    drop(FailScenario::setup());
}

/// A callback's destructor is a user's code, and runs when the scenario clears its point.
#[test]
fn a_destructor_that_panics_in_teardown_leaves_the_thread_free_for_the_next_scenario() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("bomb");
        }
    }
    let scenario = FailScenario::setup();
    let bomb = Bomb;
    cfg_callback("shared", move || {
        let _ = &bomb;
    })
    .unwrap();
    let teardown = std::panic::AssertUnwindSafe(|| scenario.teardown());
    assert!(std::panic::catch_unwind(teardown).is_err());
    let _next = FailScenario::setup();
    assert!(configured().is_empty());
}

#[test]
fn setup_waits_for_the_scenario_of_another_thread() {
    let scenario = FailScenario::setup();
    let (ended, other_ended) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let other = std::thread::spawn({
        let (ended, other_ended) = (ended.clone(), other_ended.clone());
        move || {
            let _scenario = FailScenario::setup();
            other_ended.store(1, Ordering::SeqCst);
            ended.load(Ordering::SeqCst)
        }
    });
    cfg("shared", "return").unwrap();
    for _ in 0..1_000 {
        std::thread::yield_now();
    }
    assert_eq!(other_ended.load(Ordering::SeqCst), 0);
    ended.store(1, Ordering::SeqCst);
    scenario.teardown();
    assert_eq!(
        other.join().unwrap(),
        1,
        "it began before the first one ended"
    );
}

#[test]
fn a_guard_removes_the_name_whatever_is_under_it() {
    let _scenario = FailScenario::setup();
    cfg("shared", "return(outer)").unwrap();
    let guard = FailGuard::new("shared", "return(inner)").unwrap();
    assert_eq!(compat_site(), "Some(\"inner\")");
    assert_eq!(format!("{guard:?}"), r#"FailGuard("shared")"#);
    drop(guard);
    assert_eq!(compat_site(), "went on");
    assert!(FailGuard::new("shared", "of").is_err());
}

#[test]
fn a_guard_and_a_scenario_dropped_while_the_thread_panics_add_no_panic() {
    let wakes = Calling::waker(|| panic!("the waker panics"));
    for by_guard in [true, false] {
        let mut waiting = Box::pin(failpoint("panicking", None));
        let text = panic_of(|| {
            let _scenario = FailScenario::setup();
            let _guard = match by_guard {
                true => Some(FailGuard::new("panicking", "pause").unwrap()),
                false => cfg("panicking", "pause").map(|()| None).unwrap(),
            };
            let poll = waiting.as_mut().poll(&mut Context::from_waker(&wakes));
            assert!(poll.is_pending());
            panic!("the test fails");
        });
        assert_eq!(text, "the test fails");
        assert_eq!(now(waiting), FailpointResult::Continue);
    }
}

#[test]
fn a_callback_may_reconfigure_its_own_point() {
    let _scenario = FailScenario::setup();
    cfg_callback("shared", || cfg("shared", "return(later)").unwrap()).unwrap();
    assert_eq!(
        (compat_site(), compat_site()),
        ("went on".into(), "Some(\"later\")".into())
    );
}

#[test]
fn eval_and_run_time_names_find_what_literals_find() {
    let _scenario = FailScenario::setup();
    const NAME: &str = "shared";
    let by_name = |name: &str| {
        fail_point!(name, |value| value);
        None
    };
    let by_const = || -> Option<String> {
        fail_point!(NAME, true, |value: Option<String>| value);
        None
    };
    assert_eq!(eval("shared", |v| v), None);
    cfg("shared", "return(1)").unwrap();
    assert_eq!(eval("shared", |v| v), Some(Some("1".to_owned())));
    assert_eq!(
        (by_name("shared"), by_const()),
        (Some("1".into()), Some("1".into()))
    );
}

#[test]
fn a_return_without_a_closure_panics_in_fails_words() {
    let _scenario = FailScenario::setup();
    cfg("shared", "return").unwrap();
    let message = |hit: fn()| {
        *std::panic::catch_unwind(hit)
            .unwrap_err()
            .downcast::<String>()
            .unwrap()
    };
    let expected = "Return is not supported for the fail point \"shared\"";
    assert_eq!(message(|| fail_point!("shared")), expected);
    assert_eq!(
        message(|| fail_point!(String::from("shared").as_str())),
        expected
    );
    let poll = || crate::common::block_on(async { async_fail_point!("shared") });
    assert_eq!(message(poll), expected);
}

#[tokio::test]
async fn async_fail_point_takes_fails_arguments_and_awaits() {
    let _scenario = FailScenario::setup();
    assert_eq!(async_site().await, "went on");
    cfg("shared", "1*return->1*return(x)->1*yield->pause").unwrap();
    assert_eq!(async_site().await, "None");
    assert_eq!(async_site().await, "Some(\"x\")");
    assert_eq!(async_site().await, "went on");
    let task = tokio::spawn(async_site());
    until_waiting_async("shared", 1).await;
    // Ends early, as in the async column; the new configuration is for later hits.
    cfg("shared", "return(next)").unwrap();
    assert_eq!(task.await.unwrap(), "went on");
    assert_eq!(async_site().await, "Some(\"next\")");
    assert_eq!(
        failpoint("shared", None).await,
        FailpointResult::Return("next".to_owned())
    );

    logged();
    cfg("shared", "print").unwrap();
    async_site().await;
    assert_eq!(logged(), ["INFO fail: failpoint shared executed."]);
}

#[test]
fn async_fail_point_leaves_its_condition_and_closure_alone_until_they_are_due() {
    let _scenario = FailScenario::setup();
    // A closure that is not `Send` is not held across the await.
    fn is_send<F: Future + Send>(future: F) -> F {
        future
    }
    async fn site(on: bool) -> u32 {
        async_fail_point!("shared", on, {
            let local = std::rc::Rc::new(5);
            move |_| *local + 1
        });
        0
    }
    cfg("shared", "return").unwrap();
    assert_eq!(crate::common::block_on(is_send(site(true))), 6);
    assert_eq!(crate::common::block_on(is_send(site(false))), 0);
    assert_eq!(configured()[0].hits(), 1);
}

#[test]
fn negative_and_nan_percentages_are_refused() {
    let _scenario = FailScenario::setup();
    for bad in ["-5%return", "nan%return", "-inf%return"] {
        let error = cfg("shared", bad).unwrap_err();
        assert_eq!(
            error, "failed to parse frequency: not a number from 0 up",
            "{bad}"
        );
    }
    for always in ["inf%return", "1e39%return", "125%return"] {
        cfg("shared", always).unwrap();
        assert_eq!(compat_site(), "None", "{always}");
        // What is listed natively configures the same.
        configure_failpoint("shared", configured()[0].actions().unwrap()).unwrap();
        assert_eq!(compat_site(), "None", "{always}");
    }
}

#[test]
fn types_have_fails_auto_traits_and_lifetimes() {
    fn setup() -> FailScenario<'static> {
        FailScenario::setup()
    }
    fn is_sync<T: Sync + std::fmt::Debug>(_: &T) {}
    const IN_A_CONST: bool = compat::has_failpoints();
    let scenario = setup();
    is_sync(&scenario);
    const { assert!(IN_A_CONST) };
}
