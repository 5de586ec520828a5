//! What is proved by force of numbers, on the global table and with all that the machine has: the tests
//! take turns.
#![cfg(all(feature = "testing", feature = "async"))]

#[path = "../common/mod.rs"]
mod common;
mod race;
#[cfg(feature = "context")]
mod release;
