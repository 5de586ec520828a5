//! The explorer: it runs a scenario under every order in which its tasks can pass their failpoints, with
//! every fault and every cancellation, and stops at the first run that fails.
//!
//! The page [Find a race you do not know of](crate::find_a_race) begins with a program, and ends with its fix.
//!
//! ```
//! # if !neon_failpoint::has_failpoints() { return }
//! use neon_failpoint::explore::Explorer;
//! use neon_failpoint::fail_point;
//! use std::cell::Cell;
//!
//! // In a test one writes `explore(scenario)`, which panics with the schedule that fails.
//! let report = Explorer::new().run(|| async {
//!     let balance = Cell::new(100);
//!     let withdraw = || async {
//!         if balance.get() >= 80 {
//!             fail_point!("withdraw");
//!             balance.set(balance.get() - 80);
//!         }
//!     };
//!     tokio::join!(withdraw(), withdraw());
//!     assert!(balance.get() >= 0, "overdrawn: {}", balance.get());
//! });
//! let failure = report.failure().unwrap();
//! assert!(failure.message().contains("overdrawn: -60"));
//! assert_eq!(failure.steps().len(), 2);
//! ```
//!
//! # How it works
//!
//! A run has a tokio runtime of its own, with one thread and a paused clock, and a [scope](crate::Scope) of its
//! own. Every hit that awaits stops at its failpoint, configured or not. Once nothing else can go on, the explorer
//! lets one of those that stand there go on, and so forth, until the scenario is over. What it did at each of
//! these steps is the run's schedule. The next run does the same up to some step, and there something else: so each
//! schedule is tried once, those that need the fewest preemptions, faults and cancellations first, and the failure
//! that is found needs as few as any.
//!
//! [`fail_point!`](crate::fail_point!), [`failpoint!`](crate::failpoint!),
//! [`pausable_failpoint!`](crate::pausable_failpoint!), [`sleep_millis_async!`](crate::sleep_millis_async!),
//! [`compat::async_fail_point!`](crate::compat::async_fail_point!), and the functions for names made at run time take
//! part, with and without a context. Blocking sites are not stopped, because that would stop every task; they take
//! faults. A point that is configured acts as it is configured, before it stops: a `return` then returns, a `pause`
//! then pauses.
//!
//! # When a run fails
//!
//! - A task, or the scenario, panics, whether or not anybody asks for its result, or catches the panic.
//! - The scenario returns an error.
//! - It is stuck: within a day of tokio's clock, or a million of its moves, no task comes to a failpoint, and the
//!   scenario is not over. (Something outside, a thread or a socket, that is to wake a task has 200 ms.)
//! - It is restless: for as long as the [wait deadline](crate::set_wait_deadline), in real time, it neither ends nor
//!   comes to rest, because a task loops without coming to a failpoint, or a thread is blocked.
//! - It is endless: it has passed more than [`max_steps`](Explorer::max_steps) failpoints.
//! - It is not the same each time: a step of its schedule is not there to be taken.
//!
//! Panics of a run are not printed, but are in the report. Tasks that are left when the scenario is over are
//! dropped.
//!
//! # Crashes
//!
//! [`crashes`](crashes()) is for what outlives the process: a child process of the test ends at each failpoint
//! of some work, and a recovery checks what it left on disk.
//!
//! # Fairness
//!
//! To go on with a task that is in a loop, waiting for another, would never end: one that has passed the same
//! failpoint 16 times while others stand lets these go first.
//!
//! Work of `spawn_blocking` is done one after another, in the order in which it was given. What does not come to
//! rest for a second while tasks stand, a blocking thread or a loop that yields, is taken to wait for one of these.
//!
//! Several explorations can run side by side. While one does, call sites in all of the process are not idle.

mod blocking;
mod cancellable;
mod crashes;
mod explorer;
mod guide;
mod own_test;
mod panics;
mod pick;
mod progress;
mod report;
mod run;
mod search;
mod shrink;
mod steps;
mod told;
mod watchdog;

pub use cancellable::{Cancellable, cancellable};
pub use crashes::crashes;
pub use explorer::{Explorer, Outcome, explore};
pub use report::{Failure, Report, Step, StepKind};
