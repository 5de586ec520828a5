//! The explorer.
#![cfg(all(feature = "testing", feature = "explore"))]

#[path = "../common/mod.rs"]
mod common;
mod counts;
mod crashes;
