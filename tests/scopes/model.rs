//! Proves that scopes are a tree of tables: random calls in random scopes do what they do in a model of
//! maps and lists.

use std::collections::BTreeMap;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::common::rounds;
use crate::common::{hit, value};
use neon_failpoint::FailpointResult::{self, Continue};
use neon_failpoint::{
    Armed, Origin, Scope, arm, configure_failpoint, configure_failpoints, list_failpoints,
    remove_all_failpoints, remove_failpoint,
};

const NAMES: [&str; 3] = ["scopes-model-a", "scopes-model-b", "scopes-model-c"];

/// One scope, as the model has it.
struct Modelled {
    scope: Scope,
    parent: Option<usize>,
    /// For each name: what is configured, above it the guards, each with what it has put there.
    tables: BTreeMap<&'static str, Layers>,
}

/// A configuration: the text that it returns, or nothing at all.
type Text = Option<String>;

#[derive(Default)]
struct Layers {
    base: Text,
    guards: Vec<(usize, Text)>,
}

impl Layers {
    fn top(&self) -> &Text {
        self.guards.last().map_or(&self.base, |(_, text)| text)
    }

    fn top_mut(&mut self) -> &mut Text {
        match self.guards.last_mut() {
            Some((_, text)) => text,
            None => &mut self.base,
        }
    }
}

struct Model {
    scopes: Vec<Modelled>,
    guards: BTreeMap<usize, (usize, &'static str, Armed)>,
    next: usize,
}

impl Model {
    /// The scopes from `at` outwards.
    fn chain(&self, at: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(Some(at), |at| self.scopes[*at].parent)
    }

    fn seen(&self, at: usize, name: &str) -> FailpointResult {
        let own = |at: usize| self.scopes[at].tables.get(name)?.top().clone();
        self.chain(at).find_map(own).map_or(Continue, value)
    }

    #[track_caller]
    fn check(&self, at: usize) {
        let seen: Vec<_> = NAMES.iter().map(|name| hit(name)).collect();
        let expected: Vec<_> = NAMES.iter().map(|name| self.seen(at, name)).collect();
        assert_eq!(seen, expected);
        let mut list = list_failpoints();
        list.retain(|point| NAMES.contains(&point.name()) && point.is_configured());
        for point in &list {
            let own = self.scopes[at].tables.get(point.name());
            let is_own = own.is_some_and(|layers| layers.top().is_some());
            assert_eq!(point.origin() == Some(Origin::Scope), is_own);
        }
        let shown = expected.iter().filter(|result| **result != Continue);
        assert_eq!(list.len(), shown.count());
    }

    fn step(&mut self, at: usize, random: &mut SmallRng) {
        let name = NAMES[random.random_range(0..NAMES.len())];
        self.next += 1;
        let text = self.next.to_string();
        let actions = format!("return({text})");
        let tables = &mut self.scopes[at].tables;
        match random.random_range(0..10) {
            0 | 1 => {
                configure_failpoint(name, &actions).unwrap();
                *tables.entry(name).or_default().top_mut() = Some(text);
            }
            2 => {
                configure_failpoints(NAMES.map(|name| (name, actions.clone()))).unwrap();
                for name in NAMES {
                    *tables.entry(name).or_default().top_mut() = Some(text.clone());
                }
            }
            3 => {
                remove_failpoint(name);
                *tables.entry(name).or_default().top_mut() = None;
            }
            4 if random.random_range(0..3) == 0 => {
                remove_all_failpoints();
                tables.clear();
            }
            5..=7 => {
                let guard = arm(name, &actions).unwrap();
                let layers = tables.entry(name).or_default();
                layers.guards.push((self.next, Some(text)));
                self.guards.insert(self.next, (at, name, guard));
            }
            _ => {
                // Whichever guard of whichever scope, from here.
                let keys: Vec<usize> = self.guards.keys().copied().collect();
                if keys.is_empty() {
                    return;
                }
                let key = keys[random.random_range(0..keys.len())];
                let (home, name, guard) = self.guards.remove(&key).unwrap();
                if random.random_range(0..3) == 0 {
                    let layers = self.scopes[home].tables.entry(name).or_default();
                    guard.configure(&actions).unwrap();
                    match layers.guards.iter_mut().find(|(other, _)| *other == key) {
                        Some((_, own)) => *own = Some(text),
                        // Everything was removed: it is on top again.
                        None => layers.guards.push((key, Some(text))),
                    }
                    self.guards.insert(key, (home, name, guard));
                } else {
                    drop(guard);
                    if let Some(layers) = self.scopes[home].tables.get_mut(name) {
                        layers.guards.retain(|(other, _)| *other != key);
                    }
                }
            }
        }
    }
}

#[test]
fn scopes_are_a_tree_of_tables() {
    let runs = (rounds() / 50).clamp(20, 2_000);
    for seed in 0..runs as u64 {
        let mut random = SmallRng::seed_from_u64(seed);
        let scopes = [None, Some(0), Some(0), Some(1), None];
        let mut model = Model {
            scopes: Vec::new(),
            guards: BTreeMap::new(),
            next: 0,
        };
        for parent in scopes {
            let scope = match parent {
                None => Scope::new(),
                Some(at) => model.scopes[at].scope.run(Scope::new),
            };
            model.scopes.push(Modelled {
                scope,
                parent,
                tables: BTreeMap::new(),
            });
        }
        for _ in 0..60 {
            let at = random.random_range(0..model.scopes.len());
            let scope = model.scopes[at].scope.clone();
            scope.run(|| model.step(at, &mut random));
            let looks = random.random_range(0..model.scopes.len());
            let scope = model.scopes[looks].scope.clone();
            scope.run(|| model.check(looks));
        }
        // The guards outlive their scopes, or the other way round.
        if seed % 2 == 0 {
            model.scopes.clear();
        }
        drop(model);
        assert!(NAMES.iter().all(|name| hit(name) == Continue));
    }
}
