//! What an exploration found.

use std::fmt;

use crate::explore::pick::{self, Kind, Place};
use crate::explore::steps::task_name;

/// What came of an exploration.
#[derive(Clone, Debug)]
pub struct Report {
    pub(super) runs: usize,
    pub(super) left_out: usize,
    pub(super) ending: Ending,
    pub(super) failure: Option<Failure>,
}

/// Why an exploration ended.
#[derive(Clone, Debug)]
pub(super) enum Ending {
    /// There was nothing left to try, within these bounds.
    Complete(String),
    /// It was cut short, and this says by what.
    Cut(String),
    Failed,
}

impl Report {
    /// Returns how many times the scenario was run, without the runs that were broken off as [other orders of
    /// the same](crate::explore::Explorer::object); of [`crashes`](crate::explore::crashes()), how many child
    /// processes there were.
    pub fn runs(&self) -> usize {
        self.runs
    }

    /// Whether everything within the bounds was tried, and nothing failed.
    pub fn is_complete(&self) -> bool {
        matches!(self.ending, Ending::Complete(_))
    }

    /// Returns the failure that ended the exploration.
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let runs = match self.runs {
            1 => "1 run".to_owned(),
            n => format!("{n} runs"),
        };
        match (&self.ending, &self.failure) {
            (Ending::Complete(bounds), _) => write!(f, "{runs}, complete: {bounds}")?,
            (Ending::Cut(why), _) => write!(f, "{runs}, cut short: {why}")?,
            (Ending::Failed, Some(failure)) => {
                write!(f, "{failure}\n{runs}, the last of which failed")?
            }
            (Ending::Failed, None) => write!(f, "{runs}")?,
        }
        if self.left_out > 0 {
            write!(
                f,
                "; {} left out, as other orders of the same",
                self.left_out
            )?;
        }
        Ok(())
    }
}

/// A run that failed: what was wrong, and the schedule that leads there.
#[derive(Clone, Debug)]
pub struct Failure {
    pub(super) message: String,
    pub(super) steps: Vec<Step>,
    pub(super) schedule: String,
    /// The command that repeats it.
    pub(super) command: String,
}

impl Failure {
    /// Returns what was wrong: the message of a panic with its place, the error that the scenario
    /// returned, or, if the run was stuck or endless, who waits where.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the steps of the run. Each is a hit at a failpoint, and what was done with it.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Returns the schedule in one line of text, for
    /// [`Explorer::replay`](crate::explore::Explorer::replay) or `FAILPOINTS_REPLAY`.
    pub fn schedule(&self) -> &str {
        &self.schedule
    }
}

/// So many steps are shown, of a run that has more.
const FIRST: usize = 20;
const LAST: usize = 100;

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.message)?;
        let count = |is_it: fn(&&Step) -> bool| self.steps.iter().filter(is_it).count();
        let needs = [
            (count(|step| step.preempts), "preemption"),
            (count(|step| step.kind == StepKind::Fault), "fault"),
            (count(|step| step.kind == StepKind::Cancel), "cancellation"),
        ];
        let needs = needs.iter().filter(|(n, _)| *n > 0).map(|(n, what)| {
            let s = if *n == 1 { "" } else { "s" };
            format!("{n} {what}{s}")
        });
        let needs: Vec<String> = needs.collect();
        let is_of_a_crash = pick::parse_crash(&self.schedule).is_some();
        match self.steps.last() {
            None => {}
            Some(last) if last.kind == StepKind::Crash => {
                writeln!(f, "the process ended at hit {}:", self.steps.len())?;
            }
            Some(_) if is_of_a_crash => {
                writeln!(f, "the process was not ended at a hit, and passed these:")?
            }
            Some(_) => match needs.is_empty() {
                true => writeln!(f, "the schedule, without a preemption:")?,
                false => writeln!(f, "the schedule, with {}:", needs.join(", "))?,
            },
        }
        let left_out = self.steps.len().saturating_sub(FIRST + LAST);
        for (step, at) in self.steps.iter().zip(0..) {
            if at == FIRST && left_out > 0 {
                writeln!(f, "      .. {left_out} steps")?;
            }
            if at < FIRST || at >= FIRST + left_out {
                writeln!(f, "{:>4}. {step}", at + 1)?;
            }
        }
        write!(f, "to repeat it: {}", self.command)
    }
}

/// One step of a schedule: a hit at a failpoint, and what was done with it.
#[derive(Clone, Debug)]
pub struct Step {
    pub(super) task: u32,
    pub(super) place: Place,
    pub(super) kind: StepKind,
    pub(super) preempts: bool,
    pub(super) context: Option<String>,
}

impl Step {
    /// Returns the number of the task: 0 is the scenario itself, others are numbered from 1 in the
    /// order in which they first came to a failpoint. Futures that stand apart inside one task, as in
    /// `join!`, have numbers of their own.
    pub fn task(&self) -> u32 {
        self.task
    }

    /// Returns the name of the failpoint.
    pub fn failpoint(&self) -> &str {
        &self.place.name
    }

    /// Returns the source file of the call site.
    pub fn file(&self) -> &str {
        self.place.file
    }

    /// Returns the line in that file.
    pub fn line(&self) -> u32 {
        self.place.line
    }

    /// Returns what was done with the hit.
    pub fn kind(&self) -> StepKind {
        self.kind
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let done = match self.kind {
            StepKind::Continue => "goes on",
            StepKind::Preempt => "goes on, before the one that went on last",
            StepKind::Fault => "returns a fault",
            StepKind::Cancel => "is dropped",
            StepKind::Crash => "the process ends",
        };
        match self.kind {
            StepKind::Crash => write!(f, "{done} at {}", self.place)?,
            _ => write!(f, "{} {done} at {}", task_name(self.task), self.place)?,
        }
        match &self.context {
            Some(context) => write!(f, " ({context})"),
            None => Ok(()),
        }
    }
}

/// What was done with a hit: see [`Step::kind`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StepKind {
    /// It went on: it was the task that went on last, or that one did not stand at a failpoint.
    Continue,
    /// It went on, while the task that went on last stood at a failpoint, too: a preemption.
    Preempt,
    /// It returned: an injected fault.
    Fault,
    /// The [`cancellable`](crate::explore::cancellable()) around it was dropped.
    Cancel,
    /// The process ended there: see [`crashes`](crate::explore::crashes()).
    Crash,
}

impl StepKind {
    pub(super) fn of(kind: Kind, preempts: bool) -> Self {
        match kind {
            Kind::Go if preempts => Self::Preempt,
            Kind::Go | Kind::Pass => Self::Continue,
            Kind::Fault | Kind::FaultAtOnce => Self::Fault,
            Kind::Cancel(_) => Self::Cancel,
        }
    }
}
