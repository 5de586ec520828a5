//! How many schedules there are.

use neon_failpoint::explore::Explorer;
use neon_failpoint::fail_point;
use tokio::task::JoinSet;

/// One task that passes `points` failpoints.
async fn work(points: usize) {
    for _ in 0..points {
        fail_point!("explore-counts");
    }
}

/// How many runs there are of `tasks` tasks with `points` failpoints each.
fn runs(tasks: usize, points: usize, preemptions: usize) -> usize {
    let report = Explorer::new()
        .preemptions(preemptions)
        .max_runs(100_000)
        .run(|| async move {
            let mut set = JoinSet::new();
            for _ in 0..tasks {
                set.spawn(work(points));
            }
            while let Some(result) = set.join_next().await {
                result.unwrap();
            }
        });
    assert!(report.is_complete(), "{report}");
    report.runs()
}

#[test]
fn without_preemptions_there_is_one_for_each_order_of_the_tasks() {
    assert_eq!(runs(1, 5, 0), 1);
    assert_eq!(runs(2, 3, 0), 2);
    assert_eq!(runs(3, 2, 0), 6);
    assert_eq!(runs(4, 3, 0), 24);
    assert_eq!(runs(5, 1, 0), 120);
}

#[test]
fn with_all_preemptions_there_is_one_for_each_order_of_the_steps() {
    assert_eq!(runs(1, 5, usize::MAX), 1);
    assert_eq!(runs(2, 1, usize::MAX), 2);
    assert_eq!(runs(2, 3, usize::MAX), 20);
    assert_eq!(runs(2, 5, usize::MAX), 252);
    assert_eq!(runs(3, 3, usize::MAX), 1680);
    assert_eq!(runs(4, 2, usize::MAX), 2520);
}

#[test]
fn the_guide_says_how_many_there_are() {
    let page = include_str!("../../src/find_a_race.md");
    for (tasks, points) in [(2, 3), (2, 10), (3, 4)] {
        let counts = [0, 1, 2].map(|preemptions| runs(tasks, points, preemptions).to_string());
        let row = format!("| {tasks} tasks of {points} | {} |", counts.join(" | "));
        assert!(page.contains(&row), "{row}");
    }
}
