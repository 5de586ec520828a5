//! What is proved by force of numbers, on the global table and with all that the machine has: the tests
//! take turns.
#![cfg(all(feature = "testing", feature = "async"))]

#[path = "../common/mod.rs"]
mod common;
#[cfg(feature = "context")]
mod every_await;
#[cfg(feature = "context")]
mod memory;
mod race;
#[cfg(feature = "context")]
mod release;
#[cfg(feature = "runtime")]
mod shutdowns;
#[cfg(feature = "context")]
mod soak;
