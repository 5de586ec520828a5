//! The waiters of one point, in order of arrival.

use std::collections::VecDeque;
use std::ops::Range;

use super::Entry;

/// Entries by key. Keys only grow and are never reused, so their order is that of arrival, and a
/// missing key is that of a waiter whose wait is over.
///
/// Queues rather than trees: the common operations, to enter, to be released in order, and to be
/// removed together with all others, need no search. An entry that is removed from between others
/// leaves a gap; gaps are closed once they outnumber the entries.
#[derive(Debug, Default)]
pub(super) struct Entries {
    next_key: u64,
    /// Sorted by key. `None` is a gap; the first is none.
    slots: VecDeque<(u64, Option<Entry>)>,
    gaps: usize,
    /// The keys of waiters that were released and have not looked yet, sorted.
    marks: VecDeque<u64>,
}

impl Entries {
    pub(super) fn push(&mut self, entry: Entry) -> u64 {
        let key = self.next_key;
        self.next_key += 1;
        self.slots.push_back((key, Some(entry)));
        key
    }

    pub(super) fn get_mut(&mut self, key: u64) -> Option<&mut Entry> {
        self.slot(key)?.as_mut()
    }

    fn slot(&mut self, key: u64) -> Option<&mut Option<Entry>> {
        let at = self
            .slots
            .binary_search_by_key(&key, |(key, _)| *key)
            .ok()?;
        Some(&mut self.slots[at].1)
    }

    /// Removes an entry.
    pub(super) fn remove(&mut self, key: u64) -> Option<Entry> {
        let entry = self.slot(key)?.take()?;
        self.gaps += 1;
        while let Some((_, None)) = self.slots.front() {
            self.slots.pop_front();
            self.gaps -= 1;
        }
        if self.gaps > self.slots.len() / 2 {
            self.slots.retain(|(_, slot)| slot.is_some());
            self.gaps = 0;
        }
        Some(entry)
    }

    /// Removes an entry, and leaves a mark for its waiter to find.
    pub(super) fn release(&mut self, key: u64) -> Option<Entry> {
        let entry = self.remove(key)?;
        let at = self.marks.partition_point(|mark| *mark < key);
        self.marks.insert(at, key);
        Some(entry)
    }

    /// Removes the mark of a release, and returns whether there was one.
    pub(super) fn take_mark(&mut self, key: u64) -> bool {
        let at = self.marks.binary_search(&key).ok();
        at.and_then(|at| self.marks.remove(at)).is_some()
    }

    /// Whether a released waiter has not looked yet.
    pub(super) fn has_marks(&self) -> bool {
        !self.marks.is_empty()
    }

    /// Takes all entries. Keys continue, and marks stay.
    pub(super) fn take(&mut self) -> Self {
        Self {
            slots: std::mem::take(&mut self.slots),
            gaps: std::mem::take(&mut self.gaps),
            ..Self::default()
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.gaps
    }

    /// Returns the next key to be given out.
    pub(super) fn next_key(&self) -> u64 {
        self.next_key
    }

    /// Returns the entries with these keys, in order of arrival.
    pub(super) fn range(&self, keys: Range<u64>) -> impl Iterator<Item = (u64, &Entry)> {
        let first = self.slots.partition_point(|(key, _)| *key < keys.start);
        let rest = self.slots.range(first..);
        let rest = rest.take_while(move |(key, _)| *key < keys.end);
        rest.filter_map(|(key, slot)| Some((*key, slot.as_ref()?)))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.slots.iter().filter_map(|(_, slot)| slot.as_ref())
    }

    pub(super) fn into_iter(self) -> impl Iterator<Item = Entry> {
        self.slots.into_iter().filter_map(|(_, slot)| slot)
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
                    let releases = index.index(2) == 0;
                    let left = match releases {
                        true => entries.release(key),
                        false => entries.remove(key),
                    };
                    prop_assert_eq!(left.map(|e| e.since), model.remove(&key));
                    prop_assert_eq!(entries.has_marks(), releases);
                    prop_assert_eq!(entries.take_mark(key), releases);
                    prop_assert!(!entries.take_mark(key) && !entries.has_marks());
                    prop_assert!(entries.get_mut(key).is_none());
                    prop_assert!(entries.remove(key).is_none());
                }
                let order: Vec<Instant> = entries.iter().map(|e| e.since).collect();
                let expected: Vec<Instant> = model.values().copied().collect();
                prop_assert_eq!(order, expected);
                prop_assert_eq!(entries.len(), model.len());
                prop_assert_eq!(entries.is_empty(), model.is_empty());
                let middle = entries.next_key() / 2;
                let range = entries.range(middle..entries.next_key());
                let range: Vec<u64> = range.map(|(key, _)| key).collect();
                let expected: Vec<u64> = model.range(middle..).map(|(key, _)| *key).collect();
                prop_assert_eq!(range, expected);
                // Gaps outnumber the entries by one at most.
                prop_assert!(entries.slots.len() <= 2 * model.len() + 1);
            }
            let next = entries.next_key();
            // `take` leaves marks in place.
            let key = entries.push(entry());
            let next = next + 1;
            prop_assert!(entries.release(key).is_some());
            prop_assert_eq!(entries.take().into_iter().count(), model.len());
            prop_assert!(entries.take_mark(key));
            prop_assert_eq!((entries.len(), entries.push(entry())), (0, next));
        }
    }
}
