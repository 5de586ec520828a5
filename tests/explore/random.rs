//! Schedules by chance.

use crate::common::spawn_task;
use std::sync::Arc;
use std::sync::Mutex;

use neon_failpoint::explore::{Explorer, Report, StepKind};
use neon_failpoint::fail_point;

/// A bug that needs the steps of two tasks in one order of many: task B between the third and the
/// fourth step of task A.
async fn narrow(fails: bool) {
    let log = Arc::new(Mutex::new(Vec::new()));
    let a = spawn_task({
        let log = log.clone();
        async move {
            for n in 0..6 {
                log.lock().unwrap().push(('a', n));
                fail_point!("random-a");
            }
        }
    });
    let b = spawn_task({
        let log = log.clone();
        async move {
            fail_point!("random-b");
            log.lock().unwrap().push(('b', 0));
        }
    });
    a.await.unwrap();
    b.await.unwrap();
    let log = log.lock().unwrap();
    let at = log.iter().position(|entry| entry.0 == 'b').unwrap();
    assert!(!fails || log[..at].len() != 3, "b was third");
}

fn random(runs: usize, seed: u64) -> Report {
    Explorer::new()
        .preemptions(1)
        .random(runs, seed)
        .run(|| narrow(true))
}

#[test]
fn a_bug_is_met_at_least_as_often_as_the_paper_says() {
    // Depth 2: `a` has to be preempted at one step. 2 tasks, 7 steps: 1 in 14 runs.
    let runs: usize = (0..400)
        .map(|seed| {
            let report = random(10_000, seed);
            assert!(report.failure().is_some());
            report.runs()
        })
        .sum();
    // The mean of so many is within a tenth of what is expected, so the bound has to hold with that.
    let mean = runs as f64 / 400.0;
    assert!(mean <= 14.0 * 1.2 + 1.0, "{mean}");
}

#[test]
fn a_seed_gives_the_same_runs_again() {
    let (one, two, other) = (random(1_000, 7), random(1_000, 7), random(1_000, 8));
    assert_eq!(one.runs(), two.runs());
    let schedule = |report: &Report| report.failure().unwrap().schedule().to_owned();
    assert_eq!(schedule(&one), schedule(&two));
    assert!(other.failure().is_some());
}

#[test]
fn what_is_found_is_reduced_to_what_it_needs() {
    for seed in 0..20 {
        let report = Explorer::new()
            .preemptions(5)
            .faults(2, "return")
            .random(10_000, seed)
            .run(|| async {
                let other = spawn_task(async {
                    async {
                        fail_point!("random-fault", |_| ());
                        fail_point!("random-fault-2", |_| ());
                    }
                    .await;
                });
                narrow(true).await;
                other.await.unwrap();
            });
        let failure = report.failure().unwrap();
        let needed = failure
            .steps()
            .iter()
            .filter(|step| step.kind() != StepKind::Continue);
        assert_eq!(needed.count(), 1, "{failure}");
    }
}

#[test]
fn runs_without_a_failure_are_as_many_as_were_asked_for() {
    let report = Explorer::new().random(50, 1).run(|| narrow(false));
    assert_eq!((report.runs(), report.is_complete()), (50, false));
    assert!(report.to_string().contains("seed 1"), "{report}");
}
