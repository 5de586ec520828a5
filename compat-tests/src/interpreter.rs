//! Runs statements on an implementation: what a frame holds, the named threads that run frames, and
//! what is said of a hit.

use crate::api::{Fail, Happened};
use crate::events::{add, during, on_log};
use crate::quiet::{self, wait_quiet};
use crate::script::{Block, Hit, Measure, Plan, Setting, Site, Statement};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// A guard or a scenario that lives until its frame ends.
#[derive(Debug)]
enum Held<F: Fail> {
    Guard(String, F::Guard),
    Scenario(Scenario<F>),
}

/// Wraps a scenario, which need not implement `Debug`.
struct Scenario<F: Fail>(F::Scenario);

impl<F: Fail> std::fmt::Debug for Scenario<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scenario")
    }
}

/// What a thread, a scope or a callback holds; dropped last first, as Rust drops variables.
#[derive(Debug)]
pub(crate) struct Frame<F: Fail> {
    threads: Threads,
    held: Vec<Held<F>>,
}

impl<F: Fail> Drop for Frame<F> {
    fn drop(&mut self) {
        while self.held.pop().is_some() {}
    }
}

impl<F: Fail> Default for Frame<F> {
    /// A script's outermost frame.
    fn default() -> Self {
        Self::new(Threads::default())
    }
}

impl<F: Fail> Frame<F> {
    fn new(threads: Threads) -> Self {
        Self {
            threads,
            held: Vec::new(),
        }
    }

    /// Runs one statement and adds what happened to this thread's events.
    ///
    /// # Panics
    ///
    /// If the implementation panics, or the statement is to.
    pub(crate) fn run(&mut self, statement: &Statement) {
        let threads = &self.threads;
        match statement {
            Statement::Configure(Setting { name, plan }) => {
                add_result(
                    "configured",
                    match plan {
                        Plan::Actions(actions) => F::cfg(name, actions),
                        Plan::Callback(body) => F::cfg_callback(name, self.closure(body)),
                    },
                );
            }
            Statement::Guard(guard, Setting { name, plan }) => {
                let made = match plan {
                    Plan::Actions(actions) => F::guard(name, actions),
                    Plan::Callback(body) => F::guard_with_callback(name, self.closure(body)),
                };
                add_result(
                    "guarded",
                    made.map(|made| {
                        self.held.push(Held::Guard(guard.clone(), made));
                    }),
                );
            }
            Statement::DropGuard(name) => match self.guard(name) {
                Some(index) => {
                    drop(self.held.remove(index));
                    add("dropped");
                }
                None => add("no such guard"),
            },
            Statement::ShowGuard(name) => match self.guard(name).map(|index| &self.held[index]) {
                Some(Held::Guard(_, guard)) => add(format!("{guard:?}")),
                _ => add("no such guard"),
            },
            Statement::Remove(name) => {
                F::remove(name);
                add("removed");
            }
            Statement::List => add(list::<F>()),
            Statement::HasFailpoints => add(F::has_failpoints().to_string()),
            Statement::Hit(hit) => measure::<F>(hit),
            Statement::Setup => {
                self.held.push(Held::Scenario(Scenario(F::setup())));
                add("set up");
            }
            Statement::Teardown => self.end_scenario("torn down", F::teardown),
            Statement::DropScenario => self.end_scenario("dropped", drop),
            Statement::Scope(body) => {
                let mut scope = Self::new(threads.clone());
                body.iter().for_each(|inner| scope.run(inner));
                drop(scope);
                add("left the scope");
            }
            Statement::OnLog(body) => {
                on_log(Some(Arc::new(self.closure(body))));
                add("listening");
            }
            Statement::Panic(message) => panic!("{message}"),
            Statement::Say(text) => add(format!("said {text:?}")),
            Statement::In(thread, inner) => add(threads.run::<F>(thread, inner)),
            Statement::Start(thread, inner) => {
                threads.start::<F>(thread, inner);
                add("started");
            }
            Statement::WaitBlocked(thread) => add(threads.wait_blocked::<F>(thread)),
            Statement::WaitQuiet => add(wait_quiet()),
            Statement::WaitFor(thread) => {
                add(threads
                    .finish::<F>(thread)
                    .unwrap_or_else(|| "nothing was started".into()));
            }
        }
    }

    /// A callback that runs the statements of a block.
    fn closure(&self, body: &Block) -> impl Fn() + Send + Sync + 'static {
        let (threads, body) = (self.threads.clone(), body.clone());
        move || {
            let mut frame = Self::new(threads.clone());
            body.iter().for_each(|statement| frame.run(statement));
        }
    }

    fn guard(&self, name: &str) -> Option<usize> {
        let is_it = |held: &Held<F>| matches!(held, Held::Guard(guard, _) if guard == name);
        self.held.iter().rposition(is_it)
    }

    fn end_scenario(&mut self, done: &str, end: impl FnOnce(F::Scenario)) {
        let scenario = self
            .held
            .iter()
            .rposition(|held| matches!(held, Held::Scenario(_)));
        match scenario.map(|index| self.held.remove(index)) {
            Some(Held::Scenario(Scenario(scenario))) => {
                end(scenario);
                add(done);
            }
            _ => add("no scenario"),
        }
    }
}

/// A statement for a thread, and where its answer goes.
struct Job {
    statement: Statement,
    answer: Sender<String>,
}

/// A thread that runs the statements it is sent, one after the other.
#[derive(Debug)]
struct Worker {
    jobs: Sender<Job>,
    unfinished: Arc<AtomicUsize>,
    started: VecDeque<Receiver<String>>,
    handle: JoinHandle<()>,
}

impl Worker {
    fn new<F: Fail>(threads: Threads) -> Self {
        let (jobs, inbox) = mpsc::channel::<Job>();
        let unfinished = Arc::new(AtomicUsize::new(0));
        let left = Arc::clone(&unfinished);
        let handle = thread::spawn(move || {
            let _stay = F::enter();
            let mut frame = Frame::<F>::new(threads);
            for Job { statement, answer } in inbox {
                // A script need not ask for the answer.
                let _ = answer.send(during(|| frame.run(&statement)));
                left.fetch_sub(1, Ordering::SeqCst);
            }
        });
        Self {
            jobs,
            unfinished,
            started: VecDeque::new(),
            handle,
        }
    }

    fn send(&self, statement: &Statement) -> Receiver<String> {
        let (answer, receiver) = mpsc::channel();
        self.unfinished.fetch_add(1, Ordering::SeqCst);
        let job = Job {
            statement: statement.clone(),
            answer,
        };
        self.jobs
            .send(job)
            .expect("a worker runs until its channel closes");
        receiver
    }
}

/// All named threads of one script.
#[derive(Clone, Debug, Default)]
struct Threads(Arc<Mutex<HashMap<String, Worker>>>);

impl Threads {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Worker>> {
        self.0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn with<F: Fail, R>(&self, name: &str, f: impl FnOnce(&mut Worker) -> R) -> R {
        let mut workers = self.lock();
        let new = || Worker::new::<F>(self.clone());
        f(workers.entry(name.to_owned()).or_insert_with(new))
    }

    /// Runs a statement on a thread and waits for its answer.
    fn run<F: Fail>(&self, name: &str, statement: &Statement) -> String {
        let answer = self.with::<F, _>(name, |worker| worker.send(statement));
        answer
            .recv()
            .unwrap_or_else(|_| "the thread is gone".to_owned())
    }

    /// Makes a thread run a statement.
    fn start<F: Fail>(&self, name: &str, statement: &Statement) {
        self.with::<F, _>(name, |worker| {
            let answer = worker.send(statement);
            worker.started.push_back(answer);
        });
    }

    /// Returns the answer of the first statement that was started and not yet asked about.
    fn finish<F: Fail>(&self, name: &str) -> Option<String> {
        let answer = self.with::<F, _>(name, |worker| worker.started.pop_front())?;
        answer.recv().ok()
    }

    /// Waits until all other threads are asleep, and returns the state of one of them.
    fn wait_blocked<F: Fail>(&self, name: &str) -> &'static str {
        match wait_quiet() {
            "quiet" => match self.with::<F, _>(name, |w| w.unfinished.load(Ordering::SeqCst)) {
                0 => "finished",
                _ => "blocked",
            },
            other => other,
        }
    }

    /// Ends all threads; `release` is called until none is blocked.
    fn end(&self, release: impl Fn()) {
        let workers: Vec<_> = self
            .lock()
            .drain()
            .map(|(_, worker)| worker.handle)
            .collect();
        while !workers.iter().all(JoinHandle::is_finished) {
            release();
            thread::yield_now();
        }
    }
}

/// Cleans up what a script left behind, so that the next one starts afresh.
pub(crate) fn clean_up<F: Fail>(frame: Frame<F>) {
    let threads = frame.threads.clone();
    on_log(None);
    drop(frame);
    threads.end(|| F::list().iter().for_each(|(name, _)| F::remove(name)));
    F::teardown(F::setup());
}

fn add_result(done: &str, result: Result<(), String>) {
    match result {
        Ok(()) => add(done),
        Err(error) => add(format!("refused {error:?}")),
    }
}

fn list<F: Fail>() -> String {
    let mut list = F::list();
    list.sort();
    let shown: Vec<_> = list
        .iter()
        .map(|(name, text)| format!("{name:?} = {text:?}"))
        .collect();
    if shown.is_empty() {
        "nothing".to_owned()
    } else {
        shown.join(", ")
    }
}

fn once<F: Fail>(site: &Site) {
    match F::hit(site) {
        Happened::WentOn => add("went on"),
        Happened::Returned(None) => add("returned nothing"),
        Happened::Returned(Some(value)) => add(format!("returned {value:?}")),
    }
}

fn measure<F: Fail>(hit: &Hit) {
    let site = &hit.site;
    match hit.measure {
        Measure::Once => once::<F>(site),
        Measure::Times(hits) => add(sequence::<F>(site, hits)),
        Measure::Totals { hits, threads } => add(counted(&totals::<F>(site, hits, threads))),
        Measure::Sample(hits) => {
            add(format!(
                "of {hits}: {}",
                counted(&totals::<F>(site, hits, 1))
            ));
        }
        Measure::Elapsed(least) => {
            let start = Instant::now();
            once::<F>(site);
            let took = start.elapsed() >= Duration::from_millis(least);
            add(format!("took {} {least} ms", least_or_less(took)));
        }
        Measure::Burnt(least) => {
            let start = quiet::own_time();
            once::<F>(site);
            match start.zip(quiet::own_time()) {
                Some((start, end)) => {
                    let burnt = Duration::from_nanos(end - start) >= Duration::from_millis(least);
                    add(format!("burnt {} {least} ms", least_or_less(burnt)));
                }
                None => add(quiet::SKIPPED),
            }
        }
    }
}

fn least_or_less(reached: bool) -> &'static str {
    if reached { "at least" } else { "less than" }
}

/// Describes what happens at consecutive hits, equal outcomes in a row as one.
fn sequence<F: Fail>(site: &Site, hits: u32) -> String {
    let mut runs: Vec<(String, u64)> = Vec::new();
    for _ in 0..hits {
        let answer = during(|| once::<F>(site));
        match runs.last_mut() {
            Some((last, count)) if *last == answer => *count += 1,
            _ => runs.push((answer, 1)),
        }
    }
    counted(&runs)
}

/// Counts how often each outcome occurs in so many hits.
fn totals<F: Fail>(site: &Site, hits: u32, threads: u32) -> Vec<(String, u64)> {
    let share = |thread| hits / threads + u32::from(thread < hits % threads);
    let mut totals = BTreeMap::new();
    thread::scope(|scope| {
        let run = |share| {
            move || {
                let _stay = F::enter();
                (0..share).map(|_| during(|| once::<F>(site))).collect()
            }
        };
        let others: Vec<_> = (1..threads)
            .map(|thread| scope.spawn(run(share(thread))))
            .collect();
        let own: Vec<String> = run(share(0))();
        let others = others
            .into_iter()
            .map(|other| other.join().expect("hits are caught"));
        for answer in others.flatten().chain(own) {
            *totals.entry(answer).or_insert(0) += 1;
        }
    });
    totals.into_iter().collect()
}

/// `3 times went on and once returned "1"`.
fn counted(runs: &[(String, u64)]) -> String {
    let counted = |(what, count): &(String, u64)| match count {
        1 => format!("once {what}"),
        count => format!("{count} times {what}"),
    };
    runs.iter().map(counted).collect::<Vec<_>>().join(" and ")
}
