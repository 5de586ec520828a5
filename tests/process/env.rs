//! FAILPOINTS and FAILPOINTS_SEED, good and bad. They are read once in the life of a
//! process, so every case runs in a child process of its own: this executable again,
//! with the name of the case in a variable.

use std::ffi::OsStr;
use std::process::Output;

#[cfg(feature = "async")]
use crate::common::loggers::on_event;
use crate::common::loggers::on_record;
use crate::common::{child, hit, panic_of};
use neon_failpoint::{
    FailpointContext, FailpointInfo, FailpointResult, configure_failpoint, fail_point_sync,
    fail_point_with_context_sync, failpoint_support, init, list_failpoints, remove_all_failpoints,
    set_seed,
};

/// In words of `Debug`.
fn say(what: impl std::fmt::Debug) {
    child::say(format_args!("{what:?}"));
}

/// The cases by name. What one prints to standard output follows `said: `.
const CASES: &[(&str, fn())] = &[
    ("init", || say(init().map_err(|e| e.to_string()))),
    ("init twice", || say((init().is_ok(), init().is_ok()))),
    ("hit", || say(hit("a"))),
    ("hit at a call site with a context", || {
        fn site() -> &'static str {
            let context = FailpointContext::new();
            fail_point_with_context_sync!("a", &context, |_| "returned");
            "went on"
        }
        say(site());
    }),
    ("hit at a call site", || {
        fn site() -> &'static str {
            fail_point_sync!("a", |_| "returned");
            "went on"
        }
        say(site());
    }),
    ("configure another", || {
        configure_failpoint("other", "off").unwrap();
        say(listed());
    }),
    ("list", || say(listed())),
    ("remove all", || {
        remove_all_failpoints();
        say((listed(), hit("a")));
    }),
    ("configure the same", || {
        configure_failpoint("a", "off").unwrap();
        say((listed(), hit("a")));
    }),
    ("first uses at once", || {
        let start = std::sync::Barrier::new(8);
        let hit_at_once = || {
            start.wait();
            hit("a") == FailpointResult::Return("1".to_owned())
        };
        std::thread::scope(|scope| {
            let hits: Vec<_> = (0..8).map(|_| scope.spawn(hit_at_once)).collect();
            say(hits.into_iter().all(|hit| hit.join().unwrap()));
        });
    }),
    ("two first uses, one of them in main", || {
        let start = std::sync::Barrier::new(2);
        let hit_at_once = || {
            start.wait();
            let _ = hit("a");
            say("went past");
        };
        std::thread::scope(|scope| {
            scope.spawn(hit_at_once);
            hit_at_once();
        });
    }),
    ("fail to init and draw", || {
        assert!(init().is_err());
        configure_failpoint("a", "50%return").unwrap();
        say(draw());
    }),
    ("draw", || say(draw())),
    ("draw in a scenario", || {
        use neon_failpoint::compat::{FailScenario, eval};
        let _scenario = FailScenario::setup();
        let drawn = (0..64).map(|_| eval("a", |_| ()).is_none());
        say(drawn.map(|c| if c { '.' } else { '!' }).collect::<String>());
    }),
    ("support init", || {
        let scenario = failpoint_support::init();
        say(listed());
        drop(scenario);
        assert_eq!(listed(), [""; 0]);
    }),
    ("support init and hit", || {
        configure_failpoint("a", "return(earlier)").unwrap();
        let _scenario = failpoint_support::init();
        say(hit("a"));
    }),
    ("support init that fails", || {
        let bad = panic_of(failpoint_support::init);
        say((bad, listed()));
    }),
    ("support init twice on one thread", || {
        let _scenario = failpoint_support::init();
        say(panic_of(failpoint_support::init));
    }),
    ("set a seed and draw", || {
        set_seed(5);
        say(draw());
    }),
    ("exit while exiting", || {
        log_into_a_failpoint();
        let _ = hit("a");
        say("went past");
    }),
    ("log into a failpoint", || {
        log_into_a_failpoint();
        say(hit("a"));
    }),
];

fn listed() -> Vec<String> {
    let points = list_failpoints();
    let text = |p: &FailpointInfo| Some(format!("{}={}", p.name(), p.actions()?));
    points.iter().filter_map(text).collect()
}

fn draw() -> String {
    let drawn = (0..64).map(|_| hit("a") == FailpointResult::Continue);
    drawn.map(|c| if c { '.' } else { '!' }).collect()
}

/// Whatever the library logs, in either crate, hits the point and lists all.
fn log_into_a_failpoint() {
    let hits = |_: &log::Record<'_>| {
        let _ = hit("a");
        list_failpoints();
        println!("logged");
    };
    on_record(hits, || drop(hit("a")));
    #[cfg(feature = "async")]
    on_event(|_| log::info!("an event"));
}

/// Runs in the child.
#[test]
fn child() {
    child::play(CASES);
}

fn run(case: &str, variables: &[(&str, &OsStr)]) -> Output {
    child::run("env::child", case, variables)
}

/// What the case said under this value of FAILPOINTS.
fn said(case: &str, failpoints: &str) -> String {
    said_with(case, &[("FAILPOINTS", failpoints.as_ref())])
}

fn said_with(case: &str, variables: &[(&str, &OsStr)]) -> String {
    let output = run(case, variables);
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{case}: {stdout}{stderr}");
    let said = child::said(&output).into_iter().next();
    said.unwrap_or_else(|| panic!("{case}: {stdout}"))
}

#[test]
fn every_first_use_reads_the_variable() {
    let value = "a=return(1);b=off";
    assert_eq!(said("hit", value), r#"Return("1")"#);
    assert_eq!(said("hit at a call site", value), r#""returned""#);
    assert_eq!(
        said("hit at a call site with a context", value),
        r#""returned""#
    );
    assert_eq!(said("list", value), r#"["a=return(1)", "b=off"]"#);
    assert_eq!(
        said("configure another", value),
        r#"["a=return(1)", "b=off", "other=off"]"#
    );
    assert_eq!(said("init", value), "Ok(())");
    assert_eq!(said("first uses at once", value), "true");
}

#[test]
fn what_is_removed_or_configured_after_the_reading_stays_so() {
    assert_eq!(said("remove all", "a=return(1)"), "([], Continue)");
    assert_eq!(
        said("configure the same", "a=return(1)"),
        r#"(["a=off"], Continue)"#
    );
}

#[test]
fn without_the_variable_nothing_is_configured() {
    assert_eq!(said_with("list", &[]), "[]");
    assert_eq!(said_with("hit", &[]), "Continue");
    assert_eq!(said("list", ""), "[]");
    assert_eq!(said("list", " ; ;; "), "[]");
}

#[test]
fn entries_are_split_outside_of_parentheses_and_names_are_trimmed() {
    let value = " a = return(x;y=z) ;; b=1*off -> print(->);c=return(=);";
    let expected = ["a=return(x;y=z)", "b=1*off->print(->)", "c=return(=)"];
    assert_eq!(said("list", value), format!("{expected:?}"));
}

#[cfg(feature = "context")]
#[test]
fn entries_are_split_outside_of_matchers() {
    let value = r#"a=when(k="a;b",l=c;d)off;b=off"#;
    let expected = [r#"a=when(k="a;b",l="c;d")off"#, "b=off"];
    assert_eq!(said("list", value), format!("{expected:?}"));
    // Nor does a bracket that is the expression's end a matcher.
    let value = r"a=when(k!=[;)],l=x{1,2})off;b=when(k=\))off;c=off";
    let expected = [
        r#"a=when(k!="[;)]",l="x{1,2}")off"#,
        r#"b=when(k="\)")off"#,
        "c=off",
    ];
    assert_eq!(said("list", value), format!("{expected:?}"));
}

#[test]
fn of_entries_with_one_name_the_last_counts() {
    assert_eq!(
        said("list", "a=off;b=off;a=return(2)"),
        r#"["a=return(2)", "b=off"]"#
    );
}

#[test]
fn init_after_init_is_ok_and_does_nothing() {
    assert_eq!(said("init twice", "a=off"), "(true, true)");
    // A failed reading counts as the one there is.
    assert_eq!(said("init twice", "a=of"), "(false, true)");
}

const BAD: &[(&str, &str)] = &[
    (
        "a",
        r#"FAILPOINTS, entry 1: an entry without `=` "a" at byte 0 of FAILPOINTS; expected name=actions"#,
    ),
    (
        "a=off; b",
        r#"FAILPOINTS, entry 2: an entry without `=` "b" at byte 7 of FAILPOINTS; expected name=actions"#,
    ),
    (
        "=off",
        "FAILPOINTS, entry 1: the name is empty; expected the name of a failpoint",
    ),
    (
        "a=",
        r#"FAILPOINTS, entry 1: failpoint "a": the actions are empty; expected [p%][n*]action[(argument)], "off" to do nothing"#,
    ),
    (
        "ok=off;x=slep(5)",
        r#"FAILPOINTS, entry 2: failpoint "x": unknown action "slep" at byte 9 of FAILPOINTS; expected one of off, return, sleep, pause, panic, print, yield, delay, exit; did you mean "sleep"?"#,
    ),
    (
        "x=return(a;y=off",
        r#"FAILPOINTS, entry 1: failpoint "x": unclosed parenthesis "(a;y=off" at byte 8 of FAILPOINTS; expected a closing `)` for it"#,
    ),
    (
        "x=off off;y=off",
        r#"FAILPOINTS, entry 1: failpoint "x": unexpected text "off" at byte 6 of FAILPOINTS; expected `->` between two alternatives"#,
    ),
    (
        "x=return(1)2;y=off",
        r#"FAILPOINTS, entry 1: failpoint "x": unexpected text "2" at byte 11 of FAILPOINTS; expected `->` and another alternative, or the end"#,
    ),
];

/// A wrong order or sign: what is underlined, and what would be right.
const WRONG_SIGNS: &[(&str, &str, &str)] = &[
    (
        "a=off,b=off",
        r#""," at byte 5"#,
        "`;` before the next entry",
    ),
    (
        "a=return(1), b=off",
        r#""," at byte 11"#,
        "`;` before the next entry",
    ),
    ("a=off b=off", r#""b=" at byte 6"#, "`;` begins the next"),
    (
        "a=return(1)\nb=off",
        r#""b=" at byte 12"#,
        "`;` begins the next",
    ),
    ("a=print b=off", r#""b=" at byte 8"#, "`;` begins the next"),
    ("a=off->b=off", r#""b=" at byte 7"#, "`;` begins the next"),
    (
        "a=off|b=return(2)",
        r#""|" at byte 5"#,
        "`;` before the next entry",
    ),
    (
        "a=1*off;return",
        r#""return" at byte 8"#,
        "name=actions, or `->` instead of `;`",
    ),
    ("a=return,off;b=off", r#""," at byte 8"#, "`->` between"),
    ("b=off;a=5*50%return", r#""5*50%" at byte 8"#, "50%5*return"),
    ("a=2return;b=off", r#""2" at byte 2"#, "2*return"),
    ("a=sleep=5", r#""=5" at byte 7"#, "sleep(5)"),
    ("a=sleep 5ms;b=off", r#""5ms" at byte 8"#, "sleep(5ms)"),
    ("a=\"off\"", r#""\"" at byte 2"#, "without quotes"),
    ("a=pause(5)", r#""5" at byte 8"#, "`pause` alone"),
    (
        "a=wait;b=off",
        r#""wait" at byte 2"#,
        r#"did you mean "pause"?"#,
    ),
    ("a=PAUSE", r#""PAUSE" at byte 2"#, "in lower case"),
];

#[test]
fn a_wrong_sign_in_the_variable_is_named_with_the_right_one() {
    for (value, place, right) in WRONG_SIGNS {
        let said = said("init", value);
        // The debug text of a text: its quotes are escaped.
        let said = said.replace(r#"\\\""#, r#"\""#).replace(r#"\""#, "\"");
        let place = place.replace(r#"\""#, "\"");
        assert!(
            said.contains(&format!("{place} of FAILPOINTS; expected ")) && said.contains(right),
            "{value:?}: {said}"
        );
    }
}

#[test]
fn a_bad_value_is_an_error_of_init_that_names_entry_and_byte() {
    for (value, message) in BAD {
        assert_eq!(said("init", value), format!("Err({message:?})"), "{value}");
    }
}

#[test]
fn a_bad_value_ends_the_process_at_any_other_first_use() {
    for (case, _) in CASES
        .iter()
        .filter(|(name, _)| !name.contains("init") && !name.contains("scenario"))
    {
        let (value, message) = BAD[4];
        let output = run(case, &[("FAILPOINTS", value.as_ref())]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{case}: {stderr}");
        assert!(
            stderr.contains(&format!("neon_failpoint: {message}")),
            "{case}: {stderr}"
        );
    }
}

/// The thread that ends the process is not the only one to stop.
#[test]
fn no_thread_goes_on_while_a_bad_value_ends_the_process() {
    for _ in 0..50 {
        let case = "two first uses, one of them in main";
        let output = run(case, &[("FAILPOINTS", "a=of".as_ref())]);
        let stdout = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(2), "{stdout}");
        assert!(!stdout.contains("went past"), "{stdout}");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(stderr.matches("unknown action").count(), 1, "{stderr}");
    }
}

/// I7: nothing of a bad value takes effect, nor of the seed beside it.
#[test]
fn a_seed_beside_a_bad_value_takes_no_effect() {
    let case = "fail to init and draw";
    let draws = || {
        said_with(
            case,
            &[
                ("FAILPOINTS", "a=of".as_ref()),
                ("FAILPOINTS_SEED", "7".as_ref()),
            ],
        )
    };
    // 64 throws of a random coin.
    assert_ne!(draws(), draws());
}

#[cfg(unix)]
#[test]
fn a_value_that_is_not_utf8_is_an_error() {
    use std::os::unix::ffi::OsStrExt;
    let value = OsStr::from_bytes(b"a=off;\xffb=off");
    for variable in ["FAILPOINTS", "FAILPOINTS_SEED"] {
        let said = said_with("init", &[(variable, value)]);
        let message = format!("{variable} is not UTF-8 at byte 6; expected UTF-8 text");
        assert_eq!(said, format!("Err({message:?})"));
    }
}

#[test]
fn failpoints_seed_repeats_the_draws() {
    let draws = |seed: &str, case| {
        said_with(
            case,
            &[
                ("FAILPOINTS", "a=50%return".as_ref()),
                ("FAILPOINTS_SEED", seed.as_ref()),
            ],
        )
    };
    assert_eq!(draws("7", "draw"), draws("7", "draw"));
    assert_ne!(draws("7", "draw"), draws("8", "draw"));
    // By either grammar: `compat` draws by it, too.
    assert_eq!(draws("7", "draw in a scenario"), draws("7", "draw"));
    // A call is later than the variable, but what is configured keeps its seed.
    assert_eq!(draws("7", "set a seed and draw"), draws("7", "draw"));
}

#[test]
fn an_empty_seed_is_none() {
    assert_eq!(
        said_with("init", &[("FAILPOINTS_SEED", "".as_ref())]),
        "Ok(())"
    );
}

#[test]
fn a_bad_seed_is_an_error() {
    for bad in ["x", "-1", "18446744073709551616"] {
        let said = said_with("init", &[("FAILPOINTS_SEED", bad.as_ref())]);
        let message = format!(
            "FAILPOINTS_SEED is {bad:?}; expected a whole number from 0 to 18446744073709551615"
        );
        assert_eq!(said, format!("Err({message:?})"));
    }
}

/// `exit` flushes the logger, and this one hits the point that exits once more.
#[test]
fn an_exit_inside_an_exit_ends_the_process_all_the_same() {
    let output = run("exit while exiting", &[("FAILPOINTS", "a=exit".as_ref())]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert_eq!(
        stderr.matches("failpoint \"a\": exit").count(),
        1,
        "{stderr}"
    );
}

/// I5: what is logged about the reading is logged after it.
#[test]
fn a_logger_that_hits_a_point_while_the_variable_is_read_does_not_hang() {
    // The percentage has its seed logged, the misspelled name of the call site a warning.
    let value = "a=0%off->return(1);aa=off";
    assert_eq!(said("log into a failpoint", value), r#"Return("1")"#);
    let output = run("log into a failpoint", &[("FAILPOINTS", value.as_ref())]);
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(stdout.matches("logged").count() >= 2, "{stdout}");
}

#[test]
fn support_init_takes_each_entry_by_either_grammar() {
    let case = "support init";
    assert_eq!(said_with(case, &[]), "[]");
    let value = " a=return(1); b=exit;c=1*off->return(x->y);; b=print(:()";
    let expected = ["a=return(1)", "b=print(:()", "c=1*off->return(x->y)"];
    assert_eq!(said(case, value), format!("{expected:?}"));
    #[cfg(feature = "context")]
    assert_eq!(
        said(case, "a=when(k=v)exit"),
        format!("{:?}", [r#"a=when(k="v")exit"#])
    );
}

#[test]
fn support_init_begins_a_scenario() {
    let case = "support init and hit";
    assert_eq!(said_with(case, &[]), "Continue");
    assert_eq!(said(case, "a=return(2)"), r#"Return("2")"#);
    let output = run(case, &[("FAILPOINTS", "a=exit".as_ref())]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.ends_with("failpoint \"a\": exit\n"), "{stderr}");
    assert_eq!(
        said_with("support init twice on one thread", &[]),
        format!(
            "{:?}",
            "failpoint_support::init: this thread has a scenario already, which has to end first \
             (call teardown, or drop it)"
        )
    );
}

#[test]
fn support_init_says_which_entry_is_bad_and_configures_none() {
    for (value, message) in [
        (
            "a=off;;b",
            r#"FAILPOINTS: entry 2, "b", has no actions; try "b=return""#,
        ),
        (
            "a=off;b=exti",
            r#"FAILPOINTS: entry 2, "b=exti": failpoint "b": unknown action "exti" at byte 0 of the actions; expected one of off, return, sleep, pause, panic, print, yield, delay, exit; did you mean "exit"?"#,
        ),
        (
            "a=off,b=off",
            r#"FAILPOINTS: entry 1, "a=off,b=off": failpoint "a": unexpected text "," at byte 3 of the actions; expected `;` before the next entry of FAILPOINTS, or `->` before the next alternative"#,
        ),
        (
            "a=return(x;y)",
            r#"FAILPOINTS: entry 1, "a=return(x": failpoint "a": unclosed parenthesis "(x" at byte 6 of the actions; expected a closing `)` for it"#,
        ),
    ] {
        let expected: (_, [&str; 0]) = (message, []);
        let said = said("support init that fails", value);
        assert_eq!(said, format!("{expected:?}"), "{value}");
    }
}
