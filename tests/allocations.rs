//! Proves that idle hits, and hits whose action does nothing, allocate nothing, and
//! that an idle site does not evaluate its context.
//!
//! Alone for the allocator of the process; on the global table, with one test.
#![cfg(all(feature = "testing", feature = "async", feature = "context"))]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::LazyLock;

use neon_failpoint::{
    FailpointContext, FailpointResult, configure_failpoint, fail_point, fail_point_sync,
    fail_point_with_context, fail_point_with_context_sync, failpoint, failpoint_blocking,
    failpoint_with_cancellation, pausable_failpoint, remove_all_failpoints, sleep_millis_async,
};
use tokio_util::sync::CancellationToken;

mod common;

use common::now;

/// The system's allocator, which counts the calls of each thread.
struct Counting;

thread_local! {
    static CALLS: Cell<usize> = const { Cell::new(0) };
}

fn count() {
    // A thread that ends may allocate when its counter is gone.
    let _ = CALLS.try_with(|calls| calls.set(calls.get() + 1));
}

// SAFETY: everything is passed on to `System`, and counting does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(run: impl FnOnce()) -> usize {
    let before = CALLS.get();
    run();
    CALLS.get() - before
}

static TOKEN: LazyLock<CancellationToken> = LazyLock::new(CancellationToken::new);
static OTHER: LazyLock<FailpointContext> =
    LazyLock::new(|| FailpointContext::from_iter([("tenant", "other")]));

/// The context of a site in a table: what it costs to make one does not count.
type MakeContext = fn() -> &'static FailpointContext;

fn ready_made() -> &'static FailpointContext {
    &OTHER
}

fn never_evaluated() -> &'static FailpointContext {
    panic!("the context of an idle site was evaluated");
}

/// A run-time name, which has no call-site static.
fn name() -> &'static str {
    std::hint::black_box("a")
}

fn continues(result: FailpointResult) {
    assert_eq!(result, FailpointResult::Continue);
}

/// Every way to hit "a". The functions take a context that exists, the macros an
/// expression that makes one.
type Way = (&'static str, fn(MakeContext));
const WAYS: [Way; 31] = [
    ("failpoint_blocking", |_| {
        continues(failpoint_blocking("a", None));
    }),
    ("failpoint_blocking, context", |_| {
        continues(failpoint_blocking("a", Some(ready_made())));
    }),
    ("failpoint", |_| continues(now(failpoint("a", None)))),
    ("failpoint, context", |_| {
        continues(now(failpoint("a", Some(ready_made()))));
    }),
    ("failpoint_with_cancellation", |_| {
        continues(now(failpoint_with_cancellation("a", None, &TOKEN)));
    }),
    ("failpoint_with_cancellation, context", |_| {
        let context = Some(ready_made());
        continues(now(failpoint_with_cancellation("a", context, &TOKEN)));
    }),
    ("fail_point_sync", |_| fail_point_sync!("a")),
    ("fail_point_sync, closure", |_| {
        fail_point_sync!("a", |_| unreachable!());
    }),
    ("fail_point_sync, condition", |_| {
        fail_point_sync!("a", true, |_| unreachable!());
    }),
    ("fail_point_sync, name", |_| fail_point_sync!(name())),
    ("fail_point_sync, name, closure", |_| {
        fail_point_sync!(name(), |_| unreachable!());
    }),
    ("fail_point_with_context_sync", |context| {
        fail_point_with_context_sync!("a", context());
    }),
    ("fail_point_with_context_sync, closure", |context| {
        fail_point_with_context_sync!("a", context(), |_| unreachable!());
    }),
    ("fail_point_with_context_sync, condition", |context| {
        fail_point_with_context_sync!("a", context(), true, |_| unreachable!());
    }),
    ("fail_point_with_context_sync, name", |context| {
        fail_point_with_context_sync!(name(), context());
    }),
    ("fail_point", |_| now(async { fail_point!("a") })),
    ("fail_point, closure", |_| {
        now(async { fail_point!("a", |_| unreachable!()) });
    }),
    ("fail_point, condition", |_| {
        now(async { fail_point!("a", true, |_| unreachable!()) });
    }),
    ("fail_point, name", |_| now(async { fail_point!(name()) })),
    ("fail_point, name, closure", |_| {
        now(async { fail_point!(name(), |_| unreachable!()) });
    }),
    ("fail_point_with_context", |context| {
        now(async { fail_point_with_context!("a", context()) });
    }),
    ("fail_point_with_context, closure", |context| {
        now(async { fail_point_with_context!("a", context(), |_| unreachable!()) });
    }),
    ("fail_point_with_context, name", |context| {
        now(async { fail_point_with_context!(name(), context()) });
    }),
    ("failpoint!", |_| continues(now(failpoint!("a")))),
    ("failpoint!, cancel", |_| {
        continues(now(failpoint!("a", cancel = &TOKEN)));
    }),
    ("failpoint!, context", |context| {
        continues(now(failpoint!("a", context())));
    }),
    ("failpoint!, context, cancel", |context| {
        continues(now(failpoint!("a", context(), cancel = &TOKEN)));
    }),
    ("failpoint!, name, context", |context| {
        continues(now(failpoint!(name(), context())));
    }),
    ("pausable_failpoint", |_| {
        assert_eq!(now(pausable_failpoint!("a", &TOKEN)), Ok(()));
    }),
    ("sleep_millis_async", |_| {
        now(sleep_millis_async!("a", &TOKEN));
    }),
    ("sleep_millis_async, name", |_| {
        now(sleep_millis_async!(name()));
    }),
];

/// Hits in every way, three times each: a site's first hit looks its name up.
#[track_caller]
fn assert_free(state: &str, context: MakeContext) {
    for (way, hit) in WAYS {
        for n in 1..=3 {
            let allocations = allocations(|| hit(context));
            assert_eq!(allocations, 0, "{way}: hit {n}, {state}");
        }
    }
}

#[test]
fn a_hit_that_does_nothing_allocates_nothing() {
    // The counter counts.
    assert_eq!(allocations(|| drop(Box::new(1))), 1);

    // What is made once a process or once a thread: the statics above, the reading of
    // FAILPOINTS, arc-swap's place for this thread.
    let _ = (&*TOKEN, &*OTHER);
    configure_failpoint("a", "off").unwrap();
    continues(failpoint_blocking("a", None));
    remove_all_failpoints();
    assert_free("the table is empty", never_evaluated);

    for i in 0..100 {
        configure_failpoint(format!("other-{i}"), "return").unwrap();
    }
    assert_free("other names are configured", never_evaluated);

    for actions in ["off", "0*return", "0%return", "0*off->0%pause"] {
        configure_failpoint("a", actions).unwrap();
        assert_free(actions, ready_made);
    }

    let actions = "when(tenant=t-.*)return->when(missing=x)pause";
    configure_failpoint("a", actions).unwrap();
    // The first match of a regular expression makes room for its state.
    continues(failpoint_blocking("a", Some(ready_made())));
    assert_free(actions, ready_made);

    remove_all_failpoints();
    assert_free("the table is empty again", never_evaluated);
}
