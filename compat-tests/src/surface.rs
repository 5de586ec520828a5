//! The items of `fail`'s surface, and which script shows each.

use crate::runner::Source;
use std::io::{self, Write};

/// The items, and the sentences of `fail`'s documentation that state them.
const SURFACE: &str = include_str!("../surface.txt");
/// The item that gathers sentences about nothing observable.
const PROSE: &str = "prose";

/// An item of `fail`'s surface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What scripts call it, `AREA: WHAT`.
    pub name: &'static str,
    /// The [`sentence_key`]s of the sentences of the documentation that belong to it.
    pub sentences: Vec<&'static str>,
}

impl Item {
    /// Whether a script can show it.
    pub fn is_observable(&self) -> bool {
        self.name != PROSE
    }

    /// The scripts that show it.
    pub fn shown_by<'a>(&self, sources: &'a [Source]) -> Vec<&'a Source> {
        let shows = |source: &&Source| source.script.shows.iter().any(|shown| shown == self.name);
        sources.iter().filter(shows).collect()
    }
}

/// Every item, in the order of `fail`'s documentation.
pub fn surface() -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    let is_item = |line: &&str| !line.trim().is_empty() && !line.starts_with('#');
    for line in SURFACE.lines().filter(is_item) {
        match (line.trim_start().strip_prefix("> "), items.last_mut()) {
            (Some(key), Some(item)) => item.sentences.push(key),
            _ => items.push(Item {
                name: line,
                sentences: Vec::new(),
            }),
        }
    }
    items
}

/// Returns the key of a sentence of `fail`'s documentation: its 64-bit FNV-1a hash.
pub fn sentence_key(sentence: &str) -> String {
    let hash = sentence
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
    format!("{hash:016x}")
}

/// Writes the table of items in Markdown: same or different, and the scripts.
///
/// # Errors
///
/// If the output cannot be written.
pub fn print_table(out: &mut impl Write, sources: &[Source]) -> io::Result<()> {
    writeln!(out, "| item | what it does | | script |\n|---|---|---|---|")?;
    let mut last = "";
    for item in surface().iter().filter(|item| item.is_observable()) {
        let scripts = item.shown_by(sources);
        let different = |source: &&&Source| source.script.deviates_at(item.name);
        let verdict = match scripts.iter().find(different) {
            Some(_) => "**different**",
            None => "same",
        };
        let (area, what) = item.name.split_once(": ").unwrap_or((item.name, ""));
        let names: Vec<_> = scripts
            .iter()
            .map(|source| format!("`{}`", source.name))
            .collect();
        let shown = if area == last {
            String::new()
        } else {
            format!("`{area}`")
        };
        writeln!(
            out,
            "| {shown} | {what} | {verdict} | {} |",
            names.join(", ")
        )?;
        last = area;
    }
    Ok(())
}
