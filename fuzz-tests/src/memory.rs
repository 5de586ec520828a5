//! How much memory something may take: so much for each byte of its input, and so much in any case.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use allocation_counter::measure;

/// A line that memory stays below.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bound {
    /// The bytes for each byte of the input.
    pub(crate) each: u64,
    /// The bytes in any case.
    pub(crate) fixed: u64,
}

impl Bound {
    /// Runs something that reads `length` bytes, and asserts that what it holds at any time, and what it
    /// takes in all, stay below the line: what is copied again and again shows in the second.
    pub(crate) fn holds<R>(self, length: usize, run: impl FnOnce() -> R) -> R {
        let mut result = None;
        // It counts wrong from then on if a panic gets through.
        let info = measure(|| result = Some(catch_unwind(AssertUnwindSafe(run))));
        let result = result
            .expect("it was run")
            .unwrap_or_else(|panic| resume_unwind(panic));
        let most = self.fixed + self.each * length as u64;
        assert!(
            info.bytes_max <= most,
            "{length} bytes of input took {} bytes at once, which may be {most}",
            info.bytes_max
        );
        let most = IN_ALL * most;
        assert!(
            info.bytes_total <= most,
            "{length} bytes of input took {} bytes one after the other, which may be {most}",
            info.bytes_total
        );
        result
    }
}

/// How much more may be taken one after the other than at once.
const IN_ALL: u64 = 16;
