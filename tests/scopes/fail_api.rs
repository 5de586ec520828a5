//! Proves that the API of `fail`, and what Neon has on top of it, acts in the current scope.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::common::{child, hit, info, until_waiting, value};
use neon_failpoint::FailpointResult::Continue;
use neon_failpoint::compat::{
    FailGuard, FailScenario, async_fail_point, cfg, cfg_callback, fail_point, list, remove,
};
use neon_failpoint::failpoint_support::{apply_failpoint, init};
use neon_failpoint::{Origin, Scope, isolate};

fn site() -> String {
    fail_point!("scopes-compat", |text| text.unwrap_or_default());
    "-".to_owned()
}

async fn site_async() -> String {
    async_fail_point!("scopes-compat", |text| text.unwrap_or_default());
    "-".to_owned()
}

/// What the sites see, here and on a thread outside of all scopes.
fn seen() -> (String, String) {
    let here = site();
    assert_eq!(crate::common::now(site_async()), here);
    (here, thread::spawn(site).join().unwrap())
}

fn pair(here: &str, outside: &str) -> (String, String) {
    (here.to_owned(), outside.to_owned())
}

#[test]
fn cfg_list_and_remove_are_those_of_the_scope() {
    let name = "scopes-compat";
    let alone = isolate();
    assert_eq!((list(), seen()), (Vec::new(), pair("-", "-")));
    cfg(name, "return(1)").unwrap();
    cfg(name, "50%3*return(2)->return(2)").unwrap();
    assert_eq!(seen(), pair("2", "-"));
    assert_eq!(
        list(),
        [(name.to_owned(), "50%3*return(2)->return(2)".to_owned())]
    );
    assert!(cfg(name, "retrun").is_err());
    // Neither the outer points nor those outside are in the list, or are removed.
    let inner = Scope::new();
    inner.run(|| {
        assert!(list().is_empty());
        remove(name);
        assert_eq!(seen(), pair("2", "-"));
        cfg(name, "return(3)").unwrap();
        assert_eq!(seen(), pair("3", "-"));
        assert_eq!(list(), [(name.to_owned(), "return(3)".to_owned())]);
    });
    assert_eq!(seen(), pair("2", "-"));
    remove(name);
    assert_eq!((list(), seen()), (Vec::new(), pair("-", "-")));
    let calls = Arc::new(AtomicUsize::new(0));
    let count = calls.clone();
    cfg_callback(name, move || {
        count.fetch_add(1, Ordering::SeqCst);
    })
    .unwrap();
    assert_eq!(list(), [(name.to_owned(), "callback".to_owned())]);
    assert_eq!((seen(), calls.load(Ordering::SeqCst)), (pair("-", "-"), 2));
    drop(alone);
    assert_eq!(Arc::strong_count(&calls), 1, "the callback is dropped");
}

#[test]
fn a_guard_of_fail_removes_its_point_from_its_own_scope_wherever_it_is_dropped() {
    let name = "scopes-compat-guard";
    let beside = Scope::new();
    beside.run(|| cfg(name, "return(beside)").unwrap());
    let drops: [fn(FailGuard, &Scope); 4] = [
        |guard, home| home.run(|| drop(guard)),
        |guard, _| drop(guard),
        |guard, _| Scope::new().run(|| drop(guard)),
        |guard, _| thread::spawn(move || drop(guard)).join().unwrap(),
    ];
    for dropped in drops {
        let home = Scope::new();
        let guard = home.run(|| FailGuard::new(name, "return(home)").unwrap());
        assert_eq!(home.run(|| hit(name)), value("home"));
        dropped(guard, &home);
        assert_eq!(home.run(|| hit(name)), Continue);
        let guard = home.run(|| FailGuard::with_callback(name, || ()).unwrap());
        assert_eq!(
            home.run(|| info(name).unwrap().origin()),
            Some(Origin::Scope)
        );
        beside.run(|| drop(guard));
        assert!(home.run(|| info(name)).is_none());
        assert_eq!(beside.run(|| hit(name)), value("beside"));
        assert_eq!(hit(name), Continue);
    }
}

#[test]
fn a_scenario_begins_and_ends_the_points_of_its_scope_only() {
    let name = "scopes-compat-scenario";
    let beside = Scope::new();
    let other = beside.run(|| crate::armed(name, "beside"));
    let alone = isolate();
    cfg(name, "return(before)").unwrap();
    let inner = Scope::new();
    inner.run(|| cfg(name, "return(inner)").unwrap());
    let scenario = FailScenario::setup();
    assert!(list().is_empty(), "it begins empty");
    cfg(name, "pause").unwrap();
    let paused = thread::spawn(alone.scope().wrap(|| hit("scopes-compat-scenario")));
    until_waiting(name, 1);
    scenario.teardown();
    assert_eq!(paused.join().unwrap(), Continue);
    assert!(list().is_empty());
    assert_eq!(inner.run(|| hit(name)), value("inner"));
    assert_eq!(beside.run(|| hit(name)), value("beside"));
    assert_eq!(other.hits(), 1);
    // It ends its own scope's wherever it is dropped.
    let scenario = FailScenario::setup();
    cfg(name, "return(again)").unwrap();
    inner.run(|| drop(scenario));
    assert_eq!(inner.run(|| hit(name)), value("inner"));
    assert_eq!(hit(name), Continue);
}

#[test]
fn what_neon_calls_acts_in_the_scope() {
    let name = "scopes-support";
    let _alone = isolate();
    let scenario = init();
    apply_failpoint(name, "return(1)").unwrap();
    assert_eq!(hit(name), value("1"));
    assert_eq!(info(name).unwrap().origin(), Some(Origin::Scope));
    assert_eq!(thread::spawn(move || hit(name)).join().unwrap(), Continue);
    apply_failpoint(name, "when(k=v)return(1)").unwrap();
    assert_eq!(hit(name), Continue);
    assert!(apply_failpoint(name, "exti").is_err());
    drop(scenario);
    assert!(info(name).is_none());
}

#[test]
fn a_scope_that_has_ended_refuses_what_fail_configures() {
    let alone = isolate();
    let scope = alone.scope().clone();
    let guard = FailGuard::new("scopes-compat-ended", "off").unwrap();
    drop(alone);
    scope.run(|| {
        let refused = "the scope has ended";
        assert_eq!(cfg("scopes-compat-ended", "off").unwrap_err(), refused);
        assert_eq!(
            cfg_callback("scopes-compat-ended", || ()).unwrap_err(),
            refused
        );
        assert_eq!(
            FailGuard::new("scopes-compat-ended", "off").err().unwrap(),
            refused
        );
        assert_eq!(
            apply_failpoint("scopes-compat-ended", "off").unwrap_err(),
            refused
        );
        remove("scopes-compat-ended");
        FailScenario::setup().teardown();
        assert!(list().is_empty());
    });
    drop(guard);
}

/// The points of FAILPOINTS are those of the scope that `setup` was called in.
#[test]
fn a_scenario_in_a_scope_reads_the_environment_for_that_scope() {
    fn in_a_scope(setup: fn() -> FailScenario<'static>) {
        let alone = isolate();
        let scenario = setup();
        let shown = vec![("scopes-env".to_owned(), "return(env)".to_owned())];
        assert_eq!(list(), shown);
        assert_eq!(info("scopes-env").unwrap().origin(), Some(Origin::Scope));
        drop(scenario);
        assert!(list().is_empty());
        // What a program is started with shows through, as ever.
        assert_eq!(hit("scopes-env"), value("env"));
        drop(alone);
    }
    child::play(&[
        ("setup", || in_a_scope(FailScenario::setup)),
        ("init", || in_a_scope(init)),
    ]);
    if child::role().is_some() {
        return;
    }
    for role in ["setup", "init"] {
        let output = child::run(
            "fail_api::a_scenario_in_a_scope_reads_the_environment_for_that_scope",
            role,
            &[("FAILPOINTS", "scopes-env=return(env)".as_ref())],
        );
        assert!(output.status.success(), "{output:?}");
    }
}
