//! Proves that what configures, lists, waits, releases or removes by name acts in the scope of its
//! caller, and a guard in the one where it was armed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::armed;
use crate::common::{actions, block_on, hit, info, now, value, waiting};
use neon_failpoint::FailpointResult::{Continue, Return};
use neon_failpoint::{
    Armed, Origin, Scope, arm, arm_callback, arm_with_context, configure_failpoint,
    configure_failpoint_callback, configure_failpoint_with_context, configure_failpoints,
    fail_point_sync, failpoint, failpoint_blocking, failpoint_context, isolate, list_failpoints,
    release_failpoint, release_failpoint_matching, remove_all_failpoints, remove_failpoint,
    wait_for_hits, wait_until_paused,
};

/// Asserts that `name` is configured in `scope`, and neither in one beside it nor outside.
#[track_caller]
fn assert_only_in(scope: &Scope, name: &str) {
    assert_eq!(
        scope.run(|| info(name).unwrap().origin()),
        Some(Origin::Scope)
    );
    let beside = || {
        (
            info(name).is_some(),
            Scope::new().run(|| info(name).is_some()),
        )
    };
    let beside = thread::scope(|s| s.spawn(beside).join().unwrap());
    assert_eq!(beside, (false, false), "outside, and in another scope");
}

#[test]
fn every_way_to_configure_acts_in_the_scope_of_the_caller() {
    let alone = isolate();
    let scope = alone.scope();
    let calls = Arc::new(AtomicUsize::new(0));
    let count = || {
        let calls = calls.clone();
        move || {
            calls.fetch_add(1, Ordering::SeqCst);
        }
    };
    let context = failpoint_context! { "tenant" => "t-1" };

    configure_failpoint("scopes-by-name-one", "return(1)").unwrap();
    configure_failpoints([
        ("scopes-by-name-2", "return(2)"),
        ("scopes-by-name-3", "return(3)"),
    ])
    .unwrap();
    configure_failpoint_with_context("scopes-by-name-4", "return(4)", [("tenant", "t-.*")])
        .unwrap();
    configure_failpoint_callback("scopes-by-name-callback", count()).unwrap();
    let _guards = [
        arm("scopes-by-name-5", "return(5)").unwrap(),
        arm_with_context("scopes-by-name-6", "return(6)", [("tenant", "t-.*")]).unwrap(),
        arm_callback("scopes-by-name-armed-callback", count()).unwrap(),
    ];
    for (name, seen) in [
        ("scopes-by-name-one", value("1")),
        ("scopes-by-name-2", value("2")),
        ("scopes-by-name-3", value("3")),
        ("scopes-by-name-4", value("4")),
        ("scopes-by-name-5", value("5")),
        ("scopes-by-name-6", value("6")),
        ("scopes-by-name-callback", Continue),
        ("scopes-by-name-armed-callback", Continue),
    ] {
        assert_only_in(scope, name);
        let hit = || failpoint_blocking(name, Some(&context));
        assert_eq!(hit(), seen, "{name}");
        let outside = thread::scope(|s| s.spawn(hit).join().unwrap());
        assert_eq!(outside, Continue, "{name}");
    }
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

#[test]
fn a_batch_that_is_refused_changes_nothing_in_the_scope_either() {
    let _alone = isolate();
    configure_failpoint("scopes-batch-a", "return(old)").unwrap();
    let error = configure_failpoints([("scopes-batch-a", "off"), ("scopes-batch-b", "of")]);
    assert!(error.is_err());
    assert_eq!(hit("scopes-batch-a"), value("old"));
    assert!(info("scopes-batch-b").is_none());
}

/// Calls `f` where a guard may be: in its scope, beside it, inside it, on a thread outside of all.
fn wherever<T: Send>(home: &Scope, f: impl Fn() -> T + Sync) -> Vec<T> {
    vec![
        home.run(&f),
        Scope::new().run(&f),
        home.run(Scope::new).run(&f),
        thread::scope(|s| s.spawn(&f).join().unwrap()),
        thread::scope(|s| s.spawn(|| Scope::new().run(&f)).join().unwrap()),
    ]
}

#[test]
fn the_methods_of_a_guard_act_in_its_scope_wherever_they_are_called() {
    let name = "scopes-guard-anywhere";
    let home = Scope::new();
    let point = home.run(|| arm(name, "pause")).unwrap();
    let context = failpoint_context! { "tenant" => "t-1" };
    let mut hits: Vec<_> = (0..15)
        .map(|_| home.run(|| waiting(failpoint(name, Some(&context)))))
        .collect();
    // Three leave each time: as many as there are ways to release.
    let counter = AtomicUsize::new(15);
    wherever(&home, || {
        let left = || counter.load(Ordering::SeqCst);
        point.wait_for_hits(15).blocking().unwrap();
        point.wait_until_paused(left()).blocking().unwrap();
        assert_eq!((point.hits(), point.fired(), point.name()), (15, 15, name));
        assert_eq!(point.waiters().len(), left());
        assert_eq!((point.release_one(), point.release(2)), (1, 2));
        assert_eq!(point.release_matching([("tenant", "t-2")]).unwrap(), 0);
        counter.fetch_sub(3, Ordering::SeqCst);
    });
    for hit in hits.drain(..) {
        assert_eq!(now(hit), Continue);
    }
}

#[test]
fn a_guard_configures_and_waits_in_its_scope_wherever_it_is() {
    let name = "scopes-guard-configures";
    let home = Scope::new();
    let point = home.run(|| arm(name, "off")).unwrap();
    for step in 0..4 {
        let text = format!("return({step})");
        let hits = wherever(&home, || {
            point.configure(&text).unwrap();
            home.run(|| hit(name))
        });
        assert!(hits.iter().all(|hit| *hit == value(step)), "{hits:?}");
        assert_eq!(hit(name), Continue);
        assert_only_in(&home, name);
    }
    wherever(&home, || {
        point
            .configure_with_context("return(c)", [("k", "v")])
            .unwrap();
        point.configure_callback(|| ()).unwrap();
    });
    assert_only_in(&home, name);
    // Nobody else's point of that name is touched.
    let beside = Scope::new();
    let other = beside.run(|| armed(name, "beside"));
    point.configure("return(home)").unwrap();
    assert_eq!(beside.run(|| hit(name)), value("beside"));
    assert_eq!((other.hits(), point.hits()), (1, 0));
}

#[test]
fn a_guard_is_dropped_anywhere_and_gives_back_what_was_in_its_scope() {
    let name = "scopes-guard-dropped";
    let drops: [fn(Armed, &Scope); 5] = [
        |guard, home| home.run(|| drop(guard)),
        |guard, _| drop(guard),
        |guard, _| Scope::new().run(|| drop(guard)),
        |guard, _| thread::spawn(move || drop(guard)).join().unwrap(),
        |guard, home| home.run(Scope::new).run(|| drop(guard)),
    ];
    let beside = Scope::new();
    let other = beside.run(|| armed(name, "beside"));
    for dropped in drops {
        let home = Scope::new();
        home.run(|| configure_failpoint(name, "return(base)").unwrap());
        let guard = home.run(|| armed(name, "guard"));
        let younger = home.run(|| armed(name, "younger"));
        dropped(guard, &home);
        assert_eq!(home.run(|| hit(name)), value("younger"));
        dropped(younger, &home);
        assert_eq!(home.run(|| hit(name)), value("base"));
        assert_eq!(beside.run(|| hit(name)), value("beside"));
        assert_eq!(hit(name), Continue);
    }
    assert_eq!(other.hits(), 5);
}

#[test]
fn guards_of_one_name_in_two_scopes_and_outside_are_no_layers_of_each_other() {
    let name = "scopes-guards-apart";
    let outside = arm(name, "pause").unwrap();
    let hit_outside = waiting(failpoint(name, None));
    let scopes = [Scope::new(), Scope::new()];
    let guards = [0, 1].map(|i| scopes[i].run(|| arm(name, "pause")).unwrap());
    let hits = [0, 1].map(|i| scopes[i].run(|| waiting(failpoint(name, None))));
    // The waits outside, and in the other scope, go on through all of this.
    guards[0].configure("return(0)").unwrap();
    let [first, mut second] = hits;
    assert_eq!(now(first), Continue);
    assert!(crate::common::poll_once(second.as_mut()).is_pending());
    let [zero, one] = guards;
    drop(zero);
    assert_eq!((one.waiters().len(), outside.waiters().len()), (1, 1));
    let inner = scopes[0].run(|| waiting(failpoint(name, None)));
    assert_eq!(outside.waiters().len(), 2, "it shows through");
    drop(one);
    assert_eq!(now(second), Continue);
    assert_eq!(outside.release_all(), 2);
    assert_eq!((now(inner), now(hit_outside)), (Continue, Continue));
}

#[test]
fn waits_by_name_are_those_of_the_scope_they_were_made_in() {
    let name = "scopes-waits";
    let scopes = [Scope::new(), Scope::new()];
    for scope in &scopes {
        scope.run(|| configure_failpoint(name, "pause").unwrap());
    }
    let hits_here = scopes[0].run(|| wait_for_hits(name, 1));
    let paused_here = scopes[0].run(|| wait_until_paused(name, 1));
    // Without a timer, which there is none of here.
    let forever = std::time::Duration::MAX;
    let hits_there = scopes[1].run(|| wait_for_hits(name, 1)).within(forever);
    let paused_there = scopes[1].run(|| wait_until_paused(name, 1)).within(forever);
    let (mut hits_there, mut paused_there) = (Box::pin(hits_there), Box::pin(paused_there));
    let hit_here = scopes[0].run(|| waiting(failpoint(name, None)));
    // Awaited outside, and inside of the other one.
    block_on(hits_here).unwrap();
    scopes[1].run(|| block_on(paused_here)).unwrap();
    scopes[0].run(|| {
        assert!(crate::common::poll_once(hits_there.as_mut()).is_pending());
        assert!(crate::common::poll_once(paused_there.as_mut()).is_pending());
    });
    assert_eq!(scopes[1].run(|| crate::common::observers(name)), 2);
    assert_eq!(scopes[0].run(|| crate::common::observers(name)), 0);
    let hit_there = scopes[1].run(|| waiting(failpoint(name, None)));
    block_on(hits_there).unwrap();
    block_on(paused_there).unwrap();
    for (scope, hit) in scopes.iter().zip([hit_here, hit_there]) {
        assert_eq!(scope.run(|| release_failpoint(name, 5)).unwrap(), 1);
        assert_eq!(now(hit), Continue);
    }
}

#[test]
fn a_release_by_name_lets_go_who_waits_in_that_scope_only() {
    let name = "scopes-release";
    let scopes = [Scope::new(), Scope::new()];
    let context = failpoint_context! { "tenant" => "t-1" };
    let mut hits = Vec::new();
    for scope in &scopes {
        scope.run(|| configure_failpoint(name, "pause").unwrap());
        for _ in 0..3 {
            hits.push(scope.run(|| waiting(failpoint(name, Some(&context)))));
        }
    }
    configure_failpoint(name, "pause").unwrap();
    let outside = waiting(failpoint(name, Some(&context)));
    let count = |scope: &Scope| scope.run(|| info(name).unwrap().waiters().len());
    assert_eq!(scopes[0].run(|| release_failpoint(name, 1)).unwrap(), 1);
    assert_eq!((count(&scopes[0]), count(&scopes[1])), (2, 3));
    let matching = || release_failpoint_matching(name, [("tenant", "t-.")]).unwrap();
    assert_eq!(scopes[1].run(matching), 3);
    assert_eq!((count(&scopes[0]), count(&scopes[1])), (2, 0));
    assert_eq!(matching(), 1);
    assert_eq!(now(outside), Continue);
    assert_eq!(scopes[0].run(matching), 2);
    for hit in hits {
        assert_eq!(now(hit), Continue);
    }
    remove_failpoint(name);
}

#[test]
fn the_list_says_where_each_point_is_and_shows_none_of_other_scopes() {
    fn never_called() {
        fail_point_sync!("scopes-list-compiled");
    }
    let _: fn() = never_called;
    configure_failpoint("scopes-list-global", "off").unwrap();
    configure_failpoint("scopes-list-everywhere", "return(global)").unwrap();
    let outer = Scope::new();
    outer.run(|| {
        configure_failpoint("scopes-list-outer", "off").unwrap();
        configure_failpoint("scopes-list-everywhere", "return(outer)").unwrap();
    });
    let inner = outer.run(Scope::new);
    inner.run(|| {
        configure_failpoint("scopes-list-inner", "off").unwrap();
        configure_failpoint("scopes-list-everywhere", "return(inner)").unwrap();
    });
    let shown = || -> Vec<(String, Option<Origin>, Option<String>)> {
        let list = list_failpoints();
        let list = list.iter().filter(|p| p.name().starts_with("scopes-list-"));
        list.map(|p| (p.name().into(), p.origin(), p.actions().map(Into::into)))
            .collect()
    };
    let row = |name: &str, origin, actions: &str| {
        (
            format!("scopes-list-{name}"),
            Some(origin),
            Some(actions.to_owned()),
        )
    };
    let compiled = ("scopes-list-compiled".to_owned(), None, None);
    let (global, own, around) = (Origin::Global, Origin::Scope, Origin::Outer);
    assert_eq!(
        shown(),
        [
            compiled.clone(),
            row("everywhere", global, "return(global)"),
            row("global", global, "off"),
        ]
    );
    assert_eq!(
        outer.run(shown),
        [
            compiled.clone(),
            row("everywhere", own, "return(outer)"),
            row("global", global, "off"),
            row("outer", own, "off"),
        ]
    );
    let in_inner = [
        compiled.clone(),
        row("everywhere", own, "return(inner)"),
        row("global", global, "off"),
        row("inner", own, "off"),
        row("outer", around, "off"),
    ];
    assert_eq!(inner.run(shown), in_inner);
    let nothing_of_its_own = inner.run(Scope::new);
    let around_all: Vec<_> = nothing_of_its_own.run(shown);
    assert_eq!(around_all.len(), 5);
    let origin = |name: &str| {
        let found = around_all.iter().find(|(n, ..)| n.ends_with(name));
        found.unwrap().1
    };
    assert_eq!(origin("everywhere"), Some(around));
    assert_eq!(origin("inner"), Some(around));
    assert_eq!(origin("global"), Some(global));
    // The text of a point says it, too.
    let text = |name: &str| inner.run(|| info(name).unwrap().to_string());
    assert!(text("scopes-list-inner").contains("of this scope"));
    assert!(text("scopes-list-outer").contains("of an outer scope"));
    assert!(!text("scopes-list-global").contains("scope ("));
    remove_failpoint("scopes-list-global");
    remove_failpoint("scopes-list-everywhere");
}

#[test]
fn the_counts_of_a_name_are_those_of_the_scope() {
    let name = "scopes-counts";
    configure_failpoint(name, "return(global)").unwrap();
    let scope = Scope::new();
    scope.run(|| configure_failpoint(name, "2*return(a)->return(b)").unwrap());
    let _ = hit(name);
    for _ in 0..3 {
        let _ = scope.run(|| hit(name));
    }
    let stats = || {
        let info = info(name).unwrap();
        (info.hits(), info.fired(), info.totals().hits)
    };
    assert_eq!((stats(), scope.run(stats)), ((1, 1, 1), (3, 3, 3)));
    // A guard above it adds to the totals of this scope alone.
    let guard = scope.run(|| armed(name, "guard"));
    let _ = scope.run(|| hit(name));
    assert_eq!((stats(), scope.run(stats)), ((1, 1, 1), (1, 1, 4)));
    drop(guard);
    // A count is the scope's: another that shares the text begins anew.
    let other = Scope::new();
    other.run(|| configure_failpoint(name, "2*return(a)->return(b)").unwrap());
    assert_eq!(
        other.run(|| [hit(name), hit(name), hit(name)]),
        ["a", "a", "b"].map(value)
    );
    remove_failpoint(name);
}

#[test]
fn a_removal_is_that_of_the_own_point_and_shows_what_is_around() {
    let name = "scopes-remove";
    configure_failpoint(name, "return(global)").unwrap();
    let outer = Scope::new();
    outer.run(|| configure_failpoint(name, "return(outer)").unwrap());
    let inner = outer.run(Scope::new);
    inner.run(|| {
        configure_failpoint(name, "return(inner)").unwrap();
        remove_failpoint(name);
        assert_eq!(hit(name), value("outer"));
        // It has none any more: not that of the outer scope.
        remove_failpoint(name);
        remove_all_failpoints();
        assert_eq!(hit(name), value("outer"));
    });
    remove_failpoint(name);
    assert_eq!(inner.run(|| hit(name)), value("outer"));
    outer.run(|| remove_failpoint(name));
    assert_eq!(inner.run(|| hit(name)), Continue);
}

#[test]
fn removing_everything_removes_that_of_the_scope_with_its_guards_and_nothing_else() {
    let names = ["scopes-remove-all-a", "scopes-remove-all-b"];
    for name in names {
        configure_failpoint(name, "return(global)").unwrap();
    }
    let scopes = [Scope::new(), Scope::new()];
    let guards = [0, 1].map(|i| {
        scopes[i].run(|| {
            configure_failpoint(names[0], "return(base)").unwrap();
            [armed(names[0], "guard"), arm(names[1], "pause").unwrap()]
        })
    });
    let waits = [0, 1].map(|i| scopes[i].run(|| waiting(failpoint(names[1], None))));
    scopes[0].run(remove_all_failpoints);
    let [gone, mut stays] = waits;
    assert_eq!(now(gone), Continue);
    assert!(crate::common::poll_once(stays.as_mut()).is_pending());
    assert_eq!(scopes[0].run(|| hit(names[0])), value("global"));
    assert_eq!(scopes[1].run(|| hit(names[0])), value("guard"));
    let [[guard, _], [other, _]] = &guards;
    assert!(
        guard
            .wait_for_hits(1)
            .blocking()
            .unwrap_err()
            .is_not_configured()
    );
    assert_eq!(other.hits(), 1);
    drop(guards);
    assert_eq!(now(stays), Continue);
    assert_eq!(
        scopes[0].run(|| hit(names[0])),
        value("global"),
        "no base is back"
    );
    assert_eq!(scopes[1].run(|| hit(names[0])), value("base"));
    // The scope works on.
    scopes[0].run(|| configure_failpoint(names[0], "return(again)").unwrap());
    assert_eq!(scopes[0].run(|| hit(names[0])), value("again"));
    for name in names {
        remove_failpoint(name);
    }
}

#[test]
fn a_callback_acts_in_the_scope_of_the_hit_that_calls_it() {
    let name = "scopes-callback";
    configure_failpoint_callback(name, || {
        configure_failpoint("scopes-callback-made", "return(made)").unwrap();
    })
    .unwrap();
    let scope = Scope::new();
    assert_eq!(scope.run(|| hit(name)), Continue);
    assert_eq!(scope.run(|| hit("scopes-callback-made")), value("made"));
    assert_eq!(actions("scopes-callback-made"), None);
    remove_failpoint(name);
}

#[test]
fn a_context_of_a_scope_matches_its_hits_only() {
    let name = "scopes-context";
    let scope = Scope::new();
    let matchers = [("tenant", "t-1")];
    scope.run(|| configure_failpoint_with_context(name, "return(x)", matchers).unwrap());
    configure_failpoint_with_context(name, "return(global)", [("tenant", "t-2")]).unwrap();
    let hit = |tenant: &str| {
        let context = failpoint_context! { "tenant" => tenant };
        failpoint_blocking(name, Some(&context))
    };
    let in_scope = scope.run(|| (hit("t-1"), hit("t-2")));
    // Its own point decides, also when it does not match.
    assert_eq!(in_scope, (Return("x".into()), Continue));
    assert_eq!(
        (hit("t-1"), hit("t-2")),
        (Continue, Return("global".into()))
    );
    remove_failpoint(name);
}
