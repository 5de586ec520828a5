//! Makes a failing schedule that was found by chance need as little as possible.

use crate::explore::guide::{Guide, Walk};
use crate::explore::pick::Pick;
use crate::explore::run::Ran;

/// Tries the schedule of a failing run without each preemption, fault and cancellation, until each one
/// is needed.
pub(super) fn without_each(mut ran: Ran, mut run: impl FnMut(Guide) -> Ran) -> Ran {
    let mut left = MOST;
    while let Some(smaller) = smaller(&ran, &mut run, &mut left) {
        ran = smaller;
    }
    ran
}

/// So many steps are taken at most: those of an endless run are many, and each may have been a preemption.
const MOST: usize = 500_000;

fn smaller(ran: &Ran, run: &mut impl FnMut(Guide) -> Ran, left: &mut usize) -> Option<Ran> {
    let picks: Vec<Pick> = ran.taken.iter().map(|taken| taken.pick).collect();
    let attempts = (0..picks.len()).flat_map(|at| {
        let taken = &ran.taken[at];
        let kind = taken.pick.kind;
        let mut attempts = Vec::new();
        if kind.is_fault() || kind.is_cancellation() {
            let mut without = picks.clone();
            without[at].kind = kind.alone();
            attempts.push(without);
        }
        if taken.preempts {
            attempts.push(joined(&picks, at));
        }
        if !attempts.is_empty() {
            attempts.push(halted(&picks, at));
        }
        attempts
    });
    for schedule in attempts {
        if *left == 0 {
            return None;
        }
        let next = run(Guide::Walk(Walk::roughly(schedule)));
        *left = left.saturating_sub(next.taken.len().max(1));
        if next.failure.is_some() && next.spent.total() < ran.spent.total() {
            return Some(next);
        }
    }
    None
}

/// Moves the next steps of the task that was preempted before `at` to there.
fn joined(picks: &[Pick], at: usize) -> Vec<Pick> {
    let task = picks[at - 1].task;
    let (before, rest) = picks.split_at(at);
    let next = rest.iter().position(|pick| pick.task == task);
    let Some(next) = next else {
        // It is not needed any more: what comes by itself will do.
        return before.to_vec();
    };
    let block = rest[next..]
        .iter()
        .take_while(|pick| pick.task == task)
        .count();
    let mut schedule = before.to_vec();
    schedule.extend(&rest[next..next + block]);
    schedule.extend(&rest[..next]);
    schedule.extend(&rest[next + block..]);
    schedule
}

/// Leaves out what the task of the step `at` does from there on: that comes last, by itself.
fn halted(picks: &[Pick], at: usize) -> Vec<Pick> {
    let (before, rest) = picks.split_at(at);
    let others = rest.iter().filter(|pick| pick.task != picks[at].task);
    before.iter().chain(others).copied().collect()
}
