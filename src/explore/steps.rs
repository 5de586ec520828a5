//! What a run has done, and what may be done next: the tasks, the hits that stand, the choices.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;
use std::thread::ThreadId;
use std::time::Duration;

use tokio::time::Instant;

use crate::engine::actions::chain::Alternative;
use crate::engine::context::FailpointContext;
use crate::engine::director::Verdict;
use crate::explore::cancellable::Order;
use crate::explore::guide::{Choice, Guide, Spent};
use crate::explore::pick::{Kind, Pick, Places};

/// After so long a blocking thread that has not ended, or a task that does not come to rest, is thought to
/// wait for another; the second, once it is known that something in the scenario does.
const PATIENCE: Duration = Duration::from_secs(1);
const SHORT_PATIENCE: Duration = Duration::from_millis(20);

/// A run ends here, if nothing ends it before.
pub(super) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A task that passed one place so often, while others stood, is waiting for these: they go first.
const OFTEN: usize = 16;

/// What holds for all runs of an exploration.
#[derive(Debug, Default)]
pub(super) struct Settings {
    pub(super) points: Option<regex::Regex>,
    pub(super) bounds: Spent,
    pub(super) faults: Vec<Alternative>,
    pub(super) max_steps: usize,
    pub(super) object: Option<String>,
    /// Whether something that does not rest was found to wait for a task that stands, or a blocking thread
    /// for another.
    pub(super) is_impatient: AtomicBool,
    /// Whether a run was found to need the drivers of I/O and signals. Making them takes as long as the rest
    /// of a short run.
    pub(super) has_io: AtomicBool,
}

impl Settings {
    pub(super) fn patience(&self) -> Duration {
        match self.is_impatient.load(Ordering::SeqCst) {
            true => SHORT_PATIENCE,
            false => PATIENCE,
        }
    }

    pub(super) fn be_impatient(&self) {
        self.is_impatient.store(true, Ordering::SeqCst);
    }
}

/// A hit that stands at its point.
pub(super) struct Standing {
    pub(super) number: u64,
    pub(super) id: Option<tokio::task::Id>,
    /// The thread of `spawn_blocking` that stands there.
    pub(super) blocks: Option<ThreadId>,
    /// The index of its task; known once all that could run has run.
    pub(super) task: Option<usize>,
    pub(super) place: u32,
    pub(super) context: Option<FailpointContext>,
    /// How it would return.
    pub(super) fault: Option<Option<String>>,
    pub(super) orders: Vec<Arc<Order>>,
    /// How many steps there had been when it came.
    pub(super) came_at: usize,
    pub(super) waker: Option<Waker>,
}

/// What is known of a task, or of a branch of one that stands apart, in `join!` for instance.
pub(super) struct Task {
    pub(super) id: Option<tokio::task::Id>,
    pub(super) number: u32,
    /// Where it went on last.
    pub(super) last: Option<(u32, Instant)>,
}

/// One step, as it was taken.
#[derive(Clone, Debug)]
pub(super) struct Taken {
    pub(super) pick: Pick,
    pub(super) place: u32,
    pub(super) context: Option<FailpointContext>,
    pub(super) preempts: bool,
}

/// How far a run has come.
pub(super) struct State {
    pub(super) guide: Guide,
    pub(super) places: Places,
    pub(super) tasks: Vec<Task>,
    pub(super) standing: Vec<Standing>,
    /// Hits that may go on, until they do.
    pub(super) let_go: Vec<(u64, Verdict)>,
    pub(super) next: u64,
    /// How often the clock has moved since the last hit, at most.
    pub(super) moves: usize,
    pub(super) taken: Vec<Taken>,
    pub(super) spent: Spent,
    /// The index of the task that went on last.
    pub(super) last: Option<usize>,
    /// The places that it has passed since another went on.
    pub(super) streak: Vec<u32>,
    pub(super) failure: Option<String>,
    /// Whether the failure is that it did not follow its schedule.
    pub(super) differs: bool,
    pub(super) is_left_out: bool,
    pub(super) is_over: bool,
    pub(super) root: Option<Waker>,
    /// When the run began, by its own clock.
    pub(super) began: Option<Instant>,
}

impl State {
    /// Returns the number of the task that is being polled, if it has one.
    pub(super) fn running(&self) -> Option<u32> {
        let id = tokio::task::try_id()?;
        let task = self.tasks.iter().find(|task| task.id == Some(id))?;
        Some(task.number)
    }

    /// Finds out whose the hits are that came since the last step.
    ///
    /// Tasks are numbered as they came. Inside one task the places count: `select!` polls in an order that
    /// is not the same each time.
    pub(super) fn number_new_hits(&mut self) {
        let first_of = |id| self.standing.iter().position(|hit| hit.id == id);
        let new = self
            .standing
            .iter()
            .enumerate()
            .filter(|(_, hit)| hit.task.is_none());
        let mut new: Vec<_> = new
            .map(|(at, hit)| {
                let place = self.places.get(hit.place);
                (
                    first_of(hit.id),
                    place.file,
                    place.line,
                    place.name.clone(),
                    at,
                )
            })
            .collect();
        new.sort_unstable();
        for (.., at) in new {
            let task = self.task(self.standing[at].id);
            self.standing[at].task = Some(task);
        }
    }

    /// Returns the index of the task of a hit that has come.
    fn task(&mut self, id: Option<tokio::task::Id>) -> usize {
        let stands = |at: usize| self.standing.iter().any(|hit| hit.task == Some(at));
        let is_it = |at: &usize| self.tasks[*at].id == id && !stands(*at);
        let last = self.last.filter(is_it);
        if let Some(at) = last.or_else(|| (0..self.tasks.len()).find(is_it)) {
            return at;
        }
        let has_root = self.tasks.iter().any(|task| task.number == 0);
        let number = match id {
            None if !has_root => 0,
            _ => self.tasks.len() as u32 + u32::from(!has_root),
        };
        self.tasks.push(Task {
            id,
            number,
            last: None,
        });
        self.tasks.len() - 1
    }

    /// Lets one hit go on. Returns the wakers that lead to that. An error ends the run: with a failure,
    /// or because its end is known.
    pub(super) fn step(
        &mut self,
        settings: &Settings,
    ) -> Result<[Option<Waker>; 2], Option<String>> {
        if self.taken.len() >= settings.max_steps {
            return Err(Some(self.endless(settings)));
        }
        self.number_new_hits();
        let choices = self.choices(settings);
        if choices.is_empty() {
            return Err(None);
        }
        let at = self.choose(&choices)?;
        let Choice {
            at, pick, spent, ..
        } = choices[at];
        let hit = &mut self.standing[at];
        let wakers = match pick.kind {
            Kind::Cancel(further_out) => {
                let order = hit.orders[usize::from(further_out)].give();
                [order, hit.waker.take()]
            }
            Kind::Fault => {
                let fault = hit.fault.take().unwrap_or_default();
                self.let_go.push((hit.number, Verdict::Return(fault)));
                [hit.waker.take(), None]
            }
            Kind::Go | Kind::Pass | Kind::FaultAtOnce => {
                self.let_go.push((hit.number, Verdict::Continue));
                [hit.waker.take(), None]
            }
        };
        let (task, place) = (hit.task.unwrap_or_default(), hit.place);
        let context = hit.context.take();
        if pick.kind.is_cancellation() {
            // It leaves when it is dropped.
            hit.orders.clear();
            hit.fault = None;
        } else {
            self.standing.remove(at);
        }
        if self.last != Some(task) {
            self.streak.clear();
        }
        self.streak.push(place);
        self.last = Some(task);
        self.tasks[task].last = Some((place, Instant::now()));
        self.take(pick, place, context, spent);
        Ok(wakers)
    }

    pub(super) fn take(
        &mut self,
        pick: Pick,
        place: u32,
        context: Option<FailpointContext>,
        spent: Spent,
    ) {
        let preempts = spent.preemptions > self.spent.preemptions;
        self.spent = spent;
        self.taken.push(Taken {
            pick,
            place,
            context,
            preempts,
        });
    }

    pub(super) fn choose(&mut self, choices: &[Choice]) -> Result<usize, Option<String>> {
        let at = self.taken.len();
        let chosen = self.guide.choose(at, choices);
        chosen.map_err(|wanted| Some(self.differs(&wanted, choices)))
    }

    /// What may be done now: first what costs nothing, and of that to go on with the task that went on
    /// last.
    fn choices(&self, settings: &Settings) -> Vec<Choice> {
        let position = |at: usize| self.standing.iter().position(|hit| hit.task == Some(at));
        let last = self.last.and_then(position);
        let waits = last.is_some_and(|last| self.waits_for_others(last));
        let mut order: Vec<usize> = (0..self.standing.len()).collect();
        order.sort_by_key(|at| (self.standing[*at].came_at, self.standing[*at].task));
        if let Some(last) = last {
            order.retain(|at| *at != last);
            order.insert(if waits { order.len() } else { 0 }, last);
        }
        let mut choices = Vec::with_capacity(order.len());
        for at in order {
            let is_last = last == Some(at);
            let preempts = match last {
                None => false,
                Some(_) => is_last == waits,
            };
            let mut spent = self.spent;
            spent.preemptions += usize::from(preempts);
            let hit = &self.standing[at];
            let mut choice = |kind, spent| {
                choices.push(Choice {
                    at,
                    pick: Pick {
                        task: self.number(hit),
                        kind,
                        place: Some(hit.place),
                    },
                    spent,
                    waits: is_last && waits,
                });
            };
            if !self.is_left_to_another_order(hit, preempts, settings) {
                choice(Kind::Go, spent);
            }
            if hit.fault.is_some() && self.spent.faults < settings.bounds.faults {
                let faults = spent.faults + 1;
                choice(Kind::Fault, Spent { faults, ..spent });
            }
            if self.spent.cancellations < settings.bounds.cancellations {
                let cancellations = spent.cancellations + 1;
                for further_out in 0..hit.orders.len().min(256) {
                    let spent = Spent {
                        cancellations,
                        ..spent
                    };
                    choice(Kind::Cancel(further_out as u8), spent);
                }
            }
        }
        // Stable: among equals the order is that of arrival.
        choices.sort_by_key(|choice| choice.spent.total());
        choices
    }

    /// Returns how many threads of `spawn_blocking` stand at failpoints.
    pub(super) fn blocked_threads(&self) -> usize {
        let threads = self.standing.iter().filter_map(|hit| hit.blocks);
        threads.collect::<HashSet<_>>().len()
    }

    /// Returns the number of the task of a hit.
    pub(super) fn number(&self, hit: &Standing) -> u32 {
        hit.task.map_or(0, |task| self.tasks[task].number)
    }

    /// Whether the task of a hit goes round in a loop while others stand.
    fn waits_for_others(&self, at: usize) -> bool {
        let hit = &self.standing[at];
        let is_here = |place: &&u32| **place == hit.place;
        self.standing.len() > 1 && self.streak.iter().filter(is_here).count() >= OFTEN
    }

    /// Whether the last step and this one, in the other order, lead to the same, and come first.
    ///
    /// They touch different objects, by the user's word; the hit stood already when the last step was
    /// taken; and the other order is smaller: by the numbers of the tasks, and, where preemptions are
    /// bounded, it needs no more of them. So of all orders that lead to the same, the smallest stays.
    fn is_left_to_another_order(
        &self,
        hit: &Standing,
        preempts: bool,
        settings: &Settings,
    ) -> bool {
        let (Some(key), Some(before)) = (&settings.object, self.taken.last()) else {
            return false;
        };
        let object = |context: &Option<FailpointContext>| {
            context
                .as_ref()
                .and_then(|context| context.get(key))
                .map(str::to_owned)
        };
        let (Some(this), Some(other)) = (object(&hit.context), object(&before.context)) else {
            return false;
        };
        let task = self.number(hit);
        let is_smaller = task < before.pick.task;
        let needs_no_more = settings.bounds.preemptions == usize::MAX || {
            // From this task to the other and back, where it could have gone on.
            let two_before = self
                .taken
                .len()
                .checked_sub(2)
                .map(|at| self.taken[at].pick.task);
            two_before == Some(task) && before.preempts && preempts
        };
        this != other
            && before.pick.kind == Kind::Go
            && hit.came_at < self.taken.len()
            && is_smaller
            && needs_no_more
    }

    fn differs(&mut self, wanted: &Pick, choices: &[Choice]) -> String {
        let step = self.taken.len() + 1;
        let is_from_text = wanted.place.is_none();
        let describe = |pick: &Pick| {
            let place = pick
                .place
                .map(|n| format!(" at failpoint {}", self.places.get(n)));
            format!("task {}{}", pick.task, place.unwrap_or_default())
        };
        let there: Vec<String> = choices
            .iter()
            .map(|choice| describe(&choice.pick))
            .collect();
        let wanted = match wanted.kind {
            Kind::Go | Kind::Pass => describe(wanted),
            Kind::Fault | Kind::FaultAtOnce => format!("a fault of {}", describe(wanted)),
            Kind::Cancel(_) => format!("a cancellation of {}", describe(wanted)),
        };
        let there = match there.is_empty() {
            true => "nothing".to_owned(),
            false => there.join(", "),
        };
        self.differs = true;
        if is_from_text {
            return format!(
                "the schedule does not fit the scenario: step {step} was to be {wanted}; there was {there}"
            );
        }
        format!(
            "the scenario is not the same each time: step {step} was to be {wanted}; there was {there}. \
             What makes runs differ: the order of a HashMap, threads, real time, random numbers, `select!` \
             without `biased`, several who wait for one `watch`, state that an earlier run left"
        )
    }

    pub(super) fn endless(&self, settings: &Settings) -> String {
        let mut places: Vec<String> = Vec::new();
        for taken in self.taken.iter().rev().take(100) {
            let place = format!(
                "task {} at {}",
                taken.pick.task,
                self.places.get(taken.place)
            );
            if !places.contains(&place) {
                places.push(place);
            }
        }
        format!(
            "endless: the run has passed failpoints {} times, at last {}",
            settings.max_steps,
            places.join(", ")
        )
    }

    pub(super) fn restless(&mut self, time: Duration) -> String {
        self.number_new_hits();
        let standing = self.standing.iter().map(|hit| {
            let task = task_name(self.number(hit));
            format!("\n  {task} stands at {}", self.places.get(hit.place))
        });
        format!(
            "restless: for {} s of real time no task came to a failpoint, and the scenario is neither \
             over nor at rest. What does that: a loop that yields until a task that stands has done \
             something, a blocking thread that waits for one, a lock of the standard library that one \
             holds, work that takes that long{}",
            time.as_secs(),
            standing.collect::<String>()
        )
    }

    pub(super) fn stuck(&self) -> String {
        let mut text =
            "stuck: however far the clock goes, no task comes to a failpoint, and the scenario is not over".to_owned();
        for task in &self.tasks {
            let Some((place, at)) = task.last else {
                continue;
            };
            let after = self.began.map(|began| at.duration_since(began));
            let when = match after {
                Some(time) if !time.is_zero() => format!(", {time:?} after the run began"),
                _ => String::new(),
            };
            text += &format!(
                "\n  {} went on from {}{when}, and came to no failpoint after that",
                task_name(task.number),
                self.places.get(place),
            );
        }
        text
    }
}

/// Returns how a task is called in what people read.
pub(super) fn task_name(number: u32) -> String {
    match number {
        0 => "the scenario".to_owned(),
        n => format!("task {n}"),
    }
}
