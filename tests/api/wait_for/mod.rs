//! Proves what a wait for hits or for waiters is answered by, when it is an error, which deadline
//! ends it and with which words, and that it is woken for nothing else and leaves nothing behind.

mod answered;
mod deadlines;
mod errors;
mod fired;
mod futures;
mod reconfigured;
mod unless;
mod users_code;
mod wake_ups;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

use crate::common::{Built, Counter, Runtime, poll_with};
use neon_failpoint::{Error, Wait};

const HOUR: Duration = Duration::from_secs(3600);

/// Polls with this waker, inside a runtime whose clock stands still.
struct ByHand {
    runtime: Built,
    wait: Pin<Box<Wait>>,
    counter: Arc<Counter>,
    waker: Waker,
}

impl ByHand {
    fn new(wait: Wait) -> Self {
        let (counter, waker) = Counter::new();
        Self {
            runtime: Runtime::PausedClock.build(),
            wait: Box::pin(wait),
            counter,
            waker,
        }
    }

    fn poll(&mut self) -> Poll<Result<(), Error>> {
        let _entered = self.runtime.enter();
        poll_with(self.wait.as_mut(), &self.waker)
    }

    #[track_caller]
    fn assert_pending(&mut self) {
        assert!(self.poll().is_pending());
    }

    #[track_caller]
    fn assert_woken(&self, times: usize) {
        assert_eq!(self.counter.woken(), times);
    }

    #[track_caller]
    fn result(&mut self) -> Result<(), Error> {
        match self.poll() {
            Poll::Ready(result) => result,
            Poll::Pending => panic!("it is still pending"),
        }
    }
}
