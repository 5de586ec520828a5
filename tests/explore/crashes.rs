//! Proves that a process ends at each hit of a work, and that its recovery is checked each time.

use std::future::ready;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use neon_failpoint::explore::{Explorer, Failure, Report, StepKind, crashes, explore};
use neon_failpoint::{
    arm, fail_point, fail_point_sync, fail_point_with_context, failpoint_context,
};
use neon_failpoint::{isolate, set_wait_deadline};

use crate::common::child::{self, said, say};
use crate::common::{panic_of, spawn_task};

/// What is in a file of the folder.
fn read(folder: &Path, file: &str) -> Option<String> {
    std::fs::read_to_string(folder.join(file)).ok()
}

/// A store of one value, which is replaced: at once, or in place.
#[derive(Clone, Copy, Debug)]
enum Store {
    Renames,
    InPlace,
}

impl Store {
    async fn set(self, folder: &Path, value: &str) {
        let file = folder.join("value");
        let context = failpoint_context! { "value" => value };
        match self {
            Store::Renames => {
                let new = folder.join("new");
                tokio::fs::write(&new, value).await.unwrap();
                fail_point_with_context!("crash-store-written", &context);
                tokio::fs::rename(new, file).await.unwrap();
            }
            Store::InPlace => {
                tokio::fs::write(&file, "").await.unwrap();
                fail_point_with_context!("crash-store-created", &context);
                tokio::fs::write(&file, value).await.unwrap();
            }
        }
        fail_point!("crash-store-set");
    }

    /// Sets a value, and another; the recovery wants to find one of them, if any.
    #[track_caller]
    fn crashes(self, explorer: Explorer) -> Report {
        explorer.crashes(
            |folder| async move {
                self.set(&folder, "one").await;
                self.set(&folder, "two").await;
            },
            |folder| async move {
                match read(&folder, "value").as_deref() {
                    None | Some("one" | "two") => Ok(()),
                    Some(other) => Err(format!("the value is {other:?}")),
                }
            },
        )
    }
}

/// Returns the failure, and removes the folder that was kept for it.
#[track_caller]
fn failed(report: &Report) -> &Failure {
    let failure = report.failure().unwrap_or_else(|| panic!("{report}"));
    // A child of a later call comes here, too, and finds it removed.
    if !is_child() {
        let kept = kept(failure.message());
        assert!(kept.is_dir(), "{report}");
        std::fs::remove_dir_all(kept.parent().unwrap()).unwrap();
    }
    failure
}

/// Whether this process is a child of `crashes`.
fn is_child() -> bool {
    std::env::var_os("FAILPOINTS_CRASH_CHILD").is_some()
}

fn kept(message: &str) -> PathBuf {
    let (_, rest) = message.split_once("the folder is kept: ").expect(message);
    PathBuf::from(rest.lines().next().unwrap())
}

/// The schedule of a report's failure, the number of children, and its hits by name and kind.
fn steps(failure: &Failure) -> Vec<(&str, StepKind)> {
    failure
        .steps()
        .iter()
        .map(|step| (step.failpoint(), step.kind()))
        .collect()
}

#[track_caller]
fn assert_complete(report: &Report, runs: usize) {
    assert_eq!(
        (report.runs(), report.is_complete()),
        (runs, true),
        "{report}"
    );
}

#[test]
fn a_value_that_is_written_in_place_is_lost_and_one_that_is_renamed_is_not() {
    assert_complete(&Store::Renames.crashes(Explorer::new()), 5);

    let report = Store::InPlace.crashes(Explorer::new());
    assert_eq!((report.runs(), report.is_complete()), (1, false));
    let failure = failed(&report);
    assert!(
        failure
            .message()
            .contains(r#"the recovery returned an error: "the value is \"\"""#)
    );
    assert_eq!(steps(failure), [("crash-store-created", StepKind::Crash)]);
    let crash = &failure.steps()[0];
    assert_eq!((crash.task(), crash.file()), (0, file!()));
    let line = include_str!("crashes.rs")
        .lines()
        .nth(crash.line() as usize - 1)
        .unwrap();
    assert!(line.contains("crash-store-created"), "{line}");
    assert_eq!(failure.schedule(), "crash 1");

    // With another crash between, the third is the first that fails.
    let report = Store::InPlace.crashes(Explorer::new().replay("crash 3"));
    let text = report.to_string();
    assert_eq!(
        (report.runs(), failed(&report).schedule()),
        (1, "crash 3"),
        "{text}"
    );
    for part in [
        "the process ended at hit 3:",
        "   2. the scenario goes on at \"crash-store-set\" at tests/explore/crashes.rs:",
        "   3. the process ends at \"crash-store-created\" at tests/explore/crashes.rs:",
        " (value=\"two\")",
        "to repeat it: FAILPOINTS_REPLAY='crash 3 @3' cargo test \
         crashes::a_value_that_is_written_in_place_is_lost_and_one_that_is_renamed_is_not",
    ] {
        assert!(text.contains(part), "{part:?} is not in: {text}");
    }
}

#[test]
fn the_function_panics_at_the_first_failure_with_what_and_where_and_how_to_repeat_it() {
    let panic = panic_of(|| {
        crashes(
            |folder| async move {
                std::fs::write(folder.join("value"), "").unwrap();
                fail_point!("crash-function");
            },
            |folder| async move { assert_eq!(read(&folder, "value").as_deref(), Some("new")) },
        );
    });
    std::fs::remove_dir_all(kept(&panic).parent().unwrap()).unwrap();
    for part in [
        "the recovery panicked at tests/explore/crashes.rs:",
        "left: Some(\"\")",
        "1. the process ends at \"crash-function\" at tests/explore/crashes.rs:",
        "to repeat it: FAILPOINTS_REPLAY='crash 1' cargo test crashes::the_function_panics",
    ] {
        assert!(panic.contains(part), "{part:?} is not in: {panic}");
    }
}

#[test]
fn every_hit_counts_whoever_passes_it() {
    let alone = isolate();
    // In the child, too.
    let _armed = arm("crash-hits-async", "return(1)").unwrap();
    let explored = |points| {
        Explorer::new().points(points).crashes(
            |folder| async move {
                let log = std::fs::File::create(folder.join("log")).unwrap();
                let note = |what| writeln!(&log, "{what}").unwrap();
                async {
                    fail_point!("crash-hits-async", |_| ());
                    unreachable!();
                }
                .await;
                note("async");
                fail_point_sync!("crash-hits-blocking");
                note("blocking");
                let blocking = || fail_point_sync!("crash-hits-spawned");
                tokio::task::spawn_blocking(blocking).await.unwrap();
                note("spawn_blocking");
                thread::spawn(blocking).join().unwrap();
                note("thread");
                spawn_task(async { fail_point!("crash-hits-task") })
                    .await
                    .unwrap();
                note("task");
                let _ = neon_failpoint::failpoint("crash-hits-name", None).await;
                note("name");
            },
            |folder| async move {
                let log = read(&folder, "log").unwrap();
                let lines = log.lines().count();
                println!("after {lines} lines");
            },
        )
    };
    assert_complete(&explored(".*"), 7);
    assert_complete(&explored("crash-hits-(async|spawned)"), 4);
    assert_complete(&explored("crash-hits"), 1);
    drop(alone);
}

#[test]
fn each_crash_leaves_what_was_done_before_its_hit_and_nothing_of_the_one_before() {
    static SEEN: std::sync::Mutex<Vec<String>> = std::sync::Mutex::new(Vec::new());
    let report = Explorer::new().crashes(
        |folder| async move {
            assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
            struct OnDrop(PathBuf);
            impl Drop for OnDrop {
                fn drop(&mut self) {
                    std::fs::write(self.0.join("dropped"), "").unwrap();
                }
            }
            let dropped = OnDrop(folder.clone());
            for n in 1..=3 {
                std::fs::write(folder.join(n.to_string()), "").unwrap();
                fail_point!("crash-leaves");
            }
            drop(dropped);
        },
        |folder| async move {
            let files = std::fs::read_dir(&folder).unwrap();
            let files = files.map(|file| file.unwrap().file_name().into_string().unwrap());
            let mut files = files.collect::<Vec<_>>();
            files.sort();
            SEEN.lock().unwrap().push(files.join(" "));
        },
    );
    assert_complete(&report, 4);
    assert_eq!(
        *SEEN.lock().unwrap(),
        ["1", "1 2", "1 2 3", "1 2 3 dropped"]
    );
}

#[test]
fn max_runs_bounds_the_children() {
    for (most, runs, is_complete) in [(0, 0, false), (2, 2, false), (4, 4, false), (5, 5, true)] {
        let report = Store::Renames.crashes(Explorer::new().max_runs(most));
        assert_eq!(
            (report.runs(), report.is_complete()),
            (runs, is_complete),
            "{report}"
        );
        assert!(report.failure().is_none());
    }
}

#[test]
fn a_work_without_hits_has_its_recovery_checked_once() {
    static RECOVERED: AtomicUsize = AtomicUsize::new(0);
    let recover = |_| {
        RECOVERED.fetch_add(1, SeqCst);
        ready(())
    };
    assert_complete(&Explorer::new().crashes(|_| ready(()), recover), 1);
    assert_eq!(RECOVERED.load(SeqCst), 1);
}

#[test]
fn what_a_finished_work_left_is_checked_too() {
    let report = Explorer::new().crashes(
        |folder| async move {
            fail_point!("crash-finished");
            std::fs::write(folder.join("late"), "").unwrap();
        },
        |folder| async move { assert!(!folder.join("late").exists(), "too late") },
    );
    assert_eq!(report.runs(), 2);
    let failure = failed(&report);
    assert_eq!(steps(failure), [("crash-finished", StepKind::Continue)]);
    assert_eq!(failure.schedule(), "crash 2");
    assert!(
        report.to_string().contains("was not ended at a hit"),
        "{report}"
    );
}

#[test]
fn a_work_that_fails_by_itself_is_a_failure_with_its_output() {
    fn fails(work: impl AsyncFn() -> Result<(), String>) -> Report {
        Explorer::new().crashes(
            |_| async {
                fail_point!("crash-fails");
                println!("standard output");
                eprintln!("standard error");
                work().await
            },
            |_| ready(()),
        )
    }
    let report = fails(async || panic!("no good"));
    let message = failed(&report).message();
    assert!(
        message.contains("the work panicked at tests/explore/crashes.rs:"),
        "{message}"
    );
    for part in ["no good", "\nstandard output\n", "\nstandard error\n"] {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(
        (report.runs(), steps(report.failure().unwrap())),
        (2, vec![("crash-fails", StepKind::Continue)])
    );

    let report = fails(async || Err("disk full".to_owned()));
    let message = failed(&report).message();
    assert!(
        message.contains("the work returned an error: \"disk full\""),
        "{message}"
    );
    assert!(message.contains("\nstandard error\n"), "{message}");

    let report = fails(async || {
        let _ = spawn_task(async { panic!("in a task") }).await;
        Ok(())
    });
    assert!(failed(&report).message().contains("in a task"));

    let report = fails(async || std::process::exit(7));
    let message = failed(&report).message();
    assert!(
        message.contains("in the middle of the work, after hit 1, \"crash-fails\""),
        "{message}"
    );
    assert!(message.contains('7'), "{message}");
}

#[test]
fn a_recovery_that_fails_is_a_failure_and_its_tasks_are_its_own() {
    fn fails(recover: impl AsyncFn() -> Result<(), String>) -> Report {
        let work = |_| async { fail_point!("crash-recovery-fails") };
        Explorer::new().crashes(work, |_| recover())
    }
    for (report, text) in [
        (fails(async || panic!("no good")), "no good"),
        (
            fails(async || Err("half".to_owned())),
            "the recovery returned an error: \"half\"",
        ),
        (
            fails(async || std::panic::resume_unwind(Box::new("resumed"))),
            "resumed",
        ),
        (
            fails(async || {
                let _ = spawn_task(async { panic!("in a task") }).await;
                Ok(())
            }),
            "in a task",
        ),
        (
            fails(async || {
                let _ = tokio::task::spawn_blocking(|| panic!("in a thread")).await;
                Ok(())
            }),
            "in a thread",
        ),
    ] {
        let failure = failed(&report);
        assert!(failure.message().contains(text), "{report}");
        assert_eq!(steps(failure), [("crash-recovery-fails", StepKind::Crash)]);
    }
}

#[test]
fn two_calls_in_one_test_do_not_mix_and_a_failure_between_them_stays_one() {
    for store in [Store::Renames, Store::InPlace, Store::Renames] {
        let report = store.crashes(Explorer::new());
        match store {
            Store::Renames => assert_complete(&report, 5),
            // In a child of the third call, too, which made no folder.
            Store::InPlace => {
                assert_eq!(report.runs(), 1);
                let failure = report.failure().unwrap();
                assert_eq!(steps(failure), [("crash-store-created", StepKind::Crash)]);
                assert_eq!(failure.steps()[0].file(), file!());
                assert!(failure.message().contains("the value is"));
                let _ = std::fs::remove_dir_all(kept(failure.message()).parent().unwrap());
            }
        }
    }
    // Nor with an exploration.
    explore(|| async { fail_point!("crash-explored") });
    let work = |_| async { fail_point!("crash-after") };
    assert_complete(&Explorer::new().crashes(work, |_| ready(())), 2);
}

#[test]
fn two_at_once_do_not_mix() {
    if let Some(role) = child::role() {
        assert_eq!(role, "at once");
        return;
    }
    // These tests run in the child, each on a thread of its own, and make children.
    let output = libtest(&["crashes::side::", "--ignored"], "at once");
    assert_ok(&output, 3);
}

/// Tests that other tests run in a child.
mod side {
    use super::*;

    #[test]
    #[ignore = "run by others"]
    fn a() {
        assert_complete(&Store::Renames.crashes(Explorer::new()), 5);
    }

    #[test]
    #[ignore = "run by others"]
    fn b() {
        let report = Store::InPlace.crashes(Explorer::new());
        let command = failed(&report).to_string();
        assert!(
            command.contains("FAILPOINTS_REPLAY='crash 1' cargo test crashes::side::b"),
            "{command}"
        );
    }

    #[test]
    #[ignore = "run by others"]
    fn c() {
        assert_complete(&Store::Renames.crashes(Explorer::new()), 5);
        assert_complete(
            &Store::Renames.crashes(Explorer::new().points("crash-store-set")),
            3,
        );
    }
}

/// Runs this executable with these arguments, as a role.
fn libtest(args: &[&str], role: &str) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(args).env("NEON_FAILPOINT_TEST_ROLE", role);
    command
        .env_remove("FAILPOINTS_REPLAY")
        .env_remove("FAILPOINTS");
    command.output().unwrap()
}

#[track_caller]
fn assert_ok(output: &Output, tests: usize) {
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{stdout}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(stdout.contains(&format!("{tests} passed")), "{stdout}");
}

#[test]
fn one_test_thread_will_do() {
    let args = ["crashes::side::", "--ignored", "--test-threads=1"];
    assert_ok(&libtest(&args, "one thread"), 3);
}

#[test]
fn as_nextest_runs_a_test_will_do() {
    for test in ["crashes::side::b", "crashes::side::c"] {
        let args = [test, "--exact", "--nocapture", "--ignored"];
        assert_ok(&libtest(&args, "nextest"), 1);
    }
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "the test's name is inlined away")]
fn a_thread_without_a_name_finds_its_test_by_what_it_runs() {
    let name = "crashes::a_thread_without_a_name_finds_its_test_by_what_it_runs";
    let report = thread::spawn(|| Store::InPlace.crashes(Explorer::new()))
        .join()
        .unwrap();
    let text = failed(&report).to_string();
    assert!(text.contains(&format!("cargo test {name}")), "{text}");
}

#[test]
fn a_failure_is_repeated_from_outside() {
    const TEST: &str = "crashes::a_failure_is_repeated_from_outside";
    if child::role().is_some() {
        let report = Store::Renames.crashes(Explorer::new());
        say(report.runs());
        let report = Store::InPlace.crashes(Explorer::new());
        say(report.runs());
        if report.failure().is_some() {
            say(failed(&report).schedule());
        }
        return;
    }
    for (replay, expected) in [
        ("crash 3", vec!["1", "1", "crash 1"]),
        ("crash 3 @2", vec!["5", "1", "crash 3"]),
        ("crash 2 @2", vec!["5", "1"]),
        // Those are of an exploration.
        ("1 2 1", vec!["5", "1", "crash 1"]),
    ] {
        let output = child::run(TEST, "replays", &[("FAILPOINTS_REPLAY", replay.as_ref())]);
        assert_eq!(said(&output), expected, "{replay}: {output:?}");
    }
    let output = child::run(
        TEST,
        "replays",
        &[("FAILPOINTS_REPLAY", "crash x".as_ref())],
    );
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains(r#"FAILPOINTS_REPLAY: "x" is no number of a hit"#),
        "{stderr}"
    );
}

#[test]
fn a_schedule_that_does_not_fit_is_a_failure() {
    let replayed = |schedule| Store::Renames.crashes(Explorer::new().replay(schedule));
    for fits in ["crash 1", " crash  5 ", "crash 4 @7"] {
        let report = replayed(fits);
        assert_eq!((report.runs(), report.is_complete()), (1, false));
        assert!(report.failure().is_none(), "{report}");
    }
    let report = replayed("crash 6");
    let message = failed(&report).message();
    assert!(
        message.starts_with("\"crash 6\" is no schedule of this work, which passes 4 hits"),
        "{message}"
    );
    for schedule in ["crash", "crash 0", "crash -1", "crash x", "crash 1 2"] {
        let panic = panic_of(|| Explorer::new().replay(schedule));
        assert!(
            panic.contains("expected what a failure gave, such as \"crash 3\""),
            "{panic}"
        );
    }
    let panic = panic_of(|| Explorer::new().replay("crash 1").run(|| ready(())));
    assert!(panic.contains("call `crashes`"), "{panic}");
    let panic = panic_of(|| replayed("1 2"));
    assert!(panic.contains("such as \"crash 3\""), "{panic}");
}

#[test]
fn a_child_or_a_recovery_that_hangs_is_ended_at_the_deadline() {
    const TEST: &str = "crashes::a_child_or_a_recovery_that_hangs_is_ended_at_the_deadline";
    match child::role().as_deref() {
        None => {
            thread::scope(|scope| {
                for role in ["blocked", "waits", "recovery", "before"] {
                    scope.spawn(move || {
                        let output = child::run(TEST, role, &[]);
                        assert_eq!(said(&output), ["as expected"], "{role}: {output:?}");
                    });
                }
            });
        }
        Some(role) => {
            // A child of the child hangs before it begins.
            if role == "before" && is_child() {
                thread::sleep(Duration::from_secs(3600));
            }
            // Long enough for a child that does not hang.
            set_wait_deadline(Duration::from_secs(6));
            let explored = || {
                Explorer::new().crashes(
                    |_| async move {
                        fail_point!("crash-hangs");
                        fail_point!("crash-hangs");
                        match role {
                            "blocked" => thread::sleep(Duration::from_secs(3600)),
                            "waits" => std::future::pending().await,
                            _ => {}
                        }
                    },
                    |_| async move {
                        if role == "recovery" {
                            std::future::pending::<()>().await;
                        }
                    },
                )
            };
            if role == "before" {
                let panic = panic_of(explored);
                assert!(
                    panic.contains("did not end within 6s, and was killed, before it came"),
                    "{panic}"
                );
                say("as expected");
                return;
            }
            let report = explored();
            let message = failed(&report).message();
            let expected = match role {
                "recovery" => "the recovery did not end within 6s",
                _ => "did not end within 6s, and was killed, after hit 2, \"crash-hangs\"",
            };
            assert!(message.contains(expected), "{message}");
            assert_eq!(report.runs(), if role == "recovery" { 1 } else { 3 });
            say("as expected");
        }
    }
}

#[test]
fn a_child_that_does_not_come_to_its_call_is_an_error_at_once() {
    if is_child() {
        println!("going elsewhere");
        return;
    }
    let panic = panic_of(|| Store::Renames.crashes(Explorer::new()));
    for part in [
        "before it came to this call at tests/explore/crashes.rs:",
        "a_child_that_does_not_come_to_its_call_is_an_error_at_once --exact",
        "going elsewhere",
    ] {
        assert!(panic.contains(part), "{part:?} is not in: {panic}");
    }
}

#[test]
fn a_child_that_comes_to_another_call_says_so() {
    let work = |_| async { fail_point!("crash-elsewhere") };
    if is_child() {
        Explorer::new().crashes(work, |_| ready(()));
    }
    let panic = panic_of(|| Explorer::new().crashes(work, |_| ready(())));
    assert!(
        panic.contains("1. call of `crashes` in this process is at tests/explore/"),
        "{panic}"
    );
}

#[test]
fn what_a_power_failure_takes_is_taken_between_a_crash_and_its_recovery() {
    static DAMAGED: AtomicUsize = AtomicUsize::new(0);
    let explorer = || {
        Explorer::new().damage(|folder| {
            DAMAGED.fetch_add(1, SeqCst);
            // It was never synced.
            std::fs::write(folder.join("value"), "").unwrap();
        })
    };
    // Not without a crash.
    assert_complete(
        &Explorer::new()
            .damage(|_| panic!())
            .crashes(|_| ready(()), |_| ready(())),
        1,
    );
    let work = |_| async { fail_point!("crash-damage") };
    let report = Explorer::new()
        .damage(|_| panic!("cut"))
        .crashes(work, |_| ready(()));
    assert!(failed(&report).message().contains("cut"), "{report}");

    let report = Store::Renames.crashes(explorer());
    assert!(
        failed(&report).message().contains("the value is"),
        "{report}"
    );
    assert_eq!((report.runs(), DAMAGED.load(SeqCst)), (1, 1));
}

#[test]
fn points_of_the_scope_of_the_caller_act_in_both() {
    let _alone = isolate();
    let _work = arm("crash-scope-work", "return(armed)").unwrap();
    let _recovery = arm("crash-scope-recovery", "return(armed)").unwrap();
    let report = Explorer::new().crashes(
        |_| async {
            let work = async { fail_point!("crash-scope-work", |text| assert_eq!(text, "armed")) };
            work.await;
            // Of the scope of this run alone.
            let _inner = arm("crash-scope-recovery", "return(inner)").unwrap();
            std::mem::forget(_inner);
        },
        |_| async {
            fail_point!("crash-scope-recovery", |text| assert_eq!(text, "armed"));
            panic!("not armed");
        },
    );
    assert_complete(&report, 2);
}

#[test]
fn names_and_contexts_are_told_as_they_are() {
    const ODD: &str = "5:crash\n\0 \u{e9}\u{1f980} some";
    let report = Explorer::new().crashes(
        |_| async {
            let context = failpoint_context! { ODD => ODD };
            let _ = neon_failpoint::failpoint(ODD, Some(&context)).await;
            let _ = neon_failpoint::failpoint("", None).await;
        },
        |_| async {},
    );
    assert_complete(&report, 3);
    // The report of a call passes through a child of the next, too.
    for crash in ["crash 1", "crash 2", "crash 1"] {
        let report = Explorer::new().replay(crash).crashes(
            |_| async {
                let context = failpoint_context! { ODD => ODD };
                let _ = neon_failpoint::failpoint(ODD, Some(&context)).await;
                let _ = neon_failpoint::failpoint("", None).await;
            },
            |_| ready(Err(ODD)),
        );
        let failure = failed(&report);
        let names = failure.steps().iter().map(|step| step.failpoint());
        let expected = [ODD, ""].into_iter().take(failure.steps().len());
        assert!(names.eq(expected), "{report:?}");
        assert_eq!(failure.schedule(), crash);
        assert!(failure.message().contains(&format!("{ODD:?}")));
        assert!(
            failure.steps()[0]
                .to_string()
                .contains(&format!("({ODD}={ODD:?})"))
        );
    }
}

#[test]
fn a_blocking_thread_that_does_not_end_is_told() {
    let work = |_| async { fail_point!("crash-leak") };
    let report = Explorer::new().crashes(work, |_| async {
        tokio::task::spawn_blocking(|| thread::sleep(Duration::from_secs(60)));
    });
    let message = failed(&report).message();
    assert!(
        message.contains("the recovery left a blocking thread"),
        "{message}"
    );
}

#[tokio::test]
async fn inside_a_runtime_it_says_where_to_call_it() {
    let panic = panic_of(|| Explorer::new().crashes(|_| ready(()), |_| ready(())));
    assert!(panic.contains("call it in a `#[test]`"), "{panic}");
}
