//! Proves that a guard outside of all scopes whose waits another thread ended says so, with the place,
//! the thread and the cure, and that nobody else says anything.

use std::process::Output;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use crate::common::events::events;
use crate::common::{child, hit, loggers, now, panic_of, waiting};
use neon_failpoint::FailpointResult::Continue;
use neon_failpoint::compat::{FailGuard, FailScenario, cfg, cfg_callback, remove};
use neon_failpoint::{
    Armed, arm, arm_callback, arm_with_context, configure_failpoint, configure_failpoint_callback,
    configure_failpoint_with_context, configure_failpoints, failpoint, isolate, remove_failpoint,
};

const SHORT: Duration = Duration::from_millis(1);

/// Runs `f` on a thread with a name.
fn by_another_test<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = thread::Builder::new().name("another-test".to_owned());
    thread.spawn(f).unwrap().join().unwrap()
}

/// A guard on `name` whose one wait `end` ends.
#[track_caller]
fn ended_by(name: &'static str, end: impl FnOnce() + Send + 'static) -> Armed {
    let guard = arm(name, "pause").unwrap().with_deadline(SHORT);
    let hit = waiting(failpoint(name, None));
    by_another_test(end);
    assert_eq!(now(hit), Continue, "its wait was ended");
    guard
}

/// Asserts that a text says who did it, where, and what to do.
#[track_caller]
fn assert_blames(text: &str, name: &str, line: u32) {
    for word in [name, "\"another-test\"", "isolate()"] {
        assert!(text.contains(word), "{word:?} in: {text}");
    }
    assert_has_place(text, line);
}

/// Asserts that a text has a place on that line of this file, or on one of the next two.
#[track_caller]
fn assert_has_place(text: &str, line: u32) {
    let places = [0, 1, 2].map(|n| format!("{}:{}:", file!(), line + n));
    assert!(
        places.iter().any(|place| text.contains(place)),
        "{line} in: {text}"
    );
}

/// What a guard says: the events, and the panic if there was one.
fn dropped(guard: Armed) -> Vec<String> {
    events(|| drop(guard)).1
}

#[test]
fn whatever_ended_the_waits_is_named_with_its_place() {
    type Ends = (u32, fn());
    let name = "scopes-heard-ways";
    let ends: [Ends; 13] = [
        (line!(), || drop(arm("scopes-heard-ways", "off").unwrap())),
        (line!(), || {
            drop(arm_callback("scopes-heard-ways", || ()).unwrap())
        }),
        (line!(), || {
            drop(arm_with_context("scopes-heard-ways", "off", [("k", "v")]).unwrap())
        }),
        (line!(), || {
            configure_failpoint("scopes-heard-ways", "off").unwrap()
        }),
        (line!(), || {
            configure_failpoint_callback("scopes-heard-ways", || ()).unwrap()
        }),
        (line!(), || {
            configure_failpoint_with_context("scopes-heard-ways", "off", [("k", "v")]).unwrap()
        }),
        (line!(), || {
            configure_failpoints([("scopes-heard-ways", "off")]).unwrap()
        }),
        (line!(), || remove_failpoint("scopes-heard-ways")),
        (line!(), || cfg("scopes-heard-ways", "off").unwrap()),
        (line!(), || {
            cfg_callback("scopes-heard-ways", || ()).unwrap()
        }),
        (line!(), || remove("scopes-heard-ways")),
        (line!(), || {
            drop(FailGuard::new("scopes-heard-ways", "off").unwrap())
        }),
        (line!(), || {
            neon_failpoint::failpoint_support::apply_failpoint("scopes-heard-ways", "off").unwrap()
        }),
    ];
    for (line, end) in ends {
        let guard = ended_by(name, end);
        let said = dropped(guard);
        assert_eq!(said.len(), 1, "{line}: {said:?}");
        assert_has_place(&said[0], line);
        assert!(said[0].starts_with("WARN neon_failpoint: "), "{said:?}");
        assert!(
            said[0].contains("\"another-test\"") && said[0].contains("isolate()"),
            "{said:?}"
        );
    }
    remove_failpoint(name);
}

#[test]
fn releases_and_the_drop_of_a_guard_whose_waits_were_ended_say_so() {
    let name = "scopes-heard-release";
    let line = line!() + 1;
    let guard = ended_by(name, || {
        std::mem::forget(arm("scopes-heard-release", "off").unwrap())
    });
    let releases: [fn(&Armed) -> usize; 4] = [
        |guard| guard.release_one(),
        |guard| guard.release(2),
        |guard| guard.release_all(),
        |guard| guard.release_matching([("k", "v")]).unwrap(),
    ];
    for release in releases {
        let (released, said) = events(|| release(&guard));
        assert_eq!((released, said.len()), (0, 1), "{said:?}");
        assert_blames(&said[0], name, line);
    }
    let said = dropped(guard);
    assert_eq!(said.len(), 1, "{said:?}");
    assert_blames(&said[0], name, line);
    remove_failpoint(name);
}

#[test]
fn the_error_of_a_wait_says_so_however_the_wait_ends() {
    let name = "scopes-heard-wait";
    // Its point is there, and beneath.
    let line = line!() + 1;
    let guard = ended_by(name, || {
        std::mem::forget(arm("scopes-heard-wait", "off").unwrap())
    });
    for error in [
        guard.wait_until_paused(1).blocking().unwrap_err(),
        guard.wait_for_hits(2).blocking().unwrap_err(),
    ] {
        assert!(error.is_timeout());
        assert_blames(&error.to_string(), name, line);
    }
    dropped(guard);
    remove_failpoint(name);
    // Its point was removed.
    let line = line!() + 1;
    let guard = ended_by(name, || remove_failpoint("scopes-heard-wait"));
    let error = guard.wait_until_paused(1).blocking().unwrap_err();
    assert_blames(&error.to_string(), name, line);
    dropped(guard);
}

#[test]
fn a_wait_that_another_thread_ends_under_way_says_so() {
    let name = "scopes-heard-under-way";
    let guard = arm(name, "pause").unwrap();
    let hit = waiting(failpoint(name, None));
    let mut wait = Box::pin(guard.wait_until_paused(2).within(Duration::MAX));
    assert!(crate::common::poll_once(wait.as_mut()).is_pending());
    let line = line!() + 1;
    by_another_test(|| remove_failpoint("scopes-heard-under-way"));
    assert_eq!(now(hit), Continue);
    assert_blames(&now(wait).unwrap_err().to_string(), name, line);
    dropped(guard);
}

/// As before there were scopes: who asks for the kind of an error still gets the same answer.
#[test]
fn a_wait_that_another_thread_ends_by_a_removal_is_still_one_whose_point_was_removed() {
    let name = "scopes-heard-kind";
    let guard = arm(name, "pause").unwrap();
    let hit = waiting(failpoint(name, None));
    let mut wait = Box::pin(guard.wait_until_paused(2).within(Duration::MAX));
    assert!(crate::common::poll_once(wait.as_mut()).is_pending());
    by_another_test(|| remove_failpoint("scopes-heard-kind"));
    assert_eq!(now(hit), Continue);
    let error = now(wait).unwrap_err();
    dropped(guard);
    assert!(error.is_removed() && !error.is_not_configured(), "{error}");
}

/// Both tests arm the name, and only then does a task arrive: at the other's point.
#[test]
fn a_guard_that_another_thread_put_its_own_upon_before_anybody_came_says_so() {
    let name = "scopes-heard-covered";
    let guard = arm(name, "pause").unwrap().with_deadline(SHORT);
    let line = line!() + 1;
    let other = by_another_test(|| arm("scopes-heard-covered", "off").unwrap());
    assert_eq!(now(failpoint(name, None)), Continue);
    let error = guard.wait_until_paused(1).blocking().unwrap_err();
    let (released, mut said) = events(|| guard.release_one());
    assert_eq!(released, 0);
    dropped(other);
    dropped(guard);
    said.push(error.to_string());
    for text in said {
        assert_blames(&text, name, line);
    }
}

/// Nobody had arrived yet: what was ended is the test's own wait.
#[test]
fn a_wait_of_the_test_alone_that_another_thread_ends_says_so_too() {
    let name = "scopes-heard-alone";
    let guard = arm(name, "pause").unwrap();
    let mut wait = Box::pin(guard.wait_until_paused(1).within(Duration::MAX));
    assert!(crate::common::poll_once(wait.as_mut()).is_pending());
    let line = line!() + 1;
    by_another_test(|| remove_failpoint("scopes-heard-alone"));
    let error = now(wait).unwrap_err();
    dropped(guard);
    assert_blames(&error.to_string(), name, line);
}

#[test]
fn a_guard_that_must_fire_fails_its_test_although_it_fired() {
    let name = "scopes-heard-must-fire";
    let line = line!() + 1;
    let guard = ended_by(name, || {
        std::mem::forget(arm("scopes-heard-must-fire", "off").unwrap())
    });
    let guard = guard.must_fire();
    assert_eq!(guard.fired(), 1);
    let (text, said) = events(|| panic_of(move || drop(guard)));
    assert_blames(&text, name, line);
    assert_eq!(said, Vec::<String>::new(), "once is enough");
    // The point is gone all the same: what is left is the other's.
    assert_eq!(crate::common::actions(name).as_deref(), Some("off"));
    remove_failpoint(name);
}

#[test]
fn a_guard_that_must_fire_does_not_panic_while_its_thread_does() {
    let name = "scopes-heard-panicking";
    let guard = ended_by(name, || {
        configure_failpoint("scopes-heard-panicking", "off").unwrap()
    });
    let (text, _) = events(|| {
        panic_of(move || {
            let _guard = guard.must_fire();
            panic!("the test fails");
        })
    });
    assert_eq!(text, "the test fails");
    assert!(crate::common::info(name).is_none());
}

#[test]
fn what_the_same_thread_does_is_no_interference() {
    let name = "scopes-not-heard-same";
    let ends: [fn(&Armed); 5] = [
        |_| drop(arm("scopes-not-heard-same", "off").unwrap()),
        |_| configure_failpoint("scopes-not-heard-same", "off").unwrap(),
        |_| remove_failpoint("scopes-not-heard-same"),
        |guard| guard.configure("off").unwrap(),
        |_| cfg("scopes-not-heard-same", "off").unwrap(),
    ];
    for end in ends {
        let guard = arm(name, "pause").unwrap().must_fire();
        let hit = waiting(failpoint(name, None));
        let ((), said) = events(|| {
            end(&guard);
            let _ = guard.release_all();
            drop(guard);
        });
        assert_eq!(now(hit), Continue);
        assert_eq!(said, Vec::<String>::new());
    }
}

#[test]
fn what_the_guard_itself_does_on_another_thread_is_no_interference() {
    let name = "scopes-not-heard-own";
    let guard = arm(name, "pause").unwrap().must_fire();
    let hits = [0, 1].map(|_| waiting(failpoint(name, None)));
    let said = by_another_test(move || {
        let ((), said) = events(|| {
            assert_eq!(guard.release_one(), 1);
            guard.configure("pause").unwrap();
            assert_eq!(guard.release_all(), 0);
            hit_none(&guard);
            guard.configure("1*off").unwrap();
            let _ = hit(guard.name());
            drop(guard);
        });
        said
    });
    assert_eq!(said, Vec::<String>::new());
    for hit in hits {
        assert_eq!(now(hit), Continue);
    }
}

fn hit_none(guard: &Armed) {
    assert_eq!(guard.hits(), 0);
}

#[test]
fn another_thread_that_ends_no_wait_is_no_interference() {
    let name = "scopes-not-heard-nobody";
    let guard = arm(name, "off").unwrap().must_fire();
    let _ = hit(name);
    by_another_test(|| drop(arm("scopes-not-heard-nobody", "off").unwrap()));
    by_another_test(|| configure_failpoint("scopes-not-heard-nobody", "off").unwrap());
    assert_eq!(dropped(guard), Vec::<String>::new());
}

/// The first wait was ended by this thread, and had nothing to do with the other one.
#[test]
fn a_wait_that_this_thread_ended_is_not_blamed_on_another_one() {
    let name = "scopes-not-heard-earlier";
    let guard = arm(name, "pause").unwrap();
    let hit = waiting(failpoint(name, None));
    drop(arm(name, "off").unwrap());
    assert_eq!(now(hit), Continue);
    // Nobody waits now.
    by_another_test(|| drop(arm("scopes-not-heard-earlier", "off").unwrap()));
    assert_eq!(dropped(guard), Vec::<String>::new());
}

#[test]
fn in_a_scope_nothing_is_said() {
    let name = "scopes-not-heard-scope";
    let ends: [fn(); 5] = [
        || drop(arm("scopes-not-heard-scope", "off").unwrap()),
        || configure_failpoint("scopes-not-heard-scope", "off").unwrap(),
        || remove_failpoint("scopes-not-heard-scope"),
        neon_failpoint::remove_all_failpoints,
        || FailScenario::setup().teardown(),
    ];
    for end in ends {
        let alone = isolate();
        let guard = arm(name, "pause").unwrap().must_fire().with_deadline(SHORT);
        let hit = waiting(failpoint(name, None));
        by_another_test(alone.scope().wrap(end));
        assert_eq!(now(hit), Continue);
        let (error, mut said) = events(|| {
            let _ = guard.release_all();
            guard.wait_for_hits(9).blocking().unwrap_err()
        });
        assert!(!error.to_string().contains("isolate()"), "{error}");
        said.extend(dropped(guard));
        assert_eq!(said, Vec::<String>::new());
    }
}

#[test]
fn what_happens_to_the_name_in_a_scope_does_not_touch_the_guard_outside() {
    let name = "scopes-not-heard-apart";
    let guard = arm(name, "pause").unwrap().must_fire();
    let mut hit = waiting(failpoint(name, None));
    by_another_test(move || {
        let _alone = isolate();
        drop(arm(name, "off").unwrap());
        configure_failpoint(name, "off").unwrap();
        neon_failpoint::remove_all_failpoints();
        FailScenario::setup().teardown();
    });
    assert!(crate::common::poll_once(hit.as_mut()).is_pending());
    assert_eq!(guard.release_one(), 1);
    assert_eq!(now(hit), Continue);
    assert_eq!(dropped(guard), Vec::<String>::new());
}

// Roles of children: what removes everything would end other tests' points, and a logger or its
// absence is the process's.

fn interfered(end: impl FnOnce() + Send + 'static) -> Armed {
    let guard = arm("scopes-heard-child", "pause")
        .unwrap()
        .with_deadline(SHORT);
    let hit = waiting(failpoint("scopes-heard-child", None));
    by_another_test(end);
    assert_eq!(now(hit), Continue);
    guard
}

fn everything_removed() {
    let ends: [(u32, fn()); 4] = [
        (line!(), neon_failpoint::remove_all_failpoints),
        (line!(), || neon_failpoint::remove_all_failpoints()),
        (line!(), || FailScenario::setup().teardown()),
        (line!(), || drop(neon_failpoint::failpoint_support::init())),
    ];
    for (i, (line, end)) in ends.into_iter().enumerate() {
        let guard = interfered(end);
        let error = guard.wait_for_hits(9).blocking().unwrap_err().to_string();
        let must_fire = panic_of(move || drop(guard.must_fire()));
        for text in [error, must_fire] {
            // Called by a function pointer, it has the place of whoever called that.
            if i > 0 {
                assert_blames(&text, "scopes-heard-child", line);
            } else {
                assert!(text.contains("isolate()"), "{text}");
            }
        }
    }
    // A guard beneath another one of its thread had its wait ended by that, and not by the removal.
    let beneath = arm("scopes-heard-child", "pause").unwrap();
    let hit = waiting(failpoint("scopes-heard-child", None));
    let above = arm("scopes-heard-child", "off").unwrap();
    assert_eq!(now(hit), Continue);
    by_another_test(neon_failpoint::remove_all_failpoints);
    let (_, said) = events(|| drop((beneath, above)));
    child::say(format!("beneath: {said:?}"));
}

static RECORDS: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn heard_by_log() {
    let log = |record: &log::Record<'_>| {
        let text = format!("{} {}: {}", record.level(), record.target(), record.args());
        RECORDS.lock().unwrap().push(text);
    };
    loggers::on_record(log, || ());
    let line = line!() + 1;
    let guard = interfered(|| configure_failpoint("scopes-heard-child", "off").unwrap());
    assert_eq!(guard.release_one(), 0);
    drop(guard);
    let mut records = RECORDS.lock().unwrap();
    records.retain(|record| record.starts_with("WARN neon_failpoint: "));
    assert_eq!(records.len(), 2, "{records:?}");
    for record in &*records {
        assert_blames(record, "scopes-heard-child", line);
    }
}

fn heard_by_nobody() {
    let line = line!() + 1;
    let guard = interfered(|| configure_failpoint("scopes-heard-child", "off").unwrap());
    assert_eq!(guard.release_one(), 0);
    drop(guard);
    child::say(line);
}

fn run(role: &str) -> Output {
    let output = child::run("interference::played_by_children", role, &[]);
    assert!(output.status.success(), "{output:#?}");
    output
}

#[test]
fn played_by_children() {
    child::play(&[
        ("everything removed", everything_removed),
        ("log", heard_by_log),
        ("nobody", heard_by_nobody),
    ]);
}

#[test]
fn removing_everything_and_a_scenario_on_another_thread_are_named_too() {
    run("everything removed");
}

#[test]
fn a_guard_beneath_another_of_its_thread_is_not_ended_by_a_removal_of_everything() {
    let said = child::said(&run("everything removed"));
    assert_eq!(said, ["beneath: []"]);
}

#[test]
fn a_logger_of_log_hears_it_where_nobody_listens_to_tracing() {
    run("log");
}

#[test]
fn it_is_on_standard_error_where_nobody_listens() {
    let output = run("nobody");
    let line: u32 = child::said(&output)[0].parse().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    let lines: Vec<_> = error.lines().filter(|l| l.contains("isolate()")).collect();
    assert_eq!(lines.len(), 2, "{error}");
    for said in lines {
        assert_blames(said, "scopes-heard-child", line);
    }
}

/// I8: a release and a drop do not panic, whatever became of standard error.
#[test]
fn a_standard_error_that_is_closed_is_no_reason_to_panic() {
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["interference::played_by_children", "--exact", "--nocapture"])
        .env("NEON_FAILPOINT_TEST_ROLE", "nobody")
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .stdin(std::process::Stdio::null())
        .spawn()
        .unwrap();
    drop(child.stderr.take());
    assert!(child.wait().unwrap().success());
}
