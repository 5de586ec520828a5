//! What one snapshot of the table holds: the points of every name, and which runtimes have a scope.

use std::sync::Arc;

use crate::engine::point::Point;
#[cfg(feature = "runtime")]
use crate::engine::scope::RuntimeId;
use crate::engine::scope::{self, GLOBAL, Node, Runtimes};
use crate::engine::trie::{Named, Trie};

#[derive(Clone, Default)]
pub(crate) struct Table {
    names: Trie<Entry>,
    runtimes: Arc<Runtimes>,
}

/// A configured name.
#[derive(Clone)]
pub(crate) enum Entry {
    /// In no scope, as most are: it costs a hit nothing that there are scopes.
    Global(Arc<Point>),
    /// In some scopes, and perhaps outside of them as well.
    Scoped(Arc<Scoped>),
}

/// The points of a name that is configured in some scopes.
#[derive(Clone)]
pub(crate) struct Scoped {
    name: Arc<str>,
    hash: u64,
    global: Option<Arc<Point>>,
    scopes: Trie<InScope>,
}

/// A point, filed under the number of its scope.
#[derive(Clone)]
struct InScope(Arc<Point>);

/// Returns the key of a scope in a trie. No two are equal.
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
        key(self.0.home().id())
    }
}

impl Named for Entry {
    #[inline]
    fn name(&self) -> &str {
        match self {
            Entry::Global(point) => point.name(),
            Entry::Scoped(scoped) => &scoped.name,
        }
    }

    #[inline]
    fn hash(&self) -> u64 {
        match self {
            Entry::Global(point) => point.hash(),
            Entry::Scoped(scoped) => scoped.hash,
        }
    }
}

impl Scoped {
    fn get(&self, scope: u64) -> Option<&Arc<Point>> {
        match scope {
            GLOBAL => self.global.as_ref(),
            _ => self.scopes.get(key(scope), "").map(|InScope(point)| point),
        }
    }

    /// I9: returns the point that a hit of this thread sees, its own scope's first, then those of
    /// the scopes around that, then the global one.
    pub(crate) fn seen(&self, runtimes: &Runtimes) -> Option<&Arc<Point>> {
        let entered = scope::entered();
        let own = (entered != GLOBAL).then(|| self.get(entered)).flatten();
        own.or_else(|| self.seen_from(scope::current(runtimes).as_deref()))
    }

    /// [`seen`](Self::seen) from inside a scope.
    #[cold]
    fn seen_from(&self, node: Option<&Node>) -> Option<&Arc<Point>> {
        let chain = node.map_or(&[][..], Node::chain);
        let seen = chain.iter().find_map(|scope| self.get(*scope));
        seen.or(self.global.as_ref())
    }

    /// The entry without the point of a scope, and that point.
    fn without(&self, scope: u64) -> (Option<Entry>, Option<Arc<Point>>) {
        let mut next = self.clone();
        let gone = match scope {
            GLOBAL => next.global.take(),
            _ => next
                .scopes
                .remove(key(scope), "")
                .map(|InScope(point)| point),
        };
        let entry = match next.scopes.len() {
            0 => next.global.map(Entry::Global),
            _ => Some(Entry::Scoped(Arc::new(next))),
        };
        (entry, gone)
    }
}

impl Table {
    #[inline]
    pub(crate) fn entry(&self, hash: u64, name: &str) -> Option<&Entry> {
        self.names.get(hash, name)
    }

    pub(crate) fn runtimes(&self) -> &Runtimes {
        &self.runtimes
    }

    /// Whether no name is configured.
    pub(crate) fn is_empty(&self) -> bool {
        self.names.len() == 0
    }

    /// Returns the point of a name in a scope, and in no other.
    pub(crate) fn get(&self, scope: u64, hash: u64, name: &str) -> Option<&Arc<Point>> {
        match self.entry(hash, name)? {
            Entry::Global(point) => (scope == GLOBAL).then_some(point),
            Entry::Scoped(scoped) => scoped.get(scope),
        }
    }

    /// Returns the points that are seen from inside a scope, or from outside of all.
    pub(crate) fn seen_from(&self, node: Option<&Node>) -> Vec<Arc<Point>> {
        let mut seen = Vec::new();
        self.names.for_each(|entry| {
            seen.extend(match entry {
                Entry::Global(point) => Some(point.clone()),
                Entry::Scoped(scoped) => scoped.seen_from(node).cloned(),
            });
        });
        seen
    }

    /// Puts `point` in its scope, and returns the one that was there.
    pub(crate) fn insert(&mut self, point: Arc<Point>) -> Option<Arc<Point>> {
        let scope = point.home().id();
        let scoped = if scope == GLOBAL {
            match self.names.insert(Entry::Global(point.clone()))? {
                Entry::Global(before) => return Some(before),
                Entry::Scoped(scoped) => Some(scoped),
            }
        } else {
            match self.entry(point.hash(), point.name()) {
                Some(Entry::Scoped(scoped)) => Some(scoped.clone()),
                Some(Entry::Global(_)) | None => None,
            }
        };
        let mut next = match scoped {
            Some(scoped) => Arc::unwrap_or_clone(scoped),
            None => Scoped {
                name: point.name().into(),
                hash: point.hash(),
                global: self.get(GLOBAL, point.hash(), point.name()).cloned(),
                scopes: Trie::new(),
            },
        };
        let before = match scope {
            GLOBAL => next.global.replace(point),
            _ => next
                .scopes
                .insert(InScope(point))
                .map(|InScope(before)| before),
        };
        self.names.insert(Entry::Scoped(Arc::new(next)));
        before
    }

    pub(crate) fn remove(&mut self, scope: u64, hash: u64, name: &str) -> Option<Arc<Point>> {
        let (left, gone) = match self.entry(hash, name)? {
            Entry::Global(point) if scope == GLOBAL => (None, Some(point.clone())),
            Entry::Global(_) => return None,
            Entry::Scoped(scoped) => scoped.without(scope),
        };
        match left {
            Some(entry) => drop(self.names.insert(entry)),
            None => drop(self.names.remove(hash, name)),
        }
        gone
    }

    /// Removes the global points.
    pub(crate) fn clear_global(&mut self) -> Vec<Arc<Point>> {
        let mut gone = Vec::new();
        std::mem::take(&mut self.names).for_each(|entry| {
            let (left, point) = match entry {
                Entry::Global(point) => (None, Some(point.clone())),
                Entry::Scoped(scoped) => scoped.without(GLOBAL),
            };
            gone.extend(point);
            if let Some(entry) = left {
                self.names.insert(entry);
            }
        });
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
