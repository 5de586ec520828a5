//! What the library has to say is heard: by `tracing`, by `log`, or on standard error. Each case is a
//! child, because a listener is the process's.

use std::ffi::OsStr;
use std::sync::Arc;
use std::task::{Wake, Waker};

use crate::common::loggers::{on_event, on_record};
use crate::common::{assert_stats, child, hit, poll_with};
use neon_failpoint::{
    arm, configure_failpoint, fail_point, fail_point_sync, init, seed, set_seed, wait_for_hits,
};

fn site() {
    fail_point_sync!("heard-site");
}

fn misspell() {
    configure_failpoint("heard-sitee", "off").unwrap();
    site();
}

/// A waker whose destructor panics.
struct Bomb;

impl Wake for Bomb {
    fn wake(self: Arc<Self>) {}
}

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("bomb");
    }
}

/// Drops a future that waits in the middle of a function, and with it the last of its waker.
fn drop_waiting() {
    configure_failpoint("heard-dropped", "pause").unwrap();
    let mut function = Box::pin(async { fail_point!("heard-dropped") });
    let waker = Waker::from(Arc::new(Bomb));
    assert!(poll_with(function.as_mut(), &waker).is_pending());
    drop(waker);
    assert_stats("heard-dropped", (1, 1, 1));
    drop(function);
    assert_stats("heard-dropped", (1, 1, 0));
    child::say("went on");
}

const CASES: &[(&str, fn())] = &[
    ("misspelled", misspell),
    ("misspelled, with a logger", || {
        on_record(|record| child::say(record.args()), || {});
        misspell();
    }),
    ("misspelled, with a subscriber", || {
        on_event(|event| child::say(format_args!("{event:?}")));
        misspell();
    }),
    ("printed, with a logger", || {
        on_record(|record| child::say(record.args()), || {});
        configure_failpoint("heard-site", "print(a text)").unwrap();
        site();
    }),
    ("found seed", || {
        configure_failpoint("heard-site", "50%off").unwrap();
        child::say(seed());
    }),
    ("chosen seed", || {
        set_seed(7);
        configure_failpoint("heard-site", "50%off").unwrap();
        child::say(seed());
    }),
    ("found seed of a time", || {
        configure_failpoint("heard-site", "sleep(1..2)").unwrap();
        child::say(seed());
    }),
    ("chosen seed of a time", || {
        set_seed(41);
        drop(
            arm("heard-site", "when(k=v)delay(1..2)")
                .unwrap()
                .must_fire(),
        );
    }),
    ("environment", || {
        init().unwrap();
        let _ = hit("heard-sitee");
    }),
    ("panics as it is dropped", drop_waiting),
    ("expired", || {
        set_seed(41);
        configure_failpoint("heard-site", "50%off").unwrap();
        let wait = wait_for_hits("heard-site", 1).within(std::time::Duration::ZERO);
        child::say(wait.blocking().unwrap_err());
        drop(arm("heard-site", "0%off").unwrap().must_fire());
    }),
];

/// What a case said itself, and what was on its standard error.
fn run(role: &str, failpoints: &str) -> (Vec<String>, String) {
    const TEST: &str = "heard::whoever_listens_hears_it_and_else_standard_error_does";
    let output = child::run(TEST, role, &[("FAILPOINTS", OsStr::new(failpoints))]);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    (child::said(&output), stderr)
}

#[test]
fn whoever_listens_hears_it_and_else_standard_error_does() {
    child::play(CASES);
    if child::role().is_some() {
        return;
    }
    const MEANT: &str = "did you mean \"heard-site\"?";
    let (said, stderr) = run("misspelled", "");
    assert!(said.is_empty() && stderr.contains(MEANT), "{stderr}");
    for role in ["misspelled, with a logger", "misspelled, with a subscriber"] {
        let (said, stderr) = run(role, "");
        let heard = said
            .iter()
            .filter(|said| said.contains("did you mean"))
            .count();
        assert_eq!(
            (heard, stderr.contains("did you mean")),
            (1, false),
            "{role}: {said:?} {stderr}"
        );
    }
    let (said, _) = run("printed, with a logger", "");
    assert_eq!(said, ["a text"]);

    for role in ["found seed", "found seed of a time"] {
        let (said, stderr) = run(role, "");
        let repeats = format!("FAILPOINTS_SEED={} repeats them", said[0]);
        assert!(stderr.contains(&repeats), "{said:?} {stderr}");
    }
    let (_, stderr) = run("chosen seed of a time", "");
    assert!(stderr.contains("it draws from seed 41"), "{stderr}");
    let (said, stderr) = run("chosen seed", "");
    assert_eq!(
        (said, stderr.contains("seed")),
        (vec!["7".to_owned()], false),
        "{stderr}"
    );

    // A name that nothing will hit, one that somebody does, and one that is nothing like any.
    let (_, stderr) = run("environment", "heard-sitee=off;heard-site=off;zzz=off");
    assert!(
        stderr.contains("FAILPOINTS configures failpoint \"heard-sitee\""),
        "{stderr}"
    );
    assert!(
        stderr.contains("names like it are [\"heard-site\""),
        "{stderr}"
    );
    assert!(
        stderr.contains("FAILPOINTS configures failpoint \"zzz\""),
        "{stderr}"
    );
    assert!(!stderr.contains("failpoint \"heard-site\""), "{stderr}");

    // Of thousands of them a few say what is wrong.
    let text: Vec<String> = (0..1_012).map(|i| format!("zzz{i}=off")).collect();
    let (_, stderr) = run("environment", &text.join(";"));
    let said = stderr.lines().filter(|line| line.contains("no call site"));
    let said: Vec<&str> = said.collect();
    assert_eq!(said.len(), 11, "{stderr}");
    assert!(
        said[10].contains("configures 1002 more failpoints"),
        "{stderr}"
    );

    let (said, stderr) = run("panics as it is dropped", "");
    assert_eq!(said, ["went on"], "{stderr}");
    for text in ["bomb", "so the panic ends here"] {
        assert!(stderr.contains(text), "{text}: {stderr}");
    }

    let (said, stderr) = run("expired", "");
    for text in [&said[0], &stderr] {
        assert!(text.contains("it draws from seed 41"), "{said:?} {stderr}");
    }
}
