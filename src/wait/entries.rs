//! The waiters of one point, in the order of their arrival.

use std::collections::VecDeque;
use std::ops::Range;

use super::Entry;

/// Entries by key. Keys only grow and none is given out twice, so the order is that of
/// arrival, and a key that is not there any more is that of a waiter who was let go or left.
///
/// A queue rather than a tree: all that is common, to arrive and to be let go together
/// with everybody else, costs no search. Who leaves alone leaves a gap; gaps are closed
/// once they are more than the entries.
#[derive(Debug, Default)]
pub(super) struct Entries {
    next_key: u64,
    /// Sorted by key.
    slots: VecDeque<(u64, Option<Entry>)>,
    gaps: usize,
}

impl Entries {
    pub(super) fn push(&mut self, entry: Entry) -> u64 {
        let key = self.next_key;
        self.next_key += 1;
        self.slots.push_back((key, Some(entry)));
        key
    }

    pub(super) fn get_mut(&mut self, key: u64) -> Option<&mut Entry> {
        let at = self.position(key)?;
        self.slots[at].1.as_mut()
    }

    pub(super) fn remove(&mut self, key: u64) -> Option<Entry> {
        let at = self.position(key)?;
        let left = self.slots[at].1.take()?;
        self.gaps += 1;
        if self.gaps > self.slots.len() / 2 {
            self.slots.retain(|(_, entry)| entry.is_some());
            self.gaps = 0;
        }
        Some(left)
    }

    /// Takes all of them. Keys go on: a waiter of before finds nothing under its own.
    pub(super) fn take(&mut self) -> Self {
        let next_key = self.next_key;
        std::mem::replace(
            self,
            Self {
                next_key,
                ..Self::default()
            },
        )
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.gaps
    }

    /// The key that the next entry will have.
    pub(super) fn next_key(&self) -> u64 {
        self.next_key
    }

    /// The entries with these keys, in the order of arrival.
    pub(super) fn range(&self, keys: Range<u64>) -> impl Iterator<Item = (u64, &Entry)> {
        let first = self.slots.partition_point(|(key, _)| *key < keys.start);
        let rest = self.slots.range(first..);
        let rest = rest.take_while(move |(key, _)| *key < keys.end);
        rest.filter_map(|(key, entry)| Some((*key, entry.as_ref()?)))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.slots.iter().filter_map(|(_, entry)| entry.as_ref())
    }

    pub(super) fn into_iter(self) -> impl Iterator<Item = Entry> {
        self.slots.into_iter().filter_map(|(_, entry)| entry)
    }

    fn position(&self, key: u64) -> Option<usize> {
        self.slots.binary_search_by_key(&key, |(key, _)| *key).ok()
    }
}

#[cfg(all(test, not(neon_failpoint_loom)))]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Instant;

    use proptest::prelude::*;

    use super::*;

    fn entry() -> Entry {
        Entry {
            waker: None,
            since: Instant::now(),
            details: None,
        }
    }

    proptest! {
        #[test]
        fn behaves_as_a_map_with_growing_keys(
            steps in prop::collection::vec((any::<bool>(), any::<prop::sample::Index>()), 0..300)
        ) {
            let mut entries = Entries::default();
            let mut model: BTreeMap<u64, Instant> = BTreeMap::new();
            for (pushes, index) in steps {
                if pushes || model.is_empty() {
                    let entry = entry();
                    let since = entry.since;
                    let key = entries.push(entry);
                    prop_assert!(model.keys().all(|k| *k < key));
                    model.insert(key, since);
                } else {
                    let key = *model.keys().nth(index.index(model.len())).unwrap();
                    prop_assert!(entries.get_mut(key).is_some());
                    let left = entries.remove(key).map(|e| e.since);
                    prop_assert_eq!(left, model.remove(&key));
                    prop_assert!(entries.get_mut(key).is_none());
                    prop_assert!(entries.remove(key).is_none());
                }
                let order: Vec<Instant> = entries.iter().map(|e| e.since).collect();
                let expected: Vec<Instant> = model.values().copied().collect();
                prop_assert_eq!(order, expected);
                prop_assert_eq!(entries.len(), model.len());
                let middle = entries.next_key() / 2;
                let range = entries.range(middle..entries.next_key());
                let range: Vec<u64> = range.map(|(key, _)| key).collect();
                let expected: Vec<u64> = model.range(middle..).map(|(key, _)| *key).collect();
                prop_assert_eq!(range, expected);
                // Who comes and goes beside one that stays leaves no more behind than that.
                prop_assert!(entries.slots.len() <= 2 * model.len() + 1);
            }
            let next = entries.next_key();
            prop_assert_eq!(entries.take().into_iter().count(), model.len());
            prop_assert_eq!((entries.len(), entries.push(entry())), (0, next));
        }
    }
}
