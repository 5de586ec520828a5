//! The surface of the `fail` crate, outside of scopes. Each test begins a scenario, so that they take
//! turns with the global table.
#![cfg(feature = "testing")]

#[cfg(feature = "async")]
mod blocks;
#[cfg(feature = "async")]
mod both_apis;
#[cfg(feature = "async")]
#[path = "../common/mod.rs"]
mod common;
mod release;
