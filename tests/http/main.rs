//! Control over HTTP, which acts on the points that are in no scope: tests have names of their own, and
//! those that list or remove everything have the table to themselves.
#![cfg(feature = "http")]

#[cfg(feature = "testing")]
mod calls;
#[cfg(feature = "testing")]
#[path = "../common/mod.rs"]
mod common;
#[cfg(feature = "testing")]
mod example;
#[cfg(feature = "testing")]
mod load;
#[cfg(not(feature = "testing"))]
mod without_testing;

#[cfg(feature = "testing")]
static TABLE: tokio::sync::RwLock<()> = tokio::sync::RwLock::const_new(());
