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

use std::sync::Arc;

use crate::engine::actions::action::CallbackFn;
use crate::engine::point::Point;
use crate::engine::trie::Named;
use crate::engine::wakeups::Wakeups;

/// The layers of every name that has a guard. A test has only a few guards, so they are searched
/// linearly.
pub(crate) struct Layers {
    pub(super) next_guard: u64,
    pub(super) stacks: Vec<Stack>,
    /// The tallies of guards that were reset.
    reset: Vec<(u64, Tally)>,
}

/// The layers of one name, the topmost last. Never empty.
pub(super) struct Stack {
    name: Box<str>,
    pub(super) layers: Vec<Layer>,
}

/// What a guard has put on a name.
pub(super) struct Layer {
    pub(super) guard: u64,
    pub(super) beneath: Suspended,
    pub(super) tally: Tally,
}

/// Whether a past configuration of a layer fired.
#[derive(Default)]
pub(super) struct Tally {
    fired: bool,
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

impl Layers {
    pub(super) const fn new() -> Self {
        Self {
            next_guard: 0,
            stacks: Vec::new(),
            reset: Vec::new(),
        }
    }

    pub(super) fn stack(&self, name: &str) -> Option<&[Layer]> {
        let stack = self.stacks.iter().find(|stack| &*stack.name == name)?;
        Some(&stack.layers)
    }

    pub(super) fn stack_mut(&mut self, name: &str) -> Option<&mut Vec<Layer>> {
        let mut stacks = self.stacks.iter_mut();
        let stack = stacks.find(|stack| &*stack.name == name)?;
        Some(&mut stack.layers)
    }

    pub(super) fn position(&self, name: &str, guard: u64) -> Option<(&[Layer], usize)> {
        let stack = self.stack(name)?;
        let at = stack.iter().position(|layer| layer.guard == guard)?;
        Some((stack, at))
    }

    pub(super) fn push(&mut self, name: &str, layer: Layer) {
        match self.stack_mut(name) {
            Some(layers) => layers.push(layer),
            None => self.stacks.push(Stack {
                name: name.into(),
                layers: vec![layer],
            }),
        }
    }

    /// Removes the guard's layer, and returns it with the index it had.
    pub(super) fn take(&mut self, name: &str, guard: u64) -> Option<(Layer, usize)> {
        let (stack, at) = self.position(name, guard)?;
        if stack.len() > 1 {
            return Some((self.stack_mut(name)?.remove(at), at));
        }
        let stack = self.stacks.iter().position(|stack| &*stack.name == name)?;
        let layer = self.stacks.swap_remove(stack).layers.pop()?;
        Some((layer, 0))
    }

    /// Takes the tally of a guard that was reset.
    pub(super) fn take_reset(&mut self, guard: u64) -> Tally {
        match self.reset.iter().position(|(other, _)| *other == guard) {
            Some(at) => self.reset.swap_remove(at).1,
            None => Tally::default(),
        }
    }

    /// Records points that were the topmost of their names, for their layers.
    pub(super) fn note_gone(&mut self, gone: &[Arc<Point>]) {
        if self.stacks.is_empty() {
            return;
        }
        for point in gone {
            if let Some(top) = self.stack_mut(point.name()).and_then(|s| s.last_mut()) {
                top.tally.note(point);
            }
        }
    }

    /// Ends every layer. `gone` returns the points that the table had.
    pub(super) fn reset(&mut self, gone: impl FnOnce() -> Vec<Arc<Point>>, wakeups: &mut Wakeups) {
        if self.stacks.is_empty() {
            return;
        }
        let gone = gone();
        for Stack { name, layers } in std::mem::take(&mut self.stacks) {
            let mut top = gone.iter().find(|point| point.name() == &*name).cloned();
            for layer in layers.into_iter().rev() {
                let mut tally = layer.tally;
                if let Some(point) = top {
                    tally.note(&point);
                }
                self.reset.push((layer.guard, tally));
                top = layer.beneath.point.clone();
                layer.beneath.end(wakeups);
            }
        }
    }
}
