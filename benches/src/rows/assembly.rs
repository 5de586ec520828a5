//! A build without failpoints: the machine code of twin functions, one with a macro.

use std::collections::HashMap;
use std::fs;

use super::{Row, native, output, package, release_build};
use neon_failpoint_benches::measure::Effort;
use neon_failpoint_benches::report::Limit::{AtLeast, AtMost};
use neon_failpoint_benches::report::Line;

pub(super) const ASSEMBLY: Row = Row {
    name: "assembly",
    about: "without `testing`: lines of machine code that differ from a twin without the macro",
    run: assembly,
};

/// The twins: `NAME_with` has the macro, `NAME_without` does not.
const TWINS: &str = include_str!("assembly/twins.rs");

fn assembly(_: Effort) -> Result<Vec<Line>, String> {
    let without = compare(&["async"])?;
    let mut line = Line::new("without testing", None, "lines");
    for (name, differing) in &without {
        line = line
            .columns([(name.as_str(), *differing)])
            .exact_bar(name, *differing, AtMost(0.0));
    }
    // A check of the comparison itself: with failpoints, no function equals its twin.
    let with = compare(&["async", "testing"])?;
    let least = with.iter().map(|(_, n)| *n).fold(f64::MAX, f64::min);
    let control = Line::new("with testing, for comparison", None, "lines")
        .columns(with.iter().map(|(name, n)| (name.as_str(), *n)))
        .exact_bar("the fewest", least, AtLeast(1.0));
    Ok(vec![line, control])
}

/// How many lines of assembly differ in each pair of twins.
fn compare(features: &[&str]) -> Result<Vec<(String, f64)>, String> {
    let folder = package("twins", "2024", &native(features), "lib.rs", TWINS)?;
    let file = folder.join("twins.s");
    let emit = format!("asm={}", file.display());
    let mut build = release_build(&folder, "rustc");
    build.args(["--", "-Ccodegen-units=1", "--emit", &emit]);
    output(&mut build)?;
    let text = fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))?;
    let functions = functions(&text);

    let names = TWINS.lines().filter_map(|line| {
        let (_, rest) = line.split_once("fn ")?;
        rest.split_once("_without(").map(|(name, _)| name)
    });
    let compared = names.map(|name| {
        let body = |twin: &str| {
            let function = format!("{name}_{twin}");
            let body = functions.get(function.as_str());
            body.ok_or(format!("no function {function} in the assembly"))
        };
        let (with, without) = (body("with")?, body("without")?);
        let differing = with.iter().zip(without).filter(|(a, b)| a != b).count();
        let differing = differing + with.len().abs_diff(without.len());
        Ok((name.to_owned(), differing as f64))
    });
    compared.collect()
}

/// Returns the instructions of each named function, with labels numbered in order. A function that
/// the compiler merged with its twin has the twin's.
fn functions(text: &str) -> HashMap<&str, Vec<String>> {
    let mut functions: HashMap<&str, Vec<String>> = HashMap::new();
    let mut merged = Vec::new();
    let mut name = "";
    for line in text.lines() {
        let line = line.split(" # ").next().unwrap_or_default();
        if let Some((alias, of)) = alias(line) {
            merged.push((alias.trim(), of.trim()));
        } else if let Some(label) = line.strip_suffix(':') {
            if !label.starts_with(".L") && !label.contains(' ') {
                name = label;
            } else if let Some(body) = functions.get_mut(name) {
                body.push("label".to_owned());
            }
        } else if line.starts_with('\t') && !line.starts_with("\t.") {
            let label = |word: &str| word.starts_with(".L");
            let words = line
                .split_whitespace()
                .map(|w| if label(w) { "label" } else { w });
            let body = functions.entry(name).or_default();
            body.push(words.collect::<Vec<_>>().join(" "));
        }
    }
    for (alias, of) in merged {
        if let Some(body) = functions.get(of).cloned() {
            functions.insert(alias, body);
        }
    }
    functions
}

/// `ALIAS = NAME`, or `.set ALIAS, NAME`.
fn alias(line: &str) -> Option<(&str, &str)> {
    match line.trim().strip_prefix(".set ") {
        Some(rest) => rest.split_once(','),
        None => line.split_once(" = "),
    }
}
