//! The items of `fail`'s surface.

use crate::common::sources;
use compat_tests::{sentence_key, surface};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

#[test]
fn each_item_has_a_script_and_each_script_an_item() {
    let sources = sources();
    let items = surface();
    for item in items.iter().filter(|item| item.is_observable()) {
        assert!(
            !item.shown_by(&sources).is_empty(),
            "no script shows {:?}",
            item.name
        );
    }
    for source in &sources {
        for shown in &source.script.shows {
            let known = items.iter().any(|item| item.name == shown);
            assert!(known, "{}: no item is called {shown:?}", source.name);
        }
    }
}

#[test]
fn each_sentence_of_fails_documentation_belongs_to_an_item() {
    let items = surface();
    let named: BTreeSet<&str> = items
        .iter()
        .flat_map(|i| i.sentences.iter().copied())
        .collect();
    let source = std::fs::read_to_string(fail_source()).unwrap();
    let library = source.split("\n#[cfg(test)]\nmod tests").next().unwrap();
    let sentences = sentences(library);
    assert!(sentences.len() > 100);
    let keys: BTreeSet<String> = sentences.iter().map(|s| sentence_key(s)).collect();
    for sentence in &sentences {
        let key = sentence_key(sentence);
        assert!(named.contains(&*key), "no item names {key}: {sentence}");
    }
    for key in named {
        assert!(keys.contains(key), "no sentence of fail has the key {key}");
    }
}

/// The guide has the table that `--table` prints.
#[test]
fn the_table_in_the_guide_is_the_present_one() {
    const GUIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../migration/README.md");
    let mut table = Vec::new();
    compat_tests::print_table(&mut table, &sources()).unwrap();
    let table = String::from_utf8(table).unwrap();
    let guide = std::fs::read_to_string(GUIDE).unwrap();
    assert!(
        guide.contains(&table),
        "the table in migration/README.md is not what \
         `cargo run -p compat-tests -- --table` prints: replace it"
    );
}

/// Where cargo keeps the source of `fail` 0.5.1.
fn fail_source() -> PathBuf {
    let about = output(Command::new("rustc").arg("-vV"));
    let host = about
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .unwrap();
    // Only this platform: what others need may never have been downloaded.
    let platform = format!("--filter-platform={host}");
    let manifest = concat!(
        "--manifest-path=",
        env!("CARGO_MANIFEST_DIR"),
        "/Cargo.toml"
    );
    let arguments = [
        "metadata",
        "--format-version=1",
        "--offline",
        &platform,
        manifest,
    ];
    let metadata = output(Command::new(env!("CARGO")).args(arguments));
    let mut strings = metadata.split('"').map(|path| path.replace("\\\\", "/"));
    let manifest = strings
        .find(|path| path.ends_with("/fail-0.5.1/Cargo.toml"))
        .unwrap();
    PathBuf::from(manifest).with_file_name("src").join("lib.rs")
}

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// The sentences of the documentation comments, without examples and titles.
fn sentences(source: &str) -> BTreeSet<String> {
    let mut sentences = BTreeSet::new();
    let mut paragraph = String::new();
    let mut is_example = false;
    for line in source.lines().chain([""]) {
        let line = line.trim_start();
        let comment = line
            .strip_prefix("//!")
            .or_else(|| line.strip_prefix("///"));
        let comment = comment.map_or("", str::trim);
        let is_fence = comment.starts_with("```");
        let is_item = comment.starts_with("- ") || comment.starts_with(|c: char| c.is_numeric());
        let goes_on = !is_fence && !is_example && !comment.is_empty() && !comment.starts_with('#');
        if !goes_on || is_item {
            split(&std::mem::take(&mut paragraph), &mut sentences);
        }
        if goes_on {
            paragraph = format!("{paragraph} {comment}");
        }
        is_example ^= is_fence;
    }
    sentences
}

/// Adds a paragraph's sentences: each ends before a capital letter or a code.
fn split(paragraph: &str, sentences: &mut BTreeSet<String>) {
    let mut start = 0;
    for (index, _) in paragraph.match_indices(' ') {
        let ends = paragraph[..index].ends_with(['.', '!', '?', ':']);
        let begins = |c: char| c.is_uppercase() || c == '`' || c == '"';
        if ends && paragraph[index + 1..].starts_with(begins) {
            sentences.insert(paragraph[start..index].trim().to_owned());
            start = index;
        }
    }
    let last = paragraph[start..].trim();
    if !last.is_empty() {
        sentences.insert(last.to_owned());
    }
}
