//! Finds the failpoints of a project on `fail`, and moves those in async code.
fn main() {}
