//! Who decides at each step: a schedule that is followed, or chance.

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::explore::pick::{Kind, Pick};

/// What a schedule needs that does not come by itself; and how much of it is allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spent {
    pub(super) preemptions: usize,
    pub(super) faults: usize,
    pub(super) cancellations: usize,
}

impl Spent {
    pub(super) fn total(&self) -> usize {
        self.preemptions
            .saturating_add(self.faults)
            .saturating_add(self.cancellations)
    }

    pub(super) fn is_within(&self, bounds: &Self) -> bool {
        self.preemptions <= bounds.preemptions
            && self.faults <= bounds.faults
            && self.cancellations <= bounds.cancellations
    }
}

/// What may be done at a step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice {
    /// Where its hit stands.
    pub(super) at: usize,
    pub(super) pick: Pick,
    /// What will have been spent then.
    pub(super) spent: Spent,
    /// Whether its task goes round in a loop while others stand.
    pub(super) waits: bool,
}

/// A choice that was not taken, and is to be tried in another run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Branch {
    /// How many steps come before it.
    pub(super) at: usize,
    pub(super) pick: Pick,
    pub(super) cost: usize,
}

#[derive(Clone, Debug)]
pub(super) enum Guide {
    Walk(Walk),
    Random(Random),
}

impl Default for Guide {
    fn default() -> Self {
        Self::Walk(Walk::default())
    }
}

impl Guide {
    /// Returns which of the choices is taken at a step. An error is the step that was to be taken, and
    /// is none of them.
    pub(super) fn choose(&mut self, step: usize, choices: &[Choice]) -> Result<usize, Pick> {
        match self {
            Self::Walk(walk) => walk.choose(step, choices),
            Self::Random(random) => Ok(random.choose(step, choices)),
        }
    }
}

/// Follows a schedule, then takes what costs least, and notes what else there was.
#[derive(Clone, Debug, Default)]
pub(super) struct Walk {
    pub(super) schedule: Vec<Pick>,
    pub(super) bounds: Spent,
    pub(super) branches: Vec<Branch>,
    /// Whether steps of the schedule that cannot be taken are passed over. Then no branches are noted.
    pub(super) is_rough: bool,
    /// How far a rough one has come.
    next: usize,
}

impl Walk {
    pub(super) fn strictly(schedule: Vec<Pick>, bounds: Spent) -> Self {
        Self {
            schedule,
            bounds,
            ..Self::default()
        }
    }

    pub(super) fn roughly(schedule: Vec<Pick>) -> Self {
        Self {
            schedule,
            is_rough: true,
            ..Self::default()
        }
    }

    fn choose(&mut self, step: usize, choices: &[Choice]) -> Result<usize, Pick> {
        let find = |wanted: &Pick| choices.iter().position(|c| c.pick.is_the_step_of(wanted));
        if self.is_rough {
            while let Some(wanted) = self.schedule.get(self.next) {
                let found = find(wanted);
                // A hit that cannot wait has only its own choices: no other step is passed over for it.
                if found.is_none() && choices.iter().any(|c| c.pick.kind == Kind::Pass) {
                    return Ok(0);
                }
                self.next += 1;
                if let Some(at) = found {
                    return Ok(at);
                }
            }
            return Ok(0);
        }
        if let Some(wanted) = self.schedule.get(step) {
            return find(wanted).ok_or(*wanted);
        }
        let others = choices[1..]
            .iter()
            .filter(|c| c.spent.is_within(&self.bounds));
        self.branches.extend(others.map(|choice| Branch {
            at: step,
            pick: choice.pick,
            cost: choice.spent.total(),
        }));
        Ok(0)
    }
}

/// PCT, the randomized scheduler of Burckhardt, Kothari, Musuvathi and Nagarakatte (ASPLOS 2010): every
/// task has a random priority, the highest goes on, and at `d - 1` steps, chosen at random, the one
/// that would go on falls below all others. Of `n` tasks and `k` steps, a bug that needs `d` ordered
/// steps is met with a probability of at least `1 / (n * k^(d-1))`.
#[derive(Clone, Debug)]
pub(super) struct Random {
    dice: SmallRng,
    /// By number of task; of one that is new it is drawn when it is first seen.
    priorities: Vec<Option<u64>>,
    /// The steps at which the highest priority falls; the later in this list, the lower.
    changes: Vec<usize>,
    /// How often a task that goes round in a loop fell below all others.
    waited: u64,
    /// The steps from which on the next hit that can is failed, or cancelled.
    faults: Vec<usize>,
    cancellations: Vec<usize>,
}

/// What has a lower priority than a task that is new fell to about there.
const FALLEN: u64 = 1 << 32;

impl Random {
    /// `steps` is how long a run is thought to be.
    pub(super) fn new(seed: u64, run: usize, steps: usize, bounds: Spent) -> Self {
        // One after another, so that a run can be repeated alone.
        let mut dice =
            SmallRng::seed_from_u64(seed ^ (run as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let steps = steps.max(1);
        let mut draw = |count: usize| -> Vec<usize> {
            // More than there are steps would all be the same.
            (0..count.min(steps))
                .map(|_| dice.random_range(0..steps))
                .collect()
        };
        let changes = draw(bounds.preemptions);
        let faults = draw(bounds.faults);
        let cancellations = draw(bounds.cancellations);
        Self {
            dice,
            priorities: Vec::new(),
            changes,
            waited: 0,
            faults,
            cancellations,
        }
    }

    /// Above all that fell.
    fn priority(&mut self, task: u32) -> u64 {
        let task = task as usize;
        if self.priorities.len() <= task {
            self.priorities.resize(task + 1, None);
        }
        let dice = &mut self.dice;
        *self.priorities[task].get_or_insert_with(|| dice.random_range(2 * FALLEN..u64::MAX))
    }

    fn highest(&mut self, choices: &[Choice]) -> Option<u32> {
        let tasks: Vec<u32> = choices.iter().map(|choice| choice.pick.task).collect();
        tasks.into_iter().max_by_key(|task| self.priority(*task))
    }

    fn choose(&mut self, step: usize, choices: &[Choice]) -> usize {
        if let Some(choice) = choices.iter().find(|choice| choice.waits) {
            // It would go on for ever.
            let task = choice.pick.task;
            self.priority(task);
            self.waited += 1;
            self.priorities[task as usize] = Some(FALLEN.saturating_sub(self.waited));
        }
        let fallen = (0..self.changes.len()).filter(|at| self.changes[*at] == step);
        for fallen in fallen.collect::<Vec<_>>() {
            if let Some(task) = self.highest(choices) {
                let lowest = self.changes.len() - fallen;
                self.priorities[task as usize] = Some(FALLEN + lowest as u64);
            }
        }
        let Some(task) = self.highest(choices) else {
            return 0;
        };
        let is_due = |steps: &Vec<usize>| steps.iter().position(|at| *at <= step);
        let find = |is_it: fn(Kind) -> bool| {
            choices
                .iter()
                .position(|c| c.pick.task == task && is_it(c.pick.kind))
        };
        for (steps, is_it) in [
            (&mut self.faults, Kind::is_fault as fn(Kind) -> bool),
            (&mut self.cancellations, Kind::is_cancellation),
        ] {
            if let Some((due, at)) = is_due(steps).zip(find(is_it)) {
                steps.swap_remove(due);
                return at;
            }
        }
        let goes_on = |kind| matches!(kind, Kind::Go | Kind::Pass);
        find(goes_on).unwrap_or(0)
    }
}
