//! How a guard puts its configuration over what its name has, changes it, and takes it away.

use std::sync::Arc;

use crate::engine::layers::{Layer, Layers, Suspended, Tally};
use crate::engine::point::Point;
use crate::engine::table::{Registry, Replaced};
use crate::engine::trie::Named;
use crate::engine::wakeups::Wakeups;

impl Registry {
    /// Returns the points of the table, sorted by name, and those beneath them.
    pub(crate) fn layered_points(&self) -> (Vec<Arc<Point>>, Vec<Arc<Point>>) {
        let layers = self.write();
        let all = layers.stacks.iter().flat_map(|stack| &stack.layers);
        let beneath = all.filter_map(|layer| layer.beneath.point.clone());
        (self.points(), beneath.collect())
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
        let beneath = Suspended::new(beneath, &mut replaced.wakeups);
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
                let mut wakeups = Wakeups::default();
                if let Some(stack) = layers.stack_mut(name) {
                    let next = Suspended::new(Some(point.clone()), &mut wakeups);
                    let before = std::mem::replace(&mut stack[at + 1].beneath, next);
                    if let Some(before) = &before.point {
                        point.follow(before);
                        stack[at].tally.note(before);
                    }
                    before.end(&mut wakeups);
                }
                (Replaced::only(wakeups), Default::default())
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
            let mut wakeups = Wakeups::default();
            // What was beneath this guard is now beneath the next one.
            std::mem::replace(&mut above.beneath, beneath).end(&mut wakeups);
            let above = above.guard;
            if let (Some(next), Some(own)) = (self.layer_in(&layers, name, hash, above), &own) {
                next.follow(own);
            }
            (Replaced::only(wakeups), None)
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
