//! One run of a scenario: it stops every hit, and, whenever nothing else can go on, lets one go.
//!
//! The runtime has one thread, and its clock is paused. Just before that thread would sleep, tokio
//! calls [`Run::quiet`]: everything that could run has run. Hits that stand then are the choices of
//! this step. While any stands the clock does not move; once none does, tokio moves it to the next
//! timer, and if there is none either, the run is stuck.

use std::collections::HashSet;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::ThreadId;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::time::{Instant, Sleep};

use crate::control::Scope;
use crate::engine::actions::action::Action;
use crate::engine::actions::chain::Alternative;
use crate::engine::actions::matcher::all_match;
use crate::engine::context::FailpointContext;
use crate::engine::director::{Arrival, Director, Verdict, direct_thread};
use crate::engine::sync::unpoisoned;
use crate::explore::cancellable::{Order, around};
use crate::explore::guide::{Choice, Guide, Spent};
use crate::explore::panics::{self, Hears};
use crate::explore::pick::{Kind, Pick, Places};
use crate::explore::watchdog::{Rests, Watchdog};

/// A run ends here, if nothing ends it before.
pub(super) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A run ends here, too: the clock moves so often while no task comes to a failpoint.
const MOVES: usize = 1_000_000;

/// A task that passed one place so often, while others stood, is waiting for these: they go first.
const OFTEN: usize = 16;

/// For so long something outside of the run, a thread or a socket, may take to wake a task: a run that
/// seems to be stuck waits for that.
const OUTSIDE: Duration = Duration::from_millis(200);

/// For so long a blocking thread may finish, after the work that was waited for, or after the run.
const SOON: Duration = Duration::from_millis(5);
const LATE: Duration = Duration::from_secs(5);

/// After so long a blocking thread that has not ended, or a task that does not come to rest, is thought to
/// wait for another; the second, once it is known that something in the scenario does.
const PATIENCE: Duration = Duration::from_secs(1);
const SHORT_PATIENCE: Duration = Duration::from_millis(20);

/// So many rounds of its tasks a run is given to come to rest after all: it may have been kept from running.
const ROUNDS: usize = 64;

/// What a scenario gives.
pub(super) type Output = Result<(), String>;

/// What holds for all runs of an exploration.
#[derive(Debug, Default)]
pub(super) struct Settings {
    pub(super) points: Option<regex::Regex>,
    pub(super) bounds: Spent,
    pub(super) faults: Vec<Alternative>,
    pub(super) max_steps: usize,
    pub(super) object: Option<String>,
    /// Whether something that does not rest was found to wait for a task that stands, or a blocking thread
    /// for another.
    pub(super) is_impatient: AtomicBool,
}

impl Settings {
    fn patience(&self) -> Duration {
        match self.is_impatient.load(Ordering::SeqCst) {
            true => SHORT_PATIENCE,
            false => PATIENCE,
        }
    }

    fn be_impatient(&self) {
        self.is_impatient.store(true, Ordering::SeqCst);
    }
}

/// A hit that stands at its point.
struct Standing {
    number: u64,
    id: Option<tokio::task::Id>,
    /// The thread of `spawn_blocking` that stands there.
    blocks: Option<ThreadId>,
    /// The index of its task; known once all that could run has run.
    task: Option<usize>,
    place: u32,
    context: Option<FailpointContext>,
    /// How it would return.
    fault: Option<Option<String>>,
    orders: Vec<Arc<Order>>,
    /// How many steps there had been when it came.
    came_at: usize,
    waker: Option<Waker>,
}

/// What is known of a task, or of a branch of one that stands apart, in `join!` for instance.
struct Task {
    id: Option<tokio::task::Id>,
    number: u32,
    /// Where it went on last.
    last: Option<(u32, Instant)>,
}

/// One step, as it was taken.
#[derive(Clone, Debug)]
pub(super) struct Taken {
    pub(super) pick: Pick,
    pub(super) place: u32,
    pub(super) context: Option<FailpointContext>,
    pub(super) preempts: bool,
}

struct State {
    guide: Guide,
    places: Places,
    tasks: Vec<Task>,
    standing: Vec<Standing>,
    /// Hits that may go on, until they do.
    let_go: Vec<(u64, Verdict)>,
    next: u64,
    /// How often the clock has moved since the last hit, at most.
    moves: usize,
    taken: Vec<Taken>,
    spent: Spent,
    /// The index of the task that went on last.
    last: Option<usize>,
    /// The places that it has passed since another went on.
    streak: Vec<u32>,
    failure: Option<String>,
    /// Whether the failure is that it did not follow its schedule.
    differs: bool,
    is_left_out: bool,
    is_over: bool,
    root: Option<Waker>,
    /// When the run began, by its own clock.
    began: Option<Instant>,
}

pub(super) struct Run {
    settings: Arc<Settings>,
    state: Mutex<State>,
    /// Whether the scenario itself is to be polled.
    is_root_awake: AtomicBool,
    /// Whether the scenario is to watch for the end of time.
    wants_guard: AtomicBool,
    /// Whether a step is to be taken although not all is quiet.
    need_not_rest: AtomicBool,
    /// The thread of its runtime.
    thread: ThreadId,
    blocking: Blocking,
}

/// The threads of `spawn_blocking`. They end as soon as they have nothing to do, so one that is there
/// may be at work.
#[derive(Default)]
struct Blocking {
    threads: Mutex<Threads>,
    fewer: Condvar,
}

#[derive(Default)]
struct Threads {
    /// How many there are.
    count: usize,
    /// How many of them have begun: one at a time, so that their work ends in the order in which it was
    /// given to them.
    begun: usize,
}

impl Blocking {
    fn add(&self) {
        unpoisoned(self.threads.lock()).count += 1;
    }

    /// Waits until no other is at work; not for ever, because that one may wait for this. Returns whether
    /// none is.
    fn begin(&self, patience: Duration) -> bool {
        let mut threads = self.wait(patience, |threads| threads.begun > 0);
        threads.begun += 1;
        threads.begun == 1
    }

    fn remove(&self) {
        let mut threads = unpoisoned(self.threads.lock());
        threads.count = threads.count.saturating_sub(1);
        threads.begun = threads.begun.saturating_sub(1);
        drop(threads);
        self.fewer.notify_all();
    }

    /// Whether there is none within `time`.
    fn is_none(&self, time: Duration) -> bool {
        self.are_at_most(0, time)
    }

    fn are_at_most(&self, most: usize, time: Duration) -> bool {
        self.wait(time, |threads| threads.count > most).count <= most
    }

    fn wait(&self, time: Duration, lasts: impl Fn(&Threads) -> bool) -> MutexGuard<'_, Threads> {
        let threads = unpoisoned(self.threads.lock());
        let waited = self
            .fewer
            .wait_timeout_while(threads, time, |threads| lasts(threads));
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// What a run was like.
pub(super) struct Ran {
    pub(super) guide: Guide,
    pub(super) places: Places,
    pub(super) taken: Vec<Taken>,
    pub(super) spent: Spent,
    pub(super) failure: Option<String>,
    /// Whether the failure is that it did not follow its schedule.
    pub(super) differs: bool,
    /// Whether it was broken off because another order of the same steps is tried.
    pub(super) is_left_out: bool,
}

/// Runs a scenario once.
pub(super) fn run<'a>(
    settings: &Arc<Settings>,
    watchdog: &Watchdog,
    places: Places,
    guide: Guide,
    scenario: &(dyn Fn() -> Pin<Box<dyn Future<Output = Output> + 'a>> + 'a),
) -> Ran {
    let run = Arc::new(Run::new(settings.clone(), places, guide));
    let scope = Scope::new();
    let built = runtime(&run, &scope);
    let over = match built {
        Ok(runtime) => {
            let _entered = scope.enter();
            let _directed = Directed::new(&run);
            watchdog.watch(Some(run.clone()));
            let result = catch_unwind(AssertUnwindSafe(|| {
                runtime.block_on(async {
                    // Made inside the runtime, so that it may spawn before its first await.
                    let made = catch_unwind(AssertUnwindSafe(scenario));
                    match made {
                        Ok(scenario) => Root::new(&run, scenario).await,
                        Err(panic) => {
                            run.panicked(panics::text(&*panic));
                            None
                        }
                    }
                })
            }));
            watchdog.watch(None);
            run.is_over();
            let over = result.unwrap_or(None);
            // Tasks that are left are dropped here, while the thread still belongs to the run.
            runtime.shutdown_timeout(LATE);
            if !run.blocking.is_none(Duration::ZERO) {
                run.fail(|_| {
                    format!(
                        "a blocking thread of the run did not end within {LATE:?} after it: what \
                         `spawn_blocking` runs has to end by itself"
                    )
                });
            }
            over
        }
        Err(e) => Some(Err(format!("no runtime could be made: {e}"))),
    };
    if let Some(Err(error)) = over {
        run.fail(|_| format!("the scenario returned an error: {error}"));
    }
    let mut state = run.lock();
    Ran {
        guide: std::mem::take(&mut state.guide),
        places: std::mem::take(&mut state.places),
        taken: std::mem::take(&mut state.taken),
        spent: state.spent,
        failure: state.failure.take(),
        differs: state.differs,
        is_left_out: state.is_left_out,
    }
}

fn runtime(run: &Arc<Run>, scope: &Scope) -> std::io::Result<tokio::runtime::Runtime> {
    let mut builder = Builder::new_current_thread();
    let quiet = run.clone();
    let (begun, named, ended) = (run.clone(), run.clone(), run.clone());
    let scope = scope.clone();
    builder
        .enable_all()
        .start_paused(true)
        .on_thread_park(move || quiet.quiet())
        // Of the threads of `spawn_blocking`: their names are asked for by who needs one.
        .thread_keep_alive(Duration::ZERO)
        .thread_name_fn(move || {
            named.blocking.add();
            "explored".to_owned()
        })
        .on_thread_start(move || {
            scope.enter_until_it_ends();
            begun.direct();
            if !begun.blocking.begin(begun.settings.patience()) {
                begun.settings.be_impatient();
            }
        })
        .on_thread_stop(move || {
            ended.blocking.remove();
            ended.wake_root();
        });
    builder.build()
}

/// While a thread belongs to a run.
struct Directed {
    director: Option<Arc<dyn Director>>,
    hears: Option<Arc<dyn Hears>>,
}

impl Directed {
    fn new(run: &Arc<Run>) -> Self {
        Self {
            director: direct_thread(Some(run.clone())),
            hears: panics::watch(Some(run.clone())),
        }
    }
}

impl Drop for Directed {
    fn drop(&mut self) {
        direct_thread(self.director.take());
        panics::watch(self.hears.take());
    }
}

impl Run {
    fn new(settings: Arc<Settings>, places: Places, guide: Guide) -> Self {
        Self {
            settings,
            state: Mutex::new(State {
                guide,
                places,
                tasks: Vec::new(),
                standing: Vec::new(),
                let_go: Vec::new(),
                next: 0,
                moves: 0,
                taken: Vec::new(),
                spent: Spent::default(),
                last: None,
                streak: Vec::new(),
                failure: None,
                differs: false,
                is_left_out: false,
                is_over: false,
                root: None,
                began: None,
            }),
            is_root_awake: AtomicBool::new(true),
            wants_guard: AtomicBool::new(false),
            need_not_rest: AtomicBool::new(false),
            thread: std::thread::current().id(),
            blocking: Blocking::default(),
        }
    }

    /// Makes a thread of `spawn_blocking` belong to the run, until it ends.
    fn direct(self: &Arc<Self>) {
        direct_thread(Some(self.clone()));
        panics::watch(Some(self.clone()));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        unpoisoned(self.state.lock())
    }

    fn is_over(&self) {
        // Dropped after the lock is released (I5).
        let _wakers = {
            let mut state = self.lock();
            state.is_over = true;
            (std::mem::take(&mut state.standing), state.root.take())
        };
    }

    /// Ends the run with a failure; the first one stays.
    fn fail(&self, text: impl FnOnce(&mut State) -> String) {
        let mut state = self.lock();
        if state.failure.is_none() && !state.is_left_out {
            let text = text(&mut state);
            state.failure = Some(text);
        }
        drop(state);
        self.wake_root();
    }

    fn wake_root(&self) {
        self.is_root_awake.store(true, Ordering::SeqCst);
        let root = self.lock().root.clone();
        if let Some(root) = root {
            root.wake();
        }
    }

    /// Everything that could run has run.
    fn quiet(&self) {
        if self.is_root_awake.load(Ordering::SeqCst) {
            if !self.has_threads_at_work() {
                self.need_not_rest.store(false, Ordering::SeqCst);
            }
            return;
        }
        let idle = self.lock().blocked_threads();
        if self.has_threads_at_work() {
            // What waits for the thread is woken by its work, and the scenario by its end, or by its
            // next hit: then this is called again. Waiting here keeps the clock from moving between.
            self.blocking.are_at_most(idle, SOON);
            return;
        }
        self.step();
    }

    /// A blocking thread that stands at a failpoint, inside a `block_on`, is not at work.
    fn has_threads_at_work(&self) -> bool {
        let idle = self.lock().blocked_threads();
        !self.blocking.are_at_most(idle, Duration::ZERO)
    }

    /// Lets one hit go on, or the clock where none stands.
    fn step(&self) {
        let mut state = self.lock();
        if state.is_over || state.failure.is_some() || state.is_left_out {
            return;
        }
        if state.standing.is_empty() {
            state.moves += 1;
            let is_endless = state.moves > MOVES;
            drop(state);
            if is_endless {
                self.fail(|state| state.stuck());
            } else if !self.wants_guard.swap(true, Ordering::SeqCst) {
                // The clock goes on, and the scenario watches how far.
                self.wake_root();
            }
            return;
        }
        match state.step(&self.settings) {
            Ok(wakers) => {
                drop(state);
                wakers.into_iter().flatten().for_each(Waker::wake);
            }
            Err(why) => {
                match why {
                    Some(failure) => state.failure = Some(failure),
                    None => state.is_left_out = true,
                }
                drop(state);
                self.wake_root();
            }
        }
    }

    fn fault(&self, arrival: &Arrival<'_>) -> Option<Option<String>> {
        if !arrival.can_return {
            return None;
        }
        self.settings
            .faults
            .iter()
            .find_map(|fault| match &fault.action {
                Action::Return(value) if all_match(&fault.matchers, arrival.context) => {
                    Some(value.clone())
                }
                _ => None,
            })
    }
}

impl Rests for Run {
    fn signs_of_life(&self) -> u64 {
        let state = self.lock();
        state.next.saturating_add(state.taken.len() as u64)
    }

    fn need_not_rest(&self, time: Duration) {
        if time >= self.settings.patience() && !self.lock().standing.is_empty() {
            self.need_not_rest.store(true, Ordering::SeqCst);
            self.wake_root();
        }
    }

    fn does_not_rest(&self, time: Duration) {
        self.fail(|state| state.restless(time));
    }

    fn failure(&self) -> Option<String> {
        self.lock().failure.clone()
    }
}

impl Hears for Run {
    /// A panic on a thread of the run. Where the run is over already, nobody is told: what is left is
    /// being dropped.
    fn panicked(&self, message: &str) {
        if self.lock().is_over {
            return;
        }
        self.fail(|state| match state.running() {
            Some(task) => format!("task {task} panicked {message}"),
            None => format!("the scenario panicked {message}"),
        });
    }
}

impl State {
    /// Returns the number of the task that is being polled, if it has one.
    fn running(&self) -> Option<u32> {
        let id = tokio::task::try_id()?;
        let task = self.tasks.iter().find(|task| task.id == Some(id))?;
        Some(task.number)
    }

    /// Finds out whose the hits are that came since the last step.
    ///
    /// Tasks are numbered as they came. Inside one task the places count: `select!` polls in an order that
    /// is not the same each time.
    fn number_new_hits(&mut self) {
        let first_of = |id| self.standing.iter().position(|hit| hit.id == id);
        let new = self
            .standing
            .iter()
            .enumerate()
            .filter(|(_, hit)| hit.task.is_none());
        let mut new: Vec<_> = new
            .map(|(at, hit)| {
                let place = self.places.get(hit.place);
                (
                    first_of(hit.id),
                    place.file,
                    place.line,
                    place.name.clone(),
                    at,
                )
            })
            .collect();
        new.sort_unstable();
        for (.., at) in new {
            let task = self.task(self.standing[at].id);
            self.standing[at].task = Some(task);
        }
    }

    /// Returns the index of the task of a hit that has come.
    fn task(&mut self, id: Option<tokio::task::Id>) -> usize {
        let stands = |at: usize| self.standing.iter().any(|hit| hit.task == Some(at));
        let is_it = |at: &usize| self.tasks[*at].id == id && !stands(*at);
        let last = self.last.filter(is_it);
        if let Some(at) = last.or_else(|| (0..self.tasks.len()).find(is_it)) {
            return at;
        }
        let has_root = self.tasks.iter().any(|task| task.number == 0);
        let number = match id {
            None if !has_root => 0,
            _ => self.tasks.len() as u32 + u32::from(!has_root),
        };
        self.tasks.push(Task {
            id,
            number,
            last: None,
        });
        self.tasks.len() - 1
    }

    /// Lets one hit go on. Returns the wakers that lead to that. An error ends the run: with a failure,
    /// or because its end is known.
    fn step(&mut self, settings: &Settings) -> Result<[Option<Waker>; 2], Option<String>> {
        if self.taken.len() >= settings.max_steps {
            return Err(Some(self.endless(settings)));
        }
        self.number_new_hits();
        let choices = self.choices(settings);
        if choices.is_empty() {
            return Err(None);
        }
        let at = self.choose(&choices)?;
        let Choice {
            at, pick, spent, ..
        } = choices[at];
        let hit = &mut self.standing[at];
        let wakers = match pick.kind {
            Kind::Cancel(further_out) => {
                let order = hit.orders[usize::from(further_out)].give();
                [order, hit.waker.take()]
            }
            Kind::Fault => {
                let fault = hit.fault.take().unwrap_or_default();
                self.let_go.push((hit.number, Verdict::Return(fault)));
                [hit.waker.take(), None]
            }
            Kind::Go | Kind::Pass | Kind::FaultAtOnce => {
                self.let_go.push((hit.number, Verdict::Continue));
                [hit.waker.take(), None]
            }
        };
        let (task, place) = (hit.task.unwrap_or_default(), hit.place);
        let context = hit.context.take();
        if pick.kind.is_cancellation() {
            // It leaves when it is dropped.
            hit.orders.clear();
            hit.fault = None;
        } else {
            self.standing.remove(at);
        }
        if self.last != Some(task) {
            self.streak.clear();
        }
        self.streak.push(place);
        self.last = Some(task);
        self.tasks[task].last = Some((place, Instant::now()));
        self.take(pick, place, context, spent);
        Ok(wakers)
    }

    fn take(&mut self, pick: Pick, place: u32, context: Option<FailpointContext>, spent: Spent) {
        let preempts = spent.preemptions > self.spent.preemptions;
        self.spent = spent;
        self.taken.push(Taken {
            pick,
            place,
            context,
            preempts,
        });
    }

    fn choose(&mut self, choices: &[Choice]) -> Result<usize, Option<String>> {
        let at = self.taken.len();
        let chosen = self.guide.choose(at, choices);
        chosen.map_err(|wanted| Some(self.differs(&wanted, choices)))
    }

    /// What may be done now: first what costs nothing, and of that to go on with the task that went on
    /// last.
    fn choices(&self, settings: &Settings) -> Vec<Choice> {
        let position = |at: usize| self.standing.iter().position(|hit| hit.task == Some(at));
        let last = self.last.and_then(position);
        let waits = last.is_some_and(|last| self.waits_for_others(last));
        let mut order: Vec<usize> = (0..self.standing.len()).collect();
        order.sort_by_key(|at| (self.standing[*at].came_at, self.standing[*at].task));
        if let Some(last) = last {
            order.retain(|at| *at != last);
            order.insert(if waits { order.len() } else { 0 }, last);
        }
        let mut choices = Vec::with_capacity(order.len());
        for at in order {
            let is_last = last == Some(at);
            let preempts = match last {
                None => false,
                Some(_) => is_last == waits,
            };
            let mut spent = self.spent;
            spent.preemptions += usize::from(preempts);
            let hit = &self.standing[at];
            let mut choice = |kind, spent| {
                choices.push(Choice {
                    at,
                    pick: Pick {
                        task: self.number(hit),
                        kind,
                        place: Some(hit.place),
                    },
                    spent,
                    waits: is_last && waits,
                });
            };
            if !self.is_left_to_another_order(hit, preempts, settings) {
                choice(Kind::Go, spent);
            }
            if hit.fault.is_some() && self.spent.faults < settings.bounds.faults {
                let faults = spent.faults + 1;
                choice(Kind::Fault, Spent { faults, ..spent });
            }
            if self.spent.cancellations < settings.bounds.cancellations {
                let cancellations = spent.cancellations + 1;
                for further_out in 0..hit.orders.len().min(256) {
                    let spent = Spent {
                        cancellations,
                        ..spent
                    };
                    choice(Kind::Cancel(further_out as u8), spent);
                }
            }
        }
        // Stable: among equals the order is that of arrival.
        choices.sort_by_key(|choice| choice.spent.total());
        choices
    }

    /// Returns how many threads of `spawn_blocking` stand at failpoints.
    fn blocked_threads(&self) -> usize {
        let threads = self.standing.iter().filter_map(|hit| hit.blocks);
        threads.collect::<HashSet<_>>().len()
    }

    /// Returns the number of the task of a hit.
    fn number(&self, hit: &Standing) -> u32 {
        hit.task.map_or(0, |task| self.tasks[task].number)
    }

    /// Whether the task of a hit goes round in a loop while others stand.
    fn waits_for_others(&self, at: usize) -> bool {
        let hit = &self.standing[at];
        let is_here = |place: &&u32| **place == hit.place;
        self.standing.len() > 1 && self.streak.iter().filter(is_here).count() >= OFTEN
    }

    /// Whether the last step and this one, in the other order, lead to the same, and come first.
    ///
    /// They touch different objects, by the user's word; the hit stood already when the last step was
    /// taken; and the other order is smaller: by the numbers of the tasks, and, where preemptions are
    /// bounded, it needs no more of them. So of all orders that lead to the same, the smallest stays.
    fn is_left_to_another_order(
        &self,
        hit: &Standing,
        preempts: bool,
        settings: &Settings,
    ) -> bool {
        let (Some(key), Some(before)) = (&settings.object, self.taken.last()) else {
            return false;
        };
        let object = |context: &Option<FailpointContext>| {
            context
                .as_ref()
                .and_then(|context| context.get(key))
                .map(str::to_owned)
        };
        let (Some(this), Some(other)) = (object(&hit.context), object(&before.context)) else {
            return false;
        };
        let task = self.number(hit);
        let is_smaller = task < before.pick.task;
        let needs_no_more = settings.bounds.preemptions == usize::MAX || {
            // From this task to the other and back, where it could have gone on.
            let two_before = self
                .taken
                .len()
                .checked_sub(2)
                .map(|at| self.taken[at].pick.task);
            two_before == Some(task) && before.preempts && preempts
        };
        this != other
            && before.pick.kind == Kind::Go
            && hit.came_at < self.taken.len()
            && is_smaller
            && needs_no_more
    }

    fn differs(&mut self, wanted: &Pick, choices: &[Choice]) -> String {
        let step = self.taken.len() + 1;
        let is_from_text = wanted.place.is_none();
        let describe = |pick: &Pick| {
            let place = pick
                .place
                .map(|n| format!(" at failpoint {}", self.places.get(n)));
            format!("task {}{}", pick.task, place.unwrap_or_default())
        };
        let there: Vec<String> = choices
            .iter()
            .map(|choice| describe(&choice.pick))
            .collect();
        let wanted = match wanted.kind {
            Kind::Go | Kind::Pass => describe(wanted),
            Kind::Fault | Kind::FaultAtOnce => format!("a fault of {}", describe(wanted)),
            Kind::Cancel(_) => format!("a cancellation of {}", describe(wanted)),
        };
        let there = match there.is_empty() {
            true => "nothing".to_owned(),
            false => there.join(", "),
        };
        self.differs = true;
        if is_from_text {
            return format!(
                "the schedule does not fit the scenario: step {step} was to be {wanted}; there was {there}"
            );
        }
        format!(
            "the scenario is not the same each time: step {step} was to be {wanted}; there was {there}. \
             What makes runs differ: the order of a HashMap, threads, real time, random numbers, `select!` \
             without `biased`, several who wait for one `watch`, state that an earlier run left"
        )
    }

    fn endless(&self, settings: &Settings) -> String {
        let mut places: Vec<String> = Vec::new();
        for taken in self.taken.iter().rev().take(100) {
            let place = format!(
                "task {} at {}",
                taken.pick.task,
                self.places.get(taken.place)
            );
            if !places.contains(&place) {
                places.push(place);
            }
        }
        format!(
            "endless: the run has passed failpoints {} times, at last {}",
            settings.max_steps,
            places.join(", ")
        )
    }

    fn restless(&mut self, time: Duration) -> String {
        self.number_new_hits();
        let standing = self.standing.iter().map(|hit| {
            let task = task_name(self.number(hit));
            format!("\n  {task} stands at {}", self.places.get(hit.place))
        });
        format!(
            "restless: for {} s of real time no task came to a failpoint, and the scenario is neither \
             over nor at rest. What does that: a loop that yields until a task that stands has done \
             something, a blocking thread that waits for one, a lock of the standard library that one \
             holds, work that takes that long{}",
            time.as_secs(),
            standing.collect::<String>()
        )
    }

    fn stuck(&self) -> String {
        let mut text =
            "stuck: however far the clock goes, no task comes to a failpoint, and the scenario is not over".to_owned();
        for task in &self.tasks {
            let Some((place, at)) = task.last else {
                continue;
            };
            let after = self.began.map(|began| at.duration_since(began));
            let when = match after {
                Some(time) if !time.is_zero() => format!(", {time:?} after the run began"),
                _ => String::new(),
            };
            text += &format!(
                "\n  {} went on from {}{when}, and came to no failpoint after that",
                task_name(task.number),
                self.places.get(place),
            );
        }
        text
    }
}

/// Returns how a task is called in what people read.
pub(super) fn task_name(number: u32) -> String {
    match number {
        0 => "the scenario".to_owned(),
        n => format!("task {n}"),
    }
}

impl Director for Run {
    fn directs(&self, name: &str) -> bool {
        self.settings
            .points
            .as_ref()
            .is_none_or(|points| points.is_match(name))
    }

    fn stop(&self, arrival: &Arrival<'_>) -> Option<u64> {
        let fault = self.fault(arrival);
        let orders = match self.settings.bounds.cancellations {
            0 => Vec::new(),
            _ => around(),
        };
        let context = arrival.context.cloned();
        let here = std::thread::current().id();
        let blocks = (here != self.thread).then_some(here);
        let mut state = self.lock();
        if state.is_over {
            return None;
        }
        let number = state.next;
        state.next += 1;
        state.moves = 0;
        let place = state
            .places
            .number(arrival.name, arrival.file, arrival.line);
        let came_at = state.taken.len();
        state.standing.push(Standing {
            number,
            id: tokio::task::try_id(),
            blocks,
            task: None,
            place,
            context,
            fault,
            orders,
            came_at,
            waker: None,
        });
        drop(state);
        if blocks.is_some() {
            self.wake_root();
        }
        Some(number)
    }

    fn poll(&self, number: u64, waker: &Waker) -> Poll<Verdict> {
        let waker = waker.clone();
        let mut state = self.lock();
        if let Some(at) = state.let_go.iter().position(|(n, _)| *n == number) {
            return Poll::Ready(state.let_go.swap_remove(at).1);
        }
        let hit = state.standing.iter_mut().find(|hit| hit.number == number);
        let old = hit.map(|hit| hit.waker.replace(waker));
        drop(state);
        drop(old);
        Poll::Pending
    }

    fn leave(&self, number: u64) {
        let mut state = self.lock();
        state.let_go.retain(|(n, _)| *n != number);
        let at = state.standing.iter().position(|hit| hit.number == number);
        let gone = at.map(|at| state.standing.remove(at));
        drop(state);
        drop(gone);
    }

    fn pass(&self, arrival: &Arrival<'_>) -> Verdict {
        let Some(fault) = self.fault(arrival) else {
            return Verdict::Continue;
        };
        let mut state = self.lock();
        let bound = self.settings.bounds.faults;
        if state.is_over || state.failure.is_some() || state.spent.faults >= bound {
            return Verdict::Continue;
        }
        if state.taken.len() >= self.settings.max_steps {
            // It ends where the scenario is polled next.
            let failure = state.endless(&self.settings);
            state.failure = Some(failure);
            drop(state);
            self.wake_root();
            return Verdict::Continue;
        }
        let place = state
            .places
            .number(arrival.name, arrival.file, arrival.line);
        let id = tokio::task::try_id();
        let known = state.tasks.iter().find(|task| task.id == id);
        let task = known.map_or(0, |task| task.number);
        let (spent, mut faulty) = (state.spent, state.spent);
        faulty.faults += 1;
        let choices =
            [(Kind::Pass, spent), (Kind::FaultAtOnce, faulty)].map(|(kind, spent)| Choice {
                at: 0,
                pick: Pick {
                    task,
                    kind,
                    place: Some(place),
                },
                spent,
                waits: false,
            });
        match state.choose(&choices) {
            Ok(at) => {
                let Choice { pick, spent, .. } = choices[at];
                state.take(pick, place, arrival.context.cloned(), spent);
                match pick.kind {
                    Kind::FaultAtOnce => Verdict::Return(fault),
                    _ => Verdict::Continue,
                }
            }
            Err(failure) => {
                state.failure = failure;
                drop(state);
                self.wake_root();
                Verdict::Continue
            }
        }
    }
}

/// The scenario, which ends the run: when it is over, when something failed, or when time is over.
struct Root<'r, 'a> {
    run: &'r Arc<Run>,
    scenario: Pin<Box<dyn Future<Output = Output> + 'a>>,
    waker: Option<Waker>,
    /// The end of time, and how many steps there had been when it was set.
    guard: Option<(Pin<Box<Sleep>>, usize)>,
    /// Up to how many steps something outside was waited for.
    waited_for_outside: Option<usize>,
    /// How many rounds there were since something was found not to come to rest.
    rounds: usize,
}

impl<'r, 'a> Root<'r, 'a> {
    fn new(run: &'r Arc<Run>, scenario: Pin<Box<dyn Future<Output = Output> + 'a>>) -> Self {
        Self {
            run,
            scenario,
            waker: None,
            guard: None,
            waited_for_outside: None,
            rounds: 0,
        }
    }

    /// Takes a step although not all is quiet: what goes on may wait for a task that stands.
    fn step_without_rest(&mut self, cx: &Context<'_>) {
        if !self.run.need_not_rest.load(Ordering::SeqCst) {
            self.rounds = 0;
        } else if self.rounds < ROUNDS && !self.run.has_threads_at_work() {
            self.rounds += 1;
            cx.waker().wake_by_ref();
        } else {
            self.rounds = 0;
            self.run.need_not_rest.store(false, Ordering::SeqCst);
            self.run.settings.be_impatient();
            self.run.step();
        }
    }

    /// Watches how far the clock goes while nothing stands.
    fn watch_the_clock(&mut self, cx: &mut Context<'_>) {
        if !self.run.wants_guard.load(Ordering::SeqCst) {
            return;
        }
        loop {
            let steps = self.run.lock().next as usize;
            let (sleep, since) = self
                .guard
                .get_or_insert_with(|| (Box::pin(tokio::time::sleep(DAY)), steps));
            if sleep.as_mut().poll(cx).is_pending() {
                return;
            }
            let is_stuck = *since == steps && self.run.blocking.is_none(Duration::ZERO);
            self.guard = None;
            if is_stuck && self.waited_for_outside != Some(steps) {
                self.waited_for_outside = Some(steps);
                std::thread::sleep(OUTSIDE);
            } else if is_stuck {
                self.run.fail(|state| state.stuck());
                return;
            }
        }
    }
}

impl Future for Root<'_, '_> {
    /// `None` if the run ended before the scenario did.
    type Output = Option<Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Output>> {
        let this = &mut *self;
        this.run.is_root_awake.store(false, Ordering::SeqCst);
        let waker = this.waker.get_or_insert_with(|| {
            let waker = Waker::from(Arc::new(RootWaker {
                run: this.run.clone(),
                inner: cx.waker().clone(),
            }));
            let mut state = this.run.lock();
            state.root = Some(cx.waker().clone());
            state.began = Some(Instant::now());
            drop(state);
            waker
        });
        let waker = waker.clone();
        let mut cx = Context::from_waker(&waker);
        let polled = catch_unwind(AssertUnwindSafe(|| this.scenario.as_mut().poll(&mut cx)));
        let over = match polled {
            Ok(Poll::Ready(output)) => Some(Some(output)),
            Ok(Poll::Pending) => None,
            Err(panic) => {
                // The hook has told of it, with its place, unless somebody has set another.
                this.run.panicked(panics::text(&*panic));
                Some(None)
            }
        };
        if over.is_none() {
            this.step_without_rest(&cx);
            this.watch_the_clock(&mut cx);
        }
        let state = this.run.lock();
        let is_broken_off = state.failure.is_some() || state.is_left_out;
        drop(state);
        match over {
            Some(over) if !is_broken_off => Poll::Ready(over),
            None if !is_broken_off => Poll::Pending,
            _ => Poll::Ready(None),
        }
    }
}

struct RootWaker {
    run: Arc<Run>,
    inner: Waker,
}

impl Wake for RootWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.run.is_root_awake.store(true, Ordering::SeqCst);
        self.inner.wake_by_ref();
    }
}
