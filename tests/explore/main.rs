//! The explorer.
#![cfg(all(feature = "testing", feature = "explore"))]

mod counts;
