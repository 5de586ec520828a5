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

use super::{Registry, Table};
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
    /// The last configurations of guards that were reset.
    over: Vec<(u64, Vec<Arc<Point>>)>,
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
    /// Configurations of this layer that were removed, for their counts.
    removed: Vec<Arc<Point>>,
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

    fn push(&mut self, name: &str, guard: u64, beneath: Suspended) {
        let layer = Layer {
            guard,
            beneath,
            removed: Vec::new(),
        };
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
    fn take_over(&mut self, guard: u64) -> Option<Vec<Arc<Point>>> {
        let at = self.over.iter().position(|(other, _)| *other == guard)?;
        Some(self.over.swap_remove(at).1)
    }

    /// Remembers what `gone` counted whose names are not in `table` any more.
    pub(super) fn note_removed(&mut self, table: &Table, gone: &[Arc<Point>]) {
        if self.stacks.is_empty() {
            return;
        }
        for point in gone {
            let top = self.stack_mut(point.name()).and_then(|s| s.last_mut());
            if let Some(top) = top {
                if table.get(point.hash(), point.name()).is_none() {
                    top.removed.push(point.clone());
                }
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
                let mut counted = layer.removed;
                counted.extend(top);
                self.over.push((layer.guard, counted));
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

    /// Puts `point` over what its name has now, and returns the guard's number.
    pub(crate) fn arm(&self, point: Arc<Point>) -> u64 {
        let mut layers = self.write();
        let guard = layers.next_guard;
        layers.next_guard += 1;
        let replaced = self.put_over(&mut layers, guard, point);
        drop(layers);
        replaced.finish();
        guard
    }

    fn put_over(&self, layers: &mut Layers, guard: u64, point: Arc<Point>) -> super::Replaced {
        let mut beneath = None;
        let mut replaced = self.replace(layers, std::slice::from_ref(&point), |table| {
            beneath = table.insert(point.clone());
            Vec::new()
        });
        // For what is told of it: it is not gone.
        replaced.gone.extend(beneath.clone());
        let beneath = Suspended::new(beneath, &mut replaced.released);
        layers.push(point.name(), guard, beneath);
        replaced
    }

    /// Configures the guard's layer anew.
    pub(crate) fn rearm(&self, guard: u64, point: Arc<Point>) {
        let mut layers = self.write();
        let name = point.name();
        let above = match layers.position(name, guard) {
            Some((stack, at)) if at + 1 == stack.len() => None,
            Some((_, at)) => Some(at + 1),
            None => {
                layers.take_over(guard);
                let replaced = self.put_over(&mut layers, guard, point);
                drop(layers);
                return replaced.finish();
            }
        };
        let replaced = match above {
            None => self.replace(&mut layers, std::slice::from_ref(&point), |table| {
                put(table, point.clone()).into_iter().collect()
            }),
            Some(above) => {
                let mut released = Released::default();
                let next = Suspended::new(Some(point.clone()), &mut released);
                let stack = layers.stack_mut(name);
                if let Some(layer) = stack.and_then(|stack| stack.get_mut(above)) {
                    let before = std::mem::replace(&mut layer.beneath, next);
                    if let Some(before) = &before.point {
                        point.follow(before);
                    }
                    before.end(&mut released);
                }
                super::Replaced::only(released)
            }
        };
        drop(layers);
        replaced.finish();
    }

    /// Takes the guard's layer away, and returns how often its point fired.
    pub(crate) fn disarm(&self, name: &str, hash: u64, guard: u64) -> usize {
        let mut layers = self.write();
        let fired = self.fired(&layers, name, guard);
        layers.take_over(guard);
        let Some((layer, at)) = layers.take(name, guard) else {
            return fired;
        };
        let above = layers.stack_mut(name).and_then(|stack| stack.get_mut(at));
        let replaced = if let Some(above) = above {
            let mut released = Released::default();
            // What was this guard's is beneath the next one.
            let own = std::mem::replace(&mut above.beneath, layer.beneath);
            if let (Some(point), Some(own)) = (&above.beneath.point, &own.point) {
                point.follow(own);
            }
            own.end(&mut released);
            super::Replaced::only(released)
        } else {
            let beneath = layer.beneath.resume();
            self.replace(&mut layers, beneath.as_slice(), |table| {
                let top = match &beneath {
                    Some(point) => put(table, point.clone()),
                    None => table.remove(hash, name),
                };
                top.into_iter().collect()
            })
        };
        drop(layers);
        replaced.finish();
        fired
    }

    /// What the guard's layer is configured to do, whether on top or not.
    pub(crate) fn layer(&self, name: &str, hash: u64, guard: u64) -> Option<Arc<Point>> {
        let layers = self.write();
        let (stack, at) = layers.position(name, guard)?;
        match stack.get(at + 1) {
            Some(above) => above.beneath.point.clone(),
            None => self.find(hash, name),
        }
    }

    fn fired(&self, layers: &Layers, name: &str, guard: u64) -> usize {
        let all = |points: &[Arc<Point>]| points.iter().map(|p| p.all_fired()).sum::<usize>();
        if let Some((_, points)) = layers.over.iter().find(|(other, _)| *other == guard) {
            return all(points);
        }
        let Some((stack, at)) = layers.position(name, guard) else {
            return 0;
        };
        let present = match stack.get(at + 1) {
            Some(above) => above.beneath.point.clone(),
            None => self.find(crate::name::hash(name), name),
        };
        all(&stack[at].removed) + present.map_or(0, |point| point.all_fired())
    }
}

/// Puts a point in the place of the one that has its name, and has it count on.
pub(super) fn put(table: &mut Table, point: Arc<Point>) -> Option<Arc<Point>> {
    let before = table.insert(point.clone())?;
    point.follow(&before);
    Some(before)
}
