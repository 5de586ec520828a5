//! Proves what `fail-parallel` 0.6.0 answers where scopes answer otherwise, and where both say the same:
//! a test asks both. The table in `migration/README.md` names each of these tests.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::Context;
use std::thread;
use std::time::{Duration, Instant};

use fail_parallel::{FailPointRegistry, FailPointTx, fail_point_channel};

use super::{NAME, async_site, plain_site, site};
use crate::common::loggers::on_record;
use crate::common::{Counter, block_on, child, hit, now, panic_of, poll_once, poll_with, value};
use neon_failpoint::FailpointResult::Continue;
use neon_failpoint::compat::{FailGuard, FailScenario, async_fail_point, cfg, list};
use neon_failpoint::{Scope, arm, arm_callback, configure_failpoint, failpoint, isolate, set_seed};

fn registry() -> Arc<FailPointRegistry> {
    Arc::new(FailPointRegistry::new())
}

/// As [`site`].
fn their_site(registry: &Arc<FailPointRegistry>) -> i64 {
    fail_parallel::fail_point!(registry.clone(), NAME, |value: Option<String>| value
        .map_or(2, |value| value.parse().unwrap()));
    0
}

/// As [`async_site`]. It does not keep the registry.
async fn their_async_site(registry: Arc<FailPointRegistry>) -> Result<(), String> {
    fail_parallel::fail_point_async!(registry, NAME, |value: Option<String>| Err(
        value.unwrap_or_default()
    ));
    Ok(())
}

/// A site that tells of each hit, which has no twin that awaits.
fn their_telling_site(tx: &FailPointTx, name: &str) {
    fail_parallel::fail_point_send!(tx, name);
}

fn their_cfg(registry: &Arc<FailPointRegistry>, actions: &str) -> Result<(), String> {
    fail_parallel::cfg(registry.clone(), NAME, actions)
}

#[test]
fn a_registry_is_handed_to_the_site_and_a_scope_is_where_the_caller_is() {
    let registries = [registry(), registry()];
    let scopes = [Scope::new(), Scope::new()];
    for i in [0, 1] {
        let actions = format!("return({})", 7 + i);
        their_cfg(&registries[i], &actions).unwrap();
        scopes[i].run(|| cfg(NAME, &actions)).unwrap();
    }
    // Both of one call site, one after the other, in one task.
    let theirs = registries.each_ref().map(their_site);
    let ours = scopes.each_ref().map(|scope| scope.run(site));
    assert_eq!((theirs, ours), ([7, 8], [7, 8]));
    // Without either: there is no such call of theirs.
    assert_eq!(site(), 0);
}

#[test]
fn a_registry_has_its_own_points_only_and_a_scope_shows_those_around_it() {
    let (outer, inner) = (registry(), registry());
    let _alone = isolate();
    let scope = Scope::new();
    their_cfg(&outer, "return(7)").unwrap();
    cfg(NAME, "return(7)").unwrap();
    assert_eq!((their_site(&inner), scope.run(site)), (0, 7));
    // What is to see nothing of them says so.
    scope.run(|| cfg(NAME, "off")).unwrap();
    assert_eq!((scope.run(site), site()), (0, 7));
}

#[test]
fn a_thread_that_has_the_registry_sees_it_and_a_scope_is_taken_along() {
    let registry = registry();
    let alone = isolate();
    their_cfg(&registry, "return(7)").unwrap();
    cfg(NAME, "return(7)").unwrap();
    let theirs = thread::spawn(move || their_site(&registry)).join().unwrap();
    let ours = thread::spawn(site).join().unwrap();
    let wrapped = thread::spawn(alone.scope().wrap(site)).join().unwrap();
    assert_eq!((theirs, ours, wrapped), (7, 0, 7));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_gets_a_clone_of_the_registry_and_is_in_the_scope_of_its_runtime() {
    let registry = registry();
    let _alone = isolate();
    their_cfg(&registry, "return(x)").unwrap();
    configure_failpoint(NAME, "return(x)").unwrap();
    let theirs = tokio::spawn(their_async_site(registry.clone()));
    let ours = tokio::spawn(async_site());
    let blocking = tokio::task::spawn_blocking(|| hit(NAME));
    assert_eq!(theirs.await.unwrap(), Err("x".to_owned()));
    assert_eq!(ours.await.unwrap(), Err("x".to_owned()));
    assert_eq!(blocking.await.unwrap(), value("x"));
}

#[test]
fn whoever_waits_when_the_registry_is_dropped_waits_for_ever_and_the_end_of_a_scope_wakes() {
    let registry = registry();
    their_cfg(&registry, "pause").unwrap();
    let last = Arc::downgrade(&registry);
    let (woken, waker) = Counter::new();
    let mut theirs = pin!(their_async_site(registry));
    assert!(poll_with(theirs.as_mut(), &waker).is_pending());
    assert!(last.upgrade().is_none(), "nobody can reach the point now");
    assert_eq!(woken.woken(), 0);
    assert!(poll_once(theirs.as_mut()).is_pending());

    let scope = Scope::new();
    scope.run(|| configure_failpoint(NAME, "pause")).unwrap();
    let (woken, waker) = Counter::new();
    let mut ours = pin!(async_site());
    let entered = scope.enter();
    let mut context = Context::from_waker(&waker);
    assert!(ours.as_mut().poll(&mut context).is_pending());
    drop((entered, scope));
    assert_eq!(woken.woken(), 1);
    assert_eq!(now(ours), Ok(()));
}

#[test]
fn a_registry_that_is_kept_can_be_configured_and_a_scope_that_has_ended_cannot() {
    let alone = isolate();
    let scope = alone.scope().clone();
    drop(alone);
    let error = scope.run(|| cfg(NAME, "off")).unwrap_err();
    assert_eq!(error, "the scope has ended");
    let registry = registry();
    fail_parallel::FailScenario::setup(registry.clone()).teardown();
    their_cfg(&registry, "return(7)").unwrap();
    assert_eq!(their_site(&registry), 7);
}

#[test]
fn a_second_scenario_clears_the_first_one_there_and_is_refused_here() {
    let registry = registry();
    let first = fail_parallel::FailScenario::setup(registry.clone());
    their_cfg(&registry, "return(7)").unwrap();
    let second = fail_parallel::FailScenario::setup(registry.clone());
    assert_eq!(their_site(&registry), 0);
    drop((first, second));

    let _alone = isolate();
    let first = FailScenario::setup();
    cfg(NAME, "return(7)").unwrap();
    let refused = panic_of(FailScenario::setup);
    assert!(refused.contains("has a scenario already"), "{refused}");
    assert_eq!(site(), 7);
    drop(first);
}

/// FAILPOINTS has a point of this name that returns 7.
fn environment() {
    let registry = registry();
    let scope = Scope::new();
    assert_eq!(
        (their_site(&registry), scope.run(|| hit(NAME))),
        (0, value("7"))
    );
    let scenario = fail_parallel::FailScenario::setup(registry.clone());
    assert_eq!(their_site(&registry), 7);
    drop(scenario);
    assert_eq!(their_site(&registry), 0);
    // A scope hides it, a scenario in one has it as its own.
    scope.run(|| cfg(NAME, "off")).unwrap();
    assert_eq!((scope.run(|| hit(NAME)), hit(NAME)), (Continue, value("7")));
    scope.run(|| {
        let scenario = FailScenario::setup();
        assert_eq!((site(), list().len()), (7, 1));
        drop(scenario);
        assert_eq!(list(), []);
    });
    child::say("done");
}

#[test]
fn the_environment_is_that_of_a_registry_set_up_with_it_there_and_of_every_scope_here() {
    let failpoints = format!("{NAME}=return(7)");
    let output = run("environment", &[("FAILPOINTS", failpoints.as_ref())]);
    assert_eq!(child::said(&output), ["done"]);
}

/// FAILPOINTS cannot be read.
fn malformed() {
    let registry = registry();
    let theirs = panic_of(|| fail_parallel::FailScenario::setup(registry.clone()));
    let ours = panic_of(FailScenario::setup);
    assert_eq!(theirs, ours);
    panic_of(|| their_cfg(&registry, "off"));
    cfg(NAME, "return(7)").unwrap();
    assert_eq!(site(), 7);
    child::say(ours);
}

#[test]
fn a_malformed_environment_spoils_the_registry_there_and_nothing_here() {
    let failpoints = format!("{NAME}=retrun");
    let output = run("malformed", &[("FAILPOINTS", failpoints.as_ref())]);
    let panic = format!(r#"unable to configure failpoint "{NAME}": unrecognized command "retrun""#);
    assert_eq!(child::said(&output), [panic]);
}

#[test]
fn a_percentage_below_zero_spoils_the_registry_there_and_is_refused_here() {
    let registry = registry();
    their_cfg(&registry, "-5%return").unwrap();
    panic_of(|| their_site(&registry));
    // The point's lock is poisoned, then the registry's.
    panic_of(|| their_cfg(&registry, "off"));
    panic_of(|| fail_parallel::list(registry.clone()));

    let _alone = isolate();
    cfg(NAME, "return(7)").unwrap();
    let error = cfg(NAME, "-5%return").unwrap_err();
    assert!(error.contains("not a number from 0 up"), "{error}");
    assert_eq!(site(), 7);
}

#[test]
fn an_async_sleep_needs_tokios_timer_there_and_no_runtime_here() {
    let registry = registry();
    their_cfg(&registry, "sleep(1)").unwrap();
    let no_runtime = panic_of(|| block_on(their_async_site(registry)));
    assert!(no_runtime.contains("no reactor running"), "{no_runtime}");

    let _alone = isolate();
    configure_failpoint(NAME, "sleep(1)").unwrap();
    assert_eq!(block_on(async_site()), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn an_async_sleep_follows_a_paused_clock_and_ends_early_here_only() {
    let hour = Duration::from_secs(3600);
    let registry = registry();
    let _alone = isolate();
    let configured = |actions| {
        their_cfg(&registry, actions).unwrap();
        configure_failpoint(NAME, actions).unwrap();
    };
    let begun = tokio::time::Instant::now();
    configured("sleep(3600000)");
    their_async_site(registry.clone()).await.unwrap();
    assert_eq!(begun.elapsed(), hour);
    async_site().await.unwrap();
    assert_eq!(begun.elapsed(), 2 * hour);

    let mut theirs = Box::pin(their_async_site(registry.clone()));
    let mut ours = Box::pin(async_site());
    assert!(poll_once(theirs.as_mut()).is_pending());
    assert!(poll_once(ours.as_mut()).is_pending());
    configured("off");
    assert!(poll_once(theirs.as_mut()).is_pending());
    assert_eq!(now(ours), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn the_macro_of_compat_that_awaits_sleeps_in_real_time() {
    let _alone = isolate();
    cfg(NAME, "sleep(20)").unwrap();
    let (begun, clock) = (Instant::now(), tokio::time::Instant::now());
    async_fail_point!(const { NAME });
    assert!(begun.elapsed() >= Duration::from_millis(20));
    assert_eq!(clock.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn to_let_one_of_two_waiters_go_there_wakes_both_and_here_one() {
    let registry = registry();
    their_cfg(&registry, "pause").unwrap();
    let mut theirs = [0, 1].map(|_| Box::pin(their_async_site(registry.clone())));
    assert!(
        theirs
            .iter_mut()
            .all(|hit| poll_once(hit.as_mut()).is_pending())
    );
    // The way to wake a waiter and to have the next hit wait: to configure the same again.
    their_cfg(&registry, "pause").unwrap();
    for hit in theirs {
        assert_eq!(now(hit), Ok(()));
    }

    let _alone = isolate();
    let point = arm(NAME, "pause").unwrap();
    let tasks = [0, 1].map(|_| tokio::spawn(async_site()));
    point.wait_until_paused(2).await.unwrap();
    assert_eq!(point.release_one(), 1);
    assert_eq!(point.waiters().len(), 1);
    assert_eq!(point.release_all(), 1);
    for task in tasks {
        assert_eq!(task.await.unwrap(), Ok(()));
    }
}

#[tokio::test]
async fn an_event_comes_before_the_pause_there_and_a_wait_here_ends_with_it() {
    let registry = registry();
    let (tx, events) = fail_point_channel(registry.clone());
    let events = Arc::new(Mutex::new(events));
    let in_callback = events.clone();
    let seen = Arc::new(AtomicUsize::new(0));
    let count = seen.clone();
    // What a callback sees stands for what a pause would: it is the action.
    fail_parallel::cfg_callback(registry, NAME, move || {
        assert_eq!(in_callback.lock().unwrap().try_recv().unwrap(), NAME);
        count.fetch_add(1, Ordering::SeqCst);
    })
    .unwrap();
    their_telling_site(&tx, NAME);
    assert_eq!(seen.load(Ordering::SeqCst), 1);

    let _alone = isolate();
    let point = arm(NAME, "pause").unwrap();
    let task = tokio::spawn(async_site());
    point.wait_until_paused(1).await.unwrap();
    assert_eq!(point.waiters().len(), 1);
    assert_eq!(point.release_one(), 1);
    assert_eq!(task.await.unwrap(), Ok(()));
}

#[test]
fn events_tell_of_every_point_reached_there_and_of_those_that_are_armed_here() {
    let names = ["scopes-fail-parallel-a", "scopes-fail-parallel-b"];
    let (tx, mut events) = fail_point_channel(registry());
    for name in names {
        their_telling_site(&tx, name);
    }
    let theirs: Vec<String> = std::iter::from_fn(|| events.try_recv().ok()).collect();
    assert_eq!(theirs, names);

    let _alone = isolate();
    let (tx, events) = mpsc::channel();
    let tell = |name: &'static str| {
        let tx = tx.clone();
        arm_callback(name, move || tx.send(name).unwrap()).unwrap()
    };
    let first = tell(names[0]);
    assert_eq!(names.map(hit), [Continue, Continue]);
    assert_eq!(events.try_iter().collect::<Vec<_>>(), names[..1]);
    let second = tell(names[1]);
    assert_eq!(names.map(hit), [Continue, Continue]);
    assert_eq!(events.try_iter().collect::<Vec<_>>(), names);
    assert_eq!((first.hits(), second.hits()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_site_that_tells_blocks_its_thread_there_and_awaits_here() {
    let registry = registry();
    let (tx, _events) = fail_point_channel(registry.clone());
    let _alone = isolate();
    their_cfg(&registry, "sleep(30)").unwrap();
    let point = arm(NAME, "sleep(30)").unwrap();
    let other_task = Arc::new(AtomicUsize::new(0));
    let ran = other_task.clone();
    tokio::spawn(async move { ran.fetch_add(1, Ordering::SeqCst) });

    let (begun, clock) = (Instant::now(), tokio::time::Instant::now());
    their_telling_site(&tx, NAME);
    assert!(begun.elapsed() >= Duration::from_millis(30));
    assert_eq!(clock.elapsed(), Duration::ZERO);
    assert_eq!(other_task.load(Ordering::SeqCst), 0);

    assert_eq!(async_site().await, Ok(()));
    assert_eq!(
        (clock.elapsed(), point.hits()),
        (Duration::from_millis(30), 1)
    );
    assert_eq!(other_task.load(Ordering::SeqCst), 1);
}

#[test]
fn draws_differ_from_run_to_run_there_and_follow_a_seed_here() {
    let theirs = [(); 2].map(|()| {
        let registry = registry();
        their_cfg(&registry, "50%return").unwrap();
        [(); 200].map(|()| their_site(&registry))
    });
    // Equal once in 2^200 runs.
    assert_ne!(theirs[0], theirs[1]);

    let _alone = isolate();
    set_seed(7);
    let ours = [(); 2].map(|()| {
        Scope::new().run(|| {
            cfg(NAME, "50%return").unwrap();
            [(); 200].map(|()| site())
        })
    });
    assert_eq!(ours[0], ours[1]);
}

#[test]
fn the_list_is_in_any_order_there_and_sorted_here() {
    let registry = registry();
    let _alone = isolate();
    let mut expected = Vec::new();
    for i in 10..40 {
        let (name, actions) = (format!("{NAME}-{i}"), format!("{i}*return->off"));
        fail_parallel::cfg(registry.clone(), name.as_str(), &actions).unwrap();
        cfg(name.as_str(), &actions).unwrap();
        expected.push((name, actions));
    }
    let mut theirs = fail_parallel::list(registry);
    theirs.sort();
    assert_eq!((theirs, list()), (expected.clone(), expected));
}

#[test]
fn a_guard_removes_its_name_and_one_that_arms_brings_back_what_was_there() {
    let registry = registry();
    their_cfg(&registry, "return(7)").unwrap();
    drop(fail_parallel::FailGuard::new(registry.clone(), NAME, "return(8)").unwrap());
    assert_eq!(their_site(&registry), 0);

    let _alone = isolate();
    cfg(NAME, "return(7)").unwrap();
    drop(arm(NAME, "return(8)").unwrap());
    assert_eq!(site(), 7);
    drop(FailGuard::new(NAME, "return(8)").unwrap());
    assert_eq!(site(), 0);
}

fn printed() {
    static TARGETS: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let log = |record: &log::Record<'_>| {
        let line = format!("{}: {}", record.target(), record.args());
        TARGETS.lock().unwrap().push(line);
    };
    on_record(log, || ());
    let registry = registry();
    their_cfg(&registry, "print(x)").unwrap();
    assert_eq!(their_site(&registry), 0);
    cfg(NAME, "print(x)").unwrap();
    plain_site();
    assert_eq!(now(failpoint(NAME, None)), Continue);
    for line in TARGETS.lock().unwrap().iter() {
        child::say(line);
    }
}

#[test]
fn print_logs_under_another_target() {
    let output = run("printed", &[]);
    let said = child::said(&output);
    assert_eq!(said[..2], ["fail_parallel: x", "fail: x"]);
    assert!(said[2].starts_with("neon_failpoint: "), "{said:?}");
}

#[test]
fn the_same_texts_do_the_same_and_are_refused_in_the_same_words() {
    let registry = registry();
    let _alone = isolate();
    for actions in [
        "off",
        "return",
        "return(5)",
        "2*return->return(9)",
        "2*off->1*return(3)->off->return",
        " 125%2*return(4) ",
        "0%return->return(6)",
        "1*sleep(0)->1*yield->1*delay(0)->1*print->return",
        "retrun",
        "Return",
        "",
        "return(5",
        "x%return",
        "x*return",
        "-1*return",
        "sleep",
        "delay()",
        "sleep(1s)",
        "return->",
        "exit",
        "when(k=v)return",
    ] {
        let (theirs, ours) = (their_cfg(&registry, actions), cfg(NAME, actions));
        assert_eq!(theirs, ours, "{actions:?}");
        let theirs = [(); 5].map(|()| their_site(&registry));
        assert_eq!(theirs, [(); 5].map(|()| site()), "{actions:?}");
    }
}

#[test]
fn a_count_is_one_over_all_threads_in_both() {
    let registry = registry();
    let scope = Scope::new();
    their_cfg(&registry, "100*return").unwrap();
    scope.run(|| cfg(NAME, "100*return")).unwrap();
    let (theirs, ours) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                for _ in 0..100 {
                    theirs.fetch_add((their_site(&registry) == 2).into(), Ordering::SeqCst);
                    let is_fired = scope.run(site) == 2;
                    ours.fetch_add(is_fired.into(), Ordering::SeqCst);
                }
            });
        }
    });
    assert_eq!((theirs.into_inner(), ours.into_inner()), (100, 100));
}

#[test]
fn a_return_at_a_site_that_cannot_panics_with_the_same_words() {
    fn theirs(registry: &Arc<FailPointRegistry>) {
        fail_parallel::fail_point!(registry.clone(), NAME);
    }
    let registry = registry();
    let _alone = isolate();
    their_cfg(&registry, "return").unwrap();
    cfg(NAME, "return").unwrap();
    assert_eq!(panic_of(|| theirs(&registry)), panic_of(plain_site));
}

#[test]
fn contexts_more_actions_and_more_times_are_the_native_functions() {
    let registry = registry();
    let _alone = isolate();
    for actions in [
        "when(tenant=a)return",
        "exit(3)",
        "sleep(1s)",
        "delay(1..2)",
    ] {
        assert!(their_cfg(&registry, actions).is_err(), "{actions}");
        configure_failpoint(NAME, actions).unwrap();
    }
}

#[test]
fn a_callback_may_configure_its_own_point_in_both() {
    let registry = registry();
    let inside = registry.clone();
    fail_parallel::cfg_callback(registry.clone(), NAME, move || {
        their_cfg(&inside, "return(7)").unwrap();
    })
    .unwrap();
    assert_eq!((their_site(&registry), their_site(&registry)), (0, 7));

    let _alone = isolate();
    let _point = arm_callback(NAME, || cfg(NAME, "return(7)").unwrap()).unwrap();
    assert_eq!((site(), site()), (0, 7));
}

#[test]
fn played_by_children() {
    child::play(&[
        ("environment", environment),
        ("malformed", malformed),
        ("printed", printed),
    ]);
}

#[track_caller]
fn run(role: &str, variables: &[(&str, &std::ffi::OsStr)]) -> std::process::Output {
    let output = child::run("fail_parallel::beside::played_by_children", role, variables);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{role}: {said}");
    output
}

/// Every test of this file stands in the last column of the guide's table, and what stands there is a
/// test of the scopes.
#[test]
fn the_guide_names_each_of_these_tests() {
    let tests_of = |file: &'static str| {
        let lines = file.lines().map(|line| line.trim_start_matches("async "));
        lines.filter_map(|line| Some(line.strip_prefix("fn ")?.split_once("() {")?.0))
    };
    let guide = concat!(env!("CARGO_MANIFEST_DIR"), "/migration/README.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    let (_, section) = guide.split_once("\n## From `fail-parallel`\n").unwrap();
    let rows = section.split("\n## ").next().unwrap().lines();
    let columns = rows.filter_map(|row| row.strip_suffix(" |")?.rsplit_once(" | "));
    let named: Vec<&str> = columns
        .flat_map(|(_, tests)| tests.split('`').skip(1).step_by(2))
        .filter(|code| code.matches('_').count() > 2)
        .collect();
    let helpers = ["environment", "malformed", "printed", "played_by_children"];
    let of_this_file = tests_of(include_str!("beside.rs"));
    let of_this_file = of_this_file.filter(|name| !helpers.contains(name));
    for test in of_this_file.filter(|name| *name != "the_guide_names_each_of_these_tests") {
        assert!(named.contains(&test), "the guide does not name {test}");
    }
    let known: Vec<&str> = [
        include_str!("beside.rs"),
        include_str!("store.rs"),
        include_str!("../fail_parallel.rs"),
        include_str!("../http.rs"),
    ]
    .into_iter()
    .flat_map(tests_of)
    .collect();
    for name in &named {
        assert!(
            known.contains(name),
            "the guide names {name}, which is no test"
        );
    }
}
