//! Runs statements on an implementation.

use crate::api::{Fail, Happened};
use crate::events::{add, during, on_log};
use crate::quiet;
use crate::script::{Block, Hit, Measure, Plan, Setting, Site, Statement};
use crate::threads::{self, Threads};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;
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

impl<F: Fail> Frame<F> {
    pub(crate) fn new(threads: Threads) -> Self {
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
            Statement::WaitQuiet => add(threads::wait_quiet()),
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
        let run = |share| move || (0..share).map(|_| during(|| once::<F>(site))).collect();
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
