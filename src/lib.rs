//! Failpoints for async Rust: named places in a program where a test, or a person at a console,
//! can have a task pause, sleep, fail, panic or end the process.
//!
#![cfg_attr(feature = "async", doc = "```")]
#![cfg_attr(not(feature = "async"), doc = "```ignore")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), neon_failpoint::Error> {
//! # if !neon_failpoint::has_failpoints() { return Ok(()) }
//! use neon_failpoint::{arm, fail_point, isolate};
//! use std::sync::atomic::{AtomicBool, Ordering};
//!
//! static SAVED: AtomicBool = AtomicBool::new(false);
//!
//! async fn save() {
//!     fail_point!("save-before-flag");
//!     SAVED.store(true, Ordering::SeqCst);
//! }
//!
//! // Tests that run side by side in one process do not see each other's failpoints.
//! let _alone = isolate();
//! let point = arm("save-before-flag", "pause")?.must_fire();
//! let task = tokio::spawn(save());
//! point.wait_until_paused(1).await?;
//! assert!(!SAVED.load(Ordering::SeqCst));
//! assert_eq!(point.release_one(), 1);
//! task.await.unwrap();
//! assert!(SAVED.load(Ordering::SeqCst));
//! # Ok(())
//! # }
//! ```
//!
//! Call sites are compiled in by the feature `testing`; without it the arguments of the macros are
//! checked, and nothing is left of them in the program. With it, a macro with a literal name, or
//! with a constant as in `fail_point!(const { NAME })`, costs two loads while nothing is configured
//! under that name. A crate switches it on for its own tests:
//!
//! ```toml
//! [dependencies]
//! neon_failpoint = "0.1"
//!
//! [dev-dependencies]
//! neon_failpoint = { version = "0.1", features = ["testing"] }
//! ```
//!
//! With Cargo's resolver 2 or later that is so in tests, examples and benchmarks only. A program
//! that must not have failpoints says so:
//! `const _: () = assert!(!neon_failpoint::has_failpoints());`.
//!
//! # Where to go
//!
//! | you want to | look at |
//! |---|---|
//! | put a failpoint into async code | [`fail_point!`], [`failpoint!`](failpoint!), [`pausable_failpoint!`], [`sleep_millis_async!`] |
//! | put one into synchronous code | [`fail_point_sync!`], [`failpoint_blocking`] |
//! | hit one by a name made at run time | any macro with an expression, [`failpoint`](failpoint()), [`failpoint_with_cancellation`] |
//! | arm a point for the scope of a test | [`arm`], [`Armed`] |
//! | wait until a point is hit or fires, or a task is paused there | [`wait_for_hits`], [`wait_until_fired`], [`wait_until_paused`] |
//! | release some of the waiters | [`Armed::release`], [`release_failpoint`] |
//! | run tests side by side in one process | [`isolate`](isolate()), [`Scope`], [`InScope`] |
//! | test a race | the page [Testing a race](testing_a_race) |
#![cfg_attr(
    feature = "explore",
    doc = "| find a race you do not know of | the page [of that name](find_a_race), [`explore`] |"
)]
#![cfg_attr(
    not(feature = "explore"),
    doc = "| find a race you do not know of | the module `explore`, with the feature of that name |"
)]
//! | choose hits by their context | [`fail_point_with_context!`], [`failpoint_context!`], [`configure_failpoint_with_context`] |
//! | configure points without a guard | [`configure_failpoint`], [`configure_failpoints`], [`configure_failpoint_callback`] |
//! | remove them | [`remove_failpoint`], [`remove_all_failpoints`] |
//! | configure from the environment | [`init`] |
//! | list call sites, configurations and waiters | [`list_failpoints`] |
#![cfg_attr(
    feature = "http",
    doc = "| do all that from another process | [`http`] |"
)]
#![cfg_attr(
    not(feature = "http"),
    doc = "| do all that from another process | the module `http`, with the feature of that name |"
)]
//! | know what a hit does, down to the atomics | the page [How it works](how_it_works) |
//! | know what does not work | the page [Limits](limits) |
//! | know what the promises rest on | the page [What proves it](what_proves_it) |
//! | come from the `fail` crate | [`compat`] |
//! | come from `fail-parallel` | the section of that name in `migration/README.md`, and [`isolate`](isolate()) |
//! | come from Neon's utils | [`failpoint_support`] |
//!
//! # Actions
//!
//! A configuration is a chain of alternatives, joined by `->`. At a hit the first that
//! fires decides; if none does, nothing happens. An alternative is
//!
//! ```text
//! [when(key=regex, key!="regex")] [p%] [n*] action [(argument)]
//! ```
//!
//! It fires at a hit whose context matches (see [below](#context)), in `p` percent of
//! the cases, at most `n` times.
//!
//! | action | what a hit does |
//! |---|---|
//! | `off` | nothing; later alternatives are not tried |
//! | `pause` | waits until it is released, or the point is reconfigured or removed |
//! | `sleep(N)`, `sleep(1s)`, `sleep(10..50)` | waits N milliseconds, or as long as a pause would |
//! | `return`, `return(value)` | returns early; a bare `return` gives the empty string |
//! | `panic`, `panic(message)` | panics at the call site, with a message that names the point |
//! | `print`, `print(message)` | logs at info level: see [Events](#events) |
//! | `yield` | lets another task, or thread, run |
//! | `delay(N)`, `delay(1s)`, `delay(10..50)` | keeps the thread busy for N milliseconds |
//! | `exit`, `exit(status)` | ends the process with status 1, or the one given, after a line on standard error and a flush of `log`'s logger |
//!
//! A time is a whole number of milliseconds, `250` or `250ms`, or of seconds, `2s`. Of a range,
//! both ends included, each hit draws its own (see [Probability](#probability)): `sleep(10..50)`,
//! `sleep(500ms..2s)`. A status is one that every system can report, from 0 to 255; with `exit(0)`
//! the process ends as if it had succeeded.
//!
//! `10%3*return(io error)->sleep(5)` fails one hit in ten until it has done so three times, and
//! makes all others 5 ms slower. In an argument `->`, `;` and `,` are ordinary text, and every
//! parenthesis needs its partner. A percentage over 100 means always. What the `fail` crate accepts
//! means the same here, with three exceptions: parentheses without a partner, which are an error,
//! or read on past a `->`; percentages that are negative, infinite or not a number, which are
//! errors; and what stands in the parentheses of `off`, `pause` or `yield`, which is an error.
//!
//! A *hit* is an evaluation of a configured point. It *fires* when an alternative is
//! chosen, `off` included. Hits of points that are not configured are not counted.
//!
//! # Waiting
//!
//! A hit that waits continues as soon as it is released, or its point is reconfigured or removed,
//! and gives [`Continue`](FailpointResult::Continue): a new configuration is for later hits. No
//! wake-up is lost, and none comes too early: the next hit of a task that continues because of a
//! new configuration sees that configuration.
//!
//! With a
//! [`CancellationToken`](https://docs.rs/tokio-util/latest/tokio_util/sync/struct.CancellationToken.html)
//! an async wait ends in [`Cancelled`](FailpointResult::Cancelled) when the token is cancelled,
//! also where the point is reconfigured or removed at the same time. A waiter that was counted by a
//! release continues, even if it is cancelled afterwards. A token that is cancelled already matters
//! only to actions that wait. A cancelled hit keeps its draw and its count.
//!
//! Neither `pause` nor `sleep` needs a runtime. A `sleep` lasts in real time; an async one follows
//! tokio's clock where that is paused or was advanced. The documentation of each future says what
//! dropping it does.
//!
//! # In a test
//!
//! [`arm`] configures a point for as long as its guard lives, as in the example above. The guard
//! waits until a task is paused at the point, releases waiters, and can demand that the point
//! fires. A wait that is not satisfied within 30 seconds ([`set_wait_deadline`]) returns an error
//! that lists every waiter; a pause that nobody ends is named on standard error then. The same by
//! name: [`wait_for_hits`], [`wait_until_fired`], [`wait_until_paused`], [`release_failpoint`]. The
//! page [Testing a race](testing_a_race) goes through four races.
//!
//! `cargo test` runs tests side by side in one process. A test that begins with
//! [`isolate`](isolate()) is as if it were alone: what it configures is in a [`Scope`], which only
//! its own hits see, on its thread and on its tokio runtime. Outside of scopes a guard whose waits
//! were ended by another thread says so.
//!
//! # Context
//!
//! A call site may say what a hit is about. A matcher is a key and a regular expression
//! that has to match the whole value, `key=regex`, or must not, `key!=regex`:
//!
//! ```
//! # if !neon_failpoint::has_failpoints() || !cfg!(feature = "context") { return }
//! use neon_failpoint::{configure_failpoint, fail_point_with_context_sync, failpoint_context};
//!
//! fn upload(tenant: &str) -> &'static str {
//!     let context = failpoint_context! { "tenant" => tenant };
//!     fail_point_with_context_sync!("upload", &context, |_| "failed");
//!     "uploaded"
//! }
//!
//! // Different rules for different tenants, under one name.
//! configure_failpoint("upload", "when(tenant=t1)2*return->when(tenant=t[23])return").unwrap();
//! assert_eq!([upload("t1"), upload("t1"), upload("t1")], ["failed", "failed", "uploaded"]);
//! assert_eq!([upload("t2"), upload("t3"), upload("t4")], ["failed", "failed", "uploaded"]);
//!
//! configure_failpoint("upload", "when(tenant!=t1)return").unwrap();
//! assert_eq!([upload("t1"), upload("t2")], ["uploaded", "failed"]);
//! ```
//!
//! Without a context, or without the key, the alternative does not fire, by `!=` neither. An
//! alternative that a hit's context turns away uses up no count and no draw. Expressions are
//! compiled, and refused, when they are configured.
//!
//! A key is a word of letters, digits, `_`, `-` and `.`; another one stands in double quotes. An
//! expression may do without: it ends at the `,` or `)` that is not escaped and not in its own
//! `[]`, `{}` or `()`, as in `when(id=[0-9a-f]{4,8}, kind=(a|b))`. In quotes everything is the
//! expression's, and a quote is written `\"`. One that begins with `=`, `~`, `!` or another kind of
//! quote, and one that goes on like a second matcher (`a;b=c`), needs them.
//!
//! # Probability
//!
//! Whether a percentage takes a hit is computed from a seed, the point's name, the alternative's
//! position, and how many draws that alternative had; so is the time of a `sleep` or a `delay` from
//! a range, which is drawn when the alternative fires. So a run can be repeated whatever other
//! points and threads do meanwhile: set `FAILPOINTS_SEED`, or call [`set_seed`]. Otherwise the seed
//! is random, and it is logged when the first point that draws is configured (not by [`compat`],
//! which logs nothing that `fail` does not); [`seed`] returns it, and a test that fails for want of
//! a hit says it. Reconfiguring a point does not replay its draws.
//!
//! # Environment
//!
//! `FAILPOINTS="name=actions;name=actions"` configures points from outside. It is read once: by
//! [`init`], which returns an error for a bad value, or at the first use of this crate, where a bad
//! value ends the process with status 2 and a message, so that no run goes on without the faults
//! that it was to have. A name in it that no call site has is warned of: it may be made at run
//! time. A build without `testing` does not look; there only [`init`] refuses a value.
//!
//! | variable | example | |
//! |---|---|---|
//! | `FAILPOINTS` | `save=1*pause;load=5%return` | the points |
//! | `FAILPOINTS_SEED` | `7` | where draws start from: see [Probability](#probability) |
//! | `FAILPOINTS_WAIT_DEADLINE` | `5s`, `500ms`, `off` | the deadline of waits, and when a hang is explained: see [`set_wait_deadline`] |
//! | `FAILPOINTS_REPLAY` | `1 2` | what the explorer runs again, with the feature `explore` |
//!
//! # Events
//!
//! Warnings, the seed, and what `print` prints go to `tracing` with the feature `async` where the
//! thread has a subscriber, and else to `log`, with the target `neon_failpoint`. If nobody listens to
//! either, a warning, and a seed that nobody chose, is written to standard error.
//!
//! With the feature `async` these events are sent through `tracing`, target `neon_failpoint`, at
//! debug level. Their messages and fields are stable:
//!
//! | message | when | fields |
//! |---|---|---|
//! | `failpoint fired` | a hit chose an alternative, before its action | `failpoint`; `action`, its text; `hit`, the number of hits since the point was configured (hits at the same time may share one); `context`, `file` and `line` where they are known |
//! | `wait ended` | a `pause` or a `sleep` is over | `failpoint`; `why`: `released`, `reconfigured` (or removed), `elapsed`, `cancelled` or `dropped`; `waited_ms`, milliseconds of real time |
//! | `configuration changed` | a name was configured, armed, removed, or restored by a guard | `failpoint`; `old` and `new`, the actions, where there are any |
//!
//! Events that a subscriber causes while it handles one are suppressed. For metrics there is
//! [`FailpointInfo::totals`].
//!
//! # Features
//!
//! | feature | default | |
//! |---|---|---|
//! | `async` | yes | the async API; brings tokio (`time`), tokio-util, tracing |
//! | `context` | yes | matchers; brings regex |
//! | `runtime` | yes | a scope reaches all of a tokio runtime; brings tokio 1.49 or later (`rt`) |
//! | `testing` | no | compiles failpoints into call sites; `failpoints` is another name for it |
//! | `explore` | no | the explorer, the module `explore`, with `runtime`; brings rand, indicatif, and tokio's `rt` and `test-util` |
//! | `http` | no | control from outside, the module `http`; brings axum (without its defaults), serde, serde_json |
//!
//! Without `testing`, macros only check their arguments, hits give `Continue`, and configuring is
//! an error that names the feature. A library or program whose users are to switch failpoints on
//! passes the feature on:
//!
//! ```toml
//! [features]
//! failpoints = ["neon_failpoint/testing"]
//! ```
//!
//! # Limits
//!
//! The page [Limits](limits) says what does not work, where there are bounds, and what this crate
//! does not set out to do.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
// Half of what the documentation links to is only there with it.
#![cfg_attr(not(feature = "async"), allow(rustdoc::broken_intra_doc_links))]

pub mod compat;
mod control;
mod engine;
mod error;
#[cfg(feature = "explore")]
pub mod explore;
pub mod failpoint_support;
mod hit;
#[cfg(feature = "http")]
pub mod http;
mod macros;

#[doc = include_str!("how_it_works.md")]
pub mod how_it_works {}
// The page names what is in some builds only.
#[cfg_attr(
    not(all(feature = "async", feature = "explore", feature = "http")),
    allow(rustdoc::broken_intra_doc_links)
)]
#[doc = include_str!("limits.md")]
pub mod limits {}
#[doc = include_str!("what_proves_it.md")]
pub mod what_proves_it {}
#[cfg(feature = "explore")]
#[doc = include_str!("find_a_race.md")]
pub mod find_a_race {}
#[cfg(feature = "async")]
#[doc = include_str!("testing_a_race.md")]
pub mod testing_a_race {}

#[cfg(feature = "runtime")]
pub use control::Attached;
pub use control::{
    Armed, CallSite, Entered, FailpointConfig, FailpointInfo, FailpointTotals, InScope, Isolated,
    Origin, Scope, Scoped, Wait, arm, arm_callback, arm_with_context, configure_failpoint,
    configure_failpoint_callback, configure_failpoint_with_context, configure_failpoints,
    has_failpoints, isolate, list_failpoints, release_failpoint, release_failpoint_matching,
    remove_all_failpoints, remove_failpoint, seed, set_seed, set_wait_deadline, wait_for_hits,
    wait_until_fired, wait_until_paused,
};
pub use engine::context::FailpointContext;
pub use engine::env::init;
pub use engine::waiters::WaiterInfo;
pub use error::Error;
#[cfg(feature = "async")]
pub use hit::{FailpointFuture, failpoint, failpoint_with_cancellation};
pub use hit::{FailpointResult, failpoint_blocking};
#[doc(hidden)]
pub use macros::private as __private;

/// The code in README.md, compiled and run.
#[cfg(all(doctest, feature = "testing", feature = "async", feature = "context"))]
#[doc = include_str!("../README.md")]
struct Readme;
