//! The examples do what they say: each is run as a process of its own, and its exit
//! status and output are checked.
//!
//! `cargo test` builds the examples; `cargo test --test examples` alone does not.
//!
//! Alone because it takes in an example whole, with the test that shows how one looks.
#![cfg(all(feature = "testing", feature = "async", feature = "context"))]

use std::env::consts::EXE_SUFFIX;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

// Its own test runs here, too.
#[allow(dead_code)]
#[path = "../examples/double_commit.rs"]
mod double_commit;

/// How long an example may take on a busy machine. Each needs well under ten seconds.
const DEADLINE: Duration = Duration::from_secs(120);

#[derive(Debug)]
struct Ended {
    status: ExitStatus,
    stdout: String,
    stderr: String,
    /// What the process left in its folder for temporary files.
    left: Vec<PathBuf>,
}

impl Ended {
    /// The output has these lines in this order, among others.
    #[track_caller]
    fn says(&self, lines: &[&str]) {
        let mut output = self.stdout.lines();
        for line in lines {
            let found = output.any(|l| l.trim() == *line);
            assert!(found, "no line {line:?} where it should be: {self:#?}");
        }
    }
}

/// Runs an example with FAILPOINTS set to `failpoints`, or unset.
fn run(example: &str, failpoints: Option<&str>) -> Ended {
    let temp = Temp::new();
    let mut command = Command::new(path_of(example));
    command
        .env_remove("FAILPOINTS")
        .env_remove("FAILPOINTS_SEED")
        .env_remove("RUST_BACKTRACE")
        // Another package of a build may switch on the colours of tracing-subscriber.
        .env("NO_COLOR", "1");
    // What `std::env::temp_dir` reads on Unix, and on Windows.
    for variable in ["TMPDIR", "TMP", "TEMP"] {
        command.env(variable, &temp.0);
    }
    if let Some(failpoints) = failpoints {
        command.env("FAILPOINTS", failpoints);
    }
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = gather(child.stdout.take().unwrap());
    let stderr = gather(child.stderr.take().unwrap());

    // The pipes end when the process does: there is nothing to poll.
    let ended = [&stdout, &stderr].map(|pipe| pipe.recv_timeout(DEADLINE));
    let [Ok(stdout), Ok(stderr)] = ended else {
        child.kill().unwrap();
        panic!("{example} did not end in {DEADLINE:?}: {ended:?}");
    };
    let status = child.wait().unwrap();
    Ended {
        status,
        stdout,
        stderr,
        left: temp.entries(),
    }
}

/// `<target>/debug/deps/this_test` is beside `<target>/debug/examples/`.
fn path_of(example: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().and_then(Path::parent).unwrap();
    let file = format!("{example}{EXE_SUFFIX}");
    let path = profile.join("examples").join(file);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let source = root.join("examples").join(format!("{example}.rs"));
    let modified = |path: &Path| std::fs::metadata(path).and_then(|m| m.modified());
    let built = modified(&path);
    assert!(
        built.is_ok_and(|built| built >= modified(&source).unwrap()),
        "{} is missing or older than its source; `cargo test` without `--test` builds it, \
         and so does `cargo build --examples --features testing`",
        path.display()
    );
    path
}

/// Reads in a thread, so that a full pipe never stops the child.
fn gather(mut pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).unwrap();
        // Nobody listens any more where the deadline was exceeded.
        let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    receiver
}

/// A folder for the temporary files of one process.
struct Temp(PathBuf);

impl Temp {
    fn new() -> Self {
        let mut number = 0;
        loop {
            let name = format!("examples-{}-{number}", std::process::id());
            let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
            // It fails where another test has taken the number.
            match std::fs::create_dir(&path) {
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
                result => break result.map(|()| Self(path)).unwrap(),
            }
        }
    }

    fn entries(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(&self.0).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn context_demo_keeps_every_promise() {
    let demo = run("context_demo", None);
    assert!(demo.status.success(), "{demo:#?}");
    let all_complete = "acme: complete, globex: complete, test_1: complete, test_2: complete";
    demo.says(&[
        "1. backup-copy fails for the tenants that match test_.*",
        "acme: complete, globex: complete, test_1: disk full, test_2: disk full",
        "2. backup-copy holds one task at one file",
        r#"waiting there: file="ledger.db", tenant="acme""#,
        "there is ledger.db.partial, and no ledger.db",
        "reconfigured:",
        all_complete,
        "3. backup-throttle lets all tasks sleep for an hour",
        all_complete,
        "4. backup-before-rename holds all tasks, and globex is cancelled",
        "globex: cancelled",
        "3 tasks still wait; now the failpoint is removed:",
        "acme: complete, test_1: complete, test_2: complete",
        "5. No failpoint is armed; all copies are compared byte by byte",
        all_complete,
    ]);
    assert!(
        demo.stdout.contains("removed, and all over after "),
        "{demo:#?}"
    );
    assert!(demo.stdout.lines().count() <= 25, "{demo:#?}");
    // What the macros say that sleep and pause.
    let log = |line: &str| demo.stderr.lines().filter(|l| l.trim() == line).count();
    let sleep = "INFO neon_failpoint: failpoint \"backup-throttle\": sleep";
    assert_eq!(log(&format!("{sleep}ing for 3600s")), 4, "{demo:#?}");
    assert_eq!(log(&format!("{sleep} done")), 4, "{demo:#?}");
    let at = "INFO neon_failpoint: at failpoint backup-before-rename";
    assert_eq!(log(at), 4, "{demo:#?}");
    assert_eq!(demo.stderr.lines().count(), 12, "{demo:#?}");
    assert!(demo.left.is_empty(), "{demo:#?}");
}

#[test]
fn context_demo_does_what_failpoints_says() {
    let demo = run(
        "context_demo",
        Some("backup-copy=when(tenant=acme)return(disk full)"),
    );
    assert!(demo.status.success(), "{demo:#?}");
    demo.says(&[
        r#"FAILPOINTS: backup-copy = when(tenant="acme")return(disk full)"#,
        "acme: disk full; the copy is not complete",
        "globex: complete; the copy is identical",
        "test_1: complete; the copy is identical",
        "test_2: complete; the copy is identical",
        "backup-copy: 7 hits, acted on 1",
        "Failpoints here: backup-throttle, backup-before-rename,",
        "backup-copy (with the context keys tenant and file)",
    ]);
    assert!(demo.left.is_empty(), "{demo:#?}");
}

#[test]
fn context_demo_lets_go_what_failpoints_holds() {
    let demo = run("context_demo", Some("backup-before-rename=1*pause"));
    assert!(demo.status.success(), "{demo:#?}");
    demo.says(&[
        "backup-before-rename: removed, it held a task for 5s",
        "test_2: complete; the copy is identical",
    ]);
    assert!(demo.left.is_empty(), "{demo:#?}");
}

#[test]
fn context_demo_reports_a_task_that_panics() {
    let demo = run("context_demo", Some("backup-copy=1*panic(head crash)"));
    assert!(demo.status.success(), "{demo:#?}");
    let reports = demo.stdout.lines().filter(|l| l.contains("head crash"));
    // One is the configuration.
    assert_eq!(reports.count(), 2, "{demo:#?}");
    assert!(demo.left.is_empty(), "{demo:#?}");
}

#[test]
fn context_demo_refuses_a_bad_failpoints() {
    let demo = run("context_demo", Some("backup-copy=retrun(disk full)"));
    assert_eq!(demo.status.code(), Some(1), "{demo:#?}");
    assert_eq!(demo.stdout, "");
    for part in [
        "context_demo: FAILPOINTS, entry 1",
        r#"failpoint "backup-copy""#,
        r#"unknown action "retrun""#,
        r#"did you mean "return"?"#,
    ] {
        assert!(demo.stderr.contains(part), "no {part:?}: {demo:#?}");
    }
    assert_eq!(demo.stderr.lines().count(), 1, "{demo:#?}");
    assert!(demo.left.is_empty(), "{demo:#?}");
}

#[test]
fn dynamic_reconfiguration_goes_through_all_its_stages() {
    let demo = run("dynamic_reconfiguration", None);
    assert!(demo.status.success(), "{demo:#?}");
    let expected = "\
pause, armed before the worker starts
   here: pause, 1 task waits, no tick is written
sleep for an hour: round 1 goes on, round 2 sleeps
   worker: round 1, tick
return three times, then pause: round 2 wakes up and goes on
   worker: round 2, tick
   worker: round 3, no tick: not now
   worker: round 4, no tick: not now
   worker: round 5, no tick: not now
removed: round 6 goes on, and nothing is in the way any more
   worker: round 6, tick
   worker: round 7, tick
   worker: round 8, tick
5 ticks in 8 rounds
";
    assert_eq!(demo.stdout, expected, "{demo:#?}");
    assert_eq!(demo.stderr, "");
}

#[test]
fn double_commit_shows_the_race_and_the_fix() {
    let demo = run("double_commit", None);
    assert!(demo.status.success(), "{demo:#?}");
    let expected = "\
look, write, take:
   the first stands at careless-commit-before-log
   the second wrote, the log is [7]
   the first wrote, the log is [7, 7]
look and take, write:
   the first stands at commit-before-log
   the second found nothing, the log is []
   the first wrote, the log is [7]
";
    assert_eq!(demo.stdout, expected, "{demo:#?}");
    assert_eq!(demo.stderr, "");
}

/// A table without its rules, with one space between its columns, and without the numbers that
/// a change to the example, or a slow machine, changes.
fn plain(table: &str) -> Vec<String> {
    let word = |word: &str| {
        let is_time = word.parse::<f64>().is_ok() && word.contains('.');
        match word.split_once("inventory.rs:") {
            Some(_) => "SITE".to_owned(),
            None if is_time => "TIME".to_owned(),
            None => word.to_owned(),
        }
    };
    let lines = table
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('-'));
    let words = lines.map(|line| line.split_whitespace().map(word));
    words
        .map(|line| line.collect::<Vec<_>>().join(" "))
        .collect()
}

#[test]
fn inventory_prints_what_there_is() {
    let demo = run("inventory", None);
    assert!(demo.status.success(), "{demo:#?}");
    let expected = r#"
Before anything is armed:
failpoint call sites kind actions matchers hits/fired total
cache-lookup SITE awaits
flush-before-sync SITE blocks
upload SITE awaits
SITE awaits
Somebody stands at three of them:
failpoint call sites kind actions matchers hits/fired total
cache-lookup SITE awaits
flush-before-sync SITE blocks 1*off->pause 2/2 2/2
waiting: a thread for TIME s
flush-shard-3 sleep(3600000) 1/1 1/1
waiting: a task for TIME s
upload SITE awaits when(tenant="acme|globex")pause tenant=acme|globex 3/2 3/2
SITE awaits
waiting: a task for TIME s with tenant="acme"
waiting: a task for TIME s with tenant="globex"
All but acme were released:
failpoint call sites kind actions matchers hits/fired total
cache-lookup SITE awaits
flush-before-sync SITE blocks off 1/1 3/3
flush-shard-3 sleep(3600000) 1/1 1/1
upload SITE awaits when(tenant="acme|globex")pause tenant=acme|globex 3/2 3/2
SITE awaits
waiting: a task for TIME s with tenant="acme"
Guards dropped; armed: false
"#;
    assert_eq!(plain(&demo.stdout).join("\n"), expected.trim(), "{demo:#?}");
    assert_eq!(demo.stderr, "");
}

#[test]
fn inventory_has_what_failpoints_says() {
    let demo = run("inventory", Some("cache-lookup=3*off"));
    assert!(demo.status.success(), "{demo:#?}");
    let lines = plain(&demo.stdout);
    let lookup = lines.iter().find(|line| line.starts_with("cache-lookup"));
    assert_eq!(lookup.unwrap(), "cache-lookup SITE awaits 3*off 0/0 0/0");
    assert!(lines.contains(&"Guards dropped; armed: true".to_owned()));
}

#[cfg(feature = "explore")]
#[test]
fn explore_kv_finds_its_two_bugs_and_none_once_they_are_fixed() {
    let ended = run("explore_kv", None);
    assert!(ended.status.success(), "{ended:#?}");
    assert!(
        ended.stdout.contains("recovered Some(\"bef\")"),
        "{ended:#?}"
    );
    assert!(ended.stdout.contains("a put is lost"), "{ended:#?}");
    ended.says(&[
        "with its bugs:",
        "fixed:",
        "crashes: 5 runs, complete: a crash at each of 4 hits, and none",
        "schedules: 1 run, complete: every schedule with at most 2 preemptions",
    ]);
}
