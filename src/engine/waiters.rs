//! The list of a point: who waits there, in order of arrival, and who waits for that.
//!
//! A hit that waits has an [`Entry`], from when it enters until its wait is over: `wait` is how it
//! waits, [`WaiterInfo`] what a test sees of it. A test that waits for something to happen at the
//! point has a place among the [`Observers`]: `observer` is how it does that.

use std::collections::VecDeque;
use std::fmt;
use std::ops::{Range, RangeInclusive};
use std::panic::Location;
use std::sync::Arc;
use std::task::Waker;
use std::thread::Thread;
use std::time::{Duration, Instant};

#[cfg(feature = "async")]
use tokio_util::sync::CancellationToken;

use crate::engine::actions::matcher::{Matcher, all_match};
use crate::engine::context::FailpointContext;
use crate::engine::sync::{AtomicBool, AtomicUsize, Condvar, Mutex, Ordering, lock};

/// The waiters of one point.
pub(crate) struct Waiters {
    pub(super) list: Mutex<List>,
    /// A copy of the list's `retired`, so that waiters continue after a retirement without taking
    /// the lock. It stays `false` if the mark of a release was yet to be found then.
    pub(super) retired: AtomicBool,
    /// What threads wait on, with the list's lock.
    pub(super) threads: Condvar,
    /// The least number of hits that an observer waits for, or `usize::MAX`: see
    /// [`observer`](super::observer).
    pub(super) wake_at: AtomicUsize,
    /// The same for hits that fire.
    fired_at: AtomicUsize,
}

#[derive(Default)]
pub(super) struct List {
    pub(super) retired: bool,
    /// Whether the retirement found somebody waiting, at the point or for it.
    cut_short: bool,
    /// The wait of a missing entry is over: its waiter sees that when it next looks.
    pub(super) entries: Entries,
    pub(super) observers: Observers,
    /// Whether the [watch](super::watch) has the point on its list.
    is_watched: bool,
    /// The first key of which the watch has not said anything.
    unsaid: u64,
}

/// Who has to be told that a waiter entered.
#[derive(Default)]
pub(super) struct News {
    /// The observers that waited for it.
    pub(super) observers: Vec<Waker>,
    /// Whether the watch does not know the point.
    pub(super) watch: bool,
}

/// The waiters of a point that are overdue, and were not when it was last asked.
pub(super) struct Overdue {
    /// The first few.
    pub(super) first: Vec<Stuck>,
    /// How many there are.
    pub(super) count: usize,
    /// Whether others are left that may be overdue one day.
    pub(super) has_more: bool,
}

/// One of them.
pub(super) struct Stuck {
    pub(super) info: WaiterInfo,
    pub(super) place: &'static Location<'static>,
    /// `None` for a task.
    pub(super) thread: Option<Thread>,
}

/// The least and the most entries to examine each time the lock is taken.
const AT_ONCE: RangeInclusive<usize> = 64..=1024;

impl Waiters {
    pub(crate) fn new() -> Self {
        Self {
            list: Mutex::new(List::default()),
            retired: AtomicBool::new(false),
            threads: Condvar::new(),
            wake_at: AtomicUsize::new(usize::MAX),
            fired_at: AtomicUsize::new(usize::MAX),
        }
    }

    /// Ends all waits, now and from now on. The wakers of observers are added to `wakers`; the
    /// caller wakes them and the returned entries once it holds no lock (I5).
    pub(super) fn retire(&self, wakers: &mut Vec<Waker>) -> Entries {
        let mut list = lock(&self.list);
        list.retired = true;
        list.cut_short |= !list.entries.is_empty() || !list.observers.list.is_empty();
        // A waiter that was released before has to find its mark.
        if !list.entries.has_marks() {
            // Release: pairs with the Acquire in `Waiter::poll`. A waiter that continues finds what
            // was published before the retirement (I2).
            self.retired.store(true, Ordering::Release);
        }
        list.observers.take_wakers(wakers);
        list.entries.take()
    }

    /// Whether a retirement ended a wait.
    pub(super) fn was_cut_short(&self) -> bool {
        lock(&self.list).cut_short
    }

    /// Undoes [`retire`](Self::retire): later waiters wait again.
    pub(crate) fn resume(&self) {
        let mut list = lock(&self.list);
        list.retired = false;
        list.cut_short = false;
        // Relaxed: a waiter that still sees the retirement continues as if it had come before this.
        self.retired.store(false, Ordering::Relaxed);
    }

    /// Makes the threads check whether their waits are over.
    pub(super) fn notify_threads(&self) {
        self.threads.notify_all();
    }

    /// Returns the number of waiters.
    pub(crate) fn count(&self) -> usize {
        lock(&self.list).entries.len()
    }

    /// Returns the waiters, in order of arrival.
    pub(crate) fn infos(&self) -> Vec<WaiterInfo> {
        let list = lock(&self.list);
        list.entries.iter().map(WaiterInfo::of).collect()
    }

    /// Returns what waits at a `pause` for at least `limit`, each waiter once; `most` of them whole. The
    /// watch forgets the point if none is left that it has to look at again.
    pub(super) fn overdue(&self, limit: Duration, most: usize) -> Overdue {
        let now = Instant::now();
        let mut overdue = Overdue {
            first: Vec::with_capacity(most),
            count: 0,
            has_more: false,
        };
        let mut list = lock(&self.list);
        let mut unsaid = list.entries.next_key();
        for (key, entry) in list.entries.range(list.unsaid..unsaid) {
            let Some(place) = entry.paused_at else {
                continue;
            };
            if now.saturating_duration_since(entry.since) < limit {
                overdue.has_more = true;
                unsaid = key;
                break;
            }
            overdue.count += 1;
            if overdue.count <= most {
                overdue.first.push(Stuck {
                    info: WaiterInfo::of(entry),
                    place,
                    thread: entry.thread().cloned(),
                });
            }
        }
        list.unsaid = unsaid;
        list.is_watched = overdue.has_more;
        overdue
    }

    /// Takes out the first `most` of the present waiters whose context satisfies `matchers`, for the
    /// caller to wake.
    ///
    /// A waiter in the returned entries ends with `Continue`, even if its token is cancelled before
    /// it looks; one that was cancelled before is not among them.
    pub(super) fn take_first(&self, most: usize, matchers: &[Matcher]) -> Entries {
        let mut taken = Entries::default();
        let mut keys = 0..lock(&self.list).entries.next_key();
        while taken.len() < most {
            let at_once = (most - taken.len()).clamp(*AT_ONCE.start(), *AT_ONCE.end());
            let candidates: Vec<(u64, Details)> = {
                let list = lock(&self.list);
                let entries = list.entries.range(keys.clone()).take(at_once);
                entries.map(|(key, e)| (key, e.details.clone())).collect()
            };
            let Some((last, _)) = candidates.last() else {
                break;
            };
            keys.start = last + 1;
            // Without the lock: matchers are a user's expressions, and a token has a lock of its own.
            let chosen = candidates.iter().filter(|(_, details)| match details {
                None => all_match(matchers, None),
                Some(hit) => !hit.is_cancelled() && all_match(matchers, hit.context()),
            });
            let chosen: Vec<u64> = chosen.map(|(key, _)| *key).collect();
            let mut list = lock(&self.list);
            let left = chosen
                .into_iter()
                .filter_map(|key| list.entries.take_marked(key));
            for entry in left.take(most - taken.len()) {
                taken.push(entry);
            }
        }
        taken
    }

    /// Returns the least number of hits that an observer waits for.
    #[inline]
    pub(crate) fn wake_at(&self) -> usize {
        // Relaxed: the caller has touched the counter before, see `observer`.
        self.wake_at.load(Ordering::Relaxed)
    }

    /// Returns the least number of hits that fire which an observer waits for.
    #[inline]
    fn fired_at(&self) -> usize {
        // Relaxed: as in `wake_at`.
        self.fired_at.load(Ordering::Relaxed)
    }

    /// Whether an observer waits for hits.
    #[inline]
    pub(crate) fn is_watched(&self) -> bool {
        // One branch for both: each is all ones unless somebody waits.
        self.wake_at() & self.fired_at() != usize::MAX
    }

    /// Whether an observer waits for no more hits than these.
    pub(super) fn is_met_by(&self, counts: Counts) -> bool {
        counts.hits >= self.wake_at() || counts.fired >= self.fired_at()
    }

    /// Returns the number of observers.
    pub(crate) fn observers(&self) -> usize {
        lock(&self.list).observers.list.len()
    }

    /// Takes out the observers that waited for at most these hits, and returns their wakers.
    pub(super) fn take_hit(&self, counts: Counts) -> Vec<Waker> {
        let mut list = lock(&self.list);
        let wakers = list.observers.take_met(|goal| match goal {
            Goal::Hits(n) => n <= counts.hits,
            Goal::Fired(n) => n <= counts.fired,
            Goal::Paused(_) => false,
        });
        self.raise_wake_at(&list);
        wakers
    }

    /// Whether no observer waits for fewer hits.
    pub(super) fn is_least(&self, goal: Goal) -> bool {
        match goal {
            Goal::Hits(n) => n == self.wake_at(),
            Goal::Fired(n) => n == self.fired_at(),
            Goal::Paused(_) => false,
        }
    }

    /// Lowers `wake_at` or `fired_at` for an observer that enters, under the list's lock.
    pub(super) fn lower_wake_at(&self, goal: Goal) {
        match goal {
            // Relaxed: the counters are touched after this, see `observer`.
            Goal::Hits(n) if n < self.wake_at() => self.wake_at.store(n, Ordering::Relaxed),
            Goal::Fired(n) if n < self.fired_at() => self.fired_at.store(n, Ordering::Relaxed),
            Goal::Hits(_) | Goal::Fired(_) | Goal::Paused(_) => {}
        }
    }

    /// Raises `wake_at` and `fired_at` after observers have left, under the list's lock.
    pub(super) fn raise_wake_at(&self, list: &List) {
        let least = |number: fn(Goal) -> Option<usize>| {
            let goals = list.observers.list.iter().map(|observed| observed.goal);
            goals.filter_map(number).min().unwrap_or(usize::MAX)
        };
        let hits = least(|goal| match goal {
            Goal::Hits(n) => Some(n),
            _ => None,
        });
        let fired = least(|goal| match goal {
            Goal::Fired(n) => Some(n),
            _ => None,
        });
        // Relaxed: a hit that still sees the old number takes the lock for nothing.
        self.wake_at.store(hits, Ordering::Relaxed);
        self.fired_at.store(fired, Ordering::Relaxed);
    }
}

impl List {
    /// Adds a waiter, and returns its key, and who has to be told of it once the lock is released.
    pub(super) fn enter(&mut self, entry: Entry) -> (u64, News) {
        let watch = entry.paused_at.is_some() && !self.is_watched;
        self.is_watched |= watch;
        let key = self.entries.push(entry);
        let observers = self.take_paused();
        (key, News { observers, watch })
    }

    /// Takes out the observers that waited for this many waiters, and returns their wakers.
    fn take_paused(&mut self) -> Vec<Waker> {
        if self.observers.list.is_empty() {
            return Vec::new();
        }
        let paused = self.entries.len();
        let is_met = |goal| matches!(goal, Goal::Paused(n) if n <= paused);
        self.observers.take_met(is_met)
    }
}

/// Entries by key. Keys only grow and are never reused, so their order is that of arrival, and a
/// missing key is that of a waiter whose wait is over.
///
/// Queues rather than trees: the common operations, to enter, to be released in order, and to be
/// removed together with all others, need no search. An entry that is removed from between others
/// leaves a gap; gaps are closed once they outnumber the entries.
#[derive(Default)]
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
    fn take_marked(&mut self, key: u64) -> Option<Entry> {
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

/// A waiter in the list. Small, because releasing 100,000 waiters is bound by memory.
pub(super) struct Entry {
    pub(super) who: Who,
    pub(super) since: Instant,
    pub(super) details: Details,
    /// The call site of a `pause`: nothing but others ends that.
    pub(super) paused_at: Option<&'static Location<'static>>,
}

/// Who waits.
pub(super) enum Who {
    Task(Waker),
    /// It waits on the point's condition variable.
    Thread(Thread),
}

impl Entry {
    /// Whether this is a blocked thread, rather than a task.
    pub(super) fn is_thread(&self) -> bool {
        self.thread().is_some()
    }

    fn thread(&self) -> Option<&Thread> {
        match &self.who {
            Who::Task(_) => None,
            Who::Thread(thread) => Some(thread),
        }
    }
}

/// What few hits have; for all others it costs one word.
pub(crate) type Details = Option<Arc<HitDetails>>;

/// What a hit has besides its name.
pub(crate) struct HitDetails {
    context: Option<FailpointContext>,
    /// A waiter whose token is cancelled can no longer be released.
    #[cfg(feature = "async")]
    cancel: Option<CancellationToken>,
}

impl HitDetails {
    pub(super) fn of_thread(context: Option<&FailpointContext>) -> Details {
        context.map(|context| {
            Arc::new(Self {
                context: Some(context.clone()),
                #[cfg(feature = "async")]
                cancel: None,
            })
        })
    }

    #[cfg(feature = "async")]
    pub(crate) fn of_task(
        context: Option<&FailpointContext>,
        cancel: Option<&CancellationToken>,
    ) -> Details {
        (context.is_some() || cancel.is_some()).then(|| {
            Arc::new(Self {
                context: context.cloned(),
                cancel: cancel.cloned(),
            })
        })
    }

    /// Whether a token can end the wait.
    pub(super) fn has_token(&self) -> bool {
        #[cfg(feature = "async")]
        return self.cancel.is_some();
        #[cfg(not(feature = "async"))]
        return false;
    }

    pub(super) fn context(&self) -> Option<&FailpointContext> {
        self.context.as_ref()
    }

    /// Whether the token is cancelled. Takes a lock that is not ours.
    pub(super) fn is_cancelled(&self) -> bool {
        #[cfg(feature = "async")]
        return self.cancel.as_ref().is_some_and(|c| c.is_cancelled());
        #[cfg(not(feature = "async"))]
        return false;
    }
}

/// A task or thread that waits at a failpoint.
///
/// ```
/// # if !neon_failpoint::has_failpoints() { return }
/// use neon_failpoint::{arm, fail_point_with_context_sync, failpoint_context};
///
/// let point = arm("waiter-doc", "pause").unwrap();
/// let thread = std::thread::spawn(|| {
///     let context = failpoint_context! { "tenant" => "t-1" };
///     fail_point_with_context_sync!("waiter-doc", &context);
/// });
/// point.wait_until_paused(1).blocking().unwrap();
/// let [waiter] = &point.waiters()[..] else { panic!("one waits") };
/// assert!(waiter.is_blocking());
/// assert_eq!(waiter.context().unwrap().get("tenant"), Some("t-1"));
/// println!("{waiter}, since {:?}", waiter.since());
/// # drop(point);
/// # thread.join().unwrap();
/// ```
#[derive(Clone)]
pub struct WaiterInfo {
    blocking: bool,
    since: Instant,
    details: Details,
}

impl WaiterInfo {
    pub(super) fn of(entry: &Entry) -> Self {
        Self {
            blocking: entry.is_thread(),
            since: entry.since,
            details: entry.details.clone(),
        }
    }

    /// Writes `who` it is, how long it has waited, and with which context.
    pub(super) fn describe(&self, who: &dyn fmt::Display, f: &mut dyn fmt::Write) -> fmt::Result {
        let millis = self.since.elapsed().as_millis();
        write!(f, "{who} for {}.{:03} s", millis / 1000, millis % 1000)?;
        match self.context() {
            Some(context) => write!(f, " with {context}"),
            None => Ok(()),
        }
    }

    pub(super) fn has_token(&self) -> bool {
        self.details.as_ref().is_some_and(|hit| hit.has_token())
    }

    /// Returns whether this is a blocked thread; otherwise it is a task.
    pub fn is_blocking(&self) -> bool {
        self.blocking
    }

    /// Returns when it began to wait, in real time, also under a paused tokio clock.
    pub fn since(&self) -> Instant {
        self.since
    }

    /// Returns the context of its hit, if the call site gave one.
    pub fn context(&self) -> Option<&FailpointContext> {
        self.details.as_ref()?.context()
    }
}

impl fmt::Debug for WaiterInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaiterInfo")
            .field("blocking", &self.blocking)
            .field("since", &self.since)
            .field("context", &self.context())
            .finish()
    }
}

/// Formats for people, as in `a task for 1.500 s with tenant="t-1"`.
impl fmt::Display for WaiterInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = if self.blocking { "a thread" } else { "a task" };
        self.describe(&who, f)
    }
}

/// The counts at one time. Each counter is read once for both, so that `fired` never exceeds
/// `hits`, even during hits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counts {
    pub(crate) hits: usize,
    pub(crate) fired: usize,
}

/// What an observer waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// This many hits since the point was configured.
    Hits(usize),
    /// This many hits that chose an alternative.
    Fired(usize),
    /// This many waiters.
    Paused(usize),
}

/// The observers of one point.
#[derive(Default)]
pub(super) struct Observers {
    next_key: u64,
    /// Sorted by key.
    list: Vec<Observed>,
}

pub(super) struct Observed {
    key: u64,
    goal: Goal,
    /// `None` if it was woken and has not looked yet.
    pub(super) waker: Option<Waker>,
}

impl Observers {
    pub(super) fn enter(&mut self, goal: Goal, waker: Waker) -> u64 {
        let key = self.next_key;
        self.next_key += 1;
        let waker = Some(waker);
        self.list.push(Observed { key, goal, waker });
        key
    }

    fn position(&self, key: u64) -> Option<usize> {
        self.list
            .binary_search_by_key(&key, |observed| observed.key)
            .ok()
    }

    pub(super) fn get_mut(&mut self, key: u64) -> Option<&mut Observed> {
        let at = self.position(key)?;
        Some(&mut self.list[at])
    }

    pub(super) fn remove(&mut self, key: u64) -> Option<Observed> {
        let at = self.position(key)?;
        Some(self.list.remove(at))
    }

    /// Takes the wakers, and leaves their observers in the list.
    fn take_wakers(&mut self, wakers: &mut Vec<Waker>) {
        wakers.extend(self.list.iter_mut().filter_map(|l| l.waker.take()));
    }

    /// Takes out the observers whose goal is met, and returns their wakers.
    fn take_met(&mut self, is_met: impl Fn(Goal) -> bool) -> Vec<Waker> {
        let mut wakers = Vec::new();
        self.list.retain_mut(|observed| {
            let is_met = is_met(observed.goal);
            if is_met {
                wakers.extend(observed.waker.take());
            }
            !is_met
        });
        wakers
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
            who: Who::Thread(std::thread::current()),
            since: Instant::now(),
            details: None,
            paused_at: None,
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
                        true => entries.take_marked(key),
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
            prop_assert!(entries.take_marked(key).is_some());
            prop_assert_eq!(entries.take().into_iter().count(), model.len());
            prop_assert!(entries.take_mark(key));
            prop_assert_eq!((entries.len(), entries.push(entry())), (0, next));
        }
    }
}
