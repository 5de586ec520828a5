//! Broken variants of the replacement.

use crate::common::{sources, starter};
use compat_tests::{Fuzz, Implementation, Mutant, hunt, print_catches};
use std::io::{self, Write};

#[test]
fn some_script_notices_each_broken_variant() {
    let catches = hunt(&starter(), &sources(), true).unwrap();
    let mut text = Vec::new();
    let all = print_catches(&mut text, &catches).unwrap();
    // Not captured: the run is to say which.
    io::stdout().write_all(&text).unwrap();
    assert!(all, "{}", String::from_utf8_lossy(&text));
}

#[test]
fn random_scripts_notice_one_too_and_are_shrunk_to_what_shows_it() {
    let fuzz = Fuzz {
        against: Implementation::Mutant(Mutant::ChainReversed),
        write_to: std::env::temp_dir().join(format!("compat-tests-{}.fp", std::process::id())),
        ..Fuzz::from_environment()
    };
    let difference = fuzz.run(&starter()).unwrap().difference.unwrap();
    let script = std::fs::read_to_string(&fuzz.write_to).unwrap();
    std::fs::remove_file(&fuzz.write_to).unwrap();
    assert!(difference.contains(&script), "{difference}");
    // One chain is enough; the first line sets the environment.
    let chains = script.lines().skip(1).filter(|line| line.contains("->"));
    assert_eq!(chains.count(), 1, "{script}");
}
