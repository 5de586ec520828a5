//! Whether threads are asleep, as Linux reports it under `/proc`.
//!
//! A look reads every thread's state, processor time and number of time slices. Two equal looks at
//! which all threads were asleep prove that at one moment between them all slept at once: none ran
//! in between, and none was about to. From then on, only a timer or the looking thread can change
//! anything.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// How long threads may keep running before `wait until` gives up.
const PATIENCE: Duration = Duration::from_secs(20);

/// The threads of a process, as found by one look.
pub(crate) type Look = Vec<(String, String)>;

/// Whether this system reports that.
const CAN_TELL: bool = cfg!(target_os = "linux");

/// What an answer ends with if this system does not.
pub(crate) const SKIPPED: &str = "skipped";

/// Whether the answer is that the system could not tell; the script ends there.
pub(crate) fn is_skipped(answer: &str) -> bool {
    answer.ends_with(SKIPPED)
}

/// The id of the calling thread.
fn own_id() -> Option<String> {
    let path = fs::read_link("/proc/thread-self").ok()?;
    Some(path.file_name()?.to_string_lossy().into_owned())
}

/// The processor time that the calling thread has used, in nanoseconds.
pub(crate) fn own_time() -> Option<u64> {
    let times = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    times.split_whitespace().next()?.parse().ok()
}

/// Looks at the threads of `process` except `except`; `None` if one is awake.
pub(crate) fn look(process: &str, except: Option<&str>) -> Option<Look> {
    let tasks = Path::new("/proc").join(process).join("task");
    let mut look = Vec::new();
    for task in fs::read_dir(tasks).ok()? {
        let task = task.ok()?;
        let id = task.file_name().to_string_lossy().into_owned();
        if except != Some(&id) {
            look.push((id, asleep(&task.path())?));
        }
    }
    look.sort();
    Some(look)
}

/// What a sleeping thread has used so far; `None` if it is awake or gone.
fn asleep(task: &Path) -> Option<String> {
    let stat = fs::read_to_string(task.join("stat")).ok()?;
    // The name, in parentheses, may contain anything; the state follows it.
    let mut fields = stat[stat.rfind(')')? + 1..].split_whitespace();
    if fields.next() != Some("S") {
        return None;
    }
    let times: Vec<_> = fields.skip(10).take(2).collect();
    let slices = fs::read_to_string(task.join("schedstat")).unwrap_or_default();
    Some(format!("{} {slices}", times.join(" ")))
}

/// Waits until all other threads of the process are asleep.
pub(crate) fn wait_quiet() -> &'static str {
    if !CAN_TELL {
        return SKIPPED;
    }
    let own = own_id();
    let look = || look("self", own.as_deref());
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
