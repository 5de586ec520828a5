//! The explorer.
#![cfg(all(feature = "testing", feature = "explore"))]

mod adversary;
mod cancellations;
#[path = "../common/mod.rs"]
mod common;
mod corpus;
mod counts;
mod crashes;
mod endings;
mod faults;
mod kinds_of_sites;
mod messages;
mod model;
mod random;
mod reduction;
mod replays;
mod surroundings;
