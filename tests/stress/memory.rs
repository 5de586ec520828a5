//! How much memory the process has: the bytes that are allocated, and, on Linux, what the system says.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicIsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::DEADLINE;

/// The system's allocator, which counts the bytes that are in use while it is asked to.
struct Counting;

/// The races are not counted: a counter that all threads write would put them in step.
static IS_ON: AtomicBool = AtomicBool::new(false);
static LIVE: AtomicIsize = AtomicIsize::new(0);

fn add(bytes: isize) {
    if IS_ON.load(Ordering::Relaxed) {
        LIVE.fetch_add(bytes, Ordering::Relaxed);
    }
}

// SAFETY: everything is passed on to `System`, and counting does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add(layout.size() as isize);
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        add(layout.size() as isize);
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        add(size as isize - layout.size() as isize);
        // SAFETY: the caller keeps the contract.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        add(-(layout.size() as isize));
        // SAFETY: the caller keeps the contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Counts until it is dropped. The test that has it has the table, so that no other test is counted.
pub(crate) struct Counted;

impl Counted {
    pub(crate) fn begin() -> Self {
        LIVE.store(0, Ordering::Relaxed);
        IS_ON.store(true, Ordering::Relaxed);
        Self
    }

    /// The bytes that were allocated since it began, and are there still.
    pub(crate) fn live(&self) -> isize {
        LIVE.load(Ordering::Relaxed)
    }

    /// Asserts that `n` rounds of `round` leave the process as large as it was.
    #[track_caller]
    pub(crate) fn leaves_nothing(&self, what: &str, n: usize, mut round: impl FnMut()) {
        // What is kept for good, such as the capacity of a list, is there after a few.
        (0..n).for_each(|_| round());
        let mut left = 0;
        // The test harness has memory of its own, and what grows there grows once.
        for _ in 0..5 {
            let before = self.live();
            (0..n).for_each(|_| round());
            // Points that were paused at are let go once it was seen that nobody hangs there.
            let deadline = Instant::now() + DEADLINE / 10;
            left = self.live() - before;
            while left >= n as isize && Instant::now() < deadline {
                thread::sleep(Duration::from_millis(10));
                left = self.live() - before;
            }
            // Not a byte for each round.
            if left < n as isize {
                return;
            }
        }
        panic!("{what}: {n} rounds left {left} bytes, again and again");
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        IS_ON.store(false, Ordering::Relaxed);
    }
}

/// The pages of the process that are in memory, in KiB; 0 where the system does not say.
pub(crate) fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}
