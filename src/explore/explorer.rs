//! The explorer: what it is told, and how it goes from run to run.

use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::engine::actions::action::Action;
use crate::engine::actions::chain::{self, Alternative};
use crate::engine::actions::matcher::Memory;
use crate::engine::director::Open;
use crate::engine::report;
use crate::engine::site::ENABLED;
use crate::error::Error;
use crate::explore::guide::{Guide, Random, Spent, Walk};
use crate::explore::own_test::again;
use crate::explore::panics;
use crate::explore::pick::{self, Pick, Places};
use crate::explore::progress::Progress;
use crate::explore::report::{Ending, Failure, Report, Step, StepKind};
use crate::explore::run::{Output, Ran, run};
use crate::explore::search::Frontier;
use crate::explore::shrink::without_each;
use crate::explore::steps::Settings;
use crate::explore::watchdog::Watchdog;

/// Runs a scenario under every schedule of its failpoints with at most two preemptions, and panics with
/// the first that fails: [`Explorer::new`]`().`[`check`](Explorer::check)`(scenario)`.
///
/// # Examples
///
/// A lost update is found without being told where to look:
///
/// ```should_panic
/// # if !neon_failpoint::has_failpoints() { panic!() }
/// use neon_failpoint::explore::explore;
/// use neon_failpoint::fail_point;
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
///
/// async fn increment(counter: Arc<AtomicU32>) {
///     let value = counter.load(SeqCst);
///     fail_point!("explore-doc");
///     counter.store(value + 1, SeqCst);
/// }
///
/// explore(|| async {
///     let counter = Arc::new(AtomicU32::new(0));
///     let tasks = [1, 2].map(|_| tokio::spawn(increment(counter.clone())));
///     for task in tasks {
///         task.await.unwrap();
///     }
///     assert_eq!(counter.load(SeqCst), 2);
/// });
/// ```
#[track_caller]
pub fn explore<F: Future<Output: Outcome>>(scenario: impl Fn() -> F) {
    Explorer::new().check(scenario);
}

/// What a scenario gives: `()`, or a `Result` whose error is a failure.
pub trait Outcome: sealed::Sealed {
    #[doc(hidden)]
    fn into_result(self) -> Result<(), String>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for () {}
    impl<E: std::fmt::Debug> Sealed for Result<(), E> {}
}

impl Outcome for () {
    fn into_result(self) -> Result<(), String> {
        Ok(())
    }
}

impl<E: fmt::Debug> Outcome for Result<(), E> {
    fn into_result(self) -> Result<(), String> {
        self.map_err(|error| format!("{error:?}"))
    }
}

/// What is explored, and how far.
///
/// ```
/// # if !neon_failpoint::has_failpoints() { return }
/// use neon_failpoint::explore::Explorer;
/// use neon_failpoint::fail_point;
///
/// // Two tasks of two failpoints each: 4! / (2! * 2!) schedules.
/// let report = Explorer::new().preemptions(usize::MAX).run(|| async {
///     let work = || async {
///         fail_point!("explorer-doc-a");
///         fail_point!("explorer-doc-b");
///     };
///     tokio::join!(work(), work());
/// });
/// assert_eq!((report.runs(), report.is_complete()), (6, true));
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is explored before `check` or `run`"]
pub struct Explorer {
    pub(super) points: Option<regex::Regex>,
    bounds: Spent,
    faults: Vec<Alternative>,
    object: Option<String>,
    pub(super) max_runs: usize,
    max_steps: usize,
    random: Option<(usize, u64)>,
    pub(super) replay: Option<Vec<Pick>>,
    /// The same for `crashes`: the number of a hit.
    pub(super) crash: Option<usize>,
    pub(super) damage: Option<Damage>,
}

/// What is done to a folder after a crash.
#[derive(Clone)]
pub(super) struct Damage(pub(super) Arc<dyn Fn(&Path) + Send + Sync>);

impl fmt::Debug for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Damage(..)")
    }
}

impl Default for Explorer {
    fn default() -> Self {
        Self::new()
    }
}

impl Explorer {
    /// All failpoints, at most two preemptions, no faults, no cancellations, at most 10,000 runs of at
    /// most 10,000 steps.
    pub fn new() -> Self {
        Self {
            points: None,
            bounds: Spent {
                preemptions: 2,
                faults: 0,
                cancellations: 0,
            },
            faults: Vec::new(),
            object: None,
            max_runs: 10_000,
            max_steps: 10_000,
            random: None,
            replay: None,
            crash: None,
            damage: None,
        }
    }

    /// Explores only the failpoints whose whole name matches a regular expression. The others do what
    /// they are configured to.
    ///
    /// # Panics
    ///
    /// If `regex` is none.
    #[track_caller]
    pub fn points(mut self, regex: &str) -> Self {
        match regex::Regex::new(&format!("^(?:{regex})$")) {
            Ok(whole) => self.points = Some(whole),
            Err(e) => panic!("Explorer::points: {regex:?} is no regular expression: {e}"),
        }
        self
    }

    /// Allows so many preemptions in a run: to go on with another task while the one that went on last
    /// stands at a failpoint, too. `usize::MAX` allows all.
    ///
    /// Most races need one or two. Of 3 tasks with 4 failpoints each there are 6 schedules without
    /// preemptions, some hundreds with two, and 34,650 altogether.
    pub fn preemptions(mut self, most: usize) -> Self {
        self.bounds.preemptions = most;
        self
    }

    /// Injects at most so many faults in a run, at each hit once: the hit returns as if it were
    /// configured to. Only hits that can return are failed: of macros with a closure, and of
    /// [`failpoint!`](crate::failpoint!) and the functions that give a
    /// [`FailpointResult`](crate::FailpointResult). Those of blocking code are failed, too, though they
    /// are not stopped.
    ///
    /// `actions` is a `return`, or several joined by `->`, of which the first whose matchers match the
    /// hit counts: `when(op=write)return(disk full)->when(op=read)return(checksum)`.
    ///
    /// # Panics
    ///
    /// If `actions` is anything else.
    #[track_caller]
    pub fn faults(mut self, most: usize, actions: &str) -> Self {
        let parsed = chain::parse(actions, false, &mut Memory::of_a_call());
        let faults = match parsed {
            Ok(faults) => faults,
            Err(problem) => panic!("Explorer::faults: {}", Error::new(problem)),
        };
        for fault in &faults {
            let is_return = matches!(fault.action, Action::Return(_));
            if !is_return || fault.percent.is_some() || fault.count.is_some() {
                panic!(
                    "Explorer::faults: {actions:?} has {:?}; expected `return` or `return(value)`, \
                     with `when(..)` before it or alone: the explorer itself chooses when",
                    fault.to_string()
                );
            }
        }
        self.bounds.faults = most;
        self.faults = faults;
        self
    }

    /// Drops at most so many [`cancellable`](crate::explore::cancellable()) futures in a run, each at
    /// every failpoint inside it.
    pub fn cancellations(mut self, most: usize) -> Self {
        self.bounds.cancellations = most;
        self
    }

    /// Names the context key whose value says what object a step touches, from its hit to the next of
    /// the same task. Two steps whose hits both have that key, with different values, are then not tried
    /// in both orders.
    ///
    /// That is sound only if it is true: if the steps share nothing else, no log, no counter, no channel.
    pub fn object(mut self, key: impl Into<String>) -> Self {
        self.object = Some(key.into());
        self
    }

    /// Ends the exploration after so many runs. It is then not [complete](Report::is_complete).
    pub fn max_runs(mut self, most: usize) -> Self {
        self.max_runs = most;
        self
    }

    /// Lets a run pass at most so many failpoints: more is a failure, `endless`.
    pub fn max_steps(mut self, most: usize) -> Self {
        self.max_steps = most;
        self
    }

    /// Tries so many schedules by chance, instead of all in order: for scenarios that have too many.
    ///
    /// This is PCT, of Burckhardt and others, *A Randomized Scheduler with Probabilistic Guarantees of
    /// Finding Bugs* (ASPLOS 2010): of `n` tasks and `k` steps, a run meets a bug that needs `d` ordered
    /// steps with a probability of at least `1 / (n * k^(d-1))`, where `d` is one more than the
    /// preemptions allowed. What it finds is then reduced to what is needed. A seed gives the same runs
    /// each time, with one version of this crate.
    pub fn random(mut self, runs: usize, seed: u64) -> Self {
        self.random = Some((runs, seed));
        self
    }

    /// Runs one schedule, that of a [`Failure`], in place of all. A schedule that does not fit the
    /// scenario is a failure that says at which step. One of [`crashes`](Self::crashes) is `crash 3`.
    ///
    /// From outside the same is done by the environment variable `FAILPOINTS_REPLAY`.
    ///
    /// # Panics
    ///
    /// If `schedule` is none.
    #[track_caller]
    pub fn replay(mut self, schedule: &str) -> Self {
        let (schedule, _) = split(schedule);
        (self.crash, self.replay) = (None, None);
        match pick::parse_crash(schedule) {
            Some(Ok(hit)) => self.crash = Some(hit),
            Some(Err(why)) => panic!("Explorer::replay: {why}"),
            None => match pick::parse(schedule) {
                Ok(picks) => self.replay = Some(picks),
                Err(word) => panic!("Explorer::replay: {}", no_schedule(&word)),
            },
        }
        self
    }

    /// Explores a scenario, and panics at the first failure: with what was wrong, the schedule that leads
    /// there, and the command that repeats it.
    ///
    /// # Panics
    ///
    /// At a failure; in a build without the feature `testing`, where there is nothing to explore; and
    /// inside a tokio runtime, because the explorer makes its own: call it in a `#[test]`, not in a
    /// `#[tokio::test]`.
    #[track_caller]
    pub fn check<F: Future<Output: Outcome>>(self, scenario: impl Fn() -> F) {
        let report = self.run(scenario);
        if report.failure.is_some() {
            panic!("{report}");
        }
    }

    /// Explores a scenario, and returns what came of it. It ends at the first failure.
    ///
    /// # Panics
    ///
    /// As [`check`](Self::check), except at a failure.
    #[track_caller]
    pub fn run<F: Future<Output: Outcome>>(self, scenario: impl Fn() -> F) -> Report {
        demand_a_place();
        if self.crash.is_some() {
            panic!("Explorer::replay: this is the schedule of a crash: call `crashes`");
        }
        let scenario = || -> Pin<Box<dyn Future<Output = Output> + '_>> {
            let scenario = scenario();
            Box::pin(async { scenario.await.into_result() })
        };
        self.explore(&scenario)
    }

    #[track_caller]
    fn explore<'a>(mut self, scenario: &Scenario<'a>) -> Report {
        let number = number_of_this_exploration();
        if let Some(replay) = replay_from_outside(number) {
            self.replay = Some(replay);
        }
        panics::install();
        let _open = Open::new();
        let is_walk = self.random.is_none() && self.replay.is_none();
        let exploration = Exploration {
            settings: Arc::new(Settings {
                points: self.points,
                bounds: self.bounds,
                faults: self.faults,
                max_steps: self.max_steps,
                object: self.object.filter(|_| is_walk),
                is_impatient: AtomicBool::new(false),
                has_io: AtomicBool::new(false),
            }),
            scenario,
            places: Places::default(),
            runs: 0,
            left_out: 0,
            repeated: 0,
            number,
            max_runs: self.max_runs,
            progress: Progress::new(),
            watchdog: Watchdog::new(),
        };
        match (self.replay, self.random) {
            (Some(schedule), _) => exploration.replay(schedule),
            (None, Some((runs, seed))) => exploration.at_random(runs, seed),
            (None, None) => exploration.in_order(),
        }
    }
}

/// Panics where nothing can be explored.
#[track_caller]
pub(super) fn demand_a_place() {
    if !ENABLED {
        panic!("{}", Error::feature("exploring", "testing"));
    }
    if tokio::runtime::Handle::try_current().is_ok() {
        panic!(
            "the explorer makes a tokio runtime for each run, and cannot do so inside another: call it \
             in a `#[test]`, not in a `#[tokio::test]`"
        );
    }
}

/// How often a schedule is tried that the scenario does not follow.
const ATTEMPTS: usize = 1_000;

type Scenario<'a> = dyn Fn() -> Pin<Box<dyn Future<Output = Output> + 'a>> + 'a;

/// An exploration under way.
struct Exploration<'s, 'a> {
    settings: Arc<Settings>,
    scenario: &'s Scenario<'a>,
    places: Places,
    runs: usize,
    left_out: usize,
    /// How many runs did not follow their schedule, and were tried again.
    repeated: usize,
    number: Option<usize>,
    max_runs: usize,
    progress: Progress,
    watchdog: Watchdog,
}

impl Exploration<'_, '_> {
    fn run(&mut self, guide: Guide) -> Ran {
        let has_io = &self.settings.has_io;
        let again = (!has_io.load(Ordering::Relaxed)).then(|| guide.clone());
        let mut ran = self.run_once(guide);
        if let Some(guide) = again.filter(|_| ran.lacks_io()) {
            self.settings.has_io.store(true, Ordering::Relaxed);
            ran = self.run_once(guide);
        }
        match ran.is_left_out {
            true => self.left_out += 1,
            false => self.runs += 1,
        }
        ran
    }

    fn run_once(&mut self, guide: Guide) -> Ran {
        let mut ran = run(
            &self.settings,
            &self.watchdog,
            std::mem::take(&mut self.places),
            guide,
            self.scenario,
        );
        self.places = std::mem::take(&mut ran.places);
        ran
    }

    /// Follows a schedule. `select!` is random in tokio where several branches are ready: where that leads
    /// elsewhere, it is tried again.
    fn follow(&mut self, mut walk: Walk) -> Ran {
        for _ in 1..ATTEMPTS {
            let (schedule, bounds) = (walk.schedule.clone(), walk.bounds);
            let ran = self.run(Guide::Walk(walk));
            if !ran.differs {
                return ran;
            }
            self.runs -= 1;
            self.repeated += 1;
            walk = Walk::strictly(schedule, bounds);
        }
        self.run(Guide::Walk(walk))
    }

    /// Tries every schedule within the bounds, those that need least first.
    fn in_order(mut self) -> Report {
        let bounds = self.settings.bounds;
        let mut frontier = Frontier::default();
        let mut next = Some(Walk::strictly(Vec::new(), bounds));
        while let Some(walk) = next {
            if self.runs >= self.max_runs {
                let tried = match frontier.level() {
                    0 => String::new(),
                    1 => "; every schedule that needs none was tried".to_owned(),
                    level => format!(
                        "; every schedule with fewer than {level} preemptions, faults and cancellations \
                         was tried"
                    ),
                };
                let why = format!("max_runs is {}{tried}", self.max_runs);
                return self.report(Ending::Cut(why), None);
            }
            let ran = self.follow(walk);
            if self.runs == 1 && ran.taken.is_empty() && ran.failure.is_none() {
                report::explored(
                    "no failpoint was hit in the scenario: there is nothing to explore",
                );
            }
            if ran.failure.is_some() {
                return self.failed(ran);
            }
            if let Guide::Walk(walk) = &ran.guide {
                let picks: Vec<Pick> = ran.taken.iter().map(|taken| taken.pick).collect();
                let most = self.max_runs.saturating_sub(self.runs).saturating_add(1);
                frontier.add(&picks, &walk.branches, most);
            }
            self.progress.show(self.runs, frontier.len());
            next = frontier.next(bounds);
        }
        let bounds = match listed(&bounds) {
            Some(bounds) => format!("every schedule with {bounds}"),
            None => "every schedule".to_owned(),
        };
        self.report(Ending::Complete(bounds), None)
    }

    fn at_random(mut self, runs: usize, seed: u64) -> Report {
        let bounds = self.settings.bounds;
        // How long a run is, is known after the first.
        let mut steps = 0;
        while self.runs < runs {
            let ran = self.run(Guide::Random(Random::new(seed, self.runs, steps, bounds)));
            steps = steps.max(ran.taken.len());
            if ran.failure.is_some() {
                let least = without_each(ran, |guide| self.run(guide));
                return self.failed(least);
            }
            self.progress.show(self.runs, runs - self.runs);
        }
        self.report(Ending::Cut(format!("random, with seed {seed}")), None)
    }

    fn replay(mut self, schedule: Vec<Pick>) -> Report {
        let ran = self.follow(Walk::strictly(schedule, Spent::default()));
        match ran.failure {
            Some(_) => self.failed(ran),
            None => self.report(Ending::Cut("one schedule was replayed".to_owned()), None),
        }
    }

    fn failed(self, ran: Ran) -> Report {
        let steps = ran.taken.iter().map(|taken| Step {
            task: taken.pick.task,
            place: self.places.get(taken.place).clone(),
            kind: StepKind::of(taken.pick.kind, taken.preempts),
            preempts: taken.preempts,
            context: taken.context.as_ref().map(ToString::to_string),
        });
        let picks: Vec<Pick> = ran.taken.iter().map(|taken| taken.pick).collect();
        let schedule = pick::write(&picks);
        let failure = Failure {
            message: ran.failure.unwrap_or_default(),
            steps: steps.collect(),
            command: command(&schedule, self.number, &again().command()),
            schedule,
        };
        self.report(Ending::Failed, Some(failure))
    }

    fn report(self, ending: Ending, failure: Option<Failure>) -> Report {
        if self.repeated > 0 {
            report::explored(&format!(
                "a scenario was not the same each time, and {} runs were repeated because of that: what \
                 chance decides is not explored (`select!` without `biased`, the order of a HashMap)",
                self.repeated
            ));
        }
        Report {
            runs: self.runs,
            left_out: self.left_out,
            ending,
            failure,
        }
    }
}

/// Describes bounds, as in `at most 2 preemptions, 1 fault`.
fn listed(bounds: &Spent) -> Option<String> {
    let kinds = [
        (bounds.preemptions, "preemption"),
        (bounds.faults, "fault"),
        (bounds.cancellations, "cancellation"),
    ];
    let counted = kinds.iter().filter_map(|(n, what)| match *n {
        usize::MAX => None,
        0 if *what != "preemption" => None,
        1 => Some(format!("1 {what}")),
        n => Some(format!("{n} {what}s")),
    });
    let counted: Vec<String> = counted.collect();
    (!counted.is_empty()).then(|| format!("at most {}", counted.join(", ")))
}

/// Returns the number of an exploration among those of its thread, from 1. A test has a thread of its
/// own, except where the main thread runs all: there it has none.
fn number_of_this_exploration() -> Option<usize> {
    thread_local! {
        static COUNT: Cell<usize> = const { Cell::new(0) };
    }
    let number = COUNT.get() + 1;
    COUNT.set(number);
    (std::thread::current().name() != Some("main")).then_some(number)
}

/// Splits a schedule from the number of its exploration.
fn split(text: &str) -> (&str, Option<&str>) {
    match text.split_once('@') {
        Some((schedule, number)) => (schedule, Some(number.trim())),
        None => (text, None),
    }
}

fn no_schedule(word: &str) -> String {
    format!("{word:?} is no part of a schedule; expected what a failure gave, such as \"1 3*2 1f\"")
}

const REPLAY: &str = "FAILPOINTS_REPLAY";

/// Reads FAILPOINTS_REPLAY: the schedule, if it is for the exploration, or the crashes, of this number.
fn replay_text(number: Option<usize>) -> Result<Option<String>, String> {
    let Some(text) = std::env::var_os(REPLAY) else {
        return Ok(None);
    };
    let text = text.to_string_lossy();
    let (schedule, wanted) = split(&text);
    let wanted = match wanted.map(str::parse::<usize>) {
        None => 1,
        Some(Ok(wanted)) => wanted,
        Some(Err(_)) => {
            return Err(format!(
                "{REPLAY}: expected the number of an exploration after `@`"
            ));
        }
    };
    let is_it = number.is_none_or(|number| number == wanted);
    Ok(is_it.then(|| schedule.to_owned()))
}

/// Returns the schedule of FAILPOINTS_REPLAY, unless it is that of a crash.
#[track_caller]
fn replay_from_outside(number: Option<usize>) -> Option<Vec<Pick>> {
    let schedule = match replay_text(number) {
        Ok(schedule) => schedule?,
        Err(why) => panic!("{why}"),
    };
    if pick::parse_crash(&schedule).is_some() {
        return None;
    }
    match pick::parse(&schedule) {
        Ok(picks) => Some(picks),
        Err(word) => panic!("{REPLAY}: {}", no_schedule(&word)),
    }
}

/// Returns the hit of FAILPOINTS_REPLAY, if that is the schedule of a crash.
pub(super) fn replay_crash(number: usize) -> Result<Option<usize>, String> {
    let schedule = replay_text(Some(number))?;
    let crash = schedule
        .and_then(|schedule| pick::parse_crash(&schedule))
        .transpose();
    crash.map_err(|why| format!("{REPLAY}: {why}"))
}

/// Returns the command that repeats a schedule.
pub(super) fn command(schedule: &str, number: Option<usize>, program: &str) -> String {
    let number = match number {
        Some(1) | None => String::new(),
        Some(n) => format!(" @{n}"),
    };
    format!("{REPLAY}='{schedule}{number}' {program}")
}
