//! Guards: configurations that are put over others and restore them on drop.
//!
//! The table has one point per name, the topmost. Those beneath it are kept here, suspended: a
//! suspended point ends its waits like a retired one, but it keeps its counts and its callback, and
//! works again when the guard above it is dropped. Everything here happens under the writer's
//! mutex.
//!
//! A call that configures or removes the name by other means changes the topmost layer, and that
//! change ends with the layer's guard. [`reset`](super::Registry::reset) ends all layers: their
//! guards have nothing left to restore.

use std::sync::Arc;

use super::{Registry, Replaced};
use crate::action::CallbackFn;
use crate::point::Point;
use crate::trie::Named;
use crate::wait::Released;

/// The layers of every name that has a guard. A test has only a few guards, so they are searched
/// linearly.
#[derive(Debug)]
pub(crate) struct Layers {
    next_guard: u64,
    stacks: Vec<Stack>,
    /// The tallies of guards that were reset.
    reset: Vec<(u64, Tally)>,
}

/// The layers of one name, the topmost last. Never empty.
#[derive(Debug)]
struct Stack {
    name: Box<str>,
    layers: Vec<Layer>,
}

/// What a guard has put on a name.
#[derive(Debug)]
struct Layer {
    guard: u64,
    beneath: Suspended,
    tally: Tally,
}

/// Whether a past configuration of a layer fired.
#[derive(Debug, Default)]
struct Tally {
    fired: bool,
    /// Those that did not fire, as far as is known: a hit may be under way.
    past: Vec<Arc<Point>>,
}

impl Tally {
    fn fired(&self) -> bool {
        self.fired || self.past.iter().any(|point| point.fired() > 0)
    }

    fn note(&mut self, point: &Arc<Point>) {
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
#[derive(Debug, Default)]
struct Suspended {
    point: Option<Arc<Point>>,
    callback: Option<CallbackFn>,
}

impl Suspended {
    fn new(point: Option<Arc<Point>>, released: &mut Released) -> Self {
        let callback = point.as_ref().and_then(|point| released.suspend(point));
        Self { point, callback }
    }

    /// Resumes the point. Called before it is published, so that a hit finds it at work.
    fn resume(self) -> Option<Arc<Point>> {
        let point = self.point?;
        if let Some(callback) = self.callback {
            point.put_callback(callback);
        }
        point.waiters.resume();
        Some(point)
    }

    /// Ends it for good, and wakes observers that may still watch it.
    fn end(self, released: &mut Released) {
        if let Some(point) = &self.point {
            released.retire(point);
        }
        released.drop_later(self.callback);
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

    fn stack(&self, name: &str) -> Option<&[Layer]> {
        let stack = self.stacks.iter().find(|stack| &*stack.name == name)?;
        Some(&stack.layers)
    }

    fn stack_mut(&mut self, name: &str) -> Option<&mut Vec<Layer>> {
        let mut stacks = self.stacks.iter_mut();
        let stack = stacks.find(|stack| &*stack.name == name)?;
        Some(&mut stack.layers)
    }

    fn position(&self, name: &str, guard: u64) -> Option<(&[Layer], usize)> {
        let stack = self.stack(name)?;
        let at = stack.iter().position(|layer| layer.guard == guard)?;
        Some((stack, at))
    }

    fn push(&mut self, name: &str, layer: Layer) {
        match self.stack_mut(name) {
            Some(layers) => layers.push(layer),
            None => self.stacks.push(Stack {
                name: name.into(),
                layers: vec![layer],
            }),
        }
    }

    /// Removes the guard's layer, and returns it with the index it had.
    fn take(&mut self, name: &str, guard: u64) -> Option<(Layer, usize)> {
        let (stack, at) = self.position(name, guard)?;
        if stack.len() > 1 {
            return Some((self.stack_mut(name)?.remove(at), at));
        }
        let stack = self.stacks.iter().position(|stack| &*stack.name == name)?;
        let layer = self.stacks.swap_remove(stack).layers.pop()?;
        Some((layer, 0))
    }

    /// Takes the tally of a guard that was reset.
    fn take_reset(&mut self, guard: u64) -> Tally {
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
    pub(super) fn reset(
        &mut self,
        gone: impl FnOnce() -> Vec<Arc<Point>>,
        released: &mut Released,
    ) {
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
                layer.beneath.end(released);
            }
        }
    }
}

impl Registry {
    /// Returns the points of the table, sorted by name, and those beneath them.
    pub(crate) fn layered_points(&self) -> (Vec<Arc<Point>>, Vec<Arc<Point>>) {
        let layers = self.write();
        let all = layers.stacks.iter().flat_map(|stack| &stack.layers);
        let beneath = all.filter_map(|layer| layer.beneath.point.clone());
        (self.points(), beneath.collect())
    }

    /// Returns the point of that name, and those beneath it.
    #[cfg(feature = "http")]
    pub(crate) fn layers_of(&self, name: &str) -> Option<(Arc<Point>, Vec<Arc<Point>>)> {
        let layers = self.write();
        let point = self.find(crate::name::hash(name), name)?;
        let all = layers.stack(name).into_iter().flatten();
        let beneath = all.filter_map(|layer| layer.beneath.point.clone());
        Some((point, beneath.collect()))
    }

    /// Puts `point` over what its name has now. Returns the guard's number, and what the caller has
    /// to finish once the guard exists, because it runs others' code.
    pub(crate) fn arm(&self, point: &Arc<Point>) -> (u64, Replaced) {
        let mut layers = self.write();
        let guard = layers.next_guard;
        layers.next_guard += 1;
        let replaced = self.put_over(&mut layers, guard, Tally::default(), point);
        (guard, replaced)
    }

    fn put_over(
        &self,
        layers: &mut Layers,
        guard: u64,
        tally: Tally,
        point: &Arc<Point>,
    ) -> Replaced {
        let mut beneath = None;
        let mut replaced = self.replace(|table| {
            beneath = table.insert(point.clone());
            Vec::new()
        });
        // For the report of the change: the point is suspended, not gone.
        replaced.gone.extend(beneath.clone());
        let beneath = Suspended::new(beneath, &mut replaced.released);
        let layer = Layer {
            guard,
            beneath,
            tally,
        };
        layers.push(point.name(), layer);
        replaced
    }

    /// Reconfigures the guard's layer.
    pub(crate) fn rearm(&self, guard: u64, point: &Arc<Point>) {
        let mut layers = self.write();
        let name = point.name();
        let place = layers
            .position(name, guard)
            .map(|(stack, at)| (at, at + 1 == stack.len()));
        let top = std::slice::from_ref(point);
        let (replaced, added) = match place {
            None => {
                let tally = layers.take_reset(guard);
                (self.put_over(&mut layers, guard, tally, point), top)
            }
            Some((_, true)) => {
                let replaced = self.replace(|table| {
                    let before = table.insert(point.clone());
                    before.into_iter().collect()
                });
                self.count_on(&replaced.gone);
                layers.note_gone(&replaced.gone);
                (replaced, top)
            }
            Some((at, false)) => {
                let mut released = Released::default();
                if let Some(stack) = layers.stack_mut(name) {
                    let next = Suspended::new(Some(point.clone()), &mut released);
                    let before = std::mem::replace(&mut stack[at + 1].beneath, next);
                    if let Some(before) = &before.point {
                        point.follow(before);
                        stack[at].tally.note(before);
                    }
                    before.end(&mut released);
                }
                (Replaced::only(released), Default::default())
            }
        };
        drop(layers);
        replaced.finish(added);
    }

    /// Removes the guard's layer, and returns whether its point ever fired.
    pub(crate) fn disarm(&self, name: &str, hash: u64, guard: u64) -> bool {
        let mut layers = self.write();
        let own = self.layer_in(&layers, name, hash, guard);
        let Some((Layer { beneath, tally, .. }, at)) = layers.take(name, guard) else {
            return layers.take_reset(guard).fired();
        };
        let above = layers.stack_mut(name).and_then(|stack| stack.get_mut(at));
        let (replaced, added) = if let Some(above) = above {
            let mut released = Released::default();
            // What was beneath this guard is now beneath the next one.
            std::mem::replace(&mut above.beneath, beneath).end(&mut released);
            let above = above.guard;
            if let (Some(next), Some(own)) = (self.layer_in(&layers, name, hash, above), &own) {
                next.follow(own);
            }
            (Replaced::only(released), None)
        } else {
            let beneath = beneath.resume();
            let replaced = self.replace(|table| {
                let top = match &beneath {
                    Some(point) => table.insert(point.clone()),
                    None => table.remove(hash, name),
                };
                top.into_iter().collect()
            });
            self.count_on(&replaced.gone);
            (replaced, beneath)
        };
        drop(layers);
        replaced.finish(added.as_slice());
        // Only now: until here it could still be hit.
        tally.fired() || own.is_some_and(|own| own.fired() > 0)
    }

    /// Returns the point of the guard's layer, whether on top or not.
    pub(crate) fn layer(&self, name: &str, hash: u64, guard: u64) -> Option<Arc<Point>> {
        self.layer_in(&self.write(), name, hash, guard)
    }

    fn layer_in(&self, layers: &Layers, name: &str, hash: u64, guard: u64) -> Option<Arc<Point>> {
        let (stack, at) = layers.position(name, guard)?;
        match stack.get(at + 1) {
            Some(above) => above.beneath.point.clone(),
            None => self.find(hash, name),
        }
    }
}
