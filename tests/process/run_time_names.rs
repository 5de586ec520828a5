//! What is said of names made at run time, each case in a child: which names were hit is the process's
//! to know, and it does not know thousands.

use std::ffi::OsStr;
use std::time::Duration;

#[cfg(feature = "async")]
use crate::common::now;
use crate::common::{child, hit, panic_of};
use neon_failpoint::{
    FailpointContext, FailpointResult, arm, compat, configure_failpoint, fail_point_sync,
    fail_point_with_context_sync, release_failpoint, remove_failpoint, wait_for_hits,
};
#[cfg(feature = "async")]
use neon_failpoint::{fail_point, failpoint};

fn never_called() {
    fail_point_sync!("run-time-1");
}

/// Configures `name`, which warns, and says the errors of a wait, of `must_fire` and of a release.
fn say_all(name: &str) {
    let _: fn() = never_called;
    let point = arm(name, "off").unwrap();
    let wait = wait_for_hits(name, 1).within(Duration::ZERO);
    child::say(wait.blocking().unwrap_err());
    child::say(panic_of(|| point.must_fire()));
    child::say(release_failpoint(name, 1).unwrap_err());
}

const HITS: &[fn(&str)] = &[
    |name| assert_eq!(hit(name), FailpointResult::Continue),
    |name| fail_point_sync!(name),
    |name| fail_point_with_context_sync!(name, &FailpointContext::new(), |_| ()),
    #[cfg(feature = "async")]
    |name| assert_eq!(now(failpoint(name, None)), FailpointResult::Continue),
    #[cfg(feature = "async")]
    |name| now(async { fail_point!(name, |_| ()) }),
    |name| compat::fail_point!(name),
];

const CASES: &[(&str, fn())] = &[
    ("not hit", || say_all("run-time-2")),
    ("hit, each in its way", || {
        // While anything is configured: a hit that knows that nothing is looks nothing up.
        configure_failpoint("run-time-anything", "off").unwrap();
        for (hit, name) in HITS.iter().zip('a'..) {
            hit(&format!("run-time-{name}"));
            say_all(&format!("run-time-{name}"));
        }
    }),
    ("configured, hit, removed, configured", || {
        configure_failpoint("run-time-1-and-more", "0*off").unwrap();
        assert_eq!(hit("run-time-1-and-more"), FailpointResult::Continue);
        let wait = wait_for_hits("run-time-1-and-more", 2).within(Duration::ZERO);
        child::say(wait.blocking().unwrap_err());
        remove_failpoint("run-time-1-and-more");
        say_all("run-time-1-and-more");
    }),
    ("hit while the environment is read", || {
        assert_eq!(hit("run-time-3"), FailpointResult::Continue);
    }),
];

/// What a case said, and what the library said on standard error.
fn run(role: &str) -> (Vec<String>, String) {
    const TEST: &str = "run_time_names::no_wrong_thing_is_said_of_one_that_was_hit";
    let failpoints = match role {
        "hit while the environment is read" => "run-time-3=off;run-time-4=off",
        _ => "",
    };
    let output = child::run(TEST, role, &[("FAILPOINTS", OsStr::new(failpoints))]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    let ours = stderr
        .lines()
        .filter(|line| line.starts_with("neon_failpoint: "));
    (child::said(&output), ours.collect::<Vec<_>>().join("\n"))
}

#[test]
fn no_wrong_thing_is_said_of_one_that_was_hit() {
    child::play(CASES);
    if child::role().is_some() {
        return;
    }
    // That of the others nothing is said means something only if it would be.
    let (said, warned) = run("not hit");
    assert!(warned.contains("did you mean \"run-time-1\""), "{warned}");
    for (said, words) in said
        .iter()
        .zip(["names like it", "names like it", "similar ones"])
    {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert_eq!(said.len(), 3);

    for (role, expected) in [
        ("hit, each in its way", 3 * HITS.len()),
        ("configured, hit, removed, configured", 4),
    ] {
        let (said, warned) = run(role);
        assert_eq!((said.len(), &*warned), (expected, ""), "{role}: {said:?}");
        for said in said {
            for wrong in ["no call site has", "like it", "similar ones", "cargo tree"] {
                assert!(!said.contains(wrong), "{role}: {said}");
            }
        }
    }
    // The first hit has the variable read, and is known by then.
    let (_, warned) = run("hit while the environment is read");
    assert!(
        warned.contains("FAILPOINTS configures failpoint \"run-time-4\""),
        "{warned}"
    );
    assert!(!warned.contains("\"run-time-3\""), "{warned}");
}
