//! The end of the process at each hit, in child processes, and what a recovery makes of it.
//!
//! A child is the same test again. When it comes to the call that it was made for, it runs the work,
//! and ends itself at its hit; at calls before that it takes the answer that its parent had. What it
//! has to say it appends to a file, hit by hit: so it is told whatever ends the process.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::future::Future;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use tokio::runtime::Builder;

use crate::control::Scope;
use crate::control::wait_for::wait_deadline;
use crate::engine::director::{Arrival, Director, Open, Verdict, direct_process};
use crate::engine::report;
use crate::engine::sync::unpoisoned;
use crate::explore::explorer::{self, Damage, Explorer, Outcome, demand_a_place};
use crate::explore::own_test::{self, Way};
use crate::explore::panics::{self, Hears};
use crate::explore::pick;
use crate::explore::report::{Ending, Failure, Report, Step, StepKind};
use crate::explore::run::Output;
use crate::explore::told::{Reader, Writer, read_report, write_report};

/// Ends the process at every failpoint that `work` passes, and lets `recover` check what was left:
/// [`Explorer::new`]`().`[`crashes`](Explorer::crashes)`(work, recover)`, with a panic at the first
/// failure: what was wrong, at which hit, and the command that repeats it.
///
/// # Panics
///
/// At a failure, and as [`Explorer::crashes`] does.
///
/// # Examples
///
/// ```
/// # if !neon_failpoint::has_failpoints() { return }
/// use neon_failpoint::explore::crashes;
/// use neon_failpoint::fail_point;
///
/// // In a `#[test]`, or in `main`:
/// crashes(
///     |folder| async move {
///         let (new, file) = (folder.join("new"), folder.join("balance"));
///         tokio::fs::write(&new, "100").await.unwrap();
///         fail_point!("crashes-doc-written");
///         tokio::fs::rename(&new, &file).await.unwrap();
///         fail_point!("crashes-doc-renamed");
///     },
///     |folder| async move {
///         // Nothing, or all of it: written in place, a part of it might be there.
///         if let Ok(balance) = tokio::fs::read_to_string(folder.join("balance")).await {
///             assert_eq!(balance, "100");
///         }
///     },
/// );
/// ```
#[track_caller]
pub fn crashes<W: Future<Output: Outcome>, R: Future<Output: Outcome>>(
    work: impl Fn(PathBuf) -> W,
    recover: impl Fn(PathBuf) -> R,
) {
    let report = Explorer::new().crashes(work, recover);
    if report.failure.is_some() {
        panic!("{report}");
    }
}

impl Explorer {
    /// Ends the process at every failpoint that `work` passes, and lets `recover` check what was left.
    ///
    /// Both get the path of a folder. `work` finds it empty, and runs in a child process, which ends at
    /// the 1st hit; then `recover` runs in this process, on what is there. So it goes on with the 2nd
    /// hit, the 3rd, until a child comes to the end of `work`: `recover` checks that folder, too, and
    /// then the report is [complete](Report::is_complete). A panic of `recover`, or of one of its tasks,
    /// an error, or no end within the [deadline of waits](crate::set_wait_deadline) is a failure. So are
    /// those of `work` itself, which has no crash to excuse it.
    ///
    /// [`points`](Self::points), [`max_runs`](Self::max_runs), which bounds the children, and
    /// [`replay`](Self::replay) apply; the rest is for schedules. Each of the two runs on a current-thread
    /// runtime of its own, with the real clock, and in a scope of its own inside that of the caller.
    ///
    /// # Hits
    ///
    /// Every hit counts, of async and of blocking code, on any thread of the child, from the call of
    /// `work` until its runtime has shut down. One whose action pauses or returns counts, one that panics
    /// does not. Which is the 3rd has to be the same each time: where threads race it is not, and a
    /// failure may then not repeat.
    ///
    /// # What a crash is
    ///
    /// The child ends as by [`std::process::abort`]: no destructor runs, nothing is flushed, neither
    /// Rust's nor C's handlers at exit are called. Where core dumps are switched on it leaves one:
    /// `ulimit -c 0` switches them off.
    ///
    /// What the process had in memory is lost. What it gave to the operating system is kept, also if it
    /// was never synced. A power failure takes more: see [`damage`](Self::damage).
    ///
    /// # The child
    ///
    /// It is the same executable, told to run the same test: under libtest (`cargo test`, any number of
    /// threads, ignored tests too) and nextest that test alone, in a plain `main` all of it, with the
    /// same arguments. So what stands before this call is done by each child, too, and what stands after
    /// it by none. Other calls of `crashes` before it make no children of their own and call no closure, but
    /// return the report that they returned here; `explore` and the like do run again.
    ///
    /// Call it on the thread of the test, and not twice at the same time in one test; different tests may.
    /// A thread without a name finds its test by the symbols of the executable, where these are not
    /// inlined away. Other harnesses have to run one test a process.
    ///
    /// What a child prints is shown if it fails by itself. One that does not end within the [deadline of
    /// waits](crate::set_wait_deadline), 30 seconds, is killed, and that is a failure.
    ///
    /// The folder is below [`std::env::temp_dir`], and removed at the end; after a failure it is kept,
    /// as the recovery left it, and the message says where. The command in it repeats that crash alone;
    /// `crash 3 @2` is the third hit of the second call in its test, or in its `main`.
    ///
    /// # Panics
    ///
    /// In a build without the feature `testing`; inside a tokio runtime; if a folder or a child cannot be
    /// made; and if a child does not come to this call. Not at a failure.
    ///
    /// # Examples
    ///
    /// ```
    /// # if !neon_failpoint::has_failpoints() { return }
    /// use neon_failpoint::explore::{Explorer, StepKind};
    /// use neon_failpoint::fail_point;
    ///
    /// let report = Explorer::new().points("in-place-.*").crashes(
    ///     |folder| async move {
    ///         let file = folder.join("balance");
    ///         std::fs::write(&file, "").unwrap();
    ///         fail_point!("in-place-created");
    ///         std::fs::write(&file, "100").unwrap();
    ///         fail_point!("in-place-written");
    ///     },
    ///     |folder| async move {
    ///         let balance = std::fs::read_to_string(folder.join("balance")).unwrap();
    ///         assert_eq!(balance, "100");
    ///     },
    /// );
    /// let failure = report.failure().unwrap();
    /// let crash = failure.steps().last().unwrap();
    /// assert_eq!((crash.failpoint(), crash.kind()), ("in-place-created", StepKind::Crash));
    /// assert_eq!(failure.schedule(), "crash 1");
    /// # let program = std::env::current_exe().unwrap();
    /// # let repeats = format!("FAILPOINTS_REPLAY='crash 1' {}", program.display());
    /// # assert!(failure.to_string().contains(&repeats), "{failure}");
    /// # let kept = failure.message().rsplit_once(": ").unwrap().1;
    /// # std::fs::remove_dir_all(std::path::Path::new(kept).parent().unwrap()).unwrap();
    /// ```
    #[track_caller]
    pub fn crashes<W: Future<Output: Outcome>, R: Future<Output: Outcome>>(
        self,
        work: impl Fn(PathBuf) -> W,
        recover: impl Fn(PathBuf) -> R,
    ) -> Report {
        demand_a_place();
        if self.replay.is_some() {
            panic!(
                "Explorer::crashes: `replay` was given a schedule; expected what a failure of \
                 `crashes` gave, such as \"crash 3\""
            );
        }
        panics::install();
        let work = |folder: PathBuf| -> Pin<Box<dyn Future<Output = Output> + '_>> {
            let work = work(folder);
            Box::pin(async { work.await.into_result() })
        };
        let recover = |folder: PathBuf| -> Pin<Box<dyn Future<Output = Output> + '_>> {
            let recover = recover(folder);
            Box::pin(async { recover.await.into_result() })
        };
        self.explore_crashes(&work, &recover)
    }

    #[track_caller]
    fn explore_crashes(self, work: &Made<'_>, recover: &Made<'_>) -> Report {
        let place = Location::caller().to_string();
        if let Some(base) = std::env::var_os(CHILD) {
            match Order::as_child(&base, &place) {
                AsChild::Passes(report) => return report,
                AsChild::Works(order) => order.work(self.points, work),
            }
        }
        let done = Crashes::new(&place).and_then(|crashes| {
            crashes.explore(self.max_runs, self.crash, &|folder, is_complete| {
                let damage = self.damage.as_ref().filter(|_| !is_complete);
                run("the recovery", false, Some(wait_deadline()), &|| {
                    if let Some(damage) = damage {
                        let Damage(damage) = damage;
                        damage(folder);
                    }
                    recover(folder.to_owned())
                })
            })
        });
        match done {
            Ok(report) => report,
            Err(why) => panic!("crashes: {why}"),
        }
    }

    /// Has `damage` called on the folder between a crash and its recovery, by
    /// [`crashes`](Self::crashes): for what a power failure takes beyond a crash.
    ///
    /// A crash keeps all that was written. A power failure may lose what was not synced: the end of a
    /// file, a file that was created or renamed without a sync of its folder; or leave a part of the last
    /// write. Only the program's author knows which bytes these may be: cut a log in its last record, for
    /// instance, if that was not synced at this point. It is not called where `work` came to its end. A
    /// panic in it is a failure.
    ///
    /// ```
    /// # if !neon_failpoint::has_failpoints() { return }
    /// use neon_failpoint::explore::Explorer;
    /// use neon_failpoint::fail_point_sync;
    /// use std::fs::OpenOptions;
    ///
    /// // The last byte of a log that is never synced gets lost, if there is any.
    /// let cut = |folder: &std::path::Path| {
    ///     if let Ok(log) = OpenOptions::new().write(true).open(folder.join("log")) {
    ///         let length = log.metadata().unwrap().len();
    ///         log.set_len(length.saturating_sub(1)).unwrap();
    ///     }
    /// };
    /// let report = Explorer::new().damage(cut).crashes(
    ///     |folder| async move {
    ///         std::fs::write(folder.join("log"), "one;two;").unwrap();
    ///         fail_point_sync!("damage-doc");
    ///     },
    ///     |folder| async move {
    ///         let log = std::fs::read_to_string(folder.join("log")).unwrap();
    ///         let whole = log.split_inclusive(';').filter(|record| record.ends_with(';'));
    ///         assert!(whole.count() >= 1);
    ///     },
    /// );
    /// assert_eq!((report.runs(), report.is_complete()), (2, true));
    /// ```
    pub fn damage(mut self, damage: impl Fn(&Path) + Send + Sync + 'static) -> Self {
        self.damage = Some(Damage(Arc::new(damage)));
        self
    }
}

/// In a child: the folder in which it finds its order. Whoever has this makes no children.
const CHILD: &str = "FAILPOINTS_CRASH_CHILD";

/// What is in that folder.
const ORDER: &str = "order";
const TOLD: &str = "told";
const OUTPUT: &str = "output";
const DATA: &str = "data";

/// For so long what `spawn_blocking` runs may go on after its runtime.
const LATE: Duration = Duration::from_secs(5);

/// So much of a child's output is shown, from its end.
const SHOWN: u64 = 16 * 1024;

/// The panics of what is run here.
struct Heard {
    is_loud: bool,
    first: Mutex<Option<String>>,
}

impl Hears for Heard {
    fn panicked(&self, message: &str) {
        unpoisoned(self.first.lock()).get_or_insert_with(|| message.to_owned());
    }

    fn is_loud(&self) -> bool {
        self.is_loud
    }
}

/// A closure of the user's. Its future is boxed, so that what runs it is compiled once.
type Made<'a> = dyn Fn(PathBuf) -> Pin<Box<dyn Future<Output = Output> + 'a>> + 'a;

/// Runs a future to its end, on a runtime and in a scope of its own.
fn run<'a>(
    what: &str,
    is_loud: bool,
    limit: Option<Duration>,
    make: &dyn Fn() -> Pin<Box<dyn Future<Output = Output> + 'a>>,
) -> Output {
    let scope = Scope::new();
    let heard = Arc::new(Heard {
        is_loud,
        first: Mutex::default(),
    });
    let (inner, hears) = (scope.clone(), heard.clone());
    let built = Builder::new_current_thread()
        .enable_all()
        .on_thread_start(move || {
            inner.enter_until_it_ends();
            panics::watch(Some(hears.clone()));
        })
        .build();
    let runtime = built.map_err(|e| format!("no runtime could be made: {e}"))?;
    let is_late;
    let result = {
        let _entered = scope.enter();
        let before = panics::watch(Some(heard.clone()));
        let result = catch_unwind(AssertUnwindSafe(|| {
            runtime.block_on(async {
                // Made inside the runtime, so that it may spawn before its first await.
                let future = make();
                match limit {
                    Some(limit) => tokio::time::timeout(limit, future).await.ok(),
                    None => Some(future.await),
                }
            })
        }));
        // A panic of a task that is dropped here is one of its own, too.
        let ends = Instant::now();
        let shut_down = catch_unwind(AssertUnwindSafe(|| runtime.shutdown_timeout(LATE)));
        panics::watch(before);
        is_late = ends.elapsed() >= LATE;
        shut_down.and(result)
    };
    let first = unpoisoned(heard.first.lock()).take();
    if let Some(first) = first {
        return Err(format!("{what} panicked {first}"));
    }
    match result {
        Ok(Some(_)) if is_late => Err(format!(
            "{what} left a blocking thread that did not end within {LATE:?}"
        )),
        Ok(Some(output)) => output.map_err(|error| format!("{what} returned an error: {error}")),
        Ok(None) => Err(format!(
            "{what} did not end within {:?}",
            limit.unwrap_or_default()
        )),
        // By `resume_unwind`, which no hook hears of.
        Err(panic) => Err(format!("{what} panicked: {}", panics::text(&*panic))),
    }
}

/// What a child is to do.
struct Order {
    base: PathBuf,
    /// The hit at which it ends.
    at: usize,
    /// The call that it is for: its number in the test, and where it stands.
    number: usize,
    place: String,
    /// Of the calls before that.
    reports: Vec<Report>,
}

enum AsChild {
    Passes(Report),
    Works(Order),
}

impl Order {
    fn write(&self) -> io::Result<()> {
        let mut text = Writer::default();
        text.show(self.at).show(self.number).text(&self.place);
        for report in &self.reports {
            write_report(&mut text, report);
        }
        fs::write(self.base.join(ORDER), text.0)
    }

    fn read(base: &Path) -> Option<Self> {
        let text = fs::read(base.join(ORDER)).ok()?;
        let mut text = Reader(&text);
        let (at, number) = (text.number()?, text.number()?);
        let place = text.text()?;
        let reports = (1..number).map(|_| read_report(&mut text));
        Some(Self {
            base: base.to_owned(),
            at,
            number,
            place,
            reports: reports.collect::<Option<_>>()?,
        })
    }

    /// What this process, a child, does in a call of `crashes`.
    fn as_child(base: &OsStr, place: &str) -> AsChild {
        static CALLS: AtomicUsize = AtomicUsize::new(0);
        let number = CALLS.fetch_add(1, Ordering::SeqCst) + 1;
        if base == LISTS {
            // A `main` that was asked for its tests, and has none.
            std::process::exit(0);
        }
        let order = Self::read(Path::new(base)).filter(|order| number <= order.number);
        let Some(mut order) = order else {
            panic!(
                "{CHILD} is set, but this process is no child that `crashes` made, or was not told what to do"
            );
        };
        if number < order.number {
            return AsChild::Passes(order.reports.swap_remove(number - 1));
        }
        if order.place != place {
            panic!(
                "the {number}. call of `crashes` in this process is at {place}, in its parent it was at {}",
                order.place
            );
        }
        AsChild::Works(order)
    }

    /// Does the work, and ends the process.
    fn work(self, points: Option<regex::Regex>, work: &Made<'_>) -> ! {
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(self.base.join(TOLD));
        let mut file = match file {
            Ok(file) => file,
            Err(e) => panic!("{TOLD:?} in {:?} cannot be opened: {e}", self.base),
        };
        // What cannot be told is missed by the parent.
        let tell = |file: &mut File, text: &mut Writer| file.write_all(&text.0);
        let _ = tell(&mut file, Writer::default().text("begun"));
        let counter = Arc::new(Counter {
            at: self.at,
            points,
            passed: Mutex::new((0, file)),
        });
        direct_process(counter.clone());
        let _open = Open::new();
        let output = run("the work", true, None, &|| work(self.base.join(DATA)));
        let status = i32::from(output.is_err());
        let mut end = Writer::default();
        match output {
            Ok(()) => end.text("done"),
            Err(why) => end.text("failed").text(&why),
        };
        let mut passed = unpoisoned(counter.passed.lock());
        let _ = tell(&mut passed.1, &mut end);
        // What still runs passes no failpoint any more.
        std::process::exit(status)
    }
}

/// Counts the hits of a child, tells of them, and ends the process at one.
struct Counter {
    at: usize,
    points: Option<regex::Regex>,
    passed: Mutex<(usize, File)>,
}

impl Counter {
    fn hit(&self, arrival: &Arrival<'_>) {
        let context = arrival.context.map(ToString::to_string);
        let mut passed = unpoisoned(self.passed.lock());
        let (count, file) = &mut *passed;
        *count += 1;
        let is_it = *count == self.at;
        let mut text = Writer::default();
        text.text(if is_it { "crash" } else { "hit" });
        text.hit(arrival.name, arrival.file, arrival.line, context.as_deref());
        // One that cannot be written is missed by the parent.
        let _ = file.write_all(&text.0);
        if is_it {
            std::process::abort();
        }
    }
}

impl Director for Counter {
    fn directs(&self, name: &str) -> bool {
        self.points
            .as_ref()
            .is_none_or(|points| points.is_match(name))
    }

    fn stop(&self, arrival: &Arrival<'_>) -> Option<u64> {
        self.hit(arrival);
        None
    }

    fn poll(&self, _: u64, _: &Waker) -> Poll<Verdict> {
        Poll::Ready(Verdict::Continue)
    }

    fn leave(&self, _: u64) {}

    fn pass(&self, arrival: &Arrival<'_>) -> Verdict {
        self.hit(arrival);
        Verdict::Continue
    }
}

/// What a child told.
#[derive(Default)]
struct Told {
    /// Whether it came to its call.
    has_begun: bool,
    steps: Vec<Step>,
    end: Option<End>,
}

enum End {
    /// At its hit.
    Crash,
    /// By itself.
    Done,
    Failed(String),
}

impl Told {
    fn read(from: &Path) -> Self {
        let mut told = Self::default();
        let bytes = fs::read(from).unwrap_or_default();
        let mut text = Reader(&bytes);
        while told.read_one(&mut text).is_some() {}
        told
    }

    fn read_one(&mut self, text: &mut Reader<'_>) -> Option<()> {
        match text.text()?.as_str() {
            "hit" => self.steps.push(text.hit(StepKind::Continue)?),
            "crash" => {
                self.steps.push(text.hit(StepKind::Crash)?);
                self.end = Some(End::Crash);
            }
            "done" => self.end = Some(End::Done),
            "failed" => self.end = Some(End::Failed(text.text()?)),
            _ => self.has_begun = true,
        }
        Some(())
    }
}

/// The value of [`CHILD`] where a child lists its tests.
const LISTS: &str = "list";

fn list(command: &mut Command) -> io::Result<String> {
    let output = command.env(CHILD, LISTS).output()?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The reports of the calls of each test, in order.
static CALLS: Mutex<Option<HashMap<Option<String>, Vec<Report>>>> = Mutex::new(None);

/// A call of `crashes` under way.
struct Crashes {
    base: PathBuf,
    is_kept: bool,
    way: Way,
    /// Of the call in its test, from 1.
    number: usize,
    place: String,
    earlier: Vec<Report>,
    /// From outside.
    replay: Option<usize>,
    runs: usize,
}

impl Crashes {
    fn new(place: &str) -> Result<Self, String> {
        let way = own_test::way(list)?;
        let earlier = {
            let mut calls = unpoisoned(CALLS.lock());
            let of_the_test = calls.get_or_insert_default().get(&way.test);
            of_the_test.cloned().unwrap_or_default()
        };
        let number = earlier.len() + 1;
        let replay = explorer::replay_crash(number)?;
        Ok(Self {
            base: new_folder()?,
            is_kept: false,
            replay,
            way,
            number,
            place: place.to_owned(),
            earlier,
            runs: 0,
        })
    }

    fn explore(
        mut self,
        max_runs: usize,
        replay: Option<usize>,
        recover: &dyn Fn(&Path, bool) -> Output,
    ) -> Result<Report, String> {
        let replay = self.replay.or(replay);
        let mut at = replay.unwrap_or(1);
        let report = loop {
            if self.runs >= max_runs {
                break self.report(Ending::Cut(format!("max_runs is {max_runs}")), None);
            }
            let (told, problem) = self.child(at)?;
            let is_done = matches!(told.end, Some(End::Done));
            let hits = told.steps.len();
            let problem = match problem {
                None if replay.is_some() && is_done && at > hits + 1 => Some(format!(
                    "{:?} is no schedule of this work, which passes {hits} hits",
                    pick::write_crash(at)
                )),
                None => recover(&self.base.join(DATA), is_done).err(),
                problem => problem,
            };
            if let Some(problem) = problem {
                break self.failed(at, problem, told.steps);
            }
            if replay.is_some() {
                break self.report(Ending::Cut("one crash was replayed".to_owned()), None);
            }
            if is_done {
                if hits == 0 {
                    report::explored(
                        "no failpoint was hit in the work: there is no place to end it at",
                    );
                }
                let bounds = match hits {
                    0 => "there is no hit to crash at".to_owned(),
                    1 => "a crash at its only hit, and none".to_owned(),
                    n => format!("a crash at each of {n} hits, and none"),
                };
                break self.report(Ending::Complete(bounds), None);
            }
            at += 1;
        };
        self.is_kept = report.failure.is_some();
        let mut calls = unpoisoned(CALLS.lock());
        let of_the_test = calls.get_or_insert_default().entry(self.way.test.clone());
        of_the_test.or_default().push(report.clone());
        Ok(report)
    }

    /// Runs a child that is to end at that hit. Returns what it told, and what was wrong with it.
    fn child(&mut self, at: usize) -> Result<(Told, Option<String>), String> {
        self.runs += 1;
        let data = self.base.join(DATA);
        let order = Order {
            base: self.base.clone(),
            at,
            number: self.number,
            place: self.place.clone(),
            reports: self.earlier.clone(),
        };
        let prepared = (|| {
            remove(fs::remove_dir_all(&data))?;
            remove(fs::remove_file(self.base.join(TOLD)))?;
            fs::create_dir(&data)?;
            order.write()?;
            File::create(self.base.join(OUTPUT))
        })();
        let output =
            prepared.map_err(|e| format!("the folder {:?} cannot be used: {e}", self.base))?;
        let limit = wait_deadline();
        let status = self.spawn(output, limit).map_err(|e| {
            format!(
                "the child process `{}` could not be run: {e}",
                self.way.program()
            )
        })?;
        let told = Told::read(&self.base.join(TOLD));
        let ended = || match status {
            Some(status) => format!("ended, {status},"),
            None => format!("did not end within {limit:?}, and was killed,"),
        };
        if !told.has_begun {
            return Err(format!(
                "the child process `{}` {} before it came to this call at {}: it has to run this test, \
                 and come here each time{}",
                self.way.program(),
                ended(),
                self.place,
                self.output()
            ));
        }
        let after = || match told.steps.len() {
            0 => "before its first hit".to_owned(),
            n => format!("after hit {n}, {}", told.steps[n - 1].place),
        };
        let problem = match &told.end {
            Some(End::Crash | End::Done) => None,
            Some(End::Failed(why)) => Some(format!("{why}{}", self.output())),
            None => Some(format!(
                "the child process {} {}{}{}",
                ended(),
                if status.is_some() {
                    "in the middle of the work, "
                } else {
                    ""
                },
                after(),
                self.output()
            )),
        };
        Ok((told, problem))
    }

    /// Returns how a child ended; `None` if it was killed because it did not within `limit`.
    fn spawn(&self, output: File, limit: Duration) -> io::Result<Option<ExitStatus>> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(&self.way.args)
            .env(CHILD, &self.base)
            .stdin(Stdio::null())
            // Files, not pipes: whoever inherits them holds up nobody.
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()?;
        let began = Instant::now();
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(Some(status));
            }
            let passed = began.elapsed();
            if passed >= limit {
                // An error means that it has ended meanwhile.
                let _ = child.kill();
                child.wait()?;
                return Ok(None);
            }
            let shortest = Duration::from_micros(50);
            std::thread::sleep((passed / 8).clamp(shortest, Duration::from_millis(10)));
        }
    }

    /// Returns what the last child printed, to follow a sentence.
    fn output(&self) -> String {
        let read = || {
            let mut file = File::open(self.base.join(OUTPUT))?;
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(length.saturating_sub(SHOWN)))?;
            let mut end = Vec::new();
            file.read_to_end(&mut end)?;
            io::Result::Ok(end)
        };
        let output = read().unwrap_or_default();
        let output = String::from_utf8_lossy(&output);
        match output.trim() {
            "" => String::new(),
            output => format!("\nits output:\n{output}\n(the end of its output)"),
        }
    }

    fn failed(&self, at: usize, problem: String, steps: Vec<Step>) -> Report {
        let schedule = pick::write_crash(at);
        let program = self.way.command();
        let failure = Failure {
            message: format!(
                "{problem}\nthe folder is kept: {}",
                self.base.join(DATA).display()
            ),
            command: explorer::command(&schedule, Some(self.number), &program),
            steps,
            schedule,
        };
        self.report(Ending::Failed, Some(failure))
    }

    fn report(&self, ending: Ending, failure: Option<Failure>) -> Report {
        Report {
            runs: self.runs,
            left_out: 0,
            ending,
            failure,
        }
    }
}

impl Drop for Crashes {
    fn drop(&mut self) {
        if !self.is_kept {
            // What is still in use there is left to the system.
            let _ = fs::remove_dir_all(&self.base);
        }
    }
}

fn remove(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Makes a folder that nobody else has.
fn new_folder() -> Result<PathBuf, String> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let temporary = std::env::temp_dir();
    let made = std::path::absolute(&temporary).and_then(|temporary| {
        loop {
            let number = COUNT.fetch_add(1, Ordering::SeqCst);
            let name = format!("neon_failpoint-crashes-{}-{number}", std::process::id());
            let folder = temporary.join(name);
            match fs::create_dir(&folder) {
                // Left by another process of that number.
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                made => return made.map(|()| folder),
            }
        }
    });
    made.map_err(|e| format!("no folder could be made in {temporary:?}: {e}"))
}
