//! What stands at a `pause` for longer than the wait deadline is said, once, on standard error. Each case
//! is a child, which hangs until its parent has read that.

use std::ffi::OsStr;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::common::{child, until};
use neon_failpoint::{
    arm, compat, configure_failpoint, fail_point_sync, isolate, release_failpoint,
    remove_all_failpoints, remove_failpoint, set_wait_deadline, wait_until_paused,
};

/// A thread of that name that hits a point, which was configured before.
fn thread(name: &str, hit: fn()) -> JoinHandle<()> {
    let named = thread::Builder::new().name(name.to_owned());
    named.spawn(hit).unwrap()
}

/// Configures `name`, and has a thread paused there.
fn paused(name: &'static str, hit: fn()) -> JoinHandle<()> {
    configure_failpoint(name, "pause").unwrap();
    let thread = thread("hangs-thread", hit);
    wait_until_paused(name, 1)
        .within(Duration::from_secs(60))
        .blocking()
        .unwrap();
    thread
}

/// The line of the site below.
const SITE: u32 = line!() + 3;

fn site() {
    fail_point_sync!("hangs-site");
}

fn last() {
    fail_point_sync!("hangs-last");
}

/// The threads of the library, of which each has a name.
#[cfg(target_os = "linux")]
fn threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let name = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("comm"));
    let names = tasks.filter_map(|task| name(task.unwrap()).ok());
    names
        .filter(|name| name.starts_with("neon_failpoint"))
        .count()
}

const CASES: &[(&str, fn())] = &[
    ("a thread", || {
        let guard = arm("hangs-site", "pause").unwrap();
        let thread = thread("hangs-thread", site);
        child::told_to_go_on();
        assert_eq!(guard.release_one(), 1);
        thread.join().unwrap();
    }),
    ("a thread without a name", || {
        configure_failpoint("hangs-site", "pause").unwrap();
        let thread = thread::spawn(site);
        child::told_to_go_on();
        remove_failpoint("hangs-site");
        thread.join().unwrap();
    }),
    ("a thread in a scope", || {
        let alone = isolate();
        let _point = arm("hangs-site", "pause").unwrap();
        let thread = thread::spawn(alone.scope().wrap(site));
        child::told_to_go_on();
        drop(alone);
        thread.join().unwrap();
    }),
    ("by FAILPOINTS", || {
        let thread = thread("hangs-thread", site);
        child::told_to_go_on();
        remove_all_failpoints();
        thread.join().unwrap();
    }),
    ("compat", || {
        compat::cfg("hangs-compat", "pause").unwrap();
        let thread = thread("hangs-thread", || compat::fail_point!("hangs-compat"));
        child::told_to_go_on();
        compat::remove("hangs-compat");
        thread.join().unwrap();
    }),
    // The first is released, and the last is said after the time that the first had.
    ("released in time", || {
        let first = paused("hangs-site", site);
        assert_eq!(release_failpoint("hangs-site", 1).unwrap(), 1);
        first.join().unwrap();
        let last = paused("hangs-last", last);
        child::told_to_go_on();
        remove_all_failpoints();
        last.join().unwrap();
    }),
    ("a sleep", || {
        configure_failpoint("hangs-site", "sleep(3600000)").unwrap();
        let first = thread("hangs-thread", site);
        wait_until_paused("hangs-site", 1)
            .within(Duration::from_secs(60))
            .blocking()
            .unwrap();
        let last = paused("hangs-last", last);
        child::told_to_go_on();
        remove_all_failpoints();
        first.join().unwrap();
        last.join().unwrap();
    }),
    ("one after the other", || {
        let first = paused("hangs-site", site);
        child::told_to_go_on();
        let second = thread("hangs-second", site);
        child::told_to_go_on();
        let last = paused("hangs-last", last);
        child::told_to_go_on();
        remove_all_failpoints();
        for thread in [first, second, last] {
            thread.join().unwrap();
        }
    }),
    ("many", || {
        // None is overdue before all have come.
        set_wait_deadline(Duration::from_secs(3_600));
        configure_failpoint("hangs-site", "pause").unwrap();
        let threads: Vec<_> = (0..40).map(|_| thread::spawn(site)).collect();
        wait_until_paused("hangs-site", 40).blocking().unwrap();
        set_wait_deadline(Duration::from_millis(1));
        child::told_to_go_on();
        remove_all_failpoints();
        for thread in threads {
            thread.join().unwrap();
        }
    }),
    ("ended by a call", || {
        set_wait_deadline(Duration::MAX);
        let first = paused("hangs-site", site);
        // No thread looks at it.
        #[cfg(target_os = "linux")]
        assert_eq!(threads(), 0);
        // Whoever waits then is said when it is wanted again.
        set_wait_deadline(Duration::from_millis(1));
        child::told_to_go_on();
        remove_all_failpoints();
        first.join().unwrap();
    }),
    ("ended by the environment", || {
        let first = paused("hangs-site", site);
        #[cfg(target_os = "linux")]
        assert_eq!(threads(), 0);
        child::told_to_go_on();
        remove_all_failpoints();
        first.join().unwrap();
    }),
    #[cfg(target_os = "linux")]
    ("threads", || {
        fail_point_sync!("hangs-other");
        configure_failpoint("hangs-site", "off").unwrap();
        site();
        assert_eq!(threads(), 0);
        let first = paused("hangs-site", site);
        until("a thread looks", || threads() == 1);
        // None is left once nothing waits,
        remove_all_failpoints();
        first.join().unwrap();
        until("no thread is left", || threads() == 0);
        // nor once all is said of what waits.
        set_wait_deadline(Duration::from_millis(1));
        let first = paused("hangs-site", site);
        until("no thread is left", || threads() == 0);
        child::told_to_go_on();
        remove_all_failpoints();
        first.join().unwrap();
    }),
    // There is no call site to know the place.
    #[cfg(feature = "async")]
    ("tasks, by a name made at run time", || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        configure_failpoint("hangs-run-time", "pause").unwrap();
        let name = "hangs-run-time";
        let token = tokio_util::sync::CancellationToken::new();
        runtime.block_on(async {
            let hits = async {
                tokio::join!(
                    async { drop(neon_failpoint::failpoint(name, None).await) },
                    async {
                        let hit = neon_failpoint::failpoint_with_cancellation(name, None, &token);
                        drop(hit.await);
                    },
                    async { neon_failpoint::fail_point!(name) },
                )
            };
            thread::spawn(|| {
                child::told_to_go_on();
                remove_all_failpoints();
            });
            hits.await;
        });
    }),
    ("a wrong deadline", || {
        let _ = neon_failpoint::failpoint_blocking("hangs-other", None);
    }),
];

const TEST: &str = "hangs::what_waits_for_too_long_is_said_once_and_what_lets_it_go";

fn start(role: &str, deadline: &str) -> child::Running {
    let variables = [("FAILPOINTS_WAIT_DEADLINE", OsStr::new(deadline))];
    child::start(TEST, role, &variables)
}

fn lines_with<'l>(lines: &'l [String], part: &str) -> Vec<&'l String> {
    lines.iter().filter(|line| line.contains(part)).collect()
}

const PAUSED: &str = "neon_failpoint: paused at failpoint";

#[test]
fn what_waits_for_too_long_is_said_once_and_what_lets_it_go() {
    child::play(CASES);
    if child::role().is_some() {
        return;
    }
    let place = format!("\"hangs-site\", {}:{SITE}:", file!());
    let mut child = start("a thread", "20");
    child.until_it_says(&[
        PAUSED,
        &place,
        ": thread \"hangs-thread\" for 0.",
        &format!("the point was armed at {}:", file!()),
        "`release_one()` of that guard, or its end; `release_failpoint(\"hangs-site\", 1)`, or that \
         the point is removed or reconfigured",
    ]);
    child.until_it_says(&["set_wait_deadline", "FAILPOINTS_WAIT_DEADLINE"]);
    assert_eq!(lines_with(&child.end(), PAUSED).len(), 1);

    let mut child = start("a thread without a name", "20ms");
    child.until_it_says(&[
        &place,
        "a thread without a name, ThreadId(",
        &format!("the point was configured at {}:", file!()),
    ]);
    let lines = child.end();
    let [line] = lines_with(&lines, PAUSED)[..] else {
        panic!("{lines:#?}");
    };
    assert!(!line.contains("guard") && !line.contains("scope"), "{line}");

    let mut child = start("a thread in a scope", "20");
    child.until_it_says(&[&place, "reconfigured, in its scope"]);
    child.end();

    let variables = [
        ("FAILPOINTS_WAIT_DEADLINE", OsStr::new("20")),
        ("FAILPOINTS", OsStr::new("hangs-site=pause")),
    ];
    let mut child = child::start(TEST, "by FAILPOINTS", &variables);
    child.until_it_says(&[&place, "the point was configured by FAILPOINTS"]);
    child.end();

    #[cfg(feature = "async")]
    {
        let mut child = start("tasks, by a name made at run time", "20");
        let here = format!("\"hangs-run-time\", {}:", file!());
        for _ in 0..3 {
            child.until_it_says(&[PAUSED, &here, ": a task for 0."]);
        }
        child.end();
    }

    let mut child = start("compat", "20");
    child.until_it_says(&[PAUSED, "\"hangs-compat\"", file!(), "\"hangs-thread\""]);
    child.end();

    for role in ["released in time", "a sleep"] {
        let mut child = start(role, "1s");
        child.until_it_says(&[PAUSED, "\"hangs-last\""]);
        let lines = child.end();
        assert_eq!(lines_with(&lines, PAUSED).len(), 1, "{role}: {lines:#?}");
    }

    let mut child = start("one after the other", "20");
    for thread in [
        "thread \"hangs-thread\"",
        "thread \"hangs-second\"",
        "hangs-last",
    ] {
        child.until_it_says(&[PAUSED, thread]);
        if thread != "hangs-last" {
            child.tell_to_go_on();
        }
    }
    let lines = child.end();
    assert_eq!(lines_with(&lines, PAUSED).len(), 3, "{lines:#?}");

    let mut child = start("many", "20");
    child.until_it_says(&["\"hangs-site\": 35 more for over 1ms"]);
    let lines = child.end();
    assert_eq!(lines_with(&lines, PAUSED).len(), 6, "{lines:#?}");

    let mut child = start("ended by a call", "20");
    child.until_it_says(&[PAUSED, &place]);
    assert_eq!(lines_with(&child.end(), PAUSED).len(), 1);

    for deadline in ["off", "0"] {
        let lines = start("ended by the environment", deadline).end();
        assert!(lines_with(&lines, PAUSED).is_empty(), "{lines:#?}");
    }

    if cfg!(target_os = "linux") {
        let mut child = start("threads", "60min");
        child.until_it_says(&[PAUSED, &place]);
        child.end();
    }
}

#[test]
fn a_deadline_that_is_no_time_ends_the_process() {
    let deadline = [("FAILPOINTS_WAIT_DEADLINE", OsStr::new("soon"))];
    let output = child::run(TEST, "a wrong deadline", &deadline);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    let says = "FAILPOINTS_WAIT_DEADLINE is \"soon\"; expected a time such as 10s, 500ms or 2min";
    assert!(stderr.contains(says), "{stderr}");
}

/// Tasks.
#[cfg(feature = "async")]
mod in_async_code {
    use super::*;
    use neon_failpoint::{fail_point, failpoint_with_cancellation};
    use tokio_util::sync::CancellationToken;

    fn runtime() -> tokio::runtime::Runtime {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_time().build().unwrap()
    }

    /// Removes everything once the parent says so: the runtime's thread may hang.
    fn ended_by_the_parent() -> JoinHandle<()> {
        thread::spawn(|| {
            child::told_to_go_on();
            remove_all_failpoints();
        })
    }

    const CASES: &[(&str, fn())] = &[
        ("a task", || {
            let ended = ended_by_the_parent();
            runtime().block_on(async {
                let _point = arm("hangs-task", "pause").unwrap();
                let task = async { fail_point!("hangs-task") };
                tokio::spawn(task).await.unwrap();
            });
            ended.join().unwrap();
        }),
        ("a paused clock", || {
            let ended = ended_by_the_parent();
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            runtime.enable_time().start_paused(true);
            runtime.build().unwrap().block_on(async {
                configure_failpoint("hangs-task", "pause").unwrap();
                fail_point!("hangs-task");
            });
            ended.join().unwrap();
        }),
        ("a token", || {
            let ended = ended_by_the_parent();
            runtime().block_on(async {
                configure_failpoint("hangs-token", "pause").unwrap();
                let cancel = CancellationToken::new();
                let _ = failpoint_with_cancellation("hangs-token", None, &cancel).await;
            });
            ended.join().unwrap();
        }),
        ("a blocked task", || {
            let ended = ended_by_the_parent();
            runtime().block_on(async {
                configure_failpoint("hangs-site", "pause").unwrap();
                tokio::spawn(async { site() }).await.unwrap();
            });
            ended.join().unwrap();
        }),
        ("a dropped task", || {
            runtime().block_on(async {
                configure_failpoint("hangs-task", "pause").unwrap();
                let task = tokio::spawn(async { fail_point!("hangs-task") });
                wait_until_paused("hangs-task", 1)
                    .within(Duration::from_secs(60))
                    .await
                    .unwrap();
                task.abort();
                assert!(task.await.is_err());
            });
            let last = paused("hangs-last", last);
            child::told_to_go_on();
            remove_all_failpoints();
            last.join().unwrap();
        }),
    ];

    const TEST: &str = "hangs::in_async_code::tasks_that_wait_for_too_long_are_said_too";

    #[test]
    fn tasks_that_wait_for_too_long_are_said_too() {
        child::play(CASES);
        if child::role().is_some() {
            return;
        }
        let start = |role, deadline| {
            let deadline = [("FAILPOINTS_WAIT_DEADLINE", OsStr::new(deadline))];
            child::start(TEST, role, &deadline)
        };
        for (role, parts) in [
            (
                "a task",
                &["\"hangs-task\"", file!(), "a task for", "was armed at"][..],
            ),
            ("a paused clock", &["\"hangs-task\"", "a task for"]),
            (
                "a token",
                &["\"hangs-token\"", file!(), "or that its token is cancelled"],
            ),
            (
                "a blocked task",
                &["\"hangs-site\"", "thread", "needs a macro that awaits"],
            ),
        ] {
            let mut child = start(role, "20");
            child.until_it_says(&[&[PAUSED], parts].concat());
            let lines = child.end();
            assert_eq!(lines_with(&lines, PAUSED).len(), 1, "{role}: {lines:#?}");
            let warned = lines_with(&lines, "blocks a task of tokio").len();
            assert_eq!(warned, usize::from(role == "a blocked task"), "{lines:#?}");
        }
        let mut child = start("a dropped task", "1s");
        child.until_it_says(&[PAUSED, "\"hangs-last\""]);
        let lines = child.end();
        assert_eq!(lines_with(&lines, PAUSED).len(), 1, "{lines:#?}");
    }
}
