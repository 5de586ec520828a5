//! Failpoints for async Rust: named places in a program that a test, or a person at a
//! console, can tell to pause, sleep, fail, panic or end the process.
//!
#![cfg_attr(feature = "async", doc = "```")]
#![cfg_attr(not(feature = "async"), doc = "```ignore")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! # if !neon_failpoint::has_failpoints() { return }
//! use neon_failpoint::{configure_failpoint, fail_point};
//!
//! async fn save(record: &str) -> Result<usize, String> {
//!     fail_point!("save-before-write", |reason| Err(format!("not saved: {reason}")));
//!     Ok(record.len())
//! }
//!
//! configure_failpoint("save-before-write", "1*return(disk full)").unwrap();
//! assert_eq!(save("abc").await, Err("not saved: disk full".to_owned()));
//! assert_eq!(save("abc").await, Ok(3));
//! # }
//! ```
//!
//! Call sites are compiled in by the feature `testing`; without it the macros are empty.
//! With it, a macro with a literal name costs two loads while nothing is configured
//! under that name.
//!
//! # Where to go
//!
//! | you want to | look at |
//! |---|---|
//! | put a failpoint into async code | [`fail_point!`], [`failpoint!`](failpoint!), [`pausable_failpoint!`], [`sleep_millis_async!`] |
//! | put one into synchronous code | [`fail_point_sync!`], [`failpoint_blocking`] |
//! | hit one by a name made at run time | any macro with an expression, [`failpoint`](failpoint()), [`failpoint_with_cancellation`] |
//! | say which hits are meant | [`fail_point_with_context!`], [`failpoint_context!`], [`configure_failpoint_with_context`] |
//! | tell a point what to do | [`configure_failpoint`], [`configure_failpoints`], [`configure_failpoint_callback`] |
//! | take that back | [`remove_failpoint`], [`remove_all_failpoints`] |
//! | do both in a test, by a guard | [`arm`], [`Armed`] |
//! | wait until somebody comes, or stands there | [`wait_for_hits`], [`wait_until_paused`] |
//! | let some go who wait | [`Armed::release`], [`release_failpoint`] |
//! | see what is configured and who waits | [`list_failpoints`] |
//! | configure from the environment | [`init`] |
#![cfg_attr(
    feature = "http",
    doc = "| do all that from another process | [`http`] |"
)]
#![cfg_attr(
    not(feature = "http"),
    doc = "| do all that from another process | the module `http`, with the feature of that name |"
)]
//! | come from the `fail` crate | [`compat`] |
//! | come from Neon's utils | [`failpoint_support`] |
//!
//! # Actions
//!
//! A configuration is a chain of alternatives, joined by `->`. At a hit the first that
//! fires decides; if none does, nothing happens. An alternative is
//!
//! ```text
//! [when(key=regex, key="regex")] [p%] [n*] task [(argument)]
//! ```
//!
//! It fires at a hit whose context matches (see [below](#context)), in `p` percent of
//! the cases, at most `n` times.
//!
//! | task | what a hit does |
//! |---|---|
//! | `off` | nothing; the alternatives after it are not asked |
//! | `pause` | waits until the point is reconfigured or removed |
//! | `sleep(N)` | waits N milliseconds, or until then |
//! | `return`, `return(value)` | returns early; a bare `return` gives the empty string |
//! | `panic`, `panic(message)` | panics |
//! | `print`, `print(message)` | logs at info level: through `tracing`, or through `log` without the feature `async` |
//! | `yield` | lets another task, or thread, run |
//! | `delay(N)` | keeps the thread busy for N milliseconds |
//! | `exit` | ends the process with status 1, after a line on standard error and a flush of `log`'s logger |
//!
//! `10%3*return(io error)->sleep(5)` fails one hit in ten until it did so three times,
//! and makes all others 5 ms slower. In an argument `->`, `;` and `,` are ordinary text,
//! and every parenthesis needs its partner. A percentage over 100 is always. What the
//! `fail` crate accepts means the same here, but for two things: parentheses without a
//! partner, which are an error, or read on past a `->`; and percentages that are negative,
//! infinite or not a number, which are errors.
//!
//! A *hit* is an evaluation of a configured point. It *fires* when an alternative is
//! chosen, `off` included. Hits of points that are not configured are not counted.
//!
//! # Waiting
//!
//! A hit that waits goes on as soon as its point is configured anew or removed, whoever
//! does it, and gives [`Continue`](FailpointResult::Continue): a new configuration is
//! for later hits. No wake-up is lost, and none is early in the other direction either:
//! the next hit of a task that was let go sees the new configuration.
//!
//! With a [`CancellationToken`](https://docs.rs/tokio-util/latest/tokio_util/sync/struct.CancellationToken.html)
//! an async wait ends in [`Cancelled`](FailpointResult::Cancelled) when the token is
//! cancelled, also where release and cancellation come together. A token that was
//! cancelled before matters only to actions that wait. The hit stays spent, its
//! draw and its count with it.
//!
//! `pause` needs no runtime. An async `sleep` is tokio's, with its clock, paused or not;
//! a blocking one is real time. Each future says what dropping it does.
//!
//! # In a test
//!
//! [`arm`] configures a point for as long as its guard lives, and the guard waits until
//! somebody stands there, lets some go, and can demand that the point fires:
//!
#![cfg_attr(feature = "async", doc = "```")]
#![cfg_attr(not(feature = "async"), doc = "```ignore")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), neon_failpoint::Error> {
//! # if !neon_failpoint::has_failpoints() { return Ok(()) }
//! use neon_failpoint::{arm, fail_point};
//! use std::sync::atomic::{AtomicBool, Ordering};
//!
//! static SAVED: AtomicBool = AtomicBool::new(false);
//!
//! async fn save() {
//!     fail_point!("save-before-flag");
//!     SAVED.store(true, Ordering::SeqCst);
//! }
//!
//! let point = arm("save-before-flag", "pause")?.must_fire();
//! let task = tokio::spawn(save());
//! point.wait_until_paused(1).await?;
//! assert!(!SAVED.load(Ordering::SeqCst));
//! point.release_one();
//! task.await.unwrap();
//! assert!(SAVED.load(Ordering::SeqCst));
//! # Ok(())
//! # }
//! ```
//!
//! A wait that comes to no end is an error after 30 seconds ([`set_wait_deadline`]), which says
//! who waits where. The same by name: [`wait_for_hits`], [`wait_until_paused`],
//! [`release_failpoint`]. The page [Testing a race](testing_a_race) goes through four.
//!
//! # Context
//!
//! A call site may say what a hit is about. A matcher is a key and a regular expression
//! that has to match the whole value:
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
//! ```
//!
//! Without a context, or without the key, the alternative does not fire. An alternative
//! that a hit's context turns away uses up no count and no draw. Expressions are
//! compiled, and refused, when they are configured.
//!
//! # Probability
//!
//! Whether a percentage takes a hit is computed from a seed, the point's name, the
//! alternative's position, and how many draws that alternative had. So a run can be
//! repeated whatever other points and threads do meanwhile: set `FAILPOINTS_SEED`, or
//! call [`set_seed`]. Otherwise the seed is random. It is logged when the first point with
//! a percentage is configured. Configuring a point anew does not replay its draws.
//!
//! # Environment
//!
//! `FAILPOINTS="name=actions;name=actions"` configures points from outside. It is read
//! once: by [`init`], which returns an error for a bad value, or at the first use of
//! anything here, where a bad value ends the process with status 2 and a message, so
//! that no run goes on without the faults it was to have.
//!
//! # Events
//!
//! With the feature `async` what happens is told through `tracing`, target `neon_failpoint`, at
//! debug level. These messages and fields stay as they are:
//!
//! | message | when | fields |
//! |---|---|---|
//! | `failpoint fired` | a hit chose an alternative, before its action | `failpoint`; `action`, its text; `hit`, the number of hits since the point was configured; `context`, `file` and `line` where they are known |
//! | `wait ended` | a `pause` or a `sleep` is over | `failpoint`; `why`: `released`, `reconfigured` (or removed), `elapsed`, `cancelled` or `dropped`; `waited_ms`, milliseconds of real time |
//! | `configuration changed` | a name was configured, armed, removed, or given back by a guard | `failpoint`; `old` and `new`, the actions, where there are any |
//!
//! What a subscriber itself causes while it is told of an event is not told. For metrics there
//! is [`FailpointInfo::totals`].
//!
//! # Features
//!
//! | feature | default | |
//! |---|---|---|
//! | `async` | yes | the async API; brings tokio (`time`), tokio-util, tracing |
//! | `context` | yes | matchers; brings regex |
//! | `testing` | no | compiles failpoints into call sites; `failpoints` is another name for it |
//! | `http` | no | control from outside, the module `http`; brings axum (without its defaults), serde, serde_json |
//!
//! Without `testing`, macros are empty, hits give `Continue`, and configuring is an
//! error that names the feature. A library that has call sites passes the feature on,
//! and only tests switch it on:
//!
//! ```toml
//! [features]
//! failpoints = ["neon_failpoint/testing"]
//! ```
//!
//! # Limits
//!
//! - The table belongs to the process: tests that share a process must not share names,
//!   and [`remove_all_failpoints`] is for processes with one test.
//! - The list of call sites, and with it the warning for a misspelled name, exists on
//!   Linux, Android, Apple's systems, Windows, FreeBSD, OpenBSD, illumos and Fuchsia.
//!   Everything else works wherever the standard library has threads.
//! - A blocking hit on a thread of an async runtime blocks all its tasks.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
// Half of what the documentation links to is only there with it.
#![cfg_attr(not(feature = "async"), allow(rustdoc::broken_intra_doc_links))]

mod action;
mod arm;
pub mod compat;
mod config;
mod context;
mod draws;
mod env;
mod error;
pub mod failpoint_support;
mod hit;
#[cfg(feature = "http")]
pub mod http;
mod list;
mod macros;
#[cfg(all(test, neon_failpoint_loom))]
mod model;
mod name;
mod point;
mod release;
mod report;
mod site;
mod suggest;
mod sync;
mod table;
#[cfg(feature = "async")]
#[doc = include_str!("testing_a_race.md")]
pub mod testing_a_race {}
mod trie;
mod unwind;
mod wait;
mod wait_for;

#[doc(hidden)]
pub mod __private;

pub use arm::{Armed, arm, arm_callback, arm_with_context};
pub use config::{
    FailpointConfig, configure_failpoint, configure_failpoint_callback,
    configure_failpoint_with_context, configure_failpoints, has_failpoints, remove_all_failpoints,
    remove_failpoint, set_seed,
};
pub use context::FailpointContext;
pub use env::init;
pub use error::Error;
#[cfg(feature = "async")]
pub use hit::{FailpointFuture, failpoint, failpoint_with_cancellation};
pub use hit::{FailpointResult, failpoint_blocking};
pub use list::{CallSite, FailpointInfo, FailpointTotals, list_failpoints};
pub use release::{release_failpoint, release_failpoint_matching};
pub use wait::WaiterInfo;
pub use wait_for::{Wait, set_wait_deadline, wait_for_hits, wait_until_paused};

/// The code in README.md, compiled and run.
#[cfg(all(doctest, feature = "testing", feature = "async", feature = "context"))]
#[doc = include_str!("../README.md")]
struct Readme;
