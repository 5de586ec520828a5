//! Every action through every way to hit a failpoint, and callbacks and subscribers
//! that use the library from inside a hit (I5).
//!
//! What ends a process, or needs a fresh one, runs in a child: this executable again, with a
//! variable set.

mod callbacks;
mod ends_of_hits;
mod every_action;
mod loggers;
mod times;
mod ways;
