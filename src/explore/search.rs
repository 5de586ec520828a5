//! The walk over schedules: each once, those that need least first.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::explore::guide::{Branch, Spent, Walk};
use crate::explore::pick::Pick;

/// The schedules that are yet to be tried: of each, the run that it branches from, and where.
///
/// A schedule is what a run did up to a branch, the other choice there, and from then on whatever costs
/// nothing. So each is reached from exactly one other. By what they need (preemptions, faults and
/// cancellations together) they are sorted into levels. A level is walked depth first, and begins with
/// what the first run of the level before branched into: so what is tried early is close to the order in
/// which tasks come by themselves.
#[derive(Debug, Default)]
pub(super) struct Frontier {
    levels: BTreeMap<usize, VecDeque<Untried>>,
    /// The level of the run that was taken last.
    level: usize,
    count: usize,
}

#[derive(Debug)]
struct Untried {
    /// Shared by all that branch from one run.
    run: Arc<[Pick]>,
    at: u32,
    pick: Pick,
}

impl Frontier {
    /// Adds what branches from a run. More than `most` altogether can never be tried, so the rest is
    /// left; that is where most of the memory would go.
    pub(super) fn add(&mut self, run: &[Pick], branches: &[Branch], most: usize) {
        if branches.is_empty() {
            return;
        }
        let run: Arc<[Pick]> = run.into();
        for branch in branches {
            let level = self.levels.entry(branch.cost).or_default();
            let untried = Untried {
                run: run.clone(),
                at: branch.at as u32,
                pick: branch.pick,
            };
            match branch.cost == self.level {
                true => level.push_front(untried),
                false => level.push_back(untried),
            }
            self.count += 1;
        }
        while self.count > most {
            let Some(mut dearest) = self.levels.last_entry() else {
                return;
            };
            let level = dearest.get_mut();
            let many = (self.count - most).min(level.len());
            level.truncate(level.len() - many);
            self.count -= many;
            if level.is_empty() {
                dearest.remove();
            }
        }
    }

    /// Takes the next schedule.
    pub(super) fn next(&mut self, bounds: Spent) -> Option<Walk> {
        let mut cheapest = self.levels.first_entry()?;
        self.level = *cheapest.key();
        let next = cheapest.get_mut().pop_front();
        if cheapest.get().is_empty() {
            cheapest.remove();
        }
        let Untried { run, at, pick } = next?;
        self.count -= 1;
        let mut schedule = run[..at as usize].to_vec();
        schedule.push(pick);
        Some(Walk::strictly(schedule, bounds))
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// How much the schedule needs that was taken last.
    pub(super) fn level(&self) -> usize {
        self.level
    }
}
