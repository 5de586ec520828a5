//! The list of compiled-in call sites, and the warning for a name that is almost one of
//! them.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use crate::common::events::listen;
use crate::common::{info, now, panic_of};
use neon_failpoint::__private::{SiteKind, sites};
use neon_failpoint::compat;
use neon_failpoint::failpoint_support::implicit_await;
use neon_failpoint::{
    FailpointContext, arm, configure_failpoint, configure_failpoint_callback, configure_failpoints,
    fail_point, fail_point_sync, fail_point_with_context, fail_point_with_context_sync, failpoint,
    isolate, pausable_failpoint, release_failpoint, set_seed, sleep_millis_async, wait_for_hits,
};

/// One of each macro, each in a line of its own. The lines count: see `FIRST_LINE`.
async fn every_macro() {
    let context = FailpointContext::new();
    fail_point_sync!("sites-sync");
    fail_point_with_context_sync!("sites-context-sync", &context);
    fail_point!("sites-async");
    fail_point_with_context!("sites-context", &context);
    let _ = failpoint!("sites-future").await;
    let _ = pausable_failpoint!("sites-pausable").await;
    sleep_millis_async!("sites-sleep").await;
    fail_point_sync!("sites-run-time".to_lowercase().as_str());
}
const FIRST_LINE: u32 = line!() - 9;

#[test]
fn every_macro_with_a_literal_name_is_listed_with_its_place_and_kind() {
    // Listed whether it ran or not: nobody polls the future.
    drop(every_macro());
    let expected = [
        ("sites-sync", SiteKind::Blocks),
        ("sites-context-sync", SiteKind::Blocks),
        ("sites-async", SiteKind::Awaits),
        ("sites-context", SiteKind::Awaits),
        ("sites-future", SiteKind::Awaits),
        ("sites-pausable", SiteKind::Awaits),
        ("sites-sleep", SiteKind::Awaits),
    ];
    for ((name, kind), line) in expected.into_iter().zip(FIRST_LINE..) {
        let found: Vec<_> = sites().filter(|s| s.name() == name).collect();
        assert_eq!(found.len(), 1, "{name}");
        assert_eq!(found[0].kind(), kind, "{name}");
        assert_eq!(
            (found[0].file(), found[0].line()),
            (file!(), line),
            "{name}"
        );
    }
    assert!(sites().all(|site| site.name() != "sites-run-time"));
}

/// Names that the code and its tests share. `SITE` and `NAME` are what a macro might call its own.
mod names {
    pub(crate) const SITE: &str = "sites-const-sync";
    pub(crate) const NAME: &str = "sites-const-context-sync";
    pub(crate) const PREFIX: &str = "sites-const-";

    pub(crate) struct Wal;

    impl Wal {
        pub(crate) const NAME: &str = "sites-const-async";
    }

    pub(crate) const fn of(number: usize) -> &'static str {
        ["sites-const-context", "sites-const-future"][number]
    }
}

async fn every_macro_with_a_constant() {
    use names::{NAME, SITE, Wal, of};
    const PAUSABLE: &str = concat!("sites-const-", "pausable");
    let context = FailpointContext::new();
    fail_point_sync!(const { SITE });
    fail_point_with_context_sync!(const { NAME }, &context);
    fail_point!(const { Wal::NAME });
    fail_point_with_context!(const { of(0) }, &context);
    let _ = failpoint!(const { of(1) }, &context).await;
    let _ = pausable_failpoint!(const { PAUSABLE }).await;
    sleep_millis_async!(const { concat!("sites-const-", "sleep") }).await;
    implicit_await::pausable_failpoint!(const { "sites-const-implicit-pausable" });
    implicit_await::sleep_millis_async!(const { "sites-const-implicit-sleep" });
    compat::fail_point!(const { "sites-const-compat" });
    compat::async_fail_point!(const { "sites-const-compat-async" });
    fail_point_sync!(const { names::PREFIX }.trim_end_matches('-'));
}
const FIRST_CONSTANT_LINE: u32 = line!() - 13;

#[test]
fn every_macro_with_a_constant_name_is_listed_with_its_place_and_kind_and_is_hit() {
    let _alone = isolate();
    let expected = [
        ("sites-const-sync", SiteKind::Blocks),
        ("sites-const-context-sync", SiteKind::Blocks),
        ("sites-const-async", SiteKind::Awaits),
        ("sites-const-context", SiteKind::Awaits),
        ("sites-const-future", SiteKind::Awaits),
        ("sites-const-pausable", SiteKind::Awaits),
        ("sites-const-sleep", SiteKind::Awaits),
        ("sites-const-implicit-pausable", SiteKind::Awaits),
        ("sites-const-implicit-sleep", SiteKind::Awaits),
        ("sites-const-compat", SiteKind::Blocks),
        ("sites-const-compat-async", SiteKind::Awaits),
    ];
    for ((name, kind), line) in expected.into_iter().zip(FIRST_CONSTANT_LINE..) {
        let found: Vec<_> = sites().filter(|s| s.name() == name).collect();
        assert_eq!(found.len(), 1, "{name}");
        let place = (found[0].kind(), found[0].file(), found[0].line());
        assert_eq!(place, (kind, file!(), line), "{name}");
        configure_failpoint(name, "off").unwrap();
    }
    // An expression that only begins with a constant is made at run time.
    assert!(sites().all(|site| site.name() != "sites-const"));
    configure_failpoint("sites-const", "off").unwrap();
    now(every_macro_with_a_constant());
    for name in expected
        .map(|(name, _)| name)
        .into_iter()
        .chain(["sites-const"])
    {
        assert_eq!(info(name).unwrap().hits(), 1, "{name}");
    }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The lines that the library logs on this thread during `run`.
fn logged(run: impl FnOnce()) -> Vec<String> {
    // Before a subscriber of this thread alone, for the reason that it gives.
    listen();
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .without_time()
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, run);
    let bytes = log.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let text = String::from_utf8(bytes).unwrap();
    text.lines().map(|line| line.trim().to_owned()).collect()
}

fn warning(name: &str, meant: &str) -> String {
    format!(
        "WARN neon_failpoint: failpoint {name:?} was configured, but no call site has that name; \
         did you mean {meant:?}? (a name made at run time is not listed, nor is a constant outside \
         of `const {{ .. }}`)"
    )
}

/// Everything that is said of a name that no call site has and that nothing hit: what configuring it
/// logs, and the errors of a wait, of `must_fire` and of a release.
fn all_that_is_said(name: &str) -> (Vec<String>, [String; 3]) {
    let mut errors = Default::default();
    let log = logged(|| {
        let point = arm(name, "off").unwrap();
        let wait = wait_for_hits(name, 1).within(std::time::Duration::ZERO);
        errors = [
            wait.blocking().unwrap_err().to_string(),
            panic_of(|| point.must_fire()),
            release_failpoint(name, 1).unwrap_err().to_string(),
        ];
    });
    (log, errors)
}

#[test]
fn what_is_said_of_a_name_without_a_call_site_leaves_room_for_one_made_at_run_time() {
    let _alone = isolate();
    let (log, [wait, must_fire, release]) = all_that_is_said("sites-pausaple");
    assert_eq!(log, [warning("sites-pausaple", "sites-pausable")]);
    for error in [&wait, &must_fire] {
        for part in [
            "no call site has that name; names like it are [\"sites-pausable\"",
            "a name made at run time is not listed, nor is a constant outside of `const { .. }`",
        ] {
            assert!(error.contains(part), "{part}: {error}");
        }
        assert!(!error.contains("cargo tree"), "{error}");
    }
    assert!(
        release.contains("similar ones: [\"sites-pausable\""),
        "{release}"
    );
    // One that has call sites needs no other name.
    let error = release_failpoint("sites-pausable", 1)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("; it is at ") && error.contains("sites.rs:"),
        "{error}"
    );
    assert!(!error.contains("similar"), "{error}");
    let (log, [wait, must_fire, _]) = all_that_is_said("?");
    assert_eq!(log, [""; 0]);
    for error in [&wait, &must_fire] {
        for part in [
            "no call site has that name",
            "made at run time",
            "`cargo tree -d`",
        ] {
            assert!(error.contains(part), "{part}: {error}");
        }
    }
}

#[test]
fn a_name_within_two_edits_of_a_call_sites_is_warned_about_once_with_both() {
    let _alone = isolate();
    for misspelled in [
        "sites-pausabel",
        "sites-pausble",
        "Sites-pausable",
        "sites-pausable__",
    ] {
        let log = logged(|| configure_failpoint(misspelled, "off").unwrap());
        assert_eq!(log, [warning(misspelled, "sites-pausable")]);
    }
    let log = logged(|| configure_failpoint_callback("site-sync", || {}).unwrap());
    assert_eq!(log, [warning("site-sync", "sites-sync")]);
    let log = logged(|| {
        let batch = [
            ("sites-slep", "off"),
            ("sites-sleep", "off"),
            ("sites-futur", "off"),
        ];
        configure_failpoints(batch).unwrap();
    });
    assert_eq!(
        log,
        [
            warning("sites-slep", "sites-sleep"),
            warning("sites-futur", "sites-future")
        ]
    );
}

#[test]
fn an_exact_or_a_far_name_is_not_warned_about() {
    let _alone = isolate();
    for name in ["sites-pausable", "sites-pau", "nothing like it"] {
        assert_eq!(
            logged(|| configure_failpoint(name, "off").unwrap()),
            [""; 0],
            "{name}"
        );
    }
    // What is refused is not configured, and so nothing to warn about.
    assert_eq!(
        logged(|| assert!(configure_failpoint("sites-pausabl", "of").is_err())),
        [""; 0]
    );
}

/// What is said of a seed.
fn draws_from(seed: u64) -> String {
    format!(
        "INFO neon_failpoint: percentages and random times draw from seed {seed}; \
         FAILPOINTS_SEED={seed} repeats them"
    )
}

#[test]
fn a_seed_is_said_once_whatever_other_scopes_draw_from_meanwhile() {
    fn draw() -> Vec<String> {
        logged(|| configure_failpoint("sites-draws", "50%off").unwrap())
    }
    let _around = isolate();
    set_seed(17);
    assert_eq!(draw(), [draws_from(17)]);
    let other = || {
        let _alone = isolate();
        set_seed(18);
        assert_eq!(draw(), [draws_from(18)]);
        assert_eq!(draw(), [""; 0]);
    };
    std::thread::spawn(other).join().unwrap();
    assert_eq!(draw(), [""; 0]);
    {
        // It has the seed of the scope around it, which was said.
        let _inside = isolate();
        assert_eq!(draw(), [""; 0]);
        // And then one of its own.
        set_seed(19);
        assert_eq!(draw(), [draws_from(19)]);
    }
    assert_eq!(draw(), [""; 0]);
    // Said inside first, it is known around it.
    set_seed(20);
    {
        let _inside = isolate();
        assert_eq!(draw(), [draws_from(20)]);
    }
    assert_eq!(draw(), [""; 0]);
}

#[test]
fn the_seed_is_logged_once_something_draws_by_it() {
    let _alone = isolate();
    let log = logged(|| {
        set_seed(17);
        configure_failpoint("sites-draws-nothing", "100%off->1*off->sleep(5..5)").unwrap();
    });
    assert_eq!(log, [""; 0]);
    let log = logged(|| {
        configure_failpoint("sites-draws", "50%off").unwrap();
        configure_failpoint("sites-draws", "50%off").unwrap();
    });
    assert_eq!(log, [draws_from(17)]);
}
