//! The warning for a call site of `compat` that blocks a thread of tokio, which has other
//! tasks to run: once for each site, with its place, and nowhere else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::common::events::{events, listen, with_listener};
use crate::common::{Runtime, on_both_runtimes, until_waiting_async};
use neon_failpoint::compat::{self, FailScenario, async_fail_point, cfg, fail_point, remove};
use neon_failpoint::{fail_point_sync, failpoint_blocking};

/// What is said of a site.
fn warning(line: u32, name: &str, action: &str) -> String {
    format!(
        "WARN neon_failpoint: {}:{line}: failpoint {name:?} blocks a task of tokio, and its thread \
         with all other tasks ({action}); use `async_fail_point!` there, which awaits",
        file!()
    )
}

/// Runs `f` in a task and returns what is said meanwhile.
async fn in_a_task(f: impl FnOnce() + Send + 'static) -> Vec<String> {
    listen();
    tokio::spawn(async { events(f).1 }).await.unwrap()
}

#[test]
fn each_site_that_blocks_is_warned_of_once() {
    let _scenario = FailScenario::setup();
    Runtime::MultiThread.run("blocking sites", || async {
        fn first() {
            fail_point!("blocks-once");
        }
        const FIRST: u32 = line!() - 2;
        fn second() -> u32 {
            fail_point!("blocks-once", |_| 1);
            fail_point!("blocks-once", true, |_| 2);
            0
        }
        const SECOND: u32 = line!() - 4;
        let name = "blocks-once";

        // Idle, and with what blocks nobody.
        for actions in [
            "off",
            "print",
            "return",
            "yield",
            "delay(10)",
            "0%pause",
            "0*pause",
        ] {
            cfg(name, actions).unwrap();
            let said = in_a_task(|| assert_ne!(second(), 9)).await;
            assert_eq!(said, [""; 0], "{actions}");
        }
        cfg(name, "sleep(1)").unwrap();
        assert_eq!(in_a_task(first).await, [warning(FIRST, name, "sleep")]);
        assert_eq!(in_a_task(first).await, [""; 0]);
        assert_eq!(
            in_a_task(|| assert_ne!(second(), 9)).await,
            [
                warning(SECOND, name, "sleep"),
                warning(SECOND + 1, name, "sleep")
            ]
        );
        cfg(name, "delay(11)").unwrap();
        assert_eq!(in_a_task(|| assert_ne!(second(), 9)).await, [""; 0]);
        remove(name);
    });
}

#[test]
fn a_delay_counts_from_ten_milliseconds_up() {
    let _scenario = FailScenario::setup();
    Runtime::MultiThread.run("a long delay", || async {
        fn site() {
            fail_point!("blocks-delay");
        }
        cfg("blocks-delay", "delay(10)").unwrap();
        assert_eq!(in_a_task(site).await, [""; 0]);
        cfg("blocks-delay", "delay(11)").unwrap();
        let expected = warning(line!() - 5, "blocks-delay", "delay");
        assert_eq!(in_a_task(site).await, [expected]);
        remove("blocks-delay");
    });
}

#[test]
fn a_pause_is_warned_of_before_it_blocks() {
    let _scenario = FailScenario::setup();
    Runtime::MultiThread.run("a pause", || async {
        listen();
        cfg("blocks-pause", "pause").unwrap();
        // Otherwise nobody would learn why the program hangs.
        let said = Arc::new(AtomicBool::new(false));
        let seen = said.clone();
        let task = tokio::spawn(async {
            with_listener(
                move |_| seen.store(true, Ordering::SeqCst),
                || fail_point!("blocks-pause"),
            );
        });
        until_waiting_async("blocks-pause", 1).await;
        assert!(said.load(Ordering::SeqCst));
        remove("blocks-pause");
        task.await.unwrap();
    });
}

#[test]
fn run_time_names_have_the_place_of_their_call() {
    let _scenario = FailScenario::setup();
    on_both_runtimes("run-time names", |_| async {
        let name = String::from("blocks-by-name");
        cfg(name.as_str(), "sleep(1)").unwrap();
        // Once on each runtime would be twice: a site is one place, whoever comes there.
        static SAID: std::sync::Mutex<Vec<String>> = std::sync::Mutex::new(Vec::new());
        let for_task = name.clone();
        let said = in_a_task(move || {
            fail_point!(for_task.as_str());
            compat::eval(&for_task, |_| ());
        })
        .await;
        let line = line!() - 4;
        let mut all = SAID.lock().unwrap();
        all.extend(said);
        assert_eq!(
            *all,
            [
                warning(line, &name, "sleep"),
                warning(line + 1, &name, "sleep")
            ]
        );
        remove(&name);
    });
}

#[test]
fn threads_that_may_block_are_not_warned_of() {
    let _scenario = FailScenario::setup();
    Runtime::MultiThread.run("threads that may block", || async {
        listen();
        fn sites() {
            fail_point!("blocks-allowed");
            compat::eval("blocks-allowed", |_| ());
        }
        cfg("blocks-allowed", "sleep(1)").unwrap();
        let on_pool = tokio::task::spawn_blocking(|| events(sites).1);
        assert_eq!(on_pool.await.unwrap(), [""; 0]);
        let in_place = tokio::spawn(async { tokio::task::block_in_place(|| events(sites).1) });
        assert_eq!(in_place.await.unwrap(), [""; 0]);
        let thread = std::thread::spawn(|| events(sites).1);
        assert_eq!(thread.join().unwrap(), [""; 0]);
        let entered = tokio::runtime::Handle::current();
        let thread = std::thread::spawn(move || {
            let _entered = entered.enter();
            events(sites).1
        });
        assert_eq!(thread.join().unwrap(), [""; 0]);
        // The same sites, where they must not.
        assert_eq!(in_a_task(sites).await.len(), 2);
        remove("blocks-allowed");
    });
}

#[test]
fn native_sites_that_block_are_warned_of_too() {
    let _scenario = FailScenario::setup();
    Runtime::MultiThread.run("native sites that block", || async {
        fn native() {
            fail_point_sync!("blocks-native");
        }
        let by_name = || drop(failpoint_blocking("blocks-native", None));
        let line = line!() - 3;
        let expected = |line: u32| {
            let compat = warning(line, "blocks-native", "pause");
            compat.replace("`async_fail_point!`", "`fail_point!`")
        };
        cfg("blocks-native", "sleep(1)").unwrap();
        let on_pool = tokio::task::spawn_blocking(move || events(native).1);
        assert_eq!(on_pool.await.unwrap(), [""; 0]);
        assert_eq!(
            in_a_task(native).await,
            [expected(line).replace("pause", "sleep")]
        );
        assert_eq!(in_a_task(native).await, [""; 0]);
        cfg("blocks-native", "pause").unwrap();
        let task = tokio::spawn(in_a_task(by_name));
        until_waiting_async("blocks-native", 1).await;
        remove("blocks-native");
        assert_eq!(task.await.unwrap(), [expected(line + 2)]);
    });
}

#[test]
fn sites_that_await_are_not_warned_of() {
    let _scenario = FailScenario::setup();
    Runtime::MultiThread.run("a site that awaits", || async {
        listen();
        cfg("blocks-awaits", "sleep(1)").unwrap();
        let mut hit = Box::pin(async { async_fail_point!("blocks-awaits") });
        let (poll, said) = events(|| crate::common::poll_once(hit.as_mut()));
        assert!(poll.is_pending());
        assert_eq!(said, [""; 0]);
        remove("blocks-awaits");
    });
}

#[test]
fn the_task_goes_on_as_before() {
    let _scenario = FailScenario::setup();
    // To ask costs the task its budget: it yields, and gets a new one.
    Runtime::CurrentThread.run("a task that was warned of", || async {
        cfg("blocks-budget", "sleep(1)").unwrap();
        let (sender, mut receiver) = tokio::sync::mpsc::channel(8);
        fail_point!("blocks-budget");
        for i in 0..8 {
            sender.send(i).await.unwrap();
        }
        for i in 0..8 {
            assert_eq!(receiver.recv().await, Some(i));
        }
        remove("blocks-budget");
    });
}
