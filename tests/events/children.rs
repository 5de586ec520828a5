//! Proves what is told in a process of its own: of the environment, and to a subscriber that is asked
//! about every event.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{lines, listen, told};
use crate::common::loggers::on_event;
use crate::common::{child, hit, now, panic_of, waiting};
use neon_failpoint::FailpointResult::Continue;
use neon_failpoint::{
    arm, compat, configure_failpoint, failpoint, init, list_failpoints, remove_all_failpoints,
    remove_failpoint,
};
use tracing::level_filters::LevelFilter;

static HEARD: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// A subscriber that is asked about every event, and keeps their levels in [`HEARD`].
struct Asked {
    most: LevelFilter,
    enabled: fn() -> bool,
}

impl Asked {
    fn listen(most: LevelFilter, enabled: fn() -> bool) {
        tracing::subscriber::set_global_default(Self { most, enabled }).unwrap();
    }
}

impl tracing::Subscriber for Asked {
    fn register_callsite(
        &self,
        _: &'static tracing::Metadata<'static>,
    ) -> tracing::subscriber::Interest {
        tracing::subscriber::Interest::sometimes()
    }
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        (self.enabled)()
    }
    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.most)
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        let level = event.metadata().level().to_string();
        HEARD.lock().unwrap().push(level);
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

const CASES: &[(&str, fn())] = &[
    ("env", || {
        listen();
        // Configured before the variable is read: it keeps that.
        compat::cfg("kept", "off").unwrap();
        told("kept");
        init().unwrap();
        for name in ["kept", "twice", "once"] {
            child::say(format_args!("{name}: {:?}", lines(name)));
        }
    }),
    ("nobody", || {
        Asked::listen(LevelFilter::INFO, || true);
        let guard = arm("nobody", "1*print->pause").unwrap();
        let _ = hit("nobody");
        let waiting = waiting(failpoint("nobody", None));
        assert_eq!(guard.release_all(), 1);
        assert_eq!(now(waiting), Continue);
        drop(guard);
        child::say(format_args!("{:?}", HEARD.lock().unwrap()));
    }),
    ("lists", || {
        // It takes the lock of those who configure.
        Asked::listen(LevelFilter::DEBUG, || list_failpoints().len() < 100);
        configure_failpoint("lists", "off").unwrap();
        let guard = arm("lists", "off").unwrap();
        guard.configure("return").unwrap();
        drop(guard);
        remove_failpoint("lists");
        let heard = HEARD.lock().unwrap();
        child::say(format_args!("{} events", heard.len()));
    }),
    ("drops", || {
        static PANICS: AtomicBool = AtomicBool::new(false);
        Asked::listen(LevelFilter::DEBUG, || {
            assert!(!PANICS.load(Ordering::SeqCst), "asked");
            true
        });
        let _guard = arm("drops", "pause").unwrap();
        let panicked = panic_of(|| {
            let _waiting = waiting(failpoint("drops", None));
            PANICS.store(true, Ordering::SeqCst);
            panic!("the test fails");
        });
        PANICS.store(false, Ordering::SeqCst);
        let point = list_failpoints().into_iter().find(|p| p.name() == "drops");
        child::say(format_args!(
            "{panicked}, {} wait",
            point.unwrap().waiters().len()
        ));
    }),
    ("panics", || {
        static PANICS: AtomicBool = AtomicBool::new(false);
        Asked::listen(LevelFilter::DEBUG, || {
            assert!(!PANICS.load(Ordering::SeqCst), "asked");
            true
        });
        let changes: [(&str, fn()); 4] = [
            ("configured", || {
                configure_failpoint("panics", "off").unwrap()
            }),
            ("removed", || remove_failpoint("panics")),
            ("reset", remove_all_failpoints),
            ("armed", || drop(arm("panics", "off"))),
        ];
        for (how, change) in changes {
            configure_failpoint("panics", "pause").unwrap();
            let waiting = waiting(failpoint("panics", None));
            PANICS.store(true, Ordering::SeqCst);
            let panicked = panic_of(change);
            PANICS.store(false, Ordering::SeqCst);
            // Who waited goes on, and nothing is left half done.
            assert_eq!(now(waiting), Continue, "{how}");
            child::say(format_args!("{how}: {panicked}"));
            remove_failpoint("panics");
            assert_eq!(now(failpoint("panics", None)), Continue, "{how}");
        }
    }),
    ("print", || {
        on_event(|_| {
            let _ = hit("prints");
        });
        configure_failpoint("prints", "print").unwrap();
        let _ = hit("prints");
        child::say(format_args!("it came back"));
    }),
];

/// Runs in the child.
#[test]
fn child() {
    child::play(CASES);
}

/// What the case says; `None` where its process does not come to a good end.
fn said(case: &str, failpoints: &str) -> Option<Vec<String>> {
    let variables = [("FAILPOINTS", failpoints.as_ref())];
    let output = child::run("children::child", case, &variables);
    output.status.success().then(|| child::said(&output))
}

#[test]
fn what_the_environment_configures_is_told_as_it_is_and_what_it_does_not_change_is_not() {
    let failpoints = "once=return(1);twice=off;kept=return;twice=return(2)";
    assert_eq!(
        said("env", failpoints).unwrap(),
        [
            "kept: []",
            r#"twice: ["configuration changed: new=return(2)"]"#,
            r#"once: ["configuration changed: new=return(1)"]"#,
        ]
    );
}

#[test]
fn nothing_is_told_to_who_listens_only_to_what_is_said() {
    assert_eq!(said("nobody", "").unwrap(), [r#"["INFO"]"#]);
}

#[test]
fn a_subscriber_that_lists_the_points_when_it_is_asked_comes_back() {
    // Five changes of one name.
    assert_eq!(said("lists", ""), Some(vec!["5 events".to_owned()]));
}

#[test]
fn a_subscriber_that_panics_when_it_is_asked_leaves_nobody_waiting() {
    let said = said("panics", "").unwrap();
    let hows = ["configured", "removed", "reset", "armed"];
    assert_eq!(said, hows.map(|how| format!("{how}: asked")));
}

#[test]
fn a_subscriber_that_panics_over_a_wait_that_a_panic_dropped_does_not_end_the_process() {
    assert_eq!(said("drops", "").unwrap(), ["the test fails, 0 wait"]);
}

#[test]
fn a_subscriber_that_hits_a_point_that_prints_comes_back() {
    assert_eq!(said("print", ""), Some(vec!["it came back".to_owned()]));
}
