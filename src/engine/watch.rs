//! The wait deadline, and what is said of a hit that stands at a `pause` for longer than that: a test
//! that hangs shall say why.
//!
//! A point is on the watch's list from when a hit pauses there until nobody is left of whom nothing was
//! said. Meanwhile the watch looks at it every so often, by an alarm of [`timer`](super::timer); so there
//! is no thread for it while nothing waits, and a wait costs the first of several hits at a point one
//! entry in a list.

use std::ffi::OsString;
use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::sync::{Arc, Mutex, Weak};
use std::task::{Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use crate::engine::inside::Inside;
use crate::engine::point::{Made, Point};
use crate::engine::report;
use crate::engine::scope::GLOBAL;
use crate::engine::sync::{held, unpoisoned};
use crate::engine::timer;
use crate::engine::trie::Named;
use crate::engine::waiters::{Overdue, Stuck};
use crate::error::{Error, Problem};

/// The environment variable with the deadline.
pub(crate) const VARIABLE: &str = "FAILPOINTS_WAIT_DEADLINE";
const UNLESS_SET: Duration = Duration::from_secs(30);

/// How often the watch looks.
const EVERY: Duration = Duration::from_millis(100);
/// Of how many waiters at one point a look says each by itself.
const MOST: usize = 5;

/// `None` until it is needed or set.
static DEADLINE: Mutex<Option<Duration>> = Mutex::new(None);

static WATCH: Mutex<Watch> = Mutex::new(Watch {
    points: Vec::new(),
    tidy_at: 0,
    has_alarm: false,
});

struct Watch {
    points: Vec<Weak<Point>>,
    /// How long the list may become before it is looked through for points that are gone.
    tidy_at: usize,
    has_alarm: bool,
}

/// Returns the deadline of waits that have no other; [`Duration::MAX`] never passes.
pub(crate) fn deadline() -> Duration {
    let set = *unpoisoned(DEADLINE.lock());
    set.unwrap_or_else(|| {
        // The native API ends the process for a bad value, before this is called.
        let read = of_environment().unwrap_or_else(|error| {
            report::no_deadline(&error);
            None
        });
        let mut deadline = unpoisoned(DEADLINE.lock());
        *deadline.get_or_insert(read.unwrap_or(UNLESS_SET))
    })
}

/// Sets the deadline from now on.
pub(crate) fn set_deadline(deadline: Duration) {
    *unpoisoned(DEADLINE.lock()) = Some(deadline);
    begin();
}

/// Returns the deadline of the environment, if it has one.
pub(crate) fn of_environment() -> Result<Option<Duration>, Error> {
    std::env::var_os(VARIABLE).map_or(Ok(None), parse)
}

fn parse(value: OsString) -> Result<Option<Duration>, Error> {
    let text = value.to_string_lossy();
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = text[digits.len()..].trim_start();
    let millis = match (text, unit) {
        ("", _) => return Ok(None),
        ("off", _) => return Ok(Some(Duration::MAX)),
        (_, "" | "ms") => Some(1),
        (_, "s") => Some(1_000),
        (_, "min") => Some(60_000),
        _ => None,
    };
    let number: Option<u64> = digits.parse().ok();
    let time = millis
        .zip(number)
        .and_then(|(millis, number)| number.checked_mul(millis));
    match time {
        Some(0) => Ok(Some(Duration::MAX)),
        Some(time) => Ok(Some(Duration::from_millis(time))),
        None => Err(Error::new(Problem::WaitDeadline {
            value: text.to_owned(),
        })),
    }
}

/// Returns how long a pause is nothing to speak of; `None` means for ever.
fn limit() -> Option<Duration> {
    Some(deadline()).filter(|limit| !limit.is_zero() && *limit != Duration::MAX)
}

/// Puts a point on the watch's list. Called without a lock.
pub(crate) fn over(point: &Arc<Point>) {
    // Loom's models have no time.
    if cfg!(all(test, neon_failpoint_loom)) {
        return;
    }
    let mut watch = held(WATCH.lock());
    if watch.points.len() >= watch.tidy_at {
        watch.points.retain(|point| point.strong_count() > 0);
        watch.tidy_at = watch.points.len() * 2 + 16;
    }
    watch.points.push(Arc::downgrade(point));
    drop(watch);
    begin();
}

/// Sets the alarm for a first look, if there is something to look at.
fn begin() {
    let is_asked = limit().is_some();
    let mut watch = held(WATCH.lock());
    let begins = is_asked && !watch.has_alarm && !watch.points.is_empty();
    let has_begun = watch.has_alarm;
    watch.has_alarm |= begins;
    drop(watch);
    if begins {
        next(EVERY);
    } else if has_begun {
        timer::go_on();
    }
}

fn next(time: Duration) {
    if !timer::wake_in(time, Waker::from(Arc::new(Look))) {
        // There is no thread to be had. The next that waits tries again.
        held(WATCH.lock()).has_alarm = false;
    }
}

struct Look;

impl Wake for Look {
    fn wake(self: Arc<Self>) {
        let _inside = Inside::enter();
        look();
    }
}

/// Says what there is to say, and sets the next alarm unless nothing is left to look at.
fn look() {
    let begin = Instant::now();
    let limit = limit();
    let points = match limit {
        Some(_) => std::mem::take(&mut held(WATCH.lock()).points),
        None => Vec::new(),
    };
    let mut text = String::new();
    let has_more = |weak: &Weak<Point>| {
        let (Some(limit), Some(point)) = (limit, weak.upgrade()) else {
            return false;
        };
        let overdue = point.waiters.overdue(limit, MOST);
        describe(&mut text, &point, &overdue, limit);
        overdue.has_more
    };
    let mut points: Vec<Weak<Point>> = points.into_iter().filter(has_more).collect();
    say(text);
    let mut watch = held(WATCH.lock());
    watch.points.append(&mut points);
    watch.has_alarm = limit.is_some() && !watch.points.is_empty();
    let goes_on = watch.has_alarm;
    drop(watch);
    if goes_on {
        // With very many points it takes a while, and nobody is in a hurry.
        next(EVERY.max(begin.elapsed() * 20));
    }
}

/// Adds what there is to say of the waiters of a point.
fn describe(text: &mut String, point: &Point, overdue: &Overdue, limit: Duration) {
    for stuck in &overdue.first {
        // Writing to a string does not fail.
        let _ = describe_one(text, point, stuck);
    }
    let more = overdue.count - overdue.first.len();
    if more > 0 {
        let name = point.name();
        let _ = writeln!(
            text,
            "neon_failpoint: paused at failpoint {name:?}: {more} more for over {limit:?}"
        );
    }
}

fn describe_one(text: &mut String, point: &Point, stuck: &Stuck) -> fmt::Result {
    let (name, place) = (point.name(), stuck.place);
    write!(
        text,
        "neon_failpoint: paused at failpoint {name:?}, {place}: "
    )?;
    let who = match &stuck.thread {
        None => "a task".to_owned(),
        Some(thread) => match thread.name() {
            Some(name) => format!("thread {name:?}"),
            None => format!("a thread without a name, {:?},", thread.id()),
        },
    };
    stuck.info.describe(&who, text)?;
    write!(text, "; the point was {}", point.made())?;
    text.push_str("; what lets it go: ");
    match point.made() {
        Made::Armed(_) => text.push_str("`release_one()` of that guard, or its end; "),
        Made::Http => text.push_str("a release over HTTP; "),
        Made::Configured(_) | Made::Environment => {}
    }
    write!(
        text,
        "`release_failpoint({name:?}, 1)`, or that the point is removed or reconfigured"
    )?;
    if point.home().id() != GLOBAL {
        text.push_str(", in its scope");
    }
    if stuck.info.has_token() {
        text.push_str("; or that its token is cancelled");
    }
    if stuck.thread.is_some() && cfg!(feature = "async") {
        text.push_str("; async code needs a macro that awaits instead");
    }
    text.push('\n');
    Ok(())
}

/// Writes to standard error: not through the macros, whose text a test harness keeps until the test
/// ends, and by a thread of its own, because whoever holds standard error may be one that is paused.
fn say(text: String) {
    if text.is_empty() {
        return;
    }
    write_apart(
        text + &format!(
            "neon_failpoint: said once, after the wait deadline: `set_wait_deadline` or {VARIABLE} \
             changes it, `off` ends this\n"
        ),
    );
}

/// Writes to standard error from a thread that has nothing else to do.
pub(crate) fn write_apart(text: String) {
    let write = move || {
        // If this fails, there is nowhere left to report it.
        let _ = std::io::stderr().write_all(text.as_bytes());
    };
    let named = thread::Builder::new().name("neon_failpoint watch".to_owned());
    // Without a thread it is not said.
    let _ = named.spawn(write);
}

#[cfg(all(test, not(neon_failpoint_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_a_number_with_a_unit() {
        let parse = |text: &str| parse(text.into());
        for (text, millis) in [
            ("20", 20),
            (" 20ms ", 20),
            ("20 ms", 20),
            ("2s", 2_000),
            ("3min", 180_000),
        ] {
            let time = Some(Duration::from_millis(millis));
            assert_eq!(parse(text).unwrap(), time, "{text}");
        }
        assert_eq!(parse("").unwrap(), None);
        for text in ["off", "0", "0s"] {
            assert_eq!(parse(text).unwrap(), Some(Duration::MAX), "{text}");
        }
        for text in [
            "on",
            "s",
            "-1",
            "1.5s",
            "2h",
            "1s 2",
            "99999999999999999999",
            "1 2",
            "٣s",
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains("500ms"), "{text}: {error}");
        }
    }
}
