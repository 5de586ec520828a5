//! What the benchmarks share: how times are taken, and how results are reported.

pub mod measure;
pub mod report;
