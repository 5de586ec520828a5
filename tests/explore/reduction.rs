//! Orders that cannot matter.

use std::sync::{Arc, Mutex};

use neon_failpoint::explore::{Explorer, Report};
use neon_failpoint::{fail_point_with_context, failpoint_context};
use tokio::task::JoinSet;

/// Each task adds its number to the lists of the objects that it names, one at a step.
fn explore(
    tasks: &'static [&'static [usize]],
    preemptions: usize,
    reduced: bool,
    seen: &Mutex<Vec<Vec<Vec<usize>>>>,
) -> Report {
    let explorer = Explorer::new().preemptions(preemptions).max_runs(100_000);
    let explorer = if reduced {
        explorer.object("object")
    } else {
        explorer
    };
    explorer.run(|| async move {
        let lists = Arc::new(Mutex::new(vec![Vec::new(); 4]));
        let mut set = JoinSet::new();
        for (number, objects) in tasks.iter().enumerate() {
            let lists = lists.clone();
            set.spawn(async move {
                for object in *objects {
                    fail_point_with_context!(
                        "reduction",
                        &failpoint_context! { "object" => object }
                    );
                    lists.lock().unwrap()[*object].push(number);
                }
            });
        }
        while let Some(result) = set.join_next().await {
            result.unwrap();
        }
        let mut seen = seen.lock().unwrap();
        let outcome = lists.lock().unwrap().clone();
        if !seen.contains(&outcome) {
            seen.push(outcome);
        }
    })
}

#[track_caller]
fn compare(tasks: &'static [&'static [usize]], preemptions: usize) -> (usize, usize) {
    let (all, some) = (Mutex::default(), Mutex::default());
    let whole = explore(tasks, preemptions, false, &all);
    let reduced = explore(tasks, preemptions, true, &some);
    assert!(
        whole.is_complete() && reduced.is_complete(),
        "{whole}\n{reduced}"
    );
    let (mut all, mut some) = (all.into_inner().unwrap(), some.into_inner().unwrap());
    all.sort();
    some.sort();
    assert_eq!(all, some, "every outcome is still met");
    (whole.runs(), reduced.runs())
}

#[test]
fn tasks_that_share_nothing_have_one_order() {
    assert_eq!(compare(&[&[0, 0, 0], &[1, 1, 1]], usize::MAX), (20, 1));
    assert_eq!(compare(&[&[0, 0], &[1, 1], &[2, 2]], usize::MAX), (90, 1));
}

#[test]
fn tasks_that_share_all_have_every_order() {
    assert_eq!(compare(&[&[0, 0, 0], &[0, 0, 0]], usize::MAX), (20, 20));
}

#[test]
fn tasks_that_share_some_lose_no_outcome() {
    const TASKS: [&[&[usize]]; 4] = [
        &[&[0, 1, 0], &[1, 0, 2], &[2, 2, 0]],
        &[&[0, 1], &[1, 2], &[2, 0]],
        &[&[0, 1, 2], &[0, 1, 2]],
        &[&[0, 0, 1], &[2, 1, 2], &[1]],
    ];
    for tasks in TASKS {
        for preemptions in [0, 1, 2, 3, usize::MAX] {
            let (whole, reduced) = compare(tasks, preemptions);
            assert!(reduced <= whole);
            assert!(
                preemptions != usize::MAX || reduced < whole,
                "{tasks:?}: {reduced} of {whole}"
            );
        }
    }
}

#[test]
fn a_report_says_how_many_were_left_out() {
    let report = explore(
        &[&[0, 0, 0], &[1, 1, 1]],
        usize::MAX,
        true,
        &Mutex::default(),
    );
    // Those in which the second task goes on before the last, the second or the first step of the first.
    assert_eq!(
        report.to_string(),
        "1 run, complete: every schedule; 3 left out, as other orders of the same"
    );
}
