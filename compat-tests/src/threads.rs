//! The named threads of a script.

use crate::api::Fail;
use crate::events;
use crate::interpreter::Frame;
use crate::quiet;
use crate::script::Statement;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long threads may keep running before `wait until` gives up.
const PATIENCE: Duration = Duration::from_secs(20);

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
            let mut frame = Frame::<F>::new(threads);
            for Job { statement, answer } in inbox {
                // A script need not ask for the answer.
                let _ = answer.send(events::during(|| frame.run(&statement)));
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
pub(crate) struct Threads(Arc<Mutex<HashMap<String, Worker>>>);

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
    pub(crate) fn run<F: Fail>(&self, name: &str, statement: &Statement) -> String {
        let answer = self.with::<F, _>(name, |worker| worker.send(statement));
        answer
            .recv()
            .unwrap_or_else(|_| "the thread is gone".to_owned())
    }

    /// Makes a thread run a statement.
    pub(crate) fn start<F: Fail>(&self, name: &str, statement: &Statement) {
        self.with::<F, _>(name, |worker| {
            let answer = worker.send(statement);
            worker.started.push_back(answer);
        });
    }

    /// Returns the answer of the first statement that was started and not yet asked about.
    pub(crate) fn finish<F: Fail>(&self, name: &str) -> Option<String> {
        let answer = self.with::<F, _>(name, |worker| worker.started.pop_front())?;
        answer.recv().ok()
    }

    /// Waits until all other threads are asleep, and returns the state of one of them.
    pub(crate) fn wait_blocked<F: Fail>(&self, name: &str) -> &'static str {
        match wait_quiet() {
            "quiet" => match self.with::<F, _>(name, |w| w.unfinished.load(Ordering::SeqCst)) {
                0 => "finished",
                _ => "blocked",
            },
            other => other,
        }
    }

    /// Ends all threads; `release` is called until none is blocked.
    pub(crate) fn end(&self, release: impl Fn()) {
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

/// Waits until all other threads of the process are asleep.
pub(crate) fn wait_quiet() -> &'static str {
    if !quiet::CAN_TELL {
        return quiet::SKIPPED;
    }
    let own = quiet::own_id();
    let look = || quiet::look("self", own.as_deref());
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        let first = look();
        if first.is_some() && first == look() {
            return "quiet";
        }
        thread::yield_now();
    }
    "still running"
}
