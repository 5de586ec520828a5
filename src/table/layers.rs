//! Guards: configurations that are put over others, and give them back.
//!
//! The table has one point per name, the topmost. What is beneath a guard's is kept here,
//! suspended: it lets its waiters go like a retired point, but it keeps its counts and its
//! callback, and works again when the guard is dropped. Everything here happens under the
//! writer's mutex.
//!
//! Whoever configures or removes the name by other means changes the topmost layer, and that
//! ends with its guard. [`reset`](super::Registry::reset) ends all layers: their guards have
//! nothing to give back any more.

use std::sync::Arc;

use super::{Registry, Replaced};
use crate::action::Function;
use crate::point::Point;
use crate::trie::Named;
use crate::wait::Released;

/// The layers of every name that has a guard. A test has a handful of guards: they are found by
/// looking at each.
#[derive(Debug)]
pub(crate) struct Layers {
    next_guard: u64,
    stacks: Vec<Stack>,
    /// What was left of guards that were reset.
    over: Vec<(u64, Tally)>,
}

/// The layers of one name, the topmost last. There is at least one.
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

/// Whether a configuration of a layer fired that is there no more.
#[derive(Debug, Default)]
struct Tally {
    fired: bool,
    /// Those that did not, as far as is known: a hit may be under way.
    past: Vec<Arc<Point>>,
}

impl Tally {
    fn fired(&self) -> bool {
        self.fired || self.past.iter().any(|point| point.fired() > 0)
    }

    fn note(&mut self, point: &Arc<Point>) {
        self.past.push(point.clone());
        self.past.retain_mut(|point| {
            // No other owner: no hit can reach it any more, and all that did have counted.
            // Asked first, because a hit may count and end between the two. (It acquires what
            // they did; `strong_count` would not.)
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
    callback: Option<Function>,
}

impl Suspended {
    fn new(point: Option<Arc<Point>>, released: &mut Released) -> Self {
        let callback = point.as_ref().and_then(|point| released.suspend(point));
        Self { point, callback }
    }

    /// Comes before the point is published: who finds it finds it at work.
    fn resume(self) -> Option<Arc<Point>> {
        let point = self.point?;
        if let Some(callback) = self.callback {
            point.put_callback(callback);
        }
        point.waiters.resume();
        Some(point)
    }

    /// Ends it for good. It lets its observers know, who may still look at it.
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
            over: Vec::new(),
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

    /// Takes the guard's layer out, and returns it with its place among those that are left.
    fn take(&mut self, name: &str, guard: u64) -> Option<(Layer, usize)> {
        let (stack, at) = self.position(name, guard)?;
        if stack.len() > 1 {
            return Some((self.stack_mut(name)?.remove(at), at));
        }
        let stack = self.stacks.iter().position(|stack| &*stack.name == name)?;
        let layer = self.stacks.swap_remove(stack).layers.pop()?;
        Some((layer, 0))
    }

    /// Takes what was left to a guard that was reset.
    fn take_over(&mut self, guard: u64) -> Tally {
        match self.over.iter().position(|(other, _)| *other == guard) {
            Some(at) => self.over.swap_remove(at).1,
            None => Tally::default(),
        }
    }

    /// Remembers points that were the topmost of their names, for their layers.
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

    /// Ends every layer. `gone` is what the table had.
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
                self.over.push((layer.guard, tally));
                top = layer.beneath.point.clone();
                layer.beneath.end(released);
            }
        }
    }
}

impl Registry {
    /// The points of the table, sorted by name, and those beneath them.
    pub(crate) fn layered_points(&self) -> (Vec<Arc<Point>>, Vec<Arc<Point>>) {
        let layers = self.write();
        let all = layers.stacks.iter().flat_map(|stack| &stack.layers);
        let beneath = all.filter_map(|layer| layer.beneath.point.clone());
        (self.points(), beneath.collect())
    }

    /// The point of that name, and those beneath it.
    #[cfg(feature = "http")]
    pub(crate) fn layers_of(&self, name: &str) -> Option<(Arc<Point>, Vec<Arc<Point>>)> {
        let layers = self.write();
        let point = self.find(crate::name::hash(name), name)?;
        let all = layers.stack(name).into_iter().flatten();
        let beneath = all.filter_map(|layer| layer.beneath.point.clone());
        Some((point, beneath.collect()))
    }

    /// Puts `point` over what its name has now. The guard's number, and what is to be finished
    /// once the guard is there, because it runs others' code.
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
        // For the report of the change: it is not gone.
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

    /// Configures the guard's layer anew.
    pub(crate) fn rearm(&self, guard: u64, point: &Arc<Point>) {
        let mut layers = self.write();
        let name = point.name();
        let place = layers
            .position(name, guard)
            .map(|(stack, at)| (at, at + 1 == stack.len()));
        let top = std::slice::from_ref(point);
        let (replaced, added) = match place {
            None => {
                let tally = layers.take_over(guard);
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

    /// Takes the guard's layer away, and returns whether its point ever fired.
    pub(crate) fn disarm(&self, name: &str, hash: u64, guard: u64) -> bool {
        let mut layers = self.write();
        let own = self.layer_in(&layers, name, hash, guard);
        let Some((Layer { beneath, tally, .. }, at)) = layers.take(name, guard) else {
            return layers.take_over(guard).fired();
        };
        let above = layers.stack_mut(name).and_then(|stack| stack.get_mut(at));
        let (replaced, added) = if let Some(above) = above {
            let mut released = Released::default();
            // What was this guard's is beneath the next one.
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
        // Only now: before, somebody could hit it.
        tally.fired() || own.is_some_and(|own| own.fired() > 0)
    }

    /// What the guard's layer is configured to do, whether on top or not.
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
