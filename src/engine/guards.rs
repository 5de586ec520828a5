//! How a guard puts its configuration over what its name has, changes it, and takes it away.

use std::sync::Arc;

use crate::engine::layers::{Cause, Disturbance, Layer, Layers, Suspended, Tally};
use crate::engine::point::Point;
use crate::engine::scope::Home;
#[cfg(feature = "http")]
use crate::engine::snapshot::Table;
use crate::engine::table::{Ended, Registry, Replaced};
use crate::engine::trie::Named;
use crate::engine::wakeups::Wakeups;

/// What a guard has put on which name.
#[derive(Clone, Debug)]
pub(crate) struct GuardKey {
    pub(crate) home: Home,
    pub(crate) name: Box<str>,
    pub(crate) hash: u64,
    guard: u64,
}

impl GuardKey {
    fn position<'l>(&self, layers: &'l Layers) -> Option<(&'l [Layer], usize)> {
        layers.position(self.home.id(), &self.name, self.guard)
    }

    fn stack_mut<'l>(&self, layers: &'l mut Layers) -> Option<&'l mut Vec<Layer>> {
        layers.stack_mut(self.home.id(), &self.name)
    }
}

impl Registry {
    /// Returns the points that are seen from a scope, sorted by name, and those beneath them.
    pub(crate) fn layered_points(&self, home: &Home) -> (Vec<Arc<Point>>, Vec<Arc<Point>>) {
        let layers = self.write();
        let seen = self.seen_from(home);
        let beneath = seen.iter().flat_map(|point| {
            let stack = layers.stack(point.home().id(), point.name());
            stack
                .into_iter()
                .flatten()
                .filter_map(|layer| layer.beneath.point.clone())
        });
        let beneath = beneath.collect();
        (seen, beneath)
    }

    /// Puts `point` over what its name has now in its scope. Returns the guard's key, and what the
    /// caller has to finish once the guard exists, because it runs others' code.
    pub(crate) fn arm(
        &self,
        point: &Arc<Point>,
        cause: Cause,
    ) -> Result<(GuardKey, Replaced), Ended> {
        let mut layers = self.write();
        Self::check(std::slice::from_ref(point))?;
        let key = GuardKey {
            home: point.home().clone(),
            name: point.name().into(),
            hash: point.hash(),
            guard: layers.next_guard,
        };
        layers.next_guard += 1;
        let replaced = self.put_over(&mut layers, key.guard, Tally::default(), point, cause);
        Ok((key, replaced))
    }

    fn put_over(
        &self,
        layers: &mut Layers,
        guard: u64,
        tally: Tally,
        point: &Arc<Point>,
        cause: Cause,
    ) -> Replaced {
        let mut beneath = None;
        let mut replaced = self.replace(|table| {
            beneath = table.insert(point.clone());
            Vec::new()
        });
        // For the report of the change: the point is suspended, not gone.
        replaced.gone.extend(beneath.clone());
        let suspended = Suspended::new(beneath.clone(), &mut replaced.wakeups);
        let scope = point.home().id();
        let below = layers
            .stack_mut(scope, point.name())
            .and_then(|stack| stack.last_mut());
        if let (Some(below), Some(point)) = (below, &beneath) {
            below.note_disturbance(point, Some(cause));
        }
        layers.push(
            scope,
            point.name(),
            Layer::new(guard, cause, suspended, tally),
        );
        replaced
    }

    /// Reconfigures the guard's layer.
    pub(crate) fn rearm(
        &self,
        key: &GuardKey,
        point: &Arc<Point>,
        cause: Cause,
    ) -> Result<(), Ended> {
        let mut layers = self.write();
        let top = std::slice::from_ref(point);
        Self::check(top)?;
        let place = key
            .position(&layers)
            .map(|(stack, at)| (at, at + 1 == stack.len()));
        let (replaced, added) = match place {
            None => {
                let mut tally = layers.take_reset(key.guard);
                tally.changed = None;
                (
                    self.put_over(&mut layers, key.guard, tally, point, cause),
                    top,
                )
            }
            Some((_, true)) => {
                let replaced = self.replace(|table| {
                    let before = table.insert(point.clone());
                    before.into_iter().collect()
                });
                self.count_on(&replaced.gone);
                if let Some(layer) = key.stack_mut(&mut layers).and_then(|s| s.last_mut()) {
                    layer.tally.changed = None;
                    replaced.gone.iter().for_each(|gone| layer.tally.note(gone));
                }
                (replaced, top)
            }
            Some((at, false)) => {
                let mut wakeups = Wakeups::default();
                if let Some(stack) = key.stack_mut(&mut layers) {
                    let next = Suspended::new(Some(point.clone()), &mut wakeups);
                    let before = std::mem::replace(&mut stack[at + 1].beneath, next);
                    stack[at].tally.changed = None;
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
        Ok(())
    }

    /// Removes the guard's layer, and returns whether its point ever fired.
    pub(crate) fn disarm(&self, key: &GuardKey) -> bool {
        let mut layers = self.write();
        if !key.home.is_ended() {
            layers.note_dropped(key.home.id(), &key.name, key.guard);
        }
        let own = self.layer_in(&layers, key);
        let Some((Layer { beneath, tally, .. }, at)) =
            layers.take(key.home.id(), &key.name, key.guard)
        else {
            return layers.take_reset(key.guard).fired();
        };
        let above = key
            .stack_mut(&mut layers)
            .and_then(|stack| stack.get_mut(at));
        let (replaced, added) = if let Some(above) = above {
            let mut wakeups = Wakeups::default();
            // What was beneath this guard is now beneath the next one.
            std::mem::replace(&mut above.beneath, beneath).end(&mut wakeups);
            let above = GuardKey {
                guard: above.guard,
                ..key.clone()
            };
            if let (Some(next), Some(own)) = (self.layer_in(&layers, &above), &own) {
                next.follow(own);
            }
            (Replaced::only(wakeups), None)
        } else {
            let beneath = beneath.resume();
            let replaced = self.replace(|table| {
                let top = match &beneath {
                    Some(point) => table.insert(point.clone()),
                    None => table.remove(key.home.id(), key.hash, &key.name),
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

    /// Removes `point`, and nothing that has taken its place: from the table, or from beneath the guard
    /// that was put over it.
    #[cfg(feature = "http")]
    pub(crate) fn expire(&self, point: &Arc<Point>) {
        let is_it = |other: &Arc<Point>| Arc::ptr_eq(other, point);
        let (home, name) = (point.home(), point.name());
        let mut layers = self.write();
        let on_top = self.find(home, point.hash(), name);
        let replaced = if on_top.as_ref().is_some_and(is_it) {
            let remove = |table: &mut Table| table.remove(home.id(), point.hash(), name);
            let replaced = self.replace(|table| remove(table).into_iter().collect());
            layers.note_gone(&replaced.gone, None);
            replaced
        } else {
            let stack = layers.stack_mut(home.id(), name).into_iter().flatten();
            let mut beneath = stack.map(|layer| &mut layer.beneath);
            let found = beneath.find(|beneath| beneath.point.as_ref().is_some_and(is_it));
            let mut wakeups = Wakeups::default();
            if let Some(beneath) = found {
                std::mem::take(beneath).end(&mut wakeups);
            }
            Replaced::only(wakeups)
        };
        drop(layers);
        replaced.finish(&[]);
    }

    /// Whether the guard's point ever fired.
    pub(crate) fn has_fired(&self, key: &GuardKey) -> bool {
        let layers = self.write();
        let tally = key.position(&layers).map(|(stack, at)| &stack[at].tally);
        let own = self.layer_in(&layers, key);
        tally.is_some_and(|tally| tally.fired()) || own.is_some_and(|own| own.fired() > 0)
    }

    /// Returns the point of the guard's layer, whether on top or not.
    pub(crate) fn layer(&self, key: &GuardKey) -> Option<Arc<Point>> {
        self.layer_in(&self.write(), key)
    }

    /// Returns how another thread came in the way of a guard, if one did.
    pub(crate) fn disturbance(&self, key: &GuardKey) -> Option<Disturbance> {
        let layers = self.write();
        layers
            .disturbance(key.home.id(), &key.name, key.guard)
            .cloned()
    }

    /// Describes, for people, how another than the guard last changed or removed its configuration.
    pub(crate) fn change(&self, key: &GuardKey) -> Option<String> {
        let layers = self.write();
        let change = layers.changed(key.home.id(), &key.name, key.guard);
        change.map(ToString::to_string)
    }

    /// Describes, for people, how the guard's configuration ended.
    pub(crate) fn about_end(&self, key: &GuardKey) -> Option<String> {
        let layers = self.write();
        layers.about_end(key.home.id(), &key.name, key.guard)
    }

    /// Describes, for people, what became of the last guard of a name that no guard configures.
    pub(crate) fn about_guard_of(&self, home: &Home, name: &str) -> Option<String> {
        self.write().about_guard_of(home.id(), name)
    }

    fn layer_in(&self, layers: &Layers, key: &GuardKey) -> Option<Arc<Point>> {
        let (stack, at) = key.position(layers)?;
        match stack.get(at + 1) {
            Some(above) => above.beneath.point.clone(),
            None => self.find(&key.home, key.hash, &key.name),
        }
    }
}
