//! Proves that the innermost scope decides, name by name, and that the others show through.

use crate::armed;
use crate::common::{hit, value};
use neon_failpoint::FailpointResult::Continue;
use neon_failpoint::{
    Scope, arm, arm_with_context, configure_failpoint, configure_failpoint_callback,
    fail_point_sync, fail_point_with_context_sync, failpoint_context, remove_failpoint,
};

/// A literal site and the name, which look it up in two ways.
fn both(name: &str, site: impl Fn() -> String) -> String {
    let by_name = match hit(name) {
        Continue => "-".to_owned(),
        neon_failpoint::FailpointResult::Return(text) => text,
        other => panic!("{other:?}"),
    };
    assert_eq!(site(), by_name);
    by_name
}

#[test]
fn every_chain_of_scopes_shows_the_innermost_configuration() {
    let name = "scopes-shadow";
    let seen = || {
        both(name, || {
            fail_point_sync!("scopes-shadow", |text| text);
            "-".to_owned()
        })
    };
    // In every subset of four storeys, of which the first is outside of all scopes.
    let mut scopes = vec![Scope::new()];
    for around in 0..2 {
        let inside = scopes[around].run(Scope::new);
        scopes.push(inside);
    }
    for subset in 0..16_u32 {
        let is_in = |storey: usize| subset & 1 << storey != 0;
        if is_in(0) {
            configure_failpoint(name, "return(0)").unwrap();
        }
        for (storey, scope) in (1..).zip(&scopes) {
            if is_in(storey) {
                scope.run(|| configure_failpoint(name, format!("return({storey})")).unwrap());
            }
        }
        for from in 0..4 {
            let expected = (0..=from).rev().find(|storey| is_in(*storey));
            let expected = expected.map_or("-".to_owned(), |storey| storey.to_string());
            let got = if from == 0 {
                seen()
            } else {
                scopes[from - 1].run(seen)
            };
            assert_eq!(got, expected, "{subset:b} from {from}");
        }
        remove_failpoint(name);
        for scope in &scopes {
            scope.run(|| remove_failpoint(name));
        }
    }
}

#[test]
fn off_in_a_scope_and_a_spent_count_hide_what_is_around() {
    let name = "scopes-shadow-off";
    configure_failpoint(name, "return(global)").unwrap();
    let scope = Scope::new();
    scope.run(|| {
        assert_eq!(hit(name), value("global"));
        let point = arm(name, "off").unwrap();
        assert_eq!(hit(name), Continue);
        point.configure("1*return(once)").unwrap();
        assert_eq!([hit(name), hit(name)], [value("once"), Continue]);
        point.configure("0%return").unwrap();
        assert_eq!(hit(name), Continue);
        drop(point);
        assert_eq!(hit(name), value("global"));
    });
    remove_failpoint(name);
}

#[test]
fn a_name_is_shadowed_alone() {
    let (a, b) = ("scopes-shadow-a", "scopes-shadow-b");
    let outer = Scope::new();
    let inner = outer.run(Scope::new);
    outer.run(|| {
        configure_failpoint(a, "return(outer a)").unwrap();
        configure_failpoint(b, "return(outer b)").unwrap();
    });
    inner.run(|| configure_failpoint(a, "return(inner a)").unwrap());
    assert_eq!(
        inner.run(|| (hit(a), hit(b))),
        (value("inner a"), value("outer b"))
    );
}

#[test]
fn a_site_that_was_idle_sees_what_is_configured_in_its_scope_next() {
    let site = || {
        fail_point_sync!("scopes-shadow-idle", |text| text);
        String::new()
    };
    let scopes = [Scope::new(), Scope::new()];
    for round in 0..100 {
        let (own, other) = (&scopes[round % 2], &scopes[(round + 1) % 2]);
        assert_eq!(own.run(site), "");
        let point = own.run(|| armed("scopes-shadow-idle", "x"));
        assert_eq!(
            (own.run(site), other.run(site), site()),
            ("x".into(), "".into(), "".into())
        );
        drop(point);
        assert_eq!((own.run(site), other.run(site)), ("".into(), "".into()));
    }
}

#[test]
fn what_is_configured_while_a_callback_of_the_outer_scope_runs_counts_from_the_next_hit() {
    let name = "scopes-shadow-callback";
    let outer = Scope::new();
    let inner = outer.run(Scope::new);
    outer.run(|| {
        configure_failpoint_callback(name, move || {
            configure_failpoint("scopes-shadow-callback", "return(own)").unwrap();
        })
        .unwrap();
    });
    assert_eq!(
        inner.run(|| [hit(name), hit(name)]),
        [Continue, value("own")]
    );
    // Outside of the inner one the callback, called there, replaces itself.
    assert_eq!(
        outer.run(|| [hit(name), hit(name)]),
        [Continue, value("own")]
    );
}

#[test]
fn a_context_is_not_made_where_the_name_is_armed_in_another_scope_only() {
    let made = std::cell::Cell::new(0);
    let hit = || {
        fail_point_with_context_sync!("scopes-context-made", &{
            made.set(made.get() + 1);
            failpoint_context! { "tenant" => "t-1" }
        });
    };
    let (scope, beside) = (Scope::new(), Scope::new());
    let matchers = [("tenant", "t-2")];
    let guard = scope
        .run(|| arm_with_context("scopes-context-made", "return", matchers))
        .unwrap();
    for _ in 0..3 {
        hit();
        beside.run(hit);
    }
    assert_eq!(made.get(), 0);
    scope.run(hit);
    assert_eq!((made.get(), guard.hits()), (1, 1));
}
