//! Proves by force of numbers that release, reconfiguring, cancelling and dropping, all at
//! once, account for every waiter exactly once: what releases count is what the waiters saw,
//! and what each wait was told to have ended by.
//!
//! `NEON_FAILPOINT_ROUNDS` is the number of rounds of all tests here together (2,500 if it is
//! not set). What is random comes from a fixed seed.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::task::Poll;
use std::thread;

use crate::common::race::{Gate, Party, alone};
use crate::common::{self, loggers::on_event_of_a_level};
use crate::common::{HitByHand, Runtime, block_on, poll_once, race, waiters, within_deadline};
use neon_failpoint::FailpointResult::{Cancelled, Continue};
use neon_failpoint::{
    FailpointContext, arm, compat, configure_failpoint, configure_failpoints, failpoint_blocking,
    failpoint_context, failpoint_with_cancellation, release_failpoint, release_failpoint_matching,
    remove_failpoint,
};
use tokio_util::sync::CancellationToken;
use tracing::field::{Field, Visit};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::registry::Registry;
use tracing_subscriber::reload::Handle;

const POINT: &str = "release-stress";

/// A fifth of the rounds for each of the five tests.
fn rounds() -> usize {
    usize::div_ceil(common::rounds(), 5)
}

static ENDS: [(&str, AtomicUsize); 5] = [
    ("released", AtomicUsize::new(0)),
    ("reconfigured", AtomicUsize::new(0)),
    ("elapsed", AtomicUsize::new(0)),
    ("cancelled", AtomicUsize::new(0)),
    ("dropped", AtomicUsize::new(0)),
];

/// In the order of [`ENDS`], since the last call.
fn ends() -> [usize; 5] {
    [0, 1, 2, 3, 4].map(|i| ENDS[i].1.swap(0, Ordering::SeqCst))
}

fn count_end(event: &tracing::Event<'_>) {
    struct Why;
    impl Visit for Why {
        fn record_str(&mut self, field: &Field, value: &str) {
            if field.name() == "why" {
                let end = ENDS.iter().find(|(why, _)| *why == value).unwrap();
                end.1.fetch_add(1, Ordering::SeqCst);
            }
        }
        fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
    }
    event.record(&mut Why);
}

/// Counts them until it is dropped: the races of the other tests have no subscriber in their way.
struct Counting;

impl Counting {
    fn set(level: LevelFilter) {
        type Level = Handle<LevelFilter, Registry>;
        static LEVEL: LazyLock<Level> = LazyLock::new(|| on_event_of_a_level(count_end));
        LEVEL.reload(level).unwrap();
    }

    fn begin() -> Self {
        Self::set(LevelFilter::TRACE);
        ends();
        Self
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        Self::set(LevelFilter::OFF);
    }
}

/// What goes on beside the releases of a test.
#[derive(Clone, Copy)]
struct Mix {
    test: &'static str,
    changes: bool,
    cancels: bool,
    drops: bool,
}

/// So many tasks stand there in every round, and one thread.
const TASKS: usize = 8;

/// What the tasks of a round came to.
#[derive(Debug, Default)]
struct Seen {
    went_on: usize,
    cancelled: usize,
    dropped: usize,
}

fn poll(hit: &mut Option<HitByHand<'_>>, seen: &mut Seen) {
    let Some(polled) = hit else { return };
    match poll_once(polled.as_mut()) {
        Poll::Pending => return,
        Poll::Ready(Continue) => seen.went_on += 1,
        Poll::Ready(Cancelled) => seen.cancelled += 1,
        Poll::Ready(other) => panic!("{other:?}"),
    }
    *hit = None;
}

fn context(i: usize) -> FailpointContext {
    failpoint_context! { "i" => i }
}

/// Lets some go in one way or another, and returns how many.
fn release(party: &mut Party) -> usize {
    let n = party.below(4);
    // Nobody is let go where nothing is configured.
    match party.below(4) {
        0 => release_failpoint(POINT, usize::MAX).unwrap_or(0),
        1 => release_failpoint_matching(POINT, [("i", "[0-4]")]).unwrap_or(0),
        _ => release_failpoint(POINT, n).unwrap_or(0),
    }
}

/// The configuration goes, and comes back.
fn change(party: &mut Party) {
    match party.below(6) {
        0 => configure_failpoint(POINT, "pause").unwrap(),
        1 => configure_failpoints([(POINT, "pause")]).unwrap(),
        2 => compat::cfg(POINT, "pause").unwrap(),
        3 => drop(arm(POINT, "pause").unwrap()),
        4 => {
            let guard = arm(POINT, "off").unwrap();
            party.dawdle();
            drop(guard);
        }
        _ => {
            remove_failpoint(POINT);
            party.dawdle();
            configure_failpoint(POINT, "pause").unwrap();
        }
    }
}

fn releases(party: &mut Party, released: &AtomicUsize) {
    for _ in 0..rounds() {
        party.meet();
        for _ in 0..=party.below(2) {
            party.dawdle();
            released.fetch_add(release(party), Ordering::SeqCst);
        }
        party.meet();
        party.meet();
    }
}

fn mischief(
    mix: Mix,
    party: &mut Party,
    tokens: &Mutex<Vec<CancellationToken>>,
    released: &AtomicUsize,
) {
    for _ in 0..rounds() {
        party.meet();
        let tokens = tokens.lock().unwrap().clone();
        for _ in 0..=party.below(3) {
            party.dawdle();
            let cancels = match party.below(2) {
                0 => mix.cancels,
                _ => mix.cancels && !mix.changes,
            };
            if cancels {
                tokens[party.below(tokens.len())].cancel();
            } else if mix.changes {
                change(party);
            } else {
                // Somebody else who releases.
                released.fetch_add(release(party), Ordering::SeqCst);
            }
        }
        party.meet();
        party.meet();
    }
}

fn hits_by_a_thread(party: &mut Party) {
    for _ in 0..rounds() {
        let context = context(party.below(10));
        party.meet();
        assert_eq!(failpoint_blocking(POINT, Some(&context)), Continue);
        party.meet();
        party.meet();
    }
}

/// The tasks of all rounds, polled by hand, and what there is to be said of each round.
fn tasks(
    mix: Mix,
    party: &mut Party,
    tokens: &Mutex<Vec<CancellationToken>>,
    released: &AtomicUsize,
) -> Seen {
    let mut all = Seen::default();
    for round in race::numbered(rounds()) {
        let round_tokens = [(); TASKS].map(|()| CancellationToken::new());
        *tokens.lock().unwrap() = round_tokens.to_vec();
        let contexts: [FailpointContext; TASKS] = std::array::from_fn(context);
        let mut seen = Seen::default();
        let mut hits: Vec<Option<HitByHand<'_>>> = (0..TASKS)
            .map(|i| -> Option<HitByHand<'_>> {
                let hit = failpoint_with_cancellation(POINT, Some(&contexts[i]), &round_tokens[i]);
                Some(Box::pin(hit))
            })
            .collect();
        for hit in &mut hits {
            poll(hit, &mut seen);
        }
        assert_eq!(
            hits.iter().flatten().count(),
            TASKS,
            "all of them stand there"
        );
        party.meet();
        // Some look, and some are dropped, while the others let them go.
        for _ in 0..party.below(2 * TASKS) {
            party.dawdle();
            let at = party.below(TASKS);
            match party.below(3) {
                0 if mix.drops && hits[at].is_some() => {
                    hits[at] = None;
                    seen.dropped += 1;
                }
                _ => poll(&mut hits[at], &mut seen),
            }
        }
        // The thread may have come when all was over: then it stands there.
        while !party.gate.awaits_one() {
            let count = release_failpoint(POINT, 1).unwrap_or(0);
            released.fetch_add(count, Ordering::SeqCst);
            thread::yield_now();
        }
        party.meet();
        // All the others are through.
        for hit in &mut hits {
            poll(hit, &mut seen);
        }
        let left = hits.iter().flatten().count();
        assert_eq!(waiters(POINT), left, "round {round}");
        let last = release_failpoint(POINT, usize::MAX).unwrap();
        assert_eq!(last, left, "round {round}: those who are left are released");
        for hit in &mut hits {
            poll(hit, &mut seen);
        }
        assert!(hits.iter().all(Option::is_none), "round {round}");
        let released = released.swap(0, Ordering::SeqCst) + last;
        let what = format!("{}, round {round}: {seen:?}, released {released}", mix.test);
        assert_eq!(
            seen.went_on + seen.cancelled + seen.dropped,
            TASKS,
            "{what}"
        );
        let by = ends();
        let what = format!("{what}, told {by:?}");
        let [told_released, reconfigured, elapsed, cancelled, dropped] = by;
        // A thread that comes while the point is away does not wait.
        let waits = told_released + reconfigured + elapsed + cancelled + dropped;
        let may_miss = usize::from(mix.changes);
        assert!(
            (TASKS + 1 - may_miss..=TASKS + 1).contains(&waits),
            "{what}"
        );
        assert_eq!(told_released, released, "{what}");
        assert_eq!((cancelled, elapsed), (seen.cancelled, 0), "{what}");
        // Of those that were dropped some had been let go before.
        assert!(dropped <= seen.dropped, "{what}");
        if !mix.changes {
            assert_eq!(reconfigured, 0, "{what}");
            // And the thread.
            let let_go = seen.went_on + 1 + (seen.dropped - dropped);
            assert_eq!(released, let_go, "{what}");
        }
        all.went_on += seen.went_on;
        all.cancelled += seen.cancelled;
        all.dropped += seen.dropped;
        party.meet();
    }
    all
}

fn run(mix: Mix) {
    let _alone = alone(mix.test);
    let _counting = Counting::begin();
    let gate = Gate::new(4);
    let tokens = Mutex::new(Vec::<CancellationToken>::new());
    let released = AtomicUsize::new(0);
    configure_failpoint(POINT, "pause").unwrap();
    // All of them have ended, and let the table alone, before another test begins.
    let all = thread::scope(|scope| {
        scope.spawn(|| releases(&mut Party::new(&gate, 2), &released));
        scope.spawn(|| mischief(mix, &mut Party::new(&gate, 3), &tokens, &released));
        scope.spawn(|| hits_by_a_thread(&mut Party::new(&gate, 4)));
        tasks(mix, &mut Party::new(&gate, 1), &tokens, &released)
    });
    assert_eq!(all.went_on + all.cancelled + all.dropped, TASKS * rounds());
    // It was a race: each came to pass, if it could.
    if rounds() > 100 {
        assert!(all.went_on > 0);
        assert_eq!(
            (all.cancelled > 0, all.dropped > 0),
            (mix.cancels, mix.drops)
        );
    }
    remove_failpoint(POINT);
}

#[test]
fn releases_against_releases_let_everybody_go_exactly_once() {
    run(Mix {
        test: "releases",
        changes: false,
        cancels: false,
        drops: false,
    });
}

#[test]
fn who_is_cancelled_while_it_is_released_is_either_and_counted_as_that() {
    run(Mix {
        test: "cancels",
        changes: false,
        cancels: true,
        drops: false,
    });
}

#[test]
fn who_is_dropped_while_it_is_released_is_either_and_counted_as_that() {
    run(Mix {
        test: "drops",
        changes: false,
        cancels: false,
        drops: true,
    });
}

#[test]
fn who_is_released_while_the_point_changes_is_either_and_counted_as_that() {
    run(Mix {
        test: "changes",
        changes: true,
        cancels: false,
        drops: false,
    });
}

#[test]
fn everything_at_once_accounts_for_every_waiter_exactly_once() {
    run(Mix {
        test: "everything",
        changes: true,
        cancels: true,
        drops: true,
    });
}

/// Tasks of a runtime and threads, all of which come back, until as many were let go as came.
#[test]
fn tasks_and_threads_that_come_back_all_the_time_are_released_one_by_one() {
    let _alone = alone("tasks and threads that come back");
    let _counting = Counting::begin();
    within_deadline("tasks and threads that come back", || {
        const EACH: usize = 500;
        let guard = Arc::new(arm(POINT, "pause").unwrap());
        let runtime = Runtime::MultiThread.build();
        let token = CancellationToken::new();
        let tasks: Vec<_> = (0..4)
            .map(|i| {
                let token = token.clone();
                runtime.spawn(async move {
                    for _ in 0..EACH {
                        let context = context(i);
                        let hit = failpoint_with_cancellation(POINT, Some(&context), &token);
                        assert_eq!(hit.await, Continue);
                    }
                })
            })
            .collect();
        let threads: Vec<_> = (4..6)
            .map(|i| {
                thread::spawn(move || {
                    for _ in 0..EACH {
                        let context = context(i);
                        assert_eq!(failpoint_blocking(POINT, Some(&context)), Continue);
                    }
                })
            })
            .collect();
        let mut released = 0;
        while released < 6 * EACH {
            released += match released % 3 {
                0 => guard.release_one(),
                1 => guard.release_all(),
                _ => guard.release_matching([("i", "[0-9]")]).unwrap(),
            };
            thread::yield_now();
        }
        tasks.into_iter().for_each(|task| block_on(task).unwrap());
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        assert_eq!((released, guard.hits()), (6 * EACH, 6 * EACH));
        assert_eq!(guard.release_all(), 0);
        assert_eq!(ends(), [6 * EACH, 0, 0, 0, 0]);
    });
}
