//! The scripts of this package.

use crate::common::{assert_same, sources};
use compat_tests::{Implementation, Script};

#[test]
fn every_script_gets_the_same_answers_or_those_it_states() {
    assert_same(&sources(), Implementation::Ours);
}

#[test]
fn every_script_answers_inside_a_scope_as_outside() {
    assert_same(&sources(), Implementation::Scoped);
}

#[test]
fn there_are_at_least_sixty_and_each_names_what_it_shows() {
    let sources = sources();
    assert!(sources.len() >= 60);
    for source in sources {
        assert!(!source.script.shows.is_empty(), "{}", source.name);
    }
}

#[test]
fn a_script_that_is_written_out_reads_back_to_the_same() {
    for source in sources() {
        let text = source.script.to_string();
        let mut again = Script::parse(&source.name, &text).unwrap();
        for (step, original) in again.steps.iter_mut().zip(&source.script.steps) {
            step.line = original.line;
        }
        assert_eq!(again, source.script, "{text}");
    }
}
