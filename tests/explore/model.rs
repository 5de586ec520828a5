//! The explorer against a model that knows nothing of it: small random programs, of which the model
//! lists every schedule within the bounds.

use crate::common::spawn_task;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};

use neon_failpoint::explore::{Explorer, cancellable};
use neon_failpoint::{fail_point, fail_point_with_context, failpoint_context};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use tokio::sync::{Semaphore, mpsc};

/// What a task of a program does next.
#[derive(Clone, Debug)]
enum Op {
    /// A failpoint that can return, or not.
    Point { can_fail: bool },
    /// A cancellable with so many failpoints inside.
    Cancellable(usize),
    /// Takes a permit, passes so many failpoints, gives it back.
    Permit { of: usize, points: usize },
    /// Takes a permit of the first, then one of the second, with a failpoint between.
    Nested(usize, usize),
    /// Sends to a task.
    Send(usize),
    /// Receives what was sent to it.
    Receive,
}

#[derive(Clone, Debug)]
struct Program {
    permits: Vec<usize>,
    tasks: Vec<Vec<Op>>,
}

/// What a task did: it passed a failpoint, failed there, or was dropped there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Did {
    Pass,
    Fail,
    Drop,
    Got,
}

type Log = Vec<(usize, Did)>;

#[derive(Clone, Copy, Debug)]
struct Bounds {
    preemptions: usize,
    faults: usize,
    cancellations: usize,
}

/// An operation of the model, smaller than those of a program.
#[derive(Clone, Copy, Debug)]
enum Small {
    Stand {
        can_fail: bool,
        drops_to: Option<usize>,
    },
    Take(usize),
    Give(usize),
    Send(usize),
    Receive,
}

fn compile(ops: &[Op]) -> Vec<Small> {
    let plain = Small::Stand {
        can_fail: false,
        drops_to: None,
    };
    let mut code = Vec::new();
    for op in ops {
        match *op {
            Op::Point { can_fail } => code.push(Small::Stand {
                can_fail,
                drops_to: None,
            }),
            Op::Cancellable(points) => {
                let end = code.len() + points;
                let inside = Small::Stand {
                    can_fail: false,
                    drops_to: Some(end),
                };
                code.extend(vec![inside; points]);
            }
            Op::Permit { of, points } => {
                code.push(Small::Take(of));
                code.extend(vec![plain; points]);
                code.push(Small::Give(of));
            }
            Op::Nested(a, b) => code.extend([
                Small::Take(a),
                plain,
                Small::Take(b),
                Small::Give(b),
                Small::Give(a),
            ]),
            Op::Send(to) => code.push(Small::Send(to)),
            Op::Receive => code.push(Small::Receive),
        }
    }
    code
}

#[derive(Clone)]
struct Machine<'p> {
    code: &'p [Vec<Small>],
    at: Vec<usize>,
    /// Tasks that can run, in the order in which they were woken.
    runnable: VecDeque<usize>,
    /// Those that stand at a failpoint.
    standing: Vec<usize>,
    /// In the order in which they first came to a failpoint.
    numbers: Vec<usize>,
    permits: Vec<usize>,
    waiters: Vec<VecDeque<usize>>,
    /// A permit that was handed over.
    has_been_given: Vec<bool>,
    messages: Vec<usize>,
    is_receiving: Vec<bool>,
    last: Option<usize>,
    spent: [usize; 3],
    log: Log,
    schedule: Vec<String>,
}

impl<'p> Machine<'p> {
    fn new(program: &Program, code: &'p [Vec<Small>]) -> Self {
        let n = code.len();
        let mut machine = Self {
            code,
            at: vec![0; n],
            runnable: (0..n).collect(),
            standing: Vec::new(),
            numbers: Vec::new(),
            permits: program.permits.clone(),
            waiters: vec![VecDeque::new(); program.permits.len()],
            has_been_given: vec![false; n],
            messages: vec![0; n],
            is_receiving: vec![false; n],
            last: None,
            spent: [0; 3],
            log: Vec::new(),
            schedule: Vec::new(),
        };
        machine.settle();
        machine
    }

    /// Runs whatever can run.
    fn settle(&mut self) {
        while let Some(task) = self.runnable.pop_front() {
            while let Some(op) = self.code[task].get(self.at[task]) {
                match *op {
                    Small::Stand { .. } => {
                        self.standing.push(task);
                        if !self.numbers.contains(&task) {
                            self.numbers.push(task);
                        }
                        break;
                    }
                    Small::Take(of) => {
                        if std::mem::take(&mut self.has_been_given[task]) {
                        } else if self.permits[of] > 0 {
                            self.permits[of] -= 1;
                        } else {
                            self.waiters[of].push_back(task);
                            break;
                        }
                    }
                    Small::Give(of) => match self.waiters[of].pop_front() {
                        Some(next) => {
                            self.has_been_given[next] = true;
                            self.runnable.push_back(next);
                        }
                        None => self.permits[of] += 1,
                    },
                    Small::Send(to) => {
                        self.messages[to] += 1;
                        if std::mem::take(&mut self.is_receiving[to]) {
                            self.runnable.push_back(to);
                        }
                    }
                    Small::Receive => {
                        if self.messages[task] == 0 {
                            self.is_receiving[task] = true;
                            break;
                        }
                        self.messages[task] -= 1;
                        self.log.push((task, Did::Got));
                    }
                }
                self.at[task] += 1;
            }
        }
    }

    fn is_over(&self) -> bool {
        (0..self.at.len()).all(|task| self.at[task] == self.code[task].len())
    }

    /// All machines one step further.
    fn next(&self, bounds: &Bounds) -> Vec<Self> {
        let mut all = Vec::new();
        for task in &self.standing {
            let Small::Stand { can_fail, drops_to } = self.code[*task][self.at[*task]] else {
                unreachable!()
            };
            let preempts = self
                .last
                .is_some_and(|last| last != *task && self.standing.contains(&last));
            let mut dids = vec![Did::Pass];
            dids.extend(can_fail.then_some(Did::Fail));
            dids.extend(drops_to.map(|_| Did::Drop));
            for did in dids {
                let mut next = self.clone();
                next.spent[0] += usize::from(preempts);
                next.spent[1] += usize::from(did == Did::Fail);
                next.spent[2] += usize::from(did == Did::Drop);
                if next.spent[0] > bounds.preemptions
                    || next.spent[1] > bounds.faults
                    || next.spent[2] > bounds.cancellations
                {
                    continue;
                }
                next.standing.retain(|other| other != task);
                next.last = Some(*task);
                next.log.push((*task, did));
                let number = self.numbers.iter().position(|n| n == task).unwrap() + 1;
                let letter = match did {
                    Did::Fail => "f",
                    Did::Drop => "c",
                    _ => "",
                };
                next.schedule.push(format!("{number}{letter}"));
                next.at[*task] = match (did, drops_to) {
                    (Did::Drop, Some(end)) => end,
                    _ => self.at[*task] + 1,
                };
                next.runnable.push_back(*task);
                next.settle();
                all.push(next);
            }
        }
        all
    }
}

#[derive(Default)]
struct Modelled {
    /// How often each log comes, and a schedule that leads to it.
    logs: BTreeMap<Log, (usize, String)>,
    /// What the cheapest stuck schedule needs.
    stuck: Option<usize>,
}

/// Lists every schedule; `None` if there are too many.
fn model(program: &Program, bounds: &Bounds, most: usize) -> Option<Modelled> {
    let code: Vec<_> = program.tasks.iter().map(|ops| compile(ops)).collect();
    let mut modelled = Modelled::default();
    let mut left = vec![Machine::new(program, &code)];
    let mut runs = 0;
    while let Some(machine) = left.pop() {
        if !machine.standing.is_empty() {
            left.extend(machine.next(bounds));
            continue;
        }
        runs += 1;
        if runs > most {
            return None;
        }
        if machine.is_over() {
            let entry = modelled.logs.entry(machine.log.clone());
            entry.or_insert_with(|| (0, machine.schedule.join(" "))).0 += 1;
        } else {
            let cost = machine.spent.iter().sum();
            modelled.stuck = Some(modelled.stuck.map_or(cost, |least| least.min(cost)));
        }
    }
    Some(modelled)
}

/// The same program on tokio.
async fn scenario(program: &Program, logs: &Mutex<Vec<Log>>) {
    let log: Arc<Mutex<Log>> = Arc::default();
    let permits: Vec<_> = program
        .permits
        .iter()
        .map(|n| Arc::new(Semaphore::new(*n)))
        .collect();
    let mut senders = Vec::new();
    let mut receivers = Vec::new();
    for _ in &program.tasks {
        let (sender, receiver) = mpsc::unbounded_channel();
        senders.push(sender);
        receivers.push(receiver);
    }
    let mut tasks = Vec::new();
    for ((number, ops), mut receiver) in program.tasks.iter().cloned().enumerate().zip(receivers) {
        let (log, permits, senders) = (log.clone(), permits.clone(), senders.clone());
        tasks.push(spawn_task(async move {
            let did = |did| log.lock().unwrap().push((number, did));
            let plain = async || {
                fail_point!("model");
                did(Did::Pass);
            };
            for op in ops {
                match op {
                    Op::Point { can_fail: false } => plain().await,
                    Op::Point { can_fail: true } => {
                        let failed = async {
                            fail_point!("model-fails", |_| true);
                            false
                        };
                        did(if failed.await { Did::Fail } else { Did::Pass });
                    }
                    Op::Cancellable(points) => {
                        let inside = cancellable(async {
                            for _ in 0..points {
                                plain().await;
                            }
                        });
                        if inside.await.is_none() {
                            did(Did::Drop);
                        }
                    }
                    Op::Permit { of, points } => {
                        let _permit = permits[of].acquire().await.unwrap();
                        for _ in 0..points {
                            plain().await;
                        }
                    }
                    Op::Nested(a, b) => {
                        let _a = permits[a].acquire().await.unwrap();
                        plain().await;
                        drop(permits[b].acquire().await.unwrap());
                    }
                    Op::Send(to) => senders[to].send(()).unwrap(),
                    Op::Receive => {
                        receiver.recv().await.unwrap();
                        did(Did::Got);
                    }
                }
            }
            receiver
        }));
    }
    let mut kept = Vec::new();
    for task in tasks {
        kept.push(task.await.unwrap());
    }
    logs.lock().unwrap().push(log.lock().unwrap().clone());
}

fn program(dice: &mut SmallRng, may_be_stuck: bool) -> Program {
    let n = dice.random_range(2..=4);
    let permits = vec![1, if dice.random_range(0..3) == 0 { 2 } else { 1 }];
    let mut tasks = vec![Vec::new(); n];
    let mut sent = vec![0; n];
    for task in 0..n {
        for _ in 0..dice.random_range(1..=3) {
            let op = match dice.random_range(0..10) {
                _ if may_be_stuck && dice.random() => match dice.random() {
                    true => Op::Nested(0, 1),
                    false => Op::Nested(1, 0),
                },
                0..=2 => Op::Point {
                    can_fail: dice.random(),
                },
                3 => Op::Cancellable(dice.random_range(1..=2)),
                4 | 5 => Op::Permit {
                    of: dice.random_range(0..2),
                    points: dice.random_range(0..=2),
                },
                6..=7 => {
                    let to = match may_be_stuck {
                        true => dice.random_range(0..n),
                        false if task + 1 < n => dice.random_range(task + 1..n),
                        false => continue,
                    };
                    sent[to] += 1;
                    Op::Send(to)
                }
                _ if sent[task] > 0 => {
                    sent[task] -= 1;
                    Op::Receive
                }
                _ => Op::Point { can_fail: false },
            };
            tasks[task].push(op);
        }
    }
    Program { permits, tasks }
}

fn explorer(bounds: &Bounds) -> Explorer {
    Explorer::new()
        .preemptions(bounds.preemptions)
        .faults(bounds.faults, "return")
        .cancellations(bounds.cancellations)
        .max_runs(1_000_000)
}

fn bounds_of(dice: &mut SmallRng) -> Vec<Bounds> {
    let preemptions = [0, 1, 2, 3, usize::MAX];
    preemptions
        .map(|preemptions| Bounds {
            preemptions,
            faults: dice.random_range(0..=2),
            cancellations: dice.random_range(0..=2),
        })
        .to_vec()
}

/// How many programs are made, in each test: more were tried by hand, and a change of the explorer is
/// worth trying as many again.
fn programs() -> u64 {
    std::env::var("MODEL_PROGRAMS").map_or(15, |n| n.parse().unwrap())
}

#[test]
fn every_schedule_is_run_once_and_each_replays() {
    let mut most = 0;
    for seed in 0..programs() {
        let mut dice = SmallRng::seed_from_u64(seed);
        let program = program(&mut dice, false);
        for bounds in bounds_of(&mut dice) {
            let Some(modelled) = model(&program, &bounds, 400) else {
                continue;
            };
            let what = format!("{program:?} with {bounds:?}, seed {seed}");
            assert_eq!(modelled.stuck, None, "{what}");
            let logs = Mutex::default();
            let report = explorer(&bounds).run(|| scenario(&program, &logs));
            assert!(report.is_complete(), "{what}\n{report}");
            let mut found: BTreeMap<Log, usize> = BTreeMap::new();
            for log in logs.into_inner().unwrap() {
                *found.entry(log).or_default() += 1;
            }
            let expected = modelled
                .logs
                .iter()
                .map(|(log, (n, _))| (log.clone(), *n))
                .collect();
            assert_eq!(found, expected, "{what}");
            let runs: usize = found.values().sum();
            assert_eq!(report.runs(), runs, "{what}");
            most = most.max(runs);
            for (log, (n, schedule)) in modelled.logs.iter().step_by(7) {
                if *n > 1 {
                    continue;
                }
                let logs = Mutex::default();
                let report = explorer(&bounds)
                    .replay(schedule)
                    .run(|| scenario(&program, &logs));
                assert_eq!(report.runs(), 1);
                assert_eq!(
                    logs.into_inner().unwrap(),
                    std::slice::from_ref(log),
                    "{what}: {schedule}\n{report}"
                );
            }
        }
    }
    assert!(most > 100, "{most}");
}

#[test]
fn what_is_stuck_is_found_with_as_little_as_any_needs() {
    let mut stuck = 0;
    for seed in 0..programs() {
        let mut dice = SmallRng::seed_from_u64(1_000_000 + seed);
        let program = program(&mut dice, true);
        for bounds in bounds_of(&mut dice) {
            let Some(modelled) = model(&program, &bounds, 2_000) else {
                continue;
            };
            let what = format!("{program:?} with {bounds:?}, seed {seed}");
            let logs = Mutex::default();
            let report = explorer(&bounds).run(|| scenario(&program, &logs));
            let needs = report.failure().map(|failure| {
                assert!(failure.message().starts_with("stuck"), "{what}\n{failure}");
                let text = failure.to_string();
                let line = text
                    .lines()
                    .find(|line| line.starts_with("the schedule, with"));
                let numbers = line
                    .unwrap_or_default()
                    .split(|c: char| !c.is_ascii_digit());
                numbers
                    .filter_map(|n| n.parse::<usize>().ok())
                    .sum::<usize>()
            });
            assert_eq!(needs, modelled.stuck, "{what}\n{report}");
            stuck += usize::from(needs.is_some());
        }
    }
    assert!(stuck > 3, "{stuck}");
}

#[test]
fn chance_takes_only_schedules_that_there_are() {
    let mut several = 0;
    for seed in 0..programs() {
        let mut dice = SmallRng::seed_from_u64(2_000_000 + seed);
        let program = program(&mut dice, false);
        let mut bounds = Bounds {
            preemptions: usize::MAX,
            faults: 1,
            cancellations: 1,
        };
        let Some(modelled) = model(&program, &bounds, 5_000) else {
            continue;
        };
        bounds.preemptions = 2;
        let logs = Mutex::default();
        let report = explorer(&bounds)
            .random(60, seed)
            .run(|| scenario(&program, &logs));
        assert_eq!(report.runs(), 60, "{report}");
        let found: BTreeSet<Log> = logs.into_inner().unwrap().into_iter().collect();
        for log in &found {
            assert!(modelled.logs.contains_key(log), "{program:?}: {log:?}");
        }
        several += usize::from(found.len() > 5);
    }
    assert!(several > 2, "{several}");
}

/// Each task works on objects, one at a step, and may begin another task after its first.
#[derive(Clone, Debug)]
struct Worker {
    objects: Vec<Option<usize>>,
    begins: Option<Box<Worker>>,
}

fn worker(dice: &mut SmallRng, depth: usize) -> Worker {
    let steps = dice.random_range(1..=3);
    let objects =
        (0..steps).map(|_| (dice.random_range(0..6) > 0).then(|| dice.random_range(0..3)));
    Worker {
        objects: objects.collect(),
        begins: (depth > 0 && dice.random_range(0..3) == 0)
            .then(|| Box::new(worker(dice, depth - 1))),
    }
}

type Lists = Arc<Mutex<Vec<Vec<usize>>>>;

fn begin(worker: Worker, number: usize, lists: Lists, ends: mpsc::UnboundedSender<()>) {
    spawn_task(async move {
        let mut begins = worker.begins;
        for object in worker.objects {
            match object {
                Some(object) => {
                    let context = failpoint_context! { "object" => object };
                    fail_point_with_context!("model-object", &context);
                    lists.lock().unwrap()[object].push(number);
                }
                // It may touch any.
                None => {
                    fail_point!("model-object");
                    for list in lists.lock().unwrap().iter_mut() {
                        list.push(number);
                    }
                }
            }
            if let Some(next) = begins.take() {
                begin(*next, number + 10, lists.clone(), ends.clone());
            }
        }
    });
}

fn outcomes(
    workers: &[Worker],
    preemptions: usize,
    is_reduced: bool,
) -> Option<(BTreeSet<Vec<Vec<usize>>>, usize)> {
    let outcomes: Mutex<BTreeSet<_>> = Mutex::default();
    let explorer = Explorer::new().preemptions(preemptions).max_runs(1_500);
    let explorer = match is_reduced {
        true => explorer.object("object"),
        false => explorer,
    };
    let report = explorer.run(|| async {
        let lists: Lists = Arc::new(Mutex::new(vec![Vec::new(); 3]));
        let (sender, mut ended) = mpsc::unbounded_channel();
        for (number, worker) in workers.iter().enumerate() {
            begin(worker.clone(), number, lists.clone(), sender.clone());
        }
        drop(sender);
        assert_eq!(ended.recv().await, None);
        outcomes
            .lock()
            .unwrap()
            .insert(lists.lock().unwrap().clone());
    });
    assert!(report.failure().is_none(), "{report}");
    report
        .is_complete()
        .then(|| (outcomes.into_inner().unwrap(), report.runs()))
}

#[test]
fn what_is_left_out_loses_no_outcome() {
    let mut saved = 0;
    for seed in 0..programs() {
        let mut dice = SmallRng::seed_from_u64(3_000_000 + seed);
        let n = dice.random_range(2..=3);
        let workers: Vec<_> = (0..n).map(|_| worker(&mut dice, 2)).collect();
        for preemptions in [0, 1, 2, 3, usize::MAX] {
            // More preemptions are more runs.
            let Some((all, runs)) = outcomes(&workers, preemptions, false) else {
                break;
            };
            let (some, fewer) = outcomes(&workers, preemptions, true).unwrap();
            assert_eq!(
                some, all,
                "{workers:?}, {preemptions} preemptions, seed {seed}"
            );
            assert!(fewer <= runs, "{workers:?}");
            saved += runs - fewer;
        }
    }
    assert!(saved > 100, "{saved}");
}
