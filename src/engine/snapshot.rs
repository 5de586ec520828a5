//! What one snapshot of the table holds: the points of every name, and which runtimes have a scope.

use std::sync::Arc;

use crate::engine::point::Point;
#[cfg(feature = "runtime")]
use crate::engine::scope::RuntimeId;
use crate::engine::scope::{self, GLOBAL, Node, Runtimes};
use crate::engine::trie::{Named, Trie};

#[derive(Clone, Default)]
pub(crate) struct Table {
    global: Trie<Arc<Point>>,
    /// Apart, so that a hit looks here only if some scope has a point.
    scoped: Trie<Arc<Scoped>>,
    runtimes: Arc<Runtimes>,
    /// How many explorations are under way: to them, and to no other, every hit matters.
    #[cfg(feature = "explore")]
    pub(crate) explorations: usize,
}

/// The points of a name that is configured in some scopes.
#[derive(Clone)]
pub(crate) struct Scoped {
    name: Arc<str>,
    hash: u64,
    scopes: Trie<InScope>,
}

/// A point, filed under the key of its scope.
#[derive(Clone)]
struct InScope {
    key: u64,
    point: Arc<Point>,
}

/// Returns the key of a scope in a trie. No two are equal, so that they need no name as well.
fn key(scope: u64) -> u64 {
    scope.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

impl Named for InScope {
    #[inline]
    fn name(&self) -> &str {
        ""
    }

    #[inline]
    fn hash(&self) -> u64 {
        self.key
    }
}

impl Named for Scoped {
    #[inline]
    fn name(&self) -> &str {
        &self.name
    }

    #[inline]
    fn hash(&self) -> u64 {
        self.hash
    }
}

impl Scoped {
    fn get(&self, scope: u64) -> Option<&Arc<Point>> {
        self.scopes.get(key(scope), "").map(|entry| &entry.point)
    }

    /// Returns the point that a hit of this thread sees in its scope, or in those around it.
    pub(crate) fn seen(&self, runtimes: &Runtimes) -> Option<&Arc<Point>> {
        let entered = scope::entered();
        let own = (entered != GLOBAL).then(|| self.get(entered)).flatten();
        own.or_else(|| self.seen_from(scope::current(runtimes).as_deref()?))
    }

    /// [`seen`](Self::seen) from inside a scope.
    fn seen_from(&self, node: &Node) -> Option<&Arc<Point>> {
        node.chain().find_map(|node| self.get(node.id()))
    }
}

impl Table {
    /// Whether some scope has a point.
    #[inline]
    pub(crate) fn has_scoped(&self) -> bool {
        self.scoped.len() > 0
    }

    /// Whether an exploration is under way.
    #[inline]
    pub(crate) fn is_explored(&self) -> bool {
        #[cfg(feature = "explore")]
        let is_explored = self.explorations > 0;
        #[cfg(not(feature = "explore"))]
        let is_explored = false;
        is_explored
    }

    /// Whether all threads see the same points, and none of them cares for names that have none.
    #[inline]
    pub(crate) fn is_the_same_everywhere(&self) -> bool {
        !self.has_scoped() && !self.is_explored()
    }

    /// Returns the points of a name that is in some scopes.
    pub(crate) fn scoped(&self, hash: u64, name: &str) -> Option<&Scoped> {
        self.scoped.get(hash, name).map(|scoped| &**scoped)
    }

    #[inline]
    pub(crate) fn global(&self, hash: u64, name: &str) -> Option<&Arc<Point>> {
        self.global.get(hash, name)
    }

    pub(crate) fn runtimes(&self) -> &Runtimes {
        &self.runtimes
    }

    /// Whether no hit finds anything.
    pub(crate) fn is_empty(&self) -> bool {
        self.global.len() == 0 && self.is_the_same_everywhere()
    }

    /// Returns the point of a name in a scope, and in no other.
    pub(crate) fn get(&self, scope: u64, hash: u64, name: &str) -> Option<&Arc<Point>> {
        match scope {
            GLOBAL => self.global(hash, name),
            _ => self.scoped(hash, name)?.get(scope),
        }
    }

    /// Returns the points that are seen from inside a scope, or from outside of all.
    pub(crate) fn seen_from(&self, node: Option<&Node>) -> Vec<Arc<Point>> {
        let mut seen = Vec::new();
        if let Some(node) = node {
            self.scoped
                .for_each(|scoped| seen.extend(scoped.seen_from(node).cloned()));
        }
        self.global.for_each(|point| {
            let is_shadowed = node.is_some_and(|node| {
                let scoped = self.scoped(point.hash(), point.name());
                scoped.is_some_and(|scoped| scoped.seen_from(node).is_some())
            });
            seen.extend((!is_shadowed).then(|| point.clone()));
        });
        seen
    }

    /// Puts `point` in its scope, and returns the one that was there.
    pub(crate) fn insert(&mut self, point: Arc<Point>) -> Option<Arc<Point>> {
        if point.home().id() == GLOBAL {
            return self.global.insert(point);
        }
        let mut next = match self.scoped(point.hash(), point.name()) {
            Some(scoped) => scoped.clone(),
            None => Scoped {
                name: point.name().into(),
                hash: point.hash(),
                scopes: Trie::new(),
            },
        };
        let key = key(point.home().id());
        let before = next.scopes.insert(InScope { key, point });
        self.scoped.insert(Arc::new(next));
        before.map(|before| before.point)
    }

    pub(crate) fn remove(&mut self, scope: u64, hash: u64, name: &str) -> Option<Arc<Point>> {
        if scope == GLOBAL {
            return self.global.remove(hash, name);
        }
        let mut next = self.scoped(hash, name)?.clone();
        let gone = next.scopes.remove(key(scope), "")?.point;
        match next.scopes.len() {
            0 => drop(self.scoped.remove(hash, name)),
            _ => drop(self.scoped.insert(Arc::new(next))),
        }
        Some(gone)
    }

    /// Returns the points of a scope, and of no other.
    pub(crate) fn of(&self, scope: u64) -> Vec<Arc<Point>> {
        let mut points = Vec::new();
        match scope {
            GLOBAL => self.global.for_each(|point| points.push(point.clone())),
            _ => self
                .scoped
                .for_each(|scoped| points.extend(scoped.get(scope).cloned())),
        }
        points
    }

    /// Removes the points of a scope, and returns them.
    pub(crate) fn clear(&mut self, scope: u64) -> Vec<Arc<Point>> {
        let gone = self.of(scope);
        if scope == GLOBAL {
            self.global = Trie::new();
            return gone;
        }
        for point in &gone {
            self.remove(scope, point.hash(), point.name());
        }
        gone
    }

    #[cfg(feature = "runtime")]
    pub(crate) fn attach(&mut self, runtime: RuntimeId, node: Arc<Node>) {
        let more = std::iter::once((runtime, node));
        self.runtimes = self.runtimes.iter().cloned().chain(more).collect();
    }

    /// Undoes the newest [`attach`](Self::attach) of that runtime and that scope.
    #[cfg(feature = "runtime")]
    pub(crate) fn detach(&mut self, runtime: RuntimeId, node: &Node) {
        let mut left = self.runtimes.to_vec();
        let is_it =
            |(id, other): &(RuntimeId, Arc<Node>)| *id == runtime && other.id() == node.id();
        if let Some(at) = left.iter().rposition(is_it) {
            left.remove(at);
        }
        self.runtimes = left.into();
    }
}
