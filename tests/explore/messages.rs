//! What a person reads.

use std::panic::catch_unwind;

use neon_failpoint::explore::{Explorer, explore};
use neon_failpoint::{fail_point, fail_point_with_context, failpoint_context};

use crate::common::{child, spawn_task};

async fn fails() {
    let work = || async {
        let context = failpoint_context! { "shard" => 3 };
        fail_point_with_context!("messages-a", &context);
        fail_point!("messages-b");
    };
    let (a, b) = (spawn_task(work()), spawn_task(work()));
    a.await.unwrap();
    b.await.unwrap();
    assert!(a_is_lost(), "of no use");
}

fn a_is_lost() -> bool {
    false
}

#[test]
fn a_check_panics_with_all_that_is_needed_to_repeat_it() {
    let panic = catch_unwind(|| explore(fails)).unwrap_err();
    let text = panic.downcast_ref::<String>().unwrap();
    for part in [
        "the scenario panicked at ",
        "of no use",
        "the schedule, without a preemption:",
        "   1. task ",
        " goes on at \"messages-a\" at ",
        "messages.rs:",
        "(shard=\"3\")",
        "\nto repeat it: FAILPOINTS_REPLAY='",
        "' cargo test messages::a_check_panics_with_all_that_is_needed_to_repeat_it",
        "1 run, the last of which failed",
    ] {
        assert!(text.contains(part), "{part:?} is missing in:\n{text}");
    }
    // Cargo says which package is tested, so the command does, too.
    let is_by_cargo = std::env::var_os("CARGO_PKG_NAME").is_some();
    assert_eq!(text.contains(" -p neon_failpoint\n"), is_by_cargo, "{text}");
}

#[test]
fn a_report_says_what_was_covered_and_what_cut_it_short() {
    let two = || async {
        let work = || async { fail_point!("messages-two") };
        tokio::join!(work(), work());
    };
    let whole = Explorer::new().run(two);
    assert_eq!(
        whole.to_string(),
        "2 runs, complete: every schedule with at most 2 preemptions"
    );
    let all = Explorer::new()
        .preemptions(usize::MAX)
        .faults(1, "return")
        .run(two);
    assert_eq!(
        all.to_string(),
        "2 runs, complete: every schedule with at most 1 fault"
    );
    let every = Explorer::new().preemptions(usize::MAX).run(two);
    assert_eq!(every.to_string(), "2 runs, complete: every schedule");
    let cut = Explorer::new().max_runs(1).run(two);
    assert_eq!(cut.to_string(), "1 run, cut short: max_runs is 1");
    assert!(!cut.is_complete());
}

#[test]
fn a_regular_expression_that_is_none_is_refused() {
    let panic = catch_unwind(|| drop(Explorer::new().points("wal-("))).unwrap_err();
    let text = panic.downcast_ref::<String>().unwrap();
    assert!(
        text.starts_with("Explorer::points: \"wal-(\" is no regular expression"),
        "{text}"
    );
}

#[test]
fn inside_a_runtime_there_is_no_exploration() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let panic = catch_unwind(|| runtime.block_on(async { explore(fails) })).unwrap_err();
    let text = panic.downcast_ref::<&str>().unwrap();
    assert!(
        text.contains("in a `#[test]`, not in a `#[tokio::test]`"),
        "{text}"
    );
}

#[test]
fn a_scenario_without_a_failpoint_is_told_so() {
    child::play(&[("explores nothing", || explore(|| async {}))]);
    if child::role().is_some() {
        return;
    }
    let test = "messages::a_scenario_without_a_failpoint_is_told_so";
    let output = child::run(test, "explores nothing", &[]);
    assert!(output.status.success());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains("no failpoint was hit in the scenario"),
        "{stderr}"
    );
}
