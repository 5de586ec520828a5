//! Published crates on `fail`: scan finds what a plain search of the text finds.

use std::path::{Path, PathBuf};

use crate::common;

/// Where Cargo keeps the sources of a published crate, which it fetches if need be.
fn fetched(name: &str, version: &str) -> Option<PathBuf> {
    let folder = common::folder();
    let mut info =
        std::process::Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    info.arg("info")
        .arg(format!("{name}@{version}"))
        .args(["--color", "never"])
        .current_dir(folder.path());
    let output = info.output().ok()?;
    if !output.status.success() {
        eprintln!(
            "skipped: {name} {version} cannot be fetched: {}",
            common::said(&output)
        );
        return None;
    }
    let home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| {
            let home = std::env::var_os("HOME").or_else(|| std::env::var_os("USERPROFILE"))?;
            Some(PathBuf::from(home).join(".cargo"))
        })?;
    let registries = std::fs::read_dir(home.join("registry/src")).ok()?;
    let found = registries
        .filter_map(Result::ok)
        .map(|registry| registry.path().join(format!("{name}-{version}")))
        .find(|path| path.is_dir());
    if found.is_none() {
        eprintln!("skipped: Cargo keeps {name} {version} elsewhere");
    }
    found
}

/// The text without comments and without what is in string and character literals.
fn code_only(text: &str) -> String {
    let mut code = String::new();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if let Some(length) = raw_string(rest, code.chars().next_back()) {
            length
        } else if next == '"' {
            quoted(rest, '"')
        } else if next == '\'' {
            character(rest)
        } else {
            0
        };
        let taken = if skipped == 0 {
            code.push(next);
            next.len_utf8()
        } else {
            code.push(' ');
            skipped
        };
        rest = rest.get(taken..).unwrap_or_default();
    }
    code
}

/// Comments nest.
fn block_comment(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

fn raw_string(text: &str, before: Option<char>) -> Option<usize> {
    if before.is_some_and(|before| before.is_alphanumeric() || before == '_') {
        return None;
    }
    let rest = text.strip_prefix("br").or_else(|| text.strip_prefix('r'))?;
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    let body = rest.get(hashes..)?.strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let start = text.len() - body.len();
    Some(
        body.find(&end)
            .map_or(text.len(), |at| start + at + end.len()),
    )
}

fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// A character, not a lifetime.
fn character(text: &str) -> usize {
    let mut chars = text.chars().skip(1);
    match (chars.next(), chars.next()) {
        (Some('\\'), _) | (_, Some('\'')) => quoted(text, '\''),
        _ => 0,
    }
}

fn search(folder: &Path) -> usize {
    let mut found = 0;
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found += search(&path);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let code = code_only(&common::read(&path));
            let code: String = code.split_whitespace().collect::<Vec<_>>().join("");
            let calls = code.matches("fail_point!").count();
            found += calls;
        }
    }
    found
}

/// Finds all of them, so many of which can be rewritten.
fn finds_all(name: &str, version: &str, rewritable: usize) {
    let Some(folder) = fetched(name, version) else {
        return;
    };
    let expected = search(&folder);
    assert!(expected > 0, "{name} has failpoints");
    let report = common::scan(&folder);
    let macros = common::each(&report, "macro");
    let found = macros
        .iter()
        .filter(|path| path.ends_with("fail_point"))
        .count();
    assert_eq!(found, expected, "{name}: {macros:?}");
    assert_eq!(report["crates"][0]["rewritable"], rewritable, "{name}");
    assert_eq!(report["unparsed"], serde_json::json!([]));
}

#[test]
fn the_search_skips_comments_and_literals() {
    let text = "a!/* x! /* y! */ */ \"b!\\\"\" r#\"c!\"# '\"' 'd e! // f!\n'\\'' g!";
    assert_eq!(code_only(text).matches('!').count(), 3);
}

#[test]
fn every_failpoint_of_raft_engine_is_found() {
    finds_all("raft-engine", "0.4.2", 0);
}

#[test]
fn every_failpoint_of_tantivy_is_found() {
    finds_all("tantivy", "0.24.2", 0);
}

#[test]
fn every_failpoint_of_tikv_client_is_found() {
    finds_all("tikv-client", "0.4.0", 2);
}
