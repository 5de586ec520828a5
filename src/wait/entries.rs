//! The waiters of one point, in order of arrival.

use std::collections::VecDeque;
use std::ops::Range;

use super::Entry;

/// Entries by key. Keys only grow and are never reused, so their order is that of arrival, and a
/// missing key is that of a waiter whose wait is over.
///
/// A queue rather than a tree: the common operations, to enter and to be removed together with all
/// others, need no search. A waiter that is removed alone leaves a gap; gaps are closed once they
/// outnumber the other slots. A waiter that is released leaves a mark until it looks.
#[derive(Debug, Default)]
pub(super) struct Entries {
    next_key: u64,
    /// No entry has a key below this.
    first: u64,
    /// Sorted by key.
    slots: VecDeque<(u64, Slot)>,
    gaps: usize,
    marks: usize,
}

#[derive(Debug)]
enum Slot {
    Listed(Entry),
    /// The mark of a waiter that was released and has not looked yet.
    Released,
    Gap,
}

impl Entries {
    pub(super) fn push(&mut self, entry: Entry) -> u64 {
        let key = self.next_key;
        self.next_key += 1;
        self.slots.push_back((key, Slot::Listed(entry)));
        key
    }

    pub(super) fn get_mut(&mut self, key: u64) -> Option<&mut Entry> {
        let at = self.position(key)?;
        match &mut self.slots[at].1 {
            Slot::Listed(entry) => Some(entry),
            Slot::Released | Slot::Gap => None,
        }
    }

    /// Removes an entry.
    pub(super) fn remove(&mut self, key: u64) -> Option<Entry> {
        self.get_mut(key)?;
        let at = self.position(key)?;
        match self.leave_gap(at) {
            Slot::Listed(entry) => Some(entry),
            Slot::Released | Slot::Gap => None,
        }
    }

    /// Removes an entry, and leaves a mark for its waiter to find.
    pub(super) fn release(&mut self, key: u64) -> Option<Entry> {
        self.get_mut(key)?;
        let at = self.position(key)?;
        match std::mem::replace(&mut self.slots[at].1, Slot::Released) {
            Slot::Listed(entry) => {
                self.marks += 1;
                Some(entry)
            }
            Slot::Released | Slot::Gap => None,
        }
    }

    /// Removes the mark of a release, and returns whether there was one.
    pub(super) fn take_mark(&mut self, key: u64) -> bool {
        // The fast path after a retirement, when all waiters come here at once.
        if self.marks == 0 {
            return false;
        }
        match self.position(key) {
            Some(at) if matches!(self.slots[at].1, Slot::Released) => {
                self.marks -= 1;
                self.leave_gap(at);
                true
            }
            _ => false,
        }
    }

    fn leave_gap(&mut self, at: usize) -> Slot {
        let left = std::mem::replace(&mut self.slots[at].1, Slot::Gap);
        self.gaps += 1;
        while let Some((_, Slot::Gap)) = self.slots.front() {
            self.slots.pop_front();
            self.gaps -= 1;
        }
        if self.gaps > self.slots.len() / 2 {
            self.slots.retain(|(_, slot)| !matches!(slot, Slot::Gap));
            self.gaps = 0;
        }
        left
    }

    /// Takes all entries. Keys continue, and marks stay.
    pub(super) fn take(&mut self) -> Self {
        let slots = std::mem::take(&mut self.slots);
        self.gaps = 0;
        let mut taken = Self::default();
        if self.marks == 0 {
            taken.slots = slots;
            return taken;
        }
        for (key, slot) in slots {
            match slot {
                Slot::Listed(_) => taken.slots.push_back((key, slot)),
                Slot::Released => self.slots.push_back((key, slot)),
                Slot::Gap => {}
            }
        }
        taken
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.gaps - self.marks
    }

    /// Whether a released waiter has not looked yet.
    pub(super) fn has_marks(&self) -> bool {
        self.marks > 0
    }

    /// Returns the keys from the first that may have an entry up to the next one to be given out.
    pub(super) fn keys(&self) -> Range<u64> {
        self.first..self.next_key
    }

    /// Records that no entry has a key below `key`.
    pub(super) fn begin_at(&mut self, key: u64) {
        self.first = key;
    }

    /// Returns the entries with these keys, in order of arrival.
    pub(super) fn range(&self, keys: Range<u64>) -> impl Iterator<Item = (u64, &Entry)> {
        let first = self.slots.partition_point(|(key, _)| *key < keys.start);
        let rest = self.slots.range(first..);
        let rest = rest.take_while(move |(key, _)| *key < keys.end);
        rest.filter_map(|(key, slot)| match slot {
            Slot::Listed(entry) => Some((*key, entry)),
            Slot::Released | Slot::Gap => None,
        })
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.range(0..u64::MAX).map(|(_, entry)| entry)
    }

    pub(super) fn into_iter(self) -> impl Iterator<Item = Entry> {
        self.slots.into_iter().filter_map(|(_, slot)| match slot {
            Slot::Listed(entry) => Some(entry),
            Slot::Released | Slot::Gap => None,
        })
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
                let middle = entries.keys().end / 2;
                let range = entries.range(middle..entries.keys().end);
                let range: Vec<u64> = range.map(|(key, _)| key).collect();
                let expected: Vec<u64> = model.range(middle..).map(|(key, _)| *key).collect();
                prop_assert_eq!(range, expected);
                // Gaps outnumber the entries by one at most.
                prop_assert!(entries.slots.len() <= 2 * model.len() + 1);
            }
            let next = entries.keys().end;
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
