//! Guards: configurations that are put over others and restore them on drop.
//!
//! The table has one point per name, the topmost. Those beneath it are kept here, suspended: a
//! suspended point ends its waits like a retired one, but it keeps its counts and its callback, and
//! works again when the guard above it is dropped. Everything here happens under the writer's
//! mutex.
//!
//! A call that configures or removes the name by other means changes the topmost layer, and that
//! change ends with the layer's guard. `Registry::reset` ends all layers: their
//! guards have nothing left to restore.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::thread::{self, Thread, ThreadId};

use crate::engine::actions::action::CallbackFn;
use crate::engine::point::Point;
use crate::engine::scope::GLOBAL;
use crate::engine::trie::Named;
use crate::engine::wakeups::Wakeups;

/// The layers of every name that has a guard. A test has only a few guards, so they are searched
/// linearly.
pub(crate) struct Layers {
    pub(super) next_guard: u64,
    pub(super) stacks: Vec<Stack>,
    /// The guards that were reset and are still there.
    reset: Vec<Reset>,
    /// The guards that were dropped last in each scope that has not ended, for the messages about
    /// their names.
    dropped: BTreeMap<u64, VecDeque<Dropped>>,
}

/// A guard without a layer.
struct Reset {
    guard: u64,
    scope: u64,
    name: Box<str>,
    armed_at: &'static Location<'static>,
    tally: Tally,
}

struct Dropped {
    guard: u64,
    name: Box<str>,
    armed_at: &'static Location<'static>,
}

/// So many dropped guards are remembered of each scope.
const MOST_DROPPED: usize = 128;

/// The layers of one name in one scope, the topmost last. Never empty.
pub(super) struct Stack {
    scope: u64,
    name: Box<str>,
    pub(super) layers: Vec<Layer>,
}

impl Stack {
    fn is_of(&self, scope: u64, name: &str) -> bool {
        self.scope == scope && &*self.name == name
    }
}

/// What a guard has put on a name.
pub(super) struct Layer {
    pub(super) guard: u64,
    /// Who armed it, and where.
    thread: ThreadId,
    armed_at: &'static Location<'static>,
    pub(super) beneath: Suspended,
    pub(super) tally: Tally,
}

/// What changes a configuration, and where.
#[derive(Clone, Copy)]
pub(crate) struct Cause {
    did: &'static str,
    place: &'static Location<'static>,
}

impl Cause {
    /// The place is that of the public function's caller.
    #[track_caller]
    pub(crate) fn here(did: &'static str) -> Self {
        let place = Location::caller();
        Self { did, place }
    }
}

/// A change of a configuration, and who made it.
#[derive(Clone)]
pub(crate) struct Change {
    /// `None` if it was somebody outside of the process.
    by: Option<(Cause, Thread)>,
}

impl Change {
    /// What this thread does.
    fn now(cause: Option<Cause>) -> Self {
        let by = cause.map(|cause| (cause, thread::current()));
        Self { by }
    }
}

/// Formats for people, as in `removed at tests/upload.rs:12:5, by thread "main"`.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((Cause { did, place }, thread)) = &self.by else {
            return f.write_str("changed over HTTP");
        };
        match thread.name() {
            Some(name) => write!(f, "{did} at {place}, by thread {name:?}"),
            None => write!(f, "{did} at {place}, by a thread without a name"),
        }
    }
}

/// How another thread came in the way of a guard.
#[derive(Clone)]
pub(crate) struct Disturbance {
    pub(crate) cause: Box<str>,
    /// Whether somebody waited then; else hits may have gone elsewhere since.
    pub(crate) ended_waits: bool,
}

/// What past configurations of a layer left behind.
#[derive(Default)]
pub(super) struct Tally {
    fired: bool,
    pub(super) disturbed: Option<Disturbance>,
    /// How its configuration was last changed or removed by another than its guard.
    pub(super) changed: Option<Change>,
    /// Those that did not fire, as far as is known: a hit may be under way.
    past: Vec<Arc<Point>>,
}

impl Tally {
    pub(super) fn fired(&self) -> bool {
        self.fired || self.past.iter().any(|point| point.fired() > 0)
    }

    pub(super) fn note(&mut self, point: &Arc<Point>) {
        self.past.push(point.clone());
        self.past.retain_mut(|point| {
            // No other owner: no hit can reach it any more, and all that did have counted. Checked
            // first, because a hit may count and end between the two. (`get_mut` acquires what
            // those hits did; `strong_count` would not.)
            let is_over = Arc::get_mut(point).is_some();
            self.fired |= point.fired() > 0;
            !is_over
        });
        if self.fired {
            self.past.clear();
        }
    }
}

/// What works again when it is on top.
#[derive(Default)]
pub(super) struct Suspended {
    pub(super) point: Option<Arc<Point>>,
    callback: Option<CallbackFn>,
}

impl Suspended {
    pub(super) fn new(point: Option<Arc<Point>>, wakeups: &mut Wakeups) -> Self {
        let callback = point.as_ref().and_then(|point| wakeups.suspend(point));
        Self { point, callback }
    }

    /// Resumes the point. Called before it is published, so that a hit finds it at work.
    pub(super) fn resume(self) -> Option<Arc<Point>> {
        let point = self.point?;
        if let Some(callback) = self.callback {
            point.put_callback(callback);
        }
        point.waiters.resume();
        Some(point)
    }

    /// Ends it for good, and wakes observers that may still watch it.
    pub(super) fn end(self, wakeups: &mut Wakeups) {
        if let Some(point) = &self.point {
            wakeups.retire(point);
        }
        wakeups.drop_later(self.callback);
    }
}

impl Layer {
    pub(super) fn new(guard: u64, cause: Cause, beneath: Suspended, tally: Tally) -> Self {
        Self {
            guard,
            thread: thread::current().id(),
            armed_at: cause.place,
            beneath,
            tally,
        }
    }

    /// Notes that `cause` took the place of `point`, if it is another thread that did it. In a scope
    /// that is nobody's fault: those inside share its names on purpose.
    pub(super) fn note_disturbance(&mut self, point: &Point, cause: Option<Cause>) {
        let Some(cause) = cause.filter(|_| point.home().id() == GLOBAL) else {
            return;
        };
        let ended_waits = point.waiters.was_cut_short();
        let before = self.tally.disturbed.as_ref();
        let is_worse = before.is_none_or(|before| ended_waits && !before.ended_waits);
        if is_worse && self.thread != thread::current().id() {
            let cause = Change::now(Some(cause)).to_string().into();
            self.tally.disturbed = Some(Disturbance { cause, ended_waits });
        }
    }
}

impl Layers {
    pub(super) const fn new() -> Self {
        Self {
            next_guard: 0,
            stacks: Vec::new(),
            reset: Vec::new(),
            dropped: BTreeMap::new(),
        }
    }

    pub(super) fn stack(&self, scope: u64, name: &str) -> Option<&[Layer]> {
        let mut stacks = self.stacks.iter();
        let stack = stacks.find(|stack| stack.is_of(scope, name))?;
        Some(&stack.layers)
    }

    pub(super) fn stack_mut(&mut self, scope: u64, name: &str) -> Option<&mut Vec<Layer>> {
        let mut stacks = self.stacks.iter_mut();
        let stack = stacks.find(|stack| stack.is_of(scope, name))?;
        Some(&mut stack.layers)
    }

    pub(super) fn position(&self, scope: u64, name: &str, guard: u64) -> Option<(&[Layer], usize)> {
        let stack = self.stack(scope, name)?;
        let at = stack.iter().position(|layer| layer.guard == guard)?;
        Some((stack, at))
    }

    pub(super) fn push(&mut self, scope: u64, name: &str, layer: Layer) {
        match self.stack_mut(scope, name) {
            Some(layers) => layers.push(layer),
            None => self.stacks.push(Stack {
                scope,
                name: name.into(),
                layers: vec![layer],
            }),
        }
    }

    /// Removes the guard's layer, and returns it with the index it had.
    pub(super) fn take(&mut self, scope: u64, name: &str, guard: u64) -> Option<(Layer, usize)> {
        let (stack, at) = self.position(scope, name, guard)?;
        if stack.len() > 1 {
            return Some((self.stack_mut(scope, name)?.remove(at), at));
        }
        let mut stacks = self.stacks.iter();
        let stack = stacks.position(|stack| stack.is_of(scope, name))?;
        let layer = self.stacks.swap_remove(stack).layers.pop()?;
        Some((layer, 0))
    }

    /// Takes the tally of a guard that was reset.
    pub(super) fn take_reset(&mut self, guard: u64) -> Tally {
        match self.reset.iter().position(|other| other.guard == guard) {
            Some(at) => self.reset.swap_remove(at).tally,
            None => Tally::default(),
        }
    }

    /// Remembers a guard that is dropped, until its scope is [forgotten](Self::forget_dropped).
    pub(super) fn note_dropped(&mut self, scope: u64, name: &str, guard: u64) {
        let armed_at = match self.position(scope, name, guard) {
            Some((stack, at)) => Some(stack[at].armed_at),
            None => self.reset_guard(guard).map(|reset| reset.armed_at),
        };
        let Some(armed_at) = armed_at else { return };
        let dropped = self.dropped.entry(scope).or_default();
        dropped.truncate(MOST_DROPPED - 1);
        dropped.push_front(Dropped {
            guard,
            name: name.into(),
            armed_at,
        });
    }

    /// Forgets the dropped guards of a scope that has ended.
    pub(super) fn forget_dropped(&mut self, scope: u64) {
        self.dropped.remove(&scope);
    }

    fn reset_guard(&self, guard: u64) -> Option<&Reset> {
        self.reset.iter().find(|reset| reset.guard == guard)
    }

    /// Describes, for people, what became of the last guard of a name that has no guard's
    /// configuration.
    pub(super) fn about_guard_of(&self, scope: u64, name: &str) -> Option<String> {
        let alive = match self.stack(scope, name).and_then(|stack| stack.last()) {
            Some(top) => Some((top.armed_at, &top.tally)),
            None => {
                let mut reset = self.reset.iter().rev();
                let reset = reset.find(|reset| reset.scope == scope && *reset.name == *name);
                reset.map(|reset| (reset.armed_at, &reset.tally))
            }
        };
        if let Some((armed_at, tally)) = alive {
            let change = tally.changed.as_ref()?;
            return Some(format!(
                "its guard, armed at {armed_at}, is still there, but it was {change}"
            ));
        }
        let mut dropped = self.dropped.get(&scope)?.iter();
        let dropped = dropped.find(|dropped| *dropped.name == *name)?;
        Some(format!(
            "its guard, armed at {}, was dropped (`let _ = arm(..)` drops it at once)",
            dropped.armed_at
        ))
    }

    /// Describes, for people, how the configuration of a guard ended.
    pub(super) fn about_end(&self, scope: u64, name: &str, guard: u64) -> Option<String> {
        if let Some(change) = self.changed(scope, name, guard) {
            return Some(format!("it was {change}"));
        }
        let mut dropped = self.dropped.get(&scope)?.iter();
        let dropped = dropped.find(|dropped| dropped.guard == guard)?;
        Some(format!(
            "the guard, armed at {}, was dropped",
            dropped.armed_at
        ))
    }

    /// Returns how another thread came in the way of a guard, if one did.
    pub(super) fn disturbance(&self, scope: u64, name: &str, guard: u64) -> Option<&Disturbance> {
        self.tally(scope, name, guard)?.disturbed.as_ref()
    }

    /// Returns how a guard's configuration was last changed or removed by another than the guard.
    pub(super) fn changed(&self, scope: u64, name: &str, guard: u64) -> Option<&Change> {
        self.tally(scope, name, guard)?.changed.as_ref()
    }

    fn tally(&self, scope: u64, name: &str, guard: u64) -> Option<&Tally> {
        match self.position(scope, name, guard) {
            Some((stack, at)) => Some(&stack[at].tally),
            None => Some(&self.reset_guard(guard)?.tally),
        }
    }

    /// Records points that were the topmost of their names, for their layers. `cause` is `None` if
    /// it was somebody outside of the process, who is nobody's test.
    pub(super) fn note_gone(&mut self, gone: &[Arc<Point>], cause: Option<Cause>) {
        if self.stacks.is_empty() {
            return;
        }
        for point in gone {
            let stack = self.stack_mut(point.home().id(), point.name());
            if let Some(top) = stack.and_then(|stack| stack.last_mut()) {
                top.tally.note(point);
                top.tally.changed = Some(Change::now(cause));
                top.note_disturbance(point, cause);
            }
        }
    }

    /// Whether a guard has a layer in a scope.
    pub(super) fn has(&self, scope: u64) -> bool {
        self.stacks.iter().any(|stack| stack.scope == scope)
    }

    /// Ends every layer in a scope that had the points `gone`.
    pub(super) fn reset(
        &mut self,
        scope: u64,
        gone: &[Arc<Point>],
        wakeups: &mut Wakeups,
        cause: Option<Cause>,
    ) {
        let (ended, left) = std::mem::take(&mut self.stacks)
            .into_iter()
            .partition::<Vec<_>, _>(|stack| stack.scope == scope);
        self.stacks = left;
        for Stack { name, layers, .. } in ended {
            let mut top = gone.iter().find(|point| point.name() == &*name).cloned();
            // Of what was beneath, waits had been ended before.
            let mut disturbance = cause;
            for mut layer in layers.into_iter().rev() {
                if let Some(point) = top {
                    layer.note_disturbance(&point, disturbance.take());
                    layer.tally.note(&point);
                    layer.tally.changed = Some(Change::now(cause));
                }
                top = layer.beneath.point.clone();
                self.reset.push(Reset {
                    guard: layer.guard,
                    scope,
                    name: name.clone(),
                    armed_at: layer.armed_at,
                    tally: layer.tally,
                });
                layer.beneath.end(wakeups);
            }
        }
    }
}
