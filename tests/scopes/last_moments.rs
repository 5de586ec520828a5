//! Proves in which scope a thread is while it ends: what its locals' destructors do.

use std::cell::RefCell;
use std::sync::mpsc::channel;
use std::thread;

use crate::common::{actions, hit, value};
use neon_failpoint::FailpointResult::{self, Continue};
use neon_failpoint::{InScope, Scope, configure_failpoint, failpoint, isolate};

/// Runs a function when the thread ends.
struct AtTheEnd(Box<dyn FnOnce()>);

struct Slot(Option<AtTheEnd>);

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(AtTheEnd(f)) = self.0.take() {
            f();
        }
    }
}

thread_local! {
    /// Locals are destroyed in the reverse of the order in which they were first used.
    static OUTLIVES: RefCell<Slot> = const { RefCell::new(Slot(None)) };
    static OUTLIVES_TOO: RefCell<Slot> = const { RefCell::new(Slot(None)) };
    static FIRST: RefCell<Slot> = const { RefCell::new(Slot(None)) };
}

type Local = thread::LocalKey<RefCell<Slot>>;

fn at_the_end(local: &'static Local, f: impl FnOnce() + 'static) {
    local.with(|slot| slot.borrow_mut().0 = Some(AtTheEnd(Box::new(f))));
}

fn scope_with(name: &str, text: &str) -> Scope {
    let scope = Scope::new();
    scope.run(|| configure_failpoint(name, format!("return({text})")).unwrap());
    scope
}

/// Runs `f` on a thread, with the locals in the order in which they outlive what `f` uses.
fn on_a_thread<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = thread::spawn(|| {
        for local in [&OUTLIVES, &OUTLIVES_TOO] {
            local.with(|_| ());
        }
        f()
    });
    thread.join().unwrap()
}

#[test]
fn a_thread_that_ends_after_it_left_its_scope_hits_outside_of_it() {
    let name = "scopes-ends-outside";
    let scope = scope_with(name, "in");
    let (told, seen) = channel::<FailpointResult>();
    on_a_thread(scope.wrap(move || {
        assert_eq!(hit(name), value("in"));
        for local in [&OUTLIVES, &FIRST] {
            let told = told.clone();
            at_the_end(local, move || told.send(hit(name)).unwrap());
        }
    }));
    assert_eq!(seen.iter().collect::<Vec<_>>(), [Continue, Continue]);
}

#[test]
fn an_isolation_kept_by_a_local_ends_with_the_thread() {
    let name = "scopes-isolated-local";
    for local in [&OUTLIVES, &FIRST] {
        let scope = on_a_thread(move || {
            let alone = isolate();
            configure_failpoint(name, "return(in)").unwrap();
            let scope = alone.scope().clone();
            at_the_end(local, move || drop(alone));
            scope
        });
        scope.run(|| {
            assert_eq!(hit(name), Continue);
            let error = configure_failpoint(name, "off").unwrap_err();
            assert!(error.to_string().contains("scope has ended"), "{error}");
        });
    }
}

#[test]
fn a_destructor_that_runs_inside_a_scope_while_the_thread_ends_hits_inside_it() {
    let name = "scopes-run-at-the-end";
    for local in [&FIRST, &OUTLIVES] {
        let scope = scope_with(name, "in");
        let (told, seen) = channel::<FailpointResult>();
        on_a_thread(move || {
            scope.run(|| ());
            at_the_end(local, move || {
                told.send(scope.run(|| hit(name))).unwrap();
                let future = failpoint(name, None).in_scope(&scope);
                told.send(crate::common::now(future)).unwrap();
            });
        });
        assert_eq!(seen.iter().collect::<Vec<_>>(), [value("in"), value("in")]);
    }
}

#[test]
fn what_a_destructor_configures_inside_a_scope_while_the_thread_ends_stays_inside_it() {
    let name = "scopes-configured-at-the-end";
    let scope = Scope::new();
    let inner = scope.clone();
    on_a_thread(move || {
        inner.run(|| ());
        at_the_end(&OUTLIVES, move || {
            // Refused or inside: but not outside.
            let _ = inner.run(|| configure_failpoint(name, "return(in)"));
        });
    });
    let outside = actions(name);
    neon_failpoint::remove_failpoint(name);
    assert_eq!(outside, None);
}

#[test]
fn an_entry_that_outlives_its_threads_locals_leaves_the_scope_all_the_same() {
    let name = "scopes-entered-local";
    let scope = scope_with(name, "in");
    let (told, seen) = channel::<FailpointResult>();
    let inner = scope.clone();
    on_a_thread(move || {
        let entered = inner.enter();
        let before = told.clone();
        at_the_end(&OUTLIVES_TOO, move || {
            before.send(hit(name)).unwrap();
            drop(entered);
            before.send(hit(name)).unwrap();
        });
        at_the_end(&OUTLIVES, move || told.send(hit(name)).unwrap());
    });
    let seen: Vec<_> = seen.iter().collect();
    assert_eq!(seen[1..], [Continue, Continue], "after it was dropped");
}
