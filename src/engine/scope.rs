//! Scopes: whose points a hit sees, and where a call acts (I9).
//!
//! A scope is a number that points are filed under, and the scope around it. A thread is
//! in the scope that it entered last, or else in that of the tokio runtime that it works for; the
//! table says which runtimes have one.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::mem::ManuallyDrop;
// Of all this only `ended` has a part in the protocol that loom models.
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering as Std};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, ThreadId};

use crate::engine::draws::Draws;
use crate::engine::inside::Inside;
use crate::engine::sync::{AtomicBool, Ordering, unpoisoned};

/// The number that points outside of all scopes are filed under.
pub(crate) const GLOBAL: u64 = 0;

#[cfg(feature = "runtime")]
pub(crate) use neon_failpoint_runtime::{Id as RuntimeId, current as current_runtime};

/// Without the feature `runtime` no runtime has a scope.
#[cfg(not(feature = "runtime"))]
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum RuntimeId {}

#[cfg(not(feature = "runtime"))]
fn current_runtime() -> Option<RuntimeId> {
    None
}

/// Which runtimes have a scope, the newest last.
pub(crate) type Runtimes = [(RuntimeId, Arc<Node>)];

/// One scope.
pub(crate) struct Node {
    id: u64,
    /// The scope around it, which it holds open by a handle.
    parent: Option<Arc<Node>>,
    /// How many handles there are: it ends with the last one, and none is added after that.
    handles: AtomicUsize,
    ended: AtomicBool,
    pub(crate) draws: Draws,
    pub(crate) turn: Turn,
}

impl Node {
    /// Creates a scope inside `parent`, with one handle. It begins with the seed of its parent, or
    /// else of the `process`. A parent whose last handle has gone is none any more.
    pub(crate) fn new(parent: Option<Arc<Node>>, process: &Draws) -> Arc<Self> {
        static IDS: AtomicU64 = AtomicU64::new(GLOBAL + 1);
        let parent = parent.filter(|parent| parent.add_handle());
        let draws = Draws::new();
        draws.inherit(parent.as_ref().map_or(process, |parent| &parent.draws));
        Arc::new(Self {
            id: IDS.fetch_add(1, Std::Relaxed),
            parent,
            handles: AtomicUsize::new(1),
            ended: AtomicBool::new(false),
            draws,
            turn: Turn::new(),
        })
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Returns this scope and those around it, from the inside out.
    pub(crate) fn chain(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |node| node.parent.as_deref())
    }

    pub(crate) fn parent(&self) -> Option<&Arc<Node>> {
        self.parent.as_ref()
    }

    /// Adds a handle, unless the last one has gone.
    pub(crate) fn add_handle(&self) -> bool {
        let more = |handles| (handles > 0).then_some(handles + 1);
        // Relaxed: the count orders nothing until it is 0.
        self.handles
            .fetch_update(Std::Relaxed, Std::Relaxed, more)
            .is_ok()
    }

    /// Whether that was the last handle.
    pub(crate) fn remove_handle(&self) -> bool {
        // AcqRel: what the other handles did comes before the end.
        self.handles.fetch_sub(1, Std::AcqRel) == 1
    }

    fn is_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// Marks it as ended. Called under the writer's mutex.
    pub(crate) fn end(&self) {
        // Relaxed: the writer's mutex orders it with those who configure.
        self.ended.store(true, Ordering::Relaxed);
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Not by recursion: scopes may be nested deeply.
        let mut next = self.parent.take();
        while let Some(mut node) = next.and_then(Arc::into_inner) {
            next = node.parent.take();
        }
    }
}

/// The scope that a call acts in; `None` is outside of all.
#[derive(Clone)]
pub(crate) struct Home(pub(crate) Option<Arc<Node>>);

impl fmt::Debug for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Home").field(&self.id()).finish()
    }
}

impl Home {
    pub(crate) const GLOBAL: Self = Self(None);

    pub(crate) fn id(&self) -> u64 {
        self.0.as_ref().map_or(GLOBAL, |node| node.id)
    }

    pub(crate) fn is_ended(&self) -> bool {
        self.0.as_ref().is_some_and(|node| node.is_ended())
    }
}

/// Whose turn it is to have a scenario of `compat`: one at a time in each scope.
pub(crate) struct Turn {
    owner: Mutex<Option<ThreadId>>,
    free: Condvar,
}

impl Turn {
    pub(crate) const fn new() -> Self {
        Self {
            owner: Mutex::new(None),
            free: Condvar::new(),
        }
    }

    /// Waits for the turn. Returns `false` if this thread has it already.
    pub(crate) fn take(&self) -> bool {
        let this = thread::current().id();
        let mut owner = unpoisoned(self.owner.lock());
        while let Some(other) = *owner {
            if other == this {
                return false;
            }
            owner = unpoisoned(self.free.wait(owner));
        }
        *owner = Some(this);
        true
    }

    pub(crate) fn give_back(&self) {
        *unpoisoned(self.owner.lock()) = None;
        self.free.notify_one();
    }
}

/// The scopes that this thread has entered, the newest last.
struct Stack {
    next: u64,
    entries: Vec<Entry>,
}

struct Entry {
    number: u64,
    node: Arc<Node>,
    /// Whether it is over with the scope: whoever entered may be unable to leave.
    ends_with_scope: bool,
}

thread_local! {
    // Without a destructor, so that it is there for those of other thread-local values, too. The list
    // keeps no memory while it is empty.
    static STACK: ManuallyDrop<RefCell<Stack>> = const {
        ManuallyDrop::new(RefCell::new(Stack { next: 0, entries: Vec::new() }))
    };
    /// The number of the scope on top, where a hit finds it with one load.
    static TOP: Cell<u64> = const { Cell::new(GLOBAL) };
}

/// Enters a scope. Returns what [`leave`] needs.
pub(crate) fn enter(node: Arc<Node>, ends_with_scope: bool) -> u64 {
    change_stack(|stack| {
        let number = stack.next;
        stack.next += 1;
        stack.entries.push(Entry {
            number,
            node,
            ends_with_scope,
        });
        number
    })
}

/// Leaves a scope, whether it is on top or not.
pub(crate) fn leave(number: u64) {
    // Dropped outside of the borrow.
    let _left = change_stack(|stack| {
        let at = stack
            .entries
            .iter()
            .rposition(|entry| entry.number == number);
        at.map(|at| stack.entries.remove(at))
    });
}

fn change_stack<R>(change: impl FnOnce(&mut Stack) -> R) -> R {
    // The list may grow.
    let _inside = Inside::enter();
    STACK.with(|stack| {
        let mut stack = stack.borrow_mut();
        let result = change(&mut stack);
        if stack.entries.is_empty() {
            stack.entries = Vec::new();
        }
        TOP.set(stack.entries.last().map_or(GLOBAL, |entry| entry.node.id));
        result
    })
}

/// Returns the number of the scope that this thread has entered last, or [`GLOBAL`].
#[inline]
pub(crate) fn entered() -> u64 {
    TOP.get()
}

/// Returns this thread's scope.
pub(crate) fn current(runtimes: &Runtimes) -> Option<Arc<Node>> {
    if entered() != GLOBAL {
        let (_over, top) = change_stack(|stack| {
            let is_over = |entry: &Entry| entry.ends_with_scope && entry.node.is_ended();
            let over = match stack.entries.last() {
                Some(top) if is_over(top) => {
                    let all = std::mem::take(&mut stack.entries);
                    let (over, left) = all.into_iter().partition(is_over);
                    stack.entries = left;
                    over
                }
                _ => Vec::new(),
            };
            (over, stack.entries.last().map(|entry| entry.node.clone()))
        });
        if top.is_some() {
            return top;
        }
    }
    if runtimes.is_empty() {
        return None;
    }
    let runtime = current_runtime()?;
    let mut newest_first = runtimes.iter().rev();
    newest_first
        .find(|(id, _)| *id == runtime)
        .map(|(_, node)| node.clone())
}
