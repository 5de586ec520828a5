//! The explorer over the async code of published crates, with failpoints in what these call: trait methods,
//! closures, futures. README.md has the table of what came of it.

mod bb8;
mod deadpool;
mod explored;
mod limit;
mod moka;
mod singleflight;
mod tower;
