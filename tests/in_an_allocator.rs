//! Proves that a failpoint may be in the global allocator: its first hit, before `main` and at both ends
//! of a thread, neither hangs nor allocates.
//!
//! Alone for the allocator of the process.
#![cfg(feature = "testing")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ffi::OsStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use neon_failpoint::compat::fail_point;
use neon_failpoint::{
    Scope, arm, configure_failpoint, fail_point_sync, failpoint_blocking, isolate, list_failpoints,
    remove_failpoint,
};

mod common;

use common::{child, within_deadline};

/// The system's allocator, with points.
struct Failing;

thread_local! {
    static IS_HIT: Cell<bool> = const { Cell::new(false) };
    /// How often the hits of this thread allocated.
    static NESTED: Cell<usize> = const { Cell::new(0) };
}

static HITS: AtomicUsize = AtomicUsize::new(0);
/// How often the hits of all threads allocated.
static ALL_NESTED: AtomicUsize = AtomicUsize::new(0);

fn hit(points: fn()) {
    if IS_HIT.replace(true) {
        // What a hit allocates hits, too.
        NESTED.set(NESTED.get() + 1);
        ALL_NESTED.fetch_add(1, Ordering::Relaxed);
        points();
        return;
    }
    HITS.fetch_add(1, Ordering::Relaxed);
    points();
    IS_HIT.set(false);
}

fn in_alloc() {
    fail_point_sync!("alloc");
    fail_point_sync!("alloc-returns", |_| ());
    fail_point!("alloc-compat");
    // A name that exists only at run time.
    let _ = failpoint_blocking(std::hint::black_box("alloc-by-name"), None);
}

/// Without values: to drop one is to hit this again.
fn in_dealloc() {
    fail_point_sync!("dealloc");
    fail_point!("dealloc-compat");
}

// SAFETY: everything is passed on to `System`, and a hit does not unwind.
unsafe impl GlobalAlloc for Failing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        hit(in_alloc);
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        hit(in_dealloc);
        // SAFETY: the caller keeps the contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Failing = Failing;

/// How often hits allocated while `work` ran.
fn nested_in(work: impl FnOnce()) -> usize {
    let before = NESTED.get();
    work();
    NESTED.get() - before
}

/// A thread that allocates at its start and in its last moments.
fn a_thread() {
    struct Last;

    impl Drop for Last {
        fn drop(&mut self) {
            drop(vec![1, 2, 3]);
        }
    }

    thread_local! {
        static LAST: Last = const { Last };
    }
    let thread = thread::spawn(|| {
        LAST.with(|_| drop(vec![1]));
        NESTED.get()
    });
    assert_eq!(thread.join().unwrap(), 0);
}

const CASES: &[(&str, fn())] = &[
    ("idle", || {
        // Before `main`, and in it.
        assert!(HITS.load(Ordering::Relaxed) > 0);
        for _ in 0..10 {
            a_thread();
        }
        assert_eq!(ALL_NESTED.load(Ordering::Relaxed), 0);
    }),
    ("something else is configured", || {
        configure_failpoint("alloc-other", "return").unwrap();
        // A thread looks once.
        drop(vec![1]);
        for _ in 0..10 {
            let thread = thread::spawn(|| {
                drop(vec![1]);
                assert_eq!(nested_in(|| drop(vec![1])), 0);
            });
            thread.join().unwrap();
        }
        assert_eq!(nested_in(|| drop(vec![1])), 0);
        let alone = isolate();
        let _other = arm("alloc-other", "off").unwrap();
        drop(vec![1]);
        drop(alone);
        remove_failpoint("alloc-other");
        drop(vec![1]);
        assert_eq!(nested_in(|| drop(vec![1])), 0);
    }),
    ("in scopes", || {
        let scope = Scope::new();
        let point = scope.run(|| arm("alloc", "off")).unwrap();
        let _in_it = scope.enter();
        // The thread's list of scopes grows.
        let inner: Vec<_> = (0..100).map(|_| isolate()).collect();
        drop(vec![1]);
        drop(inner);
        assert!(point.hits() > 0);
    }),
    // What is left of FAILPOINTS is right, whoever read it.
    ("FAILPOINTS", || {
        let value = neon_failpoint::FailpointResult::Return("x".to_owned());
        assert_eq!(failpoint_blocking("alloc-other", None), value);
        drop(vec![1]);
        assert!(list_failpoints().iter().any(|p| p.name() == "alloc"));
    }),
    ("armed", || {
        for (name, actions) in [
            ("alloc", "off"),
            ("alloc", "yield"),
            ("alloc", "100*sleep(1)->off"),
            ("alloc", "50%off"),
            ("alloc-returns", "return(a value that is allocated)"),
            ("alloc-compat", "100*sleep(1)->off"),
            ("alloc-by-name", "return(a value)"),
            ("dealloc", "100*sleep(1)->off"),
            ("dealloc-compat", "50%off"),
            // Nothing that a hit does before it sleeps is to hit again.
            ("alloc", "sleep(1)"),
            ("dealloc", "sleep(1)"),
            ("dealloc-compat", "sleep(1)"),
        ] {
            configure_failpoint(name, actions).unwrap();
            let hits = || {
                let points = list_failpoints();
                points.iter().find(|p| p.name() == name).unwrap().hits()
            };
            let before = hits();
            drop(vec![1]);
            assert!(hits() > before, "{name}={actions}");
            remove_failpoint(name);
        }
    }),
    ("a bad value", || {
        let _ = failpoint_blocking("alloc-other", None);
    }),
];

const TEST: &str = "a_failpoint_in_the_allocator_neither_hangs_nor_allocates";

#[test]
fn a_failpoint_in_the_allocator_neither_hangs_nor_allocates() {
    child::play(CASES);
    if child::role().is_some() {
        return;
    }
    for (role, failpoints) in [
        ("idle", None),
        ("something else is configured", None),
        ("in scopes", None),
        ("armed", None),
        ("FAILPOINTS", Some("alloc-other=return(x);alloc=off")),
    ] {
        let variables = failpoints.map(|value| ("FAILPOINTS", OsStr::new(value)));
        within_deadline(role, move || {
            let output = child::run(TEST, role, variables.as_slice());
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(
                output.status.success(),
                "{role}: {}\n{stderr}",
                output.status
            );
        });
    }
    let output = child::run(
        TEST,
        "a bad value",
        &[("FAILPOINTS", OsStr::new("alloc=of"))],
    );
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("unknown"), "{stderr}");
}
