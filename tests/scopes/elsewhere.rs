//! Proves that the error about a name that is configured elsewhere only says so.

use crate::armed;
use crate::common::{block_on, panic_of};
use neon_failpoint::{
    Scope, configure_failpoint, isolate, release_failpoint, release_failpoint_matching,
    remove_failpoint, wait_for_hits, wait_until_paused,
};

/// The errors of everything by name that needs a configured point.
fn errors(name: &str) -> [neon_failpoint::Error; 4] {
    [
        block_on(wait_for_hits(name, 1)).unwrap_err(),
        wait_until_paused(name, 1).blocking().unwrap_err(),
        release_failpoint(name, 1).unwrap_err(),
        release_failpoint_matching(name, [("k", "v")]).unwrap_err(),
    ]
}

#[track_caller]
fn assert_all_say(name: &str, what: &str) {
    for error in errors(name) {
        assert!(error.is_not_configured() && !error.is_removed());
        let text = error.to_string();
        assert!(text.contains(what) && text.contains(name), "{text}");
    }
}

#[test]
fn a_name_that_is_in_a_scope_only_is_said_to_be_there() {
    let name = "scopes-elsewhere-in";
    let scope = Scope::new();
    let point = scope.run(|| armed(name, "x"));
    assert_all_say(name, "it is in a scope, and this call is outside of it");
    Scope::new().run(|| assert_all_say(name, "it is outside of this scope"));
    drop(point);
    for error in errors(name) {
        assert!(!error.to_string().contains(" scope"), "{error}");
    }
}

#[test]
fn a_name_that_is_outside_only_is_said_to_be_there() {
    let name = "scopes-elsewhere-out";
    configure_failpoint(name, "off").unwrap();
    let alone = isolate();
    assert_all_say(
        name,
        "it is outside of this scope, and a call acts in its own",
    );
    let inner = Scope::new();
    configure_failpoint(name, "off").unwrap();
    inner.run(|| {
        assert_all_say(
            name,
            "it is outside of this scope, and a call acts in its own",
        )
    });
    drop(alone);
    remove_failpoint(name);
}

#[test]
fn the_errors_do_not_change_where_there_are_no_scopes() {
    for error in errors("scopes-elsewhere-nowhere") {
        assert!(!error.to_string().contains(" scope"), "{error}");
        assert!(error.is_not_configured());
    }
    let text = panic_of(|| release_failpoint("scopes-elsewhere-nowhere", 1).unwrap());
    assert!(text.contains("not configured"), "{text}");
}
