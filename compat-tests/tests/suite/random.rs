//! Random scripts.

use crate::common::starter;
use compat_tests::Fuzz;
use std::io::{self, Write};

#[test]
fn random_scripts_get_the_same_answers_and_use_the_whole_language() {
    let fuzz = Fuzz::from_environment();
    let outcome = fuzz.run(&starter()).unwrap();
    if let Some(difference) = outcome.difference {
        panic!("{difference}");
    }
    // Not captured: the run is to say how often each thing occurred.
    let (scripts, seed, coverage) = (fuzz.scripts, fuzz.seed, &outcome.coverage);
    writeln!(
        io::stdout(),
        "{scripts} random scripts from seed {seed}: {coverage}"
    )
    .unwrap();
    if cfg!(target_os = "linux") {
        assert_eq!(outcome.coverage.missing(), [""; 0]);
    }
}
