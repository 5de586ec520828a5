//! One run of a scenario: it stops every hit, and, whenever nothing else can go on, lets one go.
//!
//! The runtime has one thread, and its clock is paused. Just before that thread would sleep, tokio
//! calls [`Run::quiet`]: everything that could run has run. Hits that stand then are the choices of
//! this step. While any stands the clock does not move; once none does, tokio moves it to the next
//! timer, and if there is none either, the run is stuck.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::ThreadId;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::time::{Instant, Sleep};

use crate::control::Scope;
use crate::engine::actions::action::Action;
use crate::engine::actions::matcher::all_match;
use crate::engine::director::{Arrival, Director, Verdict, direct_thread};
use crate::engine::sync::unpoisoned;
use crate::explore::blocking::Blocking;
use crate::explore::cancellable::around;
use crate::explore::guide::{Choice, Guide, Spent};
use crate::explore::panics::{self, Hears};
use crate::explore::pick::{Kind, Pick, Places};
use crate::explore::steps::{DAY, Settings, Standing, State, Taken};
use crate::explore::watchdog::{Rests, Watchdog};

/// A run ends here, too: the clock moves so often while no task comes to a failpoint.
const MOVES: usize = 1_000_000;

/// For so long something outside of the run, a thread or a socket, may take to wake a task: a run that
/// seems to be stuck waits for that.
const OUTSIDE: Duration = Duration::from_millis(200);

/// For so long a blocking thread may finish, after the work that was waited for, or after the run.
const SOON: Duration = Duration::from_millis(5);
const LATE: Duration = Duration::from_secs(5);

/// So many rounds of its tasks a run is given to come to rest after all: it may have been kept from running.
const ROUNDS: usize = 64;

/// What a scenario gives.
pub(super) type Output = Result<(), String>;

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

impl Ran {
    /// Whether it failed because its runtime had no drivers of I/O and signals: tokio panics then.
    pub(super) fn lacks_io(&self) -> bool {
        let texts = ["IO is disabled", "no signal driver running"];
        let says = |failure: &String| texts.iter().any(|text| failure.contains(text));
        self.failure.as_ref().is_some_and(says)
    }
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
    match run.settings.has_io.load(Ordering::Relaxed) {
        true => builder.enable_all(),
        false => builder.enable_time(),
    };
    builder
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
