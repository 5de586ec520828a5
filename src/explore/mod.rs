//! The explorer: tries every schedule of a scenario.

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

pub use cancellable::{Cancellable, cancellable};
pub use crashes::crashes;
pub use explorer::{Explorer, Outcome, explore};
pub use report::{Failure, Report, Step, StepKind};
