//! The explorer.
#![cfg(all(feature = "testing", feature = "explore"))]

mod cancellations;
mod counts;
mod endings;
mod faults;
mod kinds_of_sites;
mod messages;
mod random;
mod reduction;
mod replays;
mod surroundings;
