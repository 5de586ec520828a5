//! Proves that a scope leaves no memory behind, and that scopes inside each other cost as much each as
//! one alone. Counts what the process has allocated: there is one test.
#![cfg(all(
    feature = "testing",
    feature = "async",
    feature = "context",
    feature = "runtime"
))]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicIsize, Ordering};
use std::time::{Duration, Instant};

use neon_failpoint::FailpointResult::Continue;
use neon_failpoint::compat::FailScenario;
use neon_failpoint::{
    InScope, Scope, arm, configure_failpoint, failpoint, isolate, set_seed, wait_for_hits,
};

mod common;

use common::{hit, now, value, waiting, within_deadline};

/// The system's allocator, which counts the bytes that are in use.
struct Counting;

static LIVE: AtomicIsize = AtomicIsize::new(0);

fn add(bytes: usize) {
    LIVE.fetch_add(bytes as isize, Ordering::Relaxed);
}

fn sub(bytes: usize) {
    LIVE.fetch_sub(bytes as isize, Ordering::Relaxed);
}

// SAFETY: everything is passed on to `System`, and counting does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add(layout.size());
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        add(layout.size());
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        sub(layout.size());
        add(size);
        // SAFETY: the caller keeps the contract.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        sub(layout.size());
        // SAFETY: the caller keeps the contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn live() -> isize {
    LIVE.load(Ordering::Relaxed)
}

/// The rounds that a debug build takes instead of `full`, unless it is asked for more.
fn rounds(full: usize) -> usize {
    let is_asked = std::env::var_os("NEON_FAILPOINT_ROUNDS").is_some();
    if is_asked || cfg!(debug_assertions) {
        common::rounds().min(full)
    } else {
        full
    }
}

/// Asserts that `n` rounds of `round` leave the process as large as it was.
#[track_caller]
fn leaves_nothing(what: &str, n: usize, mut round: impl FnMut(usize)) {
    // What is kept for good, such as the capacity of a list, is there after a few.
    for i in 0..200 {
        round(i);
    }
    let before = live();
    for i in 200..200 + n {
        round(i);
    }
    // Less than a byte for each of them; and a table's last snapshot may differ a little. The points that
    // were paused at last are let go once it was seen that nobody hangs there.
    let start = Instant::now();
    let mut grown = live() - before;
    while grown >= 2_000 && start.elapsed() < common::DEADLINE {
        std::thread::sleep(Duration::from_millis(10));
        grown = live() - before;
    }
    assert!(grown < 2_000, "{what}: {n} rounds left {grown} bytes");
}

#[test]
fn scopes_leave_nothing_behind() {
    scopes_one_after_another();
    let rest: [fn(); 2] = [
        names_that_come_and_go_in_one_scope,
        scopes_inside_each_other,
    ];
    // All of them, although one fails.
    let failed = rest.map(|part| std::thread::spawn(part).join().is_err());
    assert_eq!(
        failed,
        [false, false],
        "names in one scope, scopes inside each other"
    );
}

fn scopes_one_after_another() {
    let (million, many) = (rounds(1_000_000), rounds(100_000));
    leaves_nothing("isolations", million, |_| drop(isolate()));
    leaves_nothing("scopes", million, |_| {
        let scope = Scope::new();
        scope.run(|| drop(Scope::current()));
        drop((scope.clone(), scope));
    });
    let arms = |name: &str| {
        let _alone = isolate();
        let _point = arm(name, "return(x)").unwrap();
        assert_eq!(hit(name), value("x"));
    };
    leaves_nothing("with an arm", many, |_| arms("memory-arm"));
    leaves_nothing("with an arm of a name of its own", many, |i| {
        arms(&format!("memory-arm-{i}"));
    });
    leaves_nothing("with a point that ends with it", many, |i| {
        let _alone = isolate();
        configure_failpoint(format!("memory-left-{}", i % 50), "return(x)").unwrap();
        let _ = hit("memory-left-1");
    });
    leaves_nothing("with guards that outlive it", many, |_| {
        let alone = isolate();
        let guards = [
            arm("memory-outlives", "off").unwrap(),
            arm("memory-outlives", "off").unwrap(),
        ];
        let _ = hit("memory-outlives");
        drop(alone);
        drop(guards);
    });
    leaves_nothing("with waiters and observers", many, |_| {
        let alone = isolate();
        configure_failpoint("memory-waits", "pause").unwrap();
        let hit = waiting(failpoint("memory-waits", None));
        let mut observer =
            Box::pin(wait_for_hits("memory-waits", 9).within(std::time::Duration::MAX));
        assert!(common::poll_once(observer.as_mut()).is_pending());
        drop(alone);
        assert_eq!(now(hit), Continue);
        now(observer).unwrap_err();
    });
    leaves_nothing("with draws", many, |i| {
        let _alone = isolate();
        set_seed(i as u64);
        configure_failpoint("memory-draws", "50%return").unwrap();
        let _ = hit("memory-draws");
    });
    leaves_nothing("with a scenario", many, |_| {
        let _alone = isolate();
        let scenario = FailScenario::setup();
        neon_failpoint::compat::cfg("memory-scenario", "off").unwrap();
        let _ = hit("memory-scenario");
        drop(scenario);
    });
    leaves_nothing("with a future", many, |_| {
        let scope = Scope::new();
        scope.run(|| configure_failpoint("memory-future", "off").unwrap());
        let _ = now(failpoint("memory-future", None).in_scope(&scope));
    });
    let runtime = common::Runtime::CurrentThread.build();
    leaves_nothing("attached", many, |_| {
        let scope = Scope::new();
        let _attached = scope.attach(runtime.handle());
        runtime.block_on(async { drop(failpoint("memory-attached", None).await) });
    });
    runtime.block_on(async {
        leaves_nothing("in a runtime", many, |_| arms("memory-runtime"));
    });
    leaves_nothing("where everything is refused", many, |_| {
        let alone = isolate();
        let scope = alone.scope().clone();
        drop(alone);
        scope.run(|| assert!(configure_failpoint("memory-refused", "off").is_err()));
    });
}

/// As outside of scopes.
fn names_that_come_and_go_in_one_scope() {
    let _alone = isolate();
    leaves_nothing("names that come and go", rounds(100_000), |i| {
        drop(arm(format!("memory-comes-and-goes-{i}"), "off").unwrap());
    });
}

/// Scopes of which each is inside the one before.
fn nested(depth: usize) -> Vec<Scope> {
    let mut scopes = vec![Scope::new()];
    for _ in 1..depth {
        let inner = scopes[scopes.len() - 1].run(Scope::new);
        scopes.push(inner);
    }
    scopes
}

fn scopes_inside_each_other() {
    let cost = |depth: usize| {
        let before = live();
        let scopes = nested(depth);
        let cost = live() - before;
        drop(scopes);
        assert!(
            live() - before < 2_000,
            "{depth} scopes left {}",
            live() - before
        );
        cost / depth as isize
    };
    let (few, many) = (cost(200), cost(4_000));
    // Before what would take all memory.
    assert!(
        many < 2 * few.max(500),
        "a scope costs {few} bytes each at a depth of 200, and {many} at 4,000"
    );
    // On a thread with the usual stack, in every order in which they can go.
    within_deadline("100,000 scopes inside each other", || {
        const DEPTH: usize = 100_000;
        let ends: [fn(Vec<Scope>); 3] = [
            drop,
            |scopes| scopes.into_iter().rev().for_each(drop),
            |mut scopes| {
                let innermost = scopes.pop().unwrap();
                drop(scopes);
                innermost.run(|| assert_eq!(hit("memory-deep"), value("outermost")));
                drop(innermost);
            },
        ];
        for end in ends {
            let scopes = nested(DEPTH);
            scopes[0].run(|| configure_failpoint("memory-deep", "return(outermost)").unwrap());
            end(scopes);
            assert!(common::info("memory-deep").is_none());
        }
        // Entered inside each other, and left from the outside in.
        let scopes = nested(1_000);
        let entries: Vec<_> = scopes.iter().map(Scope::enter).collect();
        drop(scopes);
        entries.into_iter().for_each(drop);
    });
}
