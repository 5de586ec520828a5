//! Whether a thread is at work inside of this crate, where no code but our own runs (I5). A hit can come
//! from there all the same, from an allocator with a failpoint in it. Such a hit finds nothing: it would
//! wait for what its own thread is about to do, or allocate again.

use std::cell::Cell;
use std::marker::PhantomData;

thread_local! {
    // Without a destructor, so that it needs no memory and is there until the thread has ended.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// While it is there, hits of this thread find nothing.
pub(crate) struct Inside(PhantomData<*const ()>);

impl Inside {
    /// Whether this thread is inside.
    #[inline]
    pub(crate) fn is() -> bool {
        // Loom's threads are all one thread.
        !cfg!(all(test, neon_failpoint_loom)) && DEPTH.get() > 0
    }

    #[inline]
    pub(crate) fn enter() -> Self {
        DEPTH.set(DEPTH.get() + 1);
        Self(PhantomData)
    }
}

impl Drop for Inside {
    #[inline]
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}
