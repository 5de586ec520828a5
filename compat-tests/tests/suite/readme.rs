//! The examples in README.md.

use crate::common::assert_same;
use compat_tests::{Implementation, Source};

#[test]
fn every_example_script_runs() {
    let readme = include_str!("../../README.md");
    let blocks = readme
        .split("```fp\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap());
    let numbered = blocks.enumerate();
    let sources: Vec<_> = numbered
        .map(|(index, text)| {
            Source::new(&format!("README.md, example {}", index + 1), text).unwrap()
        })
        .collect();
    assert!(sources.len() >= 8);
    assert_same(&sources, Implementation::Ours);
}
