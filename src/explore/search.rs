//! The walk over schedules: each once, those that need least first.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::explore::guide::{Branch, Spent, Walk};
use crate::explore::pick::Pick;

/// The schedules that are yet to be tried: of each, the run that it branches from, and where.
///
/// A schedule is what a run did up to a branch, the other choice there, and from then on whatever costs
/// nothing. So each is reached from exactly one other. By what they need (preemptions, faults and
/// cancellations together) they are sorted into levels; a level is walked depth first.
#[derive(Debug, Default)]
pub(super) struct Frontier {
    levels: BTreeMap<usize, Vec<Untried>>,
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
            level.push(Untried {
                run: run.clone(),
                at: branch.at as u32,
                pick: branch.pick,
            });
            self.count += 1;
        }
        while self.count > most {
            let Some(mut dearest) = self.levels.last_entry() else {
                return;
            };
            // The first of a level would be tried last.
            let level = dearest.get_mut();
            let many = (self.count - most).min(level.len());
            level.drain(..many);
            self.count -= many;
            if level.is_empty() {
                dearest.remove();
            }
        }
    }

    /// Takes the next schedule.
    pub(super) fn next(&mut self, bounds: Spent) -> Option<Walk> {
        let mut cheapest = self.levels.first_entry()?;
        let next = cheapest.get_mut().pop();
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

    /// What the cheapest schedule that is left needs.
    pub(super) fn cost(&self) -> Option<usize> {
        self.levels.keys().next().copied()
    }
}
