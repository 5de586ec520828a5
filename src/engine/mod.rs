//! What a hit reads, and what writes it.
//!
//! Nothing here imports from another folder but [`error`](crate::error), and a file imports only
//! what stands below it here (`tests/plan.rs` holds the code to it):
//!
//! | file | story |
//! |---|---|
//! | `models` | the loom models of all that |
//! | `env` | FAILPOINTS, read at the first use |
//! | `suggest` | which name may have been meant, and what is said once a point is configured |
//! | `listed` | the list of the call sites that are compiled in |
//! | `site` | what is hit, the idle check |
//! | `director` | who may stop a hit: an exploration |
//! | `lifetime` | how a point is removed by itself |
//! | `guards` | how a guard puts its configuration over others: the rest of `Registry` |
//! | `table` | how a hit looks into the newest snapshot, and how that is replaced |
//! | `layers` | what guards have put on which name, and what they left |
//! | `observer`, `wait` | how a test waits for hits, and how a hit waits |
//! | `watch` | what is said of a hit that waits for too long |
//! | `wakeups` | whose waits were ended, to be woken |
//! | `report`, `exit` | what is logged, and the end of the process |
//! | `snapshot` | what one snapshot holds: points by name, and by scope and name |
//! | `point` | one configuration of one name: rules, counts, list |
//! | `waiters` | the list of a point |
//! | `scope` | which scope a thread is in |
//! | `actions`, `draws`, `context` | what a configuration says, and what a hit says |
//! | `timer` | alarms: sleeping without a runtime, and when to look at who waits |
//! | `sync` | the primitives, which loom replaces |
//! | `inside` | whether a hit comes from an allocator that we called |
//! | `trie`, `name`, `unwind` | leaves |
//!
//! A hit goes through `site`, `table` and `trie` to its `point`, and, if it waits, through `wait` to
//! `waiters`. A release goes through `wakeups` to `waiters`. The page [How it
//! works](crate::how_it_works) follows both.
//!
//! # Invariants
//!
//! The code cites them by number.
//!
//! - **I1** A hit looks into one snapshot and takes one point from it; that point alone decides what
//!   the hit does. (If its callback was removed meanwhile, it has nothing to decide with: then the
//!   hit is evaluated again.) No hit takes a lock before it waits, but for one whose number is one
//!   that an observer waits for. (One that matchers turn away may try a lock, to note its context, and
//!   goes on without it.)
//! - **I2** Writers are serialised by one mutex. A writer builds the next snapshot, publishes it,
//!   bumps the generation, and only then retires the points that it replaced or removed.
//! - **I3** Retirement is level-triggered. Checking `retired` and entering a point's list is one
//!   step under the list's lock, and so is setting `retired` and taking the list: a waiter is either
//!   in the list that is taken, or it sees `retired`. No order of events loses a wake-up, and a
//!   waiter that is woken finds the new snapshot at its next hit, because that was published before.
//! - **I4** A site remembers the generation at which its name was absent. It reads the generation
//!   *before* it looks the name up, and a writer publishes *before* it bumps, so a site that read
//!   generation `g` looks into the snapshot of `g` or a later one. The same holds for the generation
//!   at which a name was present, and for that of a thread's view. `empty_at` serves all names at
//!   once: it is the generation at which the whole table was empty. No generation comes twice: what was
//!   seen at the last one is not remembered.
//! - **I5** No callback, logger, waker, destructor of a user's value or subscriber runs while a lock
//!   of ours is held. What is to be woken or dropped is handed out, and woken or dropped after the
//!   lock was released.
//! - **I6** `n*` fires exactly `n` times over all threads. A hit whose context or probability does
//!   not match uses up no count.
//! - **I7** A configuration takes effect whole or not at all: everything that can be wrong is found
//!   while the points are created, before the one call that publishes them.
//! - **I8** Nothing a user can pass makes the library panic, hang or poison itself, other than what
//!   is documented to: a hit panics for `panic`, and for a `return` where nothing can be returned;
//!   `exit` ends the process. Panics of a user's own code (a callback, a subscriber, a waker) pass
//!   through, after everybody was woken; only where a future is dropped that waits at a macro in place
//!   they are reported, and go no further.
//! - **I9** A hit sees the points of its own scope, then of the scopes around that, then the global
//!   ones, and no others. What happens in one scope (arm, wait, release, reset, end) never wakes,
//!   counts or ends anything in another: a point is filed under its scope, and whoever changes the
//!   table names the scope that it changes. An ended scope stays empty: its end is marked, and asked
//!   for, under the writer's mutex.

pub(crate) mod actions;
pub(crate) mod context;
#[cfg(feature = "explore")]
pub(crate) mod director;
pub(crate) mod draws;
pub(crate) mod env;
pub(crate) mod exit;
pub(crate) mod guards;
pub(crate) mod inside;
pub(crate) mod layers;
#[cfg(feature = "http")]
pub(crate) mod lifetime;
pub(crate) mod listed;
#[cfg(all(test, neon_failpoint_loom))]
pub(crate) mod models;
pub(crate) mod name;
pub(crate) mod observer;
pub(crate) mod point;
pub(crate) mod report;
pub(crate) mod scope;
pub(crate) mod site;
pub(crate) mod snapshot;
pub(crate) mod suggest;
pub(crate) mod sync;
pub(crate) mod table;
pub(crate) mod timer;
pub(crate) mod trie;
pub(crate) mod unwind;
pub(crate) mod wait;
pub(crate) mod waiters;
pub(crate) mod wakeups;
pub(crate) mod watch;
