//! Proves that a test that panics while tasks and threads are paused ends, and fails with its own
//! message: whatever waits for the tasks when the runtime is dropped.

use std::io::Read;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

use tokio::task::spawn_blocking;

use crate::common::{DEADLINE, Runtime, child, hit, spawn_task};
use neon_failpoint::{arm, configure_failpoint, failpoint, isolate, wait_until_paused};

const NAME: &str = "scopes-panics";

/// Hits with all that a runtime has, and waits until all stand at the pause.
async fn all_pause() {
    drop(spawn_task(failpoint(NAME, None)));
    for _ in 0..3 {
        drop(spawn_blocking(|| {
            let _ = hit(NAME);
            // And once more, at another point.
            hit("scopes-panics-later")
        }));
    }
    wait_until_paused(NAME, 4).await.unwrap();
}

async fn fails_with_plain_points() {
    let _alone = isolate();
    configure_failpoint(NAME, "pause").unwrap();
    configure_failpoint("scopes-panics-later", "pause").unwrap();
    all_pause().await;
    panic!("the test itself fails");
}

async fn fails_with_guards() {
    let _alone = isolate();
    let _point = arm(NAME, "pause").unwrap().must_fire();
    let _later = arm("scopes-panics-later", "pause").unwrap().must_fire();
    all_pause().await;
    panic!("the test itself fails");
}

/// The runtime is dropped after the isolation.
fn attached_and_dropped_last() {
    let runtime = Runtime::MultiThread.build();
    let alone = isolate();
    let _attached = alone.scope().attach(runtime.handle());
    configure_failpoint(NAME, "pause").unwrap();
    configure_failpoint("scopes-panics-later", "pause").unwrap();
    runtime.block_on(all_pause());
    panic!("the test itself fails");
}

/// In the order of the example of `Scope::attach`: the runtime is dropped before the isolation.
fn attached_and_dropped_first() {
    let alone = isolate();
    let runtime = Runtime::MultiThread.build();
    let _attached = alone.scope().attach(runtime.handle());
    configure_failpoint(NAME, "pause").unwrap();
    configure_failpoint("scopes-panics-later", "pause").unwrap();
    runtime.block_on(all_pause());
    panic!("the test itself fails");
}

/// The same with guards, which are dropped before the runtime.
fn attached_with_guards() {
    let alone = isolate();
    let runtime = Runtime::MultiThread.build();
    let _attached = alone.scope().attach(runtime.handle());
    let _point = arm(NAME, "pause").unwrap();
    let _later = arm("scopes-panics-later", "pause").unwrap();
    runtime.block_on(all_pause());
    panic!("the test itself fails");
}

fn scoped_threads() {
    let alone = isolate();
    configure_failpoint(NAME, "pause").unwrap();
    thread::scope(|threads| {
        // Dropped while this closure unwinds, before the scope of threads joins them.
        let alone = alone;
        for _ in 0..3 {
            threads.spawn(alone.scope().wrap(|| hit(NAME)));
        }
        wait_until_paused(NAME, 3).blocking().unwrap();
        panic!("the test itself fails");
    });
}

const ROLES: [(&str, fn()); 8] = [
    ("plain points, one thread", || {
        Runtime::CurrentThread
            .build()
            .block_on(fails_with_plain_points());
    }),
    ("plain points, several threads", || {
        Runtime::MultiThread
            .build()
            .block_on(fails_with_plain_points());
    }),
    ("guards, one thread", || {
        Runtime::CurrentThread.build().block_on(fails_with_guards());
    }),
    ("guards, several threads", || {
        Runtime::MultiThread.build().block_on(fails_with_guards());
    }),
    ("attached, dropped last", attached_and_dropped_last),
    ("attached, dropped first", attached_and_dropped_first),
    ("attached, with guards", attached_with_guards),
    ("scoped threads", scoped_threads),
];

/// Runs a role in a child, which is ended if it does not end. Returns what it printed, if it did.
fn ends(role: &str) -> Option<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["panics::played_by_children", "--exact", "--nocapture"])
        .env("NEON_FAILPOINT_TEST_ROLE", role)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipes = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let read = thread::spawn(move || {
        let (mut out, mut err) = (String::new(), String::new());
        pipes.0.read_to_string(&mut out).unwrap();
        pipes.1.read_to_string(&mut err).unwrap();
        out + &err
    });
    let deadline = Instant::now() + DEADLINE;
    loop {
        if child.try_wait().unwrap().is_some() {
            return Some(read.join().unwrap());
        }
        if Instant::now() > deadline {
            child.kill().unwrap();
            child.wait().unwrap();
            return None;
        }
        thread::yield_now();
    }
}

/// In a child: plays its role, on the thread of the test.
#[test]
fn played_by_children() {
    let role = child::role();
    let role = ROLES
        .iter()
        .find(|(name, _)| Some(*name) == role.as_deref());
    if let Some((_, play)) = role {
        play();
    }
}

#[track_caller]
fn assert_ends(roles: &[&str]) {
    for role in roles {
        assert!(ROLES.iter().any(|(name, _)| name == role));
        let Some(printed) = ends(role) else {
            panic!("it hangs: {role}");
        };
        assert!(
            printed.contains("the test itself fails"),
            "{role}: {printed}"
        );
        assert!(printed.contains("1 failed"), "{role}: {printed}");
        assert!(!printed.contains("aborting"), "{role}: {printed}");
    }
}

#[test]
fn a_test_on_a_runtime_that_panics_with_tasks_and_blocking_threads_paused_ends() {
    assert_ends(&[
        "plain points, one thread",
        "plain points, several threads",
        "guards, one thread",
        "guards, several threads",
    ]);
}

#[test]
fn a_test_with_a_runtime_of_its_own_that_panics_ends() {
    assert_ends(&["attached, dropped last", "attached, with guards"]);
}

#[test]
fn a_test_whose_runtime_is_dropped_before_the_isolation_ends_too() {
    assert_ends(&["attached, dropped first"]);
}

#[test]
fn a_test_with_threads_of_its_own_that_panics_ends() {
    assert_ends(&["scoped threads"]);
}
