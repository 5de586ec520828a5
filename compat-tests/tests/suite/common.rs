//! What the suites share: who starts children, the scripts, and a comparison that must be good.

use compat_tests::{Implementation, Source, Starter, print_summary, run_all, scripts_folder};

/// Starts children of the binary that this package builds.
pub(crate) fn starter() -> Starter {
    Starter::new(env!("CARGO_BIN_EXE_compat-tests"))
}

/// The scripts of this package.
pub(crate) fn sources() -> Vec<Source> {
    Source::read_all(&scripts_folder()).unwrap()
}

/// Runs scripts on both and fails with the table if any differs.
pub(crate) fn assert_same(sources: &[Source], against: Implementation) {
    let comparisons = run_all(&starter(), sources, against).unwrap();
    let mut table = Vec::new();
    let same = print_summary(&mut table, &comparisons).unwrap();
    assert!(same, "{}", String::from_utf8_lossy(&table));
}
