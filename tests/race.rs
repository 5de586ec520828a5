//! Proves by force of numbers that hits and writers on different threads keep I1 to
//! I4: no waiter outlives its configuration, a hit sees what was configured before it,
//! and a batch takes effect in one step. Needs the global table to itself: its tests
//! run one after the other.
//!
//! `NEON_FAILPOINT_ROUNDS` is the number of rounds of each test (20,000 if it is not
//! set). What is random comes from a fixed seed.

mod common;

use std::future::Future;
use std::io::Write;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

use common::{Counter, Runtime, block_on, now, poll_once, waiters};
use neon_failpoint::FailpointResult::{self, Cancelled, Continue, Return};
use neon_failpoint::{
    configure_failpoint, configure_failpoint_callback, configure_failpoints, fail_point,
    fail_point_sync, fail_point_with_context_sync, failpoint, failpoint_blocking,
    failpoint_context, failpoint_with_cancellation, list_failpoints, remove_all_failpoints,
    remove_failpoint,
};
use tokio_util::sync::CancellationToken;

// Rounds, and those who take part in them.

fn rounds() -> usize {
    match std::env::var("NEON_FAILPOINT_ROUNDS") {
        Ok(rounds) => rounds.parse().expect("NEON_FAILPOINT_ROUNDS is a number"),
        Err(_) => 20_000,
    }
}

/// The table, empty, for one test at a time, which ends the process if it hangs.
struct Alone {
    _table: MutexGuard<'static, ()>,
    _ends: Sender<()>,
}

fn alone(test: &'static str) -> Alone {
    static TABLE: Mutex<()> = Mutex::new(());
    let table = TABLE.lock().unwrap_or_else(PoisonError::into_inner);
    remove_all_failpoints();
    let (ends, ended) = channel();
    thread::spawn(move || {
        if ended.recv_timeout(Duration::from_secs(1_200)) == Err(RecvTimeoutError::Timeout) {
            let points = list_failpoints();
            // Not `eprintln!`, which the harness would swallow.
            let _ = writeln!(std::io::stderr(), "{test} hangs; the table: {points:#?}");
            std::process::abort();
        }
    });
    Alone {
        _table: table,
        _ends: ends,
    }
}

/// Brings the parties of a round together, as often as they like.
struct Gate {
    parties: usize,
    arrivals: AtomicUsize,
    is_broken: AtomicBool,
}

impl Gate {
    fn new(parties: usize) -> Arc<Self> {
        Arc::new(Self {
            parties,
            arrivals: AtomicUsize::new(0),
            is_broken: AtomicBool::new(false),
        })
    }

    /// Announces a party, which may then ask whether `all_are_here`.
    fn arrive(&self) -> usize {
        let arrivals = self.arrivals.fetch_add(1, Ordering::AcqRel) + 1;
        arrivals.next_multiple_of(self.parties)
    }

    fn all_are_here(&self, arrivals: usize) -> bool {
        assert!(
            !self.is_broken.load(Ordering::Relaxed),
            "another party failed"
        );
        self.arrivals.load(Ordering::Acquire) >= arrivals
    }
}

/// One thread or task of a test. Where it panics, the others do.
struct Party {
    gate: Arc<Gate>,
    random: AtomicU64,
}

impl Party {
    fn new(gate: &Arc<Gate>, seed: u64) -> Self {
        Self {
            gate: gate.clone(),
            random: AtomicU64::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1),
        }
    }

    /// Blocks until all parties are here.
    fn meet(&self) {
        let arrivals = self.gate.arrive();
        let mut tries = 0;
        while !self.gate.all_are_here(arrivals) {
            tries += 1;
            if tries % 64 == 0 {
                thread::yield_now();
            } else {
                std::hint::spin_loop();
            }
        }
    }

    async fn meet_async(&self) {
        let arrivals = self.gate.arrive();
        while !self.gate.all_are_here(arrivals) {
            tokio::task::yield_now().await;
        }
    }

    /// A number below `n`, by xorshift.
    fn below(&self, n: u64) -> u64 {
        let mut x = self.random.load(Ordering::Relaxed);
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.random.store(x, Ordering::Relaxed);
        x % n
    }

    /// A short time of no particular length: it shifts the parties against each other.
    fn dawdle(&self) {
        // Often not at all, so that the shortest races are run too.
        for _ in 0..self.below(3) * self.below(100) {
            std::hint::spin_loop();
        }
    }
}

impl Drop for Party {
    fn drop(&mut self) {
        if thread::panicking() {
            self.gate.is_broken.store(true, Ordering::Relaxed);
            // Who waits at a point must get to the gate.
            remove_all_failpoints();
        }
    }
}

/// A runtime whose tasks take part.
fn with_task<F: Future<Output = ()> + Send + 'static>(task: F, drive: impl FnOnce()) {
    let runtime = Runtime::MultiThread.build();
    let task = runtime.spawn(task);
    drive();
    runtime.block_on(task).unwrap();
}

fn with_thread(hitter: impl FnOnce() + Send + 'static, drive: impl FnOnce()) {
    let hitter = thread::spawn(hitter);
    drive();
    hitter.join().unwrap();
}

#[track_caller]
fn assert_nobody_waits() {
    for point in list_failpoints() {
        assert_eq!(point.waiters().len(), 0, "{point:?}");
    }
}

// One point, and all the ways to hit it.

const POINT: &str = "race";

/// Actions that wait until the configuration goes.
fn waits(round: usize) -> &'static str {
    if round % 5 == 4 {
        "sleep(3600000)"
    } else {
        "pause"
    }
}

fn hit_blocking(round: usize) -> FailpointResult {
    match round % 3 {
        0 => failpoint_blocking(POINT, None),
        1 => {
            fail_point_sync!("race", Return);
            Continue
        }
        _ => {
            fail_point_with_context_sync!("race", &failpoint_context! {"k" => 1}, Return);
            Continue
        }
    }
}

async fn hit(round: usize) -> FailpointResult {
    match round % 3 {
        0 => failpoint(POINT, None).await,
        1 => failpoint!("race").await,
        _ => {
            fail_point!("race", Return);
            Continue
        }
    }
}

fn value(number: usize) -> FailpointResult {
    Return(number.to_string())
}

fn configure_value(number: usize) {
    configure_failpoint(POINT, format!("return({number})")).unwrap();
}

// (a), (b), (c): a hit of a point that waits, against the end of its configuration.
// I3: whatever the interleaving, the wait ends.

/// Whether the hit of this round certainly waits before its configuration ends.
fn waits_first(round: usize) -> bool {
    (round / 4) % 2 == 0
}

/// Every round: the point waits, and while it is hit, `end` ends that.
fn end_while_it_is_hit(gate: &Arc<Gate>, end: fn(&Party, usize)) {
    let driver = Party::new(gate, 1);
    for round in 0..rounds() {
        configure_failpoint(POINT, waits(round)).unwrap();
        driver.meet();
        if waits_first(round) {
            while waiters(POINT) == 0 {
                assert!(!gate.is_broken.load(Ordering::Relaxed));
                thread::yield_now();
            }
        }
        driver.dawdle();
        end(&driver, round);
        driver.meet();
        assert_eq!(waiters(POINT), 0);
    }
}

fn tasks_hit_until(end: fn(&Party, usize), check: fn(usize, FailpointResult)) {
    let gate = Gate::new(2);
    let hits = {
        let gate = gate.clone();
        async move {
            let party = Party::new(&gate, 2);
            for round in 0..rounds() {
                party.meet_async().await;
                party.dawdle();
                check(round, hit(round).await);
                party.meet_async().await;
            }
        }
    };
    with_task(hits, || end_while_it_is_hit(&gate, end));
    assert_nobody_waits();
}

fn threads_hit_until(end: fn(&Party, usize), check: fn(usize, FailpointResult)) {
    let gate = Gate::new(2);
    let hits = {
        let gate = gate.clone();
        move || {
            let party = Party::new(&gate, 2);
            for round in 0..rounds() {
                party.meet();
                party.dawdle();
                check(round, hit_blocking(round));
                party.meet();
            }
        }
    };
    with_thread(hits, || end_while_it_is_hit(&gate, end));
    assert_nobody_waits();
}

fn remove(_: &Party, round: usize) {
    if round % 5 == 4 {
        remove_all_failpoints();
    } else {
        remove_failpoint(POINT);
    }
}

fn assert_continues(round: usize, result: FailpointResult) {
    assert_eq!(result, Continue, "round {round}");
}

fn reconfigure(driver: &Party, round: usize) {
    match round % 4 {
        0 => configure_value(round),
        1 => {
            let batch = [
                ("race-other", "off".to_owned()),
                (POINT, format!("return({round})")),
            ];
            configure_failpoints(batch).unwrap();
        }
        2 => {
            // Twice, and the second configuration waits as the first did.
            configure_failpoint(POINT, waits(round)).unwrap();
            driver.dawdle();
            configure_value(round);
        }
        _ => {
            configure_failpoint(POINT, waits(round)).unwrap();
            driver.dawdle();
            remove_failpoint(POINT);
        }
    }
}

fn assert_continues_or_is_new(round: usize, result: FailpointResult) {
    // A hit that comes after the end is one of the new configuration.
    let is_late = !waits_first(round) && round % 4 != 3 && result == value(round);
    assert!(result == Continue || is_late, "round {round}: {result:?}");
}

#[test]
fn a_task_at_a_point_that_is_removed_goes_on() {
    let _alone = alone("tasks against remove");
    tasks_hit_until(remove, assert_continues);
}

#[test]
fn a_task_at_a_point_that_is_reconfigured_goes_on() {
    let _alone = alone("tasks against reconfigure");
    tasks_hit_until(reconfigure, assert_continues_or_is_new);
}

#[test]
fn a_thread_at_a_point_that_is_removed_goes_on() {
    let _alone = alone("threads against remove");
    threads_hit_until(remove, assert_continues);
}

#[test]
fn a_thread_at_a_point_that_is_reconfigured_goes_on() {
    let _alone = alone("threads against reconfigure");
    threads_hit_until(reconfigure, assert_continues_or_is_new);
}

// (d): the idle caches of sites (I4) and of names.

/// Hits "race" in one of the ways that have an idle check of their own: two sites that
/// block, one that awaits, and the hit by name, which remembers an empty table.
fn is_configured(way: u64) -> bool {
    let first = || {
        fail_point_sync!("race", |_| true);
        false
    };
    let second = || {
        fail_point_with_context_sync!("race", &failpoint_context! {"k" => 1}, |_| true);
        false
    };
    match way {
        0 => first(),
        1 => second(),
        2 => now(failpoint!("race")) != Continue,
        _ => failpoint_blocking(POINT, None) != Continue,
    }
}

/// Where a writer stands: the number of the step that began last and of the one that
/// ended last. After an odd step the points are configured, after an even one not.
#[derive(Default)]
struct Steps {
    began: AtomicU64,
    ended: AtomicU64,
    /// The last step between whose end and the next one's beginning there was a hit.
    seen: AtomicU64,
}

impl Steps {
    /// Does one step, once a hit saw the one before.
    fn step(&self, driver: &Party, step: u64, act: impl FnOnce()) {
        while self.seen.load(Ordering::Acquire) < step - 1 {
            assert!(!driver.gate.is_broken.load(Ordering::Relaxed));
            thread::yield_now();
        }
        driver.dawdle();
        self.began.store(step, Ordering::SeqCst);
        act();
        self.ended.store(step, Ordering::SeqCst);
    }

    /// Does `hits` and returns their result if the whole of it was after one step and
    /// before the next, with the number of that step.
    fn between_steps<T>(&self, hits: impl FnOnce() -> T) -> Option<(u64, T)> {
        let ended = self.ended.load(Ordering::SeqCst);
        let result = hits();
        let began = self.began.load(Ordering::SeqCst);
        (began == ended).then_some((ended, result))
    }
}

#[test]
fn a_hit_sees_what_was_configured_or_removed_before_it() {
    let _alone = alone("idle caches");
    let gate = Gate::new(1);
    let steps = Arc::new(Steps::default());
    let last = 2 * rounds() as u64;
    let hits = {
        let (gate, steps) = (gate.clone(), steps.clone());
        move || {
            let party = Party::new(&gate, 2);
            let mut seen = 0;
            while seen < last {
                assert!(!gate.is_broken.load(Ordering::Relaxed));
                let way = party.below(4);
                if let Some((step, result)) = steps.between_steps(|| is_configured(way)) {
                    assert_eq!(result, step % 2 == 1, "step {step}, way {way}");
                    seen = step;
                    steps.seen.store(step, Ordering::Release);
                }
            }
        }
    };
    // Another writer, of a name of its own: it moves the generation under the sites.
    let ends = Arc::new(AtomicBool::new(false));
    let noise = {
        let ends = ends.clone();
        thread::spawn(move || {
            while !ends.load(Ordering::Relaxed) {
                configure_failpoint("race-noise", "off").unwrap();
                thread::yield_now();
                remove_failpoint("race-noise");
                // Long enough for the table to be empty now and then.
                for _ in 0..20 {
                    thread::yield_now();
                }
            }
        })
    };
    with_thread(hits, || {
        let driver = Party::new(&gate, 1);
        for step in 1..=last {
            steps.step(&driver, step, || match step % 8 {
                1 | 5 => configure_failpoint(POINT, "return").unwrap(),
                3 | 7 => configure_failpoints([(POINT, "return")]).unwrap(),
                6 => remove_all_failpoints(),
                _ => remove_failpoint(POINT),
            });
        }
    });
    ends.store(true, Ordering::Relaxed);
    noise.join().unwrap();
}

// (e): a batch takes effect in one step.

/// A hit of one of the two points of a batch: the number it was configured with.
fn number_at(point: char) -> u64 {
    let by_site = || match point {
        'x' => {
            fail_point_sync!("race-x", Return);
            Continue
        }
        _ => {
            fail_point_sync!("race-y", Return);
            Continue
        }
    };
    match by_site() {
        Return(number) => number.parse().unwrap(),
        other => panic!("{point} is not configured: {other:?}"),
    }
}

/// The writer configures x and y with the same number, again and again, one higher each
/// time. Snapshots are read in the order in which they were published, so of three hits
/// none can see an older number than the hit before it. If a batch took effect in two
/// steps, y could be older than an x that was seen before it (x first), or x older than
/// a y that was seen before it (y first).
#[test]
fn hits_never_see_half_of_a_batch_that_replaces() {
    let _alone = alone("batches that replace");
    let configure = |number: u64| {
        let actions = format!("return({number})");
        configure_failpoints([("race-x", &actions), ("race-y", &actions)]).unwrap();
    };
    configure(0);
    let (gate, last) = (Gate::new(1), 4 * rounds() as u64);
    let hits = {
        let gate = gate.clone();
        move || {
            let party = Party::new(&gate, 2);
            let mut newest = 0;
            while newest < last {
                assert!(!gate.is_broken.load(Ordering::Relaxed));
                let seen = ['x', 'y', 'x'].map(number_at);
                assert!(
                    newest <= seen[0] && seen.is_sorted(),
                    "{newest}, then {seen:?}"
                );
                newest = seen[2];
                party.dawdle();
            }
        }
    };
    with_thread(hits, || {
        let driver = Party::new(&gate, 1);
        for number in 1..=last {
            configure(number);
            driver.dawdle();
        }
    });
}

/// The same where the points were idle: who sees one configured finds the other one
/// configured.
#[test]
fn hits_never_see_half_of_a_batch_that_adds() {
    let _alone = alone("batches that add");
    let is_x = || {
        fail_point_sync!("race-x", |_| true);
        false
    };
    let is_y = || {
        fail_point_sync!("race-y", |_| true);
        false
    };
    let gate = Gate::new(2);
    let hits = {
        let gate = gate.clone();
        move || {
            let party = Party::new(&gate, 2);
            for round in 0..rounds() {
                party.meet();
                // Until the batch is there; both orders, as the trie may have its own.
                loop {
                    let (first, second) = match round % 2 {
                        0 => (is_x(), is_y()),
                        _ => (is_y(), is_x()),
                    };
                    assert!(second || !first, "round {round}: half of the batch");
                    if first {
                        break;
                    }
                    assert!(!gate.is_broken.load(Ordering::Relaxed));
                }
                party.meet();
            }
        }
    };
    with_thread(hits, || {
        let driver = Party::new(&gate, 1);
        for _ in 0..rounds() {
            driver.meet();
            driver.dawdle();
            configure_failpoints([("race-x", "return"), ("race-y", "return")]).unwrap();
            driver.meet();
            remove_failpoint("race-x");
            remove_failpoint("race-y");
        }
    });
}

// (f): I3, who is woken sees the new configuration at its next hit.

/// The rounds of the driver: a pause, and then a number to return.
fn pause_then_return(gate: &Arc<Gate>) {
    end_while_it_is_hit(gate, |_, round| configure_value(round));
}

fn assert_woken_then_new(round: usize, first: FailpointResult, second: FailpointResult) {
    let is_late = !waits_first(round) && first == value(round);
    let is_woken = first == Continue || is_late;
    assert!(is_woken, "round {round}: {first:?}");
    assert_eq!(second, value(round), "round {round}: the next hit");
}

#[test]
fn the_next_hit_of_a_woken_task_sees_the_new_configuration() {
    let _alone = alone("woken tasks");
    let gate = Gate::new(2);
    let hits = {
        let gate = gate.clone();
        async move {
            let party = Party::new(&gate, 2);
            for round in 0..rounds() {
                party.meet_async().await;
                party.dawdle();
                let first = hit(round).await;
                let second = hit(round / 2).await;
                assert_woken_then_new(round, first, second);
                party.meet_async().await;
            }
        }
    };
    with_task(hits, || pause_then_return(&gate));
    assert_nobody_waits();
}

#[test]
fn the_next_hit_of_a_woken_thread_sees_the_new_configuration() {
    let _alone = alone("woken threads");
    let gate = Gate::new(2);
    let hits = {
        let gate = gate.clone();
        move || {
            let party = Party::new(&gate, 2);
            for round in 0..rounds() {
                party.meet();
                party.dawdle();
                let first = hit_blocking(round);
                let second = hit_blocking(round / 2);
                assert_woken_then_new(round, first, second);
                party.meet();
            }
        }
    };
    with_thread(hits, || pause_then_return(&gate));
    assert_nobody_waits();
}

// (g): the hit goes while the configuration does.

#[test]
fn a_waiting_future_that_is_dropped_while_its_point_goes_leaves_nothing() {
    let _alone = alone("drops");
    let gate = Gate::new(2);
    let (counter, waker) = Counter::new();
    let hits = {
        let (gate, waker) = (gate.clone(), waker.clone());
        move || {
            let party = Party::new(&gate, 2);
            for round in 0..rounds() {
                let mut hit = Box::pin(hit(round));
                let poll = hit.as_mut().poll(&mut Context::from_waker(&waker));
                assert!(poll.is_pending());
                party.meet();
                party.dawdle();
                if round % 5 == 0 {
                    // Released or not, but never anything else.
                    let poll = hit.as_mut().poll(&mut Context::from_waker(&waker));
                    assert!(matches!(poll, Poll::Pending | Poll::Ready(Continue)));
                }
                drop(hit);
                assert_eq!(waiters(POINT), 0);
                party.meet();
            }
        }
    };
    configure_failpoint(POINT, "pause").unwrap();
    with_thread(hits, || {
        let driver = Party::new(&gate, 1);
        for round in 0..rounds() {
            driver.meet();
            driver.dawdle();
            match round % 3 {
                0 => configure_failpoint(POINT, "pause").unwrap(),
                1 => remove_failpoint(POINT),
                // Reads the list while the waiter leaves it.
                _ => assert!(waiters(POINT) <= 1),
            }
            if round % 3 == 1 {
                configure_failpoint(POINT, "pause").unwrap();
            }
            driver.meet();
        }
    });
    assert_nobody_waits();
    // Ours and that of the waker beside it: no clone is left in any list.
    drop(waker);
    assert_eq!(Arc::strong_count(&counter), 1);
    assert!(counter.woken() <= rounds());
}

#[test]
fn a_task_that_is_cancelled_while_its_point_goes_ends_once_and_leaves_nothing() {
    let _alone = alone("cancellations");
    // The task, the driver, and who cancels.
    let gate = Gate::new(3);
    let tokens: Arc<Vec<CancellationToken>> =
        Arc::new((0..rounds()).map(|_| CancellationToken::new()).collect());
    let hits = {
        let (gate, tokens) = (gate.clone(), tokens.clone());
        async move {
            let party = Party::new(&gate, 2);
            for (round, token) in tokens.iter().enumerate() {
                let mut hit = pin!(failpoint_with_cancellation(POINT, None, token));
                if round % 2 == 0 {
                    assert!(poll_once(hit.as_mut()).is_pending());
                }
                party.meet_async().await;
                party.dawdle();
                let result = hit.as_mut().await;
                let is_over = matches!(result, Continue | Cancelled);
                // In odd rounds it may have come after the change.
                let is_late = round % 2 == 1 && result == value(round);
                assert!(is_over || is_late, "round {round}: {result:?}");
                assert_eq!(poll_once(hit), Poll::Ready(Continue));
                party.meet_async().await;
                // The driver makes the point wait again.
                party.meet_async().await;
            }
        }
    };
    let cancels = {
        let (gate, tokens) = (gate.clone(), tokens.clone());
        thread::spawn(move || {
            let party = Party::new(&gate, 3);
            for token in tokens.iter() {
                party.meet();
                party.dawdle();
                token.cancel();
                party.meet();
                party.meet();
            }
        })
    };
    configure_failpoint(POINT, "pause").unwrap();
    with_task(hits, || {
        let driver = Party::new(&gate, 1);
        for round in 0..rounds() {
            driver.meet();
            driver.dawdle();
            match round % 3 {
                0 => configure_value(round),
                1 => remove_failpoint(POINT),
                // Only cancelled.
                _ => {}
            }
            driver.meet();
            assert_eq!(waiters(POINT), 0, "round {round}");
            configure_failpoint(POINT, "pause").unwrap();
            driver.meet();
        }
    });
    cancels.join().unwrap();
    assert_nobody_waits();
}

#[test]
fn a_task_that_is_aborted_while_its_point_goes_leaves_nothing() {
    let _alone = alone("aborts");
    let runtime = Runtime::MultiThread.build();
    let gate = Gate::new(1);
    let driver = Party::new(&gate, 1);
    for round in 0..rounds() {
        configure_failpoint(POINT, waits(round)).unwrap();
        let task = runtime.spawn(hit(round));
        driver.dawdle();
        let handle = task.abort_handle();
        let aborts = runtime.spawn(async move { handle.abort() });
        driver.dawdle();
        configure_value(round);
        block_on(aborts).unwrap();
        match block_on(task) {
            Ok(result) => assert!(result == Continue || result == value(round)),
            Err(error) => assert!(error.is_cancelled()),
        }
        assert_eq!(waiters(POINT), 0);
    }
}

#[test]
fn a_callback_that_is_replaced_all_the_time_is_called_by_every_hit() {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    let _alone = alone("a_callback_that_is_replaced_all_the_time_is_called_by_every_hit");
    let name = "race-callback";
    let configure = || {
        let call = || {
            CALLS.fetch_add(1, Ordering::SeqCst);
        };
        configure_failpoint_callback(name, call).unwrap();
    };
    configure();
    let stop = AtomicBool::new(false);
    let hits: usize = thread::scope(|scope| {
        let hitter = || {
            let mut hits = 0;
            while !stop.load(Ordering::SeqCst) {
                assert_eq!(failpoint_blocking(name, None), Continue);
                hits += 1;
            }
            hits
        };
        let hitters = [scope.spawn(hitter), scope.spawn(hitter)];
        (0..rounds() * 5).for_each(|_| configure());
        stop.store(true, Ordering::SeqCst);
        hitters.into_iter().map(|h| h.join().unwrap()).sum()
    });
    assert_eq!(CALLS.load(Ordering::SeqCst), hits);
}
