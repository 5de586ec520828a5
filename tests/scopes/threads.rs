//! Proves in which scope a plain thread is.

use std::sync::Barrier;
use std::thread;

use crate::armed;
use crate::common::{hit, panic_of, value};
use neon_failpoint::FailpointResult::Continue;
use neon_failpoint::{
    Attached, Entered, Isolated, Scope, Scoped, configure_failpoint, fail_point_sync, isolate,
};

#[test]
fn two_threads_see_each_their_own_configuration_of_one_name() {
    let meet = Barrier::new(2);
    thread::scope(|threads| {
        for own in ["a", "b"] {
            let meet = &meet;
            threads.spawn(move || {
                let site = || {
                    fail_point_sync!("scopes-two-threads", |text| text);
                    String::new()
                };
                let _alone = isolate();
                meet.wait();
                assert_eq!(site(), "");
                meet.wait();
                let point = armed("scopes-two-threads", own);
                meet.wait();
                assert_eq!(
                    (site(), hit("scopes-two-threads")),
                    (own.into(), value(own))
                );
                assert_eq!((point.hits(), point.fired()), (2, 2));
                meet.wait();
                if own == "a" {
                    drop(point);
                    assert_eq!((site(), hit("scopes-two-threads")), ("".into(), Continue));
                    meet.wait();
                } else {
                    meet.wait();
                    assert_eq!(
                        (site(), hit("scopes-two-threads")),
                        (own.into(), value(own))
                    );
                }
            });
        }
    });
    assert_eq!(hit("scopes-two-threads"), Continue);
}

#[test]
fn a_thread_of_the_test_is_in_its_scope_only_if_it_is_wrapped() {
    let name = "scopes-wrap";
    let alone = isolate();
    let point = armed(name, "mine");
    assert_eq!(
        thread::spawn(|| hit("scopes-wrap")).join().unwrap(),
        Continue
    );
    let wrapped = alone.scope().wrap(|| hit("scopes-wrap"));
    assert_eq!(thread::spawn(wrapped).join().unwrap(), value("mine"));
    // Wrapped twice: the inner one counts.
    let inner = Scope::new();
    inner.run(|| configure_failpoint(name, "return(inner)").unwrap());
    let twice = alone.scope().wrap(inner.wrap(|| hit("scopes-wrap")));
    assert_eq!(thread::spawn(twice).join().unwrap(), value("inner"));
    let twice = inner.wrap(alone.scope().wrap(|| hit("scopes-wrap")));
    assert_eq!(thread::spawn(twice).join().unwrap(), value("mine"));
    assert_eq!((point.hits(), point.fired()), (2, 2));
}

#[test]
fn a_wrapped_closure_that_is_never_called_holds_the_scope_open_and_no_longer() {
    let scope = Scope::new();
    scope.run(|| configure_failpoint("scopes-wrap-held", "return(held)").unwrap());
    let wrapped = scope.wrap(|| hit("scopes-wrap-held"));
    let other = scope.wrap(|| ());
    drop(scope);
    assert_eq!(wrapped(), value("held"));
    drop(other);
}

#[test]
fn entries_may_be_dropped_in_any_order_and_the_newest_that_is_left_counts() {
    let name = "scopes-entries";
    let scopes = ["a", "b", "c"].map(|text| {
        let scope = Scope::new();
        scope.run(|| configure_failpoint(name, format!("return({text})")).unwrap());
        (scope, text)
    });
    for order in [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ] {
        let mut entries: Vec<_> = scopes
            .iter()
            .map(|(scope, _)| Some(scope.enter()))
            .collect();
        assert_eq!(hit(name), value("c"));
        for dropped in order {
            entries[dropped] = None;
            let newest = entries.iter().rposition(Option::is_some);
            let seen = newest.map_or(Continue, |newest| value(scopes[newest].1));
            assert_eq!(hit(name), seen, "{order:?}, after {dropped}");
        }
        assert!(Scope::current().is_none());
    }
    // The same one several times.
    let (scope, _) = &scopes[0];
    let (first, second) = (scope.enter(), scope.enter());
    drop(first);
    assert_eq!(hit(name), value("a"));
    drop(second);
    assert_eq!(hit(name), Continue);
}

#[test]
fn nested_isolation_ends_inside_out_or_outside_in() {
    let name = "scopes-nested-isolate";
    for inner_first in [true, false] {
        let outer = isolate();
        configure_failpoint(name, "return(outer)").unwrap();
        let inner = isolate();
        assert_eq!(hit(name), value("outer"), "it shows through");
        configure_failpoint(name, "return(inner)").unwrap();
        assert_eq!(hit(name), value("inner"));
        if inner_first {
            drop(inner);
            assert_eq!(hit(name), value("outer"));
            drop(outer);
        } else {
            drop(outer);
            assert_eq!(hit(name), value("inner"));
            configure_failpoint(name, "return(again)").unwrap();
            assert_eq!(hit(name), value("again"));
            drop(inner);
        }
        assert_eq!(hit(name), Continue);
        assert!(Scope::current().is_none());
    }
}

#[test]
fn a_panic_inside_run_leaves_the_scope() {
    let scope = Scope::new();
    assert_eq!(panic_of(|| scope.run(|| panic!("inside"))), "inside");
    assert!(Scope::current().is_none());
    let scope = isolate();
    let inner = Scope::new();
    let text = panic_of(|| inner.run(|| scope.scope().run(|| panic!("deeper"))));
    assert_eq!(text, "deeper");
    configure_failpoint("scopes-after-panic", "return(outer)").unwrap();
    assert_eq!(hit("scopes-after-panic"), value("outer"));
    inner.run(|| assert_eq!(hit("scopes-after-panic"), value("outer")));
}

#[test]
fn current_is_the_scope_of_the_caller_and_holds_it_open() {
    let name = "scopes-current";
    assert!(Scope::current().is_none());
    let scope = Scope::new();
    let current = scope.run(|| {
        configure_failpoint(name, "return(kept)").unwrap();
        Scope::current().unwrap()
    });
    assert_eq!(format!("{current:?}"), format!("{scope:?}"));
    drop(scope);
    assert_eq!(current.run(|| hit(name)), value("kept"));
}

#[test]
fn a_new_scope_is_inside_the_current_one_wherever_it_is_entered() {
    let name = "scopes-new-inside";
    let outer = Scope::new();
    outer.run(|| configure_failpoint(name, "return(outer)").unwrap());
    let inner = outer.run(Scope::new);
    let beside = Scope::new();
    assert_eq!(inner.run(|| hit(name)), value("outer"));
    assert_eq!(beside.run(|| inner.run(|| hit(name))), value("outer"));
    // Entered inside another one, a scope is not a part of it.
    assert_eq!(outer.run(|| beside.run(|| hit(name))), Continue);
}

#[test]
fn handles_go_between_threads_and_stays_of_threads_do_not() {
    fn shared<T: Send + Sync + Clone + std::fmt::Debug + 'static>() {}
    fn sent<T: Send + Sync + std::fmt::Debug + 'static>() {}
    fn shown<T: std::fmt::Debug>() {}
    fn unpin<T: Unpin>() {}
    shared::<Scope>();
    sent::<Attached>();
    sent::<Scoped<std::future::Ready<()>>>();
    unpin::<Scoped<std::marker::PhantomPinned>>();
    sent::<Isolated>();
    shown::<Entered>();

    // Ambiguous, and so an error, if the type were `Send`.
    trait AmbiguousIfSend<A> {
        fn is_not_send() {}
    }
    impl<T> AmbiguousIfSend<()> for T {}
    impl<T: Send> AmbiguousIfSend<u8> for T {}
    let _: fn() = <Entered as AmbiguousIfSend<_>>::is_not_send;
}
