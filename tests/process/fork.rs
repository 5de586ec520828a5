//! Proves what is true in the child of a `fork`, where only the thread that forked is left: hits, calls,
//! sleeps, pauses and the watch over them work; who waited elsewhere is listed and does not come back.
//!
//! Each case is a process of its own, which knows its threads.

use std::ffi::OsStr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{
    DEADLINE, block_on, child, hit, info, poll_once, until_waiting, value, waiters, within_deadline,
};
use neon_failpoint::FailpointResult::Continue;
use neon_failpoint::compat::FailScenario;
use neon_failpoint::{
    arm, configure_failpoint, fail_point_sync, failpoint, isolate, list_failpoints,
    release_failpoint, remove_all_failpoints, remove_failpoint, set_wait_deadline,
    wait_until_paused,
};

/// Waits until each other thread of this process sleeps: one that only begins to may hold a lock, and in a
/// child that would be held for good.
fn until_others_sleep() {
    let of_this = std::fs::read_link("/proc/thread-self").unwrap();
    let this = of_this.file_name().unwrap();
    let sleeps = |task: std::io::Result<std::fs::DirEntry>| {
        let task = task.unwrap();
        // A thread that has just ended has no state.
        let state = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
        // Behind the name, in parentheses, in which anything may stand.
        task.file_name() == this || state.rsplit(") ").next().unwrap().starts_with('S')
    };
    let deadline = Instant::now() + DEADLINE / 2;
    let mut looks = 0;
    while looks < 3 {
        let all = std::fs::read_dir("/proc/self/task").unwrap().all(sleeps);
        looks = if all { looks + 1 } else { 0 };
        assert!(Instant::now() < deadline, "a thread does not come to rest");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Runs `in_child` in a forked process, and asserts that it comes to its end there.
#[track_caller]
fn fork(in_child: fn()) {
    until_others_sleep();
    fork_amid(in_child);
}

/// The same, whatever other threads do.
#[track_caller]
fn fork_amid(in_child: fn()) {
    // SAFETY: the child of a process with several threads does more than POSIX allows it: it allocates,
    // which the C library is prepared for, and it takes locks, but none that another thread here holds.
    match unsafe { libc::fork() } {
        -1 => panic!("{}", std::io::Error::last_os_error()),
        0 => {
            let is_over = std::panic::catch_unwind(in_child).is_ok();
            // SAFETY: it ends the process. The test harness is not to go on in it.
            unsafe { libc::_exit(if is_over { 0 } else { 1 }) }
        }
        child => {
            let mut status = 0;
            // Before this process is ended: a child that is left holds its standard output open.
            let deadline = Instant::now() + DEADLINE / 2;
            // SAFETY: the pointer is that of a variable which outlives the call.
            while unsafe { libc::waitpid(child, &raw mut status, libc::WNOHANG) } == 0 {
                if Instant::now() > deadline {
                    // SAFETY: the process is a child that was not waited for, so the number is its own.
                    unsafe { libc::kill(child, libc::SIGKILL) };
                    panic!("the child hangs");
                }
                thread::sleep(Duration::from_millis(1));
            }
            assert_eq!(status, 0, "the child's status");
        }
    }
}

fn site() -> u32 {
    fail_point_sync!("fork-site", |text| text.parse().unwrap());
    0
}

/// A thread that stands at `fork-stands` until it is let go.
fn stands() -> thread::JoinHandle<()> {
    configure_failpoint("fork-stands", "pause").unwrap();
    let thread = thread::spawn(|| drop(hit("fork-stands")));
    until_waiting("fork-stands", 1);
    thread
}

fn hits_and_calls() {
    let thread = stands();
    configure_failpoint("fork-site", "return(1)").unwrap();
    assert_eq!(site(), 1);
    fork(|| {
        assert_eq!((site(), info("fork-site").unwrap().hits()), (1, 2));
        configure_failpoint("fork-site", "return(2)").unwrap();
        assert_eq!(site(), 2);
        remove_failpoint("fork-site");
        assert_eq!(site(), 0);
        // Its thread is not there; to let it go does no harm.
        assert_eq!(waiters("fork-stands"), 1);
        assert_eq!(release_failpoint("fork-stands", 1).unwrap(), 1);
        assert_eq!(waiters("fork-stands"), 0);
        // What begins here is whole.
        let alone = isolate();
        let point = arm("fork-site", "pause").unwrap();
        let thread = thread::spawn(alone.scope().wrap(site));
        point.wait_until_paused(1).blocking().unwrap();
        assert_eq!(point.release_all(), 1);
        assert_eq!(thread.join().unwrap(), 0);
        drop((point, alone));
        FailScenario::setup().teardown();
        assert!(list_failpoints().iter().all(|point| !point.is_configured()));
    });
    // Here everything is as it was.
    assert_eq!((site(), waiters("fork-stands")), (1, 1));
    remove_all_failpoints();
    thread.join().unwrap();
}

/// A sleep, polled once: the thread that is to wake it is there.
fn asleep(name: &'static str, millis: u32) -> Pin<Box<dyn Future<Output = ()>>> {
    configure_failpoint(name, format!("sleep({millis})")).unwrap();
    let mut sleep = Box::pin(async move { assert_eq!(failpoint(name, None).await, Continue) });
    assert!(poll_once(sleep.as_mut()).is_pending());
    sleep
}

fn sleeps() {
    let _long = asleep("fork-long", 3_600_000);
    // Longer than it takes to get to the fork: what wakes it is not to be at work then.
    let short = asleep("fork-short", 300);
    thread_local! {
        static SHORT: std::cell::Cell<Option<Pin<Box<dyn Future<Output = ()>>>>> =
            const { std::cell::Cell::new(None) };
    }
    SHORT.set(Some(short));
    fork(|| {
        // One that began before, and one that begins here.
        block_on(SHORT.take().unwrap());
        configure_failpoint("fork-new", "sleep(20)").unwrap();
        assert_eq!(block_on(failpoint("fork-new", None)), Continue);
        // The deadline of a wait that is awaited, too.
        let late = wait_until_paused("fork-new", 1).within(Duration::from_millis(1));
        assert!(block_on(late).unwrap_err().is_timeout());
    });
    block_on(SHORT.take().unwrap());
    assert_eq!(block_on(failpoint("fork-short", None)), Continue);
}

/// The watch has an alarm already; in the child it is to say what hangs there. (Here it has nothing to
/// say: what it holds meanwhile would be held in the child for good.)
fn a_watch() {
    let thread = stands();
    fork(|| {
        set_wait_deadline(Duration::from_millis(300));
        configure_failpoint("fork-hangs", "pause").unwrap();
        let thread = thread::Builder::new().name("fork-thread".to_owned());
        let thread = thread.spawn(|| drop(hit("fork-hangs"))).unwrap();
        until_waiting("fork-hangs", 1);
        child::told_to_go_on();
        remove_all_failpoints();
        thread.join().unwrap();
    });
    remove_all_failpoints();
    thread.join().unwrap();
}

/// A hit takes no lock: whatever other threads hold when the process forks, it comes back.
fn hits_amid_changes() {
    let stop = Arc::new(AtomicBool::new(false));
    configure_failpoint("fork-site", "return(1)").unwrap();
    let changes = [(); 2].map(|()| {
        let stop = stop.clone();
        thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                configure_failpoint("fork-changes", "return(2)").unwrap();
                let _ = hit("fork-changes");
                remove_failpoint("fork-changes");
            }
        })
    });
    for _ in 0..100 {
        fork_amid(|| {
            assert_eq!((site(), hit("fork-site")), (1, value(1)));
            assert!([Continue, value(2)].contains(&hit("fork-changes")));
            assert_eq!(block_on(failpoint("fork-site", None)), value(1));
        });
    }
    stop.store(true, Ordering::Relaxed);
    changes
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
}

const CASES: &[(&str, fn())] = &[
    ("hits and calls", hits_and_calls),
    ("sleeps", sleeps),
    ("hits amid changes", hits_amid_changes),
    ("a watch", a_watch),
];

#[test]
fn a_child_of_a_fork_hits_sleeps_pauses_and_is_watched() {
    child::play(CASES);
    if child::role().is_some() {
        return;
    }
    let test = "fork::a_child_of_a_fork_hits_sleeps_pauses_and_is_watched";
    for (case, _) in &CASES[..3] {
        let output = child::run(test, case, &[]);
        assert!(output.status.success(), "{case}: {output:?}");
    }
    let deadline = [("FAILPOINTS_WAIT_DEADLINE", OsStr::new("1000s"))];
    within_deadline("a watch", move || {
        let mut running = child::start(test, "a watch", &deadline);
        running.until_it_says(&["fork-hangs", "fork-thread"]);
        running.end();
    });
}
